"""A loaded model as many may ask it: for as much as anyone asks for, and for vectors of tokens beside its task."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bertkit.inference.engine import Engine
from bertkit.inference.model import Model, load
from bertkit.inference.served import MOST_FILLS, TOKEN_VECTORS, Facts, ServedModel
from bertkit.inference.torch_backend import TorchBackend
from bertkit.model.linear import as_usual
from bertkit.model.network import Network
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.task_options import make_task, remake_task
from bertkit.tasks.catalogue import find_task


class SharedWeights:
    """The tensors of several models, each once: of adapters all have what their base has.

    They are copies. A file that is written over while its tensors are mapped changes them; one that is shortened ends
    the process.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], torch.Tensor] = {}

    def take(self, network: nn.Module) -> None:
        """Has a network use them, in the place of its own that are equal, and copies those of its own that are new."""
        views: dict[tuple[object, ...], torch.Tensor] = {}
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.device.type != "cpu" or tensor.numel() == 0 or (tensor.is_mkldnn and tensor.dtype == torch.int8):
                continue
            # Two names of the same numbers, such as the table of tokens and what decodes masks, are looked at once.
            view = (id(tensor),) if tensor.is_mkldnn else (tensor.data_ptr(), tensor.shape, tensor.stride())
            if view not in views:
                views[view] = self._one(tensor.detach())
            tensor.data = views[view]

    def _one(self, tensor: torch.Tensor) -> torch.Tensor:
        usual = as_usual(tensor).contiguous()
        numbers = usual.reshape(-1).view(torch.uint8).numpy()
        layout = "packed" if tensor.is_mkldnn else tensor.stride()
        key = (hashlib.sha256(numbers.data).digest(), tensor.dtype, tensor.shape, layout)
        if key not in self._known:
            self._known[key] = tensor if tensor.is_mkldnn else tensor.clone()  # a packed one is a copy already
        return self._known[key]


def load_served(
    name: str, source: str | Path | None, task: str | None, weights: SharedWeights | None = None, **options: Any
) -> ServedModel:
    """A checkpoint, ready to be served under a name; the rest as `bertkit.load`.

    Its files may be written over or removed while it is served.

    Args:
        weights: of other models, which it shares.
    """
    model = load(source, task=task, **options)
    backend = model.answerer.engine.backend
    if isinstance(backend, TorchBackend):
        (weights or SharedWeights()).take(backend.network)
    return served(name, model)


def served(name: str, model: Model) -> ServedModel:
    """A model under the name that requests call it by."""
    prompts = _prompts(model) if "prompt" in model.task.made_with else {}
    facts = Facts(model.max_length, model.width, prompts, str(model.source))
    return ServedModel(name, _with_many_fills(model), model.task, facts, _token_vectors(name, model))


def _token_vectors(name: str, model: Model) -> ServedModel | None:
    """The model's encoder, asked for a vector a token; its weights are there once."""
    backend = model.answerer.engine.backend
    if not isinstance(backend, TorchBackend) or model.task.name == TOKEN_VECTORS:
        return None
    encoder = backend.network.encoder
    task = make_task(find_task(TOKEN_VECTORS), model.tokenizer, {})
    shared = backend.of(Network(encoder, None, task.readout).eval())
    return ServedModel(
        name, Engine(shared, task, model.batch_tokens), task, Facts(encoder.config.max_length, model.width)
    )


def _with_many_fills(model: Model) -> Engine:
    """The engine of a model that fills masks, for anyone who asks for more than it was loaded to give."""
    engine = model.answerer.engine
    most = min(MOST_FILLS, model.tokenizer.vocab_size)
    if not isinstance(engine.backend, TorchBackend) or not 0 < model.task.readout.top_k < most:
        return engine
    network = engine.backend.network
    task = remake_task(model.task, {"top_k": most})
    wide = engine.backend.of(Network(network.encoder, network.head, task.readout).eval())
    return Engine(wide, task, model.batch_tokens)


def _prompts(model: Model) -> Mapping[str, str]:
    opened = open_pretrained(model.source)
    said = opened.settings or opened.cross_encoder
    return {} if said is None else dict(said.prompts.texts)
