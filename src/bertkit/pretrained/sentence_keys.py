"""Every key of sentence-transformers' files, and its verdict.

A key is *honoured* (the numbers change as the library changes them), *harmless* (it cannot change them here, for the
reason that stands beside it) or *refused* by name, with what to do. What the library does with a key that it does not
know is done here: some files are passed to a function that takes no other key, of others what is known is picked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bertkit.errors import ConfigError, near_match, refuse_pointer

COPY_AGAIN = "Download or copy the folder again."
CORRECT_JSON = "Correct the file (JSON has no comments), or download or copy the folder again."
ENCODER_ALONE = "Copy the folder without modules.json to use its encoder alone."
TASKS_OF_TEXTS = ("query", "document")  # what texts can be for; prompts of these names are empty where there are none
TYPES: dict[str, tuple[type, ...]] = {
    "a whole number": (int,),
    "true or false": (bool,),
    "text": (str,),
    "an object": (dict,),
    "a list": (list,),
    "text or a list": (str, list),
    "text or true": (str, bool),
}


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The verdicts on a file's keys.

    Attributes:
        honoured: each key with what it holds; a `?` at the end allows null, which says nothing.
        harmless: each key with the reason.
        refused: each key with what to do. Null, false, 0 and what is empty ask for nothing, and pass.
        strict: whether the library, too, refuses a key that it does not know.
        remedy: what to do about one.
    """

    honoured: Mapping[str, str]
    harmless: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    strict: bool = True
    remedy: str = "Correct or remove the key."

    def read(self, values: Mapping[str, object], place: str) -> dict[str, object]:
        """The values of the honoured keys, but for those that say nothing.

        Raises:
            ConfigError: a key is refused or unknown, or a value is of another type.
        """
        known = {**self.honoured, **self.harmless, **self.refused}
        for key, value in values.items():
            if self.strict and key not in known:
                raise ConfigError(f"{place}: unknown key {key!r}{near_match(key, known)}", self.remedy)
            if key in self.refused and value:
                raise ConfigError(f"{place}: {key} = {_short(value)} is not supported", self.refused[key])
        found = {}
        for key, kind in self.honoured.items():
            if key in values and not (values[key] is None and kind.endswith("?")):
                found[key] = of_type(values[key], kind.removesuffix("?"), f"{place}: {key}")
        return found


def of_type(value: object, kind: str, place: str) -> object:
    """The value, where it is of a kind that `TYPES` has.

    Raises:
        ConfigError: it is of another.
    """
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and bool not in TYPES[kind]):
        raise ConfigError(f"{place}: {kind} is expected, not {_short(value)}", COPY_AGAIN)
    if isinstance(value, int) and kind == "a whole number" and value < 1:
        raise ConfigError(f"{place}: {value} is less than 1", "Correct or remove the key.")
    return value


