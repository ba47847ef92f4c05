"""Which TensorFlow checkpoint of a folder is meant: `bert_model.ckpt`, or the newest of `model.ckpt-1000`, `-2000`."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path

from bertkit.errors import BadCheckpoint

_STEP = re.compile(r"(?P<stem>.*)-(?P<step>\d+)")


def find_bundle(folder: Path) -> tuple[Path, ...]:
    """The index of a folder's TensorFlow checkpoint and then its data files; empty where there is no checkpoint.

    Of several checkpoints that differ only in their number of training steps it is the one with the most.

    Raises:
        BadCheckpoint: there are several with different names; an index is missing; or the format is the one of 2015.
    """
    names = {index.name.removesuffix(".index") for index in folder.glob("*.index")}
    if not names:
        _refuse_without_index(folder)
        return ()
    name = _newest(folder, names)
    return folder / f"{name}.index", *sorted(folder.glob(f"{glob.escape(name)}.data-?????-of-?????"))


def _newest(folder: Path, names: Iterable[str]) -> str:
    names = sorted(names)
    if len(names) == 1:
        return names[0]
    steps = [match for name in names if (match := _STEP.fullmatch(name))]
    if len(steps) < len(names) or len({match["stem"] for match in steps}) > 1:
        raise BadCheckpoint(
            f"{folder}: several TensorFlow checkpoints: {', '.join(names)}",
            "Move all but one to another folder.",
        )
    return max(steps, key=lambda match: int(match["step"]))[0]


def _refuse_without_index(folder: Path) -> None:
    for file in sorted(folder.glob("*.data-?????-of-?????")):
        index = file.with_suffix(".index")
        raise BadCheckpoint(f"{index}: missing, {file.name} is there and cannot be read without it")
    from bertkit.checkpoints.sstable import FOOTER_BYTES, is_table

    for file in sorted(path for path in folder.glob("*.ckpt*") if path.is_file()):
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - FOOTER_BYTES))
            if is_table(opened.read()):
                raise BadCheckpoint(
                    f"{file}: a TensorFlow checkpoint of the one-file V1 format, which is not supported",
                    "Save it again with TensorFlow 1's Saver(write_version=SaverDef.V2).",
                )
