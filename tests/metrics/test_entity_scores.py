from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from bertkit.metrics.entity_scores import count_entities
from bertkit.metrics.label_counts import Counts

SCHEMES = {
    "iob": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    "ioe": ("O", "E-PER", "I-PER", "E-LOC", "I-LOC"),
    "brackets": ("O", "[-PER", "]-PER", "[-LOC", "]-LOC", "I-PER"),
    "anything": (*(f"{place}-{type}" for place in "BIES[].OX" for type in ("PER", "LOC", "A-B")), *"OBIE[].", "PER"),
}


class Conlleval:
    """The main loop of the CoNLL-2000 script, statement by statement, with its variables, over its input lines."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.correct_chunk = self.found_correct = self.found_guessed = self.correct_tags = self.token_counter = 0
        self.correct_by: Counter[str] = Counter()
        self.gold_by: Counter[str] = Counter()
        self.guessed_by: Counter[str] = Counter()
        in_correct = False
        last_correct = last_guessed = "O"
        last_correct_type = last_guessed_type = ""
        for line in lines:
            features = line.split() or ["-X-", "O", "O"]
            guessed, guessed_type = self.cut(features.pop())
            correct, correct_type = self.cut(features.pop())
            first_item = features.pop(0)
            if first_item == "-X-":
                guessed = "O"
            correct_ends = self.end(last_correct, correct, last_correct_type, correct_type)
            guessed_ends = self.end(last_guessed, guessed, last_guessed_type, guessed_type)
            if in_correct:
                if correct_ends and guessed_ends and last_guessed_type == last_correct_type:
                    in_correct = False
                    self.correct_chunk += 1
                    self.correct_by[last_correct_type] += 1
                elif correct_ends != guessed_ends or guessed_type != correct_type:
                    in_correct = False
            correct_starts = self.start(last_correct, correct, last_correct_type, correct_type)
            guessed_starts = self.start(last_guessed, guessed, last_guessed_type, guessed_type)
            if correct_starts and guessed_starts and guessed_type == correct_type:
                in_correct = True
            if correct_starts:
                self.found_correct += 1
                self.gold_by[correct_type] += 1
            if guessed_starts:
                self.found_guessed += 1
                self.guessed_by[guessed_type] += 1
            if first_item != "-X-":
                if correct == guessed and guessed_type == correct_type:
                    self.correct_tags += 1
                self.token_counter += 1
            last_guessed, last_correct = guessed, correct
            last_guessed_type, last_correct_type = guessed_type, correct_type
        if in_correct:
            self.correct_chunk += 1
            self.correct_by[last_correct_type] += 1

    @staticmethod
    def cut(tag: str) -> tuple[str, str]:
        return (tag[: tag.index("-")], tag[tag.index("-") + 1 :]) if "-" in tag else (tag, "")

    @staticmethod
    def end(prev_tag: str, tag: str, prev_type: str, type: str) -> bool:
        ends = False
        if prev_tag == "B" and tag == "B":
            ends = True
        if prev_tag == "B" and tag == "O":
            ends = True
        if prev_tag == "I" and tag == "B":
            ends = True
        if prev_tag == "I" and tag == "O":
            ends = True
        if prev_tag == "E" and tag == "E":
            ends = True
        if prev_tag == "E" and tag == "I":
            ends = True
        if prev_tag == "E" and tag == "O":
            ends = True
        if prev_tag != "O" and prev_tag != "." and prev_type != type:
            ends = True
        if prev_tag == "]":
            ends = True
        if prev_tag == "[":
            ends = True
        return ends

    @staticmethod
    def start(prev_tag: str, tag: str, prev_type: str, type: str) -> bool:
        starts = False
        if prev_tag == "B" and tag == "B":
            starts = True
        if prev_tag == "I" and tag == "B":
            starts = True
        if prev_tag == "O" and tag == "B":
            starts = True
        if prev_tag == "O" and tag == "I":
            starts = True
        if prev_tag == "E" and tag == "E":
            starts = True
        if prev_tag == "E" and tag == "I":
            starts = True
        if prev_tag == "O" and tag == "E":
            starts = True
        if tag != "O" and tag != "." and prev_type != type:
            starts = True
        if tag == "[":
            starts = True
        if tag == "]":
            starts = True
        return starts


def random_sentence(chance: random.Random, tags: Sequence[str]) -> list[tuple[str, str]]:
    """Right and predicted tag of each word, alike for most, so that there are chunks that agree."""
    gold = chance.choices(tags, k=chance.randint(0, 8))
    return [(tag, tag if chance.random() < 0.8 else chance.choice(tags)) for tag in gold]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_counts_are_those_of_conlleval(scheme: str) -> None:
    """10,000 texts of up to 4 sentences, whose tags are drawn one by one, so that most sequences are broken."""
    chance = random.Random(scheme)
    found = 0
    for _ in range(10_000 // len(SCHEMES)):
        sentences = [random_sentence(chance, SCHEMES[scheme]) for _ in range(chance.randint(1, 4))]
        script = Conlleval([line for one in sentences for line in (*(f"word {g} {p}" for g, p in one), "")])
        ours = count_entities([[g for g, _ in one] for one in sentences], [[p for _, p in one] for one in sentences])
        assert ours.total == Counts(script.correct_chunk, script.found_guessed, script.found_correct)
        assert (ours.tokens, ours.correct_tokens) == (script.token_counter, script.correct_tags)
        assert ours.types == {
            type: Counts(script.correct_by[type], script.guessed_by[type], script.gold_by[type])
            for type in {*script.gold_by, *script.guessed_by, *script.correct_by}
        }
        found += script.correct_chunk
    assert found > 2500


def test_a_sentence_ends_its_chunks() -> None:
    assert count_entities([["B-PER"], ["I-PER"]], [["B-PER"], ["I-PER"]]).total == Counts(2, 2, 2)


def test_scores_of_a_small_case() -> None:
    counts = count_entities([["B-PER", "I-PER", "O", "B-LOC", "B-ORG"]], [["B-PER", "I-PER", "O", "B-ORG", "I-ORG"]])
    assert counts.types == {"LOC": Counts(0, 0, 1), "ORG": Counts(0, 1, 1), "PER": Counts(1, 1, 1)}
    assert counts.scores() == pytest.approx(
        {"entity_precision": 1 / 2, "entity_recall": 1 / 3, "entity_f1": 0.4, "accuracy": 3 / 5}
    )


def test_nothing_found_and_nothing_there() -> None:
    assert set(count_entities([["O"]], [["O"]]).scores().values()) == {0.0, 1.0}
    assert set(count_entities([[]], [[]]).scores().values()) == {0.0}
