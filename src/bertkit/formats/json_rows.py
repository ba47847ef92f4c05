"""A file that is one JSON value with rows in it: a list of objects, alone or under a name, or columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO

from bertkit.errors import InputError
from bertkit.formats.annotated import flattened, is_spacy
from bertkit.formats.files import readable
from bertkit.formats.json_file import json_value
from bertkit.formats.jsonl import broken_text, checked
from bertkit.formats.notes import Note

FORM = 'A .json file of rows is a list, [{"text": "…"}, …]; with an object a line, say --format jsonl.'


def read_json_rows(file: IO[bytes], name: str, note: Note) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    """Number, from 1, and fields of each row. The whole file is read before the first one.

    * a list of objects, of texts, or of spaCy's pairs of a text and its annotations;
    * an object with such a list under `data` or another name, the only one that has a list of objects;
    * columns: lists of one length, or objects by the same numbers, as pandas writes them; its other forms too.

    Raises:
        InputError: it is not JSON, or none of these.
    """
    with readable(name, "to its end"):
        raw = file.read()
    items = enumerate(_items(json_value(raw, name, FORM), name), 1)
    for number, value in flattened(items, name, note):
        place = f"{name}:{number}"
        broken = broken_text(value, place) if b"\\u" in raw and not isinstance(value, InputError) else None
        yield number, broken or (value if isinstance(value, InputError) else checked(value, place))


def is_list_of_rows(head: str) -> bool:
    """Whether a file begins as one list of rows does, and not with a line that is a row."""
    text = head.lstrip()
    if not text.startswith("["):
        return False
    try:
        first = json.loads(text.splitlines()[0])
    except (ValueError, RecursionError):
        return True
    return not is_spacy(first) and bool(first) and isinstance(first[0], dict | list)


def _items(whole: object, name: str) -> list[object]:
    if isinstance(whole, Mapping):
        whole = _in_object(whole, name)
    if not isinstance(whole, list):
        raise InputError(f"{name}: a JSON value that holds no rows", FORM)
    return [{"text": one} if isinstance(one, str) else one for one in whole]


def _in_object(whole: Mapping[str, object], name: str) -> object:
    if isinstance(whole.get("columns"), list) and isinstance(whole.get("data"), list):  # pandas' `split`
        return _zipped(map(str, whole["columns"]), whole["data"])  # type: ignore[call-overload]
    lists = [key for key, value in whole.items() if isinstance(value, list)]
    of_rows = [key for key in lists if all(isinstance(one, dict) for one in whole[key])]  # type: ignore[attr-defined]
    if "data" in lists:
        return whole["data"]
    if len(of_rows) == 1:
        return whole[of_rows[0]]
    if len(of_rows) > 1:
        raise InputError(f"{name}: rows under {', '.join(map(repr, of_rows))}", "Put those to read into a file alone.")
    if lists and len(lists) == len(whole):
        return _of_columns(whole, name)
    inner = list(whole.values())
    if inner and all(isinstance(one, dict) for one in inner):
        if all(key.isdecimal() for key in whole):  # pandas' `index`: a row each
            return inner
        return _of_columns({key: list(one.values()) for key, one in whole.items() if isinstance(one, dict)}, name)
    return [dict(whole)]


def _of_columns(columns: Mapping[str, object], name: str) -> list[object]:
    values = [one for one in columns.values() if isinstance(one, list)]
    if len({len(one) for one in values}) > 1:
        raise InputError(f"{name}: its columns are not of one length", FORM)
    return _zipped(columns, zip(*values, strict=True))


def _zipped(names: object, rows: object) -> list[object]:
    header = list(names)  # type: ignore[call-overload]
    return [dict(zip(header, row, strict=True)) for row in rows]  # type: ignore[attr-defined]