def read_json_object(path: Path) -> dict[str, object]:
    """The object in a JSON file; an empty one where there is no such file.

    Raises:
        ConfigError: the file is not JSON, or holds something else.
    """
    values = read_json(path) if path.is_file() else {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: an object is expected, not {_short(values)}", COPY_AGAIN)
    return values


def read_json(path: Path) -> object:
    """What a JSON file holds.

    Raises:
        ConfigError: it is not JSON, or cannot be read.
    """
    try:
        content = path.read_bytes()
        refuse_pointer(path, content)
        return json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON: {error}", CORRECT_JSON) from None


def _short(value: object) -> str:
    shown = json.dumps(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


_FOR_CODE = "how the weights are found and computed with, not what they compute"

# One of `modules.json`, a list.
MODULE = KeyTable(
    {"type": "text", "path": "text", "name": "text?"},
    {"idx": "the order of the list counts", "kwargs": "names of arguments that nobody gives here"},
    strict=False,
)
# `sentence_bert_config.json`, and its older names: the arguments of `Transformer`.
TRANSFORMER = KeyTable(
    {
        "max_seq_length": "a whole number?",
        "do_lower_case": "true or false?",
        "transformer_task": "text",
        "modality_config": "an object",
        "module_output_name": "text?",
        "processing_kwargs": "an object?",
        "query_length": "a whole number?",
        "document_length": "a whole number?",
        "model_args": "an object",
        "model_kwargs": "an object",
        "tokenizer_args": "an object",
        "processor_kwargs": "an object",
        "config_args": "an object",
        "config_kwargs": "an object",
    },
    {
        "unpad_inputs": "there is no padding here",
        "backend": "the library, too, puts another value in its place",
        "cache_dir": "where downloads are kept",
    },
    {
        "query_expansion": "Use the model with a library of late interaction: its queries are filled up with masks.",
        "tokenizer_name_or_path": "Copy the tokenizer's files into the model's folder, and remove the key.",
        "model_name_or_path": "Copy the checkpoint into the folder, and remove the key.",
    },
)
# Of its `model_kwargs`, `config_kwargs` and `processor_kwargs` (older: `…_args`), arguments of transformers' functions.
LOADING = """
    trust_remote_code revision code_revision cache_dir token local_files_only force_download use_safetensors subfolder
    proxies low_cpu_mem_usage attn_implementation _attn_implementation torch_dtype dtype device_map use_cache
    add_pooling_layer provider file_name export use_fast
""".split()
LOADED_WITH = KeyTable(
    {"model_max_length": "a whole number?"},
    dict.fromkeys(LOADING, _FOR_CODE),
    remedy="Say it in the model's config.json or tokenizer_config.json, and remove the key here.",
)
# Of its `processing_kwargs`, by what they are for.
PROCESSING = KeyTable(
    {"text": "an object?", "common": "an object?"},
    {
        "image": "texts alone are read",
        "audio": "texts alone are read",
        "video": "texts alone are read",
        "chat_template": "no text is made a message",
    },
    strict=False,
)
PROCESSED_WITH = KeyTable(
    {"max_length": "a whole number?", "truncation": "text or true?"},
    {
        "padding": "there is no padding here",
        "padding_side": "there is no padding here",
        "pad_to_multiple_of": "there is no padding here",
        "return_tensors": "how the library hands tokens to itself",
        "return_attention_mask": "how the library hands tokens to itself",
        "return_length": "how the library hands tokens to itself",
        "return_offsets_mapping": "how the library hands tokens to itself",
        "return_special_tokens_mask": "how the library hands tokens to itself",
        "verbose": "what is printed",
        "logits_to_keep": "of models that generate",
    },
)
POOLING_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_WIDTHS = "the encoder says how wide it is"
# `config.json` of each kind of module.
POOLING = KeyTable(
    {
        **dict.fromkeys(POOLING_FLAGS, "true or false?"),
        "pooling_mode": "text or a list",
        "include_prompt": "true or false",
    },
    {"word_embedding_dimension": _WIDTHS, "embedding_dimension": _WIDTHS},
)
DENSE = KeyTable(
    {
        "in_features": "a whole number",
        "out_features": "a whole number",
        "bias": "true or false",
        "activation_function": "text",
        "module_input_name": "text",
        "module_output_name": "text?",
        "use_residual": "true or false",
    },
    refused={
        "init_weight": "Keep the weights in model.safetensors, and remove the key.",
        "init_bias": "Keep the weights in model.safetensors, and remove the key.",
    },
    strict=False,
)
LAYER_NORM = KeyTable({"dimension": "a whole number"})
DROPOUT = KeyTable({}, {"dropout": "nothing is dropped but in training"})
NORMALIZE = KeyTable({"module_input_name": "text", "module_output_name": "text?"}, strict=False)
# `router_config.json`, and its `parameters`.
ROUTER = KeyTable({"types": "an object", "structure": "an object", "parameters": "an object"}, strict=False)
ROUTES = KeyTable(
    {"default_route": "text?", "allow_empty_key": "true or false", "route_mappings": "an object?"},
)
# `config_sentence_transformers.json`.
MODEL = KeyTable(
    {
        "model_type": "text",
        "prompts": "an object?",
        "default_prompt_name": "text?",
        "truncate_dim": "a whole number?",
        "activation_fn": "text?",
    },
    {
        "__version__": "who wrote the folder",
        "requirements": "versions of libraries that are not used here",
        "similarity_fn_name": "how vectors are compared is up to who has them",
        "keep_in_fp32_modules": "in which precision a layer is computed",
    },
    strict=False,
)
# The object `sentence_transformers` in a cross-encoder's `config.json`; before, one key had its place.
OLD_ACTIVATION = "sbert_ce_default_activation_function"
CROSS_ENCODER = KeyTable({"activation_fn": "text?"}, {"version": "who wrote the folder"}, strict=False)
