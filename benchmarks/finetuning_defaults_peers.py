"""What a person would do instead of fine-tuning: a linear model of words' counts, or of sentence embeddings.

    python -m benchmarks.finetuning_defaults_peers tfidf|embeddings SET TRAIN EVAL MODEL

Trains on the file TRAIN, and prints the set's metric on EVAL as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.finetuning_data import DATASETS, Rows
from benchmarks.measure import json_line
from benchmarks.needed import installed

with installed("benchmarks"):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import MultiLabelBinarizer

STRENGTH = 10.0  # C of the logistic regressions: what people settle on for both kinds of features


def main() -> None:
    """Train, answer, score."""
    side, name, train, eval, model = sys.argv[1:]
    learnt, asked = _rows(train), _rows(eval)
    features = _tfidf(learnt, asked) if side == "tfidf" else _embeddings(learnt, asked, model)
    dataset = DATASETS[name]
    print(json_line({dataset.metric: _score(dataset.problem, learnt, asked, *features)}))


def _score(problem: str | None, learnt: Rows, asked: Rows, x_train: Any, x_eval: Any) -> float:
    gold: Any = [row["label"] for row in asked]
    labels: Any = [row["label"] for row in learnt]
    if problem == "regression":
        said = Ridge(alpha=1.0).fit(x_train, labels).predict(x_eval)
        return float(np.corrcoef(said, gold)[0, 1])
    if problem == "multi-label":
        binary = MultiLabelBinarizer().fit(labels)
        logistic = OneVsRestClassifier(LogisticRegression(C=STRENGTH, max_iter=1_000))
        said = logistic.fit(x_train, binary.transform(labels)).predict(x_eval)
        return float(f1_score(binary.transform(gold), said, average="micro"))
    said = LogisticRegression(C=STRENGTH, max_iter=1_000).fit(x_train, labels).predict(x_eval)
    scorer = matthews_corrcoef if set(gold) == {"acceptable", "unacceptable"} else accuracy_score
    return float(scorer(gold, said))


def _tfidf(learnt: Rows, asked: Rows) -> tuple[Any, Any]:
    """Words and pairs of words; of two texts each has columns of its own."""
    blocks = []
    for field in ("text", "text_pair"):
        if field in learnt[0]:
            counted = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(row[field] for row in learnt)
            blocks.append([counted.transform(row[field] for row in rows) for rows in (learnt, asked)])
    return sparse.hstack([one for one, _ in blocks]).tocsr(), sparse.hstack([other for _, other in blocks]).tocsr()


def _embeddings(learnt: Rows, asked: Rows, model: str) -> tuple[Any, Any]:
    """A vector a text; of two texts both, how far they are apart and their product (Conneau et al. 2017)."""
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model, device="cpu")

    def of(rows: Rows) -> Any:
        one = encoder.encode([row["text"] for row in rows], show_progress_bar=False)
        if "text_pair" not in rows[0]:
            return one
        other = encoder.encode([row["text_pair"] for row in rows], show_progress_bar=False)
        return np.concatenate([one, other, np.abs(one - other), one * other], axis=1)

    return of(learnt), of(asked)


def _rows(path: str) -> Rows:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
