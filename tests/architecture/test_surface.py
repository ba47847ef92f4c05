"""What a user imports and types: the public list, and how light it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

import bertkit
from bertkit.cli import options
from bertkit.inference.backends import BackendName
from bertkit.inference.precision import DTYPES
from bertkit.model.device import DEVICES

ROOT = Path(__file__).parents[2]
PUBLIC = """
    BertkitError Calibration Compression DistillResult Evaluation Explanations Exported FinetuneResult FoundRanges Index
    Model PreparedShards PretrainResult SweepResult __version__ calibrate compress distill evaluate explain export
    find_ranges finetune load load_encoder prepare pretrain quantize_embeddings quantized_search sweep
""".split()


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=env, check=True)


def test_public_list() -> None:
    assert sorted(bertkit.__all__) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(bertkit))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_on_the_page_of_names(name: str) -> None:
    assert getattr(bertkit, name) is not None
    assert name == "__version__" or f"::: bertkit.{name}\n" in (ROOT / "docs/api.md").read_text(encoding="utf-8")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'bertkit' has no attribute 'laod'"):
        bertkit.laod  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_is_typed() -> None:
    assert (ROOT / "src/bertkit/py.typed").exists()


def test_import_is_light() -> None:
    heavy = "('torch', 'numpy', 'tokenizers', 'pydantic', 'typer', 'rich')"
    done = python("-c", f"import sys, bertkit; print([m for m in {heavy} if m in sys.modules])")
    assert done.stdout == "[]\n"


def test_help_imports_no_torch() -> None:
    done = python("-X", "importtime", "-m", "bertkit", "--help")
    assert "predict" in done.stdout
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "bertkit.cli.main" in imported
    assert not imported & {"torch", "transformers", "numpy", "scipy", "tokenizers", "pydantic", "rich", "pyarrow"}


def test_every_precision_and_device_that_is_offered_is_there() -> None:
    dtypes, devices = (get_args(get_args(one)[0]) for one in (options.DType, options.Device))
    assert set(dtypes) == {"auto", *DTYPES}
    assert set(devices) == set(DEVICES)


def test_every_back_end_that_is_offered_is_there() -> None:
    assert get_args(get_args(options.Backend)[0]) == get_args(BackendName)


def test_every_extra_is_needed_by_something_that_names_it() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    named = {name for text in texts for group in re.findall(r"bertkit\[([a-z,]+)\]", text) for name in group.split(",")}
    assert named == set(extras) - {"benchmarks", "docs", "test"}
