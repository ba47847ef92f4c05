"""fastText's lines: `__label__name`, perhaps several, and then the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from bertkit.errors import InputError
from bertkit.formats.catalogue import FASTTEXT_LABEL
from bertkit.formats.files import read_lines


def read_fasttext(file: IO[bytes], name: str) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    """Line number, text and label of each line that is not blank; of several labels, or none, a list."""
    for line in read_lines(file, name):
        if line.problem is not None:
            yield line.number, line.problem
        elif line.text.strip():
            yield line.number, _fields(line.text)


def _fields(line: str) -> dict[str, object]:
    labels: list[str] = []
    rest = line.strip()
    while rest.startswith(FASTTEXT_LABEL):
        first, _, rest = rest.partition(" ")
        labels.append(first.removeprefix(FASTTEXT_LABEL).rstrip(","))
        rest = rest.lstrip(" \t,")
    return {"text": rest, "label": labels[0] if len(labels) == 1 else labels}
