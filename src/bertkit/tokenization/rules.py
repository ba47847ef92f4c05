"""By whose rules the pieces of a folder are used: the tokenizer classes of transformers.

A class is told its pieces and its settings, and makes the rest: how text is cleaned and split, and which special tokens
stand around it. So does transformers 5 with a `tokenizer.json`: where the class has rules of its own, it takes the
pieces and the added tokens from the file and nothing else, so that `tokenizer_config.json` decides where both speak.
Where no class with rules of its own is named, the file says all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import tokenizers
from tokenizers import AddedToken

from bertkit.errors import ConfigError
from bertkit.tokenization import byte_level, unigram, wordpiece
from bertkit.tokenization.casing import Casing
from bertkit.tokenization.files import read_object
from bertkit.tokenization.settings import CONFIG, Settings

# Classes of transformers that say nothing about whose tokenizer it is.
GENERIC: Final = frozenset({"PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend"})
# Families whose folders transformers reads as the file says, whatever class they name.
FILE_ALONE: Final = frozenset({"modernbert", "xlm-roberta-xl"})
# Classes that read a vocabulary of one of our kinds by rules that are not here.
OTHERS: Final = frozenset(
    "BertJapaneseTokenizer BertweetTokenizer PhobertTokenizer RoCBertTokenizer RoFormerTokenizer FunnelTokenizer "
    "HerbertTokenizer GPT2Tokenizer CLIPTokenizer CTRLTokenizer FlaubertTokenizer XLMTokenizer ProphetNetTokenizer "
    "CharacterBertTokenizer EsmTokenizer CodeGenTokenizer".split()
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a tokenizer class makes of pieces.

    Attributes:
        fits: whether pieces are of the kind that the class reads; a file with others says all of it, whatever is named.
        special: the class's special tokens, as the settings name them.
        dress: sets everything but the pieces and the added tokens, and says whether it is cased.
        segments: whether the model is told of a pair's segments where the settings do not say.
    """

    fits: Callable[[tokenizers.Tokenizer], bool]
    special: Callable[[Settings], Mapping[str, AddedToken]]
    dress: Callable[[tokenizers.Tokenizer, Path, Settings], Casing]
    segments: bool = True


def _wordpiece(*, mpnet: bool = False, segments: bool = True) -> Rules:
    special, dress = partial(wordpiece.special_tokens, mpnet=mpnet), partial(wordpiece.dress, mpnet=mpnet)
    return Rules(wordpiece.fits, special, dress, segments)


def _unigram(layout: unigram.PieceNumbering) -> Rules:
    return Rules(unigram.fits, partial(unigram.special_tokens, layout), partial(unigram.dress, layout))


_BERT, _ROBERTA = _wordpiece(), Rules(byte_level.fits, byte_level.special_tokens, byte_level.dress)
# By `tokenizer_class`, or by the model type of `config.json`.
RULES: Final[Mapping[str, Rules]] = {
    **dict.fromkeys("BertTokenizer ElectraTokenizer MobileBertTokenizer SqueezeBertTokenizer".split(), _BERT),
    **dict.fromkeys("LayoutLMTokenizer BertTokenizerLegacy".split(), _BERT),
    **dict.fromkeys("bert distilbert electra nomic_bert mobilebert squeezebert layoutlm".split(), _BERT),
    "DistilBertTokenizer": _wordpiece(segments=False),
    **dict.fromkeys(wordpiece.MPNET, _wordpiece(mpnet=True)),
    **dict.fromkeys("RobertaTokenizer BartTokenizer LongformerTokenizer roberta".split(), _ROBERTA),
    **{name: _unigram(layout) for name, layout in unigram.LAYOUTS.items()},
}


def named_class(folder: Path, settings: Settings) -> str | None:
    """The tokenizer class that a folder names, without `Fast`; generic ones too. None where it names none."""
    written = settings.kept.get("tokenizer_class") or read_object(folder / "config.json").get("tokenizer_class")
    if not isinstance(written, str):
        return None
    return written if written in GENERIC else written.removesuffix("Fast")


def model_type(folder: Path) -> str | None:
    """The model type of `config.json`; Google's ALBERT folders have a file of their own that says whose they are."""
    named = read_object(folder / "config.json").get("model_type")
    if isinstance(named, str):
        return named
    return "albert" if (folder / "albert_config.json").exists() else None


def rules_beside_a_file(folder: Path, settings: Settings) -> Rules | None:
    """The rules for the pieces of a `tokenizer.json`; None where the file says all of it."""
    kind = model_type(folder)
    if kind in FILE_ALONE:
        return None
    named = named_class(folder, settings)
    return RULES.get((named or kind) or "")


def whose_pieces(folder: Path, settings: Settings) -> str | None:
    """Whose rules there are for pieces without rules: the class, else the model type; None where neither is named.

    Raises:
        ConfigError: a class that splits text in another way.
    """
    named = named_class(folder, settings)
    if named in OTHERS:
        raise ConfigError(
            f"{folder / CONFIG}: tokenizer_class: {named} is not supported",
            "Give the folder a tokenizer.json, which says all of it: transformers or the model's authors may have one.",
        )
    return model_type(folder) if named is None or named in GENERIC else named
