from __future__ import annotations

from pathlib import Path

from bertkit.pretrained.cards import CARD, find_card


def test_a_card_is_a_file(tmp_path: Path) -> None:
    assert find_card(tmp_path) is None
    (tmp_path / CARD).mkdir()
    assert find_card(tmp_path) is None
    (tmp_path / CARD).rmdir()
    (tmp_path / CARD).write_text("# A card")
    assert find_card(tmp_path) == tmp_path / CARD
