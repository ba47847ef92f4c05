"""Reading and writing the small text files of a tokenizer folder."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from bertkit.errors import BadCheckpoint, OutputError, refuse_pointer

COPY_AGAIN = "Copy the tokenizer's files again from where the model came from."


def read_lines(path: Path) -> list[str]:
    r"""The lines of a UTF-8 file without their ends (`\n` or `\r\n`).

    Raises:
        BadCheckpoint: the file cannot be read, or a line (named) is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read ({error.strerror})", COPY_AGAIN) from error
    refuse_pointer(path, content)
    lines = []
    # Not str.splitlines: it would also break at characters such as U+2028, which can be pieces themselves.
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            lines.append(line.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError as error:
            raise BadCheckpoint(
                f"{path}:{number}: not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start} of the line)",
                "Save the file as UTF-8, or copy it again from where the model came from.",
            ) from error
    if lines[-1] == "":
        lines.pop()
    return lines


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file, or an empty one where there is no such file.

    Raises:
        BadCheckpoint: the file cannot be read, or is not UTF-8, not JSON (line named) or not an object.
    """
    if not path.exists():
        return {}
    try:
        value = json.loads("\n".join(read_lines(path)))
    except json.JSONDecodeError as error:
        raise BadCheckpoint(f"{path}:{error.lineno}: not JSON ({error.msg})", COPY_AGAIN) from error
    except RecursionError as error:
        raise BadCheckpoint(f"{path}: nested too deeply", COPY_AGAIN) from error
    if not isinstance(value, dict):
        raise BadCheckpoint(f"{path}: a JSON object is expected, not {type(value).__name__}", COPY_AGAIN)
    return value


def write_text(path: Path, text: str) -> None:
    """Writes the whole file or leaves what was there.

    Raises:
        OutputError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})", "Choose another folder.") from error
    finally:
        with suppress(OSError):  # there is none, or nothing can be done about it
            partial.unlink()


def write_object(path: Path, value: dict[str, Any]) -> None:
    """Writes a JSON object, keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
