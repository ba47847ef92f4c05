"""Arguments that a caller of Python gives, checked beside the types that they are declared with."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bertkit.errors import UserError

_STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)


def check_argument(name: str, value: object, declared: Any, *, words: bool = True) -> None:
    """Refuses a value that is not of its declared type: `"5"` or `True` where a number is to be, or NaN.

    Args:
        words: refuse a word that is not among those that are declared; else leave it to others, who may say more.

    Raises:
        UserError: naming the argument.
    """
    try:
        TypeAdapter(declared, config=_STRICT).validate_python(value)
    except ValidationError as error:
        problems = error.errors()
        if not words and isinstance(value, str) and any(one["type"] == "literal_error" for one in problems):
            return
        raise UserError(f"{name} is {value!r:.60}", problems[0]["msg"].replace("Input", name, 1) + ".") from None
