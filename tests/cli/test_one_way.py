"""What the commands say of a root of one direction is true: nothing waits that never goes."""

from __future__ import annotations

from tests.cli.person import Person, until

Pair = tuple[Person, Person]


def turned(person: Person, direction: str) -> None:
    """Let the root go one way from now on: it stands last in the file."""
    person.configure(f'direction = "{direction}"\n')
    assert person.types("now").status == 0


def test_a_root_that_only_receives_shows_nothing_as_pending(pair: Pair) -> None:
    """An edit here is no change that would travel; what comes down is; a conflict shows."""
    ada, bob = pair
    turned(bob, "pull")
    bob.write("MEMORY.md", "mine\n")
    assert bob.types("now", "--dry-run").out == "vault: nothing to do\n"
    assert bob.types("push").out == "vault: nothing to do\n"
    assert "+mine" in bob.types("diff", "memory/MEMORY.md").out
    assert "nothing here is sent" in bob.types("ignored", str(bob.agent / "MEMORY.md")).out
    ada.write("MEMORY.md", "theirs\n")
    ada.types("now")
    assert "  merge here    memory/MEMORY.md" in bob.types("now", "--dry-run").out
    assert bob.types("now").status == 3
    assert ada.types("now").status == 0
    [conflict] = bob.types("conflicts", "--json").answer["data"]["conflicts"]
    assert conflict["path"] == "memory/MEMORY.md"
    [row] = bob.types("status", "--json").answer["data"]["vaults"]
    assert row["conflicts"] == 1
    assert (
        bob.types("conflicts", "resolve", "memory/MEMORY.md", "--keep", "mine", "--yes").status == 0
    )
    assert bob.types("now").out == "vault: nothing to do\n"
    [row] = bob.types("status", "--json").answer["data"]["vaults"]
    assert row["conflicts"] == 0
    assert (bob.read("MEMORY.md"), ada.read("MEMORY.md")) == ("mine\n", "theirs\n")


def test_a_root_that_only_sends_shows_what_it_overrules(pair: Pair) -> None:
    """What others wrote is not pending; a file that both changed is, under its own word."""
    ada, bob = pair
    turned(bob, "push")
    ada.write("MEMORY.md", "theirs\n")
    ada.types("now")
    assert bob.types("now", "--dry-run").out == "vault: nothing to do\n"
    bob.write("MEMORY.md", "mine\n")
    assert "  overrule      memory/MEMORY.md" in bob.types("now", "--dry-run").out
    assert bob.types("push").status == 3
    assert bob.types("now", "--dry-run").out == "vault: nothing to do\n"
    assert ada.types("now").status == 3
    assert (bob.read("MEMORY.md"), ada.read("MEMORY.md")) == ("mine\n", "mine\n")


def test_a_running_daemon_takes_up_a_new_direction(pair: Pair) -> None:
    """It does not send what is edited after that, and is idle all the same."""
    ada, bob = pair
    bob.configure('direction = "pull"\n[daemon]\ndebounce = 0.1\npoll = 0.2\n')
    with bob.daemon():
        bob.write("MEMORY.md", "mine\n")
        ada.write("memory/new.md", "new\n")
        ada.types("now")
        until(lambda: bob.read("memory/new.md"))
        until(lambda: bob.state() == "idle")
        [row] = bob.types("status", "--json").answer["data"]["vaults"]
        assert (row["pending"], row["conflicts"]) == (0, 0)
    assert ada.types("now").out == "vault: nothing to do\n"


def test_a_push_says_that_something_waits(pair: Pair) -> None:
    """A merge is for a sync that may change files here: a job that ends with `push` sees it."""
    ada, bob = pair
    ada.write("MEMORY.md", "theirs\n")
    ada.types("now")
    bob.write("MEMORY.md", "mine\n")
    bob.write("memory/new.md", "new\n")
    ran = bob.types("push")
    assert ran.out.startswith("vault: 1 up, ")
    assert "1 waiting" in ran.out
    bob.types("now")
    assert "waiting" not in bob.types("push").out


def test_leaving_names_what_would_overrule(pair: Pair) -> None:
    """An edit of a file that others edited too is not in the vault yet, whichever way it goes."""
    ada, bob = pair
    turned(bob, "push")
    ada.write("MEMORY.md", "theirs\n")
    ada.types("now")
    bob.write("MEMORY.md", "mine\n")
    assert "Not in the vault yet: 1 file" in bob.types("leave", "--root", "memory", "--yes").err
