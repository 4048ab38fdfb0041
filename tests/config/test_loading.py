"""From the file and the environment to settings, or to an error that helps."""

import json
import os
from pathlib import Path

import pytest

from memory_sync.config.loading import load
from memory_sync.config.settings import Settings, nested
from memory_sync.errors import (
    ConfigBrokenError,
    EnvironmentBrokenError,
    MemorySyncError,
    RootOverlapError,
    SettingUnknownError,
)

VAULT = '[[vault]]\nname = "notes"\nremote = "file:///mnt/v.git"\n'
ROOT = '[[vault.root]]\npath = "/a"\n'
TOKEN = "ghp_" + "x" * 36


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where the configuration would be."""
    return tmp_path / "config.toml"


def read(config: Path, text: str, **env: str) -> Settings:
    """Load this text as the configuration."""
    config.write_text(text)
    return load(config, {f"MEMORY_SYNC_{name}": value for name, value in env.items()})


def refusal(config: Path, text: str, **env: str) -> MemorySyncError:
    """Return the error that this configuration meets."""
    with pytest.raises(MemorySyncError) as caught:
        read(config, text, **env)
    assert caught.value.status == 2
    assert caught.value.advice
    return caught.value


def test_no_file_is_an_empty_configuration(config: Path) -> None:
    """Without a file everything is as by default, and there is no vault."""
    assert load(config, {}) == Settings()
    assert Settings().vault == ()


def test_the_defaults(config: Path) -> None:
    """The defaults are those that the design names."""
    found = read(config, VAULT + ROOT)
    assert (found.daemon.debounce, found.daemon.max_delay, found.daemon.poll) == (2, 30, 15)
    assert found.daemon.scan == 3600
    assert found.github.base_url == "https://api.github.com"
    root = found.vault[0].root[0]
    assert root.name == "memory"
    assert root.patterns.include == ("MEMORY.md", "memory/**/*.md")
    assert root.max_size == 10 * 1024 * 1024
    assert dict(root.merge_cap) == {}


def test_the_file_sets(config: Path) -> None:
    """What stands in the file is taken over, nested tables too."""
    text = f"""
        device = "desk"
        [daemon]
        poll = 60
        log_level = "DEBUG"
        {VAULT}
        {ROOT}
        exclude = ["memory/private/*"]
        max_size = "500 KB"
        merge_cap = {{ "MEMORY.md" = 20000 }}
    """
    found = read(config, text)
    assert (found.device, found.daemon.poll, found.daemon.log_level) == ("desk", 60.0, "debug")
    root = found.vault[0].root[0]
    assert not root.patterns.matches("memory/private/x.md")
    assert root.max_size == 500_000
    assert root.merge_cap["MEMORY.md"] == 20000


def test_the_environment_wins(config: Path) -> None:
    """A variable wins over the file and leaves the rest of its table as it is."""
    text = '[daemon]\npoll = 60\nscan = 100\n[github]\nbase_url = "https://ghe.example"\n'
    found = read(config, text, DAEMON__POLL="7.5", GITHUB__BASE_URL="https://other.example/api/")
    assert (found.daemon.poll, found.daemon.scan) == (7.5, 100)
    assert found.github.base_url == "https://other.example/api"


def test_the_environment_needs_no_file(config: Path) -> None:
    """Variables alone make a whole configuration, vaults as JSON."""
    vault = [{"name": "v", "remote": "file:///x.git", "root": [{"path": "/r"}]}]
    env = {
        "MEMORY_SYNC_VAULT": json.dumps(vault),
        "MEMORY_SYNC_DEVICE": "box",
        "MEMORY_SYNC_DAEMON__LOG_PATHS": "true",
    }
    found = load(config, env)
    assert found.device == "box"
    assert found.daemon.log_paths
    assert found.vault[0].root[0].path == Path("/r")


def test_vaults_of_the_environment_replace_those_of_the_file(config: Path) -> None:
    """MEMORY_SYNC_VAULT holds all vaults; none of the file's is added."""
    found = read(config, VAULT, VAULT='[{"name": "other", "remote": "file:///x.git"}]')
    assert [vault.name for vault in found.vault] == ["other"]


