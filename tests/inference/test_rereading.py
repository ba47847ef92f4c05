from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.batching.packed import PackedBatch
from bertkit.inference.rereading import Rereading, texts_within
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText, cut

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def tokenizer(folder: Path, name: str, words: str) -> Tokenizer:
    path = folder / f"{name}.txt"
    path.write_text("\n".join([*SPECIAL, *words.split()]) + "\n")
    return Tokenizer.load_file(path)


def packed(one: Tokenizer, *texts: str | tuple[str, str]) -> PackedBatch:
    windows = []
    for text in texts:
        tokens = one.tokenize([text] if isinstance(text, str) else list(text))
        encoded = cut(tokens[0], tokens[1] if len(tokens) > 1 else None, one.template, limit=99, long=LongText.ERROR)
        windows += encoded.windows
    return PackedBatch.of([w.ids for w in windows], [w.segments for w in windows])


def same(one: PackedBatch, other: PackedBatch) -> bool:
    names = ("ids_T", "segments_T", "positions_T")
    return one.lengths == other.lengths and all((getattr(one, n) == getattr(other, n)).all() for n in names)


def test_the_same_tokens_are_read_as_they_are(tmp_path: Path) -> None:
    one = tokenizer(tmp_path, "one", "a b c")
    batch = packed(one, "a b", "c", ("a", "b c"))
    reading = Rereading(one, tokenizer(tmp_path, "other", "a b c"), 99)
    assert reading.batch(batch) == (batch, [0, 1, 2])
    read, numbers = Rereading(one, one, 4).batch(batch)
    assert numbers == [0, 1]
    assert read is not None
    assert same(read, packed(one, "a b", "c"))
    assert Rereading(one, one, 2).batch(batch) == (None, [])


def test_texts_and_pairs_in_another_vocabulary(tmp_path: Path) -> None:
    one, other = tokenizer(tmp_path, "one", "ab ##c d . '"), tokenizer(tmp_path, "other", "d a ##b ##c abc . '")
    texts = ("abc d.", "d", ("d", "abc"), ("abc abc", "d ' d"))
    read, numbers = Rereading(one, other, 99).batch(packed(one, *texts))
    assert numbers == [0, 1, 2, 3]
    assert read is not None
    assert same(read, packed(other, *texts))


def test_what_it_cannot_read_is_left_to_the_other(tmp_path: Path) -> None:
    one, other = tokenizer(tmp_path, "one", "a b c"), tokenizer(tmp_path, "other", "b a c")
    read, numbers = Rereading(one, other, 4).batch(packed(one, "a b c", "what", "b"))
    assert numbers == [2]  # the first is too long, of the second no token says anything
    assert read is not None
    assert same(read, packed(other, "b"))
    assert Rereading(one, other, 4).batch(packed(one, "a b c")) == (None, [])


@pytest.mark.parametrize(("text", "expected"), [("a b", [[5, 6]]), (("a", "b c"), [[5], [6, 7]])])
def test_what_special_tokens_are_around(text: str | tuple[str, str], expected: list[list[int]], tmp_path: Path) -> None:
    one = tokenizer(tmp_path, "one", "a b c")
    frames = (one.template.single, one.template.pair)
    assert texts_within(packed(one, text).ids_T.tolist(), frames) == expected
    assert texts_within([5, 6], frames) == [[5, 6]]
