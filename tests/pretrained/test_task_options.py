from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import UserError
from bertkit.pretrained.loading import open_pretrained
from bertkit.tokenization.tokenizer import Tokenizer
from tests.parity.bert_peer import make_peer
from tests.pretrained.small_folder import SIZES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_peer(SIZES, tmp_path / "model")
    return tmp_path / "model"


def test_an_option_that_the_task_does_not_have_is_an_error(folder: Path) -> None:
    with pytest.raises(UserError, match="fill-mask has no option 'top_q'"):
        open_pretrained(folder).build_task("fill-mask", Tokenizer.load(folder), top_q=3)
