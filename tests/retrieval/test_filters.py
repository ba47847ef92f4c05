from __future__ import annotations

import json
import sqlite3

import pytest

from bertkit.errors import UserError
from bertkit.retrieval.filters import Condition, filter_sql, read_filter

DOCUMENTS = [
    {"year": 2019, "lang": "en", "tags": ["red", "blue"], "draft": True},
    {"year": 2021, "lang": "de", "tags": ["red"], "draft": False, "by line": 'it\'s "so"'},
    {"year": "2022", "lang": None, "score": 0.5, "date": "2021-05-04"},
]


def meeting(text: str) -> list[int]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE documents (id INTEGER PRIMARY KEY, fields TEXT)")
    connection.executemany("INSERT INTO documents VALUES (?, ?)", enumerate(map(json.dumps, DOCUMENTS)))
    where, values = filter_sql(read_filter(text), sorted({name for one in DOCUMENTS for name in one}))
    found = connection.execute(f"SELECT id FROM documents WHERE {where} ORDER BY id", values).fetchall()
    connection.close()
    return [id for (id,) in found]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("year>2020", [1]),
        ("year >= 2019", [0, 1]),
        ("year!=2019", [1, 2]),
        ("year<2.021e3", [0]),
        ("year='2022'", [2]),
        ("lang=en", [0]),
        ('lang == "de" and year>2020', [1]),
        ("lang=null", [2]),
        ("lang!=null", [0, 1]),
        ("draft=false", [1]),
        ("tags=blue", [0]),
        ("tags=red and tags=blue", [0]),
        ("tags!=blue", [1]),
        ("date>=2021-05-01", [2]),
        ("date>'2021-06'", []),
        ("'by line'='it\\'s \"so\"'", [1]),
        ("score<1", [2]),
        ("lang='x' and year>0", []),
    ],
)
def test_documents_that_meet_a_filter(text: str, ids: list[int]) -> None:
    assert meeting(text) == ids


def test_values_are_parameters_and_never_sql() -> None:
    hostile = "x'); DROP TABLE documents; --"
    (condition,) = read_filter(f'lang="{hostile}"')
    assert condition == Condition("lang", "=", hostile)
    assert hostile not in condition.sql()[0]
    assert meeting(f'lang="{hostile}"') == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read at ''"),
        ("year", "cannot be read at 'year'"),
        ("year>", "cannot be read at 'year>'"),
        ("year>2020 or lang=en", "cannot be read at 'or lang=en'"),
        ("year>2020 and", "cannot be read at"),
        ("draft>true", "true is neither more nor less"),
        ("1=1", "cannot be read at '1=1'"),
        ("'a\"b'=1", "no field can be asked for"),
        ("yaer>2020", "no document has the field 'yaer' \\(did you mean 'year'\\?\\)"),
    ],
)
def test_what_is_no_filter_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        meeting(text)
    assert filter_sql((), []) == ("", [])
