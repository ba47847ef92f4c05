"""Small checkpoints that TensorFlow 2.21 itself wrote, and what TensorFlow reads from them.

Made with `tf.compat.v1.train.Saver`, graph mode: TWO with `sharded=True` and variables on two CPU devices, SLICED with
a `fixed_size_partitioner(2)`, STRINGS with one string variable, V1 with `write_version=SaverDef.V1`; OBJECTS with
`tf.train.Checkpoint(w=…).write`.
"""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import torch

TWO = {
    "two.ckpt.data-00000-of-00002": "AAAAAAAAAD4AAIA+AADAPgAAAD8AACA/AABAPwAAYD8AAIA/AACQPwAAoD8AALA/BwAAAAAAAAA=",
    "two.ckpt.data-00001-of-00002": "Af4DAAAAAAAAgD8AAABAAABAQAAAgEAAAKBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADjAP0DA",
    "two.ckpt.index": (
        "AAAGCAIaAggBAB8TYmVydC9lbWJlZGRpbmdzL3dvcmRfZW1iZWRkaW5ncwgBEggSAggEEgIIAygwNXbTEw4FERFwb29sZXIvZGVuc2UvYmlh"
        "cwgGEgQSAggDGAEoAzVAt4ueEgYXa2VybmVsCAESCBICCAISAggDGAEgAygYNcDbPRcYBxcvYWRhbV9tCAESCBICCAISAggDGAEgGygYNc/0"
        "X3wACw1nbG9iYWxfc3RlcAgJEgAgMCgINbvXnxEABQ9zY2FsZQgTEgAYASAzKAI1joHbbwAFE3RoaXJkCA4SBBICCAIYASA1KAQ1UYxdZgAA"
        "AAABAAAAAAs4C6sAAAAAAQAAAADA8qGwAAEDdQD5AQAAAAABAAAAAF0dNlH+AQiLAg8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAV/uAiyR1R9s="
    ),
}
TWO_TENSORS = {
    "bert/embeddings/word_embeddings": torch.arange(12.0).reshape(4, 3) / 8,
    "bert/pooler/dense/kernel": torch.arange(6.0).reshape(2, 3),
    "bert/pooler/dense/bias": torch.tensor([1, -2, 3], dtype=torch.int8),
    "scale": torch.tensor(0.5, dtype=torch.float16),
    "third": torch.tensor([1.5, -3.0], dtype=torch.bfloat16),
}
SLICED = {
    "sliced.ckpt.data-00000-of-00001": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "sliced.ckpt.index": (
        "AAAGCAEaAggBAA8TAGJlcnQvdwABAQKAgoCDCAESCBICCAISAggDKBg1z/RffAsEFYKCgIMIARIIEgIIAhICCAMgGCgYNc/0X3wABiJiZXJ0"
        "L3cIARIIEgIIBBICCAM6CAoCEAIKAhADOgoKBAgCEAIKAhADAAAAAAEAAAAA8JpXWgAAAAABAAAAAMDyobAAAQJjAH0AAAAAAQAAAADkoEV/"
        "ggEIjwEOAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFf7gIskdUfb"
    ),
}
STRINGS = {
    "strings.ckpt.data-00000-of-00001": "AQF6G61sYWI=",
    "strings.ckpt.index": (
        "AAAGCAEaAggBAAUPbmFtZXMIBxIEEgIIAigINbumIdwAAAAAAQAAAABwMajjAAAAAAEAAAAAwPKhsAABAm8AKAAAAAABAAAAAB17e6stCDoO"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAV/uAiyR1R9s="
    ),
}
OBJECTS = {
    "obj.data-00000-of-00001": (
        "AACAPwAAAEBNnVKeewoLCgUIARIBdyoCCAEKPhI4Cg5WQVJJQUJMRV9WQUxVRRIIVmFyaWFibGUaHHcvLkFUVFJJQlVURVMvVkFSSUFCTEVf"
        "VkFMVUUqAggB"
    ),
    "obj.index": (
        "AAAGCAEaAggBABwNX0NIRUNLUE9JTlRBQkxFX09CSkVDVF9HUkFQSAgHEgAgCChSNZO0KAkAHA93Ly5BVFRSSUJVVEVTL1ZBUklBQkxFX1ZB"
        "TFVFCAESBBICCAIoCDVZPOU1AAAAAAEAAAAAa62iCgAAAAABAAAAAMDyobAAAQJ4AGsAAAAAAQAAAABmL2ohcAh9DgAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAFf7gIskdUfb"
    ),
}
V1 = {
    "v1.ckpt": (
        "AAAiCiAKGgoGYmVydC93EggSAggCEgIIAhgBIgQKAAoAEgIIAQAPJABiZXJ0L3cAAQECgH+AfxIiCgZiZXJ0L3cSBAoACgAaEioQAACAPwAA"
        "gD8AAIA/AACAPwAAAAABAAAAAIgNdCEAAAAAAQAAAADA8qGwAAECAQBjAAAAAAEAAAAAfxMNYWgIdQ4AAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAABX+4CLJHVH2w=="
    ),
}


def unpack(files: dict[str, str], folder: Path) -> Path:
    """Writes the files of a checkpoint; returns its index."""
    for name, content in files.items():
        (folder / name).write_bytes(b64decode(content))
    return next(folder.glob("*.index"), folder)
