"""fill-mask: the likeliest tokens at each mask of a text (Devlin et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from bertkit.config.readout import MASKED_LM, Readout
from bertkit.errors import InputError, UserError
from bertkit.tasks.contract import Array, Outcome, Reading, Result, Target, Task

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer
    from bertkit.tokenization.windows import Encoded, Window


@dataclass(frozen=True, slots=True)
class Fill:
    """One token in the place of a mask, and the text with it in place."""

    token: str
    id: int
    score: float
    sequence: str


@dataclass(frozen=True, kw_only=True)
class Fills(Result):
    """The likeliest tokens, best first, a list for each mask in the order of the text."""

    fills: list[list[Fill]]

    def answer(self) -> dict[str, object]:
        """`{"fills": [[{"token", "id", "score", "sequence"}…]…]}`."""
        return {"fills": [[asdict(fill) for fill in mask] for mask in self.fills]}


class FillMask(Task):
    """Masked language modelling at prediction time.

    Args:
        top_k: tokens to give for each mask; of fewer targets all.
        targets: only these are given, best first, with the probability that each has among all tokens: a list, or with
            commas between. Each is a token as the vocabulary writes it (`##ing`), else a word that is one token.
    """

    name: ClassVar[str] = "fill-mask"
    head_name: ClassVar[str | None] = MASKED_LM
    needs_offsets: ClassVar[bool] = True
    overlap: ClassVar[float | None] = 0.5

    def __init__(self, tokenizer: Tokenizer, top_k: int = 5, targets: str | Sequence[str] | None = None) -> None:
        super().__init__(tokenizer)
        if not 1 <= top_k <= tokenizer.vocab_size:
            raise InputError(f"top_k is {top_k}", f"Choose from 1 to {tokenizer.vocab_size}.")
        self._chosen = () if targets is None else _ids_of(targets, tokenizer)
        self.top_k = min(top_k, len(self._chosen) or top_k)

    def check(self, encoded: Encoded) -> None:
        """There must be a mask to fill."""
        if not any(self.named(window) for window in encoded.windows):
            token = self.tokenizer.token(self._mask_id)
            raise InputError("no mask in the text", f"Put {token} where a token is to be filled in.")

    @property
    def readout(self) -> Readout:
        """Probabilities and ids of the likeliest tokens at each mask, both (R, top_k)."""
        return Readout("mask", self.head_name, top_k=self.top_k, chosen=self._chosen)

    def named(self, window: Window) -> list[int]:
        """The masks that this window answers for."""
        mask = self._mask_id
        return [i for owned in window.owned for i in owned if window.ids[i] == mask]

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Fills:
        """The windows' masks in the order of the text; of a pair, those of the first text before the second's."""
        (outcome,) = outcomes
        texts = [text for text in (outcome.texts.first, outcome.texts.second) if text is not None]
        fills: list[list[list[Fill]]] = [[] for _ in texts]  # of each text
        for window, (scores_RK, ids_RK) in zip(outcome.encoded.windows, outcome.outputs, strict=True):
            for mask, scores, ids in zip(self.named(window), scores_RK, ids_RK, strict=True):
                part = next(part for part, shown in enumerate(window.parts) if mask in shown)
                fills[part].append(list(self._fills(texts[part], window, mask, scores, ids)))
        return Fills(fills=list(chain.from_iterable(fills)), reading=reading)

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target:
        """The logit of the likeliest token at the mask that is filled the most surely, or of the token `name` there."""
        assert isinstance(result, Fills)
        (outcome,) = outcomes
        (window,) = outcome.encoded.windows
        mask = max(range(len(result.fills)), key=lambda mask: result.fills[mask][0].score)
        best = result.fills[mask][0]
        id = best.id if name is None else self.tokenizer.id(name)
        if id is None:
            raise UserError(f"no token {name!r} in the vocabulary", "Name a token as `bertkit tokenize` writes it.")
        return Target(best.token if name is None else name, ((self.named(window)[mask], id),))

    @property
    def _mask_id(self) -> int:
        mask = self.tokenizer.specials.mask
        if mask is None:
            raise InputError(
                "the tokenizer has no mask token", "Choose a model with a masked-language-model vocabulary."
            )
        return mask

    def _fills(self, text: str, window: Window, mask: int, scores: Array, ids: Array) -> Iterator[Fill]:
        assert window.offsets is not None
        start, end = window.offsets[mask]
        for score, id in zip(scores.tolist(), ids.astype(int).tolist(), strict=True):
            sequence = self.tokenizer.write(text[:start], id) + text[end:]
            yield Fill(self.tokenizer.token(id), id, score, sequence)


def _ids_of(targets: str | Sequence[str], tokenizer: Tokenizer) -> tuple[int, ...]:
    """The ids of some tokens, each once.

    Raises:
        UserError: one is no token: a mask stands for one, and no part of a word is put in its place.
    """
    words = [word.strip() for word in targets.split(",")] if isinstance(targets, str) else list(targets)
    ids: dict[int, None] = {}
    for word in words:
        id = tokenizer.id(word) if word else None
        pieces = list(tokenizer.tokenize([word])[0].ids) if id is None else [id]
        if len(pieces) != 1 or pieces[0] == tokenizer.specials.unk:
            known = [tokenizer.token(piece) for piece in pieces if piece != tokenizer.specials.unk]
            what = f"{len(pieces)} tokens, {' '.join(known)}" if len(known) > 1 else "no token of the vocabulary"
            raise UserError(
                f"the target {word!r} is {what}, and a mask stands for one",
                "Choose words that `bertkit tokenize` shows as one token.",
            )
        ids[pieces[0]] = None
    if not ids:
        raise UserError("no target is given", "Name one or more, or leave targets out.")
    return tuple(ids)
