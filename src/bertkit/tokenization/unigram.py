"""Unigram tokenizers from SentencePiece's `.model` files: ALBERT's `spiece.model`, XLM-R's and CamemBERT's
`sentencepiece.bpe.model` (which is unigram, whatever its name says).

The pipeline is the one of the `tokenizer.json` files that are published beside them, and of transformers' converters
(`AlbertConverter`, `XLMRobertaConverter`, `CamembertConverter` in `convert_slow_tokenizer.py`). What differs between
the families is a `PieceNumbering`: where their ids begin, and what is done to a text first.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors

from bertkit.errors import BadCheckpoint, ConfigError
from bertkit.tokenization.casing import Casing, casing_of_backend
from bertkit.tokenization.files import COPY_AGAIN
from bertkit.tokenization.sentencepiece import Piece, PieceType, SentencePieceModel, read_model
from bertkit.tokenization.settings import CONFIG, Settings
from bertkit.tokenization.specials import add_missing, ids_around, role_tokens

SPACE = "\u2581"
# Far below any log probability: the piece stays in its place and is never chosen.
NEVER = -100.0


@dataclass(frozen=True, slots=True)
class PieceNumbering:
    """How a family numbers the pieces of its `.model`, and prepares text for them.

    Attributes:
        before: pieces with the first ids; `{cls}` and the like stand for the special token of that role.
        skipped: pieces at the start of the `.model` that have no id of their own.
        mask_last: the mask token has the last id.
        special: the usual names of the special tokens.
        single, pair: the special tokens around texts, as `TemplateProcessing` writes them.
        quotes: ALBERT's preparation: `` and '' become ", then accents and letter case as the settings say.
        frame_of_file: what a finished tokenizer puts around texts stays, as transformers has it for this class.
    """

    before: tuple[str, ...]
    skipped: int
    mask_last: bool
    special: Mapping[str, str]
    single: str
    pair: str
    quotes: bool
    frame_of_file: bool = False

    @property
    def around(self) -> tuple[str, str]:
        """The roles of the tokens around texts."""
        return ("bos", "eos") if "{bos}" in self.single else ("cls", "sep")


# What stands around a text is called its beginning and end by these families; `cls` and `sep` are the same two tokens.
_FAIRSEQ: Final = {
    "bos": "<s>",
    "eos": "</s>",
    "pad": "<pad>",
    "unk": "<unk>",
    "cls": "<s>",
    "sep": "</s>",
    "mask": "<mask>",
}
_SINGLE, _PAIR = "{bos} $A {eos}", "{bos} $A {eos} {eos} $B {eos}"
ALBERT: Final = PieceNumbering(
    before=(),
    skipped=0,
    mask_last=False,
    special={"pad": "<pad>", "unk": "<unk>", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"},
    single="{cls}:0 $A:0 {sep}:0",
    pair="{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
    quotes=True,
    frame_of_file=True,
)
XLM_R: Final = PieceNumbering(("{bos}", "{pad}", "{eos}", "{unk}"), 3, True, _FAIRSEQ, _SINGLE, _PAIR, quotes=False)
CAMEMBERT: Final = PieceNumbering(
    before=("<s>NOTUSED", "{pad}", "</s>NOTUSED", "{unk}", "<unk>NOTUSED"),
    skipped=1,
    mask_last=True,
    special=_FAIRSEQ,
    single=_SINGLE,
    pair=_PAIR,
    quotes=False,
)
# By `tokenizer_class`, or by the model type of `config.json`.
LAYOUTS: Final[Mapping[str, PieceNumbering]] = {
    "AlbertTokenizer": ALBERT,
    "albert": ALBERT,
    "XLMRobertaTokenizer": XLM_R,
    "xlm-roberta": XLM_R,
    "xlm-roberta-xl": XLM_R,
    "CamembertTokenizer": CAMEMBERT,
    "camembert": CAMEMBERT,
}


def build(path: Path, settings: Settings, named: str | None) -> tuple[tokenizers.Tokenizer, Casing]:
    """The tokenizer of a `.model` file, and whether it is cased. Added tokens are left to the caller.

    Args:
        named: the tokenizer class or the model type that the folder names, None where it names none.

    Raises:
        BadCheckpoint: the file is not a unigram model, or has not the pieces that its family needs.
        ConfigError: whose numbering of pieces applies is not known.
    """
    model = read_model(path)
    layout = _layout(path, model, named)
    special = special_tokens(layout, settings)
    names = {role: token.content for role, token in special.items()}
    vocabulary = _vocabulary(path, model, layout, names)
    ids = {piece: id for id, (piece, _) in enumerate(vocabulary)}
    if len(ids) != len(vocabulary):
        raise BadCheckpoint(f"{path}: a piece is there twice", COPY_AGAIN)
    missing = [name for name in names.values() if name not in ids]
    if missing:
        raise BadCheckpoint(f"{path}: no piece for the special token {missing[0]!r}", "Use the model's own file.")
    unk = ids[names["unk"]]
    backend = tokenizers.Tokenizer(models.Unigram(vocabulary, unk_id=unk, byte_fallback=model.byte_fallback))
    _set_pipeline(backend, _charsmap(path, model), layout, settings, Spaces.of(model))
    if model.byte_fallback:
        backend.decoder = decoders.Sequence([decoders.ByteFallback(), backend.decoder])
    control = (piece.text for piece in model.pieces[layout.skipped :] if piece.type == PieceType.CONTROL)
    further = [AddedToken(text, special=True, normalized=False) for text in control if text not in names.values()]
    # Symbols that the model's maker defined stay pieces, as they are for SentencePiece itself.
    add_missing(backend, [*special.values(), *further])
    _set_frame(backend, path, layout, special)
    return backend, casing_of_backend(backend, path.name)


def fits(backend: tokenizers.Tokenizer) -> bool:
    """Whether a finished tokenizer has unigram pieces."""
    return isinstance(backend.model, models.Unigram)


def dress(layout: PieceNumbering, backend: tokenizers.Tokenizer, path: Path, settings: Settings) -> Casing:
    """Makes a family's tokenizer of unigram pieces; of the file's own rules only its map of characters is used.

    Raises:
        BadCheckpoint: there is no piece for one of the special tokens around a text.
    """
    special = special_tokens(layout, settings)
    _set_pipeline(backend, _charsmap_of(backend), layout, settings)
    add_missing(backend, special.values())
    if backend.post_processor is None or not layout.frame_of_file:
        _set_frame(backend, path, layout, special)
    return casing_of_backend(backend, path.name)


def special_tokens(layout: PieceNumbering, settings: Settings) -> dict[str, AddedToken]:
    """The special tokens, in the names of the settings."""
    return role_tokens(layout.special, settings, mask_takes_space=True)


def _set_frame(
    backend: tokenizers.Tokenizer, path: Path, layout: PieceNumbering, special: Mapping[str, AddedToken]
) -> None:
    names = {role: token.content for role, token in special.items()}
    ids = ids_around(backend, path, special, layout.around)
    backend.post_processor = processors.TemplateProcessing(
        single=layout.single.format(**names),
        pair=layout.pair.format(**names),
        special_tokens=[(names[role], id) for role, id in ids.items()],
    )


def _layout(path: Path, model: SentencePieceModel, named: str | None) -> PieceNumbering:
    """By the name that the folder gives; without one, only ALBERT's pieces tell whose they are."""
    if named is None and {"[CLS]", "[SEP]", "[MASK]"} <= {piece.text for piece in model.pieces}:
        return ALBERT
    if named is None or named not in LAYOUTS:
        classes = ", ".join(name for name in LAYOUTS if name.endswith("Tokenizer"))
        says = "nothing names" if named is None else f"{named!r} does not say"
        raise ConfigError(
            f"{path}: {says} the family whose pieces these are, and families number them differently",
            f"Name it as tokenizer_class in {CONFIG} ({classes}), or use a folder that has a tokenizer.json.",
        )
    return LAYOUTS[named]


