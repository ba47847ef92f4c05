"""The pictures of docs/bert.md, made of what bertkit computes: python docs/bert/pictures.py"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

import bertkit
from bertkit.batching.counter_random import mixed
from bertkit.batching.token_batch import TokenBatch
from bertkit.config.training import Masking
from bertkit.model.attention_maps import attention_maps
from bertkit.reports.charts import COLOURS, STYLE
from bertkit.sampling.masking import MaskRules, choose_masks
from bertkit.tokenization.tokenizer import Tokenizer

HERE = Path(__file__).parent
FIRST, SECOND = "My dog is cute.", "He likes playing."
EDGE, CELL, LINE = 12, 58, 26
# Each with its head, its step, and what it looks at.
HEADS = ((3, 2, "the token before"), (3, 1, "the token after"), (2, 1, "the ends of the texts"))


def svg(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    """A whole file, light and dark."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width:g} {height:g}" role="img">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            f'<rect class="back" width="{width:g}" height="{height:g}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, colour: int, opacity: float = 1.0) -> str:
    shape = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {shape} rx="3" fill="{COLOURS[colour]}" fill-opacity="{opacity:.2f}"/>'


def pair(tokenizer: Tokenizer, first: str, second: str) -> tuple[list[int], list[int]]:
    """Ids and segments of two texts as the model reads them."""
    one, two = (list(found.ids) for found in tokenizer.tokenize([first, second]))
    cls, sep = tokenizer.id("[CLS]"), tokenizer.id("[SEP]")
    assert cls is not None
    assert sep is not None
    ids = [cls, *one, sep, *two, sep]
    return ids, [0] * (len(one) + 2) + [1] * (len(two) + 1)


def sums() -> str:
    """The three vectors that each piece begins as the sum of (Devlin et al. 2018, figure 2)."""
    tokenizer = Tokenizer.load(HERE)
    ids, segments = pair(tokenizer, "my dog is cute", "he likes playing")
    left = 92
    parts = [
        text(left - 10, 40 + LINE * row, name, "end") for row, name in enumerate(("token", "+ segment", "+ position"))
    ]
    for place, (token, segment) in enumerate(zip(ids, segments, strict=True)):
        x = left + place * CELL
        for row, name in enumerate((tokenizer.token(token), "AB"[segment], str(place))):
            colour = (0, 1 + segment, 4)[row]
            parts += [box(x, 23 + LINE * row, CELL - 4, LINE - 4, colour, 0.25)]
            parts += [text(x + CELL / 2 - 2, 39 + LINE * row, name)]
    width = left + len(ids) * CELL + EDGE
    return svg("Each piece begins as the sum of three vectors", width, 108, parts)


def packing() -> str:
    """Four texts of other lengths, filled up to the longest, and end to end."""
    lengths = (14, 5, 9, 3)
    side, left = 22, 92
    parts = [text(left - 10, 40, "padded", "end"), text(left - 10, 160, "packed", "end")]
    for row, length in enumerate(lengths):
        for place in range(max(lengths)):
            filled = place < length
            cell = box(
                left + place * side, 24 + row * side, side - 3, side - 3, row if filled else 7, 0.7 if filled else 0.15
            )
            parts.append(cell)
    begins = 0
    for row, length in enumerate(lengths):
        parts += [box(left + (begins + place) * side, 145, side - 3, side - 3, row, 0.7) for place in range(length)]
        begins += length
    padded = len(lengths) * max(lengths)
    parts.append(text(left, 136, f"{padded} places for {begins} tokens; below, {begins}", "start"))
    return svg("Four texts: padded, and packed", left + begins * side + EDGE, 182, parts)


def attention() -> str:
    """What three heads of the built-in model look at."""
    model = bertkit.load(task="fill-mask", dtype="float32")
    tokenizer = model.tokenizer
    ids, segments = pair(tokenizer, FIRST, SECOND)
    maps = attention_maps(model.encoder, TokenBatch.pack([ids], [segments]), 0)
    names = [tokenizer.token(one) for one in ids]
    side, top, left = 15, 96, 64
    each = left + len(ids) * side + 26
    parts = []
    for number, (head, step, words) in enumerate(HEADS):
        x = number * each + left
        parts.append(text(x + len(ids) * side / 2, 20, f"step {step + 1}, head {head + 1}: {words}"))
        for place, name in enumerate(names):
            middle = place * side + side / 2 + 4
            parts.append(text(x - 5, top + middle, name, "end"))
            turned = f'transform="translate({x + middle:g} {top - 5}) rotate(-60)"'
            parts.append(f"<text {turned}>{escape(name)}</text>")
        weights = maps[step][head].numpy()
        parts += [
            box(x + key * side, top + query * side, side - 1, side - 1, 0, float(weights[query, key]))
            for query, key in np.ndindex(weights.shape)
            if weights[query, key] >= 0.03
        ]
    return svg("What three heads look at", len(HEADS) * each, top + len(ids) * side + EDGE, parts)


def masking() -> str:
    """What becomes of the tokens of a text that are chosen, counted over many draws."""
    tokenizer = bertkit.load(task="fill-mask").tokenizer
    (cls, *pieces, sep), _ = pair(tokenizer, FIRST, SECOND)
    ids, count = [cls, *pieces * 10, sep], 2_000
    rules = MaskRules.of(tokenizer, Masking())
    masks = choose_masks(np.tile(ids, count), np.arange(count) * len(ids), mixed(0, np.arange(count)), rules)
    chosen, before = masks.inputs_T[masks.masked_M], np.tile(ids, count)[masks.masked_M]
    ordinary = count * sum(not rules.words.special_V[one] for one in ids)
    became = [float(np.mean(chosen == rules.mask_id)), float(np.mean((chosen != rules.mask_id) & (chosen != before)))]
    became.append(1.0 - sum(became))
    left, wide = 150, 420
    parts = [
        text(
            EDGE,
            20,
            f"{len(chosen) / ordinary:.0%} of the pieces of a text are to be predicted",
            "start",
        )
    ]
    for row, (share, name) in enumerate(zip(became, ("[MASK]", "another piece", "the piece itself"), strict=True)):
        y = 32 + row * LINE
        parts += [text(left - 8, y + 15, name, "end"), box(left, y, wide * share, LINE - 6, row, 0.8)]
        parts.append(text(left + wide * share + 6, y + 15, f"{share:.0%}", "start"))
    return svg("What a chosen piece becomes", left + wide + 60, 32 + 3 * LINE + EDGE, parts)


PICTURES = {"sums": sums, "packing": packing, "attention": attention, "masking": masking}

if __name__ == "__main__":
    for name, make in PICTURES.items():
        (HERE / f"{name}.svg").write_text(make(), encoding="utf-8")
