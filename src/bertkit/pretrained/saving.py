"""From tensors and a configuration to a folder in the hub's layout, or in Google's. The only saver."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from bertkit.checkpoints.folders import atomic_folder
from bertkit.checkpoints.tensor_bundle import write_bundle
from bertkit.checkpoints.tensors import write_tensors
from bertkit.checkpoints.weight_files import find_weights, has_weights
from bertkit.config.int8 import base_of, int8_keys
from bertkit.errors import UserError
from bertkit.families.foreign_config import write_config, write_tensorflow_config
from bertkit.planner.parameters import count_parameters
from bertkit.pretrained.calibrated import write_calibration
from bertkit.pretrained.cards import CARD
from bertkit.pretrained.cascade import STUDENT, write_cascade
from bertkit.pretrained.direct_reading import CheckpointForm, spelled_out
from bertkit.pretrained.sentence_transformers import cross_encoder_keys
from bertkit.pretrained.sentence_writing import write_cross_encoder, write_settings
from bertkit.pretrained.tensorflow_names import tensorflow_layout, to_tensorflow
from bertkit.pretrained.vector_ranges import VECTOR_RANGES
from bertkit.tokenization.opening import SENTENCEPIECE, WORDPIECE
from bertkit.tokenization.tokenizer import Tokenizer

if TYPE_CHECKING:
    from bertkit.pretrained.checkpoint import Pretrained

TENSORFLOW_NAME = "bert_model.ckpt"
SMALL_FILES = (".json", ".txt", ".model")


def save_pretrained(pretrained: Pretrained, tokenizer: Tokenizer, folder: Path, *, section: str = "") -> None:
    """Write an open checkpoint as `config.json`, `model.safetensors`, the tokenizer's files and `README.md`.

    The folder appears whole or not at all, with the card of the one it came from. The weights keep the precision they
    are stored in, whatever precision they are used in. transformers opens the folder; sentence-transformers too, where
    the checkpoint came with its settings. Of int8 weights neither does; of a cascade they have the teacher.

    Args:
        section: what is added to the end of the card.

    Raises:
        OutputError: the place cannot be written, or is a folder with something in it.
    """
    if pretrained.int8 is None:
        pretrained = _spelled_out(pretrained)
    with atomic_folder(folder) as made:
        if pretrained.settings is not None and pretrained.settings.routed:
            _copy_modules(pretrained.source, pretrained.settings.routed, made)
        else:
            write_tensors(made / "model.safetensors", _prefixed(pretrained))
            save_description(pretrained, tokenizer, made)
        if pretrained.cascade is not None:
            student = pretrained.cascade.student
            save_pretrained(student, student.load_tokenizer(), made / STUDENT)
            write_cascade(made, pretrained.cascade.settings)
        if pretrained.card is not None:
            shutil.copyfile(pretrained.card, made / CARD)
        else:
            (made / CARD).write_text(_card(pretrained, folder.name), encoding="utf-8")
        if section:
            with (made / CARD).open("a", encoding="utf-8") as card:
                card.write(section)


def save_description(pretrained: Pretrained, tokenizer: Tokenizer, folder: Path) -> None:
    """Write all that a folder says of a checkpoint beside its weights and its card, into a folder that is there.

    Raises:
        OutputError: it cannot be written.
    """
    width = pretrained.config.width
    _write_json(folder / "config.json", _values(pretrained))
    tokenizer.save(folder)
    if pretrained.settings is not None:
        write_settings(folder, pretrained.settings, width)
    if pretrained.cross_encoder is not None:
        write_cross_encoder(folder, pretrained.cross_encoder, width)
    if pretrained.calibration is not None:
        write_calibration(folder, pretrained.calibration)
    if (pretrained.source / VECTOR_RANGES).is_file():
        shutil.copyfile(pretrained.source / VECTOR_RANGES, folder / VECTOR_RANGES)


def _copy_modules(root: Path, folders: Sequence[Path], made: Path) -> None:
    """A model of several encoders as it is: its modules' folders, and the files that name them."""
    for folder in dict.fromkeys((root, *folders)):
        place = made / folder.relative_to(root)
        place.mkdir(parents=True, exist_ok=True)
        weights = find_weights(folder).files if has_weights(folder) else ()
        for file in folder.iterdir():
            if file.is_file() and (file.suffix in SMALL_FILES or file in weights):
                shutil.copyfile(file, place / file.name)


