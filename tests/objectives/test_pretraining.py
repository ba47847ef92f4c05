from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.func import functional_call

from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.training import TrainTable
from bertkit.errors import ConfigError
from bertkit.families import albert, bert, distilbert, electra, roberta
from bertkit.families.contract import Family
from bertkit.model.encoder import Encoder
from bertkit.model.heads import build_masked_lm_head
from bertkit.objectives.distillation import Teacher
from bertkit.objectives.objective import Objective
from bertkit.objectives.pretraining import OBJECTIVES, ObjectiveParts, build_objectives, objective_weights
from tests.objectives.training_batches import CONFIG, make_batch, make_encoder

NO_POOLER = CONFIG.model_copy(update={"pooler": False})
MASKED, NEXT, ORDER = "fill-mask", "next-sentence-prediction", "sentence-order-prediction"
DISTIL = {"distillation": {"teacher": "a-teacher"}}


def table(**values: Any) -> TrainTable:
    return TrainTable(steps=1, **values)


def parts(family: Family, pooler: bool = True, teacher: Teacher | None = None, **values: Any) -> ObjectiveParts:
    encoder = make_encoder(CONFIG if pooler else NO_POOLER)
    return ObjectiveParts(family, encoder, table(**values), torch.Generator().manual_seed(1), teacher)


@pytest.mark.parametrize(
    ("values", "sequences", "expected"),
    [
        ({}, "next-sentence", {MASKED: 1.0, NEXT: 1.0}),
        ({}, "sentence-order", {MASKED: 1.0, ORDER: 1.0}),
        ({}, "documents", {MASKED: 1.0}),
        ({"objectives": {MASKED: 2.0}}, "next-sentence", {MASKED: 2.0}),
        ({"generator": {}}, "documents", {"replaced-token-detection": 50.0, "generator-fill-mask": 1.0}),
        (DISTIL, "documents", {"teacher-predictions": 5.0, MASKED: 2.0, "teacher-directions": 1.0}),
        (
            {"distillation": {"teacher": "a-teacher", "cosine": 0.0}},
            "documents",
            {"teacher-predictions": 5.0, MASKED: 2.0},
        ),
    ],
)
def test_weights(values: dict[str, Any], sequences: Any, expected: dict[str, float]) -> None:
    weights = objective_weights(table(**values), sequences)
    assert weights == expected
    assert set(weights) <= set(OBJECTIVES)


def test_what_is_learnt_is_said_once() -> None:
    with pytest.raises(ConfigError, match=r"train\.objectives and train\.generator"):
        objective_weights(table(objectives={MASKED: 1.0}, generator={}), "documents")


@pytest.mark.parametrize(
    ("family", "names", "pooler"),
    [
        (bert.FAMILY, [NEXT, MASKED], True),
        (albert.FAMILY, [MASKED, ORDER], True),
        (roberta.FAMILY, [MASKED], True),
        (electra.FAMILY, ["replaced-token-detection", "generator-fill-mask"], False),
        (distilbert.FAMILY, ["teacher-predictions", MASKED, "teacher-directions"], False),
    ],
)
def test_a_step_reaches_every_head(family: Family, names: list[str], pooler: bool) -> None:
    teacher = Teacher(make_encoder(seed=9), build_masked_lm_head(bert.FAMILY.heads["masked-lm"], CONFIG))
    values = DISTIL if "teacher-predictions" in names else {"generator": {}}
    made = parts(family, pooler, teacher, **values)
    objectives = build_objectives(names, made)
    assert list(objectives) == names
    batch = make_batch()
    tokens = batch.tokens
    for objective in objectives.values():
        tokens = objective.inputs(tokens, batch)
    hidden_TW = made.encoder(tokens)
    for name, objective in objectives.items():
        assert objective.name == name
        loss = objective(made.encoder, hidden_TW, batch)
        assert loss.total.dtype == torch.float32
        assert not any(value.requires_grad for value in loss.sums.values())
        loss.total.backward(retain_graph=True)
    for objective in objectives.values():
        for parameter in objective.parameters():
            assert parameter.grad is not None
            assert parameter.grad.isfinite().all()


