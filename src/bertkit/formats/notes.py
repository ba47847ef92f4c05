"""What a user should know about how a file was read: a line each, handed to whoever listens."""

from __future__ import annotations

from collections.abc import Callable

Note = Callable[[str], None]


def unheard(line: str) -> None:
    """Nobody listens."""


def listed(names: list[str], most: int = 6) -> str:
    """The first of some names, and how many more there are."""
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
