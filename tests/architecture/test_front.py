"""What a stranger meets first agrees with the rest: metadata, citation, templates, the checks before a commit."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import bertkit

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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


def test_the_exact_versions_are_within_the_bounds() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(re.match(r"([\w.-]+)==(\S+)", line).groups() for line in lines if line and line[0] != "#")  # type: ignore[union-attr]
    pinned = {name.replace("_", "-").lower(): Version(version) for name, version in pinned.items()}
    asked = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    for requirement in map(Requirement, asked):
        version = pinned.get(requirement.name.replace("_", "-").lower())
        if version is not None:
            assert requirement.specifier.contains(version), requirement
