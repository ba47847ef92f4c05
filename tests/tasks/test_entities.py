"""Entities from labels: every scheme, and everything that no scheme would write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.tasks.entities import Span, group, read_tags
from bertkit.tasks.tag_scheme import Tag

BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
BIOES = [*BIO, "E-PER", "S-PER", "E-LOC", "S-LOC", "L-PER", "U-PER"]


def entities(labels: str, known: list[str] = BIOES) -> list[tuple[str, int, int]]:
    tags = dict(zip(known, read_tags(known), strict=True))
    return [tuple(span) for span in group([tags[label] for label in labels.split()])]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param("O B-PER I-PER O B-LOC", [("PER", 1, 3), ("LOC", 4, 5)], id="IOB2"),
        pytest.param("B-PER B-PER I-PER", [("PER", 0, 1), ("PER", 1, 3)], id="IOB2 neighbours of one type"),
        pytest.param("I-PER I-PER O I-LOC", [("PER", 0, 2), ("LOC", 3, 4)], id="IOB1"),
        pytest.param("I-PER B-PER I-PER", [("PER", 0, 1), ("PER", 1, 3)], id="IOB1 neighbours of one type"),
        pytest.param("B-PER I-LOC I-LOC", [("PER", 0, 1), ("LOC", 1, 3)], id="I- of another type"),
        pytest.param("O I-PER", [("PER", 1, 2)], id="I- after O"),
        pytest.param("B-PER O I-PER", [("PER", 0, 1), ("PER", 2, 3)], id="O between"),
        pytest.param("B-PER I-PER E-PER S-PER", [("PER", 0, 3), ("PER", 3, 4)], id="BIOES"),
        pytest.param("B-PER E-PER I-PER E-PER", [("PER", 0, 2), ("PER", 2, 4)], id="I- after E-"),
        pytest.param("S-PER S-PER I-PER", [("PER", 0, 1), ("PER", 1, 2), ("PER", 2, 3)], id="I- after S-"),
        pytest.param("E-PER E-PER", [("PER", 0, 1), ("PER", 1, 2)], id="E- after nothing"),
        pytest.param("B-LOC E-PER", [("LOC", 0, 1), ("PER", 1, 2)], id="E- of another type"),
        pytest.param("B-PER I-PER L-PER U-PER I-PER", [("PER", 0, 3), ("PER", 3, 4), ("PER", 4, 5)], id="BILOU"),
        pytest.param("O O", [], id="none"),
        pytest.param("", [], id="no words"),
        pytest.param("B-PER", [("PER", 0, 1)], id="one word"),
    ],
)
def test_by_hand(labels: str, expected: list[tuple[str, int, int]]) -> None:
    assert entities(labels) == expected


def test_labels_without_prefix() -> None:
    assert entities("PER PER O LOC PER", ["O", "PER", "LOC"]) == [("PER", 0, 2), ("LOC", 3, 4), ("PER", 4, 5)]
    assert entities("NOUN VERB VERB", ["NOUN", "VERB"]) == [("NOUN", 0, 1), ("VERB", 1, 3)]


def test_a_prefix_needs_a_partner() -> None:
    labels = ["O", "E-MAIL", "B-PER", "E-PER", "I_ORG", "PER", "B-", "S-BAHN"]
    assert read_tags(labels) == [
        None,
        Tag("I", "E-MAIL"),
        Tag("B", "PER"),
        Tag("E", "PER"),
        Tag("I", "ORG"),
        Tag("I", "PER"),
        Tag("I", "B-"),
        Tag("I", "S-BAHN"),
    ]


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        ("PER-B PER-I O LOC-B LOC-B", "O PER-B PER-I LOC-B"),
        ("b-per i-per o b-loc b-loc", "o b-per i-per b-loc"),
        ("B-PER L-PER O U-LOC U-LOC", "O B-PER I-PER L-PER U-LOC"),
        ("B-PER E-PER O W-LOC W-LOC", "O B-PER M-PER E-PER W-LOC"),
    ],
)
def test_the_scheme_is_of_the_whole_set(labels: str, known: str) -> None:
    found = [(type.upper(), start, stop) for type, start, stop in entities(labels, known.split())]
    assert found == [("PER", 0, 2), ("LOC", 3, 4), ("LOC", 4, 5)]


@given(st.lists(st.sampled_from(BIOES)))
def test_every_word_that_is_not_outside_is_in_one_entity_of_its_type(labels: list[str]) -> None:
    tags = dict(zip(BIOES, read_tags(BIOES), strict=True))
    spans = group([tags[label] for label in labels])
    types = [None if tag is None else tag.type for tag in (tags[label] for label in labels)]
    covered: list[str | None] = [None] * len(labels)
    end = 0
    for span in spans:
        assert isinstance(span, Span)
        assert end <= span.start < span.stop
        end = span.stop
        covered[span.start : span.stop] = [span.type] * (span.stop - span.start)
    assert covered == types


@given(st.lists(st.tuples(st.sampled_from(["PER", "LOC"]), st.integers(1, 3), st.integers(0, 2)), max_size=8))
def test_what_a_scheme_writes_is_read_back(entities_: list[tuple[str, int, int]]) -> None:
    """Entities (type, words, words outside before the next) written in four schemes."""
    truth: list[Span] = []
    written: dict[str, list[str]] = {"IOB1": [], "IOB2": [], "BIOES": [], "BILOU": []}
    for type_, length, gap in entities_:
        start = len(written["IOB2"])
        touches = bool(truth) and truth[-1].stop == start and truth[-1].type == type_
        truth.append(Span(type_, start, start + length))
        inner = [f"I-{type_}"] * length
        written["IOB1"] += [f"B-{type_}", *inner[1:]] if touches else inner
        written["IOB2"] += [f"B-{type_}", *inner[1:]]
        for name, last, single in (("BIOES", "E", "S"), ("BILOU", "L", "U")):
            many = [f"B-{type_}", *inner[2:], f"{last}-{type_}"]
            written[name] += [f"{single}-{type_}"] if length == 1 else many
        for labels in written.values():
            labels += ["O"] * gap
    known = ["O", *(f"{place}-{type_}" for place in "BIESLU" for type_ in ("PER", "LOC"))]
    tags = dict(zip(known, read_tags(known), strict=True))
    for labels in written.values():
        assert group([tags[label] for label in labels]) == truth
