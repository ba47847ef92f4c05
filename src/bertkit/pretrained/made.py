"""A checkpoint made from a model in memory, as if it had been opened from a folder: ready to be saved as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import Family
from bertkit.families.foreign_config import ForeignConfig, write_config
from bertkit.pretrained.loading import Pretrained
from bertkit.tokenization.tokenizer import Tokenizer


def made(
    family: Family,
    config: EncoderConfig,
    encoder: Mapping[str, Tensor],
    heads: Mapping[str, Mapping[str, Tensor]],
    tokenizer: Tokenizer,
) -> Pretrained:
    """The checkpoint of an encoder and its heads.

    Args:
        encoder: its state.
        heads: by the family's name of the head, its state.
    """
    values = write_config(family, config)
    if tokenizer.specials.pad is not None:
        values["pad_token_id"] = tokenizer.specials.pad
    foreign = ForeignConfig(family, config, values, ())
    bare = Pretrained(Path(), foreign, config, {}, None)
    tensors = bare.table(family.encoder).to_theirs(encoder)
    for name, state in heads.items():
        tensors |= bare.table(family.heads[name].weights).to_theirs(state)
    return Pretrained(Path(), foreign, config, tensors, None)
