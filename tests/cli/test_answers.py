from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.cli.answers import AnsweredRow, Waiting, answers
from bertkit.errors import BertkitError, InputError
from bertkit.formats.rows import Row
from tests.cli import fake_program
from tests.cli.fake_program import Failure, Model, Result, load


class Ahead(Model):
    """Reads `ahead` rows before it answers any."""

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead

    def stream(
        self, rows: Iterable[Row | str], *, on_error: str = "stop", waits: Callable[[], bool] | None = None
    ) -> Iterator[Result | Failure]:
        held: list[Result | Failure] = []
        for row in rows:
            assert isinstance(row, Row)
            held.append(self._result(row, on_error))
            if len(held) == self.ahead:
                yield from held
                held = []
        yield from held


@given(st.lists(st.sampled_from(["good", "bad", "unreadable"]), max_size=12), st.integers(1, 5))
def test_every_row_is_answered_once_and_in_its_place(kinds: list[str], ahead: int) -> None:
    fake_program.LOADED[:] = [{}]
    waiting = Waiting()

    def rows() -> Iterator[Row]:
        for number, kind in enumerate(kinds):
            if kind == "unreadable":
                waiting.refused(InputError(f"{number}: unreadable"))
            else:
                yield Row({"text": kind}, str(number))

    found = list(answers(Ahead(ahead), rows(), waiting, "record"))  # type: ignore[arg-type]
    places = [item.row.place if isinstance(item, AnsweredRow) else item.error.what.split(":")[0] for item in found]
    assert places == [str(number) for number in range(len(kinds))]
    assert [isinstance(item, AnsweredRow) for item in found] == [kind == "good" for kind in kinds]


def test_stop_raises_what_the_model_raises() -> None:
    waiting = Waiting()
    model = load()
    found = answers(model, [Row({"text": t}, t) for t in ("a", "b", "bad")], waiting, "stop")  # type: ignore[arg-type]
    assert isinstance(next(found), AnsweredRow)
    assert isinstance(next(found), AnsweredRow)
    with pytest.raises(BertkitError, match="bad: no usable text"):
        next(found)
