"""Answers as they are written: records for programs, in a file or on standard output, or lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from bertkit.cli.answers import AnsweredRow, FailedRow
from bertkit.cli.explained import ExplainedForm
from bertkit.cli.output import open_output
from bertkit.cli.readable import Form, Readable
from bertkit.cli.record_files import JsonLines, Records, open_records
from bertkit.errors import BertkitError, OutputError, UserError
from bertkit.formats.files import GO_ON
from bertkit.terminal.messages import is_coloured, write_line


class Written(Protocol):
    """What takes answers.

    Attributes:
        to_terminal: whether they are seen as they come.
    """

    to_terminal: bool

    def answer(self, number: int, answer: AnsweredRow) -> None:
        """Writes the answer to row `number`, from 1."""

    def failure(self, number: int, failed: FailedRow) -> None:
        """Writes why a row has none."""


class AsRecords:
    """A record a row."""

    def __init__(self, records: Records, *, to_terminal: bool) -> None:
        self._records = records
        self.to_terminal = to_terminal

    def answer(self, number: int, answer: AnsweredRow) -> None:
        self._records.write(answer.record, answer.row.place)

    def failure(self, number: int, failed: FailedRow) -> None:
        self._records.write(failed.record(), f"row {number}")


class ForPerson:
    """Aligned text."""

    def __init__(self, form: Form, out: TextIO) -> None:
        self._form, self._out = form, out
        self.to_terminal = out.isatty()

    def answer(self, number: int, answer: AnsweredRow) -> None:
        write_line(self._out, self._form.text(number, answer))

    def failure(self, number: int, failed: FailedRow) -> None:
        write_line(self._out, self._form.error(number, failed.error))


@contextmanager
def open_answers(
    path: str | None, *, as_json: bool, with_errors: bool, keeps: bool, few_labels: bool = True
) -> Iterator[Written]:
    """Where answers go: a file, in the form of its ending; or standard output, as JSON or for a person.

    Args:
        with_errors: whether rows may fail and be recorded.
        keeps: whether columns of the rows stand beside the answers.
        few_labels: whether a person sees the best of many labels only.

    Raises:
        UserError: the file's form has no place for them.
        OutputError: it cannot be written.
    """
    if path is not None:
        with open_records(path, with_errors=with_errors, keeps=keeps) as records:
            yield AsRecords(records, to_terminal=False)
        return
    with open_output(None) as out:
        yield (
            AsRecords(JsonLines(out), to_terminal=out.isatty())
            if as_json
            else ForPerson(ExplainedForm(Readable(few_labels=few_labels), coloured=is_coloured(out)), out)
        )


def put(written: Written, number: int, answer: AnsweredRow | FailedRow, on_error: str) -> bool:
    """Writes one answer; says whether an error was recorded in its place.

    Raises:
        BertkitError: the row has failed, where errors are not recorded.
    """
    if isinstance(answer, AnsweredRow):
        try:
            written.answer(number, answer)
            return False
        except BertkitError as error:  # a result that cannot be written
            if on_error == "stop" or isinstance(error, UserError | OutputError):
                raise
            answer = FailedRow(error)
    if on_error == "stop":
        raise answer.error
    answer.error.remedy = answer.error.remedy.replace(GO_ON, "")  # which is what was done
    written.failure(number, answer)
    return True
