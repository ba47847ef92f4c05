"""From tokens to what a model reads: special tokens around them, and the policy for texts that are too long.

A text that fits becomes one window. One that does not is refused, cut at one end, or read in overlapping windows. These
are as wide as there is room; each begins `room - overlap` tokens behind the one before it, which is the *stride*, and
the last is as wide as what is left. Of ten tokens, with room for six and an overlap of four:

    tokens      0 1 2 3 4 5 6 7 8 9
    window 0    [0 1 2 3]4 5                stride 2; in brackets what each window owns
    window 1        2 3[4 5]6 7
    window 2            4 5[6 7 8 9]

Tokens near a window's end are read with little context, which is what the overlap is for: two windows read them. But
then there are two predictions for one token. So every token is *owned* by one window only, the one that shows it
farthest from an end, and only the owner's prediction counts: two neighbours meet in the middle of what they share. With
no token counted twice or left out, a task merges windows by putting what they own end to end, or by their shares of the
text; it need not weigh predictions against each other. BERT's SQuAD script chooses by the same rule (`max_context`).
The overlap is counted in tokens of the text: the special tokens stand in every window, and belong to none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from bertkit.errors import TextTooLong, UserError
from bertkit.tokenization.template import Frame, Template
from bertkit.tokenization.tokens import Tokens

NO_TEXT = (0, 0)


class LongText(StrEnum):
    """What happens to a text with more tokens than the model reads."""

    ERROR = "error"
    TRUNCATE = "truncate"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class Window:
    """One sequence for the model, special tokens included.

    Attributes:
        ids: token ids, at most `limit` of them.
        segments: segment (token type) id of each token.
        offsets: `(start, end)` of each token in its own text, `(0, 0)` for special tokens; None when not asked for.
        owned: positions within this window whose predictions count, one range a text (one or two ranges).
        parts: positions within this window that show each text, one range a text.
    """

    ids: list[int]
    segments: list[int]
    offsets: list[tuple[int, int]] | None
    owned: list[range]
    parts: list[range]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One input, ready for the model.

    Attributes:
        windows: at least one; more only under `LongText.WINDOW`.
        input_tokens: tokens of the whole input, special tokens counted once, nothing left out.
        truncated: True when some of those tokens are in no window.
    """

    windows: list[Window]
    input_tokens: int
    truncated: bool

    @property
    def weights(self) -> list[float]:
        """The share of the text read in windows that each window owns, in all 1: how windows are averaged."""
        last = self.windows[-1].owned
        which = next((which for which, owned in enumerate(last) if owned), 0)  # every window owns part of that text
        owned = [len(window.owned[which]) for window in self.windows]
        return [count / sum(owned) for count in owned] if len(owned) > 1 else [1.0]


def cut(
    first: Tokens, second: Tokens | None, template: Template, *, limit: int, long: LongText, overlap: int = 0
) -> Encoded:
    """Puts the special tokens around a text or a pair, and applies the long text policy.

    Args:
        first: the text, or the first of a pair.
        second: the second of a pair; None for a single text. An empty second text is still a pair.
        limit: tokens the model reads at most, special tokens included.
        long: ERROR refuses; TRUNCATE drops the end of a single text, and of a pair the end of the longer text first
            (`longest_first` of transformers), or the beginning where the template says so; WINDOW cuts a single text,
            or the longer text of a pair, into windows, and each window of a pair holds the whole shorter text. Of two
            texts as long the second is the longer.
        overlap: content tokens that two neighbouring windows share; only for WINDOW.

    Raises:
        TextTooLong: the text does not fit and `long` is ERROR, or the shorter of a pair leaves no room for windows.
        UserError: `limit` or `overlap` leaves no room for text whatever the text is.
    """
    frame = template.single if second is None else template.pair
    special = frame.special_tokens
    input_tokens = special + len(first.ids) + (0 if second is None else len(second.ids))
    if input_tokens <= limit:
        window = _window(frame, _whole(first), None if second is None else _whole(second))
        return Encoded([window], input_tokens, truncated=False)
    room = limit - special
    if room < 1:
        raise UserError(
            f"a limit of {limit} tokens leaves no room for text beside {special} special tokens",
            f"Choose a limit of at least {special + 1} tokens.",
        )
    if long == LongText.ERROR:
        count = f"{input_tokens} tokens" if not _goes_on(first, second) else f"more than {input_tokens} tokens"
        raise TextTooLong(f"the text has {count}, special tokens included; the limit is {limit}")
    if long == LongText.TRUNCATE:
        return Encoded([_truncated(template, first, second, room)], input_tokens, truncated=True)
    if not 0 <= overlap < room:
        raise UserError(
            f"an overlap of {overlap} tokens does not fit windows with room for {room}",
            f"Choose an overlap from 0 to {room - 1}.",
        )
    if second is None:
        return Encoded(_over_text(frame, first, room, overlap), input_tokens, truncated=False)
    return Encoded(_over_pair(frame, first, second, room, overlap), input_tokens, truncated=False)


def _goes_on(first: Tokens, second: Tokens | None) -> bool:
    return first.goes_on or (second is not None and second.goes_on)


