"""The model that a call is given: one that is loaded already, or the name of one to load."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.inference.model import Model

LOADED_WITH = ("long", "dtype", "device", "backend", "batch_tokens", "revision")  # of a model that is loaded already


def loaded_model(model: Model | str | Path | None, options: Mapping[str, object]) -> Model | None:
    """The model, where it is one; None where it is the name of one, or none is given.

    Args:
        options: of the call: how a model runs is said when it is loaded.

    Raises:
        UserError: it is something else, or it is loaded and options say how it should be.
    """
    if model is None or isinstance(model, str | os.PathLike):
        return None
    from bertkit.inference.model import Model

    if not isinstance(model, Model):
        raise UserError(
            f"model is of type {type(model).__name__}",
            "Give a folder, the name of a hub model, or what bertkit.load gives.",
        )
    said = next((name for name in LOADED_WITH if options.get(name) is not None), None)
    if said is not None:
        raise UserError(
            f"{said} of a model that is loaded already", f"Leave it out, or say it to bertkit.load({said}=…)."
        )
    return model
