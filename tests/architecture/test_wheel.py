"""What people install: a wheel has all of the package and nothing else, and answers where only it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import bertkit

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/bertkit"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    built = [*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(built, check=True, capture_output=True, text=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of an environment that has the wheel alone, and borrows what it needs from this one."""
    home = tmp_path_factory.mktemp("clean") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin/python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    # Added to the path only: the file in there that points at these sources is not read.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True, capture_output=True)
    return home / "bin/bertkit"


def run(program: Path, *arguments: str) -> str:
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([program, *arguments], cwd=program.parent, env=outside, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "src/bertkit"], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = {name.removeprefix("src/") for name in listed.stdout.splitlines()}
    inside = zipfile.ZipFile(wheel).namelist()
    assert {name for name in inside if ".dist-info/" not in name} == ours
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_it_is_the_wheel_that_answers(program: Path) -> None:
    where = subprocess.run(
        [program.with_name("python"), "-c", "import bertkit; print(bertkit.__file__)"],
        cwd=program.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(program.parents[1])
    assert run(program, "--version") == f"bertkit {bertkit.__version__}\n"


@pytest.mark.parametrize(
    ("task", "text", "answer"),
    [
        ("text-classification", "A warm and funny film.", "labels"),
        ("token-classification", "Ada Lovelace lived in London.", "entities"),
        ("fill-mask", "Paris is the [MASK] of France.", "fills"),
    ],
)
def test_the_built_in_models_are_inside(program: Path, task: str, text: str, answer: str) -> None:
    assert json.loads(run(program, "predict", "--task", task, "--json", text))[answer]


def test_tables_and_pages_are_inside(program: Path) -> None:
    assert "RTX 3090" in run(program, "plan", "bert-base", "--on", "RTX 3090")
