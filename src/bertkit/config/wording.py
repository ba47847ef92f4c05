"""Errors as a caller of Python reads them. Below, remedies name options as they are typed: `--long window`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from bertkit.errors import BertkitError

Given = ParamSpec("Given")
Result = TypeVar("Result")

# What stands in backticks is a command, and so is what follows the name of one.
_COMMAND = r"`[^`]*`|\bbertkit [a-z]+ (?:-|[A-Z]).*"
_OPTION = r"(?<![\w-])--(?P<option>[a-z][a-z-]*)(?: (?P<values>[a-z0-9][a-z0-9-]*(?:\|[a-z0-9-]+)*))?"
_TYPED = re.compile(rf"(?P<command>{_COMMAND})|{_OPTION}|(?<![\w-])-(?P<short>[mo])\b")
# Options are followed by a value, or by the rest of a sentence.
NO_VALUES = frozenset("out names is are and or for in of on to with without keeps leaves another it them has".split())
_SHORT = {"m": "model", "o": "output"}


def in_python(text: str) -> str:
    """The text with the arguments of a call in the place of options: `long='window'`, `vocab_size`."""

    def named(found: re.Match[str]) -> str:
        if found["command"] is not None:
            return found["command"]
        if found["short"] is not None:
            return _SHORT[found["short"]]
        name, values = found["option"].replace("-", "_"), found["values"]
        if values is None:
            return name
        if values in NO_VALUES:
            return f"{name} {values}"
        *first, last = (value if value.isdigit() else repr(value) for value in values.split("|"))
        return f"{name}={', '.join(first) + ' or ' if first else ''}{last}"

    return _TYPED.sub(named, text)


def worded(call: Callable[Given, Result]) -> Callable[Given, Result]:
    """The call, whose errors name its arguments and not the options of the command line."""

    @wraps(call)
    def worded_call(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return call(*args, **kwargs)
        except BertkitError as error:
            error.what, error.remedy = in_python(error.what), in_python(error.remedy)
            error.args = (error.what,)
            raise

    return worded_call
