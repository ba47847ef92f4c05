"""Special tokens by role: named by a file, else by their usual names."""

from __future__ import annotations

import tokenizers
from tokenizers import AddedToken, models

from bertkit.tokenization.settings import Settings
from bertkit.tokenization.specials import Specials, find_specials


def backend(*names: str) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer(models.WordLevel({name: id for id, name in enumerate(names)}, unk_token=names[0]))


def test_usual_names() -> None:
    found = find_specials(backend("<s>", "<pad>", "</s>", "<unk>", "<mask>", "a"), Settings())
    assert found == Specials(pad=1, unk=3, cls=0, sep=2, mask=4, all=frozenset(range(5)))


def test_a_named_token_wins_over_a_usual_one() -> None:
    settings = Settings(special={"mask": AddedToken("@")})
    found = find_specials(backend("[UNK]", "[MASK]", "@"), settings)
    assert (found.mask, found.unk, found.cls) == (2, 0, None)


def test_further_special_tokens_are_among_all() -> None:
    made = backend("[UNK]", "a")
    made.add_special_tokens(["<entity>"])
    made.add_tokens(["domain"])
    assert find_specials(made, Settings()).all == {0, 2}
