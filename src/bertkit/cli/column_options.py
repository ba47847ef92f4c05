"""`--text-column`, `--label-column` …: every field that a task reads can be named, in every command in the same way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import typer

# The fields of labelled examples, and what a column of each holds; in the order in which help lists them.
LABELLED: Mapping[str, str] = MappingProxyType(
    {
        "text": "text",
        "text_pair": "second text",
        "positive": "text that answers the query (text-ranking)",
        "negative": "text that does not belong to the first one, or answer the query",
        "label": "label, number, score or tags; several with commas between are a column a label, 0 or 1 in each",
        "tokens": "words, a list (token-classification)",
        "entities": "entities, a list (token-classification)",
        "question": "question",
        "context": "context of a question",
        "answers": "answers, in one of SQuAD's forms",
        "answer": "answer, one text",
        "answer_start": "place where the answer begins",
        "query": "query",
        "documents": "documents, a list",
        "labels": "numbers of the documents, a list",
        "document": "document, where each has a row of its own",
        "choices": "choices, a list",
        "id": "id of each row",
    }
)
# The fields of what is asked.
TEXTS: Mapping[str, str] = MappingProxyType({field: LABELLED[field] for field in ("text", "text_pair")})
ASKED: Mapping[str, str] = MappingProxyType(
    {
        **TEXTS,
        **{field: LABELLED[field] for field in ("question", "context", "query", "documents", "document", "choices")},
        **{field: LABELLED[field] for field in ("positive", "negative", "tokens", "id")},
        "candidate_labels": "candidate labels, a list or separated by commas",
    }
)
NONE: Mapping[str, str] = MappingProxyType({})

Command = TypeVar("Command", bound=Callable[..., None])


def column_options(fields: Mapping[str, str]) -> Callable[[Command], Command]:
    """Gives a command an option for the column of each field.

    The command has a parameter `columns`, in whose place the options stand; it takes those that were given, field ->
    column.
    """
    names = {field: f"{field}_column" for field in fields}

    def with_options(command: Command) -> Command:
        @wraps(command)
        def called(**given: Any) -> None:
            asked = {field: given.pop(name) for field, name in names.items()}
            command(**given, columns={field: column for field, column in asked.items() if column is not None})

        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for name, parameter in signature.parameters.items():
            parameters += map(_option, names.values(), fields.values()) if name == "columns" else [parameter]
        called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return called  # type: ignore[return-value]

    return with_options


def _option(name: str, what: str) -> inspect.Parameter:
    option = typer.Option(help=f"The column that holds the {what}.", metavar="NAME")
    return inspect.Parameter(
        name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Annotated[str | None, option]
    )
