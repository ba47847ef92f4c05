from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bertkit.cli.main import main

Output = pytest.CaptureFixture[str]


def write(path: Path, *records: object) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def labels(best: str, other: str) -> dict[str, object]:
    return {"labels": [{"label": best, "score": 0.9}, {"label": other, "score": 0.1}], "input_tokens": 3}


def evaluate(task: str, data: str, predictions: str, *more: str) -> int:
    return main(["evaluate", "--task", task, "--data", data, "--predictions", predictions, *more])


@pytest.fixture
def reviews(tmp_path: Path) -> str:
    rows = ("good", "good"), ("bad", "bad"), ("fine", "good")
    return write(tmp_path / "reviews.jsonl", *({"text": text, "label": label} for text, label in rows))


@pytest.fixture
def squad(tmp_path: Path) -> str:
    qas: list[dict[str, Any]] = [
        {"id": "a", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]},
        {"id": "b", "question": "When?", "answers": []},
    ]
    whole = {"version": "v2.0", "data": [{"paragraphs": [{"context": "Ada wrote it.", "qas": qas}]}]}
    return write(tmp_path / "dev.json", whole)


def test_labels_as_a_table(tmp_path: Path, reviews: str, capsys: Output) -> None:
    found = write(tmp_path / "p.jsonl", labels("good", "bad"), labels("bad", "good"), labels("bad", "good"))
    assert evaluate("text-classification", reviews, found) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"text-classification: 3 examples of {reviews}"
    assert lines[1].split() == ["metric", "value", "95", "%", "interval"]
    assert lines[2].split() == ["accuracy", "0.6667", "0.0000", "to", "1.0000"]
    assert [line.split()[:2] for line in lines[2:8]] == [
        ["accuracy", "0.6667"],
        ["f1_macro", "0.6667"],
        ["f1_micro", "0.6667"],
        ["precision_macro", "0.7500"],
        ["recall_macro", "0.7500"],
        ["matthews_corrcoef", "0.5000"],
    ]
    assert [line.split() for line in lines[8:]] == [
        [],
        ["label", "precision", "recall", "f1", "in", "data", "predicted"],
        ["bad", "0.5000", "1.0000", "0.6667", "1", "2"],
        ["good", "1.0000", "0.5000", "0.6667", "2", "1"],
    ]


def test_labels_for_programs_with_columns_named(tmp_path: Path, capsys: Output) -> None:
    data = tmp_path / "data.csv"
    data.write_text("body,stars\ngood,1\nbad,0\n")
    found = write(tmp_path / "p.jsonl", labels("1", "0"), labels("0", "1"))
    columns = ("--text-column", "body", "--label-column", "stars")
    for task in ("text-classification", "zero-shot-classification"):
        assert evaluate(task, str(data), found, *columns, "--problem", "single-label", "--json") == 0
        [line] = capsys.readouterr().out.splitlines()
        assert json.loads(line)["metrics"]["accuracy"] == 1.0


def test_entities(tmp_path: Path, capsys: Output) -> None:
    data = tmp_path / "ner.conll"
    data.write_text("Ada B-PER\nLovelace I-PER\nsaw O\nRome B-LOC\n\nRome B-LOC\n")
    entities = [{"label": "PER", "start": 0, "end": 12}, {"label": "PER", "start": 17, "end": 21}]
    found = write(tmp_path / "p.jsonl", {"entities": entities}, {"entities": [{"label": "LOC", "start": 0, "end": 4}]})
    assert evaluate("token-classification", str(data), found, "--json") == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == pytest.approx(
        {"entity_precision": 2 / 3, "entity_recall": 2 / 3, "entity_f1": 2 / 3, "accuracy": 4 / 5}
    )


def test_answers_by_id_or_as_records(tmp_path: Path, squad: str, capsys: Output) -> None:
    by_id = write(tmp_path / "p.json", {"a": "ada", "b": ""})
    span = {"answer": "Ada", "score": 0.7, "start": 0, "end": 3}
    records = write(
        tmp_path / "p.jsonl",
        {"answers": [span], "no_answer_score": 0.1},
        {"answers": [span], "no_answer_score": 0.8},
    )
    scores = write(tmp_path / "odds.json", {"a": 0.2, "b": 0.9})
    for arguments in ((by_id,), (records,), (by_id, "--no-answer-scores", scores)):
        assert evaluate("question-answering", squad, *arguments, "--json") == 0
        metrics = json.loads(capsys.readouterr().out)["metrics"]
        assert (metrics["exact_match"], metrics["f1"], metrics["NoAns_exact"]) == (100.0, 100.0, 100.0)
        assert ("best_exact" in metrics) == (arguments != (by_id,))


