from __future__ import annotations

from pathlib import Path

from bertkit.inference.explanation import ExplainedWord, ScoredTokens
from bertkit.tasks.contract import Texts
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText, cut
from tests.parity.bert_peer import PIECES


def test_pieces_of_a_pair_become_words_of_their_own_texts(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join([*PIECES, ","]) + "\n")
    tokenizer = Tokenizer.load(tmp_path)
    texts = Texts("Citys, paris", "is a")
    first, second = tokenizer.tokenize([texts.first, "is a"], offsets=True)
    (window,) = cut(first, second, tokenizer.template, limit=99, long=LongText.ERROR).windows
    scored = ScoredTokens.of(texts, window, tokenizer, [0.0, 1.0, 0.5, -2.0, 4.0, 0.0, 8.0, 16.0, 0.0])
    assert scored.tokens == ["[CLS]", "city", "##s", ",", "paris", "[SEP]", "is", "a", "[SEP]"]
    assert scored.parts == [None, 0, 0, 0, 0, None, 1, 1, None]
    assert scored.words == [
        ExplainedWord("Citys", 0, 5, 0, 1.5),
        ExplainedWord(",", 5, 6, 0, -2.0),
        ExplainedWord("paris", 7, 12, 0, 4.0),
        ExplainedWord("is", 0, 2, 1, 8.0),
        ExplainedWord("a", 3, 4, 1, 16.0),
    ]
    record = scored.record()
    assert record["offsets"] == [[0, 0], [0, 4], [4, 5], [5, 6], [7, 12], [0, 0], [0, 2], [3, 4], [0, 0]]
    assert record["words"][0] == {"text": "Citys", "start": 0, "end": 5, "part": 0, "score": 1.5}  # type: ignore[index]
