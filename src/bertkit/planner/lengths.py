"""How long the texts are: a number, a list, a range, a distribution, or a file of them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import NormalDist

from bertkit.errors import InputError, UserError

SAMPLES = 64  # lengths that stand for a distribution
# Without the model's tokenizer: of English prose, from memory. Two tokens stand around every text.
PIECES_OF_A_WORD, AROUND = 1.33, 2

Count = Callable[[str], int]


def read_lengths(text: str, most: int, count: Count | None = None) -> tuple[int, ...]:
    """The lengths that a user means: `128`, `16,128,512`, `8-512`, `normal:256:96`, or the path of a file.

    Args:
        most: tokens that the model reads. Texts of a file that are longer are read in several windows.
        count: tokens of a text, special ones included; None where the model's tokenizer is not there.

    Raises:
        UserError: it is none of these, or a length is impossible.
        InputError: the file cannot be read, or has no text.
    """
    plain = text.strip()
    if Path(plain).is_file():
        return _of_file(Path(plain), most, count or words_rule)
    if re.fullmatch(r"-?\d+(\s*,\s*-?\d+)*", plain):
        return _possible([int(part) for part in plain.split(",")], most)
    if found := re.fullmatch(r"(\d+)\s*(?:-|\.\.|to)\s*(\d+)", plain):
        low, high = _possible([int(found[1]), int(found[2])], most)
        if low > high:
            raise UserError(f"--lengths {text!r} goes down", f"Write {high}-{low}.")
        return tuple(low + round((high - low) * (i + 0.5) / SAMPLES) for i in range(SAMPLES))
    if found := re.fullmatch(r"normal:(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", plain):
        mean, spread = float(found[1]), float(found[2])
        _possible([round(mean)], most)
        if spread == 0:
            return (round(mean),)
        inverse = NormalDist(mean, spread).inv_cdf
        return tuple(min(most, max(1, round(inverse((i + 0.5) / SAMPLES)))) for i in range(SAMPLES))
    raise UserError(
        f"--lengths {text!r} is neither a length nor a file",
        "Write 128, or 16,128,512, or 8-512, or normal:256:96 (mean and deviation), or name a file of texts.",
    )


def _possible(lengths: list[int], most: int) -> tuple[int, ...]:
    if min(lengths) < 1:
        raise UserError(f"a sequence of {min(lengths)} tokens", "Give lengths from 1 on.")
    if max(lengths) > most:
        raise UserError(
            f"sequences of {max(lengths):,} tokens, and the model reads up to {most:,}",
            f"Choose lengths up to {most:,}; longer texts are read in windows of that.",
        )
    return tuple(lengths)


def words_rule(text: str) -> int:
    """Tokens of a text by the number of its words."""
    return max(1, round(len(text.split()) * PIECES_OF_A_WORD)) + AROUND


def _of_file(path: Path, most: int, count: Count) -> tuple[int, ...]:
    try:
        texts = [text for text in _texts(path) if text.strip()]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}", "Name a file of one text a line, JSONL or CSV.") from None
    if not texts:
        raise InputError(f"{path}: has no text", "Name a file of one text a line, JSONL or CSV with a column `text`.")
    lengths: list[int] = []
    for text in texts:
        tokens = count(text)
        while tokens > most:
            lengths.append(most)
            tokens -= most - AROUND
        lengths.append(tokens)
    return tuple(lengths)


def _texts(path: Path) -> Iterable[str]:
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix in (".csv", ".tsv"):
            rows = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            return [str(row.get("text") or next(iter(row.values()), "")) for row in rows]
        if path.suffix == ".jsonl":
            return [_field(json.loads(line)) for line in file if line.strip()]
        return list(file)


def _field(record: object) -> str:
    if not isinstance(record, dict):
        return str(record)
    return str(next((record[name] for name in ("text", "question", "query") if name in record), ""))
