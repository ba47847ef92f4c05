from __future__ import annotations

import pytest

from bertkit.errors import ConfigError
from bertkit.families.labels import fitting_labels, read_labels, read_problem


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ({"id2label": {"1": "b", "0": "a"}}, ("a", "b")),
        ({"id2label": {"00": "a", "1": None}}, ("a", "LABEL_1")),
        ({"id2label": None, "num_labels": None}, ("LABEL_0", "LABEL_1")),
        ({"id2label": {"0": 5}}, ("5",)),
        ({}, ("LABEL_0", "LABEL_1")),
        ({"num_labels": 3}, ("LABEL_0", "LABEL_1", "LABEL_2")),
        ({"_num_labels": 1}, ("LABEL_0",)),
    ],
)
def test_labels(config: dict[str, object], labels: tuple[str, ...]) -> None:
    assert read_labels(config) == labels


BAD_LABELS: list[dict[str, object]] = [
    *({"id2label": value} for value in ([], {}, {"1": "a"}, {"a": "b"}, "a", 5)),
    *({"num_labels": value} for value in (0, -1, True, 1.5, "3", [], {}, 10**9)),
]


@pytest.mark.parametrize("config", BAD_LABELS, ids=str)
def test_bad_labels(config: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        read_labels(config)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "single-label"),
        ({"id2label": {"0": "score"}}, "regression"),
        ({"id2label": {"0": "toxic"}, "problem_type": "multi_label_classification"}, "multi-label"),
        ({"problem_type": "single_label_classification"}, "single-label"),
        ({"problem_type": None}, "single-label"),
        ({"problem_type": ""}, "single-label"),
    ],
)
def test_problems(config: dict[str, object], problem: str) -> None:
    assert read_problem(config) == problem


@pytest.mark.parametrize("named", ["clustering", 5, [], {"regression": 1}], ids=str)
def test_strange_problems(named: object) -> None:
    with pytest.raises(ConfigError, match="problem_type = "):
        read_problem({"problem_type": named})


def test_of_names_and_number_the_one_that_fits() -> None:
    both: dict[str, object] = {"id2label": {"0": "a", "1": "b"}, "num_labels": 3}
    assert fitting_labels(both, rows=3) == {"num_labels": 3}
    assert fitting_labels(both, rows=2) == both
    assert fitting_labels(both, rows=4) == both
    assert fitting_labels({"id2label": [], "num_labels": 3}, rows=3) == {"id2label": [], "num_labels": 3}
