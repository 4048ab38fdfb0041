"""Wiring: makes the parts from the configuration. The one place that knows every adapter."""
