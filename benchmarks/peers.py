"""bertkit and its peers, each given the same texts and asked for the same vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import bertkit
from benchmarks.needed import installed
from bertkit.tasks.sentence_embedding import Embedding

with installed("benchmarks"):
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel, AutoTokenizer

BATCH_SIZES = (1, 4, 8, 16, 32)


class Bertkit:
    """`bertkit.load(folder).predict(texts)`."""

    def __init__(self, folder: Path, dtype: str) -> None:
        self.model = bertkit.load(folder, task="sentence-embedding", dtype=dtype)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        results = self.model.predict(texts)
        return np.stack([result.embedding for result in results if isinstance(result, Embedding)])


class Transformers:
    """transformers' own model and tokenizer, texts sorted by length, each batch padded to its longest, mean pooled."""

    def __init__(self, folder: Path, dtype: str) -> None:
        self.model = AutoModel.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.tokenizer.backend_tokenizer.no_padding()
        self.tokenizer.backend_tokenizer.no_truncation()

    @torch.inference_mode()
    def embed(self, texts: Sequence[str], batch_size: int) -> np.ndarray:
        ids = self.tokenizer(list(texts))["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        vectors = np.empty((len(ids), self.model.config.hidden_size), np.float32)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = self.tokenizer.pad({"input_ids": [ids[row] for row in rows]}, return_tensors="pt")
            hidden = self.model(**batch).last_hidden_state.float()
            mask = batch["attention_mask"][:, :, None]
            pooled = (hidden * mask).sum(1) / mask.sum(1)
            vectors[rows] = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return vectors


class SentenceTransformers:
    """`SentenceTransformer(folder).encode(texts)`, which sorts by length itself."""

    def __init__(self, folder: Path, dtype: str) -> None:
        options = {"dtype": getattr(torch, dtype)}
        self.model = SentenceTransformer(str(folder), device="cpu", model_kwargs=options)

    def embed(self, texts: Sequence[str], batch_size: int) -> np.ndarray:
        return self.model.encode(list(texts), batch_size=batch_size, show_progress_bar=False)
