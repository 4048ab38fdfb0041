"""Settings, directories and the log: what the program knows of its environment."""
