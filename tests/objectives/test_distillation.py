from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bertkit.errors import ConfigError
from bertkit.families.bert import FAMILY
from bertkit.model.heads import MaskedLMHead, build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.objectives.distillation import Teacher, TeacherDirections, TeacherPredictions, check_teacher
from tests.objectives.training_batches import CONFIG, make_batch, make_encoder

DEEP = CONFIG.model_copy(update={"layer_of_step": (0, 1, 2, 3), "hidden_dropout": 0.5})


def make_head(seed: int) -> MaskedLMHead:
    head = build_masked_lm_head(FAMILY.heads["masked-lm"], CONFIG)
    initialise(head, 0.2, torch.Generator().manual_seed(seed))
    return head


def make_teacher() -> Teacher:
    return Teacher(make_encoder(DEEP, seed=5), make_head(6))


@pytest.mark.parametrize("only_masked", [False, True])
def test_predictions_equal_the_formula(only_masked: bool) -> None:
    encoder, teacher, batch = make_encoder(), make_teacher(), make_batch()
    objective = TeacherPredictions(make_head(1), teacher, temperature=2.0, only_masked=only_masked)
    hidden_TW = encoder(batch.tokens)
    loss = objective(encoder, hidden_TW, batch)
    places = batch.targets["masked_M"] if only_masked else torch.arange(52)
    p, q = (
        torch.softmax(head(hidden[places], table) / 2.0, dim=-1)
        for head, hidden, table in (
            (teacher.head, teacher.encoder(batch.tokens), teacher.encoder),
            (objective.head, hidden_TW, encoder),
        )
    )
    expected = 4.0 * (p * (p.log() - q.log())).sum()
    torch.testing.assert_close(loss.total, expected)
    assert objective.count(batch) == len(places)
    parameters = [*encoder.layers.parameters(), encoder.embeddings.token.weight, *objective.parameters()]
    assert_same(
        torch.autograd.grad(loss.total, parameters, retain_graph=True), torch.autograd.grad(expected, parameters)
    )


def assert_same(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> None:
    largest = max(gradient.abs().max() for gradient in theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert (our - their).abs().max() <= 1e-5 * largest


def test_a_student_like_its_teacher_has_nothing_to_learn() -> None:
    teacher, batch = make_teacher(), make_batch()
    for objective in (TeacherPredictions(teacher.head, teacher, 2.0), TeacherDirections(teacher)):
        loss = objective(teacher.encoder, teacher.encoder(batch.tokens), batch)
        assert abs(loss.total.item()) < 1e-4


def test_directions_equal_the_formula() -> None:
    encoder, teacher, batch = make_encoder(), make_teacher(), make_batch()
    objective = TeacherDirections(teacher)
    hidden_TW, theirs_TW = encoder(batch.tokens), teacher.encoder(batch.tokens)
    loss = objective(encoder, hidden_TW, batch)
    expected = nn.CosineEmbeddingLoss(reduction="sum")(hidden_TW, theirs_TW, torch.ones(52))
    torch.testing.assert_close(loss.total, expected)
    assert objective.count(batch) == 52


def test_the_teacher_stays_out_of_the_run() -> None:
    teacher = make_teacher()
    predictions, directions = TeacherPredictions(make_head(1), teacher, 2.0), TeacherDirections(teacher)
    assert set(predictions.state_dict()) == {f"head.{name}" for name in make_head(1).state_dict()}
    assert not list(directions.parameters())
    predictions.train()
    assert not teacher.encoder.training
    assert not teacher.head.training
    assert not any(p.requires_grad for part in (teacher.encoder, teacher.head) for p in part.parameters())
    assert not teacher.hidden(make_batch()).requires_grad


def test_the_teacher_reads_a_batch_once() -> None:
    teacher, batch = make_teacher(), make_batch()
    first = teacher.hidden(batch)
    assert teacher.hidden(batch) is first
    assert teacher.hidden(make_batch(seed=1)) is not first


@pytest.mark.parametrize(
    ("changes", "directions", "what"),
    [
        ({"vocab_size": 98}, False, "the teacher has 99 tokens, the student 98"),
        ({"width": 33}, True, "36 wide, the student's 33"),
        ({"width": 33}, False, None),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(changes: dict[str, object], directions: bool, what: str | None) -> None:
    student = make_encoder(CONFIG.model_copy(update=changes))
    if what is None:
        check_teacher(make_encoder(DEEP), student, directions=directions)
        return
    with pytest.raises(ConfigError, match=what):
        check_teacher(make_encoder(DEEP), student, directions=directions)
