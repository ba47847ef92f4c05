"""A model that was fine-tuned for an estimator: it lives with it, and goes into its pickle."""

from __future__ import annotations

import shutil
import weakref
from functools import cached_property
from pathlib import Path
from typing import Any

from bertkit.api.folders import TemporaryFolder
from bertkit.checkpoints.folders import atomic_folder
from bertkit.inference.model import Model, load


class FineTuned:
    """A folder with a model, which goes when nobody needs it any more.

    Args:
        folder: of the model; it is copied.
        settings: what it is loaded with.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.settings = settings
        self._home = TemporaryFolder()
        shutil.copytree(folder, self.folder)

    @property
    def folder(self) -> Path:
        """Where the model is."""
        return Path(self._home.path) / "model"

    @cached_property
    def model(self) -> Model:
        """The model, ready to answer. Its folder is there as long as it is."""
        found = load(self.folder, **self.settings)
        weakref.finalize(found, _let_go, self._home)
        return found

    def save(self, folder: str | Path) -> None:
        """Writes the model as a folder of its own.

        Raises:
            OutputError: the place cannot be written, or is a folder with something in it.
        """
        with atomic_folder(Path(folder)) as made:
            shutil.copytree(self.folder, made, dirs_exist_ok=True)

    def __getstate__(self) -> dict[str, Any]:
        """All files of the model, as a pickle keeps them."""
        files = {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*") if path.is_file()}
        return {"settings": self.settings, "files": {name: path.read_bytes() for name, path in files.items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The files, in a folder of their own again."""
        self.settings = state["settings"]
        self._home = TemporaryFolder()
        for name, content in state["files"].items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _let_go(home: TemporaryFolder) -> None:
    """The folder was held until now."""
