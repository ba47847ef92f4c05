"""Inputs that an export is tried with: pieces of real sentences, of every kind of length, alone and in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertkit.batching.grouping import group_by_tokens
from bertkit.batching.packed import PackedBatch
from bertkit.tokenization.template import Frame
from bertkit.tokenization.tokenizer import Tokenizer

# Words, numbers, signs and scripts, as texts have them.
SENTENCES = (
    "The committee met on 14 March 1998, and nobody remembered why it had been called.",
    "Send the invoice (no. 4711/B) to the address below: 221B Baker Street, London NW1 6XE.",
    "A warm and funny film, although its third act drags; I would watch it again tomorrow.",
    "Der Zug nach München fährt heute wegen Bauarbeiten leider erst um 17:45 Uhr ab.",
    "Elle a commandé un café crème, deux croissants et l'addition, s'il vous plaît.",
    "Padding is work that nobody asked for: 64 texts of 8 to 256 tokens cost what they hold.",
    "В начале было слово. 起初，世界是一片混沌。 كان يا ما كان في قديم الزمان.",  # noqa: RUF001
    "def answer(question: str) -> str:  # see https://example.org/?q=42&lang=en",
)
AROUND = (1, 2, 3, 5, 7, 8, 9, 16, 24, 33, 64, 100, 128, 200, 256, 384, 512, 1_024, 2_048)
LONGEST = 2_048  # of what is tried: attention to all of a longer text takes more memory than a laptop has
PAIRS = (5, 12, 40, 128, 512)
BATCH_TOKENS = 4_096


@dataclass(frozen=True, slots=True)
class Trial:
    """Sequences in batches.

    Attributes:
        lengths: of all sequences.
    """

    batches: Sequence[PackedBatch]
    lengths: Sequence[int]


def make_trial(tokenizer: Tokenizer, max_length: int, *, named: bool) -> Trial:
    """Sequences of one token up to the most that a model reads.

    Args:
        named: name a token of each, for networks that answer for such.
    """
    most = min(max_length, LONGEST)
    single, pair = tokenizer.template.single, tokenizer.template.pair
    stream = [id for tokens in tokenizer.tokenize(list(SENTENCES)) for id in tokens.ids] or [0]
    lengths = sorted({*(length for length in AROUND if length < most), most - 1, most} - {0})
    rows = [_single(single, _words(stream, number * 7, length), length) for number, length in enumerate(lengths)]
    least = pair.special_tokens + 2
    paired = sorted({min(length, most) for length in PAIRS if min(length, most) >= least})
    rows += [_pair(pair, _words(stream, number * 11, length), length) for number, length in enumerate(paired)]
    sizes = [len(ids) for ids, _ in rows]
    batches = []
    for group in group_by_tokens(sizes, BATCH_TOKENS, lambda length, longest: longest):
        ids, segments = zip(*(rows[one] for one in group), strict=True)
        batches.append(PackedBatch.of(ids, segments, [[len(one) // 2] for one in ids] if named else None))
    return Trial(batches, sizes)


def _words(stream: Sequence[int], start: int, count: int) -> list[int]:
    return [stream[(start + place) % len(stream)] for place in range(count)]


def _single(frame: Frame, words: Sequence[int], length: int) -> tuple[list[int], list[int]]:
    room = max(0, length - frame.special_tokens)
    ids = [*frame.prefix.ids, *words[:room], *frame.suffix.ids]
    segments = [*frame.prefix.segments, *[frame.first_segment] * room, *frame.suffix.segments]
    return ids[:length] or list(words[:length]), segments[:length] or [0] * length


def _pair(frame: Frame, words: Sequence[int], length: int) -> tuple[list[int], list[int]]:
    room = length - frame.special_tokens
    first, second = words[: room // 2], words[room // 2 : room]
    ids = [*frame.prefix.ids, *first, *frame.infix.ids, *second, *frame.suffix.ids]
    around = frame.prefix.segments, frame.infix.segments, frame.suffix.segments
    texts = [frame.first_segment] * len(first), [frame.second_segment] * len(second)
    return ids, [*around[0], *texts[0], *around[1], *texts[1], *around[2]]
