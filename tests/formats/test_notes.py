from __future__ import annotations

from bertkit.formats.notes import listed


def test_many_names_are_cut_short() -> None:
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed(["a", "b", "c"], most=2) == "'a', 'b' and 1 more"
