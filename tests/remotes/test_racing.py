"""Many devices at one branch."""

from concurrent.futures import ThreadPoolExecutor

from memory_sync.errors import Moved
from tests.remotes.case import RemoteCase, Vault, begin

DEVICES = 4
ROUNDS = 6


def test_i40_every_racing_commit_lands(remote_case: RemoteCase) -> None:
    """Devices that commit at once and look again when they lose all land, one upon the other."""
    first = begin(remote_case).head or ""

    def work(device: int) -> list[str]:
        vault, made = Vault(remote_case.connect()), []
        for number in range(ROUNDS):
            while True:
                vault.catch_up()
                try:
                    made.append(vault.commit({f"objects/00/{device}-{number}.age": "x\n"}))
                except Moved:
                    continue
                break
        return made

    with ThreadPoolExecutor(DEVICES) as pool:
        made = [head for heads in pool.map(work, range(DEVICES)) for head in heads]
    chain = remote_case.chain()
    assert sorted(chain) == sorted([*made, first])
    assert remote_case.git("rev-list", "--min-parents=2", "--all") == ""
    assert len(remote_case.files(chain[0])) == DEVICES * ROUNDS + 1
    remote_case.check()


def test_of_commits_on_one_head_one_wins(remote_case: RemoteCase) -> None:
    """Of several commits on the same head exactly one moves the branch."""
    begun = begin(remote_case)
    vaults = [Vault(remote_case.connect(), begun.head, dict(begun.tree)) for _ in range(DEVICES)]

    def work(device: int) -> str | None:
        try:
            return vaults[device].commit({f"objects/00/{device}.age": "x\n"})
        except Moved:
            return None

    with ThreadPoolExecutor(DEVICES) as pool:
        won = [head for head in pool.map(work, range(DEVICES)) if head]
    assert remote_case.chain() == [*won, begun.head]
