"""How a repository comes to be and gets its first commit."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from memory_sync.errors import Moved
from tests.remotes.case import MESSAGE, RemoteCase, Vault, begin


def test_before_it_is_created_it_does_not_exist(remote_case: RemoteCase) -> None:
    """The condition of a repository that nobody made says so, and asking makes nothing."""
    assert not remote_case.connect().condition().exists
    assert not remote_case.connect().condition().exists


def test_after_it_is_created_it_exists(remote_case: RemoteCase) -> None:
    """Another device sees a created repository, and that it may write to it."""
    remote_case.connect().create()
    condition = remote_case.connect().condition()
    assert condition.exists
    assert condition.can_write
    assert condition.public is not True


def test_a_created_repository_is_empty(remote_case: RemoteCase) -> None:
    """A repository without a commit has no head, for git as for us."""
    remote_case.connect().create()
    assert remote_case.connect().head() is None
    assert remote_case.head() is None
    remote_case.check()


def test_creating_again_changes_nothing(remote_case: RemoteCase) -> None:
    """A repository that exists by now is no error and keeps its commits."""
    head = begin(remote_case).head
    remote_case.connect().create()
    assert remote_case.connect().head() == head


def test_four_devices_create_at_once(remote_case: RemoteCase) -> None:
    """Whoever creates first, all of them can work with what is there then."""
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(remote_case.connect().create) for _ in range(4)]
        assert [job.result() for job in jobs] == [None] * 4
    assert remote_case.connect().head() is None
    Vault(remote_case.connect()).commit({"vault.json": "{}\n"})
    remote_case.check()


def test_first_commit(remote_case: RemoteCase) -> None:
    """The first commit has no parent and holds what was written."""
    vault = begin(remote_case)
    assert vault.head
    assert remote_case.chain() == [vault.head]
    assert remote_case.git("rev-list", "--parents", "-1", vault.head) == vault.head
    assert remote_case.files(vault.head) == vault.tree
    remote_case.check()


def test_the_second_first_commit_is_refused(remote_case: RemoteCase) -> None:
    """Of two devices that begin a vault one fails, and the other's commit stays."""
    head = begin(remote_case).head
    with pytest.raises(Moved):
        Vault(remote_case.connect()).commit({"vault.json": "another\n"})
    assert remote_case.head() == head


def test_of_devices_that_begin_at_once_one_wins(remote_case: RemoteCase) -> None:
    """First commits that race leave exactly one of them on the branch."""
    remote_case.connect().create()
    vaults = [Vault(remote_case.connect()) for _ in range(4)]

    def start(number: int) -> str | None:
        try:
            return vaults[number].commit({"vault.json": f"{number}\n"})
        except Moved:
            return None

    with ThreadPoolExecutor(4) as pool:
        won = [head for head in pool.map(start, range(4)) if head]
    assert won == [remote_case.head()]
    assert remote_case.chain() == won


def test_a_commit_on_a_head_that_never_was(remote_case: RemoteCase) -> None:
    """An empty repository takes no commit that wants a parent."""
    remote_case.connect().create()
    vault = Vault(remote_case.connect(), head="1" * 40)
    with pytest.raises(Moved):
        vault.commit({"vault.json": "{}\n"})
    assert remote_case.head() is None


def test_adopting_a_repository_with_a_readme(remote_case: RemoteCase) -> None:
    """A vault can begin on the commit that another program made, and keeps its files."""
    remote_case.connect().create()
    stream = b"commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\n"
    old = remote_case.write_as_another_program(stream + b"M 644 inline README.md\ndata 3\nhi\n\n")
    vault = Vault(remote_case.connect())
    vault.catch_up()
    new = vault.commit({"vault.json": "{}\n"}, message=MESSAGE)
    assert remote_case.chain() == [new, old]
    assert set(remote_case.files(new)) == {"README.md", "vault.json"}
