"""WordPiece from the file that Google shipped: `vocab.txt`, one piece a line, the line number its id.

The rules are those of google-research/bert `tokenization.py` (clean text, set Chinese characters apart, lower case and
strip accents unless cased, split at punctuation, greedy longest-match WordPiece), run by the `tokenizers` library.
Where its Unicode tables differ from Python's: docs/tokenization.md. ELECTRA and DistilBERT use it as it is; MPNet puts
RoBERTa's special tokens around the same pieces.
"""

from __future__ import annotations

from pathlib import Path

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from bertkit.tokenization.casing import Casing, casing_of_vocabulary
from bertkit.tokenization.files import read_lines
from bertkit.tokenization.settings import CONFIG, Settings
from bertkit.tokenization.specials import add_missing, ids_around, role_tokens

# A longer word becomes one [UNK], as in Google's WordpieceTokenizer; it also bounds the work on a hostile word.
LONGEST_WORD = 100
CONTINUATION = "##"
BERT_TOKENS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
MPNET_TOKENS = {"pad": "<pad>", "unk": "[UNK]", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}
MPNET = ("MPNetTokenizer", "mpnet")
NEEDED = ("unk", "cls", "sep")


def read_vocabulary(path: Path) -> dict[str, int]:
    """The pieces of a `vocab.txt` with their ids. White space at the end of a line is no part of the piece.

    A piece that several lines have has the last one's number, as in transformers; the other numbers are no piece's.

    Raises:
        BadCheckpoint: a line is not UTF-8.
    """
    return {line.rstrip(): id for id, line in enumerate(read_lines(path))}


def build(path: Path, settings: Settings, named: str | None = None) -> tuple[tokenizers.Tokenizer, Casing]:
    """The tokenizer of a `vocab.txt`, and whether it is cased. Added tokens are left to the caller.

    Args:
        named: the tokenizer class or the model type that the folder names; without one, a vocabulary with `<s>` and
            without `[CLS]` is MPNet's.

    Raises:
        BadCheckpoint: the vocabulary cannot be read, or lacks [UNK], [CLS] or [SEP].
    """
    vocabulary = read_vocabulary(path)
    mpnet = named in MPNET or (named is None and "<s>" in vocabulary and "[CLS]" not in vocabulary)
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token=BERT_TOKENS["unk"]))
    # Google's own releases have no settings: their vocabularies show which they are.
    casing = casing_of_vocabulary(vocabulary, path.name) if settings.lower_case is None else None
    return backend, dress(backend, path, settings, casing, mpnet=mpnet)


def fits(backend: tokenizers.Tokenizer) -> bool:
    """Whether a finished tokenizer has WordPiece pieces."""
    return isinstance(backend.model, models.WordPiece)


def dress(
    backend: tokenizers.Tokenizer, path: Path, settings: Settings, casing: Casing | None = None, *, mpnet: bool = False
) -> Casing:
    """Makes BERT's tokenizer of WordPiece pieces, or MPNet's, and says whether it is cased.

    Args:
        path: where the pieces come from.
        casing: what is known better than from the settings; these mean uncased unless they say otherwise.

    Raises:
        BadCheckpoint: there is no piece for [UNK], [CLS] or [SEP].
    """
    special = special_tokens(settings, mpnet=mpnet)
    ids = ids_around(backend, path, special, NEEDED)
    if casing is None:
        said = "" if settings.lower_case is not None else ", which is not there and means true,"
        casing = Casing(settings.lower_case is False, f"do_lower_case{said} in {CONFIG}")
    unk, cls, sep = (special[role].content for role in NEEDED)
    backend.model.unk_token = unk
    backend.model.max_input_chars_per_word = LONGEST_WORD
    backend.model.continuing_subword_prefix = CONTINUATION
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.chinese_characters is not False,
        strip_accents=settings.strip_accents,  # None: as the letter case, which is what Google's script does
        lowercase=not casing.cased,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix=CONTINUATION)
    add_missing(backend, special.values())
    if mpnet:
        backend.post_processor = processors.RobertaProcessing((sep, ids["sep"]), (cls, ids["cls"]))
    else:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{cls}:0 $A:0 {sep}:0",
            pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
            special_tokens=[(cls, ids["cls"]), (sep, ids["sep"])],
        )
    return casing


def special_tokens(settings: Settings, *, mpnet: bool = False) -> dict[str, AddedToken]:
    """The special tokens, in the names of the settings; [PAD] and [MASK] may have no piece, the other three may not."""
    return role_tokens(MPNET_TOKENS if mpnet else BERT_TOKENS, settings, mask_takes_space=mpnet)
