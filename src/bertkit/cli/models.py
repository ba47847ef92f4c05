"""Which folder a `-m MODEL` means."""

from __future__ import annotations

from pathlib import Path


def model_folder(model: str | None, revision: str | None) -> Path:
    """The folder of a local or hub model, fetched if need be; of the built-in one when `model` is None.

    Raises:
        ModelNotFound: there is no such model, or the built-in one is not installed.
    """
    if model is None:
        from bertkit.checkpoints.embedded import embedded_folder

        return embedded_folder()
    from bertkit.checkpoints.hub import locate

    return locate(model, revision=revision)
