"""The example and the documentation say what the settings are, no more and no less."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from memory_sync.config.loading import load
from memory_sync.config.settings import (
    DaemonSettings,
    GitHubSettings,
    ProjectsSettings,
    RootSettings,
    Settings,
    TrashSettings,
    VaultSettings,
)

TOP = Path(__file__).parents[2]
EXAMPLE = TOP / "config.example.toml"
DOCS = TOP / "docs" / "configuration.md"
SECTIONS: dict[str, type[BaseModel]] = {
    "Top of the file": Settings,
    "`[daemon]`": DaemonSettings,
    "`[github]`": GitHubSettings,
    "`[trash]`": TrashSettings,
    "`[[vault]]`": VaultSettings,
    "`[[vault.root]]`": RootSettings,
    "`[[vault.projects]]`": ProjectsSettings,
}
TABLES = {"daemon", "github", "trash", "vault", "root", "projects"}
REQUIRED: dict[type[BaseModel], dict[str, Any]] = {
    VaultSettings: {"name": "v", "remote": "file:///v.git"},
    RootSettings: {"path": "/r"},
    ProjectsSettings: {"path": "/p"},
}


def settings_of(model: type[BaseModel]) -> list[str]:
    """Name the settings of a section, without the tables in it."""
    return [name for name in model.model_fields if name not in TABLES]


def uncommented() -> str:
    """Return the example with every setting in force."""
    return re.sub(r"^#(?=[^ \n])", "", EXAMPLE.read_text(), flags=re.MULTILINE)


def documented(section: str) -> dict[str, str]:
    """Return the settings of a section of the docs, with what their table says is the default."""
    text = DOCS.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \| ", text, re.MULTILINE))


def check_default(model: type[BaseModel], name: str, value: Any) -> None:
    """Hold a written default to the model's: the section must be the same with it as without."""
    needed = REQUIRED.get(model, {})
    assert getattr(model(**needed, **{name: value}), name) == getattr(model(**needed), name), name


def test_the_example_changes_nothing() -> None:
    """As it is, the example is an empty configuration."""
    assert load(EXAMPLE, {}) == Settings()


def test_the_example_can_be_put_in_force(tmp_path: Path) -> None:
    """With every setting uncommented the example loads, and all is at its default."""
    config = tmp_path / "config.toml"
    config.write_text(uncommented().replace("~/.config/memory-sync/ca.pem", DEFAULT_CA_BUNDLE_PATH))
    found = load(config, {})
    assert found.daemon == DaemonSettings()
    assert found.trash == TrashSettings()
    assert found.github.proxy
    assert found.github.ca_file
    ways = {"token_file": None, "proxy": None, "ca_file": None}
    assert found.github.model_copy(update=ways) == GitHubSettings()
    assert len(found.vault) == len(found.vault[0].root) == 1


def test_the_example_has_every_setting() -> None:
    """The example has each setting, in the model's tables, in the order of the docs."""
    data = tomllib.loads(uncommented())
    vault = data["vault"][0]
    for section, part in zip(
        SECTIONS,
        (
            data,
            data["daemon"],
            data["github"],
            data["trash"],
            vault,
            vault["root"][0],
            vault["projects"][0],
        ),
        strict=True,
    ):
        assert [name for name in part if name not in TABLES] == list(documented(section))


def test_the_examples_defaults() -> None:
    """What the example shows for a setting that has a default is that default."""
    vault = tomllib.loads(uncommented())["vault"][0]
    for model, part in ((RootSettings, "root"), (ProjectsSettings, "projects")):
        for name, value in vault[part][0].items():
            if name != "path":
                check_default(model, name, value)
    check_default(VaultSettings, "allow_public", vault["allow_public"])


@pytest.mark.parametrize(("section", "model"), SECTIONS.items())
def test_the_docs_have_every_setting(section: str, model: type[BaseModel]) -> None:
    """Each setting is documented once with its default, and none that does not exist."""
    found = documented(section)
    assert sorted(found) == sorted(settings_of(model))
    for name, default in found.items():
        field = model.model_fields[name]
        if field.is_required():
            assert default == "*required*", name
        elif field.default is None:
            assert default == "none", name
        elif name == "device":
            assert default == "the host's name"
        else:
            check_default(model, name, tomllib.loads(f"x = {default.strip('`')}")["x"])


def test_the_docs_have_every_section() -> None:
    """The sections of the docs are the tables of the model."""
    found = re.findall(r"^## (`\[.+\]`)$", DOCS.read_text(), re.MULTILINE)
    assert found == [section for section in SECTIONS if section.startswith("`")]
