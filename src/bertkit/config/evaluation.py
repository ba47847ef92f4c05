"""What is scored, and beside which labelled data: what the command line and Python say. Torch-free."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bertkit.config.data_source import Sources
from bertkit.config.strict import Strict
from bertkit.config.training import Share, Size
from bertkit.config.vectors import VectorPrecision


class EvaluateConfig(Strict):
    """An evaluation.

    Attributes:
        data: the labelled examples: a file, or rows in memory; several are read as one.
        model: a folder or a hub name; None where predictions are scored, or a model that is loaded already.
        predictions: a file of records as `bertkit predict --json` writes them, or of answers by SQuAD's ids.
        task: the hub's name of what is scored; by the model or the predictions where left out.
        problem: of text-classification and zero-shot-classification; by the data where left out.
        no_answer_scores: of answers by ids: a file that says how probable no answer is.
        format: of the labelled data; by the file's ending where left out.
        columns: field name -> the column that fills it.
        bad_answers: of question-answering, what to do with answers that do not stand in their context where they are
            said to: refuse the file, or drop them.
        report: a file to write a page to.
        against: another file of predictions for the same data, that is compared.
        long, dtype, device, backend, batch_tokens: how the model runs, as `bertkit.load` has them.
        precision: of sentence-embedding: score vectors that are stored so, to see what that costs.
    """

    data: Sources
    model: str | None = None
    predictions: str | None = None
    task: str | None = None
    problem: Literal["single-label", "multi-label", "regression"] | None = None
    no_answer_scores: str | None = None
    format: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    bad_answers: Literal["stop", "drop"] | None = None
    report: str | None = None
    against: str | None = None
    long: Literal["error", "truncate", "window"] = "window"
    dtype: str = "auto"
    device: str = "auto"
    backend: str = "auto"
    batch_tokens: Size | None = None
    precision: VectorPrecision | None = None


class CalibrateConfig(EvaluateConfig):
    """An evaluation, of which a classifier's folder keeps how sure its answers may be.

    Attributes:
        abstain_at_precision: answer only from the score where this share is right; None answers always.
    """

    abstain_at_precision: Share | None = None
