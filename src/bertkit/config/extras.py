"""Libraries that are not part of bertkit's core: loaded when something needs them, each the part of an extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bertkit.errors import UserError


def load_extra(module: str, extra: str) -> Any:
    """A module of a library that an extra brings.

    Raises:
        UserError: it is not installed; the extra is named.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # something that the library itself needs
        raise UserError(
            f"{module.partition('.')[0]} is not installed", f"Install it: pip install 'bertkit[{extra}]'."
        ) from None
