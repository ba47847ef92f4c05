"""The quickstart's second part: a model learns to tell what customers want, and answers. Once learnt, it is kept."""

from __future__ import annotations

import time
from pathlib import Path

from bertkit.cli.finetune import finetune_and_show
from bertkit.terminal.messages import say

INTENTS = Path(__file__).with_name("intents.tsv")
MESSAGES = (
    "hi, the bike i took this morning has a flat tyre",
    "why was I charged twice for one ride?",
    "can a ten year old sit in front",
)
SETTINGS = ["train.epochs=4", "train.log_every=1000"]


def show_tuning(folder: Path) -> None:
    """Fine-tune the built-in model on the intents, or take the one in `folder`, and print what it answers.

    Args:
        folder: of the run; made where it is missing.
    """
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.strict import parse
    from bertkit.config.training_file import with_overrides
    from bertkit.inference.model import load

    began = time.perf_counter()
    print(f"\nNow a task of its own: what do customers of a bicycle service want? ({INTENTS.name}, written for this)")
    if (folder / "model").is_dir():
        say(f"the model is in {folder / 'model'}, tuned by an earlier run")
    else:
        values = {
            "task": {"name": "text-classification"},
            "data": {"train": str(INTENTS), "hold_out": 0.2},
            "run": {"directory": str(folder)},
        }
        finetune_and_show(parse(FinetuneConfig, with_overrides(values, SETTINGS), "the quickstart"), json=False)
    model = load(folder, task="text-classification")
    for message, result in zip(MESSAGES, model.predict(list(MESSAGES)), strict=True):
        best = result.record()["labels"][0]  # type: ignore[index]
        print(f"  {best['label']:<20} {best['score']:.2f}  {message}")
    print(f"{time.perf_counter() - began:.1f} s.")
