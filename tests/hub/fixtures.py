"""Fixtures for tests that need a GitHub."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.hub.fetch import SCHEMA
from tests.hub.hub import Hub
from tests.hub.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLSchema


@pytest.fixture(scope="session")
def github_schema() -> GraphQLSchema:
    """GitHub's GraphQL schema, read once for all tests."""
    if not SCHEMA.exists():
        message = "needs npm: GitHub's GraphQL schema (scripts/test fetches it where npm is)"
        if os.environ.get("MEMORY_SYNC_NO_SKIP") == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return load_schema(SCHEMA)


@pytest.fixture
def hub(github_schema: GraphQLSchema) -> Iterator[Hub]:
    """Serve a GitHub without users; it fails the test that asks what it cannot answer."""
    with Hub(github_schema) as running:
        yield running
