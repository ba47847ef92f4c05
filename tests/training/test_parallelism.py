from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest
import torch

from bertkit.config.training import TrainTable
from bertkit.families.catalogue import find_family
from bertkit.model.heads import Head
from bertkit.objectives.pretraining import ObjectiveParts, build_objectives
from bertkit.training.parallelism import DataParallel
from bertkit.training.training_module import TrainingModule
from tests.objectives.training_batches import CONFIG, make_batch, make_encoder


def make_trainee() -> tuple[TrainingModule, Head]:
    encoder = make_encoder(CONFIG)
    parts = ObjectiveParts(
        find_family("bert", "family"), encoder, TrainTable(steps=1), torch.Generator().manual_seed(1)
    )
    training_module = TrainingModule(encoder, build_objectives({"next-sentence-prediction": 1.0}, parts))
    (objective,) = training_module.each()
    assert isinstance(objective.head, Head)
    return training_module, objective.head


@pytest.mark.parametrize("half", [True, False], ids=["bfloat16 weights", "autocast"])
def test_the_last_layer_of_a_head_is_learnt_in_float32(half: bool) -> None:
    training_module, head = make_trainee()
    logits: list[torch.Tensor] = []
    inputs: list[torch.Tensor] = []

    def look(module: torch.nn.Module, given: tuple[torch.Tensor], output: torch.Tensor) -> None:
        inputs.append(given[0].detach())
        logits.append(output.detach())

    head.classifier.register_forward_hook(look)  # type: ignore[arg-type]
    weight, bias = head.classifier.weight, head.classifier.bias
    table = training_module.encoder.embeddings.token.weight
    parallelism = DataParallel(training_module, 1, half=half)
    parallelism.begin()
    around: AbstractContextManager[object] = nullcontext() if half else torch.autocast("cpu", torch.bfloat16)
    with around:
        loss = parallelism.forward(make_batch())["next-sentence-prediction"]["loss"]
    assert head.classifier.weight is weight
    assert half == (training_module.encoder.embeddings.token.weight.dtype == torch.bfloat16)
    loss.backward()  # type: ignore[no-untyped-call]
    parallelism.collect()
    parallelism.finish()
    assert inputs[0].dtype == torch.bfloat16
    assert torch.equal(logits[0], torch.nn.functional.linear(inputs[0].float(), weight, bias))  # type: ignore[arg-type]
    assert training_module.encoder.embeddings.token.weight is table
    for parameter in training_module.parameters():
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32
    assert head.classifier.weight.grad.abs().sum() > 0  # type: ignore[union-attr, operator]