def test_one_set_of_parameters_for_all_that_predict_tokens() -> None:
    teacher = Teacher(make_encoder(seed=9), build_masked_lm_head(bert.FAMILY.heads["masked-lm"], CONFIG))
    objectives = build_objectives([MASKED, "teacher-predictions"], parts(bert.FAMILY, True, teacher, **DISTIL))
    first, second = (list(objective.parameters()) for objective in objectives.values())
    assert [id(parameter) for parameter in first] == [id(parameter) for parameter in second]


def test_the_generator_has_the_encoders_tables_and_leaves_them_as_they_were() -> None:
    made = parts(electra.FAMILY, False, generator={})
    before = {name: value.clone() for name, value in made.encoder.state_dict().items()}
    objectives = build_objectives(["replaced-token-detection", "generator-fill-mask"], made)
    own = objectives["generator-fill-mask"].own_encoder
    assert own is not None
    assert own.embeddings.token.weight is made.encoder.embeddings.token.weight
    assert own.config.width == 12
    assert all(torch.equal(value, before[name]) for name, value in made.encoder.state_dict().items())


def test_random_numbers_decide_the_heads() -> None:
    heads = [build_objectives([MASKED], parts(bert.FAMILY))[MASKED].state_dict() for _ in range(2)]
    assert all(torch.equal(value, heads[1][name]) for name, value in heads[0].items())


@pytest.mark.parametrize(
    ("family", "name", "pooler", "what"),
    [
        (roberta.FAMILY, NEXT, True, "the family roberta has no head next-sentence"),
        (bert.FAMILY, ORDER, True, "the family bert has no head sentence-order"),
        (bert.FAMILY, NEXT, False, "next-sentence reads the pooler"),
        (bert.FAMILY, "fill-masks", True, r"unknown objective 'fill-masks' \(did you mean 'fill-mask'\?\)"),
        (electra.FAMILY, "generator-fill-mask", False, r"no table train\.generator"),
        (electra.FAMILY, "replaced-token-detection", False, "its generator learns nothing"),
        (bert.FAMILY, "teacher-predictions", True, r"no table train\.distillation"),
        (bert.FAMILY, "teacher-directions", True, r"no table train\.distillation"),
    ],
)
def test_what_cannot_be_learnt_is_refused(family: Family, name: str, pooler: bool, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        build_objectives([name], parts(family, pooler))


@pytest.mark.parametrize(
    ("family", "names"),
    [
        (electra.FAMILY, ["replaced-token-detection", "generator-fill-mask"]),
        (distilbert.FAMILY, ["teacher-predictions", MASKED]),
    ],
)
def test_a_pass_with_other_tensors_leaves_the_run_as_it_was(family: Family, names: list[str]) -> None:
    class Run(nn.Module):
        def __init__(self, encoder: Encoder, objectives: dict[str, Objective]) -> None:
            super().__init__()
            self.encoder, self.objectives = encoder, nn.ModuleDict(objectives)

        def forward(self, batch: TrainingBatch) -> torch.Tensor:
            tokens = batch.tokens
            for objective in self.objectives.values():
                tokens = objective.inputs(tokens, batch)
            hidden_TW = self.encoder(tokens)
            losses = [objective(self.encoder, hidden_TW, batch).total for objective in self.objectives.values()]
            return torch.stack(losses).sum()

    teacher = Teacher(make_encoder(seed=9), build_masked_lm_head(bert.FAMILY.heads["masked-lm"], CONFIG))
    values = DISTIL if MASKED in names else {"generator": {}}
    made = parts(family, False, teacher, **values)
    run = Run(made.encoder, build_objectives(names, made))
    before = dict(run.named_parameters(remove_duplicate=False))
    copies = {name: p.detach().bfloat16().requires_grad_() for name, p in run.named_parameters()}
    functional_call(run, copies, (make_batch(),)).backward()
    after = dict(run.named_parameters(remove_duplicate=False))
    assert all(after[name] is parameter for name, parameter in before.items())
    assert all(copy.grad is not None for name, copy in copies.items() if "pooler" not in name)