def test_the_processs_environment_does_not_leak(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the environment that was given counts."""
    monkeypatch.setenv("MEMORY_SYNC_DAEMON__POLL", "99")
    monkeypatch.setenv("MEMORY_SYNC_DEVICE", "leak")
    assert load(config, {}).daemon.poll == 15.0
    assert load(config, os.environ).daemon.poll == 99.0
    assert Settings().device != "leak"


def test_other_variables_are_no_settings(config: Path) -> None:
    """Variables of ours that are no settings, and empty ones, change nothing."""
    others = {"HOME": "/h", "IDENTITY": "x", "ROOT": "/r", "LIVE_TOKEN": TOKEN}
    assert read(config, "", **others, DAEMON__POLL="") == Settings()


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("[daemon]\npol = 3\n", "daemon.pol (did you mean poll?)"),
        ("[deamon]\npoll = 3\n", "deamon (did you mean daemon?)"),
        ("zzz = 3\n", "zzz"),
        ("_env_file = 'x'\n", "_env_file"),
        (VAULT + 'remot = "x"\n', "vault[notes].remot (did you mean remote?)"),
        (VAULT + ROOT + "includ = []\n", "vault[notes].root[1].includ (did you mean include?)"),
        (
            VAULT + ROOT + 'name = "m"\ndirections = "both"\n',
            "vault[notes].root[m].directions (did you mean direction?)",
        ),
        ("[github]\nprox = 'x'\n", "github.prox (did you mean proxy?)"),
        ("[github]\ntoken = 'x'\n", "github.token (did you mean token_file?)"),
    ],
)
def test_unknown_settings(config: Path, text: str, setting: str) -> None:
    """A setting that does not exist is an error with its dotted path and the nearest name."""
    error = refusal(config, text)
    assert isinstance(error, SettingUnknownError)
    assert error.facts["setting"] == setting
    assert str(config) in error.message


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("[daemon]\npoll = soon\n", "line 2"),
        ("a = [" * 5000, "TOML"),
        ("[daemon]\npoll = 'soon'\n", "daemon.poll: must be a number"),
        ("[daemon]\npoll = 0.01\n", "daemon.poll: must be at least 0.05"),
        ("[daemon]\nscan = inf\n", "daemon.scan: must be a number"),
        ("[daemon]\ndebounce = -1\n", "daemon.debounce: must be at least 0"),
        ("[daemon]\npoll = 1e9\n", "daemon.poll: must be at most 604800"),
        ("[daemon]\ndebounce = 40\n", "daemon: max_delay must not be smaller than debounce"),
        ("[daemon]\nlog_paths = 'maybe'\n", "daemon.log_paths: must be true or false"),
        ("[daemon]\nlog_level = 'loud'\n", "daemon.log_level: must be 'debug'"),
        ("daemon = 3\n", "daemon: must be a table"),
        ("vault = 3\n", "vault: must be a list"),
        ("vault = [3]\n", "vault[1]: must be a table"),
        ("device = 'a b'\n", "device: must be 1 to 64"),
        ("device = '.a'\n", "device: must be 1 to 64"),
        ("device = 3\n", "device: must be text"),
        ("[[vault]]\nname = 'x'\n", "vault[x].remote: is missing"),
        ("[[vault]]\nremote = 'file:///x'\n", "vault[1].name: is missing"),
        (VAULT + VAULT.replace("notes", "Notes"), "vault: two vaults have the same name"),
        (VAULT + "[[vault.root]]\n", "vault[notes].root[1].path: is missing"),
        (VAULT + ROOT + ROOT, "vault[notes].root: two roots of one vault have the same name"),
        (VAULT + ROOT + "include = []\n", "vault[notes].root[1].include: must not be empty"),
        (VAULT + ROOT + "include = 'a'\n", "vault[notes].root[1].include: must be a list"),
        (VAULT + ROOT + "exclude = ['../x']\n", "exclude[1]: must be a path below the root"),
        (VAULT + ROOT + "include = ['a', '/b']\n", "include[2]: must not begin with /"),
        (VAULT + ROOT + "max_size = 'big'\n", "max_size: must be a size"),
        (VAULT + ROOT + "max_size = '3 bananas'\n", "max_size: must be a size"),
        (VAULT + ROOT + "max_size = 0\n", "max_size: must be at least 1"),
        (VAULT + ROOT + "max_size = '1 TB'\n", "max_size: must be at most"),
        (VAULT + ROOT + "merge_cap = 3\n", "merge_cap: must be a table"),
        (VAULT + ROOT + "merge_cap = { 'a' = 0 }\n", "merge_cap.a: must be at least 1"),
        (VAULT + ROOT + "merge_cap = { '/a' = 1 }\n", "merge_cap./a: must not begin with /"),
        (VAULT + "[[vault.root]]\npath = 'a'\n", "root[1].path: must be a path that begins with"),
        (VAULT + '[[vault.root]]\npath = "/a\\u0000"\n', "root[1].path: has a control character"),
        (VAULT + "[[vault.root]]\npath = 3\n", "root[1].path: must be a path"),
    ],
)
def test_broken_values(config: Path, text: str, detail: str) -> None:
    """What a setting does not take is an error with the line or dotted path and a plain reason."""
    error = refusal(config, text)
    assert isinstance(error, ConfigBrokenError)
    assert detail in error.message
    assert str(config) in error.message


def test_bytes_that_are_no_text(config: Path) -> None:
    """A file that is not UTF-8 is an error with the line."""
    config.write_bytes(b'device = "a"\n# \xff\n')
    with pytest.raises(ConfigBrokenError, match="line 2 is not UTF-8"):
        load(config, {})


def test_a_folder_in_the_place_of_the_file(config: Path) -> None:
    """Something that cannot be read as a file is an error, not an empty configuration."""
    config.mkdir()
    with pytest.raises(ConfigBrokenError, match="directory"):
        load(config, {})


@pytest.mark.parametrize(
    ("variable", "value", "detail"),
    [
        ("DAEMON__POLL", "soon", "daemon.poll: must be a number"),
        ("DAEMON__POL", "3", "there is no such setting (did you mean poll?)"),
        ("DEAMON__POLL", "3", "there is no such setting"),
        ("VAULT__NAME", "x", "there is no such setting"),
        ("DAEMON__DEBOUNCE", "99", "max_delay must not be smaller"),
        ("DEVICE", "a b", "device: must be 1 to 64"),
        ("VAULT", "{", "it is not JSON"),
        ("VAULT", "3", "vault: must be a list"),
        ("VAULT", '[{"name": "x"}]', "vault[x].remote: is missing"),
        ("VAULT", '[{"name": "x", "remote": "file:///x", "y": 1}]', "vault[x].y: "),
    ],
)
def test_a_broken_environment(config: Path, variable: str, value: str, detail: str) -> None:
    """A variable that is wrong is named itself, and the file is not blamed."""
    error = refusal(config, "[daemon]\npoll = 60\n", **{variable: value})
    assert isinstance(error, EnvironmentBrokenError)
    assert error.facts["name"] == f"MEMORY_SYNC_{variable}"
    assert detail in error.message
    assert error.advice == f"unset MEMORY_SYNC_{variable}"


@pytest.mark.parametrize(
    "text",
    [
        f"[github]\ntoken_file = '{TOKEN}'\n",
        f"[github]\nbase_url = 'https://{TOKEN}@ghe.example'\n",
        f"[github]\nbase_url = '{TOKEN}'\n",
        f"[github]\ntimeout = '{TOKEN}'\n",
        f"[github]\ntoken = '{TOKEN}'\n",
        f"[daemon]\npoll = '{TOKEN}'\nlog_level = '{TOKEN}'\n",
        f"[daemon]\npoll = {TOKEN}\n",
        VAULT.replace("file:///mnt/v.git", f"https://{TOKEN}@github.com/a/b"),
        f"[[vault]]\nname = '{TOKEN} '\nremote = 'x'\n",
    ],
)
def test_no_error_repeats_a_value(config: Path, text: str) -> None:
    """A token in the wrong line is not shown, nor kept in the error's facts or chain."""
    error = refusal(config, text)
    assert TOKEN not in f"{error.message} {error.advice} {error.facts} {error!r}"
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize(
    ("host", "device"),
    [
        ("desk", "desk"),
        ("Anns-Mac.local", "Anns-Mac"),
        ("büro_2", "b-ro_2"),
        ("", "device"),
        ("x" * 99, "x" * 64),
    ],
)
def test_the_device_is_the_host(
    config: Path, monkeypatch: pytest.MonkeyPatch, host: str, device: str
) -> None:
    """A device is called as its host is, without domain and in letters that a name may have."""
    uname = os.uname_result(("Linux", host, "", "", ""))
    monkeypatch.setattr(os, "uname", lambda: uname)
    assert load(config, {}).device == device


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://ghe.example/api/v3", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("http://[::1]:3", True),
        ("http://ghe.example", False),
        ("ftp://ghe.example", False),
        ("https://", False),
        ("https://x:notaport", False),
        ("https://user:pw@ghe.example", False),
        ("https://ghe.example/?a=b", False),
        ("ghe.example", False),
    ],
)
def test_base_urls(config: Path, url: str, fits: bool) -> None:
    """A token goes over https only, but for this machine itself."""
    text = f'[github]\nbase_url = "{url}"\n'
    if fits:
        assert read(config, text).github.base_url == url
    else:
        assert "github.base_url" in refusal(config, text).message


