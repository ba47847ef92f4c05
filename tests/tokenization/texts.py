"""Text for the tokenizer tests: hostile by hand, hostile at random, and real."""

# Look-alike characters are what this file is for.
# ruff: noqa: RUF001

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

HOSTILE = [
    "",
    " ",
    "\n\t\r\v\f",
    "\x00",
    "a\x00b\x01c\x7fd\x80e\x9ff",
    "\ufffd a\ufffdb",
    "\ufeffbyte order mark",
    "soft\u00adhyphen zero\u200bwidth\u200cjoin\u200der \u2060word\u2060joiner",
    "no\u00a0break thin\u2009space ideographic\u3000space line\u2028paragraph\u2029next\u0085line",
    "Élan naïve ÅNGSTRÖM café cafe\u0301 Å A\u030a ạ̈́̃ e\u0301\u0302\u0303\u0304",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "İstanbul ıstanbul ISTANBUL ß ẞ ŉ ǰ ΐ ﬁ ﬂ Ǆ ǅ ὈΔΥΣΣΕΎΣ ΣΑΣ",
    "中文字符和English混合 日本語のテキスト 한국어 텍스트 한국어 𠀀𠀁𫠠𫤟𬺰 豈 㐀",
    "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪 ☺️ ☺ 😀😀😀x 1️⃣",
    "שלום עולם مرحبا بالعالم \u202eright to left\u202c \u200fmark\u200e",
    "हिन्दी में पाठ ไทยไม่มีช่องว่าง বাংলা தமிழ் ქართული ᙭ ᜴",
    "\ue000private\uf8ff use\U000f0000 \U0010ffff \ufdd0 \uffff \u0378",
    "a" * 99 + " " + "b" * 100 + " " + "c" * 101 + " " + "d" * 5000,
    "é" * 101 + " " + "e\u0301" * 60,
    "[SEP] [MASK] [CLS] [PAD] [UNK] [sep] [mask]",
    "x[SEP]y[MASK]z [MASK].[MASK] [[MASK]] [MA\u0301SK] [M ASK] ##ing ## ##",
    "don't 'tis \"quoted\" ‘single’ “double” – — … ¿qué? !!! $1,234.56 50% a_b ^~`|<>+=",
    "http://example.org/a?b=c&d=%20#e user@example.org C:\\path\\to ../../etc/passwd",
    "''''''''''''''''''" * 20,
    "unaffable transformers tokenization antidisestablishmentarianism",
    "𝐁𝐨𝐥𝐝 𝓈𝒸𝓇𝒾𝓅𝓉 ⓒⓘⓡⓒⓛⓔ ＦＵＬＬＷＩＤＴＨ ｆｕｌｌ Ⅷ ½ ² ª",
]


def mixtures(count: int, seed: int = 0) -> list[str]:
    """Hostile text made of pieces of the lines above and of any code points at all, lone surrogates excepted."""
    rng = random.Random(seed)
    pieces = [piece for line in HOSTILE for piece in (line, *line.split(" ")) if len(piece) < 200]
    pieces += [chr(code) for code in range(0x3000)]

    def any_character() -> str:
        code = rng.randrange(0x110000 - 0x800)
        return chr(code + 0x800 if code >= 0xD800 else code)

    return [
        "".join(rng.choice((rng.choice(pieces), any_character(), " ")) for _ in range(rng.randrange(1, 25)))
        for _ in range(count)
    ]


def real_lines(folder: Path, count: int, *, width: int = 200) -> list[str]:
    """Real lines, at most `width` characters of each: half encyclopedia, a third films, the rest noisy user text."""
    sources = [(_tweets(folder), count // 6), (_films(folder), count // 3), (_encyclopedia(folder), count)]
    lines: list[str] = []
    for source, share in sources:
        target = min(len(lines) + share, count)
        lines += [line[:width] for line, _ in zip(source, range(target - len(lines)), strict=False)]
    return lines


def _encyclopedia(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "wikipedia").glob("*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file if line.strip() and not line.startswith(("<doc", "</doc")))


def _films(folder: Path) -> Iterator[str]:
    with (folder / "glue/SST-2/train.tsv").open(encoding="utf-8") as file:
        next(file)
        yield from (line.split("\t")[0] for line in file)


def _tweets(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "ner/wnut17").iterdir()):
        for block in path.read_text(encoding="utf-8").replace("\r", "").split("\n\n"):
            yield " ".join(line.split("\t")[0] for line in block.split("\n"))


def make_vocabulary(lines: list[str], *, cased: bool, words: int = 4000) -> list[str]:
    """A WordPiece vocabulary by counting: every ASCII letter, frequent characters, words and endings."""
    if not cased:
        lines = [line.lower() for line in lines]
    counted = Counter(word for line in lines for word in line.split())
    characters = Counter(character for word in counted for character in word)
    endings = Counter(word[-size:] for word in counted for size in (2, 3, 4) if len(word) > size)
    alphabet = [chr(code) for code in range(33, 127) if cased or not chr(code).isupper()]
    pieces = [*alphabet, *(c for c, _ in characters.most_common(1500))]
    pieces += [f"##{piece}" for piece in pieces]
    pieces += [word for word, _ in counted.most_common(words)] + [f"##{end}" for end, _ in endings.most_common(words)]
    readable = (piece for piece in pieces if piece and piece == piece.strip() and "\n" not in piece)
    return [*SPECIAL, *(piece for piece in dict.fromkeys(readable) if piece not in SPECIAL)]
