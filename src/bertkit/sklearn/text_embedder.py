"""Texts to vectors, as a transformer of scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from bertkit.inference.model import Model, load
from bertkit.sklearn.text_input import reads_texts, rows_of


class TextEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The vector of each text, by a model that is as it is: nothing is learnt from the texts.

    A pickle has the name of the model, not its weights: where it is opened, the model must be there too.

    Args:
        model: a folder or a hub name; None is the built-in default.
        prompt: the name of one of the model's prompts, which is put before every text.
        truncate_dim: numbers of each vector that are given, the first ones; None gives all.
        batch_tokens: most tokens of one batch; None chooses for the device.
        long: what to do with a text that is longer than the model reads: `window`, `truncate` or `error`.
        dtype: as `bertkit.load` has it.
        device: as `bertkit.load` has it.

    Attributes:
        n_features_: numbers of a vector, once fitted.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        prompt: str | None = None,
        truncate_dim: int | None = None,
        batch_tokens: int | None = None,
        long: str = "window",
        dtype: str = "auto",
        device: str = "auto",
    ) -> None:
        self.model = model
        self.prompt = prompt
        self.truncate_dim = truncate_dim
        self.batch_tokens = batch_tokens
        self.long = long
        self.dtype = dtype
        self.device = device

    def fit(self, X: Any, y: Any = None) -> Self:
        """Loads the model. The texts are not looked at.

        Raises:
            BertkitError: the model cannot be loaded, or gives no vectors.
        """
        self._model = self._load()
        self.n_features_ = len(self._model.encode("a text"))
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """The vectors, (N, W) float32.

        Args:
            X: texts: a list, an array, a column; or a table with a column `text`.

        Raises:
            NotFittedError: `fit` was not called.
            InputError: a text is missing or no text; it is named.
        """
        check_is_fitted(self, "n_features_")
        if self._model is None:  # it came out of a pickle
            self._model = self._load()
        return self._model.encode(rows_of(X))

    def _load(self) -> Model:
        own = {"prompt": self.prompt, "truncate_dim": self.truncate_dim, "batch_tokens": self.batch_tokens}
        options: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        settings: dict[str, Any] = {"long": self.long, "dtype": self.dtype, "device": self.device}
        return load(self.model, task="sentence-embedding", **settings, **options)

    @property
    def _n_features_out(self) -> int:
        return self.n_features_

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle has: the parameters, and no weights."""
        state: dict[str, Any] = super().__getstate__()
        return state | {"_model": None} if "_model" in state else state

    def __sklearn_tags__(self) -> Tags:
        """Reads texts, one axis of them."""
        return reads_texts(super().__sklearn_tags__())
