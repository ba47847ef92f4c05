"""Reads torch.distributed.checkpoint's folders without running anything that they contain.

Its index, `.metadata`, is a pickle, and a pickle can name any function to call. Here it may name only what an index is
made of, and every file that it sends us to must be one of the checkpoint's own. The tensors' files are read by torch's
`weights_only` reader already.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch.distributed.checkpoint import filesystem, metadata
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta
from torch.serialization import _get_layout

from bertkit.errors import BadCheckpoint, UnsafeCheckpoint

INDEX = ".metadata"
_ADMITTED: Mapping[tuple[str, str], Callable[..., object]] = {
    **{
        (metadata.__name__, kind.__name__): kind
        for kind in (
            metadata.Metadata,
            metadata.TensorStorageMetadata,
            metadata.TensorProperties,
            metadata._MEM_FORMAT_ENCODING,
            metadata.ChunkStorageMetadata,
            metadata.MetadataIndex,
            metadata.StorageMeta,
        )
    },
    (filesystem.__name__, "_StorageInfo"): filesystem._StorageInfo,
    ("torch", "Size"): torch.Size,
    ("torch.serialization", "_get_layout"): _get_layout,
    ("pathlib", "PosixPath"): PurePosixPath,  # where it was written, which nobody reads
    ("pathlib._local", "PosixPath"): PurePosixPath,
}


class SafeReader(FileSystemReader):
    """torch's reader of a checkpoint's folder, for folders of anyone.

    Args:
        files: the names of the checkpoint's own files.
    """

    def __init__(self, folder: Path, files: Collection[str]) -> None:
        super().__init__(folder)
        self._index = folder / INDEX
        self._files = files

    def read_metadata(self, *arguments: Any, **options: Any) -> Metadata:
        """The index.

        Raises:
            UnsafeCheckpoint: it is not only an index. Nothing of it was run.
            BadCheckpoint: it is damaged.
        """
        found = read_index(self._index, self._files)
        if found.storage_meta is None:
            found.storage_meta = StorageMeta()
        found.storage_meta.load_id = self.load_id
        return found


def read_index(path: Path, files: Collection[str]) -> Metadata:
    """The index of a checkpoint whose files have these names.

    Raises:
        UnsafeCheckpoint: it names something else than an index is made of, or a file elsewhere. Nothing of it was run.
        BadCheckpoint: it is damaged.
    """
    try:
        found = _Unpickler(io.BytesIO(path.read_bytes()), path).load()
        assert isinstance(found, Metadata)
        places = [info.relative_path for info in found.storage_data.values()]
    except UnsafeCheckpoint:
        raise
    except Exception as error:  # a damaged pickle can fail anywhere, with any exception
        raise BadCheckpoint(f"{path}: not the index of a checkpoint ({type(error).__name__})", REMEDY) from error
    for place in places:
        if place not in files:
            raise UnsafeCheckpoint(f"{path}: not read, because it names {place!r}, no file of this checkpoint", REMEDY)
    return found


REMEDY = "Remove this checkpoint to go on from the one before it; if the folder came from others, ask them."


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: io.BytesIO, path: Path) -> None:
        super().__init__(content)
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """What a global name stands for: it may be a type of numbers, or what an index is made of."""
        if module == "torch" and isinstance(dtype := getattr(torch, name, None), torch.dtype):
            return dtype
        if (module, name) not in _ADMITTED:
            called = f"{module}.{name}"
            raise UnsafeCheckpoint(f"{self._path}: not read, because reading it would call {called}", REMEDY)
        return _ADMITTED[module, name]
