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

from bertkit.errors import BadCheckpoint
from bertkit.tokenization.casing import Casing, casing_of_vocabulary
from bertkit.tokenization.files import COPY_AGAIN, read_lines
from bertkit.tokenization.settings import CONFIG, Settings
from bertkit.tokenization.specials import role_tokens

# A longer word becomes one [UNK], as in Google's WordpieceTokenizer; it also bounds the work on a hostile word.
LONGEST_WORD = 100
CONTINUATION = "##"
BERT_TOKENS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
MPNET_TOKENS = {"pad": "<pad>", "unk": "[UNK]", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}
MPNET = ("MPNetTokenizer", "mpnet")
NEEDED = ("unk", "cls", "sep")


def read_vocabulary(path: Path) -> dict[str, int]:
    """The pieces of a `vocab.txt` with their ids. White space at the end of a line is no part of the piece.

    Raises:
        BadCheckpoint: a line is not UTF-8 or repeats an earlier one (file and both lines named).
    """
    vocabulary: dict[str, int] = {}
    for id, line in enumerate(read_lines(path)):
        piece = line.rstrip()
        if piece in vocabulary:
            raise BadCheckpoint(f"{path}:{id + 1}: repeats line {vocabulary[piece] + 1}, {piece!r}", COPY_AGAIN)
        vocabulary[piece] = id
    return vocabulary


def build(path: Path, settings: Settings, named: str | None = None) -> tuple[tokenizers.Tokenizer, Casing]:
    """The tokenizer of a `vocab.txt`, and whether it is cased. Added tokens are left to the caller.

    Args:
        named: the tokenizer class or the model type that the folder names; without one, a vocabulary with `<s>` and
            without `[CLS]` is MPNet's.

    Raises:
        BadCheckpoint: the vocabulary cannot be read, repeats a piece, or lacks [UNK], [CLS] or [SEP].
    """
    vocabulary = read_vocabulary(path)
    mpnet = named in MPNET or (named is None and "<s>" in vocabulary and "[CLS]" not in vocabulary)
    special = _special_tokens(path, vocabulary, settings, mpnet)
    if settings.lower_case is None:
        casing = casing_of_vocabulary(vocabulary, path.name)
    else:
        casing = Casing(not settings.lower_case, f"do_lower_case in {CONFIG}")
    unk, cls, sep = (special[role].content for role in NEEDED)
    backend = tokenizers.Tokenizer(
        models.WordPiece(
            vocabulary, unk_token=unk, max_input_chars_per_word=LONGEST_WORD, continuing_subword_prefix=CONTINUATION
        )
    )
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.chinese_characters is not False,
        strip_accents=settings.strip_accents,  # None: as the letter case, which is what Google's script does
        lowercase=not casing.cased,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix=CONTINUATION)
    backend.add_special_tokens(list(special.values()))
    backend.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls} $A {sep} {sep} $B {sep}" if mpnet else f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(cls, vocabulary[cls]), (sep, vocabulary[sep])],
    )
    return backend, casing


def _special_tokens(path: Path, vocabulary: dict[str, int], settings: Settings, mpnet: bool) -> dict[str, AddedToken]:
    """The special tokens that the vocabulary has; [PAD] and [MASK] may be missing, the other three may not."""
    wanted = role_tokens(MPNET_TOKENS if mpnet else BERT_TOKENS, settings, mask_takes_space=mpnet)
    for role in NEEDED:
        if wanted[role].content not in vocabulary:
            raise BadCheckpoint(
                f"{path}: no line for the special token {wanted[role].content!r}",
                f"Use the vocabulary of the model, or name its token as {role}_token in {CONFIG}.",
            )
    return {role: token for role, token in wanted.items() if token.content in vocabulary}
