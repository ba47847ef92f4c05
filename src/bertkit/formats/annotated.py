"""Rows as annotation tools export them, as rows of a text with its `label` or its `entities`.

Told by the fields that only these tools write, so that it is no guess: Label Studio (`data`, `annotations`), Prodigy
(`_task_hash`), spaCy (`["text", {"entities": […]}]`). doccano's rows need no change: their spans are read where
entities are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bertkit.errors import InputError
from bertkit.formats.notes import Note, unheard

_LEFT_OUT = object()  # stands for a row that is no example
_LIKELY = 0.5  # a category of spaCy's `cats` that is given so much is one of the text's
_PRODIGY = ("_task_hash", "_input_hash")
_HUNG_ON_TEXT = ("tokens", "spans", "options", "accept", "answer", "label")  # fields of Prodigy that this file reads
Items = Iterable[tuple[int, object]]


def flattened(items: Items, name: str, note: Note = unheard) -> Iterator[tuple[int, object]]:
    """The values of a file, those of annotation tools as rows of fields, the others as they are.

    What annotators have rejected, ignored or cancelled is left out.

    Args:
        items: line or number, and a JSON value each.
        note: takes a line that says how many were left out.
    """
    left_out = 0
    for number, value in items:
        try:
            row = _row(value)
        except InputError as error:
            yield number, error.at(f"{name}:{number}")
            continue
        if row is _LEFT_OUT:
            left_out += 1
        else:
            yield number, row
    if left_out:
        note(f"{name}: {left_out:,} rows that their annotators have rejected, ignored or cancelled are left out")


def is_spacy(value: object) -> bool:
    """Whether a value is a text and its annotations, as spaCy trains on them: a tuple in Python, a list in JSON."""
    return isinstance(value, list | tuple) and len(value) == 2 and _are_text_and_mapping(*value)


def _are_text_and_mapping(text: object, annotations: object) -> bool:
    return isinstance(text, str) and isinstance(annotations, Mapping)


def _row(value: object) -> object:
    """The fields; `_LEFT_OUT` where the row is to be left out; the value itself where no tool wrote it."""
    if isinstance(value, list | tuple) and is_spacy(value):
        return {"text": value[0]} | _of_spacy(value[1])
    if not isinstance(value, Mapping):
        return value
    if isinstance(value.get("data"), Mapping) and any(key in value for key in ("annotations", "completions")):
        return _of_label_studio(value)
    return _of_prodigy(value) if any(key in value for key in _PRODIGY) else value


def _of_spacy(annotations: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    if "entities" in annotations:
        found["entities"] = annotations["entities"]
    cats = annotations.get("cats")
    if isinstance(cats, Mapping):
        found["label"] = _one_or_all([str(cat) for cat, share in cats.items() if _is_likely(cat, share)])
    return found


def _is_likely(category: object, share: object) -> bool:
    if not isinstance(share, int | float):
        raise InputError(f"{share!r} of the category {category!r} is no number", "Give each category 0 or 1.")
    return share >= _LIKELY


def _of_prodigy(row: Mapping[str, object]) -> object:
    if row.get("answer", "accept") != "accept":
        return _LEFT_OUT
    found = {key: value for key, value in row.items() if key not in _HUNG_ON_TEXT}
    accepted = row.get("accept")
    if isinstance(accepted, list):
        found["label"] = _one_or_all(accepted)
    elif "label" in row:
        found["label"] = row["label"]
    if "spans" in row:
        found["entities"] = row["spans"]
    return found


def _of_label_studio(task: Mapping[str, object]) -> object:
    data = task["data"]
    assert isinstance(data, Mapping)
    row = {str(key): value for key, value in data.items()}
    if "id" in task:
        row.setdefault("id", task["id"])
    given = task.get("annotations", task.get("completions"))
    done = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
    kept = [one for one in done if not one.get("was_cancelled")]
    if done and not kept:
        return _LEFT_OUT
    if not kept:  # nobody has annotated it yet
        return row
    results = [_labels_of(one.get("result")) for one in kept]
    if any(one != results[0] for one in results):
        raise InputError(f"its {len(kept)} annotators do not agree", "Settle it in Label Studio, or leave the row out.")
    return row | results[0]


def _labels_of(result: object) -> dict[str, object]:
    """Entities, or the label, of one annotation; a text without any result has no entities."""
    entities: list[object] = []
    choices: list[object] = []
    for one in result if isinstance(result, list) else []:
        value = one.get("value") if isinstance(one, Mapping) else None
        if not isinstance(value, Mapping):
            continue
        if isinstance(value.get("choices"), list):
            choices += value["choices"]
        elif isinstance(value.get("labels"), list) and "start" in value:
            entities += [{"start": value["start"], "end": value.get("end"), "label": each} for each in value["labels"]]
    return {"label": _one_or_all(choices)} if choices else {"entities": entities}


def _one_or_all(labels: list[object] | list[str]) -> object:
    return labels[0] if len(labels) == 1 else list(labels)
