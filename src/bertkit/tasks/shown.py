"""Long answers shortened to one line for a person: the first few of many numbers, and how many more there are."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np

ITEMS = 3  # of a list, and of a vector
CHARACTERS = 40


def shown(value: object) -> str:
    """A value, short: floats in four digits, the beginning of a long text, list or vector, the shape of a matrix."""
    if isinstance(value, str):
        return repr(value if len(value) <= CHARACTERS else f"{value[:CHARACTERS]}…")
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, np.integer):
        return str(value)
    if isinstance(value, np.ndarray) and value.ndim != 1:
        return f"<{' x '.join(map(str, value.shape))} numbers>"
    if isinstance(value, list | tuple | np.ndarray):
        some = [shown(one) for one in value[:ITEMS]]
        if len(value) > ITEMS:
            some.append(f"… {len(value) - ITEMS:,} more")
        return f"[{', '.join(some)}]"
    if is_dataclass(value) and not isinstance(value, type):
        return shown_fields(value)
    return repr(value)


def shown_fields(value: object, *, without: tuple[str, ...] = (), more: str = "") -> str:
    """The fields of a dataclass, short: `Label(label='positive', score=0.9931)`.

    Args:
        without: fields that are left out.
        more: what else there is to say, written after them.
    """
    names = [one.name for one in fields(value) if one.repr and one.name not in without]  # type: ignore[arg-type]
    parts = [f"{name}={shown(getattr(value, name))}" for name in names if getattr(value, name) is not None]
    return f"{type(value).__name__}({', '.join([*parts, more] if more else parts)})"
