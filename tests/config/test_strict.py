from __future__ import annotations

import pytest
from pydantic import ValidationError

from bertkit.config.strict import Strict, dotted_keys, parse
from bertkit.errors import ConfigError


class Inner(Strict):
    rate: float = 0.5
    depth: int = 1


class Item(Strict):
    name: str


class Table(Strict):
    """With tables inside: one that may be left out, and some in a row."""

    title: str = ""
    inner: Inner | None = None
    items: tuple[Item, ...] = ()
    other: Inner = Inner()


def test_keys_of_tables_too() -> None:
    inner = ["rate", "depth"]
    expected = [
        "title",
        "inner",
        *(f"inner.{key}" for key in inner),
        "items",
        "items.name",
        "other",
        *(f"other.{key}" for key in inner),
    ]
    assert list(dotted_keys(Table)) == expected


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"titel": "x"}, "here: unknown key 'titel' (did you mean 'title'?)"),
        ({"inner": {"dept": 1}}, "here: unknown key 'inner.dept' (did you mean 'depth'?)"),
        ({"items": ({"name": "a"}, {"nam": "b"})}, "here: unknown key 'items.1.nam' (did you mean 'name'?)"),
        ({"items": ({"name": "a"}, {})}, "here: 'items.1.name' is missing"),
        ({"items": ({"name": "a", "nam": "b"},)}, "here: unknown key 'items.0.nam' (did you mean 'name'?)"),
        ({"name": "x"}, "here: unknown key 'name' (did you mean 'items.name'?)"),
        ({"zzz": 1}, "here: unknown key 'zzz'"),
        ({"inner": {"rate": "0.5"}}, "here: 'inner.rate': Input should be a valid number"),
        ({"title": 5}, "here: 'title': Input should be a valid string"),
    ],
)
def test_the_first_bad_key_is_named(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(Table, values, "here")
    assert caught.value.what == said


def test_a_key_of_several_tables_is_not_guessed_at() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(Table, {"rate": 0.1}, "here")
    assert "inner.rate" not in str(caught.value)


def test_what_is_made_cannot_be_changed() -> None:
    table = parse(Table, {"inner": {"depth": 3}}, "here")
    assert table == Table(inner=Inner(depth=3))
    with pytest.raises(ValidationError, match="frozen"):
        table.title = "x"  # type: ignore[misc]