@pytest.mark.parametrize(
    ("remote", "fits"),
    [
        ("github:me/notes", True),
        ("github:my-org_x/No.tes-1_2", True),
        ("file:///mnt/v.git", True),
        ("github:me", False),
        ("github:me/", False),
        ("github:me/..", False),
        ("github:me/a/b", False),
        ("github:me/a\\n", False),
        ("file://host/x", False),
        ("file:///", False),
        ("https://github.com/me/notes", False),
        ("", False),
    ],
)
def test_remotes(config: Path, remote: str, fits: bool) -> None:
    """A remote is github:OWNER/REPO or file:///path, and nothing that only looks like it."""
    text = f'[[vault]]\nname = "v"\nremote = "{remote}"\n'
    if fits:
        assert read(config, text).vault[0].remote == remote
    else:
        assert "vault[v].remote" in refusal(config, text).message


def test_github_is_not_asked_more_than_once_a_second(config: Path) -> None:
    """A poll under a second is refused with a vault on GitHub, wherever it was set."""
    vault = '[[vault]]\nname = "v"\nremote = "github:me/v"\n'
    assert "daemon.poll" in refusal(config, "[daemon]\npoll = 0.5\n" + vault).message
    assert isinstance(refusal(config, vault, DAEMON__POLL="0.5"), EnvironmentBrokenError)
    assert read(config, "[daemon]\npoll = 0.5\n" + VAULT).daemon.poll == 0.5
    local = vault + 'base_url = "http://127.0.0.1:1"\n'
    assert read(config, "[daemon]\npoll = 0.5\n" + local).daemon.poll == 0.5


