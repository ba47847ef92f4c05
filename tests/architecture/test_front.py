"""What a stranger meets first agrees with the rest: metadata, citation, templates, the checks before a commit."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import bertkit

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
DEPENDENCIES: list[str] = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
# Parts of what is asked for, which that promises to bring.
PARTS = {"pydantic_core": "pydantic", "starlette": "fastapi"}
TEST_SCRIPT = (ROOT / "test.sh").read_text(encoding="utf-8")


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version_and_place() -> None:
    citation = read_yaml("CITATION.cff")
    assert citation["version"] == bertkit.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["abstract"] == PROJECT["description"]
    assert citation["url"] == PROJECT["urls"]["Homepage"]


def test_before_a_commit_runs_what_the_tests_begin_with() -> None:
    hooks = [hook for repository in read_yaml(".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]]
    said = re.findall(r"^(?:step \"[^\"]+\" )?\$python ((?:-m|\.venv)[^>&\n]*)", TEST_SCRIPT, re.MULTILINE)
    ran = {one.strip() for one in said if "pytest" not in one}
    assert {hook["entry"].removeprefix(".venv/bin/python ") for hook in hooks} == ran
    assert len(ran) == 4


@pytest.mark.parametrize("path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.name)
def test_templates_ask_for_something(path: Path) -> None:
    form = read_yaml(str(path.relative_to(ROOT)))
    if path.name == "config.yml":
        return
    assert {"name", "description", "body"} <= set(form)
    assert [field["attributes"]["label"] for field in form["body"]]


def test_what_is_imported_is_asked_for() -> None:
    """What another library happens to bring today may be gone tomorrow."""
    asked = {canonicalize_name(Requirement(one).name) for one in DEPENDENCIES}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "src").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    foreign = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"bertkit"}
    homes = packages_distributions()
    missing = {name for name in foreign if not asked & set(map(canonicalize_name, homes.get(name, ())))}
    assert missing == PARTS.keys()
    assert asked >= set(PARTS.values())


def test_the_exact_versions_are_within_the_bounds() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(re.match(r"([\w.-]+)==(\S+)", line).groups() for line in lines if line and line[0] != "#")  # type: ignore[union-attr]
    pinned = {name.replace("_", "-").lower(): Version(version) for name, version in pinned.items()}
    for requirement in map(Requirement, DEPENDENCIES):
        version = pinned.get(requirement.name.replace("_", "-").lower())
        if version is not None:
            assert requirement.specifier.contains(version), requirement
