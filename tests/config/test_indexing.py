from __future__ import annotations

import pytest
from pydantic import ValidationError

from bertkit.config.indexing import Cutting, IndexSettings
from tests.retrieval.made_index import settings


def test_what_an_index_says_of_itself_comes_back() -> None:
    assert IndexSettings.model_validate_json(settings("binary").model_dump_json()) == settings("binary")


@pytest.mark.parametrize("given", [{"words": 7}, {"words": 10, "overlap": 6}, {"overlap": -1}, {"sentences": 3}])
def test_texts_that_cannot_be_cut_so(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Cutting(**given)  # type: ignore[arg-type]
