"""`bertkit.explain`: a model's answers, and why."""

from __future__ import annotations

from pathlib import Path

from bertkit.api.arguments import config_of
from bertkit.api.models import loaded_model
from bertkit.config.explaining import ExplainConfig
from bertkit.config.wording import worded
from bertkit.formats.python_rows import AnyRow, AnyRows
from bertkit.inference.model import Model
from bertkit.workflows.explain import Explanations
from bertkit.workflows.explain import explain as explain_job


@worded
def explain(
    model: Model | str | Path | None, rows: AnyRow | AnyRows, kind: str = "attribution", **options: object
) -> Explanations:
    """Answers rows, and says why: what each word adds to the score, how attention flows, or which heads matter.

    Args:
        model: a model that is loaded, a folder or a hub name; None is the built-in default.
        rows: as `Model.predict` takes them; of one row alone, one explanation comes.
        kind: `attribution`, `rollout` or `heads`.
        options: `target`, what to explain instead of the best answer; `steps` of an attribution; and, of a model that
            is not loaded yet, `task`, `long` (`error` or `truncate`), `device`, `batch_tokens`, `revision`.

    Raises:
        UserError: an unknown argument, a task that has no score, or nothing is called as the target is.
        InputError: at the first row that has no answer; it is named.
    """
    ready = loaded_model(model, options)
    given = {"model": None if ready is not None else model, "kind": kind, **options}
    return explain_job(config_of(ExplainConfig, "explain()", given), rows, model=ready)
