"""The model of an index: which one it is, and passages and queries as vectors. Weights wait until a text comes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from bertkit.config.batch_tokens import batch_tokens
from bertkit.config.indexing import EmbeddingModel, IndexConfig
from bertkit.errors import UserError
from bertkit.inference.answerer import Answerer
from bertkit.inference.backends import open_backend
from bertkit.inference.engine import Engine
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import find_folder, open_pretrained, open_reader
from bertkit.pretrained.sentence_modules import MODULES
from bertkit.pretrained.task_options import remake_task
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.vectors.quantising import Floats

TASK = "sentence-embedding"
PASSAGES, QUERIES = "document", "query"  # what sentence-transformers calls them; every folder has these prompts
BUILT_IN = "the built-in model"
TOLD = {  # of a model that is not the index's: what differs, in words
    "weights": "other weights",
    "prompt": "another prompt before passages",
    "query_prompt": "another prompt before queries",
    "pooling": "another pooling",
    "similarity": "another similarity",
    "max_length": "another length",
    "dtype": "another precision",
}


def new_model(config: IndexConfig) -> tuple[EmbeddingModel, IndexModel]:
    """The model that a new index is to have, and loaded; precision and width are those of a first text's vector.

    Raises:
        UserError: its vectors are compared in another way than an index does.
        BertkitError: it cannot be opened.
    """
    folder = find_folder(config.model, config.revision)
    texts = _prompts(folder)
    name, prompt = _prompt(config.prompt, PASSAGES, texts)
    query_name, query_prompt = _prompt(config.query_prompt, QUERIES, texts)
    draft = EmbeddingModel(
        source=_source(config.model),
        revision=config.revision,
        prompt=prompt,
        prompt_name=name,
        query_prompt=query_prompt,
        query_prompt_name=query_name,
        **_facts(folder, name),
        dtype=config.dtype or "auto",
        width=1,
    )
    model = IndexModel(draft, config.device)
    (vector_W,) = model.passages(["a text"])
    model.input_tokens = 0
    return draft.model_copy(update={"dtype": model.dtype, "width": len(vector_W)}), model


def check_model(known: EmbeddingModel, place: str, asked: IndexConfig | None = None) -> None:
    """Refuses another model than the one that an index's vectors are of. Torch-free.

    Args:
        place: the index, as messages call it.
        asked: what somebody says of the model; what is not said is as the index has it.

    Raises:
        UserError: it is another one; what differs is named.
        BertkitError: it cannot be opened.
    """
    source, revision = known.source, known.revision
    if asked is not None and (asked.model is not None or asked.revision is not None):
        source, revision = _source(asked.model), asked.revision
    folder = find_folder(source, revision)
    texts = _prompts(folder)
    now = known.model_copy(update=_facts(folder, known.prompt_name))
    for field, name in (("prompt", known.prompt_name), ("query_prompt", known.query_prompt_name)):
        word = None if asked is None else getattr(asked, field)
        text = texts.get(name, "") if name is not None else getattr(known, field)
        now = now.model_copy(update={field: text if word is None else texts.get(word, word)})
    if asked is not None and asked.dtype not in (None, "auto"):
        now = now.model_copy(update={"dtype": asked.dtype})
    differing = [words for field, words in TOLD.items() if getattr(now, field) != getattr(known, field)]
    if differing:
        other = "it has" if source == known.source else f"{source or BUILT_IN} has"
        raise UserError(
            f"{place}: its vectors are of {known.source or BUILT_IN}; {other} {' and '.join(differing)}",
            f"Leave out what the index knows itself, or make another one: bertkit index FOLDER -o ANOTHER"
            f"{f' -m {source}' if source else ''}.",
        )


class IndexModel:
    """Passages and queries to vectors.

    Args:
        device: as `bertkit.load` has it.

    Attributes:
        input_tokens: of passages that it has read, special tokens included.
    """

    def __init__(self, model: EmbeddingModel, device: str = "auto") -> None:
        self._model = model
        self._device = device
        self.input_tokens = 0

    def passages(self, texts: Sequence[str]) -> Floats:
        """(N, W) float32."""
        found = self._read(self._passages, texts)
        self.input_tokens += sum(one.reading.input_tokens for one in found)
        return self._vectors(found)

    def query(self, text: str) -> Floats:
        """(W,) float32."""
        return cast(Floats, self._vectors(self._read(self._queries, [text]))[0])

    @property
    def dtype(self) -> str:
        """The precision that it computes in."""
        return self._passages.engine.backend.dtype

    def _read(self, answerer: Answerer, texts: Sequence[str]) -> list[Embedding]:
        return [cast(Embedding, one) for one in answerer.stream(list(texts))]

    def _vectors(self, found: Sequence[Embedding]) -> Floats:
        return compared(np.stack([one.vector for one in found]), self._model.similarity)

    @cached_property
    def _passages(self) -> Answerer:
        return self._answerer(self._model.prompt_name, self._model.prompt, PASSAGES)

    @cached_property
    def _queries(self) -> Answerer:
        return self._answerer(self._model.query_prompt_name, self._model.query_prompt, QUERIES)

    def _answerer(self, name: str | None, prompt: str, route: str) -> Answerer:
        """What embeds texts behind a prompt; with the weights that are there already, where these are the same.

        Args:
            route: which way a folder that has one for passages and one for queries goes, where the prompt was typed.
        """
        model = self._model
        pretrained, reader = open_reader(
            model.source, task=TASK, revision=model.revision, long="window", prompt=name or route
        )
        if name is None:
            reader = replace(reader, task=remake_task(reader.task, {"prompt": prompt}))
        there: Answerer | None = self.__dict__.get("_passages")  # cached, or not asked for yet
        routed = pretrained.settings is not None and pretrained.settings.routed
        if there is not None and not routed and there.task.readout == reader.task.readout:
            backend = there.engine.backend
        else:
            backend = open_backend(pretrained, reader.task, dtype=model.dtype, device=self._device)
        at_once = batch_tokens("answer", backend.device.partition(":")[0])
        return Answerer(Engine(backend, reader.task, at_once), reader)


def compared(vectors_NW: Floats, similarity: Literal["cosine", "dot"]) -> Floats:
    """Vectors whose inner products are what they are compared by."""
    if similarity == "dot":
        return vectors_NW
    lengths_N1 = np.linalg.norm(vectors_NW, axis=1, keepdims=True)
    return cast(Floats, vectors_NW / np.maximum(lengths_N1, np.float32(1e-12)))


def _facts(folder: Path, prompt: str | None) -> dict[str, Any]:
    """What vectors hang on, of the model in a folder as it is now."""
    pretrained, reader = open_reader(folder, task=TASK, prompt=prompt or PASSAGES, long="window")
    made = {name: reader.task.made_with.get(name) for name in ("pooling", "include_prompt", "truncate_dim")}
    return {
        "weights": f"{pretrained.fingerprint()}{_modules_digest(pretrained)}",
        "pooling": ", ".join(f"{name} {value}" for name, value in made.items() if value is not None),
        "similarity": _similarity(pretrained),
        "max_length": reader.limit,
    }


def _similarity(pretrained: Pretrained) -> str:
    settings = pretrained.settings
    said = "cosine" if settings is None else settings.similarity
    if said not in ("cosine", "dot") and not (settings is not None and settings.normalize):
        raise UserError(
            f"{pretrained.source}: its vectors are compared by {said}", "Use a model whose similarity is cosine or dot."
        )
    return "dot" if said == "dot" else "cosine"  # of vectors of length 1 every similarity has the same order


def _modules_digest(pretrained: Pretrained) -> str:
    """Of what follows the encoder in a folder of sentence-transformers; empty where it is none."""
    root = pretrained.source
    if not (root / MODULES).is_file():
        return ""
    digest = hashlib.sha256((root / MODULES).read_bytes())
    for file in sorted(root.glob("*/*")):
        if file.is_file() and file.parent != pretrained.folder:
            digest.update(file.name.encode() + file.read_bytes())
    return f"+{digest.hexdigest()[:16]}"


def _prompts(folder: Path) -> Mapping[str, str]:
    settings = open_pretrained(folder).settings
    return {} if settings is None else settings.prompts.texts


def _prompt(word: str | None, default: str, texts: Mapping[str, str]) -> tuple[str | None, str]:
    """The name of a prompt, None where it was typed, and its text."""
    name = default if word is None else word if word in texts else None
    return name, (word or "") if name is None else texts.get(name, "")


def _source(model: str | None) -> str | None:
    """A model as it is found from any folder."""
    return str(Path(model).resolve()) if model is not None and Path(model).exists() else model
