"""A network as a program of `torch.export`: a file that torch opens without bertkit's code."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from bertkit.exports.padded_network import PaddedNetwork


def write_program(program: PaddedNetwork, path: Path) -> None:
    """Write a network and its weights, for any number of texts of any length from two tokens on."""
    path.parent.mkdir(exist_ok=True)
    any_size = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    shapes = tuple(any_size for _ in program.signature.inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(program, program.example(), dynamic_shapes=shapes), path)
