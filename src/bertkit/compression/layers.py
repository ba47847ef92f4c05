"""A model without some of its layers: which are missed least, and the checkpoint of the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bertkit.batching.packed import PackedBatch
from bertkit.compression.blame import distance_of
from bertkit.compression.int8_form import check_floating
from bertkit.config.encoder import EncoderConfig
from bertkit.errors import UserError
from bertkit.families.foreign_config import read_keys
from bertkit.inference.backend import Outputs
from bertkit.inference.torch_backend import TorchBackend
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.name_table import stored_names

LAYER = re.compile(r"^layers\.(\d+)\.")


def check_can_drop(pretrained: Pretrained, count: int) -> None:
    """Sees that a checkpoint can lose so many layers.

    Raises:
        UserError: it has not so many, its layers share weights, its weights are int8, or it is more than one encoder.
    """
    check_floating(pretrained, "dropping layers")
    steps, layers = len(pretrained.config.layer_of_step), pretrained.config.layers
    if steps != layers:
        raise UserError(
            f"{pretrained.source}: its {steps} layers share the weights of {layers}",
            "Take --to int8, or a smaller model.",
        )
    if count >= layers:
        raise UserError(f"{count} layers to drop, and the model has {layers}", f"Drop up to {layers - 1}.")


def least_missed(
    backend: TorchBackend, batches: Sequence[PackedBatch], expected: Sequence[Outputs], count: int
) -> Iterator[int]:
    """The layers to drop, one after the other: each time the one without which the outputs change least.

    Args:
        backend: the network, ready; it is the same afterwards.
        expected: what it gives for the batches with all layers.
    """
    config = backend.network.encoder.config
    kept = [*range(config.layers)]
    for _ in range(count):
        missed = {}
        for layer in kept if config.first_attention_norm else kept[1:]:  # the first one may be made otherwise
            with only_layers(backend, [one for one in kept if one != layer]):
                missed[layer] = distance_of([backend.run(batch) for batch in batches], expected)
        layer = min(missed, key=lambda one: missed[one])
        kept.remove(layer)
        yield layer


@contextmanager
def only_layers(backend: TorchBackend, kept: Sequence[int]) -> Iterator[None]:
    """The network computes some of its layers only, until the block ends."""
    encoder = backend.network.encoder
    before = encoder.config
    encoder.config = before.model_copy(update={"layer_of_step": tuple(kept)})
    try:
        yield
    finally:
        encoder.config = before


def with_layers(pretrained: Pretrained, kept: Sequence[int]) -> Pretrained:
    """The checkpoint of some of the layers, by their numbers, ascending."""
    config: EncoderConfig = pretrained.config.model_copy(update={"layer_of_step": tuple(range(len(kept)))})
    counted = read_keys(pretrained.family)
    values = {key: value for key, value in pretrained.foreign.values.items() if key not in counted}
    values["model_type"] = pretrained.foreign.model_type
    foreign = replace(pretrained.foreign, encoder=config, values=values)
    made = replace(pretrained, foreign=foreign, config=config)
    rows = pretrained.family.encoder
    old = {row.ours: row for row in pretrained.table(rows)}
    of_layers = {name for ours, row in old.items() if LAYER.match(ours) for name in (*row.theirs, *row.aliases)}
    names = {name: name for name in pretrained.tensors if name not in of_layers}
    for row in made.table(rows):
        if LAYER.match(row.ours):
            source = old[LAYER.sub(lambda found: f"layers.{kept[int(found[1])]}.", row.ours)]
            stored = stored_names(source, pretrained.tensors)
            names |= {new: name for new, name in zip(row.theirs, stored, strict=True) if name is not None}
    return replace(made, tensors=pretrained.tensors.renamed(names))
