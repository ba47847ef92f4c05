"""A tokenizer's special tokens, by role: their ids in a finished one, their names for one that is being built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tokenizers
from tokenizers import AddedToken

from bertkit.errors import BadCheckpoint
from bertkit.tokenization.settings import CONFIG, ROLES, Settings

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


def role_tokens(usual: Mapping[str, str], settings: Settings, *, mask_takes_space: bool) -> dict[str, AddedToken]:
    """The token of each role: as the settings have it, else of the family's usual name.

    Args:
        mask_takes_space: a space before the mask belongs to it, as in families that learnt it as a word.
    """
    added = {token.content: token for _, token in settings.added}
    tokens = {}
    for role, name in usual.items():
        plain = AddedToken(name, special=True, normalized=False, lstrip=mask_takes_space and role == "mask")
        token = settings.special.get(role, plain)
        tokens[role] = added.get(token.content, token)
    return tokens


def add_missing(backend: tokenizers.Tokenizer, tokens: Iterable[AddedToken]) -> None:
    """Makes special tokens of those that have an id; what is one already stays as it is."""
    there = {token.content for token in backend.get_added_tokens_decoder().values()}
    backend.add_special_tokens(
        [it for it in tokens if it.content not in there and backend.token_to_id(it.content) is not None]
    )


def ids_around(
    backend: tokenizers.Tokenizer, path: Path, special: Mapping[str, AddedToken], roles: Iterable[str]
) -> dict[str, int]:
    """The ids of the tokens that a text cannot do without, by role.

    Raises:
        BadCheckpoint: there is no piece for one of them among those of `path`.
    """
    ids = {}
    for role in roles:
        id = backend.token_to_id(special[role].content)
        if id is None:
            raise BadCheckpoint(
                f"{path}: no piece for the special token {special[role].content!r}",
                f"Use the vocabulary of the model, or name its token as {role}_token in {CONFIG}.",
            )
        ids[role] = id
    return ids
