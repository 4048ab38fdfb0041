"""From a git origin to the name that all machines have for a project."""

import pytest

from memory_sync.config.origins import LONGEST, normalised, root_name
from memory_sync.vault.paths import ROOT_NAME

SAME = [
    "git@github.com:owner/repo.git",
    "git@github.com:owner/repo",
    "github.com:owner/repo/",
    "git@GitHub.com:/Owner/Repo.git",
    "ssh://git@github.com/owner/repo.git",
    "ssh://git@github.com:22/owner/repo",
    "ssh://git@ssh.github.com:443/owner/repo.git",
    "git+ssh://git@github.com/owner/repo",
    "git://github.com/owner/repo.git",
    "git://github.com:9418/owner/repo.git/",
    "https://github.com/owner/repo",
    "https://github.com/owner/repo.git/",
    "HTTPS://GITHUB.COM:443//Owner/repo.GIT",
    "https://user@github.com/owner/repo",
    "https://user:ghp_secret@github.com/owner/repo",
    "http://github.com:80/owner/repo?token=secret#x",
    " https://www.github.com/own%65r/repo ",
]
FORMS = {
    "git@host.example:Owner/Repo.git": "host.example/Owner/Repo",
    "https://host.example:8443/a/b/c.git": "host.example:8443/a/b/c",
    "ssh://host.example:443/a": "host.example:443/a",
    "https://host.example/a%20b": "host.example/a b",
    "https://host.example./a": "host.example/a",
    "ssh://[fe80::1]/a/b": "[fe80::1]/a/b",
    "git@[fe80::1]:a/b": "[fe80::1]/a/b",
    "host.example:~ada/repo": "host.example/~ada/repo",
    "git@work-alias:a/b.git": "work-alias/a/b",
    "git@host.example:22/b": "host.example/22/b",
    "https://host.example/cafe\u0301": "host.example/caf\u00e9",
}
NONE = [
    "",
    "/srv/repo.git",
    "../repo",
    "./a:b",
    "~/repo",
    "file:///srv/repo.git",
    "http://localhost:3000/a/b",
    "git@127.0.0.1:a/b",
    "ssh://[::1]/a",
    "ext::sh -c 'true'",
    "codecommit::eu-west-1://repo",
    "https://host.example",
    "https://host.example/.git",
    "https://host.example/a/../b",
    "https://host.example/a%2f..%2fb",
    "https://host.example:port/a",
    "https:///a/b",
    "https://[broken/a",
    "https://host.example/a\x00b",
    "https://host.example/a%0ab",
    "https://host.example/\ud800",
    "ftp://host.example/a",
    "https://host.example/" + "a" * LONGEST,
]


@pytest.mark.parametrize("url", SAME)
def test_i76_all_ways_to_a_repository_are_one(url: str) -> None:
    """Form, user, password, usual port, `.git`, slashes and the case of the host do not count."""
    assert normalised(url) == "github.com/owner/repo"


@pytest.mark.parametrize(("url", "form"), FORMS.items())
def test_the_form_of_an_origin(url: str, form: str) -> None:
    """Another port, another case and another path are another repository."""
    assert normalised(url) == form


@pytest.mark.parametrize("url", NONE)
def test_what_no_other_machine_has_is_no_origin(url: str) -> None:
    """A path, this machine itself, or something that is not understood."""
    assert normalised(url) is None


@pytest.mark.parametrize(
    ("origin", "subfolder", "begins"),
    [
        ("github.com/owner/repo", "", "claude-repo-"),
        ("host.example/Owner/My Repo!", "", "claude-my-repo-"),
        ("host.example/a/" + "x" * 200, "", "claude-" + "x" * 40 + "-"),
        ("host.example/a/\u65e5\u672c", "", "claude-project-"),
        ("host.example/a/..b", "", "claude-b-"),
        ("github.com/owner/repo", "tools/Build", "claude-build-"),
    ],
)
def test_a_roots_name_is_one_that_a_vault_can_have(
    origin: str, subfolder: str, begins: str
) -> None:
    """It begins with the repository's name, ends with a hash, and is in lower case."""
    name = root_name("claude-code", origin, subfolder)
    assert name.startswith(begins)
    assert len(name) == len(begins) + 10
    assert ROOT_NAME.match(name)
    assert name == name.lower()


def test_another_repository_or_another_part_of_it_is_another_root() -> None:
    """The hash is of all of it; this one is what every version has to give."""
    names = {
        root_name("claude-code", origin, subfolder)
        for origin in ("github.com/a/x", "github.com/b/x", "host.example/a/x")
        for subfolder in ("", "x", "y/x")
    }
    assert len(names) == 9
    assert root_name("claude-code", "github.com/owner/repo") == "claude-repo-d294a3281c"
    composed, apart = "github.com/a/x", ("caf\u00e9", "cafe\u0301")
    assert len({root_name("claude-code", composed, part) for part in apart}) == 1
