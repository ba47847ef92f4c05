"""The import rule holds, and each of its contracts can fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = "import sys, importlinter.cli as cli; sys.exit(cli.lint_imports(no_logo=True, no_cache=True))"

TORCH_FREE = (
    "config tokenization families planner formats corpora labelled sampling metrics tasks vectors retrieval".split()
)
TORCH_FREE_MODULES = """
    errors.py batching/grouping.py batching/packed.py
    inference/backend.py inference/engine.py inference/pipeline.py inference/answerer.py inference/scheduler.py
    inference/model.py checkpoints/stored.py
    pretrained/adapters.py pretrained/checkpoint.py pretrained/describe.py pretrained/direct_reading.py
    pretrained/from_state.py pretrained/loading.py pretrained/sentence_transformers.py
    pretrained/tensorflow_names.py pretrained/vector_arrays.py
    inference/served.py
""".split()
LAYERS = "A package imports only from the layers below it, and siblings do not know each other"
TORCH = "These answer without torch"
WEB = "Web frameworks only in the server"
TERMINAL = "Terminal libraries only in the terminal and the command line"
PEERS = "Peers and oracles live in tests and benchmarks"
DOOR = "Only model.attention opens the door to kernels"
TASKS = "Tasks do not import tasks"
OBJECTIVES = "Objectives do not import objectives"
FAMILIES = "Families do not import families"
CYCLES = "No cycles, at any level"


def lint(folder: Path) -> tuple[int, dict[str, str], str]:
    """Exit code, verdict of each contract (KEPT or BROKEN), and the output of import-linter over `folder`."""
    env = {**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-c", LINT], cwd=folder, env=env, capture_output=True, text=True)
    output = done.stdout + done.stderr
    return done.returncode, dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", output, re.MULTILINE)), output


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and of its contracts, to plant imports in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def plant(folder: Path, module: str, source: str) -> None:
    """Append `source` to the module, which is made (with its package) where it is missing."""
    path = folder / "src/bertkit" / f"{module}.py"
    path.parent.mkdir(exist_ok=True)
    (path.parent / "__init__.py").touch()
    with path.open("a") as file:
        file.write(f"\n{source}\n")


def test_every_contract_is_kept() -> None:
    code, verdicts, output = lint(ROOT)
    assert code == 0, output
    assert verdicts == dict.fromkeys(
        [LAYERS, TORCH, WEB, TERMINAL, PEERS, DOOR, TASKS, OBJECTIVES, FAMILIES, CYCLES], "KEPT"
    )


@pytest.mark.parametrize(
    ("contract", "planted"),
    [
        pytest.param(LAYERS, {"config/planted": "import bertkit.cli.other", "cli/other": ""}, id="upwards"),
        pytest.param(LAYERS, {"model/planted": "import bertkit.labelled.other", "labelled/other": ""}, id="siblings"),
        pytest.param(LAYERS, {"inference/planted": "import bertkit.training.other", "training/other": ""}, id="twin"),
        pytest.param(LAYERS, {"planted/tricks": ""}, id="a package without a place"),
        pytest.param(TORCH, {"tokenization/planted": "import torch"}, id="torch"),
        pytest.param(TORCH, {"planner/planted": "def plan() -> None:\n    import torch"}, id="torch in a function"),
        pytest.param(TORCH, {"families/planted": "import bertkit.config.far", "config/far": "import torch"}, id="far"),
        pytest.param(TORCH, {"batching/grouping": "from torch import Tensor"}, id="torch in grouping"),
        pytest.param(TORCH, {"inference/scheduler": "import torch"}, id="torch in the scheduler"),
        pytest.param(TORCH, {"pretrained/describe": "import torch"}, id="torch in what a folder says"),
        pytest.param(WEB, {"inference/planted": "import fastapi"}, id="web"),
        pytest.param(TERMINAL, {"inference/planted": "import rich.progress"}, id="terminal"),
        pytest.param(TERMINAL, {"workflows/planted": "import rich.progress"}, id="terminal in a workflow"),
        pytest.param(TERMINAL, {"api/planted": "import typer"}, id="terminal in the api"),
        pytest.param(LAYERS, {"workflows/planted": "import bertkit.terminal.other", "terminal/other": ""}, id="shown"),
        pytest.param(PEERS, {"tasks/planted": "from transformers import AutoModel"}, id="peer"),
        pytest.param(DOOR, {"inference/planted": "from bertkit.model import attend", "model/attend": ""}, id="kernels"),
        pytest.param(TASKS, {"tasks/planted": "import bertkit.tasks.other", "tasks/other": ""}, id="tasks"),
        pytest.param(
            OBJECTIVES,
            {"objectives/planted": "import bertkit.objectives.other", "objectives/other": ""},
            id="objective",
        ),
        pytest.param(FAMILIES, {"families/planted": "import bertkit.families.more", "families/more": ""}, id="family"),
        pytest.param(
            CYCLES,
            {"model/planted": "import bertkit.model.other", "model/other": "import bertkit.model.planted"},
            id="cycle",
        ),
    ],
)
def test_a_planted_import_breaks_its_contract(copy: Path, contract: str, planted: dict[str, str]) -> None:
    for module, source in planted.items():
        plant(copy, module, source)
    code, verdicts, output = lint(copy)
    assert code == 1, output
    assert verdicts[contract] == "BROKEN", output
    assert re.search("planted|grouping|scheduler|describe", output)


def test_what_the_rule_allows_is_kept(copy: Path) -> None:
    plant(copy, "server/planted", "import fastapi")
    plant(copy, "cli/planted", "import rich\nimport typer\nimport bertkit.server.planted")
    plant(copy, "api/planted", "import bertkit.terminal.planted")
    plant(copy, "terminal/planted", "import rich\nimport bertkit.workflows.planted")
    plant(copy, "workflows/planted", "")
    plant(copy, "tasks/contract", "")
    plant(copy, "tasks/planted", "import bertkit.tasks.contract\nimport numpy")
    plant(copy, "tasks/catalogue", "import bertkit.tasks.planted")
    plant(copy, "model/attend", "")
    plant(copy, "model/attention", "import bertkit.model.attend")
    code, _, output = lint(copy)
    assert code == 0, output


def test_torch_free_modules_load_without_torch() -> None:
    """The contract sees imports written in bertkit; this one also sees what its dependencies import."""
    package = ROOT / "src/bertkit"
    found = [package / name for name in TORCH_FREE_MODULES]
    for name in TORCH_FREE:
        found += (package / name).glob("*.py")
    names = [".".join(path.relative_to(package.parent).with_suffix("").parts) for path in found if path.exists()]
    check = f"import sys\nfor name in {names}: __import__(name)\nprint('torch' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, env=env)
    assert done.stdout == "False\n", done.stderr
