"""A calibration's temperature in the classifier itself: every program that opens the folder has honest scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bertkit.checkpoints.stored import StoredTensors
from bertkit.errors import UserError
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.name_table import stored_names
from bertkit.tasks.catalogue import find_task

if TYPE_CHECKING:
    from torch import Tensor

LAST_LAYER = ("classifier.weight", "classifier.bias")
CALIBRATE = "Calibrate it first: bertkit evaluate -m MODEL --data FILE --calibrate."


def baked(pretrained: Pretrained) -> Pretrained:
    """The checkpoint with its classifier's weights and bias divided by the temperature, which is 1 from then on.

    Softmax and sigmoid of what the classifier gives are then what bertkit has said all along, and the threshold below
    which an answer is withheld stays.

    Raises:
        UserError: there is no calibration, or no single last layer that could be divided.
    """
    known = pretrained.calibration
    if known is None:
        raise UserError(f"{pretrained.source}: has no calibration, whose temperature could be baked in", CALIBRATE)
    head, modules = find_task(known.task).head_name, pretrained.cross_encoder
    whole = modules is None or modules.parts is None
    if head not in pretrained.heads or not whole or pretrained.cascade is not None:
        raise UserError(
            f"{pretrained.source}: its classifier is not one layer over one encoder, into which a temperature is baked",
            "Leave --bake-temperature out: bertkit divides by the temperature itself.",
        )
    rows = pretrained.table(pretrained.family.heads[str(head)].weights)
    names = {
        name
        for row in rows
        if row.ours in LAST_LAYER
        for name in stored_names(row, pretrained.tensors.headers)
        if name is not None
    }
    stored, temperature = pretrained.tensors, known.temperature

    def read() -> Mapping[str, Tensor]:
        divided = {name: (stored[name].float() / temperature).to(stored[name].dtype) for name in names}
        return {**stored, **divided}

    calibration = known.model_copy(update={"temperature": 1.0})
    return replace(pretrained, tensors=StoredTensors(stored.headers, read), calibration=calibration)
