"""The layers: imports point down only."""

import ast
from pathlib import Path

import memory_sync
import memory_sync_service

LAYERS = (
    "errors", "model", "sync", "vault", "config", "ports", "engine", "daemon", "app", "cli",
)  # fmt: skip
"""From the bottom up; a module may import from its own layer and those before it."""

PACKAGE = Path(memory_sync.__file__).parent
SERVICE = Path(memory_sync_service.__file__).parent
PURE = {"sync", "vault", "model", "errors"}
WORLD = {"os", "io", "pathlib", "socket", "subprocess", "time", "random", "secrets", "threading",
         "sqlite3", "shutil", "tempfile", "requests", "github", "dulwich"}  # fmt: skip


def _imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def _modules() -> list[tuple[str, Path]]:
    return [
        (file.relative_to(PACKAGE).parts[0].removesuffix(".py"), file)
        for file in sorted(PACKAGE.rglob("*.py"))
    ]


def _layer(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "memory_sync" and len(parts) > 1 else None


def test_every_module_belongs_to_a_layer() -> None:
    """A module outside the layers would escape the rule."""
    known = {*LAYERS, "__init__", "__main__"}
    assert {layer for layer, _ in _modules()} <= known


def test_imports_point_down_only() -> None:
    """No module imports from a layer above its own."""
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for layer, file in _modules()
        if layer in LAYERS
        for name in _imports(file)
        if (target := _layer(name)) in LAYERS and LAYERS.index(target) > LAYERS.index(layer)
    ]
    assert wrong == []


def test_the_planner_and_the_format_know_no_world() -> None:
    """Pure layers import nothing that reads a clock, a file or a network."""
    allowed = {("vault", "io")}  # tarfile wants a stream: io.BytesIO is memory
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for layer, file in _modules()
        if layer in PURE
        for name in _imports(file)
        if (top := name.split(".")[0]) in WORLD and (layer, top) not in allowed
    ]
    assert wrong == []


def test_pyrage_lives_in_the_vault_layer_only() -> None:
    """One place knows the encryption library."""
    users = {layer for layer, file in _modules() if "pyrage" in _imports(file)}
    assert users == {"vault"}


def test_the_service_package_imports_only_errors() -> None:
    """Unit files and installer know nothing of the program but its errors."""
    targets = {
        layer
        for file in SERVICE.rglob("*.py")
        for name in _imports(file)
        if (layer := _layer(name)) is not None
    }
    assert targets <= {"errors"}


def test_no_module_has_more_than_600_lines() -> None:
    """Modules stay small enough to be about one thing."""
    long = [str(file) for _, file in _modules() if len(file.read_text().splitlines()) > 600]
    assert long == []
