"""What is kept of an answer for the comparison."""

import json

from tests.live.shape import Masks, shape_of
from tests.live.talk import Reply

MASKS = Masks({"vault": "REPO", "ada": "LOGIN"})
SHA = "0123456789abcdef" * 2 + "01234567"


def shape(data: object, **headers: str) -> dict[str, str]:
    """Return the shape of an answer with this JSON."""
    return dict(shape_of(Reply(200, headers, json.dumps(data).encode()), MASKS))


def test_ids_times_hosts_and_names_are_masked() -> None:
    """Two answers that differ only in what no two servers share have one shape."""
    message = f"User 17: {SHA} of Ada/vault at https://a.example/x, 2026-01-02T03:04:05Z"
    assert shape({"message": message})["body.message"] == (
        "'User N: ID of LOGIN/REPO at URL, TIMEZ'"
    )
    assert shape({"sha": SHA, "at": "2026-01-02T03:04:05Z", "url": "https://b.example/"}) == {
        "status": "200",
        "body": "object",
        "body.sha": "ID",
        "body.at": "TIMEZ",
        "body.url": "URL",
    }


def test_a_name_is_masked_only_where_it_stands_alone() -> None:
    """A login that is a part of another word leaves the word as it is."""
    assert shape({"message": "metadata of vaults"})["body.message"] == "'metadata of vaults'"


def test_only_words_of_the_interface_are_kept() -> None:
    """The text of a type is compared, that of a description never shows."""
    found = shape({"type": "STALE_DATA", "description": "private", "mode": "100644"})
    assert found["body.type"] == "'STALE_DATA'"
    assert found["body.description"] == "text"
    assert found["body.mode"] == "'100644'"


def test_items_of_a_list_share_a_place() -> None:
    """A list is told by all that its items are, and an empty one as such."""
    found = shape({"items": [{"size": 1}, {"size": None}], "none": []})
    assert found["body.items[].size"] == "null or number"
    assert found["body.none"] == "empty list"


def test_headers_that_matter_are_kept() -> None:
    """A tag's form is compared, of a limit only that it is there, and other headers are not."""
    found = shape(1, etag=f'W/"{SHA}"', vary="Accept", **{"x-ratelimit-used": "17"})
    assert found["header etag"] == 'W/"ID"'
    assert found["header x-ratelimit-used"] == "there"
    assert "header vary" not in found


def test_a_body_that_is_no_json() -> None:
    """An id alone, an archive, nothing and anything else are told apart."""
    bodies = [SHA.encode(), b"\x1f\x8b\x08", b"", b"<html>"]
    found = [shape_of(Reply(200, {}, body), MASKS)["body"] for body in bodies]
    assert found == ["ID", "gzip", "nothing", "bytes"]
