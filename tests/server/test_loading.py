"""What `-m` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import ModelNotFound, UserError
from bertkit.server.loading import BUILT_IN, ModelSpec, load_models, read_spec, read_specs
from tests.parity.task_peers import make_task_peer


def test_names_folders_and_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("model", "a=b", "c@fill-mask"):
        (tmp_path / name).mkdir()
    assert read_spec("model") == ModelSpec("model", "model")
    assert read_spec("./model/") == ModelSpec("model", "./model/")
    assert read_spec("m=model") == ModelSpec("m", "model")
    assert read_spec("m=model@fill-mask") == ModelSpec("m", "model", "fill-mask")
    assert read_spec("m=c@fill-mask") == ModelSpec("m", "c@fill-mask")
    assert read_spec("sentence-transformers/all-MiniLM-L6-v2").name == "all-MiniLM-L6-v2"
    assert read_spec("org/model@fill-mask") == ModelSpec("model", "org/model", "fill-mask")
    with pytest.raises(UserError, match="cannot be called 'a=b'"):
        read_spec("a=b")
    with pytest.raises(UserError, match=r"cannot be called '\.\./x'"):
        read_spec("../x=model")


def test_two_of_one_name_are_refused_and_none_is_what_comes_with_it() -> None:
    assert read_specs([]) == BUILT_IN
    with pytest.raises(UserError, match="two models are called 'a'"):
        read_specs(["a=x", "a=y"])


def test_models_are_loaded_in_order_and_a_missing_one_is_named(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path / "m")
    told: list[str] = []
    spec = ModelSpec("m", str(tmp_path / "m"))
    (model,) = load_models([spec], {"dtype": "float32"}, lambda model: told.append(model.name))
    assert (told, model.task.name) == (["m"], "text-classification")
    with pytest.raises(ModelNotFound, match=r"^model no: "):
        load_models([ModelSpec("no", str(tmp_path / "no"))], {})
