"""The settings of the way to GitHub: `proxy`, which can be a secret, and `ca_file`."""

import os
from pathlib import Path

import pytest

from memory_sync.config.loading import load
from memory_sync.config.settings import Settings
from memory_sync.errors import ConfigBrokenError, EnvironmentBrokenError, MemorySyncError
from tests.hub.tls import make_ca

SECRET = "hunter2"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where the configuration is, readable by its owner alone."""
    path = tmp_path / "config.toml"
    path.touch(0o600)
    return path


def read(config: Path, setting: str, value: object, **env: str) -> Settings:
    """Load a configuration with this one setting of `[github]`."""
    config.write_text(f'[github]\n{setting} = "{value}"\n')
    return load(config, env)


def refusal(config: Path, setting: str, value: object, **env: str) -> MemorySyncError:
    """Return the error that it meets, which repeats no secret."""
    with pytest.raises(ConfigBrokenError) as caught:
        read(config, setting, value, **env)
    error = caught.value
    assert error.status == 2
    assert SECRET not in f"{error.message} {error.advice} {error.facts} {error!r}"
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    return error


@pytest.mark.parametrize(
    ("proxy", "fits"),
    [
        ("http://proxy.example:3128", True),
        ("http://proxy.example", True),
        ("https://proxy.example:443/", True),
        (f"http://ann:{SECRET}@proxy.example:3128", True),
        ("http://[::1]:3128", True),
        (f"ann:{SECRET}@proxy.example:3128", False),
        ("proxy.example:3128", False),
        (f"socks5://ann:{SECRET}@proxy.example", False),
        (f"http://ann:{SECRET}@", False),
        (f"http://ann:{SECRET}@proxy.example:port", False),
        (f"http://proxy.example/{SECRET}", False),
        (f"http://proxy.example?{SECRET}", False),
        (f"http://ann:{SECRET} x@proxy.example", False),
        (f"http://ann:{SECRET}\\u0000@proxy.example", False),
        ("http://[::1", False),
        ("", False),
    ],
    ids=lambda value: str(value).replace(SECRET, ""),
)
def test_proxies(config: Path, proxy: str, fits: bool) -> None:
    """A proxy is a URL with a host; what is none is refused early, and not repeated."""
    if fits:
        assert read(config, "proxy", proxy).github.proxy == proxy.rstrip("/")
    else:
        error = refusal(config, "proxy", proxy)
        assert "github.proxy: must be http://HOST:PORT" in error.message


def test_a_proxy_of_the_environment(config: Path) -> None:
    """MEMORY_SYNC_GITHUB__PROXY wins over the file, and is named where it is wrong."""
    name = "MEMORY_SYNC_GITHUB__PROXY"
    found = read(config, "proxy", "http://a:1", **{name: "http://b:2"})
    assert found.github.proxy == "http://b:2"
    error = refusal(config, "proxy", "http://a:1", **{name: SECRET})
    assert isinstance(error, EnvironmentBrokenError)
    assert error.advice == f"unset {name}"


def test_the_settings_do_not_show_a_proxys_password(config: Path) -> None:
    """Whoever prints the settings prints no proxy."""
    assert SECRET not in repr(read(config, "proxy", f"http://ann:{SECRET}@proxy.example"))


def test_a_file_with_a_password_is_private(config: Path) -> None:
    """A configuration with a proxy's password that others can read is refused until chmod."""
    config.chmod(0o644)
    secret = f"http://ann:{SECRET}@proxy.example"
    error = refusal(config, "proxy", secret)
    assert "others can read the file" in error.message
    assert error.advice == f"chmod 600 '{config}'"
    assert read(config, "proxy", "http://proxy.example").github.proxy
    # What the environment says lies in no file.
    assert read(config, "proxy", "http://a:1", MEMORY_SYNC_GITHUB__PROXY=secret).github.proxy
    config.chmod(0o600)
    assert read(config, "proxy", secret).github.proxy == secret


def test_a_ca_file(config: Path, tmp_path: Path) -> None:
    """A file with one certificate or several is taken."""
    (tmp_path / "two").mkdir()
    one, two = make_ca(tmp_path)[0], make_ca(tmp_path / "two")[0]
    assert read(config, "ca_file", one).github.ca_file == one
    one.write_text(f"# ours\n{one.read_text()}\n{two.read_text()}")
    assert read(config, "ca_file", one).github.ca_file == one


def test_a_ca_file_that_cannot_be_used(config: Path, tmp_path: Path) -> None:
    """One that is not there, holds no certificate or is no file is a configuration error."""
    for content in ("", "hello\n", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"):
        (tmp_path / "ca.pem").write_text(content)
        error = refusal(config, "ca_file", tmp_path / "ca.pem")
        assert "github.ca_file: holds no certificate" in error.message
    assert "No such file" in refusal(config, "ca_file", tmp_path / "other.pem").message
    assert "is no file" in refusal(config, "ca_file", tmp_path).message
    os.mkfifo(tmp_path / "pipe")
    assert "is no file" in refusal(config, "ca_file", tmp_path / "pipe").message
    assert "must be a path" in refusal(config, "ca_file", "ca.pem").message
