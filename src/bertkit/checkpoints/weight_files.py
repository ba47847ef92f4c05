"""Which files of a folder hold its weights: safetensors, else torch's own format, else TensorFlow's."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from bertkit.checkpoints.bundle_files import find_bundle
from bertkit.errors import BadCheckpoint, refuse_pointer

# In the order of preference. A folder often has both; only safetensors can be read without trusting anybody.
WEIGHT_NAMES = ("model.safetensors", "pytorch_model.bin")
INDEX_ENDING = ".index.json"
# What was learnt on top of a model, and is kept without it.
ADAPTER_DESCRIPTION, ADAPTER_TENSORS = "adapter.json", "adapter.safetensors"
PEFT_DESCRIPTION, PEFT_TENSORS = "adapter_config.json", "adapter_model.safetensors"  # as the library peft has it
_NUMBERED = re.compile(r"-(\d+)-of-(\d+)\.(?:safetensors|bin)$")


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The files that together hold a folder's weights.

    `tensors_of` gives, for shards, the names that the index expects in each file; it is None for a single file.
    `bundle_index` is, for a TensorFlow checkpoint, the one of the files that says what the others hold.
    """

    files: tuple[Path, ...]
    tensors_of: dict[Path, frozenset[str]] | None = None
    bundle_index: Path | None = None


def find_weights(folder: Path) -> WeightFiles:
    """The weight files of a folder, all of them there (of a TensorFlow checkpoint: those that are there).

    Raises:
        BadCheckpoint: there are none, or the index is damaged or names a shard that is not there, or there are
            several TensorFlow checkpoints and none is the newest.
    """
    for name in WEIGHT_NAMES:
        if (folder / name).is_file():
            return WeightFiles((folder / name,))
        if (folder / f"{name}{INDEX_ENDING}").is_file():
            return _find_shards(folder / f"{name}{INDEX_ENDING}")
    if bundle := find_bundle(folder):
        return WeightFiles(bundle, bundle_index=bundle[0])
    looked_for = ", ".join([*(f"{name}, {name}{INDEX_ENDING}" for name in WEIGHT_NAMES), "*.index of TensorFlow"])
    raise BadCheckpoint(
        f"{folder}: no weights in this folder (looked for {looked_for})",
        "Name a folder that holds the weights in one of these formats.",
    )


def has_weights(folder: Path) -> bool:
    """Whether a folder holds weights, whole or not."""
    try:
        find_weights(folder)
    except BadCheckpoint:
        return any(folder.glob(f"*{INDEX_ENDING}"))
    return True


def check_shard(weights: WeightFiles, file: Path, names: Collection[str]) -> None:
    """Refuses a shard that holds other tensors than the index says.

    Args:
        names: of the tensors in the file.

    Raises:
        BadCheckpoint: naming the first that is lacking, or is there besides.
    """
    if weights.tensors_of is None:
        return
    expected, found = weights.tensors_of[file], set(names)
    if lacking := sorted(expected - found):
        raise BadCheckpoint(f"{file}: lacks the tensor {lacking[0]!r} that the index expects in it")
    if extra := sorted(found - expected):
        raise BadCheckpoint(f"{file}: holds the tensor {extra[0]!r} that the index does not expect in it")


def _find_shards(index: Path) -> WeightFiles:
    expected: dict[Path, set[str]] = {}
    for tensor, shard in _read_weight_map(index).items():
        if Path(shard).name != shard:
            raise BadCheckpoint(f"{index}: {shard!r} is not the name of a file beside it")
        expected.setdefault(index.parent / shard, set()).add(tensor)
    _check_numbers(index, expected)
    for shard_path in expected:
        if not shard_path.is_file():
            raise BadCheckpoint(f"{shard_path}: missing, {index.name} names it")
    files = tuple(sorted(expected))
    return WeightFiles(files, {file: frozenset(expected[file]) for file in files})


def _read_weight_map(index: Path) -> dict[str, str]:
    try:
        written = index.read_bytes()
        refuse_pointer(index, written)
        content = json.loads(written)
    except OSError as error:
        raise BadCheckpoint(f"{index}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{index}: not JSON") from error
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise BadCheckpoint(f"{index}: no weight_map")
    for tensor, shard in weight_map.items():
        if not isinstance(shard, str):
            raise BadCheckpoint(f"{index}: weight_map gives {tensor!r} no file name")
    return weight_map


def _check_numbers(index: Path, shards: Iterable[Path]) -> None:
    """A shard called 1 of 3 promises two more: an index without them has lost tensors."""
    numbered = [match for shard in shards if (match := _NUMBERED.search(shard.name))]
    for total in {int(match[2]) for match in numbered}:
        missing = set(range(1, total + 1)) - {int(match[1]) for match in numbered if int(match[2]) == total}
        if missing:
            raise BadCheckpoint(f"{index}: names no tensor of shard {min(missing)} of {total}")
