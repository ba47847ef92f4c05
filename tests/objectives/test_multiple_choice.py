from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bertkit.objectives.multiple_choice import ChoiceObjective
from bertkit.sampling.sample_stream import Sample, SampleBatch
from bertkit.training.micro_batches import as_tensors
from bertkit.training.training_module import TrainingModule
from tests.objectives.padded_peers import SEQUENCES, agree, trained
from tests.parity.task_peers import make_task_peer


def test_choices(tmp_path: Path) -> None:
    """Three texts, of 2, 2 and 1 choices; transformers takes as many for each, so it gets them one by one."""
    peer = make_task_peer("multiple-choice", tmp_path).eval()
    encoder, head = trained(tmp_path, "multiple-choice")
    parts, right = [range(2), range(2, 4), range(4, 5)], [1, 0, 0]
    samples = [
        Sample(
            tuple(SEQUENCES.ids[place] for place in part),
            tuple(SEQUENCES.segments[place] for place in part),
            {"choices_S": np.array([len(part)]), "right_S": np.array([place])},
        )
        for part, place in zip(parts, right, strict=True)
    ]
    batch = as_tensors(SampleBatch(samples).pack(range(3)))
    objective = ChoiceObjective(head)
    output = TrainingModule(encoder, {objective.name: objective})(batch)[objective.name]  # type: ignore[arg-type]
    losses, correct = [], 0
    for part, place in zip(parts, right, strict=True):
        inputs = {name: tensor[list(part)].unsqueeze(0) for name, tensor in SEQUENCES.padded().items()}
        theirs = peer(**inputs, labels=torch.tensor([place]))
        losses.append(theirs.loss)
        correct += int(theirs.logits.argmax() == place)
    agree(output["loss"] / 3, torch.stack(losses).mean(), encoder, peer)
    assert int(output["correct"]) == correct
