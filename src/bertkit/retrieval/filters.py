"""Which documents a search looks at: `year>2020 and lang=en`, as a condition of SQL whose values are parameters.

    filter:    condition, or conditions with `and` between them
    condition: FIELD OPERATOR VALUE, the operator one of = != < <= > >=
    FIELD:     a name; in quotes where it has other characters than letters, digits, _ - and .
    VALUE:     a number, true, false, null, or text; in quotes where it has spaces or is to be text

A number is compared with numbers and text with text. Of a list one element is enough. A document without the field
meets no condition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bertkit.errors import UserError, near_match

GRAMMAR = "Write it as year>2020, or year>=2020 and lang='en'; = != < <= > >= compare."
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_CONDITION = re.compile(
    rf"\s*(?P<field>{_QUOTED}|[^\W\d][\w.-]*)\s*(?P<operator><=|>=|!=|==?|<|>)\s*(?P<value>{_QUOTED}|[^\s\"'<>=!]+)\s*"
)
_AND = re.compile(r"(?:and|AND|&&)\s+")
_CONSTANTS = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared with one value.

    Attributes:
        operator: of SQL.
    """

    field: str
    operator: str
    value: str | float | bool | None

    def sql(self) -> tuple[str, Sequence[object]]:
        """A condition on a row of the table of documents, and its parameters."""
        path = f'$."{self.field}"'
        if self.operator == "!=":
            equal, parameters = Condition(self.field, "=", self.value).sql()
            return f"(json_type(fields, ?) IS NOT NULL AND NOT {equal})", (path, *parameters)
        each = "EXISTS (SELECT 1 FROM json_each(fields, ?) AS one WHERE one.{})"
        if self.value is None or isinstance(self.value, bool):
            return each.format("type = ?"), (path, json.dumps(self.value))
        types = "type = 'text'" if isinstance(self.value, str) else "type IN ('integer', 'real')"
        return each.format(f"{types} AND one.value {self.operator} ?"), (path, self.value)


def read_filter(text: str) -> tuple[Condition, ...]:
    """The conditions of a filter, all of which are to be met.

    Raises:
        UserError: it is not written so; the place is named.
    """
    return tuple(_conditions(text))


def _conditions(text: str) -> Iterator[Condition]:
    at = 0
    while True:
        found = _CONDITION.match(text, at)
        if found is None:
            raise UserError(f"the filter {text!r} cannot be read at {text[at:].strip()[:30]!r}", GRAMMAR)
        yield _condition(found)
        at = found.end()
        if at == len(text):
            return
        following = _AND.match(text, at)
        if following is None:
            raise UserError(f"the filter {text!r} cannot be read at {text[at:].strip()[:30]!r}", GRAMMAR)
        at = following.end()


def _condition(found: re.Match[str]) -> Condition:
    written, operator = found["value"], found["operator"].replace("==", "=")
    value: str | float | bool | None = _plain(written)
    if written in _CONSTANTS:
        value = _CONSTANTS[written]
        if operator not in ("=", "!="):
            raise UserError(f"{found[0].strip()!r} in the filter: {written} is neither more nor less", GRAMMAR)
    elif _NUMBER.fullmatch(written):
        value = float(written) if re.search(r"[.eE]", written) or len(written) > 18 else int(written)
    field = _plain(found["field"])
    if '"' in field:
        raise UserError(f"{field!r} in the filter: no field can be asked for by such a name", GRAMMAR)
    return Condition(field, operator, value)


def _plain(written: str) -> str:
    """A word without its quotes."""
    return re.sub(r"\\(.)", r"\1", written[1:-1]) if written[0] in "\"'" else written


def filter_sql(conditions: Sequence[Condition], known: Sequence[str]) -> tuple[str, list[object]]:
    """All conditions on the table of documents as one of SQL, and its parameters.

    Args:
        known: the fields that there are.

    Raises:
        UserError: no document has such a field; the nearest one is named.
    """
    for condition in conditions:
        if condition.field not in known:
            listed = ", ".join(sorted(known)[:20])
            raise UserError(
                f"no document has the field {condition.field!r}{near_match(condition.field, known)}",
                f"The fields are {listed}." if known else "These documents have no fields.",
            )
    parts = [condition.sql() for condition in conditions]
    return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]
