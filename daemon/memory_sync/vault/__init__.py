"""Vault format 1: names, objects, seals, git tree ids, keys. Knows nothing of files or networks.

The format is described in docs/vault-format.md, exact to the byte.
"""
