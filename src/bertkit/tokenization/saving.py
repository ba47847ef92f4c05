"""Writes a tokenizer as the hub's files, so that transformers reads the same tokens from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from bertkit.tokenization.byte_level import MERGES, VOCABULARY
from bertkit.tokenization.files import write_object, write_text
from bertkit.tokenization.settings import CONFIG, ROLES, SPECIAL_TOKENS_MAP, Settings
from bertkit.tokenization.specials import Specials
from bertkit.tokenization.template import Template
from bertkit.tokenization.wordpiece import CONTINUATION, LONGEST_WORD


def save(
    backend: tokenizers.Tokenizer,
    settings: Settings,
    specials: Specials,
    framed: Template,
    template: Template,
    folder: Path,
) -> None:
    """Writes tokenizer.json, tokenizer_config.json, special_tokens_map.json and the family's own vocabulary files.

    Those are vocab.txt for WordPiece, vocab.json and merges.txt for RoBERTa's kind of BPE, and none for unigram, whose
    `.model` holds more than a tokenizer does.

    Args:
        framed: what the backend itself puts around texts.
        template: the same as the settings have it.

    Raises:
        OutputError: a file cannot be written.
    """
    ids = {role: getattr(specials, role) for role in ROLES}
    # Who reads a name makes a special token of it: none is written for what is an ordinary piece here.
    added = backend.get_added_tokens_decoder()
    names = {f"{role}_token": added[id].content for role, id in ids.items() if id in added}
    write_text(folder / "tokenizer.json", backend.to_str(pretty=True) + "\n")
    write_object(folder / SPECIAL_TOKENS_MAP, names)
    write_object(folder / CONFIG, _config(backend, settings, framed, template, names))
    pieces = _pieces(backend)
    if pieces is not None:
        write_text(folder / "vocab.txt", "".join(piece + "\n" for piece in pieces))
    if _is_byte_level(backend):
        vocabulary = sorted(backend.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
        write_text(folder / VOCABULARY, json.dumps(dict(vocabulary), ensure_ascii=False) + "\n")
        write_text(folder / MERGES, "".join(f"{line}\n" for line in ["#version: 0.2", *_merges(backend)]))


def _config(
    backend: tokenizers.Tokenizer,
    settings: Settings,
    framed: Template,
    template: Template,
    names: dict[str, str],
) -> dict[str, Any]:
    """What transformers needs to know beside tokenizer.json; its BertTokenizer ignores the normalizer in there."""
    config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast"}
    segments = template.pair.first_segment != template.pair.second_segment
    config["model_input_names"] = ["input_ids", *(["token_type_ids"] if segments else []), "attention_mask"]
    config |= settings.kept
    if template.truncation_side != "right":
        config["truncation_side"] = template.truncation_side
    normalizer = backend.normalizer
    if isinstance(normalizer, normalizers.BertNormalizer):
        config["do_lower_case"] = normalizer.lowercase
        config["strip_accents"] = normalizer.strip_accents
        config["tokenize_chinese_chars"] = normalizer.handle_chinese_chars
    if not _is_bert(backend, framed):
        # The one class of transformers that takes tokenizer.json as it is.
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
    elif "tokenizer_class" not in settings.kept:
        config["tokenizer_class"] = "BertTokenizer"
    added = backend.get_added_tokens_decoder()
    config["added_tokens_decoder"] = {
        str(id): {
            "content": token.content,
            "lstrip": token.lstrip,
            "normalized": token.normalized,
            "rstrip": token.rstrip,
            "single_word": token.single_word,
            "special": token.special,
        }
        for id, token in sorted(added.items())
    }
    return config | names


def _is_bert(backend: tokenizers.Tokenizer, template: Template) -> bool:
    """Whether transformers' BertTokenizer, which rebuilds the tokenizer from its vocabulary, would build this one."""
    model, normalizer, frame = backend.model, backend.normalizer, template.pair
    return (
        isinstance(model, models.WordPiece)
        and model.max_input_chars_per_word == LONGEST_WORD
        and model.continuing_subword_prefix == CONTINUATION
        and isinstance(normalizer, normalizers.BertNormalizer)
        and normalizer.clean_text
        and isinstance(backend.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        and (frame.prefix.segments, frame.infix.segments, frame.suffix.segments) == ([0], [0], [1])
        and (frame.first_segment, frame.second_segment) == (0, 1)
    )


def _pieces(backend: tokenizers.Tokenizer) -> list[str] | None:
    """The pieces in the order of their ids, or None where a file of one piece a line cannot say the same."""
    if not isinstance(backend.model, models.WordPiece):
        return None
    vocabulary = backend.get_vocab(with_added_tokens=False)
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    contiguous = [vocabulary[piece] for piece in pieces] == list(range(len(pieces)))
    plain = all(piece == piece.rstrip() and "\n" not in piece for piece in pieces)
    return pieces if contiguous and plain else None


def _is_byte_level(backend: tokenizers.Tokenizer) -> bool:
    """Whether `vocab.json` and `merges.txt` say all of it, by the rules that `byte_level.py` reads them with."""
    return (
        isinstance(backend.model, models.BPE)
        and backend.normalizer is None
        and isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel)
        and isinstance(backend.post_processor, processors.RobertaProcessing)
    )


def _merges(backend: tokenizers.Tokenizer) -> list[str]:
    merges = json.loads(backend.to_str())["model"]["merges"]
    return [" ".join(pair) for pair in merges]
