"""Small files of labelled data, and what is read from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bertkit.errors import UserError
from bertkit.labelled.examples import Example
from bertkit.labelled.reading import read_examples


def written(folder: Path, name: str, content: str | bytes) -> str:
    """The path of a new file."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def as_jsonl(*rows: Mapping[str, object]) -> str:
    """One object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def examples_of(folder: Path, task: str, *rows: Mapping[str, object], **options: str) -> list[Example]:
    """The examples of a JSONL file of these rows."""
    path = written(folder, "rows.jsonl", as_jsonl(*rows))
    return list(read_examples(path, task, problem=options.pop("problem", None), columns=options))


def refusal(folder: Path, task: str, *rows: Mapping[str, object], **options: str) -> str:
    """What is wrong with a JSONL file of these rows, its folder left out."""
    with pytest.raises(UserError) as caught:
        examples_of(folder, task, *rows, **options)
    assert caught.value.remedy
    return str(caught.value).replace(f"{folder}/", "")