def _vocabulary(
    path: Path, model: SentencePieceModel, layout: PieceNumbering, names: Mapping[str, str]
) -> list[tuple[str, float]]:
    """Pieces with their scores, in the order of the family's ids."""
    for id, piece in enumerate(model.pieces[: layout.skipped]):
        if piece.type not in (PieceType.UNKNOWN, PieceType.CONTROL):
            raise BadCheckpoint(f"{path}: piece {id} is {piece.text!r}, where a special token belongs", COPY_AGAIN)
    before = [piece.format(**names) for piece in layout.before]
    score = {"<unk>NOTUSED": NEVER}
    vocabulary = [(piece, score.get(piece, 0.0)) for piece in before]
    vocabulary += [(piece.text, _score(piece, layout)) for piece in model.pieces[layout.skipped :]]
    return [*vocabulary, (names["mask"], 0.0)] if layout.mask_last else vocabulary


def _score(piece: Piece, layout: PieceNumbering) -> float:
    """ALBERT splits `9,` into number and comma after the fact: the pieces that hold both are never chosen."""
    number_and_comma = len(piece.text) > 1 and piece.text[-1] == "," and piece.text[-2].isdigit()
    return piece.score + NEVER if layout.quotes and number_and_comma else piece.score


@dataclass(frozen=True, slots=True)
class Spaces:
    """What a `.model` does with white space: one goes before a text, and what is too much is taken out."""

    put_before: bool = True
    taken_out: bool = True

    @classmethod
    def of(cls, model: SentencePieceModel) -> Spaces:
        """As the `.model` has it."""
        return cls(model.add_dummy_prefix, model.remove_extra_whitespaces)


