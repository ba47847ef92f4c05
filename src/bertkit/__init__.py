"""bertkit: raw text to a served BERT and back, with one padding-free encoder.

The public names are looked up on first use, so that `import bertkit` (and `bertkit --help`) never waits for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bertkit.api.compressing import compress
    from bertkit.api.evaluation import calibrate, evaluate, find_ranges
    from bertkit.api.explaining import explain
    from bertkit.api.exporting import export
    from bertkit.api.indexing import Index
    from bertkit.api.preparing import prepare
    from bertkit.api.training import distill, finetune, pretrain, sweep
    from bertkit.errors import BertkitError
    from bertkit.inference.model import Model, load
    from bertkit.pretrained.loading import load_encoder
    from bertkit.vectors.quantising import quantize_embeddings
    from bertkit.vectors.search import quantized_search
    from bertkit.workflows.calibration import Calibration
    from bertkit.workflows.compression import Compression
    from bertkit.workflows.evaluation import Evaluation
    from bertkit.workflows.explain import Explanations
    from bertkit.workflows.export import Exported
    from bertkit.workflows.prepare import PreparedShards
    from bertkit.workflows.results import DistillResult, FinetuneResult, PretrainResult, SweepResult
    from bertkit.workflows.vector_ranges import FoundRanges
else:
    _HOMES = {
        "BertkitError": "bertkit.errors",
        "Calibration": "bertkit.workflows.calibration",
        "Compression": "bertkit.workflows.compression",
        "DistillResult": "bertkit.workflows.results",
        "Evaluation": "bertkit.workflows.evaluation",
        "Explanations": "bertkit.workflows.explain",
        "Exported": "bertkit.workflows.export",
        "FoundRanges": "bertkit.workflows.vector_ranges",
        "FinetuneResult": "bertkit.workflows.results",
        "Index": "bertkit.api.indexing",
        "Model": "bertkit.inference.model",
        "PreparedShards": "bertkit.workflows.prepare",
        "PretrainResult": "bertkit.workflows.results",
        "SweepResult": "bertkit.workflows.results",
        "calibrate": "bertkit.api.evaluation",
        "compress": "bertkit.api.compressing",
        "distill": "bertkit.api.training",
        "evaluate": "bertkit.api.evaluation",
        "explain": "bertkit.api.explaining",
        "export": "bertkit.api.exporting",
        "find_ranges": "bertkit.api.evaluation",
        "finetune": "bertkit.api.training",
        "load": "bertkit.api.loading",
        "load_encoder": "bertkit.api.loading",
        "prepare": "bertkit.api.preparing",
        "pretrain": "bertkit.api.training",
        "quantize_embeddings": "bertkit.vectors.quantising",
        "quantized_search": "bertkit.vectors.search",
        "sweep": "bertkit.api.training",
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
    "Calibration",
    "Compression",
    "DistillResult",
    "Evaluation",
    "Explanations",
    "Exported",
    "FinetuneResult",
    "FoundRanges",
    "Index",
    "Model",
    "PreparedShards",
    "PretrainResult",
    "SweepResult",
    "__version__",
    "calibrate",
    "compress",
    "distill",
    "evaluate",
    "explain",
    "export",
    "find_ranges",
    "finetune",
    "load",
    "load_encoder",
    "prepare",
    "pretrain",
    "quantize_embeddings",
    "quantized_search",
    "sweep",
]
