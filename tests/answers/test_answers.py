"""Every answer of GitHub: what is said of it, when the next try is, and that nothing is lost."""

from __future__ import annotations

import pytest

from tests.answers.check import code_of, first_said, goes_on, holds, is_patient, nothing_lost, says
from tests.answers.page import PAGE, written
from tests.answers.place import DEVICES
from tests.answers.row import Row
from tests.answers.stage import ENDS, Record
from tests.answers.table import ROWS

Records = dict[str, Record]


def rows(statement: int) -> list[Row]:
    """Return the rows of which a numbered statement tells."""
    return [row for row in ROWS if row.statement == statement]


@pytest.mark.parametrize("row", rows(40), ids=str)
def test_i40_a_stale_head_is_planned_anew_and_never_forced(records: Records, row: Row) -> None:
    """GitHub refuses a commit as stale: the head is asked for, a bounded number of times."""
    holds(records[row.name])


@pytest.mark.parametrize("row", rows(41), ids=str)
def test_i41_an_older_head_is_waited_out(records: Records, row: Row) -> None:
    """An older head is a stale read: nothing is reverted, and it goes on when the head is back."""
    holds(records[row.name])


@pytest.mark.parametrize("row", rows(42), ids=str)
def test_i42_what_befalls_the_repository_is_a_named_halt(records: Records, row: Row) -> None:
    """Gone, opened, rewritten, set back: a halt with a name, no deletes, and an end with it."""
    holds(records[row.name])


@pytest.mark.parametrize("row", rows(44), ids=str)
def test_i44_trouble_is_shown_and_survived(records: Records, row: Row) -> None:
    """Limits, errors, lost and senseless answers: nothing is lost, and it goes on by itself."""
    holds(records[row.name])


@pytest.mark.parametrize("row", rows(45), ids=str)
def test_i45_a_token_that_does_not_do_has_a_command_that_mends_it(
    records: Records, row: Row
) -> None:
    """A try an hour, the command in the hint, and with it everything goes on."""
    holds(records[row.name])


@pytest.mark.parametrize("row", rows(48), ids=str)
def test_i48_a_commit_whose_answer_was_lost_is_ones_own(records: Records, row: Row) -> None:
    """The commit landed and its answer did not: it is found, and nothing is written twice."""
    holds(records[row.name])


def test_i44_a_limit_bars_every_vault_with_that_token(records: Records) -> None:
    """What GitHub has asked of one vault holds for the other, also when `now` is typed."""
    record = records["barred"]
    assert first_said(record).code == "rate-limited"
    says(record)
    assert record.went_on
    nothing_lost(record)
    is_patient(records["secondary"])


def test_i44_now_says_for_how_long_github_asks_to_wait(records: Records) -> None:
    """Asked within that time, the daemon sends nothing, and names the seconds that are left."""
    for name in ("secondary-silent", "429-silent"):
        answer = records[name].asked
        assert code_of(answer) == "rate-limited"
        assert answer["error"]["message"].startswith("GitHub asks to wait ")
        assert answer["error"]["status"] == 5


def test_i46_a_large_file_goes_round_and_a_larger_one_is_named(records: Records) -> None:
    """Over 1 MB, with texts that GitHub cuts; over `max_size` it waits, alone, until it is less."""
    record = records["large"]
    shown = first_said(record)
    assert shown.state == "needs-attention"
    assert "memory/huge.md" in shown.message
    goes_on(record)
    for device in DEVICES:
        files = record.files[device]
        assert len(files["memory/big.md"]) > 1_000_000
        assert files["memory/huge.md"] == "small now\n"
        assert f"memory/{device}.md" in files


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("word", ["pull", "push"])
def test_pull_and_push_end_as_now_does(records: Records, name: str, word: str) -> None:
    """The same code, exit status and hint, in processes of their own."""
    record = records[name]
    ran = record.ends[word]
    assert ran.status == record.typed.status == record.row.said.status
    assert ran.errors == record.typed.errors


def test_each_row_is_held_by_one_statement() -> None:
    """No row is left out, and no two have one name."""
    told = [row.name for number in (40, 41, 42, 44, 45, 48) for row in rows(number)]
    assert sorted(told) == sorted({row.name for row in ROWS})


def test_the_page_has_the_table() -> None:
    """docs/github.md says of each answer what the rows hold."""
    text = PAGE.read_text("utf-8")
    assert text == written(text, ROWS)
    assert all(f"| {row.answer} |" in text for row in ROWS)
