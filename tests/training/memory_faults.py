"""Runs in which the last rank runs out of memory, on each of torchrun's processes; the first one writes gradients.

Arguments: the folder of data, a folder for the results, and cases as `place/parallel/precision`, where memory is
lacking in the `forward` or the `backward` pass.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from bertkit.batching.training_batch import TrainingBatch
from bertkit.training.ranks import Ranks, joined
from bertkit.training.training_module import Outputs, TrainingModule
from tests.training.in_process import CPU, run_here

SETS = ("train.steps=2", "train.batch_tokens=512", "train.micro_batch_tokens=128", "train.optimiser.learning_rate=1e-4")
FORWARD = TrainingModule.forward
RANK = int(os.environ.get("RANK", "0"))


def lack_memory(place: str) -> None:
    """The second micro-batch of the last rank fails once: after its forward pass, or in the middle of its backward."""
    passes = 0

    def fail(gradient: Tensor) -> None:
        raise torch.OutOfMemoryError("made up")

    def forward(training_module: TrainingModule, batch: TrainingBatch) -> Outputs:
        nonlocal passes
        passes += 1
        if passes != 2 or RANK != 1:
            return FORWARD(training_module, batch)
        if place == "forward":
            FORWARD(training_module, batch)
            raise torch.OutOfMemoryError("made up")
        first = training_module.encoder.layers[0]
        hook = first.register_forward_hook(lambda layer, inputs, output: output.register_hook(fail) and None)
        try:
            return FORWARD(training_module, batch)
        finally:
            hook.remove()

    TrainingModule.forward = forward  # type: ignore[method-assign]


def main(ranks: Ranks, data: Path, results: Path, *cases: str) -> None:
    for number, case in enumerate(cases):
        place, parallel, precision = case.split("/")
        lack_memory(place)
        sets = (f"train.parallel={parallel}", f"train.precision={precision}")
        outcome = run_here(data, results / f"run-{number}-{RANK}", *SETS, *sets, ranks=ranks)
        if outcome.error is not None:
            raise outcome.error
        assert [record["split"] for record in outcome.of("split")] == [2]
        if RANK == 0:
            steps = enumerate(outcome.gradients)
            tensors = {f"{step}/{name}": tensor for step, each in steps for name, tensor in each.items()}
            save_file(tensors, results / f"{case.replace('/', '-')}.safetensors")


if __name__ == "__main__":
    with joined(CPU) as group:
        main(group, Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
