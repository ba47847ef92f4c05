from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bertkit.config.finetuning import FinetuneConfig
from bertkit.finetuning.recipe import TrainingRecipe
from bertkit.finetuning.run import Finetuned
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example
from bertkit.metrics.task_scores import Scores
from bertkit.reports.beside import BESIDE, PROBE
from bertkit.training.ranks import Ranks
from bertkit.workflows.findings import Findings, files_beside, find, result_of
from tests.workflows.small import Remembers

CPU = torch.device("cpu")
FIRST = Ranks(0, 1, CPU, None)
RECIPE = TrainingRecipe(3.0, 1e-4, 1.0, None, "3 epochs, because 9 examples")


def config(**tables: object) -> FinetuneConfig:
    values = {
        "task": {"name": "text-classification"},
        "model": {"start": "/away/on/this/machine/start"},
        "data": {"train": "/away/on/this/machine/train.tsv"},
        "run": {"directory": "runs/mine"},
    }
    return FinetuneConfig.model_validate(values | tables)


def examples(texts: str, first: int = 0) -> list[Example]:
    return [
        Example(Row({"text": text}, f"t:{number}"), "good" if number % 2 else "bad", str(number))
        for number, text in enumerate(texts, first)
    ]


def job(held_out: str = "xyzw") -> Any:
    """Of a job all that findings look at."""
    data = SimpleNamespace(
        train=examples("abcdefgh"),
        held_out=examples(held_out),
        notes=["/away/on/this/machine/train.tsv: the column 'kind' is the label"],
        in_words=lambda: "8 examples to learn from",
        task=SimpleNamespace(name="text-classification", labels=("bad", "good")),
        problem="single-label",
    )
    scores = Scores({"accuracy": 0.5, "f1_macro": 0.25})
    return SimpleNamespace(data=data, evaluator=SimpleNamespace(best_by="accuracy", scores=scores))


def test_what_is_odd_and_what_simpler_models_reach_is_said_in_order() -> None:
    observer = Remembers()
    found = find(config(), job("abzw"), RECIPE, ["sha"], FIRST, observer)
    note, *warnings, learnt, why, first, second = observer.said
    assert note.endswith("is the label")
    assert warnings
    assert all(line.startswith("warning: ") for line in warnings)
    assert (learnt, why) == ("8 examples to learn from", "3 epochs, because 9 examples")
    assert [line.split(":")[0] for line in (first, second)] == [
        f"for comparison, {one.name}" for one in found.baselines
    ]
    assert warnings == [f"warning: {line}" for line in found.doubts.lines]


@pytest.mark.parametrize(
    ("settings", "ranks"),
    [(config(model={}, teacher={"start": "teacher"}), FIRST), (config(), Ranks(1, 2, CPU, None))],
    ids=["a teacher", "another rank"],
)
def test_who_measures_no_simpler_models(settings: FinetuneConfig, ranks: Ranks) -> None:
    observer = Remembers()
    assert find(settings, job(), RECIPE, [], ranks, observer).baselines == ()
    assert not [line for line in observer.said if "comparison" in line]


def test_a_quick_run_does_not_say_why_it_has_epochs() -> None:
    observer = Remembers()
    find(config(train={"quick": True}), job(), RECIPE, [], FIRST, observer)
    assert RECIPE.why not in observer.said


def test_the_result_stands_beside_the_others_and_its_card_names_no_folder_of_this_machine(tmp_path: Any) -> None:
    one, settings = job(), config()
    findings: Findings = find(settings, one, RECIPE, ["0123456789abcdef"], FIRST, Remembers())
    done = Finetuned(20, 30, {"accuracy": 0.5, "f1_macro": 0.25}, -0.5, 9.0, 30, RECIPE, start={"accuracy": 0.375})
    result = result_of(tmp_path, one, findings, done)
    assert result.beside is not None
    assert result.beside.score == 0.5
    assert result.beside.others[PROBE] == 0.375
    assert list(result.beside.others)[:-1] == [baseline.name for baseline in findings.baselines]
    files = files_beside(settings, one, findings, result, FIRST)
    assert files.keys() == {"README.md", BESIDE}
    card = files["README.md"]
    assert "/away" not in card
    assert "train.tsv: the column 'kind' is the label" in card
    assert "0123456789abcdef" in card
