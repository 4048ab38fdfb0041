"""What it takes to join a vault on GitHub from a new machine."""

from __future__ import annotations

from tests.cli.person import Person
from tests.hub import Hub

REMOTE = "github:ada/notes"


def test_a_new_machine_fetches_its_files_once(ada: Person, bob: Person, hub: Hub) -> None:
    """`init` looks, compares and syncs: the files come in one archive, and no second time."""
    token = hub.add_user("ada")
    for person in (ada, bob):
        person.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
        person.env["GITHUB_TOKEN"] = token
    for number in range(350):
        ada.write(f"memory/{number}.md", f"{number}\n")
    assert ada.types("init", str(ada.agent), "--remote", REMOTE, "--yes").status == 0
    key = ada.home / "key.txt"
    assert ada.types("export-key", str(key)).status == 0
    assert bob.types("import-key", str(key)).status == 0
    before = len(hub.requests)
    ran = bob.types("init", str(bob.agent), "--remote", REMOTE, "--yes")
    assert ran.status == 0, ran
    places = [
        f"{done.method} {'/'.join(done.path.split('/')[4:6])}" if done.kind == "rest" else done.kind
        for done in hub.requests[before:]
        if done.status != 304
    ]
    assert places == [
        # What is it, is it a vault, is its key here, and may this token write to it?
        "GET ", "GET commits/heads", "GET commits", "GET git/trees", "query", "PATCH git/refs",
        # What does it hold?
        "GET commits", "GET git/trees", f"GET tarball/{hub.repo('ada/notes').head()}", "codeload",
        # Is it private? The sync itself asks only what is answered 304.
        "GET ",
    ]  # fmt: skip
    assert bob.read("memory/349.md") == "349\n"
