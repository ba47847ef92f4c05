"""`bertkit.compress` writes a smaller and faster model, within a bound on what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from typing_extensions import Unpack

from bertkit.api.arguments import config_of
from bertkit.api.data import Data, sources
from bertkit.api.progress import observer_for
from bertkit.api.settings import ColumnOptions
from bertkit.config.compressing import CompressConfig
from bertkit.workflows.compress import compress as compress_job
from bertkit.workflows.compression import Compression


class CompressOptions(ColumnOptions, total=False):
    """What can be said of a compression, by names as on the command line."""

    cascade: str | Path | None
    trim_vocab: str | Path | None
    drop_layers: int | None
    prune_ffn: int | None
    max_loss: float
    calibration_examples: int
    task: str | None
    problem: Literal["single-label", "multi-label", "regression"] | None
    format: str | None
    columns: Mapping[str, str]
    bad_answers: Literal["stop", "drop"] | None
    long: Literal["error", "truncate", "window"]


def compress(
    model: str | Path,
    output: str | Path,
    data: Data | None = None,
    to: Literal["int8", "fp16", "bf16"] | None = None,
    *,
    progress: bool = True,
    **options: Unpack[CompressOptions],
) -> Compression:
    """Writes a smaller model that answers nearly as well, or refuses.

    Args:
        model: a folder or a hub name.
        output: the folder to write; it must be new or empty.
        data: labelled examples, as `evaluate` takes them: they calibrate int8, and what it costs is measured on them.
        to: `int8` (of CPUs), or `fp16` or `bf16`, which need no data; `int8` where nothing else is asked for.
        progress: show how it gets on, in a terminal or a notebook.
        options: `cascade`, a small model with the same labels, which is to answer where it is sure; `trim_vocab`, text
            whose tokens are all that the model is to keep; `drop_layers`, how many layers are to go; `prune_ffn`,
            how many numbers of each MLP are to be left; `max_loss`, the points that the task's metric may fall by
            (0.5); `calibration_examples`; and those of `evaluate`: the columns, `task`, `problem`, `format`,
            `bad_answers`, `long`.

    Returns:
        Sizes, speeds, the metric before and after with the interval of the loss, and what was kept.

    Raises:
        LossTooLarge: it would answer worse than it may; nothing is written.
        NothingGained: a cascade would be no faster.
        UserError: an unknown option, options that do not go together, or a model that cannot be compressed so.
        InputError: the data cannot be read, or does not fit.
        OutputError: the folder cannot be written, or has something in it.
    """
    given: dict[str, object] = {"model": model, "output": output, "to": to, **options}
    given |= {} if data is None else {"data": sources(data, "data")}
    return compress_job(config_of(CompressConfig, "compress()", given), observer_for(progress))
