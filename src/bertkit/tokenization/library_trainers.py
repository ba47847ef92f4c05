"""Byte-level BPE and unigram vocabularies, trained by the `tokenizers` library.

Its trainers share work among threads and number equals by the order of a hash table, so a second run over the same
text can give another vocabulary. Where that matters, train WordPiece (`wordpiece_trainer.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

from bertkit.errors import BertkitError, UserError
from bertkit.tokenization.unigram import SPACE

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def train_byte_level(lines: Iterable[str], *, vocab_size: int, min_frequency: int = 2) -> tokenizers.Tokenizer:
    """A tokenizer as RoBERTa has it, cased, special tokens first.

    Raises:
        UserError: `vocab_size` has no room for the bytes.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    smallest = len(alphabet) + len(SPECIAL)
    if vocab_size < smallest:
        raise UserError(
            f"a vocabulary of {vocab_size} has no room for {len(SPECIAL)} special tokens and {len(alphabet)} bytes",
            f"Choose --vocab-size {smallest} or more.",
        )
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=_special_tokens(),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    backend.train_from_iterator(lines, trainer)
    backend.post_processor = processors.RobertaProcessing(
        _with_id(backend, "</s>"), _with_id(backend, "<s>"), trim_offsets=True, add_prefix_space=False
    )
    return backend


def train_unigram(lines: Iterable[str], *, vocab_size: int) -> tokenizers.Tokenizer:
    """A tokenizer as XLM-R has it, cased, NFKC, special tokens first.

    Raises:
        UserError: the text has more different characters than `vocab_size` has room for.
    """
    backend = tokenizers.Tokenizer(models.Unigram())
    backend.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    metaspace = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    backend.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size, special_tokens=_special_tokens(), unk_token="<unk>", show_progress=False
    )
    try:
        backend.train_from_iterator(lines, trainer)
    except BertkitError:  # of whoever reads the lines
        raise
    except Exception as error:  # the library raises nothing more special
        raise UserError(
            f"no unigram vocabulary of {vocab_size} pieces: {error}", "Choose a larger --vocab-size, or other text."
        ) from error
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[_with_id(backend, "<s>"), _with_id(backend, "</s>")],
    )
    return backend


def _special_tokens() -> list[AddedToken]:
    return [AddedToken(name, special=True, normalized=False, lstrip=name == "<mask>") for name in SPECIAL]


def _with_id(backend: tokenizers.Tokenizer, token: str) -> tuple[str, int]:
    id = backend.token_to_id(token)
    assert id is not None
    return token, id
