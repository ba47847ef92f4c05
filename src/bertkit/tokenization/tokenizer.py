"""A trained tokenizer: text to ids with offsets, and back."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import tokenizers
from tokenizers import decoders, normalizers, pre_tokenizers

from bertkit.errors import ConfigError, InputError, ModelNotFound
from bertkit.tokenization import saving, trimming
from bertkit.tokenization.casing import Casing, casing_of_backend
from bertkit.tokenization.digest import vocab_sha256
from bertkit.tokenization.files import COPY_AGAIN
from bertkit.tokenization.opening import Opened, open_backend, open_file
from bertkit.tokenization.settings import NAMED, Settings, read_settings
from bertkit.tokenization.specials import Specials, add_missing, find_specials
from bertkit.tokenization.template import Template, probe
from bertkit.tokenization.tokens import Tokens

logger = logging.getLogger(__name__)


class Tokenizer:
    """Text to tokens, with what a model of its family wants around them.

    Args:
        backend: a finished tokenizer of the `tokenizers` library. It is changed: truncation and padding go, added
            tokens of the settings come.
        settings: what the files beside it say.
        casing: cased or uncased where that is known better than from the backend.

    Attributes:
        algorithm: `WordPiece`, `BPE`, `Unigram` or `WordLevel`.
        casing: cased or uncased, and how that is known.
        specials: ids of the special tokens.
        template: the special tokens around one text or a pair.
        vocab_size: rows that an embedding needs to have one for every id, added tokens included.
        unread_keys: keys of its `tokenizer_config.json` that nothing is known of.
    """

    algorithm: str
    casing: Casing
    specials: Specials
    template: Template
    vocab_size: int
    unread_keys: tuple[str, ...]

    def __init__(
        self, backend: tokenizers.Tokenizer, settings: Settings | None = None, casing: Casing | None = None
    ) -> None:
        settings = settings or Settings()
        # Many tokenizer.json files bake in a truncation to 128 tokens and a padding to 128: text is never cut here.
        backend.no_truncation()
        backend.no_padding()
        _be_the_same_each_time(backend)
        _add_tokens(backend, settings)
        self._backend = backend
        self._settings = settings
        self.algorithm = type(backend.model).__name__
        self.casing = casing or casing_of_backend(backend, "the tokenizer")
        self.specials = find_specials(backend, settings)
        self.unread_keys = settings.unread
        added = backend.get_added_tokens_decoder()
        self._framed = probe(backend, next((token.content for token in added.values() if token.special), "a"))
        template = self._framed.one_segment() if settings.segments is False else self._framed
        self.template = replace(template, truncation_side=settings.truncation_side or "right")
        self.vocab_size = _rows(backend)
        backend.encode_special_tokens = settings.split_special_tokens is True

    def __repr__(self) -> str:
        """What kind it is, and how large."""
        return f"Tokenizer({self.algorithm}, {self.vocab_size:,} tokens)"

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Reads `tokenizer.json`, else the vocabulary files of a family (see `opening.py`), with the settings beside.

        Raises:
            ModelNotFound: there is no such folder.
            BadCheckpoint: the folder has no tokenizer, or a file is not what its name says.
            ConfigError: a settings file has a value that cannot be used.
        """
        if not folder.is_dir():
            raise ModelNotFound(f"{folder}: no such folder")
        return cls._opened(folder, open_backend(folder, read_settings(folder)))

    @classmethod
    def load_file(cls, path: Path) -> Tokenizer:
        """Reads one file: a `tokenizer.json` or a `vocab.txt`, under any name, with the settings beside.

        Raises:
            BadCheckpoint: the file is not what its ending says.
            ConfigError: a settings file has a value that cannot be used.
        """
        return cls._opened(path, open_file(path, read_settings(path.parent)))

    @classmethod
    def _opened(cls, path: Path, opened: Opened) -> Tokenizer:
        try:
            tokenizer = cls(opened.backend, opened.settings, opened.casing)
        except ConfigError as error:
            raise error.at(str(path)) from None
        if tokenizer.template.single.special_tokens == 0:
            logger.warning("%s: no special tokens are put around a text: the tokenizer has no post_processor.", path)
        return tokenizer

    def lower(self) -> None:
        """Has texts put in small letters first, whatever the tokenizer does with them. Special tokens stay."""
        given = self._backend.normalizer
        parts = [given] if given is not None else []
        if isinstance(given, normalizers.Sequence):
            parts = list(cast("Iterable[normalizers.Normalizer]", given))
        if not any(isinstance(part, normalizers.Lowercase) for part in parts):
            self._backend.normalizer = normalizers.Sequence([normalizers.Lowercase(), *parts])
        self.casing = casing_of_backend(self._backend, "the tokenizer")

    def tokenize(self, texts: Sequence[str], *, offsets: bool = False) -> list[Tokens]:
        """The tokens of each text, special tokens of the template not included; an empty text has none.

        A special token written in a text (`[MASK]`, `[SEP]`) is read as that token, as by every BERT tokenizer, unless
        the folder says `split_special_tokens`.

        Args:
            texts: any number of texts; one call for many is several times faster than many calls.
            offsets: also where each token comes from, in code points of the text. Without is faster.

        Raises:
            InputError: a text is not a str, or has half a surrogate pair; the line names its place in `texts`.
        """
        if isinstance(texts, str):
            raise TypeError("tokenize() takes a list of texts, not one text")
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise InputError(f"text {place + 1} of {len(texts)} is not text but {type(text).__name__}")
        try:
            if offsets:
                encodings = self._backend.encode_batch(list(texts), add_special_tokens=False)
                return [Tokens(encoding.ids, encoding.offsets) for encoding in encodings]
            return [Tokens(it.ids) for it in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]
        except TypeError:
            # The library says neither which text nor why; the only str it cannot take is one without UTF-8 form.
            _refuse_surrogates(texts)
            raise

    def token(self, id: int) -> str:
        """The token of an id as the vocabulary writes it (`##ing`).

        Raises:
            InputError: the vocabulary has no such id.
        """
        token = self._backend.id_to_token(id) if 0 <= id < self.vocab_size else None
        if token is None:
            raise InputError(f"id {id} is not in the vocabulary of {self.vocab_size} tokens")
        return token

    def write(self, before: str, id: int) -> str:
        """`before` with a token written after it as a reader would: a piece that goes on a word without a space."""
        token = self.token(id)
        if self.algorithm == "WordPiece":
            prefix = self._backend.model.continuing_subword_prefix
            return before.rstrip() + token.removeprefix(prefix) if token.startswith(prefix) else before + token
        # Other vocabularies spell the space before a word as part of its piece.
        byte_level = isinstance(self._backend.decoder, decoders.ByteLevel)
        piece = self._backend.decode([id], skip_special_tokens=False) if byte_level else token.replace("▁", " ")
        space = " " if piece.startswith(" ") and before.strip() else ""
        return before.rstrip() + space + piece.lstrip()

    def id(self, token: str) -> int | None:
        """The id of a token as the vocabulary writes it; None when it has no such token."""
        try:
            return self._backend.token_to_id(token)
        except UnicodeEncodeError:  # half a surrogate pair: no vocabulary has it
            return None

    def decode(self, ids: Sequence[int], *, special_tokens: bool = False) -> str:
        """Readable text of the ids, without special tokens unless asked for. Not always the text they came from.

        Raises:
            InputError: the vocabulary lacks one of the ids.
        """
        for id in ids:
            self.token(id)
        return self._backend.decode(list(ids), skip_special_tokens=not special_tokens)

    def vocab_sha256(self) -> str:
        """The fingerprint of the vocabulary, added tokens included (see `digest.py`)."""
        return vocab_sha256(self._backend.id_to_token(id) or "" for id in range(self.vocab_size))

    def splits_at_spaces(self) -> bool:
        """Whether the tokens of a text are those of its runs between spaces, one after the other.

        So it is by BERT's own rules, when every added token is matched as it is written and has no white space in it.
        """
        added = self._backend.get_added_tokens_decoder().values()
        return (
            self.algorithm == "WordPiece"
            and isinstance(self._backend.normalizer, normalizers.BertNormalizer)
            and isinstance(self._backend.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
            and not any(token.normalized or token.rstrip or token.content.split() != [token.content] for token in added)
        )

    def trimmed(self, kept: Sequence[int]) -> Tokenizer:
        """The same tokenizer with some of its pieces only (see `trimming.py`).

        Args:
            kept: their ids, ascending, which become 0, 1, 2 …; among them those of `always_kept`.

        Raises:
            UserError: as `check_can_be_trimmed`.
        """
        self.check_can_be_trimmed()
        place = {old: new for new, old in enumerate(kept)}
        settings = replace(self._settings, added=tuple((place[id], token) for id, token in self._settings.added))
        return Tokenizer(trimming.trimmed_backend(self._backend, kept), settings, self.casing)

    def check_can_be_trimmed(self) -> None:
        """Sees that it can be trimmed.

        Raises:
            UserError: taking pieces away would change how other texts are cut.
        """
        trimming.check_can_be_trimmed(self._backend)

    @property
    def always_kept(self) -> frozenset[int]:
        """Ids that a trimmed tokenizer cannot do without: special and added tokens, the unknown one."""
        unknown = getattr(self._backend.model, "unk_id", None)  # of unigram, which may have no name for it
        return self.specials.all | {*self._backend.get_added_tokens_decoder(), *([] if unknown is None else [unknown])}

    def tried_pieces(self, text: str) -> set[int]:
        """Ids of pieces that decide that a word of a text is unknown."""
        return trimming.tried_pieces(self._backend, text)

    def save(self, folder: Path) -> None:
        """Writes the hub's tokenizer files into a folder; transformers reads the same tokens from them.

        Raises:
            OutputError: a file cannot be written.
        """
        saving.save(self._backend, self._settings, self.specials, self._framed, self.template, folder)


def _add_tokens(backend: tokenizers.Tokenizer, settings: Settings) -> None:
    """Adds the settings' tokens as transformers does, and sees that each got the id that its file gives it."""
    known_ids = set(backend.get_added_tokens_decoder())
    for id, token in settings.added:
        if settings.lists_added or id not in known_ids:  # the list also says how a token meets the text around it
            backend.add_tokens([token])
        if backend.token_to_id(token.content) != id:
            raise ConfigError(
                f"the added token {token.content!r} is given id {id}, "
                f"but the vocabulary has it as {backend.token_to_id(token.content)}",
                COPY_AGAIN,
            )
    named = [settings.special[name] for name in NAMED if name in settings.special]
    add_missing(backend, (*named, *settings.extra_special))
    further = [token for token in settings.extra_special if backend.token_to_id(token.content) is None]
    if further:  # those that have a role come first: without them these would get other ids
        missing = {it.content: it for it in named if backend.token_to_id(it.content) is None}
        backend.add_special_tokens([*missing.values(), *further])


def _rows(backend: tokenizers.Tokenizer) -> int:
    """Ids from 0 to the highest, added tokens included.

    A vocabulary may have numbers that are no piece's: those of repeated lines in a `vocab.txt`. To look at all of one
    takes as long as to read it, so that is done only where the numbers do not end where the count does.
    """
    model = backend.model
    count = backend.get_vocab_size(with_added_tokens=False)
    further = (model.id_to_token(id) for id in range(count, count + 1000))
    if count and (model.id_to_token(count - 1) is None or any(piece is not None for piece in further)):
        count = max(backend.get_vocab(with_added_tokens=False).values()) + 1
    return max([count, *(id + 1 for id in backend.get_added_tokens_decoder())])


def _be_the_same_each_time(backend: tokenizers.Tokenizer) -> None:
    """Some files leave on what was for training only: pieces that are dropped, or drawn, at random."""
    for option in ("dropout", "alpha", "nbest_size"):
        if getattr(backend.model, option, None) is not None:
            setattr(backend.model, option, None)


def _refuse_surrogates(texts: Sequence[str]) -> None:
    for place, text in enumerate(texts):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"text {place + 1} of {len(texts)} has half a surrogate pair, "
                f"U+{ord(text[error.start]):04X}, at character {error.start}",
                "Read the text as UTF-8 (errors='replace' where it is damaged) before it comes here.",
            ) from None
