"""A model as GGUF, the file of llama.cpp and of what is built on it: LM Studio, Ollama, LocalAI.

It holds the encoders that llama.cpp calls `bert`, with their vectors, or with a classifier that reads the pooler. Its
tokenizer puts every text in small letters, has no token types but the first, and counts positions from 0: what needs
something else is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from bertkit.config.extras import load_extra
from bertkit.errors import UserError
from bertkit.model.heads import Head
from bertkit.model.network import Network
from bertkit.model.vector_steps import RecipeHead
from bertkit.tasks.contract import Task
from bertkit.tokenization.tokenizer import Tokenizer

Precision = Literal["F16", "Q8_0"]
Numbers = npt.NDArray[np.float32]
ARCHITECTURE = "bert"
POOLINGS = {"mean": 1, "cls": 2, "lasttoken": 3}  # as the format numbers them
NONE, RANK = 0, 4
NORMAL, CONTROL, UNUSED = 1, 3, 5  # kinds of tokens
FLOAT16, INT8 = 1, 7  # of the whole file
INSTEAD = "Use --to onnx or --to openvino."
WORD = "\u2581"  # stands before what begins a word
# Our modules' names and the format's.
NAMES = {
    "embeddings.token": "token_embd",
    "embeddings.segment": "token_types",
    "embeddings.position": "position_embd",
    "embeddings.norm": "token_embd_norm",
    "layers.{}.attention.output": "blk.{}.attn_output",
    "layers.{}.attention_norm": "blk.{}.attn_output_norm",
    "layers.{}.mlp.up": "blk.{}.ffn_up",
    "layers.{}.mlp.down": "blk.{}.ffn_down",
    "layers.{}.mlp_norm": "blk.{}.layer_output_norm",
}
EXACT = ("position_embd", "token_types")  # matrices that llama.cpp wants in float32


def write_gguf(network: Network, task: Task, tokenizer: Tokenizer, path: Path, precision: Precision) -> None:
    """Write a model.

    Args:
        precision: of its matrices.

    Raises:
        UserError: the library is not installed, or the format cannot hold the model.
    """
    gguf = load_extra("gguf", "gguf")
    pooling = _checked(network, task, tokenizer)
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    _write_settings(writer, network, task, pooling, FLOAT16 if precision == "F16" else INT8)
    _write_vocabulary(writer, tokenizer, network.encoder.config.vocab_size)
    writer.add_token_type_count(max(1, network.encoder.config.segment_types))
    kinds = gguf.GGMLQuantizationType
    for name, numbers in tensors_of(network).items():
        kind = kinds.F32
        if numbers.ndim == 2 and not name.startswith(EXACT):
            kind = kinds.Q8_0 if precision == "Q8_0" and numbers.shape[1] % 32 == 0 else kinds.F16
        writer.add_tensor(name, gguf.quants.quantize(numbers, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_gguf(path: Path) -> dict[str, Numbers]:
    """The tensors of a file, as whoever computes with them reads them."""
    gguf = load_extra("gguf", "gguf")
    return {
        tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        for tensor in gguf.GGUFReader(path).tensors
    }


def network_of(path: Path, like: Network) -> Network:
    """The network that a file holds, as bertkit computes it.

    Args:
        like: the one that was written.
    """
    found, made = read_gguf(path), deepcopy(like)
    state = made.encoder.state_dict()
    for ours, theirs in _pairs(len(made.encoder.layers)):
        for part in ("weight", "bias"):
            if f"{theirs}.{part}" in found:
                state[f"{ours}.{part}"] = torch.from_numpy(found[f"{theirs}.{part}"])
    for layer in range(len(made.encoder.layers)):
        for part in ("weight", "bias"):
            rows = [found[f"blk.{layer}.attn_{name}.{part}"] for name in "qkv"]
            state[f"layers.{layer}.attention.qkv.{part}"] = torch.from_numpy(np.concatenate(rows))
    if isinstance(made.head, Head):
        state |= {f"pooler.dense.{name}": torch.from_numpy(found[f"cls.{name}"]) for name in ("weight", "bias")}
        head = {f"classifier.{name}": torch.from_numpy(found[f"cls.output.{name}"]) for name in ("weight", "bias")}
        made.head.load_state_dict(head)
    made.encoder.load_state_dict(state)
    return made


def tensors_of(network: Network) -> dict[str, Numbers]:
    """The tensors of a network under the format's names."""
    state = {name: tensor.float().numpy() for name, tensor in network.encoder.state_dict().items()}
    tensors: dict[str, Numbers] = {}
    for ours, theirs in _pairs(len(network.encoder.layers)):
        for part in ("weight", "bias"):
            if f"{ours}.{part}" in state:
                tensors[f"{theirs}.{part}"] = state[f"{ours}.{part}"]
    for layer in range(len(network.encoder.layers)):
        for part in ("weight", "bias"):
            for name, rows in zip("qkv", np.split(state[f"layers.{layer}.attention.qkv.{part}"], 3), strict=True):
                tensors[f"blk.{layer}.attn_{name}.{part}"] = rows
    if isinstance(network.head, Head):
        head = {name: tensor.float().numpy() for name, tensor in network.head.state_dict().items()}
        dense = {name: state[f"pooler.dense.{name}"] for name in ("weight", "bias")}
        tensors |= {f"cls.{name}": numbers for name, numbers in dense.items()}
        tensors |= {f"cls.output.{name}": head[f"classifier.{name}"] for name in ("weight", "bias")}
    return tensors


