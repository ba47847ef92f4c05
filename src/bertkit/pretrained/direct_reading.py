"""Classifiers of texts that read the mean, or the first token, as it is, and how the hub's library can open them.

A sentence-transformers encoder was trained to be read by the mean of its tokens, and a linear layer over that mean is
the best classifier to begin with. The hub's classes for BERT, RoBERTa and DistilBERT cannot say so: they read the first
token, through a dense layer and tanh or ReLU. What they compute is nevertheless the same, to float32's precision, when
the folder is *spelled out*:

* The dense layer is so small a multiple of the identity that tanh is linear there, and the classifier is as much
  larger; or, before ReLU, the identity plus a constant that nothing is below, and the classifier's bias takes it back.
* For the mean there is one more layer. Its queries and keys are 0, so that attention weighs all tokens alike; its
  values, times 2^20 against what the residual adds (the norm before it is divided by 2^10, and so are they), are the
  mean; its norm standardises that, and its feed-forward part adds nothing.

All factors are powers of two, so that reading it back is exact. `recognised` undoes it where every number of these
parts is what `spelled_out` wrote; anything else, trained further elsewhere perhaps, is the model that it says it is.
Torch-free: the parts are arrays, and only weights that are asked for become tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.stored import Numbers, StoredTensors
from bertkit.config.encoder import EncoderConfig
from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Family, HeadShape, Weight
from bertkit.families.foreign_config import ForeignConfig, write_config
from bertkit.pretrained.name_table import NameTable, name_table

if TYPE_CHECKING:
    from torch import Tensor

Reading = Literal["mean", "first"]
HEAD = "text-classification"
KEY = "bertkit_classifier_reads"  # of config.json
SMALL = 2.0**-12  # of the identity before tanh: tanh(x) is x to a part in 10^6 for what a norm gives
ABOVE = 32.0  # nothing that a norm over up to 1,024 numbers gives is below -32
GAIN = 2.0**10  # of the values and of the output of the layer that averages, and what the norm before it is divided by


@dataclass(frozen=True, slots=True)
class CheckpointForm:
    """What a checkpoint is: its configuration as it was read, the encoder's, and the tensors under their names."""

    foreign: ForeignConfig
    config: EncoderConfig
    tensors: StoredTensors

    def table(self, rows: tuple[Weight, ...]) -> NameTable:
        """The family's rows for this checkpoint."""
        return name_table(self.foreign, self.config, rows)


def direct(family: Family, reads: Reading) -> Family:
    """The family with a classifier of texts that is one linear layer, over the standardised mean or the first token."""
    shape = family.heads[HEAD]
    rows = tuple(row for row in shape.weights if row.ours.startswith("classifier."))
    return replace(
        family,
        heads={**family.heads, HEAD: HeadShape(rows, reads=reads, standardised=reads == "mean", fixed=shape.fixed)},
    )


def can_be_direct(family: Family, config: EncoderConfig, reads: Reading) -> bool:
    """Whether a classifier that reads so can be spelled out for the hub's library."""
    shape = family.heads.get(HEAD)
    if shape is None or not (shape.reads == "pooler" or (shape.reads == "first" and shape.has("dense.bias", config))):
        return False
    through_dense = shape.reads == "pooler" or shape.activation in ("tanh", "relu")
    plain = (
        config.norm_at == "post"
        and config.norm == "layer"
        and config.norm_bias
        and config.attention_bias
        and config.mlp_bias
        and not config.gated
        and not config.final_norm
        and config.rotary is None
        and config.relative_bias is None
        and "L" not in config.attention_pattern
        and config.layer_of_step == tuple(range(config.layers))
    )
    return through_dense and (plain or reads == "first")


def spelled_out(form: CheckpointForm) -> CheckpointForm:
    """A checkpoint as the hub's library can open it; one with no such classifier is returned as it is."""
    family = FAMILIES[form.foreign.family.name]
    reads = reading_of(form.foreign.family)
    weight_name, bias_name = _classifier(family)
    if reads is None or weight_name not in form.tensors:
        return form
    config = form.config.model_copy(update={"pooler": family.heads[HEAD].reads == "pooler"})
    if reads == "mean":
        config = config.model_copy(update={"layer_of_step": tuple(range(config.layers + 1))})
    values = {**form.foreign.values, **write_config(family, config, form.foreign.model_type), KEY: reads}
    whole = CheckpointForm(ForeignConfig(family, config, values, form.foreign.unread), config, form.tensors)
    added = _added(whole, reads)
    dtype = form.tensors.headers[weight_name].dtype
    headers = {**form.tensors.headers, **{name: TensorHeader(part.shape, dtype) for name, part in added.items()}}

    def read() -> Mapping[str, Tensor]:
        tensors = dict(form.tensors)
        if reads == "mean":
            tensors |= {name: tensors[name] / GAIN for name in _last_norm(form)}
        if family.heads[HEAD].activation == "relu":
            tensors[bias_name] = tensors[bias_name] - ABOVE * tensors[weight_name].sum(dim=1)
        else:
            tensors[weight_name] = tensors[weight_name] / SMALL
        return tensors | {name: tensors[weight_name].new_tensor(part) for name, part in added.items()}

    return replace(whole, tensors=StoredTensors(headers, read))


