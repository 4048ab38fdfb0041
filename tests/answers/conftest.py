"""The whole table, played once."""

from __future__ import annotations

import pytest
from graphql import GraphQLSchema

from tests.answers.stage import Record, play
from tests.answers.table import BARRED, LARGE, ROWS


@pytest.fixture(scope="session")
def records(
    tmp_path_factory: pytest.TempPathFactory, github_schema: GraphQLSchema
) -> dict[str, Record]:
    """Play all rows at once, which takes two minutes, and give what was seen of each by name."""
    return play(tmp_path_factory.mktemp("answers"), github_schema, (*ROWS, LARGE, BARRED))
