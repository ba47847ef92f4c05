"""A checkpoint made from a model in memory, as if it had been opened from a folder: ready to be saved as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.checkpoints.stored import StoredTensors
from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import Family
from bertkit.families.foreign_config import ForeignConfig, write_config
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, SentenceSettings
from bertkit.tokenization.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class TaskMetadata:
    """What a checkpoint's files say of its task.

    Attributes:
        values: more for `config.json`: the labels, the name of the architecture.
        settings: of a sentence-transformers folder.
        cross_encoder: how a cross-encoder makes its score.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    settings: SentenceSettings | None = None
    cross_encoder: CrossEncoderSettings | None = None


NO_METADATA = TaskMetadata()


def from_state(
    family: Family,
    config: EncoderConfig,
    encoder: Mapping[str, Tensor],
    heads: Mapping[str, Mapping[str, Tensor]],
    tokenizer: Tokenizer,
    more: TaskMetadata = NO_METADATA,
) -> Pretrained:
    """The checkpoint of an encoder and its heads.

    Args:
        encoder: its state.
        heads: by the family's name of the head, its state.
        more: what its files are to say of the task.
    """
    values = {**write_config(family, config), **more.values}
    if tokenizer.specials.pad is not None:
        values["pad_token_id"] = tokenizer.specials.pad
    foreign = ForeignConfig(family, config, values, ())
    bare = Pretrained(Path(), foreign, config, StoredTensors.of({}), None)
    tensors = bare.table(family.encoder).to_theirs(encoder)
    for name, state in heads.items():
        tensors |= bare.table(family.heads[name].weights).to_theirs(state)
    return Pretrained(Path(), foreign, config, StoredTensors.of(tensors), more.settings, more.cross_encoder)
