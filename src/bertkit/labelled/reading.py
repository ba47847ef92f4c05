"""Examples out of files or rows in memory: what to learn, or to compare answers with.

| task | formats | fields that `columns` can name |
|---|---|---|
| text-classification | tables | text, text_pair, label, id |
| token-classification | conll, tables | text and label (in conll by number), tokens, entities, id |
| question-answering | squad, tables | question, context, answers, answer, answer_start, id |
| sentence-embedding | tables | text, text_pair, negative, label, id |
| text-ranking | tables | query, documents and labels, or document and label, id |
| multiple-choice | tables | text, choices, label, id |
| fill-mask | lines, tables | text, text_pair, id |
| feature-extraction: texts that a teacher labels | lines, tables | text, text_pair, id |

Tables are csv, tsv, jsonl and parquet, as in `bertkit.formats.rows`. Columns that are not named are found by
`bertkit.labelled.find_columns`. In formats without lists (csv, tsv) a list or an object is written as JSON, or as
Python and numpy print it. Reading streams, but where all rows together say what one means: pairs with labels, documents
of a query in rows of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import PurePath

from bertkit.config.data_source import RowsInMemory, Source, Sources, each_source
from bertkit.errors import InputError, UserError, near_match
from bertkit.families.labels import PROBLEMS, Problem
from bertkit.formats.files import STDIN, check_there
from bertkit.formats.rows import FORMAT_OF_ENDING, NO_COLUMNS, Row
from bertkit.labelled.answer_alignment import AnswerAlignment, Dropped
from bertkit.labelled.answer_rows import AnswerRows
from bertkit.labelled.choice_rows import ChoiceRows, RankingRows
from bertkit.labelled.conll import read_conll
from bertkit.labelled.data import IN_MEMORY, Data, name_of
from bertkit.labelled.examples import Example, Target
from bertkit.labelled.find_columns import CLASSES, Columns
from bertkit.labelled.label_values import problem_of
from bertkit.labelled.multi_hot import label_sets
from bertkit.labelled.notes import Note, unheard
from bertkit.labelled.pair_rows import PairRows
from bertkit.labelled.tagged_rows import WORDS, TaggedRows
from bertkit.labelled.text_rows import ClassRows, PlainRows

TABLES = ("jsonl", "csv", "tsv", "parquet")
FORMATS_OF_TASK: Mapping[str, tuple[str, ...]] = {
    "text-classification": TABLES,
    "token-classification": ("conll", *TABLES),
    "question-answering": ("squad", *TABLES),
    "sentence-embedding": TABLES,
    "text-ranking": TABLES,
    "multiple-choice": TABLES,
    "fill-mask": ("lines", *TABLES),
    "feature-extraction": ("lines", *TABLES),
}
FIELDS_OF_TASK: Mapping[str, tuple[str, ...]] = {
    "text-classification": ("text", "text_pair", "label", "id"),
    "token-classification": ("text", "label", "tokens", "entities", "id"),
    "question-answering": ("question", "context", "answers", "answer", "answer_start", "id"),
    "sentence-embedding": ("text", "text_pair", "negative", "label", "id"),
    "text-ranking": ("query", "documents", "labels", "document", "label", "id"),
    "multiple-choice": ("text", "choices", "label", "id"),
    "fill-mask": ("text", "text_pair", "id"),
    "feature-extraction": ("text", "text_pair", "id"),
}
_ENDINGS: Mapping[str, tuple[str, ...]] = {
    **{ending: (format,) for ending, format in FORMAT_OF_ENDING.items()},
    ".txt": ("lines", "conll"),
    ".json": ("squad",),
    **dict.fromkeys((".conll", ".conllu", ".iob", ".iob2", ".bio"), ("conll",)),
}
_Reader = Callable[[Row], tuple[dict[str, object], Target]]


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
    data = _data(sources, task, format, columns)
    _check_fields(task, columns)
    for file in data.files():
        check_there(file)
    if dropped is not None and task != "question-answering":
        raise UserError(f"{task} has no answers to drop", "Leave --bad-answers out; it is for question-answering.")
    if task != "text-classification":
        if problem is not None:
            raise UserError(f"{task} has no problem to choose, but {problem!r} is given", "Leave --problem out.")
        return _some(_examples(data, task, dropped, note), data.name)
    posed = sniff_problem(sources, format=format, columns=columns) if problem is None else _known(problem)
    return _some(_classes(data, posed, note), data.name)


def sniff_problem(sources: Sources, *, format: str | None = None, columns: Mapping[str, str] = NO_COLUMNS) -> Problem:
    """Which problem of text-classification labels pose; the rule is `label_values.problem_of`.

    Raises:
        UserError, InputError: as `read_examples`; or a file can only be read once.
    """
    _check_fields("text-classification", columns)
    once = next((source for source in each_source(sources) if _is_read_once(source)), None)
    if once is not None:
        raise UserError(
            f"{name_of(once)}: can be read only once, so the problem cannot be told from it first",
            f"Say --problem {'|'.join(PROBLEMS.values())}.",
        )
    data = _data(sources, "text-classification", format, columns)
    for there, rows in data.opened(lambda there: there):
        label = there.need("label", CLASSES)
        return problem_of(row.fields.get(label) for row in rows)
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
    data = _data(sources, "feature-extraction", format, columns)
    for there, _ in data.opened(lambda there: there):
        if task == "text-classification":
            return there.find("label", CLASSES) is not None
        return any(there.find(field, others) is not None for field, others in (("tokens", WORDS), ("entities", ())))
    raise _no_example(data.name)


def own_columns(sources: Sources, columns: Mapping[str, str], format: str | None = None) -> dict[str, str]:
    """Of the columns that the user named for all data, those that these texts have: lines have none.

    Raises:
        UserError, InputError: as `read_examples`.
    """
    if _is_conll(sources, format):
        return dict(columns)
    data = _data(sources, "feature-extraction", format, NO_COLUMNS)
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
    ending = format is None and isinstance(first, str) and _formats_of_ending(first) == ("conll",)
    return format == "conll" or ending


def _data(sources: Sources, task: str, format: str | None, columns: Mapping[str, str]) -> Data:
    """The data, each part with its format.

    Raises:
        UserError: a format cannot be told, or parts cannot be read as one.
    """
    parts = tuple((source, _chosen_format(source, task, format)) for source in each_source(sources))
    for source, own in parts:
        if own != parts[0][1] and {own, parts[0][1]} & {"conll", "squad"}:
            raise UserError(
                f"{name_of(source)}: {own}, and what is read with it is {parts[0][1]}",
                "Give files of one format together.",
            )
    return Data(parts, columns)


def _chosen_format(source: Source, task: str, format: str | None) -> str:
    if task not in FORMATS_OF_TASK:
        raise UserError(
            f"no labelled examples can be read for {task!r}{near_match(task, FORMATS_OF_TASK)}",
            f"The tasks are {', '.join(FORMATS_OF_TASK)}.",
        )
    if isinstance(source, RowsInMemory):
        return IN_MEMORY  # whatever the format of files that they go with
    formats = FORMATS_OF_TASK[task]
    say = f"Say it with --format {'|'.join(formats)}."
    if format is not None:
        if format not in formats:
            raise UserError(f"{task} is not read from format {format!r}{near_match(format, formats)}", say)
        return format
    if source == STDIN:
        raise UserError("stdin: the format is not known", say)
    meant = [format for format in _formats_of_ending(source) if format in formats]
    if not meant:
        raise UserError(f"{source}: the ending does not say a format that {task} is read from", say)
    return meant[0]


def _formats_of_ending(path: str) -> tuple[str, ...]:
    return _ENDINGS.get(PurePath(path.lower().removesuffix(".gz")).suffix, ())


def _check_fields(task: str, columns: Mapping[str, str]) -> None:
    for field in columns:
        if field not in FIELDS_OF_TASK[task]:
            raise UserError(
                f"{task} has no field {field!r}{near_match(field, FIELDS_OF_TASK[task])}",
                f"Its fields are {', '.join(FIELDS_OF_TASK[task])}.",
            )


def _known(problem: str) -> Problem:
    for known in PROBLEMS.values():
        if problem == known:
            return known
    hint = near_match(problem, PROBLEMS.values())
    raise UserError(f"unknown problem {problem!r}{hint}", f"Choose one of {', '.join(PROBLEMS.values())}.")


def _examples(data: Data, task: str, dropped: Dropped | None, note: Note) -> Iterator[Example]:
    """The examples of every task but text-classification."""
    if data.format == "conll":
        return chain.from_iterable(read_conll(file, data.columns, note) for file in data.files())
    if data.format == "squad":
        return _squad(data, dropped)
    if task == "text-ranking":
        return _ranking(data, note)
    if task == "question-answering":
        return _answered(data, AnswerAlignment(data.name, dropped))
    if task == "sentence-embedding":
        return _pairs(data, note)
    makers: Mapping[str, Callable[[Columns], _Reader]] = {
        "token-classification": TaggedRows,
        "multiple-choice": ChoiceRows,
        "fill-mask": PlainRows,
        "feature-extraction": PlainRows,
    }
    return _each(data, makers[task])


def _squad(data: Data, dropped: Dropped | None) -> Iterator[Example]:
    if data.columns:
        raise UserError(f"{data.name}: a SQuAD file has no columns", "Leave the column options out.")
    from bertkit.labelled.squad import read_squad

    return chain.from_iterable(read_squad(file, dropped) for file in data.files())


def _each(data: Data, make: Callable[[Columns], _Reader]) -> Iterator[Example]:
    for read, rows in data.opened(make):
        yield from _read_by(read, rows)


def _classes(data: Data, problem: Problem, note: Note) -> Iterator[Example]:
    for read, rows in data.opened(partial(ClassRows, problem=problem)):
        examples = _read_by(read, rows)
        yield from (
            label_sets(examples, read.shown, read.names, data.name, note) if problem == "multi-label" else examples
        )


def _pairs(data: Data, note: Note) -> Iterator[Example]:
    for read, rows in data.opened(PairRows):
        yield from read.judged(list(_read_by(read, rows)), note)


def _answered(data: Data, alignment: AnswerAlignment) -> Iterator[Example]:
    for read, rows in data.opened(AnswerRows):
        for number, row in enumerate(rows):
            fields, found = read(row)
            target = alignment.references(found, _id(row, number))
            if target is not None:
                yield Example(Row(fields, row.place), target, _id(row, number))
    alignment.end()


def _ranking(data: Data, note: Note) -> Iterator[Example]:
    for read, rows in data.opened(RankingRows):
        for number, (row, target) in enumerate(read.rows(rows, note)):
            yield Example(row, target, _id(row, number))


def _read_by(read: _Reader, rows: Iterator[Row]) -> Iterator[Example]:
    for number, row in enumerate(rows):
        fields, target = read(row)
        yield Example(Row(fields, row.place), target, _id(row, number))


def _id(row: Row, number: int) -> str:
    named = row.fields.get("id")
    return str(number) if named is None or named == "" else str(named)


def _some(examples: Iterator[Example], path: str) -> Iterator[Example]:
    first = next(examples, None)
    if first is None:
        raise _no_example(path)
    yield first
    yield from examples


def _no_example(path: str) -> InputError:
    return InputError(f"{path}: no example in it", "Check the file.")
