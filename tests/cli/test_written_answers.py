from __future__ import annotations

import io
from typing import Any

import pytest

from bertkit.cli.answers import AnsweredRow, FailedRow
from bertkit.cli.record_files import JsonLines
from bertkit.cli.written_answers import AsRecords, ForPerson, put
from bertkit.errors import BertkitError, InputError, OutputError, UserError
from bertkit.formats.rows import Row

ROW = Row({"text": "a"}, "f:1")


class Plain:
    def text(self, number: int, answer: AnsweredRow) -> str:
        return f"{number} {answer.row.place}"

    def error(self, number: int, error: BertkitError) -> str:
        return f"{number} {error.what}"


def test_records_and_lines_for_a_person() -> None:
    failed = FailedRow(InputError("bad", "Mend it."), {"id": 3})
    out = io.StringIO()
    records = AsRecords(JsonLines(out), to_terminal=False)
    assert not put(records, 1, AnsweredRow(ROW, {"value": 0.5}), "record")
    assert put(records, 2, failed, "record")
    first, second = out.getvalue().splitlines()
    assert first == '{"value": 0.5}'
    assert second.startswith('{"id": 3, "error": {"type": "InputError", "message": "bad", "remedy": "Mend it."')
    out = io.StringIO()
    person = ForPerson(Plain(), out)
    assert (put(person, 1, AnsweredRow(ROW, {}), "record"), put(person, 2, failed, "record")) == (False, True)
    assert out.getvalue() == "1 f:1\n2 bad\n"


def test_stop_raises_the_error_of_the_row() -> None:
    with pytest.raises(InputError, match="bad"):
        put(AsRecords(JsonLines(io.StringIO()), to_terminal=False), 1, FailedRow(InputError("bad")), "stop")


def test_a_result_that_cannot_be_written_is_recorded_where_failures_are() -> None:
    out = io.StringIO()
    records = AsRecords(JsonLines(out), to_terminal=False)
    answer = AnsweredRow(ROW, {"value": float("nan")})
    assert put(records, 1, answer, "record")
    assert "NaN or infinity" in out.getvalue()
    with pytest.raises(BertkitError, match="NaN or infinity"):
        put(records, 1, answer, "stop")


@pytest.mark.parametrize("error", [OutputError("full"), UserError("no vectors")])
def test_what_is_wrong_with_the_file_itself_ends_the_work(error: BertkitError) -> None:
    class Broken:
        def write(self, record: Any, place: str) -> None:
            raise error

        def end(self) -> None: ...

    with pytest.raises(type(error)):
        put(AsRecords(Broken(), to_terminal=False), 1, AnsweredRow(ROW, {}), "record")
