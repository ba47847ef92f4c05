from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

Run = Callable[..., tuple[int, str, str]]
RECORD = {"source": "a", "format": "tf", "files": {"bert_model.ckpt.index": 1234}, "left_out": ["adapter.weight"]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the packages below were asked for; they answer with RECORD."""
    seen: list[object] = []

    def locate(model: str, *, revision: str | None = None) -> Path:
        seen.append((model, revision))
        return Path(model)

    def convert(*arguments: object, bake: bool) -> SimpleNamespace:
        seen.append((*arguments, "baked") if bake else arguments)
        return SimpleNamespace(record=lambda: RECORD)

    hub, converting, package = (ModuleType(name) for name in ("hub", "convert", "pretrained"))
    hub.__dict__.update(locate=locate)
    converting.__dict__.update(convert=convert)
    package.__dict__.update(convert=converting)
    fakes = {"checkpoints.hub": hub, "pretrained": package, "pretrained.convert": converting}
    for name, fake in fakes.items():
        monkeypatch.setitem(sys.modules, f"bertkit.{name}", fake)
    return seen


def test_what_is_asked_for(run: Run, asked: list[object]) -> None:
    code, out, err = run("convert", "some/model", "new", "--revision", "v1", "--json")
    assert (code, json.loads(out), err) == (0, RECORD, "")
    assert asked == [("some/model", "v1"), (Path("some/model"), Path("new"), "hub", {})]


def test_a_temperature_is_baked_where_that_is_asked_for(run: Run, asked: list[object]) -> None:
    assert run("convert", "a", "b", "--bake-temperature")[0] == 0
    assert asked[-1] == (Path("a"), Path("b"), "hub", {}, "baked")


@pytest.mark.parametrize(
    ("options", "embeddings"),
    [
        (["--pooling", "cls", "--max-length", "7"], {"pooling": "cls", "max_length": 7}),
        (["--normalize"], {"normalize": True}),
        (["--no-normalize"], {"normalize": False}),
    ],
)
def test_settings_of_embeddings(run: Run, asked: list[object], options: list[str], embeddings: object) -> None:
    assert run("convert", "a", "b", "--format", "sentence-transformers", *options)[0] == 0
    assert asked[-1] == (Path("a"), Path("b"), "sentence-transformers", embeddings)


def test_as_text(run: Run, asked: list[object]) -> None:
    assert run("convert", "a", "b", "--format", "tf") == (
        0,
        "source    a\nformat    tf\nfiles\n  bert_model.ckpt.index  1,234\nleft out  adapter.weight\n",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a"], "Missing argument 'DST'."),
        (["a", "b", "--format", "onnx"], "Invalid value for '--format': 'onnx' is not one of"),
        (["a", "b", "--pooling", "sum"], "Invalid value for '--pooling'"),
        (["a", "b", "--max-length", "0"], "Invalid value for '--max-length'"),
    ],
)
def test_wrong_use(run: Run, asked: list[object], arguments: list[str], says: str) -> None:
    code, out, err = run("convert", *arguments)
    assert (code, out, asked) == (2, "", [])
    assert err.startswith(f"error: {says}")
