"""Ports: small protocols for what can be replaced (remote, files, clock), and their adapters."""
