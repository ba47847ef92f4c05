from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.errors import UserError
from tests.workflows.small_jobs import small_classifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_classifier(tmp_path_factory.mktemp("job") / "model")


def test_a_folder_and_a_loaded_model_are_explained_alike(folder: Path) -> None:
    model = bertkit.load(folder, dtype="float32")
    found = bertkit.explain(model, ["w1 w2", "w3"], steps=2)
    assert found.records() == bertkit.explain(folder, ["w1 w2", "w3"], steps=2).records()
    assert bertkit.explain(str(folder), "w1 w2", "rollout")[0].explanation.kind == "rollout"  # type: ignore[union-attr]
    assert bertkit.explain(model, ["w1"], target="maybe", steps=1)[0].explanation.target == "maybe"  # type: ignore[union-attr]


def test_what_cannot_be_said(folder: Path) -> None:
    with pytest.raises(UserError, match=r"explain\(\): no option 'step' \(did you mean 'steps'\?\)"):
        bertkit.explain(folder, ["w1"], step=3)
    with pytest.raises(UserError, match=r"explain\(\): 'kind': Input should be 'attribution', 'rollout' or 'heads'"):
        bertkit.explain(folder, ["w1"], "atribution")
    with pytest.raises(UserError, match="device of a model that is loaded already"):
        bertkit.explain(bertkit.load(folder), ["w1"], device="cpu")
