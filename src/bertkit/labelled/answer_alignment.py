"""Answers that do not stand in their context where a file says: counted over all of it, dropped only by consent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bertkit.errors import InputError
from bertkit.labelled.examples import References

SHOWN = 3  # of them in one message
REMEDY = "Correct them (starts count characters from 0, not bytes), or leave them out with --bad-answers drop."

Found = tuple[str, int] | InputError  # an answer and where it begins, or why it does not match
Dropped = Callable[[str], None]


class AnswerAlignment:
    """Collects them while a file is read.

    Args:
        name: how messages call the file.
        dropped: takes a line about what was left out; None where nothing may be.
    """

    def __init__(self, name: str, dropped: Dropped | None) -> None:
        self._name = name
        self._dropped = dropped
        self._answers = 0
        self._questions = 0
        self._gone = 0
        self._first: list[str] = []

    def references(self, found: Sequence[Found], id: str) -> References | None:
        """The answers of a question that match its context.

        None where it has answers and none of them matches: it is no question without an answer, and has to go.
        """
        good = [one for one in found if not isinstance(one, InputError)]
        bad = [one for one in found if isinstance(one, InputError)]
        if bad:
            self._answers += len(bad)
            self._questions += 1
            self._gone += not good
            self._first += [f"{one.what} (question {id!r})" for one in bad[: SHOWN - len(self._first)]]
            if not good:
                return None
        return References(tuple(text for text, _ in good), tuple(start for _, start in good))

    def end(self) -> None:
        """Tells what was found, after the last question.

        Raises:
            InputError: there were some, and none may be dropped.
        """
        if not self._answers:
            return
        listed = "; ".join(self._first)
        more = self._answers - len(self._first)
        if self._dropped is not None:
            self._dropped(
                f"{self._name}: dropped {self._answers:,} answers of {self._questions:,} questions, which do not match "
                f"their context, and {self._gone:,} questions that had no other: {listed}{_and(more)}"
            )
        elif self._answers == 1:
            raise InputError(listed, REMEDY)
        else:
            raise InputError(
                f"{self._name}: {self._answers:,} answers of {self._questions:,} questions do not match their context: "
                f"{listed}{_and(more)}",
                REMEDY,
            )


def _and(more: int) -> str:
    return f"; and {more:,} more" if more > 0 else ""