def _pairs(layers: int) -> Iterator[tuple[str, str]]:
    for ours, theirs in NAMES.items():
        if "{}" in ours:
            yield from ((ours.format(layer), theirs.format(layer)) for layer in range(layers))
        else:
            yield ours, theirs


def _checked(network: Network, task: Task, tokenizer: Tokenizer) -> int:
    """How the format says that tokens are pooled.

    Raises:
        UserError: it has no place for something of the model.
    """
    config, head = network.encoder.config, network.head
    plain = config.norm_at == "post" and config.norm == "layer" and config.positions is not None
    plain = plain and not config.gated and config.rotary is None and config.relative_bias is None
    plain = plain and config.layer_of_step == tuple(range(config.layers)) and config.embed_width in (None, config.width)
    if not plain or config.activation != "gelu" or config.positions is None or config.positions.offset:
        raise UserError("GGUF as bertkit writes it holds encoders like BERT's and DistilBERT's, not this one", INSTEAD)
    if tokenizer.algorithm != "WordPiece" or tokenizer.tokenize(["A"]) != tokenizer.tokenize(["a"]):
        what = "is cased" if tokenizer.algorithm == "WordPiece" else f"is {tokenizer.algorithm}"
        raise UserError(f"GGUF's tokenizer is WordPiece and puts texts in small letters; the model's {what}", INSTEAD)
    if head is None:
        return NONE
    if isinstance(head, RecipeHead):
        recipe, (pooling, *more) = head.recipe, head.recipe.poolings
        if pooling in POOLINGS and not (more or recipe.before or recipe.after or recipe.skip):
            return POOLINGS[pooling]
    if isinstance(head, Head) and head.reads == "pooler":
        return RANK
    raise UserError(f"GGUF has no place for what {task.name} reads of this model", INSTEAD)


def _write_settings(writer: Any, network: Network, task: Task, pooling: int, kind: int) -> None:
    config = network.encoder.config
    writer.add_file_type(kind)
    writer.add_context_length(config.max_length)
    writer.add_embedding_length(config.width)
    writer.add_feed_forward_length(config.ffn_width)
    writer.add_block_count(config.layers)
    writer.add_head_count(config.heads)
    writer.add_layer_norm_eps(config.norm_eps)
    writer.add_causal_attention(False)
    writer.add_uint32(f"{ARCHITECTURE}.pooling_type", pooling)
    if pooling == RANK:
        writer.add_classifier_output_labels(list(task.labels) or [f"LABEL_{n}" for n in range(task.classes)])


def _write_vocabulary(writer: Any, tokenizer: Tokenizer, rows: int) -> None:
    """The tokens; ids that only the table has, to make its size a round number, have names of their own."""
    special = tokenizer.specials
    tokens = [_spelled(tokenizer.token(id), id in special.all) for id in range(tokenizer.vocab_size)]
    kinds = [CONTROL if id in special.all else NORMAL for id in range(len(tokens))]
    spare = range(len(tokens), rows)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*tokens, *(f"[PAD{id}]" for id in spare)])
    writer.add_token_types([*kinds, *[UNUSED] * len(spare)])
    roles: Mapping[str, int | None] = {
        "bos": special.cls,
        "eos": special.sep,
        "sep": special.sep,
        "unk": special.unk,
        "pad": special.pad,
        "mask": special.mask,
    }
    for role, id in roles.items():
        if id is not None:
            getattr(writer, f"add_{role}_token_id")(id)


def _spelled(token: str, is_special: bool) -> str:
    """A piece as the format spells it: what begins a word is marked, not what goes on."""
    if is_special:
        return token
    return token.removeprefix("##") if token.startswith("##") else WORD + token
