"""Options of `bertkit predict` that belong to tasks: their input fields, and how they answer."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

# Fields of a row, each with an option `--…-column`; and options of the tasks' classes. Both by their Python names.
FIELDS = ("text", "text_pair", "question", "context", "query", "documents", "choices", "candidate_labels")
TASK_OPTIONS = ("top_k", "problem", "aggregation", "max_answer_tokens", "doc_stride", "hypothesis_template")


def _column(what: str) -> object:
    return typer.Option(help=f"The column that holds the {what}.", metavar="NAME")


QuestionColumn = Annotated[str | None, _column("question")]
ContextColumn = Annotated[str | None, _column("context of a question")]
QueryColumn = Annotated[str | None, _column("query")]
DocumentsColumn = Annotated[str | None, _column("documents, a list (jsonl, parquet)")]
ChoicesColumn = Annotated[str | None, _column("choices, a list (jsonl, parquet)")]
CandidateLabelsColumn = Annotated[str | None, _column("candidate labels, a list or separated by commas")]

Question = Annotated[
    str | None, typer.Option(help="question-answering: the question to every TEXT that has none.", metavar="TEXT")
]
CandidateLabels = Annotated[
    str | None,
    typer.Option(help="zero-shot-classification: the labels of every TEXT that has none.", metavar="A,B,…"),
]
TopK = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="fill-mask: candidates for each mask; question-answering: answers."),
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