def _charsmap(path: Path, model: SentencePieceModel) -> normalizers.Normalizer | None:
    try:
        return normalizers.Precompiled(model.charsmap) if model.charsmap else None
    except Exception as error:  # the library raises nothing more special
        raise BadCheckpoint(f"{path}: its character map is damaged ({error})", COPY_AGAIN) from error


def _charsmap_of(backend: tokenizers.Tokenizer) -> normalizers.Normalizer | None:
    """The map of characters in the normalizer of a finished tokenizer, alone or in a sequence."""
    if backend.normalizer is None:
        return None
    state = json.loads(backend.normalizer.__getstate__())
    steps = state["normalizers"] if state["type"] == "Sequence" else [state]
    found = next((step["precompiled_charsmap"] for step in steps if step["type"] == "Precompiled"), None)
    return normalizers.Precompiled(base64.b64decode(found)) if found else None


def _set_pipeline(
    backend: tokenizers.Tokenizer,
    charsmap: normalizers.Normalizer | None,
    layout: PieceNumbering,
    settings: Settings,
    spaces: Spaces = Spaces(),
) -> None:
    steps: list[normalizers.Normalizer] = []
    if layout.quotes:
        steps += [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
        if not settings.keep_accents:
            steps += [normalizers.NFKD(), normalizers.StripAccents()]
        if settings.lower_case is not False:
            steps.append(normalizers.Lowercase())
    if charsmap is not None:
        steps.append(charsmap)
    prefix = "always" if spaces.put_before and settings.add_prefix_space is not False else "never"
    metaspace = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme=prefix)
    if spaces.taken_out and spaces.put_before:
        backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    else:
        if spaces.taken_out:
            steps += [normalizers.Replace(Regex("^ +| +$"), ""), normalizers.Replace(Regex(" {2,}"), " ")]
        backend.pre_tokenizer = metaspace
    backend.normalizer = normalizers.Sequence(steps) if steps else None
    backend.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme=prefix)
