"""The ids of a tokenizer's special tokens, by role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import tokenizers

from bertkit.tokenization.settings import ROLES, Settings

# Tried in this order where no file names the token of a role: BERT's names, then RoBERTa's.
USUAL: Final = {
    "pad": ("[PAD]", "<pad>"),
    "unk": ("[UNK]", "<unk>"),
    "cls": ("[CLS]", "<s>"),
    "sep": ("[SEP]", "</s>"),
    "mask": ("[MASK]", "<mask>"),
}


@dataclass(frozen=True, slots=True)
class Specials:
    """Ids of the special tokens; None where the tokenizer has no such token.

    Attributes:
        all: every special token's id, further ones included: what masking leaves alone and decoding leaves out.
    """

    pad: int | None
    unk: int | None
    cls: int | None
    sep: int | None
    mask: int | None
    all: frozenset[int]


def find_specials(backend: tokenizers.Tokenizer, settings: Settings) -> Specials:
    """The special tokens that the settings name, else those with a usual name."""
    special = {id for id, token in backend.get_added_tokens_decoder().items() if token.special}
    roles: dict[str, int | None] = {}
    for role in ROLES:
        names = (settings.special[role].content,) if role in settings.special else USUAL[role]
        ids = (backend.token_to_id(name) for name in names)
        roles[role] = next((id for id in ids if id is not None), None)
    return Specials(**roles, all=frozenset(special | {id for id in roles.values() if id is not None}))
