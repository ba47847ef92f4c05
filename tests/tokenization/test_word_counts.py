from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import normalizers, pre_tokenizers

from bertkit.tokenization.word_counts import chunks_of, count_chunk, count_words
from tests.tokenization.texts import HOSTILE, mixtures


def plainly(lines: list[str], *, cased: bool) -> Counter[str]:
    """Line by line, as the tokenizer itself goes over a text."""
    normalizer, split = normalizers.BertNormalizer(lowercase=not cased), pre_tokenizers.BertPreTokenizer()
    words = (word for line in lines for word, _ in split.pre_tokenize_str(normalizer.normalize_str(line)))
    return Counter(word for word in words if len(word) <= 100)


@pytest.mark.parametrize("cased", [False, True])
def test_words_are_those_of_the_tokenizer(cased: bool) -> None:
    lines = HOSTILE + mixtures(500)
    assert count_chunk("\n".join(lines), cased=cased) == plainly(lines, cased=cased)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=5), st.booleans())
def test_any_text(lines: list[str], cased: bool) -> None:
    assert count_chunk("\n".join(lines), cased=cased) == plainly(lines, cased=cased)


def test_by_hand() -> None:
    counts = count_chunk("The cat,  the CAT\nNaïve " + "x" * 100 + " " + "y" * 101, cased=False)
    assert counts == {"the": 2, "cat": 2, ",": 1, "naive": 1, "x" * 100: 1}
    assert count_chunk("The cat", cased=True) == {"The": 1, "cat": 1}


def test_chunks_keep_every_line_and_are_bounded() -> None:
    lines = ["ab"] * 10
    assert list(chunks_of(lines, characters=6)) == ["ab\nab"] * 5
    assert list(chunks_of(lines, characters=100)) == ["\n".join(lines)]
    assert list(chunks_of(["a" * 50, "b"], characters=6)) == ["a" * 50, "b"]
    assert list(chunks_of([])) == []


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_never_change_the_result(processes: int) -> None:
    lines = HOSTILE * 3 + mixtures(300)
    counts = count_words(chunks_of(lines, characters=3000), cased=False, processes=processes)
    assert counts == plainly(lines, cased=False)
    assert list(counts) == list(count_words(chunks_of(lines, characters=3000), cased=False))


@pytest.mark.parametrize("processes", [1, 2])
def test_rare_words_are_forgotten_at_the_bound(processes: int) -> None:
    chunks = ["a a a b b c", "d e", "f c c"]
    counts = count_words(chunks, cased=False, processes=processes, most_words=4)
    # The second chunk makes five words: those seen once go (c, d, e); c then starts again.
    assert counts == {"a": 3, "b": 2, "f": 1, "c": 2}
    assert count_words(["a a b b c c d d e e"], cased=False, most_words=4) == {}


def test_chunks_are_taken_as_they_are_needed() -> None:
    taken = 0

    def chunks() -> Iterator[str]:
        nonlocal taken
        for _ in range(30):
            taken += 1
            yield "a b"
        raise ValueError("the disk is gone")

    with pytest.raises(ValueError, match="the disk is gone"):
        count_words(chunks(), cased=False, processes=2)
    assert taken == 30


def test_an_interrupt_leaves_no_process_behind() -> None:
    script = """
import os, time
from bertkit.tokenization.word_counts import count_words
def chunks():
    yield "a b"
    yield "c d"
    for number in range(10**9):
        if number == 20:
            print("ready", flush=True)
        yield "e f " * 2000
if __name__ == "__main__":
    try:
        count_words(chunks(), cased=False, processes=2)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to the whole group
        out, err = process.communicate(timeout=120)
    assert (out, err) == (b"interrupted\n", b"")
    for _ in range(600):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process of the group is still there")
