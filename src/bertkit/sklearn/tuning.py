"""What the estimators that learn have in common: how they are fine-tuned, and what they keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from bertkit.api.training import finetune
from bertkit.families.labels import Problem
from bertkit.inference.model import Model
from bertkit.sklearn.fine_tuned import FineTuned
from bertkit.sklearn.text_input import reads_texts

LARGEST_SEED = 2**31 - 1


class Tuned(BaseEstimator):  # type: ignore[misc]
    """An estimator that fine-tunes a model on labelled rows. A pickle has the model whole.

    Args:
        model: what is fine-tuned: a folder or a hub name; None is the built-in default.
        quick: learn no epoch at all: the head is the best linear one for the encoder as it is.
        epochs, learning_rate: of fine-tuning; chosen for the data where None.
        random_state: of what is drawn at random; the same number gives the same model.
        device: `cpu`, `cuda`, or `auto`: the GPU where there is one.
        settings: any other setting of fine-tuning, such as `{"train.batch_samples": 16}`.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        quick: bool = False,
        epochs: float | None = None,
        learning_rate: float | None = None,
        random_state: Any = 0,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.model = model
        self.quick = quick
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.device = device
        self.settings = settings

    def save(self, folder: str | Path) -> None:
        """Writes the model as a folder that `bertkit.load` and transformers open.

        Raises:
            NotFittedError: `fit` was not called.
            OutputError: the place cannot be written, or is a folder with something in it.
        """
        self._ready()
        self.tuned_.save(folder)

    def _learn(self, task: str, rows: Sequence[Mapping[str, object]], problem: Problem | None = None) -> None:
        """Fine-tunes, and keeps the model as `tuned_`."""
        seed = self.random_state
        if not isinstance(seed, int):  # scikit-learn's other ways to say it
            seed = int(check_random_state(seed).randint(LARGEST_SEED))
        result = finetune(
            rows,
            task,
            model=self.model,
            problem=problem,
            quick=self.quick,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            seed=seed,
            device=self.device,
            settings=self.settings,
            progress=False,
        )
        self.tuned_ = FineTuned(result.folder / "model", {"task": task, "long": "window", "device": self.device})

    def _ready(self) -> Model:
        """The model that was learnt.

        Raises:
            NotFittedError: `fit` was not called.
        """
        check_is_fitted(self, "tuned_")
        return self.tuned_.model

    def __sklearn_tags__(self) -> Tags:
        """Reads texts, and needs to know what is right."""
        tags = reads_texts(super().__sklearn_tags__())
        tags.target_tags.required = True
        return tags
