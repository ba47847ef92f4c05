"""From tensors and a configuration to a folder in the hub's layout. The only saver."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from torch import Tensor

from bertkit.checkpoints.folders import atomic_folder
from bertkit.checkpoints.tensors import write_tensors
from bertkit.families.foreign_config import write_config
from bertkit.planner.parameters import count_parameters
from bertkit.pretrained.loading import Pretrained
from bertkit.pretrained.sentence_transformers import cross_encoder_keys, write_settings
from bertkit.tokenization.tokenizer import Tokenizer


def save_pretrained(pretrained: Pretrained, tokenizer: Tokenizer, folder: Path) -> None:
    """Write an open checkpoint as `config.json`, `model.safetensors`, the tokenizer's files and `README.md`.

    The folder appears whole or not at all. The weights keep the precision they are stored in, whatever precision they
    are used in. transformers opens the folder; sentence-transformers too, where the checkpoint came with its settings.

    Raises:
        OutputError: the place cannot be written, or is a folder with something in it.
    """
    with atomic_folder(folder) as made:
        values = dict(pretrained.foreign.values) | write_config(pretrained.family, pretrained.config)
        values["architectures"] = [_architecture(pretrained)]
        if pretrained.cross_encoder is not None:
            values |= cross_encoder_keys(pretrained.cross_encoder)
        (made / "config.json").write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
        write_tensors(made / "model.safetensors", _prefixed(pretrained))
        tokenizer.save(made)
        if pretrained.settings is not None:
            write_settings(made, pretrained.settings, pretrained.config.width)
        (made / "README.md").write_text(_card(pretrained, folder.name))


def _architecture(pretrained: Pretrained) -> str:
    """The name under which transformers opens a checkpoint with these heads."""
    heads = set(pretrained.heads)
    if pretrained.architecture in pretrained.family.architectures:
        return pretrained.architecture
    return next(name for name, needs in pretrained.family.architectures.items() if set(needs) <= heads)


def _prefixed(pretrained: Pretrained) -> Mapping[str, Tensor]:
    """The tensors under the names they have in a checkpoint with heads, or in one without."""
    if not pretrained.heads:
        return pretrained.tensors
    family = pretrained.family
    rows = [row for shape in family.heads.values() for row in shape.weights]
    heads = {name for row in rows for name in (*row.theirs, *row.aliases)}
    return {name if name in heads else family.prefix + name: tensor for name, tensor in pretrained.tensors.items()}


def _card(pretrained: Pretrained, name: str) -> str:
    heads = ", ".join(pretrained.heads) or "none"
    return f"""---
library_name: {"sentence-transformers" if pretrained.settings else "transformers"}
tags:
- bertkit
---
# {name}

{pretrained.family.name} encoder, {count_parameters(pretrained.config):,} parameters.
Reads up to {pretrained.config.max_length} tokens. Heads: {heads}. Written by bertkit {version("bertkit")}.

```
bertkit predict -m {name} "some text"
```
"""
