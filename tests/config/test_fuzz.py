"""Whatever stands in the configuration: settings, or an error that names what is wrong."""

from __future__ import annotations

import contextlib
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_sync.config.loading import load
from memory_sync.config.settings import SECTIONS, Settings
from memory_sync.errors import UsageError
from tests.mutating import nearly

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
FULL = """\
device = "laptop"
[daemon]
debounce = 2.0
poll = 15
log_level = "info"
[github]
base_url = "https://api.github.com"
proxy = "http://user:hunter2@proxy:3128"
[trash]
days = 30
max_size = "1GiB"
[[vault]]
name = "notes"
remote = "github:ada/notes"
[[vault.root]]
name = "memory"
path = "~/agent"
include = ["MEMORY.md", "memory/**/*.md"]
max_size = "10MiB"
merge_cap = { "MEMORY.md" = 2200 }
[[vault]]
name = "other"
remote = "file:///mnt/v.git"
"""
SAMPLES = (FULL.encode(), EXAMPLE.read_bytes())
PASSWORD = "hunter2"

many = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def config() -> Iterator[Path]:
    """Give the place of a configuration, the same for all that is drawn."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "config.toml"


def loads(config: Path, content: bytes, env: dict[str, str] | None = None) -> Settings | None:
    """Load a configuration; None where that ends in an error for people, which tells no secret."""
    config.touch(0o600)
    config.write_bytes(content)
    try:
        return load(config, env or {})
    except UsageError as caught:
        error = caught
    assert error.status == 2
    assert error.advice
    assert PASSWORD not in error.message
    return None


@many
@given(nearly(SAMPLES))
def test_any_file_is_settings_or_an_error(config: Path, content: bytes) -> None:
    """Cut short, doubled, in another encoding, with values of another kind: nothing else comes."""
    loads(config, content)


def test_the_samples_are_right(config: Path) -> None:
    """What is changed here is a configuration that works."""
    assert loads(config, SAMPLES[0])
    assert loads(config, SAMPLES[1])


def known_names() -> list[str]:
    """Return the name of every setting and section."""
    return sorted(
        {"device", *SECTIONS, *(name for kind in SECTIONS.values() for name in kind.model_fields)}
    )


values: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.datetimes()
    | st.sampled_from(
        ("~/x", "/", "../x", "file:///x", "github:a/b", "*" * 50, "[", "1TB", "", "a")
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(known_names()) | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
tables = st.dictionaries(st.sampled_from(known_names()) | st.text(max_size=8), values, max_size=4)
roots = st.lists(tables | st.fixed_dictionaries({"path": st.just("~/x")}), max_size=3)
vaults = st.lists(
    tables
    | st.fixed_dictionaries(
        {"name": st.text(max_size=4), "remote": st.just("file:///x")},
        optional={"root": roots, "base_url": values},
    ),
    max_size=3,
)
files = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(("daemon", "github", "trash"), tables), "vault": vaults}
)


@many
@given(files)
def test_any_values_are_settings_or_an_error(config: Path, data: dict[str, Any]) -> None:
    """Each setting with a value of each kind: it is taken, or refused with the setting's name."""
    with contextlib.suppress(ValueError, tomllib.TOMLDecodeError):
        loads(config, tomlkit.dumps(data).encode())


@many
@given(
    st.dictionaries(
        st.sampled_from(
            ("DAEMON__POLL", "DAEMON__DEBOUNCE", "GITHUB__PROXY", "VAULT", "TRASH__DAYS", "DEVICE")
        )
        | st.text("ABC_", min_size=1, max_size=8),
        st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=30)
        | st.sampled_from(
            ('[{"name": "a", "remote": "file:///x"}]', "[" * 5000, "9" * 5000, "NaN")
        ),
        max_size=3,
    )
)
def test_any_environment_is_settings_or_an_error(config: Path, env: dict[str, str]) -> None:
    """A variable that is nonsense is named; it never ends in anything else."""
    loads(config, FULL.encode(), {f"MEMORY_SYNC_{name}": value for name, value in env.items()})
