"""Every family, with every head that it has, answers from its exported graph as it answers itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.exports.tensorrt import unknown_operators
from tests.exports.tiny_models import ENDINGS, ROWS, make_model, numbers
from tests.parity.test_families import CASES, Case, family_of

HEADS = {"fill-mask": "masked-lm", "next-sentence-prediction": "next-sentence"}
FREE = ("feature-extraction", "sentence-embedding")


def has(name: str, task: str) -> bool:
    """Whether a case is tried: a variant of a family only with what reads few tokens, and with what reads all."""
    if "," in name and task not in ("text-classification", "feature-extraction"):
        return False
    family = family_of(CASES[name])
    return task in FREE or (HEADS.get(task, task) in family.heads and ENDINGS[task] in family.architectures)


def smaller(case: Case) -> Case:
    """The same with two layers, where those that it has are no more than more of the same."""
    name = "n_layers" if case.prefix == "DistilBert" else "num_hidden_layers"
    return case.variant(**{name: 2}) if case.config[name] == 3 else case


PAIRS = [(name, task) for name in CASES for task in ROWS if has(name, task)]


@pytest.mark.export
@pytest.mark.parametrize(("name", "task"), PAIRS, ids=[f"{name}-{task}" for name, task in PAIRS])
def test_every_family_with_every_head(name: str, task: str, tmp_path: Path) -> None:
    source = make_model(smaller(CASES[name]), task, tmp_path / "model")
    formats = ["onnx", "openvino"]
    exported = bertkit.export(source, tmp_path / "graph", formats, task=task)
    ours = bertkit.load(source, task=task, dtype="float32", device="cpu").predict(ROWS[task])
    assert unknown_operators(tmp_path / "graph/onnx/model.onnx") == []
    for kind in formats:
        assert exported.agreement[kind].difference < 1e-4
        graph = bertkit.load(tmp_path / "graph", task=task, backend=kind).predict(ROWS[task])
        for one, other in zip(ours, graph, strict=True):
            expected, found = one.record(), other.record()
            assert found.keys() == expected.keys()
            np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-4, atol=1e-4)
