"""How a server is set up, and what one request may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bertkit.errors import RequestTooLarge
from bertkit.formats.row import Row
from bertkit.inference.pipeline import Failure
from bertkit.tasks.contract import Task

if TYPE_CHECKING:
    from bertkit.server.served_index import ServedIndex

# A text that is too long, where a request does not say what to do with it: refuse it, do as clients of the protocol
# expect, or read it in windows.
Truncate = Literal["never", "as-protocol", "windows"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one request may hold. All are looked at before anything is tokenised.

    Attributes:
        texts: rows of one request.
        documents: of a query, choices of a text.
        labels: that a text is held against.
        masks: of a text.
        numbers: of an answer of vectors of tokens.
        characters: of an answer that repeats a text for every way to fill its masks.
    """

    body_bytes: int = 8 * 1024 * 1024
    texts: int = 2_048
    documents: int = 1_000
    labels: int = 100
    masks: int = 64
    numbers: int = 4_000_000
    characters: int = 16_000_000

    def check(self, task: Task, rows: Sequence[Row | Failure]) -> None:
        """Refuses what is too much.

        Raises:
            RequestTooLarge: naming what there is too much of.
        """
        self.check_texts(len(rows))
        mask = task.tokenizer.specials.mask
        masked = None if mask is None else task.tokenizer.token(mask)
        for row in rows:
            if isinstance(row, Failure):
                continue
            for name, most in (
                ("documents", self.documents),
                ("choices", self.documents),
                ("candidate_labels", self.labels),
            ):
                values = row.fields.get(name)
                if isinstance(values, list):
                    self._at_most(len(values), most, name)
                elif isinstance(values, str) and name == "candidate_labels":
                    self._at_most(values.count(",") + 1, most, name)
            if masked is not None and task.readout.rows == "mask":
                texts = [value for value in row.fields.values() if isinstance(value, str)]
                masks = sum(text.count(masked) for text in texts)
                self._at_most(masks, self.masks, "masks")
                repeated = masks * task.readout.top_k * sum(map(len, texts))
                self._at_most(repeated, self.characters, "characters of filled texts")

    def check_texts(self, count: int) -> None:
        """Refuses so many texts.

        Raises:
            RequestTooLarge: they are too many.
        """
        self._at_most(count, self.texts, "texts")

    def check_vectors(self, tokens: int, width: int) -> None:
        """Refuses an answer of so many vectors of tokens.

        Raises:
            RequestTooLarge: they are too many.
        """
        self._at_most(tokens * width, self.numbers, "numbers of vectors")

    def _at_most(self, count: int, most: int, what: str) -> None:
        if count > most:
            raise RequestTooLarge(f"{count:,} {what} in one request; the most is {most:,}")


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long a server waits.

    Attributes:
        header: for the whole of a request's head.
        body: for the whole of a request's body.
        idle: for the next request on a connection.
        answer: for an answer, where a request does not say.
        longest_answer: that a request may ask to wait for one.
        drain: for what was accepted, once it was told to end.
    """

    header: float = 10.0
    body: float = 30.0
    idle: float = 60.0
    answer: float = 30.0
    longest_answer: float = 600.0
    drain: float = 30.0


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """How a server is set up.

    Attributes:
        socket: a Unix socket, instead of host and port.
        hosts: names in a request's Host that are answered, beside the address itself; none checks nothing.
        key_hashes: the keys that may ask, by what they are called; empty where nobody needs one.
        admin_hashes: the keys that may have the models loaded again; empty where nobody may.
        certificate, private_key: files, for TLS.
        queue_tokens: most tokens that wait for one model; None is what takes some ten seconds.
        tokenizers: threads that tokenise.
        most_bytes: of memory, with more of which nothing is let in; None is as much as there is.
        p95_seconds: in which 95 of 100 texts that fit into a batch should be answered; None is as soon as possible.
        cache_bytes: of what networks computed, kept for whoever asks for the same again; 0 keeps none.
        index: what POST /v1/search looks through; None where there is none.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    socket: Path | None = None
    hosts: tuple[str, ...] = ()
    key_hashes: tuple[tuple[str, str], ...] = ()
    admin_hashes: tuple[tuple[str, str], ...] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    truncate: Truncate = "as-protocol"
    queue_tokens: int | None = None
    tokenizers: int = 2
    most_bytes: int | None = None
    p95_seconds: float | None = None
    cache_bytes: int = 0
    index: ServedIndex | None = None
    limits: Limits = field(default_factory=Limits)
    seconds: Seconds = field(default_factory=Seconds)