def test_a_vault_has_its_own_way_to_github(config: Path) -> None:
    """A vault's own base_url and token_file come before those of all vaults."""
    text = '[github]\ntoken_file = "/all"\ntimeout = 3\n' + VAULT
    found = read(config, text + 'token_file = "/own"\nbase_url = "https://g.x"\n')
    own = found.github_of(found.vault[0])
    assert (own.base_url, own.token_file, own.timeout) == ("https://g.x", Path("/own"), 3)


@pytest.mark.parametrize(
    ("own", "token_file"),
    [
        ("", "/all"),
        ('base_url = "https://api.github.com"\n', "/all"),
        ('base_url = "https://g.x"\n', None),
    ],
)
def test_no_token_goes_to_another_server(config: Path, own: str, token_file: str | None) -> None:
    """The token of all vaults is for the common server: a vault elsewhere has its own or none."""
    found = read(config, '[github]\ntoken_file = "/all"\n' + VAULT + own)
    expected = Path(token_file) if token_file else None
    assert found.github_of(found.vault[0]).token_file == expected


def test_a_tilde_is_expanded(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in the configuration may begin with a tilde."""
    monkeypatch.setenv("HOME", "/home/ann")
    text = '[github]\ntoken_file = "~/t"\n' + VAULT + '[[vault.root]]\npath = "~/agent/./x/.."\n'
    found = read(config, text)
    assert found.github.token_file == Path("/home/ann/t")
    assert found.vault[0].root[0].path == Path("/home/ann/agent")


def test_settings_are_frozen(config: Path) -> None:
    """Nothing of the settings can be changed after they are loaded."""
    found = read(config, VAULT + ROOT + "merge_cap = { 'a' = 1 }\n")
    root = found.vault[0].root[0]
    for place, name in ((found, "device"), (found.daemon, "poll"), (root, "path")):
        with pytest.raises(ValueError, match="frozen"):
            setattr(place, name, getattr(place, name))
    with pytest.raises(TypeError):
        root.merge_cap["a"] = 2  # type: ignore[index]  # this is what must not work


def test_equal_files_are_equal_settings(config: Path) -> None:
    """Settings compare by value, so that a daemon can tell whether anything changed."""
    text = VAULT + ROOT + "merge_cap = { 'a' = 1 }\n"
    assert read(config, text) == read(config, "# new comment\n" + text)
    assert read(config, text) != read(config, text.replace("1", "2"))


def roots(*paths: Path) -> str:
    """Write a vault for each path, with one root there."""
    return "".join(
        f'[[vault]]\nname = "v{n}"\nremote = "file:///v{n}.git"\n[[vault.root]]\npath = "{path}"\n'
        for n, path in enumerate(paths)
    )


def test_two_roots_cannot_have_one_folder(config: Path, tmp_path: Path) -> None:
    """The same folder twice is an error that names both roots."""
    error = refusal(config, roots(tmp_path / "a", tmp_path / "a"))
    assert isinstance(error, RootOverlapError)
    assert "v0/memory" in error.message
    assert "v1/memory" in error.message


@pytest.mark.parametrize("there", [True, False])
def test_a_link_does_not_hide_the_same_folder(config: Path, tmp_path: Path, there: bool) -> None:
    """A folder by way of a link is the same folder, whether it is there or not."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    end = "" if there else "not/yet"
    error = refusal(config, roots(tmp_path / "real" / end, tmp_path / "link" / end))
    assert isinstance(error, RootOverlapError)


def test_a_root_in_another(config: Path, tmp_path: Path) -> None:
    """An outer root leaves out the folders of the inner ones, however deep and however written."""
    outer, inner, deep = tmp_path / "ws", tmp_path / "ws/pro/x", tmp_path / "ws/pro/x/y"
    inner.mkdir(parents=True)
    (tmp_path / "link").symlink_to(outer)
    beside = tmp_path / "ws-other"
    found = read(config, roots(tmp_path / "link", inner, deep, beside))
    assert nested(found) == {
        ("v0", "memory"): ("pro/x", "pro/x/y"),
        ("v1", "memory"): ("y",),
        ("v2", "memory"): (),
        ("v3", "memory"): (),
    }


def test_inner_folders_are_composed(config: Path, tmp_path: Path) -> None:
    """The folders to leave out are in Unicode's composed form, as a root's paths are."""
    found = read(config, roots(tmp_path, tmp_path / "cafe\u0301"))
    assert nested(found)["v0", "memory"] == ("caf\u00e9",)
