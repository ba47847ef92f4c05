"""`bertkit.Index`: your own documents, searched by meaning and by words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bertkit.api.arguments import config_of
from bertkit.api.progress import observer_for
from bertkit.config.indexing import IndexConfig
from bertkit.config.wording import worded
from bertkit.retrieval.answering import SearchResult
from bertkit.workflows.index import Indexed, index
from bertkit.workflows.search import ModelOrName, Searcher, SearchRequest

Sources = str | Path | Iterable[str | Path]


class Index:
    """An index of passages: opened to search it, any number of threads at once.

    Args:
        path: the folder of an index.
        device: `cpu`, `cuda`, `mps` or `auto`, for the models.

    Raises:
        UserError: there is no index, or its model has changed since it was made.
        BadIndex: it is damaged.
    """

    @worded
    def __init__(self, path: str | Path, *, device: str = "auto") -> None:
        self.path = Path(path)
        self._device = device
        self._searcher = Searcher(self.path, device)

    @classmethod
    @worded
    def build(
        cls, path: str | Path, sources: Sources = (), *, device: str = "auto", progress: bool = True, **options: object
    ) -> Index:
        """Makes an index of files and folders, or brings one up to date, and opens it.

        Only what has changed since is read and embedded; what has gone leaves. Killed at any moment, the same call goes
        on where it stopped.

        Args:
            path: the folder of the index; it is made where it is not there.
            sources: files and folders; none are those that it has been given before.
            progress: show how it gets on, in a terminal or a notebook.
            options: of a new index `model`, `revision`, `dtype`, `prompt`, `query_prompt`, `precision` (`float16`,
                `int8`, `binary`), `words`, `overlap`, `text_column`.

        Raises:
            UserError: an unknown option, or the index was made with another one.
            InputError: a source is not there.
            FolderInUse: another process writes to it.
        """
        _indexed(path, sources, device, progress, options)
        return cls(path, device=device)

    @worded
    def update(self, sources: Sources = (), *, progress: bool = True) -> Indexed:
        """Brings the index up to date, with more files and folders where they are given.

        Raises:
            InputError: a source is not there.
            FolderInUse: another process writes to it.
        """
        return _indexed(self.path, sources, self._device, progress, {})

    @worded
    def search(
        self,
        query: str,
        top_k: int = 5,
        *,
        hybrid: bool = False,
        rerank: ModelOrName | None = None,
        answer: bool | ModelOrName = False,
        filter: str | None = None,
    ) -> SearchResult:
        """The passages that answer a query best, the best first.

        Args:
            top_k: how many.
            hybrid: let words count too, beside meaning (BM25, by reciprocal rank fusion).
            rerank: a cross-encoder (a folder, a hub name or a loaded model) that puts the best 50 in order.
            answer: read the passages for an answer: true takes the built-in question answerer, or name another.
            filter: which documents are looked at, by their fields: `"year>2020 and lang=en"`.

        Raises:
            UserError: the filter cannot be read, no document has such a field, or a model does another task.
        """
        return self._searcher.search(query, SearchRequest(top_k, hybrid, rerank, answer, filter))

    def __len__(self) -> int:
        """How many passages may be found."""
        return self._searcher.reader.counts()["passages"]

    def __repr__(self) -> str:
        """What it holds, and of which model, in a line."""
        reader = self._searcher.reader
        counts, model = reader.counts(), reader.settings.model
        return (
            f"<bertkit.Index {str(self.path)!r}: {counts['passages']:,} passages of {counts['files']:,} files, "
            f"{model.source or 'the built-in model'}, {reader.settings.precision}>"
        )


def _indexed(path: str | Path, sources: Sources, device: str, progress: bool, options: dict[str, object]) -> Indexed:
    given: Sequence[object] = [sources] if isinstance(sources, str | Path) else [*sources]
    values = {"index": path, "sources": tuple(str(one) for one in given), "device": device, **options}
    return index(config_of(IndexConfig, "Index.build()", values), observer_for(progress))
