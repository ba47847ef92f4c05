"""The tasks that bertkit knows, an entry each. A new task is its own file and an entry, here or by `register`.

In the order in which a checkpoint is likely to be meant for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.errors import UserError, near_match
from bertkit.tasks.contract import Task
from bertkit.tasks.spec import TaskSpec

LABELS: Mapping[str | None, str] = {
    "single-label": "share of wrong labels",
    "multi-label": "share of texts whose labels are not all right",
    "regression": "mean distance from the right number",
}

TASKS: dict[str, TaskSpec] = {
    spec.name: spec
    for spec in (
        TaskSpec(
            "sentence-embedding",
            kind="bertkit.tasks.sentence_embedding:SentenceEmbedding",
            rows="bertkit.labelled.pair_rows:PAIRS_OF_TEXTS",
            objective="bertkit.objectives.sentence_embedding:learning",
            evaluator="bertkit.evaluation.held_out_pairs:HeldOutPairsEvaluator",
            compares=True,
            metadata="bertkit.pretrained.task_metadata:of_vectors",
            scorer="bertkit.metrics.task_scores:similarities",
            errors="bertkit.metrics.error_analysis:similarities",
            error={None: "mean distance of ranks, as a share of all"},
        ),
        TaskSpec(
            "feature-extraction",
            kind="bertkit.tasks.feature_extraction:FeatureExtraction",
            rows="bertkit.labelled.text_rows:PLAIN_TEXTS",
        ),
        TaskSpec(
            "fill-mask",
            kind="bertkit.tasks.fill_mask:FillMask",
            rows="bertkit.labelled.text_rows:PLAIN_TEXTS",
            objective="bertkit.objectives.fill_mask:learning",
            model_scorer="bertkit.evaluation.masked_text:score_text",
            model="mini",
        ),
        TaskSpec(
            "next-sentence-prediction",
            kind="bertkit.tasks.next_sentence_prediction:NextSentencePrediction",
            records=("is_next",),
            model="mini",
        ),
        TaskSpec(
            "text-classification",
            kind="bertkit.tasks.text_classification:TextClassification",
            rows="bertkit.labelled.text_rows:CLASSES_OF_TEXTS",
            objective="bertkit.objectives.text_classification:learning",
            blank="bertkit.objectives.text_classification:blank",
            is_direct=True,
            scorer="bertkit.metrics.task_scores:labels",
            errors="bertkit.metrics.error_analysis:labels",
            confusion="bertkit.metrics.confusions:of_labels",
            error=LABELS,
            best_by={"single-label": "accuracy", "multi-label": "f1_micro", "regression": "pearsonr"},
            baselines="bertkit.evaluation.baselines:of_texts",
            records=("labels", "value"),
            is_posed=True,
            model="sentiment",
        ),
        TaskSpec(
            "text-ranking",
            kind="bertkit.tasks.text_ranking:TextRanking",
            rows="bertkit.labelled.choice_rows:DOCUMENTS_OF_QUERIES",
            metadata="bertkit.pretrained.task_metadata:of_scores",
            objective="bertkit.objectives.text_ranking:learning",
            scorer="bertkit.metrics.task_scores:ranking",
            errors="bertkit.metrics.error_analysis:ranking",
            error={None: "1 - nDCG at 10"},
            best_by={None: "ndcg_at_10"},
            records=("ranking",),
        ),
        TaskSpec(
            "zero-shot-classification",
            kind="bertkit.tasks.zero_shot_classification:ZeroShotClassification",
            scorer="bertkit.metrics.task_scores:labels",
            errors="bertkit.metrics.error_analysis:labels",
            confusion="bertkit.metrics.confusions:of_labels",
            error=LABELS,
            is_posed=True,
            labelled_as="text-classification",
        ),
        TaskSpec(
            "token-classification",
            kind="bertkit.tasks.token_classification:TokenClassification",
            rows="bertkit.labelled.tagged_rows:TAGS_OF_WORDS",
            objective="bertkit.objectives.token_classification:learning",
            blank="bertkit.objectives.token_classification:blank",
            scorer="bertkit.metrics.task_scores:entities_of_words",
            errors="bertkit.metrics.error_analysis:entities_of_words",
            confusion="bertkit.metrics.confusions:of_entities",
            error={None: "share of texts whose entities are not all right"},
            best_by={None: "entity_f1"},
            baselines="bertkit.evaluation.baselines:of_words",
            records=("entities",),
            model="entities",
        ),
        TaskSpec(
            "question-answering",
            kind="bertkit.tasks.question_answering:QuestionAnswering",
            rows="bertkit.labelled.answer_rows:ANSWERS_IN_CONTEXTS",
            objective="bertkit.objectives.question_answering:learning",
            scorer="bertkit.metrics.task_scores:answers",
            errors="bertkit.metrics.error_analysis:answers",
            error={None: "1 - F1"},
            best_by={None: "f1"},
            best=100.0,
            records=("answers",),
            by_id=True,
            model="questions",
        ),
        TaskSpec(
            "multiple-choice",
            kind="bertkit.tasks.multiple_choice:MultipleChoice",
            rows="bertkit.labelled.choice_rows:CHOICES",
            objective="bertkit.objectives.multiple_choice:learning",
            scorer="bertkit.metrics.task_scores:choices",
            errors="bertkit.metrics.error_analysis:choices",
            error={None: "share of wrong choices"},
            best_by={None: "accuracy"},
            records=("choices",),
        ),
    )
}


def register(spec: TaskSpec) -> None:
    """Add a task, or take another in the place of the one of its name."""
    TASKS[spec.name] = spec


def find_spec(name: str) -> TaskSpec:
    """The entry of the task called `name`.

    Raises:
        UserError: naming the nearest one.
    """
    if name not in TASKS:
        raise UserError(f"unknown task {name!r}{near_match(name, TASKS)}", f"Choose one of {', '.join(TASKS)}.")
    return TASKS[name]


def find_task(name: str) -> type[Task]:
    """The class of the task called `name`.

    Raises:
        UserError: naming the nearest one.
    """
    return find_spec(name).task


def tasks_with(part: str) -> list[str]:
    """The names of the tasks that have a part: those that can be fine-tuned, scored, ….

    Args:
        part: an attribute of `TaskSpec`.
    """
    return [name for name, spec in TASKS.items() if getattr(spec, part)]


def find_part(name: str, part: str, cannot: str) -> Any:
    """The part of the task called `name`.

    Args:
        cannot: what is said of a task without it, behind its name.

    Raises:
        UserError: naming the nearest one that has it.
    """
    able = tasks_with(part)
    if name not in able:
        raise UserError(f"task {name!r} {cannot}{near_match(name, able)}", f"Choose one of {', '.join(able)}.")
    return TASKS[name].load(part)
