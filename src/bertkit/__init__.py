"""bertkit: raw text to a served BERT and back, with one padding-free encoder.

The public names are looked up on first use, so that `import bertkit` (and `bertkit --help`) never waits for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bertkit.api.evaluation import calibrate, evaluate
    from bertkit.api.explaining import explain
    from bertkit.api.preparing import prepare
    from bertkit.errors import BertkitError
    from bertkit.inference.model import Model, load
    from bertkit.pretrained.loading import load_encoder
else:
    _HOMES = {
        "BertkitError": "bertkit.errors",
        "Model": "bertkit.inference.model",
        "calibrate": "bertkit.api.evaluation",
        "evaluate": "bertkit.api.evaluation",
        "explain": "bertkit.api.explaining",
        "load": "bertkit.inference.model",
        "load_encoder": "bertkit.pretrained.loading",
        "prepare": "bertkit.api.preparing",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'bertkit' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "BertkitError",
    "Model",
    "__version__",
    "calibrate",
    "evaluate",
    "explain",
    "load",
    "load_encoder",
    "prepare",
]
