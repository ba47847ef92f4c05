"""Searching an index: a query is embedded, passages are found, put in order again, and read for an answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bertkit.errors import UserError
from bertkit.inference.model import Model, load
from bertkit.retrieval.answering import RANKED, SearchResult, answered, question_rows, ranked, ranking_row
from bertkit.retrieval.searching import IndexReader
from bertkit.workflows.index_model import IndexModel, check_model

MOST = 1_000  # passages that may be asked for

# A folder or a hub name, or a model that is loaded already.
ModelOrName: TypeAlias = "Model | str | Path"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """How passages are searched for.

    Attributes:
        top_k: how many are wanted.
        hybrid: words count too, beside meaning.
        rerank: a cross-encoder that puts the best passages in order.
        answer: whether, or with which question answerer, the passages are read for an answer.
        filter: which documents are looked at: `year>2020 and lang=en`.
    """

    top_k: int = 5
    hybrid: bool = False
    rerank: ModelOrName | None = None
    answer: bool | ModelOrName = False
    filter: str | None = None

    def check(self) -> None:
        """Refuses what cannot be asked for.

        Raises:
            UserError: it is named.
        """
        if not 1 <= self.top_k <= MOST:
            raise UserError(f"top_k is {self.top_k}", f"Choose 1 to {MOST:,}.")

    @property
    def looked_at(self) -> int:
        """How many passages are found before any is put in order again."""
        return self.top_k if self.rerank is None else max(self.top_k, RANKED)


class Searcher:
    """An index, and the models that are asked; each is loaded when it is first needed. For any number of threads.

    Args:
        folder: of the index.
        device: as `bertkit.load` has it.

    Raises:
        UserError: there is no index, or its model has changed since it was made.
        BadIndex: it is damaged.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        self.reader = IndexReader(folder)
        check_model(self.reader.settings.model, str(folder))
        self._model = IndexModel(self.reader.settings.model, device)
        self._device = device
        self._loaded: dict[tuple[str, str | None], Model] = {}
        self._lock = threading.Lock()

    def search(self, query: str, request: SearchRequest) -> SearchResult:
        """The passages that answer a query best, and the answer where one is asked for.

        Raises:
            UserError: the request cannot be met: a filter, a number, or a model for another task.
            EmptyInput: the query has no text.
        """
        request.check()
        self.reader.check(query, request.filter)
        with self._lock:
            vector_W = self._model.query(query)
        hits = self.reader.search(query, vector_W, request.looked_at, hybrid=request.hybrid, filter=request.filter)
        if request.rerank is not None and hits:
            record = self._model_for("text-ranking", request.rerank).predict(ranking_row(query, hits)).record()
            hits = ranked(hits, record, request.top_k)
        if request.answer is False:
            return SearchResult(query, hits)
        answerer = self._model_for("question-answering", None if request.answer is True else request.answer)
        records = [one.record() for one in answerer.predict(question_rows(query, hits))]
        return answered(query, hits, records)

    def _model_for(self, task: str, model: ModelOrName | None) -> Model:
        if isinstance(model, Model):
            if model.task.name != task:
                raise UserError(f"the model does {model.task.name}, not {task}", f"Load one with task={task!r}.")
            return model
        key = (task, None if model is None else str(model))
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load(model, task=task, long="window", device=self._device)
            return self._loaded[key]