def save_tensorflow(pretrained: Pretrained, tokenizer: Tokenizer, folder: Path) -> tuple[str, ...]:
    """Write an open checkpoint as Google published the family: configuration, `bert_model.ckpt.*` and `vocab.txt`.

    For a SentencePiece tokenizer the source's `.model` file takes the place of `vocab.txt`. The tokenizer's other files
    are there too; they say what `vocab.txt` cannot. The folder appears whole or not at all.

    Returns:
        Names of the tensors that the layout has no name for; they were not written.

    Raises:
        UserError: the family has no TensorFlow names or no word for a value of the configuration, or the tokenizer
            cannot be written as a `vocab.txt` and the source has no `.model` file.
        OutputError: the place cannot be written, or is a folder with something in it.
    """
    pretrained = _spelled_out(pretrained)
    layout = tensorflow_layout(pretrained.family, str(pretrained.folder))
    ending = _architecture(pretrained).removeprefix(_own(pretrained))
    tensors, left_out = to_tensorflow(pretrained.family, pretrained.tensors, str(pretrained.folder), ending)
    with atomic_folder(folder) as made:
        tokenizer.save(made)
        if not (made / WORDPIECE[0]).exists():
            _copy_sentencepiece(pretrained.folder, made, tokenizer)
        values = write_tensorflow_config(pretrained.family, layout, _values(pretrained))
        says_which = ending in layout.by_architecture
        _write_json(made / layout.config_name, values if says_which else _without_architecture(pretrained, values))
        write_bundle(made / f"{TENSORFLOW_NAME}.index", tensors)
        # What TensorFlow asks for the latest checkpoint of a folder.
        kinds = ("model_checkpoint_path", "all_model_checkpoint_paths")
        if pretrained.calibration is not None:
            write_calibration(made, pretrained.calibration)
        if (pretrained.source / VECTOR_RANGES).is_file():
            shutil.copyfile(pretrained.source / VECTOR_RANGES, made / VECTOR_RANGES)
        if pretrained.card is not None:
            shutil.copyfile(pretrained.card, made / CARD)
        (made / "checkpoint").write_text("".join(f'{kind}: "{TENSORFLOW_NAME}"\n' for kind in kinds))
    return left_out


def _spelled_out(pretrained: Pretrained) -> Pretrained:
    """As the hub's library can open it."""
    form = spelled_out(CheckpointForm(pretrained.foreign, pretrained.config, pretrained.tensors))
    return replace(pretrained, foreign=form.foreign, config=form.config, tensors=form.tensors)


def _copy_sentencepiece(source: Path, folder: Path, tokenizer: Tokenizer) -> None:
    """The `.model` file that the tokenizer came from: it holds more than can be written from the tokenizer."""
    model = next((source / name for name in SENTENCEPIECE if (source / name).exists()), None)
    if model is None:
        raise UserError(
            f"{source}: its {tokenizer.algorithm} tokenizer cannot be written as a vocab.txt, and there is no "
            f"{SENTENCEPIECE[0]} to copy",
            "Use the hub's layout for this model.",
        )
    shutil.copyfile(model, folder / model.name)


def _values(pretrained: Pretrained) -> dict[str, object]:
    """The configuration in the family's keys, and the keys that it was read with."""
    own = write_config(pretrained.family, pretrained.config, pretrained.foreign.model_type)
    assumed = {name: own.pop(name) for name in pretrained.family.assumed}
    if pretrained.cross_encoder is not None:
        own |= cross_encoder_keys(pretrained.cross_encoder)
    int8 = {} if pretrained.int8 is None else int8_keys()
    return {**assumed, **pretrained.foreign.values, **own, **int8, "architectures": [_architecture(pretrained)]}


def _without_architecture(pretrained: Pretrained, values: Mapping[str, object]) -> Mapping[str, object]:
    """The values without the hub's name of the class, which Google does not write, where the tensors say as much."""
    values = {name: value for name, value in values.items() if name != "architectures"}
    plain = replace(pretrained, foreign=replace(pretrained.foreign, values=values))
    if plain.heads == pretrained.heads and _architecture(plain) == _architecture(pretrained):
        return values
    return {**values, "architectures": [_architecture(pretrained)]}


def _write_json(path: Path, values: Mapping[str, object]) -> None:
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")


def _architecture(pretrained: Pretrained) -> str:
    """The name under which transformers opens a checkpoint with these heads."""
    heads = set(pretrained.heads)
    endings = pretrained.family.architectures
    if heads.issuperset(endings.get(pretrained.foreign.ending, ["an unknown class"])):
        return pretrained.foreign.architecture
    return _own(pretrained) + next(ending for ending, needs in endings.items() if set(needs) <= heads)


def _own(pretrained: Pretrained) -> str:
    """How the library's class names for the checkpoint begin."""
    return pretrained.family.class_names[pretrained.foreign.model_type]


def _prefixed(pretrained: Pretrained) -> Mapping[str, Tensor]:
    """The tensors under the names they have in a checkpoint with heads, or in one without."""
    tensors = pretrained.tensors if pretrained.int8 is None else pretrained.int8
    if not pretrained.heads:
        return tensors
    family = pretrained.family
    rows = [row for shape in family.heads.values() for row in shape.weights]
    heads = {name for row in rows for name in (*row.theirs, *row.aliases)}
    return {name if base_of(name) in heads else family.prefix + name: tensor for name, tensor in tensors.items()}


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
