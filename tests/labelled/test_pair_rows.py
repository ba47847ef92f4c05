"""What is read of pairs of texts, whatever their columns are called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bertkit.labelled.examples import Target
from bertkit.labelled.reading import read_examples
from tests.labelled.example_files import as_jsonl, examples_of, refusal, written

PAIRS = "sentence-embedding"
Rows = list[dict[str, object]]


def labelled(column: str, *values: object, texts: tuple[str, str] = ("sentence1", "sentence2")) -> Rows:
    return [{texts[0]: f"a {n}", texts[1]: f"b {n}", column: value} for n, value in enumerate(values)]


def learnt(folder: Path, rows: Rows, **columns: str) -> tuple[list[Target], list[str]]:
    """The targets, and what was said."""
    notes: list[str] = []
    path = written(folder, "rows.jsonl", as_jsonl(*rows))
    found = [one.target for one in read_examples(path, PAIRS, columns=columns, note=notes.append)]
    return found, [note.replace(f"{folder}/", "") for note in notes]


def test_pairs_with_a_score_and_pairs_that_belong_together(tmp_path: Path) -> None:
    (example,) = examples_of(tmp_path, PAIRS, {"sentence1": "a", "sentence2": "b", "similarity": "3.5"})
    assert (example.row.fields, example.target) == ({"text": "a", "text_pair": "b"}, 3.5)
    (example,) = examples_of(tmp_path, PAIRS, {"anchor": "a", "positive": "b", "negative": "c"})
    assert (example.row.fields, example.target) == ({"text": "a", "text_pair": "b", "negative": "c"}, None)
    rows = [{"text": "a", "text_pair": "b", "hard": "c"}]
    (example,) = examples_of(tmp_path, PAIRS, *rows, negative="hard")
    assert example.row.fields["negative"] == "c"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"anchor": "a"}], "rows.jsonl: no column 'text_pair'; the columns are 'anchor'"),
        ([{"text": "a", "text_pair": "b"}, {"text": "a"}], "rows.jsonl:2: the field 'text_pair' is empty"),
        (
            [{"text": "a", "text_pair": "b", "score": "yes"}],
            "rows.jsonl:1: the field 'score' is 'yes', not a finite number",
        ),
        (
            [{"text": "a", "text_pair": "b", "negative": '["c"]'}],
            "rows.jsonl:1: the field 'negative' is a list, not text",
        ),
        ([{"text": "a", "text_pair": "b", "negative": ["c"]}], "rows.jsonl:1: the field 'negative' is ['c'], not text"),
        (
            [{"text": "a", "text_pair": "b", "score": 1}, {"text": "a", "text_pair": "b"}],
            "rows.jsonl:2: the field 'score' is empty",
        ),
    ],
)
def test_bad_pairs_are_told(tmp_path: Path, rows: list[dict[str, object]], told: str) -> None:
    assert refusal(tmp_path, PAIRS, *rows) == told


@pytest.mark.parametrize(
    "column", ["is_duplicate", "label", "Quality", "labels", "gold_label", "is_paraphrase", "same"]
)
def test_a_label_says_which_pairs_belong_together(tmp_path: Path, column: str) -> None:
    found, notes = learnt(tmp_path, labelled(column, 0, "1", 1.0, False, "True"))
    assert found == [0.0, 1.0, 1.0, 0.0, 1.0]
    assert notes[0].startswith(
        f"rows.jsonl: the field {column!r} says which pairs belong together: the cosine learns '0'"
    )


def test_a_score_goes_before_a_label(tmp_path: Path) -> None:
    rows = [row | {"relatedness_score": 4.5} for row in labelled("entailment_judgment", "ENTAILMENT", "NEUTRAL")]
    assert learnt(tmp_path, rows) == ([4.5, 4.5], [])


def test_a_column_that_the_user_names_is_read(tmp_path: Path) -> None:
    rows = labelled("verdict", "yes", "no")
    assert learnt(tmp_path, rows, label="verdict")[0] == [1.0, 0.0]
    assert learnt(tmp_path, labelled("similarity", 5, 0, 3), label="similarity")[0] == [5.0, 0.0, 3.0]


@pytest.mark.parametrize(
    "rows",
    [
        labelled("verdict", "yes", "no"),
        labelled("checked", 1, 0, None),
        labelled("human_similarity", 0.5, 3),
        labelled("pair_label", "x", "y"),
        [{"text": "a", "text_pair": "b"}, *labelled("is_duplicate", 0, 1, texts=("text", "text_pair"))],
    ],
)
def test_a_column_that_may_say_it_is_not_passed_over(tmp_path: Path, rows: Rows) -> None:
    column = list(rows[-1])[-1]
    told = refusal(tmp_path, PAIRS, *rows)
    assert told.startswith(f"rows.jsonl: the column {column!r} has ")
    assert told.endswith("and may say which pairs do not belong together")


def test_columns_that_are_passed_over_are_named(tmp_path: Path) -> None:
    rows = [row | {"id": 3, "topic": "a"} for row in labelled("source", "web", "news")]
    said = "rows.jsonl: all pairs are taken as belonging together; not read: 'source', 'topic'"
    assert learnt(tmp_path, rows) == ([None, None], [said])
    assert learnt(tmp_path, [{"anchor": "a", "positive": "b", "negative": "c"}]) == ([None], [])


@pytest.mark.parametrize("column", ["neg", "hard_negative", "negative_1"])
def test_negatives_have_other_names_too(tmp_path: Path, column: str) -> None:
    (example,) = examples_of(tmp_path, PAIRS, {"anchor": "a", "positive": "b", column: "c"})
    assert example.row.fields["negative"] == "c"


def test_a_pair_with_a_negative_belongs_together(tmp_path: Path) -> None:
    triplet = {"anchor": "a", "positive": "b", "negative": "c"}
    assert [one.target for one in examples_of(tmp_path, PAIRS, triplet | {"label": 1})] == [None]
    rows: list[Mapping[str, object]] = [triplet | {"label": 1}, triplet | {"label": 0}]
    for told in (refusal(tmp_path, PAIRS, *rows), refusal(tmp_path, PAIRS, triplet | {"score": 0.5})):
        assert ": a pair with a negative, and with '" in told


def test_which_of_two_columns_is_asked(tmp_path: Path) -> None:
    for columns in ({"score": 1, "similarity": 0}, {"is_duplicate": 1, "gold_label": 0}):
        told = refusal(tmp_path, PAIRS, {"text": "a", "text_pair": "b"} | columns)
        assert told == f"rows.jsonl: 'label' could be any of the columns {', '.join(map(repr, columns))}"


@pytest.mark.parametrize("values", [(0, 1), (0, 1, 2)])
def test_numbers_of_classes_are_no_scores(tmp_path: Path, values: tuple[int, ...]) -> None:
    """Of texts called premise and hypothesis, 0 is entailment in most sets, 1 in others."""
    rows = labelled("label", *values, texts=("premise", "hypothesis"))
    assert "whether two texts belong together is not known of 'label'" in refusal(tmp_path, PAIRS, *rows)
