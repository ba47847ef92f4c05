"""Every file of `everyday_files` through the reading of finetune, of evaluate and of predict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bertkit.cli.main import main
from bertkit.config.finetuning import FinetuneConfig
from bertkit.formats.dialects import with_delimiter
from bertkit.labelled.asked_rows import AskedRows
from bertkit.labelled.examples import Example, References, Tagged
from bertkit.labelled.reading import read_examples
from bertkit.tasks.catalogue import find_spec
from tests.labelled.everyday_files import ANSWERS, CHOICES, CLASSES, EVERYDAY, RANKING, TAGS, Everyday, lines

BEST = {CLASSES: "accuracy", TAGS: "entity_f1", ANSWERS: "f1", RANKING: "ndcg_at_10", CHOICES: "accuracy"}


@pytest.fixture(params=EVERYDAY)
def everyday(request: pytest.FixtureRequest) -> Everyday:
    return EVERYDAY[request.param]


def written(folder: Path, one: Everyday) -> str:
    path = folder / one.name
    path.write_bytes(one.content)
    return str(path)


def columns_of(one: Everyday) -> dict[str, str]:
    named = {key.removesuffix("_column"): value for key, value in one.options.items()}
    return {key: value for key, value in named.items() if f"{key}_column" in one.options}


def format_of(one: Everyday) -> str | None:
    return with_delimiter(one.options.get("format"), one.options.get("delimiter"))


def as_options(one: Everyday) -> list[str]:
    return [part for name, value in one.options.items() for part in (f"--{name.replace('_', '-')}", value)]


def examples_of(path: str, one: Everyday, said: list[str]) -> list[Example]:
    how: dict[str, Any] = {"format": format_of(one), "columns": columns_of(one), "note": said.append}
    return list(read_examples(path, one.task, problem=one.options.get("problem"), **how))


def read_of(example: Example, fields: Mapping[str, object]) -> dict[str, object]:
    return {name: example.row.fields[name] for name in fields}


def record_of(example: Example) -> dict[str, object]:
    """What a model that is always right says."""
    target, row = example.target, example.row.fields
    if isinstance(target, str):
        return {"labels": [{"label": target, "score": 1.0}]}
    if isinstance(target, Tagged):
        text = str(row["text"])
        marked = [(*word, tag[2:]) for word, tag in zip(target.words, target.tags, strict=True) if tag != "O"]
        return {
            "entities": [
                {"label": label, "score": 1.0, "text": text[start:end], "start": start, "end": end}
                for start, end, label in marked
            ]
        }
    if isinstance(target, References):
        answer = {"answer": target.texts[0], "score": 1.0, "start": target.starts[0], "end": 0}
        return {"answers": [answer], "no_answer_score": 0.0}
    if isinstance(target, int):
        return {"choices": [{"index": target, "score": 1.0}, {"index": 1 - target, "score": 0.0}]}
    assert isinstance(target, tuple)
    if "query" in row:
        return {"ranking": [{"index": place, "score": score} for place, score in enumerate(target)]}
    return {"labels": [{"label": name, "score": float(name in target)} for name in ("toxic", "insult")]}


def test_examples_are_read_and_the_guess_is_said(everyday: Everyday, tmp_path: Path) -> None:
    said: list[str] = []
    examples = examples_of(written(tmp_path, everyday), everyday, said)
    read = [read_of(*one) for one in zip(examples, everyday.inputs, strict=True)]
    assert read == list(everyday.inputs)
    assert [example.target for example in examples] == list(everyday.targets)
    if everyday.said is None:
        assert said == []
    else:
        assert sum(everyday.said in line for line in said) == 1


def test_rows_to_be_answered_are_those_of_the_examples(everyday: Everyday, tmp_path: Path) -> None:
    path = written(tmp_path, everyday)
    task = find_spec(everyday.task).task
    columns = {field: column for field, column in columns_of(everyday).items() if field != "label"}
    asked = AskedRows([path], format=format_of(everyday), columns=columns)
    rows = list(asked.of_task(task.name, task.fields))
    read = [{name: row.fields[name] for name in fields} for row, fields in zip(rows, everyday.inputs, strict=True)]
    assert read == list(everyday.inputs)


def test_evaluate_reads_it(everyday: Everyday, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, everyday)
    records = map(record_of, examples_of(path, everyday, []))
    said = tmp_path / "said.jsonl"
    said.write_text(lines(*records))
    options = ("--task", everyday.task, "--predictions", str(said), "--json")
    assert main(["evaluate", "--data", path, *options, *as_options(everyday)]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    best = {"f1": 100.0}.get(BEST[everyday.task], 1.0)
    assert metrics[BEST[everyday.task]] == best if BEST[everyday.task] in metrics else metrics["f1_micro"] == 1.0


def test_finetune_reads_it(
    everyday: Everyday, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Example] = []

    def finetune(config: FinetuneConfig, *, json: bool) -> None:
        table, problem = config.data, config.task.problem
        assert isinstance(table.train, str)
        how: dict[str, Any] = {"format": table.format, "columns": table.columns}
        found.extend(read_examples(table.train, config.task.name, problem=problem, **how))

    monkeypatch.setattr("bertkit.cli.finetune.finetune_and_show", finetune)
    path = written(tmp_path, everyday)
    options = ["--task", everyday.task, "--train", path, "-o", str(tmp_path / "run"), *as_options(everyday)]
    assert main(["finetune", *options]) == 0, capsys.readouterr().err
    assert [example.target for example in found] == list(everyday.targets)
