"""A model with the rows of its table that a corpus needs: for the corpus' texts it computes the same numbers.

Shapes: `V` ids of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from bertkit.checkpoints.stored import StoredTensors
from bertkit.compression.int8_form import check_floating
from bertkit.config.readout import MASKED_LM
from bertkit.errors import UserError
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.tokenization.tokenizer import Tokenizer

TEXTS_AT_ONCE = 1_000
HELD_OUT = 10  # every so many-th text is looked at as if it were a new one
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Usage:
    """How often a corpus has each id.

    Attributes:
        learnt_V: in nine of ten texts.
        held_out_V: in the others.
    """

    learnt_V: Counts
    held_out_V: Counts

    def ids(self) -> set[int]:
        """Those that occur."""
        return set(np.flatnonzero(self.learnt_V + self.held_out_V).tolist())

    @property
    def unseen(self) -> float | None:
        """Share of the held-out tokens that the other texts do not have; None of a corpus of few texts."""
        total = int(self.held_out_V.sum())
        return None if not total else float(self.held_out_V[self.learnt_V == 0].sum() / total)


def usage_of(tokenizer: Tokenizer, texts: Iterable[str], prompts: Sequence[str] = ("",)) -> Usage:
    """Counts the ids of texts, each behind each of the prompts."""
    counts_2V = np.zeros((2, tokenizer.vocab_size), np.int64)
    for some in _parts(texts):
        for prompt in prompts:
            for place, tokens in enumerate(tokenizer.tokenize([prompt + text for text in some])):
                is_held_out = place % HELD_OUT == HELD_OUT - 1
                np.add.at(counts_2V[int(is_held_out)], tokens.ids, 1)
    return Usage(counts_2V[0], counts_2V[1])


def kept_ids(
    pretrained: Pretrained,
    tokenizer: Tokenizer,
    texts: Callable[[], Iterable[str]],
    usage: Usage,
    prompts: Sequence[str],
) -> list[int]:
    """The ids with which every text of the corpus is cut as it was, ascending: those that it has, and few more.

    Args:
        texts: reads the corpus, from its beginning each time.

    Raises:
        UserError: the tokenizer cuts texts otherwise without pieces that no text has.
    """
    kept = usage.ids() | tokenizer.always_kept
    positions = pretrained.config.positions
    if positions is not None:  # where the number of the first one hangs on the padding token's id, that must stay
        kept |= set(range(positions.offset))
    while True:
        order = sorted(kept)
        otherwise = list(differing(tokenizer, tokenizer.trimmed(order), order, texts(), prompts))
        if not otherwise:
            return order
        more = {id for text in otherwise for id in tokenizer.tried_pieces(text)} - kept
        if not more:
            raise UserError(
                f"the tokenizer cuts {otherwise[0][:60]!r} otherwise without pieces that no text has",
                "Keep its vocabulary; --to int8 makes the table a quarter as large.",
            )
        kept |= more


def differing(
    tokenizer: Tokenizer, trimmed: Tokenizer, kept: Sequence[int], texts: Iterable[str], prompts: Sequence[str]
) -> Iterator[str]:
    """The texts that a trimmed tokenizer cuts otherwise."""
    for some in _parts(texts):
        for prompt in prompts:
            whole = [prompt + text for text in some]
            for text, before, after in zip(whole, tokenizer.tokenize(whole), trimmed.tokenize(whole), strict=True):
                if before.ids != [kept[id] for id in after.ids]:
                    yield text


def unknown_share(tokenizer: Tokenizer, texts: Iterable[str]) -> float:
    """Of the tokens of texts those that are the unknown one."""
    tokens = [id for some in _parts(texts) for one in tokenizer.tokenize(some) for id in one.ids]
    return sum(id == tokenizer.specials.unk for id in tokens) / max(len(tokens), 1)


def trimmed_form(pretrained: Pretrained, kept: Sequence[int]) -> Pretrained:
    """The checkpoint with these rows of all that has one a token: the table, and what predicts tokens.

    Raises:
        UserError: its weights are int8, or it is several encoders or a cascade.
    """
    check_floating(pretrained, "a trimmed vocabulary")
    rows = {*_per_token(pretrained)}
    index = torch.tensor(kept)
    tensors = {name: tensor[index] if name in rows else tensor for name, tensor in pretrained.tensors.items()}
    config = pretrained.config.model_copy(update={"vocab_size": len(kept)})
    place = {old: new for new, old in enumerate(kept)}
    values = {name: _renumbered(name, value, place) for name, value in pretrained.foreign.values.items()}
    foreign = replace(pretrained.foreign, values=values, encoder=config)
    return replace(pretrained, foreign=foreign, config=config, tensors=StoredTensors.of(tensors))


def _per_token(pretrained: Pretrained) -> Iterator[str]:
    """Names of the tensors that have a row for each id."""
    heads = pretrained.family.heads
    predicting = heads[MASKED_LM].weights if MASKED_LM in heads else ()
    rows = [row for row in pretrained.table(pretrained.family.encoder) if row.ours == "embeddings.token.weight"]
    rows += [row for row in pretrained.table(predicting) if row.ours in ("bias", "decoder")]
    for row in rows:
        yield from (name for name in (*row.theirs, *row.aliases) if name in pretrained.tensors)


def _renumbered(key: str, value: object, place: Mapping[int, int]) -> object:
    """What `config.json` says under a key; an id of a token as it is now."""
    if not key.endswith("_token_id"):
        return value
    if isinstance(value, list):
        return [place.get(id, id) for id in value]
    return place.get(value, value) if isinstance(value, int) else value


def _parts(texts: Iterable[str]) -> Iterator[list[str]]:
    source = iter(texts)
    while some := list(islice(source, TEXTS_AT_ONCE)):
        yield some
