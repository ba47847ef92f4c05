"""A loaded model as many may ask it: for as much as anyone asks for, and for vectors of tokens beside its task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bertkit.inference.engine import Engine
from bertkit.inference.model import Model, load
from bertkit.inference.served import MOST_FILLS, TOKEN_VECTORS, Facts, ServedModel
from bertkit.inference.torch_backend import TorchBackend
from bertkit.model.network import Network
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.task_options import make_task, remake_task
from bertkit.tasks.catalogue import find_task


def load_served(name: str, source: str | Path | None, task: str | None, **options: Any) -> ServedModel:
    """A checkpoint, ready to be served under a name; the rest as `bertkit.load`.

    Its files may be written over or removed while it is served.
    """
    model = load(source, task=task, **options)
    backend = model.answerer.engine.backend
    if isinstance(backend, TorchBackend):
        own_weights(backend.network)
    return served(name, model)


def own_weights(network: nn.Module) -> None:
    """Copies what is mapped from files, one tensor after the other.

    A file that is written over while its tensors are mapped changes them; one that is shortened ends the process.
    """
    copies: dict[tuple[object, ...], torch.Tensor] = {}
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.device.type != "cpu" or tensor.layout != torch.strided:
                continue
            # Two names of the same numbers, such as the table of tokens and what decodes masks, stay the same.
            view = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
            if view not in copies:
                copies[view] = tensor.data.clone()
            tensor.data = copies[view]


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
