"""The errors a user can meet: one class = one remedy, one exit code, one HTTP status.

`str(error)` is the one line that says what went wrong; `error.remedy` the one line that says what to do.
Nothing else is ever printed unless `--debug` asks for the traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Self

_GIT_POINTER = b"version https://git-lfs.github.com/spec/"


class BertkitError(Exception):
    """Base of every error that bertkit raises on purpose.

    Args:
        what: one line, no trailing full stop needed, naming the thing that is wrong.
        remedy: one line saying what to do; the class's own remedy when left out.
    """

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    default_remedy: ClassVar[str] = "Run the command again with --debug and report the traceback."

    def __init__(self, what: str, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy or self.default_remedy

    def record(self) -> dict[str, object]:
        """What stands in the place of an answer: `{"error": {"type", "message", "remedy", "page"}}`."""
        told = {"type": type(self).__name__, "message": self.what, "remedy": self.remedy, "page": self.page}
        return {"error": told}

    @property
    def page(self) -> str:
        """Of the documentation: what brings this error about, and what helps."""
        name = next(kind.__name__ for kind in type(self).__mro__ if not kind.__name__.startswith("_"))
        return f"docs/errors/{name}.md"

    def at(self, place: str) -> Self:
        """The same error, its line beginning with where it happened (`reviews.jsonl:12`)."""
        self.what = f"{place}: {self.what}"
        self.args = (self.what,)
        return self


class UserError(BertkitError):
    """The input, the options or the configuration cannot be used as given."""

    exit_code = 2
    http_status = 400
    default_remedy = "Correct the command and run it again; --help lists the options."


class InputError(UserError):
    """A row, a line or a file of input is not what the task reads."""

    default_remedy = "Correct the input, or go on without the bad rows with --on-error record."


class EmptyInput(InputError):
    """There is nothing to answer: no text, or one without a token."""

    default_remedy = "Leave the row out, or give it some text."


class TextTooLong(InputError):
    """A text has more tokens than the model reads. Text is never cut silently."""

    http_status = 413
    default_remedy = (
        "Shorten it, or choose --long window (reads all of it) or --long truncate (drops what is too much)."
    )


class ConfigError(UserError):
    """A configuration has an unknown key, a missing key or a value out of range."""

    default_remedy = "Correct the setting that it names."


class UnknownFamily(ConfigError):
    """The checkpoint belongs to a model family that bertkit does not have."""

    default_remedy = "Use a checkpoint of a family that `bertkit info --families` lists."


class ModelNotFound(UserError):
    """No such folder, no such hub model, or no network to fetch it with."""

    http_status = 404
    default_remedy = "Check the path or the hub name; offline, only models already in the hub cache can be used."


class BadCheckpoint(UserError):
    """A checkpoint is incomplete, damaged or disagrees with its configuration."""

    http_status = 500
    default_remedy = "Download or copy the checkpoint again."


class UnsafeCheckpoint(BadCheckpoint):
    """Reading the checkpoint would run code that it contains. It was not read."""

    default_remedy = "Ask its author for model.safetensors; do not open this file with other tools."


class BadIndex(UserError):
    """An index of passages is damaged, or of a version that this one cannot read."""

    http_status = 500
    default_remedy = "Remove it and make it again: bertkit index FOLDER -o INDEX."


class MissingHead(UserError):
    """The checkpoint has no head for the task that was asked for."""

    default_remedy = "Choose a task that `bertkit info MODEL` lists, or fine-tune the model for this one."


class OutputError(BertkitError):
    """A result could not be written."""

    default_remedy = "Choose a place that can be written."


class OutOfMemory(BertkitError):
    """What was to be computed at once does not fit into memory."""

    http_status = 503
    default_remedy = (
        "Use a smaller --batch-tokens, a smaller model or a larger machine; `bertkit plan MODEL` says what fits."
    )


class NotFinite(BertkitError):
    """A model computed NaN or infinity. No answer, no score and no model is made of that."""

    default_remedy = "The checkpoint may be damaged: get it again; or try --dtype float32."


class BadExport(BertkitError):
    """An exported file does not compute what the model computes. It was not kept."""

    default_remedy = "Use the checkpoint itself, or another format, and report this: it is a fault of bertkit's."


class LossTooLarge(BertkitError):
    """A compressed model answers worse than it may. It was not written."""

    default_remedy = "Allow more with --max-loss, or compress to bf16; data of the model's own kind calibrates best."


class NothingGained(BertkitError):
    """A compressed model would be no faster than the one that it is made of. It was not written."""

    default_remedy = "Take a smaller student, or allow more with --max-loss so that it answers more often."


class FolderInUse(OutputError):
    """Another process is writing into the folder."""

    http_status = 409
    default_remedy = "Wait until it has ended, or choose another folder with -o."


class Stopped(BertkitError):
    """A job was asked to stop, and did. It is not finished.

    Attributes:
        step: after which it goes on, from a checkpoint; None where there is none.
    """

    http_status = 503
    default_remedy = "Start the same job again: it goes on from its newest checkpoint."

    def __init__(self, what: str, remedy: str | None = None, *, step: int | None = None) -> None:
        super().__init__(what, remedy)
        self.step = step


class Overloaded(BertkitError):
    """More is waiting than can be answered in time. Nothing was done for the request.

    Attributes:
        retry_after_seconds: after which there may be room.
    """

    http_status = 429
    default_remedy = "Ask again after the seconds in Retry-After, or ask for less at once."

    def __init__(self, what: str, remedy: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(what, remedy)
        self.retry_after_seconds = retry_after_seconds


class RequestTooLarge(UserError):
    """One request asks for more than a server takes at once."""

    http_status = 413
    default_remedy = "Send it as several smaller requests."


class TooLate(BertkitError):
    """An answer was not ready when nobody waited for it any more."""

    http_status = 504
    default_remedy = "Ask again when there is less to do, ask for less, or give it more time with X-Timeout-Seconds."


class NotAllowed(UserError):
    """A request has no key, or one that the server does not know."""

    http_status = 401
    default_remedy = "Send a key that the server was given: `Authorization: Bearer KEY`."


class NotServing(BertkitError):
    """A server is starting, ending, or cannot compute."""

    http_status = 503
    default_remedy = "Ask again in a moment; GET /health says when it is ready."


class DeviceError(UserError):
    """The device or precision asked for is not there."""

    default_remedy = "Use --device auto and --dtype auto."


def refuse_pointer(path: str | Path, start: bytes, kind: type[UserError] = BadCheckpoint) -> None:
    """Refuse what git leaves in the place of a large file: three lines of text, whatever the file is to hold.

    Args:
        path: the file.
        start: how it begins; eight bytes are enough for what no text is.
        kind: what is raised.

    Raises:
        BadCheckpoint: or `kind`.
    """
    if len(start) >= 8 and _GIT_POINTER.startswith(start[: len(_GIT_POINTER)]):
        raise kind(
            f"{path}: a Git LFS pointer, not the file itself", f"Fetch it: run `git lfs pull` in {Path(path).parent}."
        )


def near_match(word: str, known: Iterable[str], *, typed: bool = True) -> str:
    """` (did you mean X?)` for the known word nearest to `word`, or an empty string.

    Args:
        word: what was asked for.
        known: what there is.
        typed: somebody wrote the word, perhaps with a slip. A word of bertkit's own that is looked for in a file of
            theirs has none: there only another spelling is a hint (`texts` for `text`, not `intent`).
    """
    spelt = {one.casefold(): one for one in known}
    matches = difflib.get_close_matches(word.casefold(), list(spelt), n=1, cutoff=0.6 if typed else 0.8)
    return f" (did you mean {spelt[matches[0]]!r}?)" if matches else ""
