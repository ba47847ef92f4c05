"""Examples out of files or rows in memory: what to learn, or to compare answers with.

How each task's data is read stands in its entry (`bertkit.tasks.catalogue`): a `RowFormat`, of a file beside this one.

Tables are csv, tsv, jsonl, json and parquet, as in `bertkit.formats.rows`. Columns that are not named are found by
`bertkit.labelled.find_columns`; rows of another shape (a word a row, a column a label, …) are first made into those
that the task reads (`bertkit.labelled.shapes`). In formats without lists (csv, tsv) a list or an object is written as
JSON, or as Python and numpy print it. Reading streams, but where all rows together say what one means: pairs with
labels, documents of a query in rows of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bertkit.config.data_source import RowsInMemory, Source, Sources, each_source
from bertkit.errors import InputError, UserError, near_match
from bertkit.families.labels import PROBLEMS, Problem
from bertkit.formats.catalogue import choose_format, formats_of_ending
from bertkit.formats.files import STDIN, check_there
from bertkit.formats.notes import Note, unheard
from bertkit.formats.rows import NO_COLUMNS
from bertkit.labelled.answer_alignment import Dropped
from bertkit.labelled.data import IN_MEMORY, Data, name_of
from bertkit.labelled.examples import Example
from bertkit.labelled.label_columns import COLUMN_A_LABEL, named_columns
from bertkit.labelled.label_values import problem_of
from bertkit.labelled.row_format import Asked, RowFormat
from bertkit.labelled.text_rows import PLAIN_TEXTS
from bertkit.tasks.catalogue import find_spec, tasks_with

PLAIN = "plain text"


def read_examples(
    sources: Sources,
    task: str,
    *,
    problem: str | None = None,
    format: str | None = None,
    columns: Mapping[str, str] = NO_COLUMNS,
    dropped: Dropped | None = None,
    note: Note = unheard,
) -> Iterator[Example]:
    """Streams the examples of a file, of several or of rows in memory, in order. Gzip is undone.

    A row without a target, or whose target is not what the task learns, is an error. Lines of a `lines` file that are
    empty are passed over.

    Args:
        sources: the file; `-` is standard input, which takes saying the format. Several are read as if they were one.
        task: the hub's name of the task.
        problem: of text-classification: `single-label`, `multi-label` or `regression`; found by `sniff_problem` when
            left out, which reads the file once more.
        format: one of the task's; chosen by the ending of the file (`.gz` put aside) when left out.
        columns: field name -> the column that fills it. When all are numbers, csv and tsv have no header line.
        dropped: of question-answering: takes a line about answers that were left out, for they do not stand in their
            context; where None, they are an error, told at the end of the file.
        note: takes a line about how the file was understood, where another way was possible.

    Raises:
        UserError: an unknown task, problem, format or field; told before the first example is taken.
        InputError: the file cannot be read or has no example, or a row is bad; the line names file, line and field.
    """
    rows = rows_of(task)
    data = _data(sources, task, rows, format, columns, note)
    _check_fields(task, rows, columns)
    for file in data.files():
        check_there(file)
    if dropped is not None and not rows.drops:
        raise UserError(f"{task} has no answers to drop", "Leave --bad-answers out; it is for question-answering.")
    if problem is not None and not find_spec(task).is_posed:
        raise UserError(f"{task} has no problem to choose, but {problem!r} is given", "Leave --problem out.")
    posed: Problem = "single-label"
    if problem is not None:
        posed = _known(problem)
    elif find_spec(task).is_posed:
        posed = sniff_problem(sources, task, format=format, columns=columns)
    return _some(rows.examples(data, Asked(posed, dropped, note)), data.name)


def rows_of(task: str) -> RowFormat:
    """How the labelled data of a task is read.

    Raises:
        UserError: it has none; the nearest task that has is named.
    """
    able = tasks_with("rows")
    if task not in able:
        raise UserError(
            f"no labelled examples can be read for {task!r}{near_match(task, able)}",
            f"The tasks are {', '.join(able)}.",
        )
    found: RowFormat = find_spec(task).load("rows")
    return found


def sniff_problem(
    sources: Sources, task: str, *, format: str | None = None, columns: Mapping[str, str] = NO_COLUMNS
) -> Problem:
    """Which problem the labels of a task pose; the rule is `label_values.problem_of`.

    Raises:
        UserError, InputError: as `read_examples`; or a file can only be read once.
    """
    rows = rows_of(task)
    _check_fields(task, rows, columns)
    once = next((source for source in each_source(sources) if _is_read_once(source)), None)
    if once is not None:
        raise UserError(
            f"{name_of(once)}: can be read only once, so the problem cannot be told from it first",
            f"Say --problem {'|'.join(PROBLEMS.values())}.",
        )
    data = _data(sources, task, rows, format, columns)
    for there, each in data.opened(lambda there: there):
        label = there.need(*rows.marks[0])
        return problem_of(row.fields.get(label) for row in each)
    raise _no_example(data.name)


def is_labelled(
    sources: Sources, task: str, *, format: str | None = None, columns: Mapping[str, str] = NO_COLUMNS
) -> bool:
    """Whether data has what a task of labels learns, by its format or its first row: labels, tags or entities.

    A `.txt` file is read as lines of text unless the format says conll.

    Raises:
        UserError, InputError: as `read_examples`.
    """
    if _is_conll(sources, format):
        return True
    data = replace(_data(sources, PLAIN, PLAIN_TEXTS, format, columns), shapes=rows_of(task).shapes)
    for there, _ in data.opened(lambda there: there):
        return any(there.find(field, others) is not None for field, others in rows_of(task).marks)
    raise _no_example(data.name)


def own_columns(sources: Sources, columns: Mapping[str, str], format: str | None = None) -> dict[str, str]:
    """Of the columns that the user named for all data, those that these texts have: lines have none.

    Raises:
        UserError, InputError: as `read_examples`.
    """
    if _is_conll(sources, format):
        return dict(columns)
    data = _data(sources, PLAIN, PLAIN_TEXTS, format, NO_COLUMNS)
    if data.format == "lines":
        return {}
    if all(column.isdecimal() for column in columns.values()):
        return dict(columns)  # of a file without a header line, where they are numbers
    first = next(data.rows(), None)
    if first is None:
        raise _no_example(data.name)
    return {field: column for field, column in columns.items() if column in first.fields}


def _is_read_once(source: Source) -> bool:
    return isinstance(source, str) and (source == STDIN or not os.path.isfile(source))


def _is_conll(sources: Sources, format: str | None) -> bool:
    first = each_source(sources)[0]
    ending = format is None and isinstance(first, str) and formats_of_ending(first) == ("conll",)
    return format == "conll" or ending


def read_texts(
    sources: Sources, *, format: str | None = None, columns: Mapping[str, str] = NO_COLUMNS
) -> Iterator[Example]:
    """Texts without labels, or whose labels nobody reads, as examples without targets.

    Raises:
        UserError, InputError: as `read_examples`.
    """
    data = _data(sources, PLAIN, PLAIN_TEXTS, format, columns)
    _check_fields(PLAIN, PLAIN_TEXTS, columns)
    for file in data.files():
        check_there(file)
    return _some(PLAIN_TEXTS.examples(data, Asked()), data.name)


def _data(
    sources: Sources,
    task: str,
    rows: RowFormat,
    format: str | None,
    columns: Mapping[str, str],
    note: Note = unheard,
) -> Data:
    """The data, each part with its format.

    Raises:
        UserError: a format cannot be told, or parts cannot be read as one.
    """
    parts = tuple((source, _chosen_format(source, task, rows.formats, format, note)) for source in each_source(sources))
    for source, own in parts:
        if own != parts[0][1] and {own, parts[0][1]} & {"conll", "squad"}:
            raise UserError(
                f"{name_of(source)}: {own}, and what is read with it is {parts[0][1]}",
                "Give files of one format together.",
            )
    several = columns.get("label", "").split(",") if COLUMN_A_LABEL in rows.shapes else []
    if len(several) > 1:
        others = {field: column for field, column in columns.items() if field != "label"}
        return Data(parts, others, (named_columns([one.strip() for one in several]),), note)
    return Data(parts, columns, rows.shapes, note)


def _chosen_format(source: Source, task: str, formats: tuple[str, ...], format: str | None, note: Note) -> str:
    if isinstance(source, RowsInMemory):
        return IN_MEMORY  # whatever the format of files that they go with
    return choose_format(source, format, formats, task, note)


def _check_fields(task: str, rows: RowFormat, columns: Mapping[str, str]) -> None:
    for field in columns:
        if field not in rows.fields:
            raise UserError(
                f"{task} has no field {field!r}{near_match(field, rows.fields)}",
                f"Its fields are {', '.join(rows.fields)}.",
            )


def _known(problem: str) -> Problem:
    for known in PROBLEMS.values():
        if problem == known:
            return known
    hint = near_match(problem, PROBLEMS.values())
    raise UserError(f"unknown problem {problem!r}{hint}", f"Choose one of {', '.join(PROBLEMS.values())}.")


def _some(examples: Iterator[Example], path: str) -> Iterator[Example]:
    first = next(examples, None)
    if first is None:
        raise _no_example(path)
    yield first
    yield from examples


def _no_example(path: str) -> InputError:
    return InputError(f"{path}: no example in it", "Check the file.")
