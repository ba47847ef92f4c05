from __future__ import annotations

import pytest

from bertkit.errors import ConfigError
from bertkit.families.labels import read_labels, read_problem


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ({"id2label": {"1": "b", "0": "a"}}, ("a", "b")),
        ({"id2label": {"0": 5}}, ("5",)),
        ({}, ("LABEL_0", "LABEL_1")),
        ({"num_labels": 3}, ("LABEL_0", "LABEL_1", "LABEL_2")),
        ({"_num_labels": 1}, ("LABEL_0",)),
    ],
)
def test_labels(config: dict[str, object], labels: tuple[str, ...]) -> None:
    assert read_labels(config) == labels


@pytest.mark.parametrize("config", [{"id2label": []}, {"id2label": {"1": "a"}}, {"num_labels": 0}], ids=str)
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
    ],
)
def test_problems(config: dict[str, object], problem: str) -> None:
    assert read_problem(config) == problem
