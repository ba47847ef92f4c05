"""Options that belong to tasks: what `bertkit predict` reads, how it answers, and what labelled data may be like."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bertkit.config.vectors import VectorPrecision

# Options of the tasks' classes, by their Python names.
TASK_OPTIONS = (
    "top_k",
    "targets",
    "problem",
    "aggregation",
    "max_answer_tokens",
    "doc_stride",
    "hypothesis_template",
    "truncate_dim",
    "precision",
)


Question = Annotated[
    str | None, typer.Option(help="question-answering: the question to every TEXT that has none.", metavar="TEXT")
]
CandidateLabels = Annotated[
    str | None,
    typer.Option(help="zero-shot-classification: the labels of every TEXT that has none.", metavar="A,B,…"),
]
TopK = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Candidates for each mask, answers, or labels: the best so many."),
]
Targets = Annotated[
    str | None,
    typer.Option(metavar="A,B,…", help="fill-mask: only these words, each one token, with its score among all."),
]
Problem = Annotated[
    Literal["single-label", "multi-label", "regression"] | None,
    typer.Option(help="text-classification, zero-shot-classification: what the labels are; by the checkpoint."),
]
Aggregation = Annotated[
    Literal["first", "average", "max"] | None,
    typer.Option(help="token-classification: which pieces decide for a word; the first when left out."),
]
MaxAnswerTokens = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="question-answering: tokens of the longest answer (30).")
]
DocStride = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="question-answering: tokens that windows over a long context share."),
]
HypothesisTemplate = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help='zero-shot-classification: "This example is {}.", {} where the label goes.'),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="sentence-embedding, text-ranking: one of the model's prompts, put before every text; query and document "
        "also choose the encoder of a model that has one for each.",
    ),
]
TruncateDim = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="sentence-embedding: only the first N numbers of each vector.")
]
Precision = Annotated[
    VectorPrecision | None,
    typer.Option(
        help="sentence-embedding: what vectors are stored in; int8 and uint8 need ranges (evaluate --calibrate)."
    ),
]
BadAnswers = Annotated[
    Literal["stop", "drop"] | None,
    typer.Option(
        help="question-answering: answers that do not stand in their context where they are said to: refuse the file "
        "(when left out), or drop them."
    ),
]
