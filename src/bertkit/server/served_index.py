"""An index that a server searches: its model is one of those that are served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bertkit.inference.served import Manner
from bertkit.retrieval.searching import Hit, IndexReader
from bertkit.server.loading import NAME, ModelSpec
from bertkit.tokenization.windows import LongText
from bertkit.workflows.index_model import QUERIES, TASK, check_model


@dataclass(frozen=True)
class ServedIndex:
    """An index that is searched for whoever asks.

    Attributes:
        name: of its model, among those that are served.
    """

    name: str
    reader: IndexReader

    @classmethod
    def open(cls, folder: Path) -> ServedIndex:
        """The index in a folder.

        Raises:
            UserError: there is none, or its model has changed since it was made.
            BadIndex: it is damaged.
        """
        reader = IndexReader(folder)
        check_model(reader.settings.model, str(folder))
        stem = folder.resolve().stem
        return cls(stem if NAME.fullmatch(stem) else "index", reader)

    @property
    def spec(self) -> ModelSpec:
        """The model of its vectors, to be loaded."""
        model = self.reader.settings.model
        how = {"prompt": model.query_prompt_name or QUERIES, "dtype": model.dtype, "revision": model.revision}
        return ModelSpec(self.name, model.source, TASK, how)

    @property
    def manner(self) -> Manner:
        """How a query is read."""
        model = self.reader.settings.model
        prompt = None if model.query_prompt_name is not None else model.query_prompt
        return Manner.of(LongText.WINDOW, prompt=prompt)

    def record(self, hit: Hit) -> dict[str, object]:
        """A hit for somebody elsewhere: its file is named from the folder that was indexed."""
        return {**hit.record(), "file": self.reader.public_name(hit.file)}
