"""Estimators for scikit-learn: `from bertkit.sklearn import TextClassifier, TextEmbedder, TokenTagger`."""

from __future__ import annotations

from bertkit.errors import UserError

try:
    import sklearn as _sklearn  # noqa: F401 - is it there?
except ModuleNotFoundError:
    raise UserError(
        "bertkit.sklearn needs scikit-learn, which is not installed", "Install it: pip install 'bertkit[sklearn]'."
    ) from None

from bertkit.sklearn.text_classifier import TextClassifier
from bertkit.sklearn.text_embedder import TextEmbedder
from bertkit.sklearn.token_tagger import TokenTagger

__all__ = ["TextClassifier", "TextEmbedder", "TokenTagger"]
