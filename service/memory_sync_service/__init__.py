"""Service definitions (systemd, launchd) and what installs them."""
