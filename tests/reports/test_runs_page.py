from __future__ import annotations

import re
from pathlib import Path

from bertkit.reports.run_summary import summarise
from bertkit.reports.runs_page import differences, measures, runs_page
from tests.reports.made_runs import make_finetuning, make_run


def test_the_page_compares_the_runs_and_needs_nothing_else(tmp_path: Path) -> None:
    make_run(tmp_path / "a<b>")
    make_run(tmp_path / "c", seed=3, optimiser={"learning_rate": 5e-4}, height=7)
    runs = [summarise(tmp_path / "a<b>"), summarise(tmp_path / "c")]
    assert measures(runs) == [
        *("loss", "fill-mask/loss", "fill-mask/accuracy", "next-sentence-prediction/accuracy", "pseudo_perplexity"),
        *("learning_rate", "tokens_per_second"),
    ]
    assert differences(runs) == [("train.seed", ["0", "3"]), ("train.optimiser.learning_rate", ["0.0001", "0.0005"])]
    page = runs_page(runs, [(("run", "tokens"), [("a<b>", "1M"), ("c", "2M")])])
    assert page.count("<svg") == 2 * 7  # each chart is there for a wide page and for a phone
    assert "<b>" not in page
    assert "<td>train.seed</td>" in page
    assert re.findall(r"(?:src|href)=|url\(|<script|https?://(?!www\.w3\.org/2000/svg)", page) == []


def test_one_run_alone_differs_from_nothing(tmp_path: Path) -> None:
    page = runs_page([summarise(make_run(tmp_path / "a").path)], [(("run",), [("a",)])])
    assert "differ" not in page


def test_pre_training_and_fine_tuning_are_on_one_page(tmp_path: Path) -> None:
    make_run(tmp_path / "a")
    make_finetuning(tmp_path / "b")
    runs = [summarise(tmp_path / "a"), summarise(tmp_path / "b")]
    found = measures(runs)
    assert {"fill-mask/accuracy", "text-classification/loss", "accuracy", "f1_macro"} <= set(found)
    assert len(found) == len(set(found))
    changes = dict(differences(runs))
    assert changes["task.name"] == ["–", "text-classification"]  # noqa: RUF001
    assert changes["train.steps"] == ["1000", "–"]  # noqa: RUF001
    page = runs_page(runs, [(("run",), [("a",)]), (("run", "task"), [("b", "text-classification")])])
    alone = [measures([run]) for run in runs]  # what the one measures says nothing of the other
    assert page.count("<svg") == 2 * sum(map(len, alone))
    pretraining, finetuning = page.split("<h2>Curves of pre-training</h2>")[1].split("<h2>Curves of fine-tuning</h2>")
    assert "b, held out" in finetuning
    assert "b, held out" not in pretraining
    assert "a, held out" not in finetuning
