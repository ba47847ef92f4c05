"""`bertkit.prepare`: a corpus to shards of tokens, to pre-train on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bertkit.api.arguments import config_of
from bertkit.api.progress import observer_for
from bertkit.config.preparing import PrepareConfig
from bertkit.config.wording import worded
from bertkit.workflows.prepare import PreparedShards
from bertkit.workflows.prepare import prepare as prepare_job


@worded
def prepare(
    corpus: str | Path | Sequence[str | Path], output: str | Path, *, progress: bool = True, **options: object
) -> PreparedShards:
    """Makes a folder of shards of a corpus; killed at any moment, the same call goes on where it stopped.

    Args:
        corpus: files of text, gzip or not, or folders of them.
        output: the folder to make, or to go on with.
        progress: show how it gets on, in a terminal or a notebook.
        options: those of `bertkit prepare`: `vocab`, `format`, `text_column`, `processes`, `shard_tokens`, `held_out`,
            `near_duplicates`, `keep_duplicates`, `min_characters`, `no_filters`, `append`.

    Raises:
        UserError: an unknown argument, or the folder was begun with other options.
        InputError: a file cannot be read, or nothing of the corpus is left.
        OutputError: the folder cannot be written, or another run writes there.
    """
    several = [corpus] if isinstance(corpus, str | Path) else [*corpus]
    config = config_of(PrepareConfig, "prepare()", {"corpus": several, "output": output, **options})
    with observer_for(progress).counting("MB") as tick:
        return prepare_job(config, progress=lambda text_bytes: tick(text_bytes / 1e6))
