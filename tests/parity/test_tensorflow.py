"""TensorFlow itself reads what bertkit writes, and bertkit what TensorFlow writes. Skipped where it is not installed.

Nothing of the project needs TensorFlow, not even its tests' environment: install it into one of your own to run this.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bertkit.checkpoints.bundle_files import find_bundle
from bertkit.checkpoints.tensor_bundle import read_bundle, write_bundle
from bertkit.pretrained.convert import convert
from tests.checkpoints.test_tensors import assert_same, sample
from tests.parity.bert_peer import Sizes, make_peer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

# argv: a checkpoint, and the safetensors file that gets what TensorFlow reads from it.
READ = """
import sys
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

reader = tf.train.load_checkpoint(sys.argv[1])
names = [name for name, _ in tf.train.list_variables(sys.argv[1])]
save_file({name: np.array(reader.get_tensor(name)) for name in names}, sys.argv[2])
"""
# argv: a safetensors file, and the checkpoint that TensorFlow writes from it, over two devices.
WRITE = """
import sys
import tensorflow as tf
from safetensors.numpy import load_file

v1 = tf.compat.v1
v1.disable_eager_execution()
for number, (name, value) in enumerate(load_file(sys.argv[1]).items()):
    with v1.device(f"/cpu:{number % 2}"):
        v1.get_variable(name, initializer=value)
with v1.Session(config=v1.ConfigProto(device_count={"CPU": 2})) as session:
    session.run(v1.global_variables_initializer())
    v1.train.Saver(sharded=True).save(session, sys.argv[2], write_meta_graph=False, write_state=False)
"""


def tensorflow(script: str, *arguments: Path) -> None:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_tensorflow_reads_every_type(tmp_path: Path) -> None:
    tensors = sample()
    write_bundle(tmp_path / "a.index", tensors)
    tensorflow(READ, tmp_path / "a", tmp_path / "a.safetensors")
    assert_same(load_file(tmp_path / "a.safetensors"), tensors)


def test_tensorflow_reads_a_converted_model(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path / "hub")
    convert(tmp_path / "hub", tmp_path / "tf", "tf", {})
    tensorflow(READ, tmp_path / "tf/bert_model.ckpt", tmp_path / "a.safetensors")
    theirs = load_file(tmp_path / "a.safetensors")
    hub = load_file(tmp_path / "hub/model.safetensors")
    assert_same(theirs, read_bundle(tmp_path / "tf/bert_model.ckpt.index"))
    kernel = theirs["bert/encoder/layer_1/output/dense/kernel"]
    assert torch.equal(kernel, hub["bert.encoder.layer.1.output.dense.weight"].T)


@pytest.mark.data
def test_both_read_the_published_checkpoint(test_data: Path, tmp_path: Path) -> None:
    prefix = test_data / "checkpoints/keras_bert_tiny_random_tf1/bert_model.ckpt"
    tensorflow(READ, prefix, tmp_path / "a.safetensors")
    ours, theirs = read_bundle(prefix.with_suffix(".ckpt.index")), load_file(tmp_path / "a.safetensors")
    assert_same(ours, {name: theirs[name] for name in ours})
    assert len(theirs) == 3 * len(ours) + 1  # each tensor's two of Adam, and the step


def test_two_data_files_that_tensorflow_writes(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path / "hub")
    convert(tmp_path / "hub", tmp_path / "tf", "tf", {})
    (tmp_path / "two").mkdir()
    source = tmp_path / "a.safetensors"
    tensorflow(READ, tmp_path / "tf/bert_model.ckpt", source)
    tensorflow(WRITE, source, tmp_path / "two/model.ckpt-7")
    assert len(find_bundle(tmp_path / "two")) == 3
    assert_same(read_bundle(tmp_path / "two/model.ckpt-7.index"), load_file(source))
