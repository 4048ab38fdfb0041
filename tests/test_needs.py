"""The helper that names the program which a test lacks."""

import sys
from pathlib import Path

import pytest

from tests.hub import fetch
from tests.needs import needs, needs_fetched, needs_linux


@pytest.fixture(autouse=True)
def _no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MEMORY_SYNC_NO_SKIP", raising=False)


def test_a_missing_program_skips_by_name() -> None:
    """A test that lacks a program is skipped, and the reason names its package."""
    with pytest.raises(pytest.skip.Exception, match=r"needs age-keygen: .* package age$"):
        needs("age-keygen")


def test_a_missing_program_fails_where_nothing_may_be_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With MEMORY_SYNC_NO_SKIP=1 a missing program is a failure."""
    monkeypatch.setenv("MEMORY_SYNC_NO_SKIP", "1")
    with pytest.raises(pytest.fail.Exception, match="needs age: install the Debian package age"):
        needs("age")


def test_a_program_on_the_path_is_enough(tmp_path: Path) -> None:
    """A program that is on PATH lets the test go on."""
    program = tmp_path / "age"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    needs("age")


def test_a_package_is_there_in_its_one_version_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What comes from npm is skipped by name where it is not, or in another version."""
    monkeypatch.setattr(fetch, "MODULES", tmp_path)
    with pytest.raises(pytest.skip.Exception, match="needs npm: the package emulate "):
        needs_fetched("emulate")
    facts = tmp_path / "emulate" / "package.json"
    facts.parent.mkdir()
    facts.write_text('{"version": "0.0.1"}')
    with pytest.raises(pytest.skip.Exception, match="needs npm: the package emulate "):
        needs_fetched("emulate")
    facts.write_text(f'{{"version": "{fetch.PACKAGES["emulate"]}"}}')
    needs_fetched("emulate")


def test_another_system_skips_what_is_linuxs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of the kernel's own is skipped elsewhere, and runs on Linux."""
    monkeypatch.setattr(sys, "platform", "linux")
    needs_linux()
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(pytest.skip.Exception, match="needs Linux"):
        needs_linux()
