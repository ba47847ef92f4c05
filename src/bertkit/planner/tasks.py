"""The names of the tasks, for whoever must know them without torch; a test holds them against `tasks/catalogue.py`.

Of all that a task adds to an encoder only a head over the vocabulary is large enough to plan with: what learns with one
is pre-training.
"""

from __future__ import annotations

TASKS = (
    "feature-extraction",
    "sentence-embedding",
    "fill-mask",
    "next-sentence-prediction",
    "text-classification",
    "zero-shot-classification",
    "token-classification",
    "question-answering",
    "text-ranking",
    "multiple-choice",
)
PRETRAINED = ("fill-mask", "next-sentence-prediction")
