"""What each key of the tokenizer's settings files is worth: it is honoured, it changes nothing, or it is refused.

The keys are those that transformers 5 reads or has written, for the tokenizer classes of every family; a test walks
them. A key in none of the tables is foreign, and transformers passes it over too; `bertkit info` lists it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bertkit.errors import ConfigError

# The key, and what it changes.
HONOURED: Final[Mapping[str, str]] = {
    "tokenizer_class": "by whose rules the pieces are used, whatever else a tokenizer.json says",
    "do_lower_case": "letter case, of BERT's, MPNet's and ALBERT's classes",
    "strip_accents": "accents, of BERT's and MPNet's classes",
    "tokenize_chinese_chars": "whether each Chinese character is a word, of BERT's and MPNet's classes",
    "keep_accents": "accents, of ALBERT's class",
    "add_prefix_space": "whether a text begins as a word after a space does, of RoBERTa's kind and SentencePiece's",
    "trim_offsets": "whether a token's place in the text has the space before it, of RoBERTa's class",
    "model_input_names": "without token_type_ids a pair is all in the first segment",
    "truncation_side": "the end at which a text is cut, where it may be cut",
    "split_special_tokens": "whether a special token that is typed in a text is that token",
    "bos_token": "a special token's name; XLM-R and CamemBERT put it before a text",
    "eos_token": "a special token's name; XLM-R and CamemBERT put it after a text",
    "cls_token": "a special token's name",
    "sep_token": "a special token's name",
    "unk_token": "a special token's name",
    "pad_token": "a special token's name",
    "mask_token": "a special token's name",
    "extra_special_tokens": "further special tokens",
    "additional_special_tokens": "further special tokens, as it was called",
    "model_specific_special_tokens": "further special tokens, by names of their own",
    "added_tokens_decoder": "tokens beside the vocabulary's own",
    "model_max_length": "the most tokens of a sentence embedding; of other tasks the encoder's own length counts",
}

_PATHS = "a place on the computer that wrote it; the folder's own files are read"
_HUB = "how it was fetched from the hub"
_PADDING = "nothing is padded here"
_NO_TEMPLATE = "of chats and generation, which an encoder has not"
_DECODING = "how ids are written as text, not how text is read"
_SLOW = "of tokenizers in Python, which transformers opens no folder with by default since version 4"

# The key, and why it changes nothing.
HARMLESS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("name_or_path", "special_tokens_map_file", "tokenizer_file", "vocab_file", "merges_file"), _PATHS),
    **dict.fromkeys(("spm_file", "added_tokens_file", "files_loaded", "is_local", "local_files_only"), _PATHS),
    **dict.fromkeys(("cache_dir", "revision", "subfolder", "proxies", "token", "use_auth_token", "_commit_hash"), _HUB),
    **dict.fromkeys(("code_revision", "_from_auto", "_from_pipeline", "trust_remote_code", "force_download"), _HUB),
    "auto_map": "code of the folder is never run; the class that tokenizer_class names counts",
    **dict.fromkeys(("padding_side", "pad_to_multiple_of", "pad_token_type_id", "tokenizer_padding"), _PADDING),
    **dict.fromkeys(("max_length", "stride", "truncation_strategy", "truncation", "padding"), "given with each call"),
    "max_len": "an older name of model_max_length, which transformers reads only where nothing is cut",
    "tokenizer_truncation": "given with each call",
    **dict.fromkeys(("chat_template", "response_template", "response_schema", "chat_control_tokens"), _NO_TEMPLATE),
    "processor_class": "of models that also read images or sound",
    "clean_up_tokenization_spaces": _DECODING,
    "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output": _DECODING,
    "errors": _DECODING,
    **dict.fromkeys(("do_basic_tokenize", "never_split", "sp_model_kwargs", "remove_space"), _SLOW),
    **dict.fromkeys(
        ("use_fast", "from_slow", "legacy", "backend", "tokenizer_type"), "which of its own programs reads"
    ),
    **dict.fromkeys(("add_bos_token", "add_eos_token"), "transformers passes it over for the classes of encoders"),
    "verbose": "what is logged",
    **dict.fromkeys(("fix_mistral_regex", "mistral_format"), "of Mistral's tokenizers"),
    **dict.fromkeys(("config", "gguf_file", "tokenizer", "unk_id"), "never written to a file"),
}

# The key, the values that change nothing, and what to do about others.
_IN_FILES = "Save the tokenizer with transformers' save_pretrained, which writes its pieces to files of their own."
REFUSED: Final[Mapping[str, str]] = {
    "fast_tokenizer_files": "Copy the newest of these files over tokenizer.json and remove the key.",
    "init_inputs": "Remove the key: it replaces the vocabulary.",
    **dict.fromkeys(("vocab", "merges", "post_processor", "tokenizer_object"), _IN_FILES),
    **dict.fromkeys(("_spm_precompiled_charsmap", "_json_truncation", "_json_padding"), _IN_FILES),
}
# Read by the one class that splits words in Python.
LEGACY_CLASS = "BertTokenizerLegacy"
_LEGACY = {"do_basic_tokenize": (None, True), "never_split": (None, [])}


def unread(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of `tokenizer_config.json` that are in no table; names of special tokens may be anything."""
    tables = (HONOURED, HARMLESS, REFUSED)
    return tuple(key for key in config if not key.endswith("_token") and not any(key in table for table in tables))


def check_refused(path: Path, config: Mapping[str, Any]) -> None:
    """Refuses what changes tokens and is not read here.

    Raises:
        ConfigError: it names file and key, and what to do.
    """
    for key, remedy in REFUSED.items():
        value = config.get(key)
        if value and value != ["tokenizer.json"]:
            raise ConfigError(f"{path}: {key}: not supported", remedy)
    if config.get("tokenizer_class") == LEGACY_CLASS:
        for key, harmless in _LEGACY.items():
            if config.get(key) not in harmless:
                raise ConfigError(
                    f"{path}: {key}: {config[key]!r} is not supported",
                    "Remove the key if the model was trained without it, or give the folder a tokenizer.json and "
                    "write PreTrainedTokenizerFast as its tokenizer_class.",
                )
