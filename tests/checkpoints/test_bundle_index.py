"""The index says what is where, as TensorFlow writes it, and refuses what is no plain tensor."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.checkpoints.bundle_index import BundleEntry, index_file, read_index
from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.sstable import table
from bertkit.checkpoints.wire import bytes_field, varint_field
from bertkit.errors import BadCheckpoint
from tests.checkpoints import tensorflow_files
from tests.checkpoints.tensorflow_files import unpack

HEADER = b"\x08\x01\x1a\x02\x08\x01"
SHAPE = bytes_field(2, bytes_field(2, varint_field(1, 2)))
ENTRY = varint_field(1, 1) + SHAPE + varint_field(5, 8)  # two float32


def test_an_index_that_tensorflow_wrote(tmp_path: Path) -> None:
    index = read_index(unpack(tensorflow_files.TWO, tmp_path))
    assert index.shards == 2
    assert index.entries["bert/pooler/dense/kernel"] == BundleEntry(
        TensorHeader((2, 3), "float32"), 1, 3, 24, 0x173DDBC0
    )
    assert index.entries["global_step"].header == TensorHeader((), "int64")


def test_written_again_it_is_the_same_file(tmp_path: Path) -> None:
    path = unpack(tensorflow_files.TWO, tmp_path)
    assert index_file(read_index(path)) == path.read_bytes()


@pytest.mark.data
def test_the_published_index_written_again_is_the_same_file(test_data: Path) -> None:
    path = test_data / "checkpoints/keras_bert_tiny_random_tf1/bert_model.ckpt.index"
    assert index_file(read_index(path)) == path.read_bytes()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (tensorflow_files.SLICED, "tensor 'bert/w': it is stored in slices"),
        (tensorflow_files.STRINGS, "tensor 'names': TensorFlow's type number 7 is not supported"),
        (tensorflow_files.OBJECTS, "a checkpoint of TensorFlow 2 objects"),
    ],
)
def test_what_tensorflow_writes_and_bertkit_does_not_read(tmp_path: Path, files: dict[str, str], says: str) -> None:
    path = unpack(files, tmp_path)
    with pytest.raises(BadCheckpoint, match=says) as caught:
        read_index(path)
    assert str(caught.value).startswith(f"{path}: ")


def entry(**changes: bytes) -> dict[bytes, bytes]:
    parts = {"dtype": varint_field(1, 1), "shape": SHAPE, "size": varint_field(5, 8)} | changes
    return {b"": HEADER, b"w": b"".join(parts.values())}


BAD = {
    "no header": ({b"w": ENTRY}, "the header: it is missing"),
    "header is no message": ({b"": b"\x0a\x09"}, "the header: field 1 ends after its message"),
    "header of other types": ({b"": bytes_field(1, b"2")}, "the header: a field has another type"),
    "big-endian": ({b"": HEADER + b"\x10\x01"}, "the header: it was written on a big-endian machine"),
    "newer": ({b"": b"\x08\x01\x1a\x04\x08\x09\x10\x02"}, "the header: it needs a reader of version 2, this one is 1"),
    "countless files": ({b"": varint_field(1, 2**60)}, "the header: it says that there are 1152921504606846976 data"),
    "unknown type": (entry(dtype=varint_field(1, 8)), "tensor 'w': TensorFlow's type number 8 is not supported"),
    "no type": (entry(dtype=b""), "tensor 'w': TensorFlow's type number 0 is not supported"),
    "size and shape": (entry(size=varint_field(5, 9)), r"'w': 9 bytes are not a float32 tensor of shape \(2,\)"),
    "another file": (entry(shard=varint_field(3, 1)), "tensor 'w': it is in data file 1, there are 1 from 0 on"),
    "entry of other types": (entry(size=bytes_field(5, b"8")), "tensor 'w': a field has another type"),
    "shape of another type": (entry(shape=varint_field(2, 4)), "tensor 'w': a field has another type"),
    "unknown rank": (entry(shape=bytes_field(2, varint_field(3, 1))), "tensor 'w': its shape is not known"),
    "unknown size": (
        entry(shape=bytes_field(2, bytes_field(2, varint_field(1, 2**64 - 1)))),
        "tensor 'w': its shape is not known",
    ),
    "a name that is not UTF-8": ({b"": HEADER, b"\xff": ENTRY}, "codec can't decode"),
}


@pytest.mark.parametrize(("entries", "says"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said(tmp_path: Path, entries: dict[bytes, bytes], says: str) -> None:
    path = tmp_path / "a.index"
    path.write_bytes(table(entries))
    with pytest.raises(BadCheckpoint, match=says) as caught:
        read_index(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_the_entry_of_these_tests_is_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "a.index").write_bytes(table(entry()))
    assert read_index(tmp_path / "a.index").entries == {"w": BundleEntry(TensorHeader((2,), "float32"), 0, 0, 8, 0)}
