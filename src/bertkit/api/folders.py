"""In which folder a job's run is kept: the one that was named, or a temporary one that lasts as long as the result."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from typing import TypeVar

from bertkit.errors import UserError
from bertkit.workflows.results import Trained

Result = TypeVar("Result", bound=Trained)


class TemporaryFolder:
    """A folder that is removed when nobody holds this object any more, or when Python ends."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="bertkit-")
        self.remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def run_in(output: str | os.PathLike[str] | None, job: Callable[[str], Result]) -> Result:
    """The result of a job in a folder; where none is named, in one that the result keeps there.

    Raises:
        UserError: none is named, and several processes would each make their own.
    """
    if output is not None:
        return job(os.fspath(output))
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("output is not given, and there are several processes", "Name one folder for all: output=….")
    temporary = TemporaryFolder()
    try:
        return job(temporary.path).kept_by(temporary)
    except BaseException:
        temporary.remove()
        raise
