"""Fixtures that every test may ask for."""

pytest_plugins = ["tests.hub.fixtures", "tests.emulate.fixtures"]
