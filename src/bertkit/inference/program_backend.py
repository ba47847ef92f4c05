"""The back end that computes with a program of `torch.export`, read from its file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from bertkit.batching.packed import Ids
from bertkit.inference.graph_backend import GraphBackend, GraphUse
from bertkit.tasks.contract import Array


class ProgramBackend(GraphBackend):
    """A program that torch has opened.

    Args:
        inputs, outputs: of the program, in its order: its file does not name them.
    """

    dtype, device = "float32", "cpu"

    def __init__(self, path: Path, use: GraphUse, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        super().__init__(path, use, inputs, outputs)
        self._order = tuple(outputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._module = torch.export.load(path).module()

    @torch.inference_mode()
    def compute(self, inputs: Mapping[str, Ids], outputs: Sequence[str]) -> list[Array]:
        """What the program gives."""
        found = self._module(*(torch.from_numpy(inputs[name]) for name in self._inputs))
        named = dict(zip(self._order, found, strict=True))
        return [named[name].numpy() for name in outputs]