def test_predictions_say_what_was_predicted(tmp_path: Path, reviews: str, squad: str, capsys: Output) -> None:
    failed = {"error": {"type": "InputError", "message": "row 1: empty", "remedy": "…"}}
    found = write(tmp_path / "p.jsonl", *[labels("good", "bad")] * 3)
    by_id = write(tmp_path / "p.json", {"a": "ada", "b": ""})
    for data, predictions, task in ((reviews, found, "text-classification"), (squad, by_id, "question-answering")):
        assert main(["evaluate", "--data", data, "--predictions", predictions]) == 0
        assert capsys.readouterr().out.startswith(f"{task}: ")
    for records, said in (([{"score": 1}], "do not say what"), ([failed], "do not say what")):
        path = write(tmp_path / "odd.jsonl", *records)
        assert main(["evaluate", "--data", reviews, "--predictions", path]) == 2
        assert said in capsys.readouterr().err
    assert main(["evaluate", "--data", reviews, "--predictions", "-"]) == 2
    assert "Say what was predicted with --task" in capsys.readouterr().err
    assert main(["evaluate", "--data", reviews]) == 2
    assert "neither a model nor predictions are given" in capsys.readouterr().err


def test_v1_counts_what_is_missing_and_says_so(tmp_path: Path, capsys: Output) -> None:
    answers = [{"text": "Ada", "answer_start": 0}]
    qas = [{"id": id, "question": "Who?", "answers": answers} for id in "abc"]
    data = write(tmp_path / "dev.json", {"data": [{"paragraphs": [{"context": "Ada wrote it.", "qas": qas}]}]})
    assert evaluate("question-answering", data, write(tmp_path / "p.json", {"a": "Ada", "b": "it"}), "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["metrics"] == pytest.approx({"exact_match": 100 / 3, "f1": 100 / 3})
    assert err == "1 of 3 questions have no prediction; each counts 0\n"


@pytest.mark.data
def test_published_predictions(test_data: Path, capsys: Output) -> None:
    folder = test_data / "squad"
    found = folder / "published_predictions/v2.0-bert-single.json"
    assert evaluate("question-answering", str(folder / "dev-v2.0.json"), str(found)) == 0
    out = capsys.readouterr().out
    assert "11,873 examples" in out
    rows = [line.split() for line in out.splitlines()[2:]]
    assert [row[1] for row in rows] == [*("78.7417", "81.7753", "74.1059", "80.1818", "83.3642", "83.3642")]
    assert all(float(row[2]) < float(row[1]) < float(row[4]) for row in rows)


@pytest.mark.data
def test_the_tags_of_the_data_themselves_are_all_right(test_data: Path, tmp_path: Path, capsys: Output) -> None:
    from bertkit.labelled.reading import read_examples
    from bertkit.metrics.word_tags import as_iob2

    data = str(test_data / "ner/wikigold/wikigold.conll.txt")  # IOB1
    targets: list[Any] = [example.target for example in read_examples(data, "token-classification")]
    records = []
    for target, tags in zip(targets, as_iob2([target.tags for target in targets]), strict=True):
        entities: list[dict[str, object]] = []
        for (start, end), tag in zip(target.words, tags, strict=True):
            if tag.startswith("B"):
                entities.append({"label": tag[2:], "start": start})
            if tag != "O":
                entities[-1]["end"] = end
        records.append({"entities": entities})
    assert evaluate("token-classification", data, write(tmp_path / "p.jsonl", *records), "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["metrics"].values()) == {1.0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("text-classification", "{reviews}", "{short}"), "1 predictions for 3 examples"),
        (("text-classification", "{reviews}", "{broken}"), "broken.jsonl:2: not valid JSON"),
        (("text-classification", "{reviews}", "{wrong}"), "wrong.jsonl:3: no field 'labels'"),
        (("text-classification", "{reviews}", "gone.jsonl"), "gone.jsonl: no such file"),
        (("text-classification", "gone.jsonl", "{short}"), "gone.jsonl: no such file"),
        (("fill-mask", "{reviews}", "{short}"), "task 'fill-mask' has no scores"),
        (("text-clasification", "{reviews}", "{short}"), "(did you mean 'text-classification'?)"),
        (("question-answering", "{squad}", "{by_id}"), "1 of 2 questions have no prediction, the first is 'b'"),
        (
            ("question-answering", "{squad}", "{short}", "--no-answer-scores", "{by_id}"),
            "records, which have their own",
        ),
        (("text-classification", "{reviews}", "{short}", "--no-answer-scores", "x"), "--no-answer-scores with text-"),
        (("token-classification", "x", "y", "--problem", "regression"), "--problem with token-classification"),
    ],
)
def test_wrong_use(
    tmp_path: Path, reviews: str, squad: str, capsys: Output, arguments: tuple[str, ...], said: str
) -> None:
    files = {
        "reviews": reviews,
        "squad": squad,
        "short": write(tmp_path / "short.jsonl", labels("good", "bad")),
        "wrong": write(tmp_path / "wrong.jsonl", labels("good", "bad"), labels("bad", "good"), {"value": 1}),
        "by_id": write(tmp_path / "p.json", {"a": "Ada"}),
        "broken": str(tmp_path / "broken.jsonl"),
    }
    Path(files["broken"]).write_text(json.dumps(labels("good", "bad")) + "\n{nothing\n")
    task, data, predictions, *more = (one.format(**files) for one in arguments)
    assert evaluate(task, data, predictions, *more) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) == 2


