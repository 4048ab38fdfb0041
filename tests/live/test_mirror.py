"""The mirror of a throwaway repository, by git over HTTP with a token."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from dataclasses import replace
from email.message import Message
from pathlib import Path

import pytest

from memory_sync.ports.token import Token
from tests.hub import Hub
from tests.live.front import Front, Passing
from tests.live.mirror import GitMirror
from tests.live.patient import Ledger
from tests.live.talk import RefusedError, Talk
from tests.needs import needs_linux
from tests.remotes.case import BRANCH, git_output

NAME = "ada/memory-sync-live-0123456789abcdef"
STREAM = (
    b"commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\nM 644 inline f\ndata 1\nx\n"
)
"""What makes another program's commit."""


def allowed() -> None:
    """Allow a push."""


@pytest.fixture
def mirror(front: Front, talk: Talk, hub: Hub, token: Token, tmp_path: Path) -> GitMirror:
    """Return a mirror of an empty repository."""
    hub.add_repo(NAME)
    where = tmp_path / "mirror.git"
    return GitMirror(where, front.base_url, NAME, token, Ledger(), talk, allowed)


def head(mirror: GitMirror) -> str:
    """Return the head that the mirror has."""
    return git_output(mirror.git_dir, "for-each-ref", "--format=%(objectname)", BRANCH).strip()


def test_what_is_pushed_is_there(mirror: GitMirror, hub: Hub) -> None:
    """A commit that git makes in the mirror is the repository's head after the push."""
    mirror.pull()
    git_output(mirror.git_dir, "fast-import", "--quiet", given=STREAM)
    assert mirror.push() == hub.repo(NAME).head() == head(mirror)
    assert mirror.ledger.commits == {head(mirror)}


def test_what_is_there_is_pulled(mirror: GitMirror, hub: Hub) -> None:
    """Branches that moved, that were rewritten and that went away are the same in the mirror."""
    repo = hub.repo(NAME)
    first = repo.change({"a": b"a"}, "one")
    repo.change({"b": b"b"}, "side", branch="side")
    mirror.pull()
    assert head(mirror) == first
    second = repo.change({"a": b"b"}, "two")
    mirror.pull()
    assert head(mirror) == second
    repo.set_head("main", first)
    subprocess.run(["git", "-C", repo.path, "branch", "-q", "-D", "side"], check=True)
    mirror.pull()
    assert git_output(mirror.git_dir, "for-each-ref").split() == [first, "commit", BRANCH]


def test_a_push_must_be_allowed(mirror: GitMirror, hub: Hub) -> None:
    """Nothing is sent to a repository that must not be written to."""

    def refuse() -> None:
        raise RefusedError("not touched")

    mirror.pull()
    git_output(mirror.git_dir, "fast-import", "--quiet", given=STREAM)
    with pytest.raises(RefusedError):
        replace(mirror, before_push=refuse).push()
    assert hub.repo(NAME).head() is None


def test_an_old_state_is_fetched_again(mirror: GitMirror, hub: Hub, front: Front) -> None:
    """A fetch that shows a head which the branch has left is repeated, and told."""
    repo = hub.repo(NAME)
    first = repo.change({"a": b"a"}, "one")
    second = repo.change({"a": b"b"}, "two")
    repo.set_head("main", first)
    mirror.ledger.commits.update({first, second})
    mirror.ledger.pushed(second)
    fetches = []

    def catch_up(target: str, body: bytes, answer: Passing) -> Passing:
        if b"command=ls-refs" in body:
            fetches.append(target)
            repo.set_head("main", second)
        return answer

    front.alter = catch_up
    mirror.pull()
    assert head(mirror) == second
    assert len(fetches) == 2
    assert [(lag.what, lag.came) for lag in mirror.talk.patience.lags] == [("git fetch", True)]


def processes() -> str:
    """Return the arguments of all processes."""
    texts = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            texts.append(path.read_bytes())
    return b"\n".join(texts).replace(b"\0", b" ").decode(errors="replace")


def test_the_token_is_in_no_arguments_and_no_file(
    mirror: GitMirror, front: Front, token: Token, tmp_path: Path
) -> None:
    """While git talks to the server no process shows the token, and no file has it after."""
    needs_linux()
    seen: list[str] = []

    def look(target: str, _body: bytes, answer: Passing) -> Passing:
        seen.append(processes())
        return answer

    front.alter = look
    mirror.pull()
    git_output(mirror.git_dir, "fast-import", "--quiet", given=STREAM)
    mirror.push()
    assert any("remote-http" in text for text in seen)
    assert not any(token.value in text for text in seen)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(token.value.encode() in path.read_bytes() for path in files)


class Listening(Front):
    """A server that notes what git sends for a password, and lets nobody in."""

    def git(self, method: str, target: str, headers: Message, body: bytes) -> Passing:
        self.pushes.append(headers.get("Authorization", ""))
        return Passing(401, {"www-authenticate": 'Basic realm="git"'}, b"")


def test_the_token_goes_to_its_server_only(mirror: GitMirror, hub: Hub) -> None:
    """Another server that asks git for a password gets none; its own would."""
    mirror.pull()
    with Listening(hub) as other:
        words = ["fetch", "--quiet", f"{other.base_url}/{NAME}.git"]
        with pytest.raises(AssertionError):
            mirror._git(*words)
        assert other.pushes == [""]
        with pytest.raises(AssertionError):
            replace(mirror, server=other.base_url)._git(*words)
        assert any(text.startswith("Basic ") for text in other.pushes)


def test_a_failure_does_not_show_the_token(mirror: GitMirror, front: Front, token: Token) -> None:
    """What git says of a refused push is told without the token."""
    front.alter = lambda _target, _body, _answer: Passing(500, {}, b"")
    with pytest.raises(AssertionError) as caught:
        mirror.pull()
    assert "500" in str(caught.value)
    assert token.value not in str(caught.value)
