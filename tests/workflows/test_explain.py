from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.config.explaining import ExplainConfig
from bertkit.errors import InputError, UserError
from bertkit.workflows.explain import SHOWN, explain
from tests.parity.bert_peer import Sizes, make_peer
from tests.workflows.small_jobs import small_classifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_classifier(tmp_path_factory.mktemp("job") / "<model>")


@pytest.mark.parametrize("kind", ["attribution", "rollout", "heads"])
def test_every_kind_of_a_folder_and_of_a_loaded_model(folder: Path, kind: str) -> None:
    config = ExplainConfig(model=str(folder), kind=kind, steps=2)  # type: ignore[arg-type]
    found = explain(config, ["w1 w2", "w3"])
    assert found.records() == explain(config, ["w1 w2", "w3"], model=bertkit.load(folder, dtype="float32")).records()
    assert [one.explanation.kind for one in found if one.explanation] == [kind, kind]
    assert repr(found) == f"<bertkit.Explanations {kind} of 2 answers of {folder}>"
    html = found._repr_html_()
    assert html.count("<div") == html.count("</div>")
    assert ("w3</span>" in html) == (kind != "heads")


def test_one_row_and_some_of_many(folder: Path) -> None:
    config = ExplainConfig(model=str(folder), steps=1)
    assert len(explain(config, "w1 w2")) == 1
    several = explain(config, [f"w{n}" for n in range(SHOWN + 3)])
    assert "and 3 more" in several._repr_html_()
    assert [one.record() for one in several[1:3]] == several.records()[1:3]


def test_words_of_the_text_are_escaped(folder: Path) -> None:
    found = explain(ExplainConfig(model=str(folder), steps=1), ["<b>w1</b>"])
    assert "<b>" not in found._repr_html_()
    assert "&lt;" in found._repr_html_()


def test_a_target(folder: Path) -> None:
    (found,) = explain(ExplainConfig(model=str(folder), target="maybe", steps=1), ["w1"])
    assert found.explanation is not None
    assert found.explanation.target == "maybe"
    with pytest.raises(UserError, match="did you mean 'maybe'"):
        explain(ExplainConfig(model=str(folder), target="mayb"), ["w1"])


def test_what_cannot_be_explained(folder: Path, tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    with pytest.raises(UserError, match="gives a vector, not a score"):
        explain(ExplainConfig(model=str(tmp_path), task="sentence-embedding"), ["w1"])
    with pytest.raises(UserError, match="is loaded for text-classification, not for fill-mask"):
        explain(ExplainConfig(task="fill-mask"), ["w1"], model=bertkit.load(folder))
    with pytest.raises(InputError, match="row 2: the text is missing"):
        explain(ExplainConfig(model=str(folder)), ["w1", None])  # type: ignore[list-item]
