"""Lengths as a user says them."""

from __future__ import annotations

from pathlib import Path
from statistics import mean, pstdev

import pytest

from bertkit.errors import InputError, UserError
from bertkit.planner.lengths import read_lengths


def test_numbers_ranges_and_distributions() -> None:
    assert read_lengths("128", 512) == (128,)
    assert read_lengths("16, 512,128", 512) == (16, 512, 128)
    even = read_lengths("8-512", 512)
    assert (len(even), mean(even)) == (64, pytest.approx(260, abs=1))
    assert min(even) >= 8
    assert max(even) <= 512
    normal = read_lengths("normal:256:40", 512)
    assert (mean(normal), pstdev(normal)) == (pytest.approx(256, abs=1), pytest.approx(40, rel=0.05))
    wide = read_lengths("normal:256:400", 512)
    assert (min(wide), max(wide)) == (1, 512)
    assert read_lengths("normal:256:0", 512) == (256,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "0 tokens"),
        ("-4", "-4 tokens"),
        ("513", "513 tokens, and the model reads up to 512"),
        ("8-600", "600 tokens"),
        ("300-8", "goes down"),
        ("normal:900:5", "900 tokens"),
        ("long", "neither a length nor a file"),
    ],
)
def test_impossible_lengths(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_lengths(text, 512)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "one two three\n\nfour\n"),
        ("a.jsonl", '{"text": "one two three"}\n{"query": "four", "documents": []}\n'),
        ("a.csv", "label,text\nx,one two three\ny,four\n"),
        ("a.tsv", "text\tlabel\none two three\tx\nfour\ty\n"),
    ],
)
def test_files(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert read_lengths(str(tmp_path / name), 512, lambda text: len(text.split())) == (3, 1)
    assert read_lengths(str(tmp_path / name), 512) == (6, 3)  # by the rule: 1.33 a word, and two around


def test_long_texts_are_windows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a b c d e f g h\n")
    assert read_lengths(str(tmp_path / "a.txt"), 5, lambda text: len(text.split())) == (5, 5)


@pytest.mark.parametrize("content", [b"\n \n", b"\xff\xfe\n"])
def test_files_that_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError):
        read_lengths(str(tmp_path / "a.txt"), 512)
