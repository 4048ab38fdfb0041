"""The comparison of two servers: every difference is told, and nothing else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from graphql import GraphQLSchema

from memory_sync.ports.token import Token
from tests.hub import Hub
from tests.live import exchanges
from tests.live.compare import NOTHING, Difference, differences, report
from tests.live.front import Alter, Front, Passing, as_it_is
from tests.live.shape import Shape
from tests.live.talk import Talk
from tests.live.throwaway import enter


def shapes(schema: GraphQLSchema, login: str, alter: Alter = as_it_is) -> dict[str, Shape]:
    """Make all exchanges with a double of its own, and see that it is left empty."""
    with Hub(schema) as hub, Front(hub, alter) as front:
        token = Token(hub.add_user(login), "a test")
        with closing(Talk(front.base_url, token)) as talk:
            found = exchanges.run(enter(talk))
        assert hub.repos_of(login) == []
        assert talk.patience.lags == []
    return found


@pytest.fixture(scope="module")
def double(github_schema: GraphQLSchema) -> dict[str, Shape]:
    """Return what the double answers."""
    return shapes(github_schema, "ada")


def another_type(_target: str, _body: bytes, answer: Passing) -> Passing:
    """Call stale data by another name."""
    return replace(answer, body=answer.body.replace(b"STALE_DATA", b"STALE"))


def no_tag(_target: str, _body: bytes, answer: Passing) -> Passing:
    """Leave the entity tag out where nothing has changed."""
    lacking = {name: text for name, text in answer.headers.items() if name != "etag"}
    return replace(answer, headers=lacking) if answer.status == 304 else answer


def another_status(target: str, _body: bytes, answer: Passing) -> Passing:
    """Answer with another status where a tree is asked of an empty repository."""
    empty = answer.status == 409 and target.startswith("GET") and "/git/trees/" in target
    return replace(answer, status=404) if empty else answer


def number_as_text(target: str, _body: bytes, answer: Passing) -> Passing:
    """Tell the size of a blob as a text."""
    found = target.startswith("GET") and "/git/blobs/" in target
    return (
        replace(answer, body=answer.body.replace(b'"size": 8', b'"size": "8"')) if found else answer
    )


def test_between_doubles_there_is_no_difference(
    github_schema: GraphQLSchema, double: dict[str, Shape]
) -> None:
    """Another user, other ids and another time make no difference."""
    assert differences(double, shapes(github_schema, "somebody-else")) == []
    assert report([], len(double)) == f"{len(double)} exchanges compared: 0 differences"


def all_of_them(target: str, body: bytes, answer: Passing) -> Passing:
    """Alter an answer in every way of these."""
    for alter in (another_type, no_tag, another_status, number_as_text):
        answer = alter(target, body, answer)
    return answer


def test_exactly_what_is_altered_is_told(
    github_schema: GraphQLSchema, double: dict[str, Shape]
) -> None:
    """A status, a type of error, a header and the type of a value: each is found, nothing else."""
    stale = "body.errors[].type", "'STALE_DATA'", "'STALE'"
    assert differences(double, shapes(github_schema, "ada", all_of_them)) == [
        Difference("empty: tree", "status", "409", "404"),
        Difference("commit: stale", *stale),
        Difference("commit: unknown head", *stale),
        Difference("poll: unchanged", "header etag", '"ID"', NOTHING),
        Difference("blob: text", "body.size", "number", "text"),
        Difference("updateRefs: elsewhere", *stale),
    ]


def test_what_only_one_side_has_is_told() -> None:
    """A place or a whole exchange that the other side lacks is a difference."""
    found = differences(
        {"a": {"status": "200"}}, {"a": {"status": "200", "x": "1"}, "b": {"y": "2"}}
    )
    assert found == [Difference("a", "x", NOTHING, "1"), Difference("b", "y", NOTHING, "2")]


def test_the_report_has_both_sides() -> None:
    """Below each exchange stand the places that differ, with what either side has."""
    found = [
        Difference("poll", "header etag", '"ID"', NOTHING),
        Difference("poll", "status", "1", "2"),
    ]
    assert report(found, 7).splitlines() == [
        "poll",
        "    header etag",
        '        double: "ID"',
        "        live:   (nothing)",
        "    status",
        "        double: 1",
        "        live:   2",
        "7 exchanges compared: 2 differences",
    ]


def test_each_thing_that_the_adapter_meets_is_exchanged(double: dict[str, Shape]) -> None:
    """The exchanges reach the answers that the adapter treats in ways of their own."""
    wanted = {
        "create repository": "201",
        "empty: head": "409",
        "contents: first file": "201",
        "commit": "200",
        "poll": "200",
        "poll: unchanged": "304",
        "compare": "200",
        "tree: recursive": "200",
        "tarball": "302",
        "tarball: followed": "200",
        "move ref": "200",
        "move ref: no fast forward": "422",
        "user: wrong token": "401",
        "repository: when it is deleted": "404",
    }
    assert {name: double[name]["status"] for name in wanted} == wanted
    assert double["commit"]["body.data.createCommitOnBranch.commit.oid"] == "ID"
    big, binary = double["graphql blob: big"], double["graphql blob: binary"]
    assert big["body.data.repository.b0.isTruncated"] == "true"
    assert binary["body.data.repository.b0.text"] == "null"
    assert double["updateRefs: back"]["body.data.updateRefs"] == "object"
