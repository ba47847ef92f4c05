"""Which two models are compared, over what: what the command line and Python say. Torch-free."""

from __future__ import annotations

from bertkit.config.strict import Strict


class CompareConfig(Strict):
    """A comparison.

    Attributes:
        a, b: folders or hub names, of checkpoints or of graphs.
        data: rows that both answer; sentences of bertkit's own where left out.
        format: of the data; by the file's ending where left out.
        task: the hub's name of what they are asked for; what A's head does where left out.
    """

    a: str
    b: str
    data: str | None = None
    format: str | None = None
    task: str | None = None