def recognised(form: CheckpointForm) -> CheckpointForm:
    """The checkpoint without what `spelled_out` adds, where it has that, unchanged; else as it is."""
    family, reads = form.foreign.family, form.foreign.values.get(KEY)
    if reads not in ("mean", "first") or HEAD not in family.heads:
        return form
    weight_name, bias_name = _classifier(family)
    if weight_name not in form.tensors:
        return form
    added = _added(form, reads)
    if any(name not in form.tensors for name in added):
        return form
    if any(not np.array_equal(form.tensors.numbers(name), part) for name, part in added.items()):
        return form
    config = form.config.model_copy(update={"pooler": False})
    if reads == "mean":
        config = config.model_copy(update={"layer_of_step": tuple(range(config.layers - 1))})
    values = {**form.foreign.values, **write_config(family, config, form.foreign.model_type)}
    kept = form.tensors.renamed({name: name for name in form.tensors if name not in added})
    own = CheckpointForm(ForeignConfig(direct(family, reads), config, values, form.foreign.unread), config, kept)

    def read() -> Mapping[str, Tensor]:
        tensors = dict(kept)
        if reads == "mean":
            tensors |= {name: tensors[name] * GAIN for name in _last_norm(own)}
        if family.heads[HEAD].activation == "relu":
            tensors[bias_name] = tensors[bias_name] + ABOVE * tensors[weight_name].sum(dim=1)
        else:
            tensors[weight_name] = tensors[weight_name] * SMALL
        return tensors

    return replace(own, tensors=StoredTensors(kept.headers, read))


def reading_of(family: Family) -> Reading | None:
    """How a direct classifier reads; None where the head is the family's own."""
    shape = family.heads.get(HEAD)
    if shape is None or shape == FAMILIES[family.name].heads[HEAD]:
        return None
    return "mean" if shape.reads == "mean" else "first"


def _last_norm(form: CheckpointForm) -> list[str]:
    """Their names of the norm that ends the encoder's last layer."""
    ours = f"layers.{form.config.layers - 1}.mlp_norm."
    return [name for row in form.table(form.foreign.family.encoder) if row.ours.startswith(ours) for name in row.theirs]


def _classifier(family: Family) -> tuple[str, str]:
    """Their names of the classifier's last layer: its weight, its bias."""
    theirs = {row.ours: row.theirs[0] for row in family.heads[HEAD].weights}
    return theirs["classifier.weight"], theirs["classifier.bias"]


def _added(form: CheckpointForm, reads: Reading) -> dict[str, Numbers]:
    """What a spelled-out checkpoint has besides, under their names.

    Args:
        form: with the layer that averages, where there is one.
    """
    config, family = form.config, form.foreign.family
    shape = family.heads[HEAD]
    eye_WW, zeros_W = np.eye(config.width, dtype=np.float32), np.zeros(config.width, np.float32)
    relu = shape.activation == "relu"
    dense = {"weight": eye_WW if relu else eye_WW * SMALL, "bias": zeros_W + ABOVE if relu else zeros_W}
    in_encoder = shape.reads == "pooler"
    prefix = "pooler.dense" if in_encoder else "dense"
    table = form.table(family.encoder if in_encoder else shape.weights)
    added = table.to_theirs({f"{prefix}.{name}": part.astype(np.float32) for name, part in dense.items()})
    if reads == "mean":
        layer = _averaging(config, eye_WW, zeros_W)
        ours = {f"layers.{config.layers - 1}.{name}": part for name, part in layer.items()}
        added |= form.table(family.encoder).to_theirs(ours)
    return added


def _averaging(config: EncoderConfig, eye_WW: Numbers, zeros_W: Numbers) -> dict[str, Numbers]:
    """The layer that averages."""
    width, ffn_width = config.width, config.ffn_width
    zeros_WW, gain = np.zeros_like(eye_WW), np.float32(GAIN)
    return {
        "attention.qkv.weight": np.concatenate([zeros_WW, zeros_WW, eye_WW * gain]),
        "attention.qkv.bias": np.concatenate([zeros_W] * 3),
        "attention.output.weight": eye_WW * gain,
        "attention.output.bias": zeros_W,
        "attention_norm.weight": np.ones_like(zeros_W),
        "attention_norm.bias": zeros_W,
        "mlp.up.weight": np.zeros((ffn_width, width), np.float32),
        "mlp.up.bias": np.zeros(ffn_width, np.float32),
        "mlp.down.weight": np.zeros((width, ffn_width), np.float32),
        "mlp.down.bias": zeros_W,
        "mlp_norm.weight": np.ones_like(zeros_W),
        "mlp_norm.bias": zeros_W,
    }
