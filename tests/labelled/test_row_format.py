from __future__ import annotations

import pytest

from bertkit.config.data_source import RowsInMemory
from bertkit.formats.rows import Row
from bertkit.labelled.data import IN_MEMORY, Data
from bertkit.labelled.examples import Target
from bertkit.labelled.find_columns import Columns
from bertkit.labelled.row_format import Asked, ReadRow, id_of, one_by_one


@pytest.mark.parametrize(("given", "id"), [({"id": "q7"}, "q7"), ({"id": 7}, "7"), ({"id": ""}, "3"), ({}, "3")])
def test_an_example_has_its_own_name_or_its_number(given: dict[str, object], id: str) -> None:
    assert id_of(Row(given, "here"), 3) == id


def test_what_reads_rows_is_made_once_for_all_of_them() -> None:
    made: list[Columns] = []

    def make(columns: Columns) -> ReadRow:
        made.append(columns)

        def read(row: Row) -> tuple[dict[str, object], Target]:
            return {"text": row.fields["text"]}, str(row.fields["label"])

        return read

    parts = [[{"text": "a", "label": 1}], [{"text": "b", "label": 2, "id": "x"}, {"text": "c", "label": 3}]]
    sources = [RowsInMemory(f"part{number}", rows) for number, rows in enumerate(parts)]
    data = Data(tuple((source, IN_MEMORY) for source in sources), {})
    examples = list(one_by_one(make)(data, Asked()))
    assert [(one.row.fields["text"], one.target, one.id) for one in examples] == [
        ("a", "1", "0"),
        ("b", "2", "x"),
        ("c", "3", "2"),
    ]
    assert len(made) == 1
    assert all("label" not in one.row.fields for one in examples)
    assert list(one_by_one(make)(Data(((RowsInMemory("none", []), IN_MEMORY),), {}), Asked())) == []
