from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from bertkit.errors import ConfigError
from bertkit.families import bert, distilbert
from bertkit.model.copying import copy_head, copy_layers
from bertkit.model.heads import build_masked_lm_head
from bertkit.model.init import initialise
from tests.objectives.training_batches import CONFIG, make_batch, make_encoder

DEEP = CONFIG.model_copy(update={"layer_of_step": tuple(range(6))})
DISTIL = CONFIG.model_copy(update={"layer_of_step": (0, 1, 2), "segment_types": 0, "pooler": False})


def test_layers_are_the_chosen_ones_in_order() -> None:
    teacher, student = make_encoder(DEEP, seed=1), make_encoder(DISTIL, seed=2)
    copy_layers(student, teacher, [0, 4, 2])
    theirs = teacher.state_dict()
    for name, tensor in student.state_dict().items():
        assert torch.equal(tensor, theirs[name.replace("layers.1.", "layers.4.")]), name
    student.embeddings.token.weight.data.zero_()
    assert teacher.embeddings.token.weight.any()  # a copy


def test_all_layers_give_the_teacher_itself() -> None:
    teacher, student, batch = make_encoder(DEEP, seed=1), make_encoder(DEEP, seed=2), make_batch()
    copy_layers(student, teacher, range(6))
    assert torch.equal(student(batch.tokens), teacher(batch.tokens))


def test_a_head_of_another_family() -> None:
    theirs, ours = (
        build_masked_lm_head(family.heads["masked-lm"], CONFIG) for family in (bert.FAMILY, distilbert.FAMILY)
    )
    initialise(theirs, 0.2, torch.Generator().manual_seed(1))
    copy_head(ours, theirs)
    hidden_MW = torch.randn(3, 36)
    assert torch.equal(ours.transform(hidden_MW), theirs.transform(hidden_MW))


@pytest.mark.parametrize(
    ("changes", "layers", "what"),
    [
        ({}, [0, 1], "names 2 layers, the student has 3"),
        ({}, [0, 1, 6], "names layer 6"),
        ({}, [0, 1, -1], "names layer -1"),
        ({"width": 33}, [0, 1, 2], "is 99 by 36 in the teacher and 99 by 33 in the student"),
        ({"final_norm": True}, [0, 1, 2], "the teacher has no final_norm.weight"),
    ],
)
def test_a_student_that_does_not_fit(changes: dict[str, object], layers: Sequence[int], what: str) -> None:
    student = make_encoder(DISTIL.model_copy(update=changes))
    with pytest.raises(ConfigError, match=what):
        copy_layers(student, make_encoder(DEEP), layers)
