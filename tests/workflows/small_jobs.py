"""A classifier of a few words, and texts whose labels it gets right more often than not."""

from __future__ import annotations

import random
from pathlib import Path

import bertkit
from tests.parity.task_peers import make_task_peer

LABELS = ("no", "yes", "maybe")


def small_classifier(folder: Path, **config: object) -> Path:
    make_task_peer("text-classification", folder, deviation=0.4, labels=LABELS, **config)  # type: ignore[arg-type]
    return folder


def labelled_texts(model: Path, count: int) -> list[dict[str, str]]:
    """Rows whose labels are drawn from the model's probabilities at a temperature of 3: it is far too sure."""
    chance = random.Random(0)
    texts = [" ".join(f"w{chance.randrange(60)}" for _ in range(chance.randrange(1, 9))) for _ in range(count)]
    scores_NC = bertkit.load(model, dtype="float32").predict_proba(texts) ** (1 / 3)
    return [
        {"text": text, "label": chance.choices(LABELS, list(scores_C))[0]}
        for text, scores_C in zip(texts, scores_NC, strict=True)
    ]


def write_table(path: Path, rows: list[dict[str, str]]) -> Path:
    lines = ["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
