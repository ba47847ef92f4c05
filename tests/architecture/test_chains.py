"""Imports go down, and not far: no chain of modules is so long that a reader is lost on it. No class has a double."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
LONGEST = 15


def module_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


MODULES = {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")}


def imports(tree: ast.Module) -> set[str]:
    """The modules that are imported when this one is: not those inside functions, or for types alone."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found & MODULES.keys()


@cache
def chain(module: str) -> tuple[str, ...]:
    """The longest chain of imports that begins with a module."""
    below = [chain(one) for one in imports(MODULES[module]) if one != module]
    return (module, *max(below, key=len, default=()))


def test_no_chain_of_imports_is_long() -> None:
    longest = max((chain(module) for module in MODULES), key=len)
    assert len(longest) <= LONGEST, "\n".join(longest)


def test_a_chain_is_followed() -> None:
    assert imports(ast.parse("from bertkit.errors import UserError\nif TYPE_CHECKING:\n    import bertkit.api")) == {
        "bertkit.errors"
    }
    assert chain("bertkit.errors") == ("bertkit.errors",)
    assert len(chain("bertkit.config.encoder")) >= 3


def test_no_two_classes_have_one_name() -> None:
    homes = defaultdict(list)
    for module, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