def window_room(first: Tokens, second: Tokens | None, template: Template, limit: int) -> int:
    """Tokens that each window over a text or a pair has for the text that it is cut from; 0 or less is no room."""
    if second is None:
        return limit - template.single.special_tokens
    return limit - template.pair.special_tokens - min(len(first), len(second))


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Lengths of a pair after dropping tokens from the longer text until both fit into `room`.

    The rule of the `tokenizers` library, odd token to the longer text, or to the second where both are as long.
    """
    shorter, longer = min(first, second), max(first, second)
    if shorter + longer > room:
        longer = max(shorter, room - shorter)
        if shorter + longer > room:
            shorter, longer = room // 2, room - room // 2
    return (longer, shorter) if first > second else (shorter, longer)


def spans(length: int, room: int, overlap: int) -> list[tuple[int, int]]:
    """`(start, end)` of the windows over `length` tokens: `room` wide, the last as wide as what is left."""
    # A window that began in the last `overlap` tokens would show nothing that the one before it does not show.
    starts = range(0, max(length - overlap, 1), room - overlap)
    return [(start, min(start + room, length)) for start in starts]


def shares(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """`(start, end)` that each window owns: neighbours meet in the middle of what they share.

    There a token is as far from the end of the one window as from the start of the other; a tie goes to the earlier.
    The text's own ends are ends of no context: the first window owns all from the start, the last one all to the end.
    """
    middles = [(start + end + 1) // 2 for (_, end), (start, _) in pairwise(windows)]
    return list(zip([windows[0][0], *middles], [*middles, windows[-1][1]], strict=True))


def _truncated(template: Template, first: Tokens, second: Tokens | None, room: int) -> Window:
    def kept(text: Tokens, count: int) -> TextPart:
        span = (len(text) - count, len(text)) if template.truncation_side == "left" else (0, count)
        return _part(text, span, span)

    if second is None:
        return _window(template.single, kept(first, room), None)
    counts = longest_first(len(first), len(second), room)
    return _window(template.pair, kept(first, counts[0]), kept(second, counts[1]))


def _over_text(frame: Frame, text: Tokens, room: int, overlap: int) -> list[Window]:
    cuts = spans(len(text), room, overlap)
    return [_window(frame, _part(text, span, share), None) for span, share in zip(cuts, shares(cuts), strict=True)]


def _over_pair(frame: Frame, first: Tokens, second: Tokens, room: int, overlap: int) -> list[Window]:
    """Every window shows the shorter text whole; the first window owns it."""
    cuts_first = len(first) > len(second)
    longer, shorter = (first, second) if cuts_first else (second, first)
    left = room - len(shorter)  # for the longer text: a question is read whole beside each part of its context
    if left <= overlap:
        names = ("second", "first") if cuts_first else ("first", "second")
        raise TextTooLong(
            f"the {names[0]} text has {len(shorter)} tokens, which leaves {max(left, 0)} of {room} "
            f"for windows over the {names[1]} that overlap by {overlap}",
            f"Shorten the {names[0]} text, or choose --long truncate (drops the end).",
        )
    whole, nothing = _whole(shorter), _whole(shorter)._replace(owned=(0, 0))
    cuts = spans(len(longer), left, overlap)
    windows = []
    for place, (span, share) in enumerate(zip(cuts, shares(cuts), strict=True)):
        part, other = _part(longer, span, share), nothing if place else whole
        windows.append(_window(frame, part, other) if cuts_first else _window(frame, other, part))
    return windows


class TextPart(NamedTuple):
    """What one window shows of a text, and the `(start, end)` within that it owns."""

    ids: list[int]
    offsets: list[tuple[int, int]] | None
    owned: tuple[int, int]


def _whole(text: Tokens) -> TextPart:
    return TextPart(text.ids, text.offsets, (0, len(text.ids)))


def _part(text: Tokens, span: tuple[int, int], share: tuple[int, int]) -> TextPart:
    start, end = span
    offsets = None if text.offsets is None else text.offsets[start:end]
    return TextPart(text.ids[start:end], offsets, (share[0] - start, share[1] - start))


def _window(frame: Frame, first: TextPart, second: TextPart | None) -> Window:
    """Parts of the texts with special tokens around. Whole-list operations only: there are millions of short texts."""
    prefix, infix, suffix = frame.prefix, frame.infix, frame.suffix
    place = len(prefix.ids)
    owned = [range(place + first.owned[0], place + first.owned[1])]
    parts = [range(place, place + len(first.ids))]
    ids = prefix.ids + first.ids
    segments = prefix.segments + [frame.first_segment] * len(first.ids)
    offsets = None if first.offsets is None else [NO_TEXT] * len(prefix.ids) + first.offsets
    if second is not None:
        place += len(first.ids) + len(infix.ids)
        owned.append(range(place + second.owned[0], place + second.owned[1]))
        parts.append(range(place, place + len(second.ids)))
        ids += infix.ids + second.ids
        segments += infix.segments + [frame.second_segment] * len(second.ids)
        if second.offsets is None:
            offsets = None
        elif offsets is not None:
            offsets += [NO_TEXT] * len(infix.ids) + second.offsets
    ids += suffix.ids
    segments += suffix.segments
    if offsets is not None:
        offsets += [NO_TEXT] * len(suffix.ids)
    return Window(ids, segments, offsets, owned, parts)
