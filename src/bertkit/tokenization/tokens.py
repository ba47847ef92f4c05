"""What a text becomes: the ids of its pieces and where each came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """One text's tokens, special tokens of the model not included.

    Attributes:
        ids: vocabulary ids, one a token.
        offsets: `(start, end)` of each token in Unicode code points of the user's own text; None when not asked for.
        goes_on: the text has more of them: it was read no further, since it is too long already.
    """

    ids: list[int]
    offsets: list[tuple[int, int]] | None = None
    goes_on: bool = False

    def __len__(self) -> int:
        return len(self.ids)
