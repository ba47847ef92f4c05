"""A folder's weights before they are read: names, shapes and precisions at once, the numbers when one is asked for.

Torch is imported where numbers are asked for, and for a pickle, of which nobody else knows what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bertkit.checkpoints.headers import TensorHeader, read_header, read_numbers
from bertkit.checkpoints.weight_files import WeightFiles, check_shard, find_weights
from bertkit.errors import BadCheckpoint

if TYPE_CHECKING:
    from torch import Tensor

Numbers = npt.NDArray[np.float32]


class StoredTensors(Mapping[str, "Tensor"]):
    """Tensors by name.

    Args:
        headers: what is known of each before it is read.
        read: reads them all; called once, when the first is asked for.
        numbers: reads one of them as float32 without torch; torch reads it where this is left out.
    """

    def __init__(
        self,
        headers: Mapping[str, TensorHeader],
        read: Callable[[], Mapping[str, Tensor]],
        numbers: Callable[[str], Numbers] | None = None,
    ) -> None:
        self.headers = headers
        self._read = read
        self.numbers = numbers or self._by_torch

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> StoredTensors:
        """Tensors that are in memory."""
        headers = {
            name: TensorHeader(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
            for name, tensor in tensors.items()
        }
        return cls(headers, lambda: tensors)

    def __getitem__(self, name: str) -> Tensor:
        """The tensor, mapped from its file where it is in one."""
        return self._tensors[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is one of this name; nothing is read."""
        return name in self.headers

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self.headers)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.headers)

    def renamed(self, names: Mapping[str, str], transposed: Collection[str] = ()) -> StoredTensors:
        """Some of them under other names.

        Args:
            names: the name that each has here, by its new one.
            transposed: new names of matrices whose rows and columns change places.
        """
        headers = {}
        for new, old in names.items():
            header = self.headers[old]
            headers[new] = TensorHeader(header.shape[::-1], header.dtype) if new in transposed else header

        def read() -> Mapping[str, Tensor]:
            return {new: self[old].T if new in transposed else self[old] for new, old in names.items()}

        def numbers(new: str) -> Numbers:
            found = self.numbers(names[new])
            return found.T if new in transposed else found

        return StoredTensors(headers, read, numbers)

    @cached_property
    def _tensors(self) -> Mapping[str, Tensor]:
        return self._read()

    def _by_torch(self, name: str) -> Numbers:
        numbers: Numbers = self[name].float().numpy()
        return numbers


class DescribedTensors(StoredTensors):
    """Tensors that a model has without their being anywhere: their numbers are in a graph.

    Args:
        folder: of the graph, for the error that asking for one is.
    """

    def __init__(self, headers: Mapping[str, TensorHeader], folder: Path) -> None:
        def read() -> Mapping[str, Tensor]:
            raise BadCheckpoint(
                f"{folder}: has a graph for another runtime, and no weights",
                "Use the checkpoint that it was exported from; to answer with the graph, choose --backend auto.",
            )

        super().__init__(headers, read)


def open_tensors(folder: Path) -> StoredTensors:
    """The weights of a folder by the names they have in its files; see `read_tensors`, which reads them.

    Raises:
        BadCheckpoint: no weights in the folder, a file damaged or half-written, index and shards that disagree.
        UnsafeCheckpoint: a `.bin` whose reading would run code. It did not run.
    """
    weights = find_weights(folder)
    if weights.bundle_index is not None:  # few need what reads TensorFlow's files
        from bertkit.checkpoints.bundle_index import check_data_files, read_index, without_training_state

        index = read_index(weights.bundle_index)
        check_data_files(weights.bundle_index, index)
        headers = {name: entry.header for name, entry in without_training_state(index).items()}
        return StoredTensors(headers, lambda: _read(weights))
    if any(file.suffix != ".safetensors" for file in weights.files):
        return StoredTensors.of(_read(weights))
    return open_safetensors(weights)


def open_safetensors(weights: WeightFiles) -> StoredTensors:
    """The tensors of safetensors files.

    Raises:
        BadCheckpoint: a file is damaged or half-written, or is not the shard that the index says.
    """
    headers: dict[str, TensorHeader] = {}
    homes: dict[str, Path] = {}
    for file in weights.files:
        part = read_header(file)
        check_shard(weights, file, part)
        headers |= part
        homes |= dict.fromkeys(part, file)
    return StoredTensors(headers, lambda: _read(weights), lambda name: read_numbers(homes[name], name))


def _read(weights: WeightFiles) -> Mapping[str, Tensor]:
    from bertkit.checkpoints.tensors import read_files

    return read_files(weights)
