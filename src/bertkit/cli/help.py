"""What `--help` of a command shows: its options in groups, with `--task` only those of that task, and examples.

Every option of every command is in one group. Which tasks an option is for, its own help says: those that it names.
The tasks, which bring numpy, are looked at only where one is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from bertkit.cli.examples import EXAMPLES

if TYPE_CHECKING:
    from bertkit.tasks.spec import TaskSpec

ENDING = "_column"
COLUMNS = "Columns"
# In the order in which they are shown. An option whose name ends with `ENDING` is one of the columns.
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Input": (
            *("input", "data", "train", "eval", "predictions", "against", "no_answer_scores", "format", "delimiter"),
            *("text_pair", "question", "candidate_labels", "bad_answers", "vocab", "docs", "work", "words", "overlap"),
        ),
        "Model": (
            *("model", "task", "problem", "revision", "prompt", "query_prompt", "teacher", "student", "kind"),
            *("vocab_size", "cased"),
            *("min_frequency", "limit_alphabet", "unused", "pooling", "normalize", "max_length", "lora", "layers"),
            *("cascade", "trim_vocab", "drop_layers", "prune_ffn", "bake_temperature"),
        ),
        COLUMNS: (),
        "Task": (
            *("top_k", "targets", "aggregation", "max_answer_tokens", "doc_stride", "hypothesis_template"),
            *("truncate_dim", "precision", "long"),
        ),
        "Searching": ("hybrid", "rerank", "answer", "answer_model", "filter"),
        "Training": ("quick", "epochs", "batch_size", "learning_rate", "seed", "seeds", "search", "set"),
        "Measuring": (
            *("calibrate", "abstain_at_precision", "report", "max_loss", "calibration_examples", "seconds", "peers"),
            *("peer_python", "leaderboard", "rate", "route", "api_key", "timeout", "tolerance"),
        ),
        "Explaining": ("explain", "explain_target", "explain_steps"),
        "Machine": (
            *("on", "devices", "link", "hardware", "kwh", "lengths", "batch", "engine", "recompute"),
            *("compare", "choose", "need", "budget", "buy_vs_rent", "check"),
        ),
        "Network": (
            *("host", "port", "socket", "allow_host", "certificate", "private_key"),
            *("api_key_file", "admin_key_file", "new_key", "no_auth", "index"),
        ),
        "Corpus": (
            *("sequences", "length", "held_out", "shard_tokens", "min_characters", "no_filters", "near_duplicates"),
            *("keep_duplicates", "append", "audit", "families"),
        ),
        "Output": (
            "output",
            "to",
            "json",
            "html",
            "markdown",
            "picture",
            "keep",
            "part_rows",
            "shard",
            "on_error",
            "log_requests",
        ),
        "Expert": (
            *("dtype", "device", "backend", "invariant", "batch_tokens", "processes"),
            *("truncate", "queue_tokens", "drain", "p95", "cache_mb", "memory_mb"),
        ),
        "Help": ("help", "version"),
    }
)
GROUP_OF: Mapping[str, str] = MappingProxyType({name: title for title, names in GROUPS.items() for name in names})
EXIT_CODES = (
    "Exit codes: 0 done, 1 failed, 2 wrong use or bad input, 130 interrupted, 141 closed pipe, 143 ended by SIGTERM. "
    "--debug shows the traceback of an error."
)


class HelpfulCommand(TyperCommand):
    """A command whose help is read from the top by somebody who has a task to do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Notes the task before --help ends the command."""
        ctx.meta["task"] = task_in(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then options group by group."""
        task = ctx.meta.get("task")
        shown: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None or (task is not None and not is_for(parameter.name or "", record[1], task, self.name)):
                continue
            title = "Arguments" if parameter.param_type_name == "argument" else group_of(parameter.name or "")
            shown.setdefault(title, []).append(record)
        for title in ("Arguments", *GROUPS):
            if title in shown:
                with formatter.section(title):
                    formatter.write_dl(shown[title])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Examples, and how the program ends."""
        if lines := EXAMPLES.get(self.name or "", ()):
            with formatter.section("Examples"):
                formatter.write("".join(f"{'':{formatter.current_indent}}{line}\n" for line in lines))
        formatter.write_paragraph()
        formatter.write_text(EXIT_CODES)


def group_of(name: str) -> str:
    """The group of an option, by the name of its parameter.

    Raises:
        KeyError: it is in none.
    """
    return COLUMNS if name.endswith(ENDING) else GROUP_OF[name]


def task_in(arguments: Sequence[str]) -> str | None:
    """The task that a command line names."""
    given = iter(arguments)
    for argument in given:
        name, equals, value = argument.partition("=")
        if name == "--task":
            from bertkit.tasks.catalogue import TASKS

            task = value if equals else next(given, "")
            return task if task in TASKS else None
    return None


def is_for(name: str, says: str, task: str, command: str | None) -> bool:
    """Whether an option has a use with a task.

    Args:
        name: of its parameter.
        says: its help.
    """
    from bertkit.tasks.catalogue import find_spec

    spec = find_spec(task)
    if name.endswith(ENDING):
        return name.removesuffix(ENDING) in (*fields_of(spec, command), "id")
    if name in ("text_pair", "question", "candidate_labels"):
        return name in spec.task.fields
    named = set(tasks_named(says))
    return not named or task in named


def fields_of(spec: TaskSpec, command: str | None) -> tuple[str, ...]:
    """The fields that a command reads for a task."""
    from bertkit.tasks.catalogue import find_spec

    labelled = find_spec(spec.labelled_as or spec.name)
    if command == "predict" or labelled.rows is None:
        return spec.task.fields
    fields: tuple[str, ...] = labelled.load("rows").fields
    return fields


def tasks_named(says: str) -> Iterator[str]:
    """The tasks that a text names."""
    from bertkit.tasks.catalogue import TASKS

    return (word for word in re.findall(r"[a-z]+(?:-[a-z]+)+", says) if word in TASKS)
