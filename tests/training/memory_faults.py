"""A step in which the last rank runs out of memory, on each of torchrun's processes; the first one writes gradients.

Arguments: the folder of data, the run's folder, where memory is lacking (`nowhere`, `forward` or `backward`), where the
first rank's gradients go, and changes to the run's file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from bertkit.batching.training_batch import TrainingBatch
from bertkit.training.trainee import Outputs, Trainee
from tests.training.in_process import Outcome, run_here

FORWARD = Trainee.forward
RANK = int(os.environ.get("RANK", "0"))


def lack_memory(place: str) -> None:
    """The second micro-batch of the last rank fails once: in its forward pass, or half way through its backward."""
    passes = 0

    def fail(gradient: Tensor) -> None:
        raise torch.OutOfMemoryError("made up")

    def forward(trainee: Trainee, batch: TrainingBatch) -> Outputs:
        nonlocal passes
        passes += 1
        if passes != 2 or RANK != 1:
            return FORWARD(trainee, batch)
        if place == "forward":
            FORWARD(trainee, batch)
            raise torch.OutOfMemoryError("made up")
        middle = trainee.encoder.layers[0]
        hook = middle.register_forward_hook(lambda layer, inputs, output: output.register_hook(fail) and None)
        try:
            return FORWARD(trainee, batch)
        finally:
            hook.remove()

    Trainee.forward = forward  # type: ignore[method-assign]


def main(data: str, directory: str, place: str, result: str, *sets: str) -> None:
    if place != "nowhere":
        lack_memory(place)
    outcome: Outcome = run_here(Path(data), Path(directory) / str(RANK), *sets)
    if outcome.error is not None:
        raise outcome.error
    splits = [record["split"] for record in outcome.of("split")]
    assert splits == ([] if place == "nowhere" else [2]), splits
    if RANK == 0:
        steps = enumerate(outcome.gradients)
        save_file({f"{step}/{name}": tensor for step, each in steps for name, tensor in each.items()}, result)


if __name__ == "__main__":
    main(*sys.argv[1:])
