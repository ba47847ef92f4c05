"""A tokenizer with some of its pieces only, renumbered, that gives the same tokens for texts that have no others.

WordPiece takes at each place the longest piece that there is, unigram the likeliest way to cut a text: as long as the
pieces of a text's own tokens are kept, taking others away leaves a text as it is cut. Pieces of BPE are made by merges,
which need pieces that no text shows; its vocabulary is not trimmed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tokenizers
from tokenizers import models

from bertkit.errors import UserError

TRIMMED = (models.WordPiece, models.WordLevel, models.Unigram)


def check_can_be_trimmed(backend: tokenizers.Tokenizer) -> None:
    """Sees that taking pieces away leaves texts of the other pieces as they are.

    Raises:
        UserError: it does not.
    """
    if not isinstance(backend.model, TRIMMED):
        kind = type(backend.model).__name__
        raise UserError(
            f"a tokenizer of {kind}: without some of its pieces it would cut other texts otherwise",
            "Trim a model with a WordPiece or unigram tokenizer; --to int8 makes any table a quarter as large.",
        )


def trimmed_backend(backend: tokenizers.Tokenizer, kept: Sequence[int]) -> tokenizers.Tokenizer:
    """The tokenizer with only these pieces.

    Args:
        kept: their ids, ascending, which become 0, 1, 2 …; among them every added token and the unknown one.
    """
    place = {old: new for new, old in enumerate(kept)}
    said: dict[str, Any] = json.loads(backend.to_str())
    model = said["model"]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {piece: place[id] for piece, id in model["vocab"].items() if id in place}
    else:
        model["vocab"] = [entry for id, entry in enumerate(model["vocab"]) if id in place]
        model["unk_id"] = None if model.get("unk_id") is None else place[model["unk_id"]]
    for token in said["added_tokens"]:
        token["id"] = place[token["id"]]
    for processor in _processors(said.get("post_processor")):
        for name in ("sep", "cls"):
            if name in processor:
                processor[name][1] = place[processor[name][1]]
        for token in processor.get("special_tokens", {}).values():
            token["ids"] = [place[id] for id in token["ids"]]
    return tokenizers.Tokenizer.from_str(json.dumps(said))


def _processors(said: dict[str, Any] | None) -> Iterable[dict[str, Any]]:
    """A post-processor and those that it is a sequence of."""
    if said is not None:
        yield said
        for one in said.get("processors", ()):
            yield from _processors(one)


def tried_pieces(backend: tokenizers.Tokenizer, text: str) -> set[int]:
    """The pieces that WordPiece takes in a text before it gives a word up: without them it might find others."""
    model = backend.model
    if not isinstance(model, models.WordPiece):
        return set()
    normal = text if backend.normalizer is None else backend.normalizer.normalize_str(text)
    words = [(normal, None)] if backend.pre_tokenizer is None else backend.pre_tokenizer.pre_tokenize_str(normal)
    vocabulary = backend.get_vocab(with_added_tokens=False)
    return {id for word, _ in words for id in _longest(word, vocabulary, model.continuing_subword_prefix)}


def _longest(word: str, vocabulary: Mapping[str, int], prefix: str) -> Iterable[int]:
    start = 0
    while start < len(word):
        pieces = (
            (word[start:end] if not start else prefix + word[start:end], end) for end in range(len(word), start, -1)
        )
        piece, end = next(((one, end) for one, end in pieces if one in vocabulary), ("", 0))
        if not end:
            return
        yield vocabulary[piece]
        start = end
