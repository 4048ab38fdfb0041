"""Fixtures for tests that need a GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hub.fetch import SCHEMA
from tests.hub.hub import Hub
from tests.hub.schema import load_schema
from tests.needs import needs_fetched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLSchema


@pytest.fixture(scope="session")
def github_schema() -> GraphQLSchema:
    """GitHub's GraphQL schema, read once for all tests."""
    needs_fetched("@octokit/graphql-schema")
    return load_schema(SCHEMA)


@pytest.fixture
def hub(github_schema: GraphQLSchema) -> Iterator[Hub]:
    """Serve a GitHub without users; it fails the test that asks what it cannot answer."""
    # Without GitHub's description of itself a hub answers all the same, and nothing holds it.
    needs_fetched("@octokit/openapi")
    with Hub(github_schema) as running:
        yield running
