from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from bertkit.compression.pace import ALONE, ROUNDS, paces
from bertkit.formats.rows import Row
from bertkit.inference.model import load
from tests.parity.bert_peer import Sizes, make_peer


def test_models_take_turns_on_the_same_rows(tmp_path: Path) -> None:
    make_peer(Sizes(segment_types=2), tmp_path)
    model, ticks = load(tmp_path, task="sentence-embedding"), count()
    rows = [Row({"text": "paris is"}, f"row {number}") for number in range(3)]
    found = paces([model, model], rows, clock=lambda: next(ticks) / 100)
    assert found[0] == found[1]
    assert found[0].tokens_per_second == pytest.approx(1200)  # 12 tokens in one tick
    assert (found[0].p50_ms, found[0].p95_ms) == (pytest.approx(10), pytest.approx(10))
    assert next(ticks) == 2 * 2 * (ROUNDS + min(ALONE, len(rows)))
