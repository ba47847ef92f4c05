"""What is explained, and how: what Python says. Torch-free."""

from __future__ import annotations

from typing import Literal

from bertkit.config.strict import Strict
from bertkit.config.training import Size

STEPS = 32  # points that attribution integrates over, where nobody says how many


class ExplainConfig(Strict):
    """Explanations of a model's answers.

    Attributes:
        model: a folder or a hub name; the built-in model where left out.
        task: the hub's name of what it does; what its head does where left out.
        kind: `attribution`: what each token adds to the answer's score; `rollout`: how attention flows; `heads`: which
            attention heads matter.
        target: what is explained instead of the best answer, such as a label.
        steps: points that attribution integrates over; more is nearer to exact.
        long: what to do with a text that is longer than the model reads; in windows it has no explanation.
        device, batch_tokens, revision: as `bertkit.load` has them.
    """

    model: str | None = None
    task: str | None = None
    kind: Literal["attribution", "rollout", "heads"] = "attribution"
    target: str | None = None
    steps: Size = STEPS
    long: Literal["error", "truncate"] = "error"
    device: str = "auto"
    batch_tokens: Size | None = None
    revision: str | None = None
