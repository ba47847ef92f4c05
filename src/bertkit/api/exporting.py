"""`bertkit.export`: a model's network as a graph that other programs compute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bertkit.api.arguments import config_of
from bertkit.api.progress import observer_for
from bertkit.config.exporting import ExportConfig
from bertkit.workflows.export import Exported
from bertkit.workflows.export import export as export_job


def export(
    model: str | Path | None, output: str | Path, to: str | Sequence[str], *, progress: bool = True, **options: object
) -> Exported:
    """Writes a folder with a model's network as a graph, after it was tried against the model.

    Args:
        model: a folder or a hub name; None is the built-in default.
        output: the folder to write; it must be new or empty.
        to: the format, or several for one folder: `onnx`, `onnx-int8`, `openvino`, `openvino-int8`, `torch`,
            `gguf`, `gguf-int8`.
        progress: say how far each graph agrees with the model.
        options: `task`, what the graph does; `revision` of a hub model.

    Raises:
        UserError: an unknown argument, or the libraries for a format are not installed.
        BadExport: a graph does not compute what the model computes; nothing is written.
        OutputError: the place cannot be written, or is a folder with something in it.
    """
    formats = [to] if isinstance(to, str) else [*to]
    given = {"model": model, "output": output, "to": formats, **options}
    return export_job(config_of(ExportConfig, "export()", given), observer_for(progress))