def test_a_report_and_two_systems_compared(tmp_path: Path, reviews: str, capsys: Output) -> None:
    one = write(tmp_path / "p.jsonl", labels("good", "bad"), labels("bad", "good"), labels("bad", "good"))
    other = write(tmp_path / "q.jsonl", labels("bad", "good"), labels("bad", "good"), labels("bad", "good"))
    page = tmp_path / "report.html"
    more = ("--against", other, "--report", str(page))
    assert evaluate("text-classification", reviews, one, *more) == 0
    out = capsys.readouterr().out
    assert ["accuracy", "+0.3333", "+0.0000", "to", "+1.0000"] in [line.split()[:5] for line in out.splitlines()]
    assert out.splitlines()[-1] == f"report: {page}, all mistakes: {tmp_path / 'report.mistakes.csv'}"
    assert (tmp_path / "report.mistakes.csv").read_text().startswith("place,text,right,said,error,loss\n")
    assert evaluate("text-classification", reviews, one, *more, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["comparison"]["accuracy"]["difference"] == pytest.approx(1 / 3)
    assert 0.1 < facts["comparison"]["accuracy"]["p_value"] < 0.5, "three examples decide nothing"
    assert [(one["text"], one["right"], one["said"]) for one in facts["mistakes"]] == [("fine", "good", "bad (0.900)")]
    assert f"Beside {other}" in page.read_text()
    assert evaluate("text-classification", reviews, one, "--json") == 0
    assert list(json.loads(capsys.readouterr().out)) == ["metrics", "intervals"]


def test_a_report_that_cannot_be_written_or_made_leaves_none(tmp_path: Path, reviews: str, capsys: Output) -> None:
    found = write(tmp_path / "p.jsonl", labels("good", "bad"))
    assert evaluate("text-classification", reviews, found, "--report", str(tmp_path / "gone/report.html")) == 1
    assert evaluate("text-classification", reviews, found, "--report", str(tmp_path / "report.html")) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.jsonl", "reviews.jsonl"]


def test_answers_by_id_have_a_report(tmp_path: Path, squad: str, capsys: Output) -> None:
    by_id = write(tmp_path / "p.json", {"a": "ada", "b": "Ada"})
    page = tmp_path / "report.html"
    other = write(tmp_path / "q.json", {"a": "ada", "b": ""})
    assert evaluate("question-answering", squad, by_id, "--report", str(page), "--against", other, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["wrong"], facts["mistakes"][0]["right"]) == (1, "no answer")
    assert facts["comparison"]["f1"]["difference"] == -50
    assert "Ada wrote it." in page.read_text()


def test_it_needs_no_torch(tmp_path: Path, reviews: str) -> None:
    found = write(tmp_path / "p.jsonl", *[labels("good", "bad")] * 3)
    arguments = ["evaluate", "--task", "text-classification", "--data", reviews, "--predictions", found]
    arguments += ["--report", str(tmp_path / "report.html"), "--against", found]
    check = (
        "import sys; from bertkit.cli.main import main;"
        f"code = main({arguments});"
        "sys.exit(code or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], capture_output=True).returncode == 0
