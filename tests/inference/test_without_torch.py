"""What a folder says needs no torch: task and pipeline, and the commands that read no weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bertkit.checkpoints.stored import StoredTensors
from bertkit.errors import UserError
from bertkit.pretrained.adapter_writing import write_adapter
from bertkit.pretrained.adapters import Adapter, Base
from bertkit.pretrained.convert import convert
from bertkit.pretrained.direct_reading import HEAD, KEY, direct
from bertkit.pretrained.from_state import TaskMetadata, from_state
from bertkit.pretrained.loading import open_pretrained, open_reader
from bertkit.pretrained.saving import save_pretrained
from tests.checkpoints.test_tensors import write_shards
from tests.parity.task_peers import make_task_peer
from tests.pretrained.sentence_folders import WIDTH, make_base, sentence_folder, write

ROOT = Path(__file__).parents[2]
TEXTS = ["w1 w2", "w3", "w4 w5 w6 w7 w8 w9"]


def plain(place: Path) -> Path:
    make_task_peer("text-classification", place)
    return place


def direct_classifier(place: Path) -> Path:
    """One that reads the mean, spelled out for transformers."""
    source = open_pretrained(plain(place.with_name("of-direct")))
    tokenizer, family = source.load_tokenizer(), direct(source.family, "mean")
    config = source.config.model_copy(update={"pooler": False})
    encoder = {name: t for name, t in source.build_encoder().state_dict().items() if not name.startswith("pooler.")}
    head = {"classifier.weight": torch.randn(3, config.width), "classifier.bias": torch.zeros(3)}
    values = {key: source.foreign.values[key] for key in ("id2label", "architectures")}
    save_pretrained(
        from_state(family, config, encoder, {HEAD: head}, tokenizer, TaskMetadata(values)), tokenizer, place
    )
    assert KEY in (place / "config.json").read_text()
    return place


def adapter(place: Path) -> Path:
    base = direct_classifier(place.with_name("base"))
    source = open_pretrained(base)
    width = source.config.width
    tensors = {
        "layers.0.mlp.up.lower": torch.randn(2, width),
        "layers.0.mlp.up.upper": torch.randn(source.config.ffn_width, 2),
        "head.classifier.weight": torch.randn(3, width),
        "head.classifier.bias": torch.zeros(3),
    }
    about = Base.of(str(base), base, place)
    values = {"id2label": {"0": "a", "1": "b", "2": "c"}, KEY: "mean"}
    write_adapter(Adapter(about, source.fingerprint(), HEAD, 1.0, values, StoredTensors.of(tensors)), place, "")
    return place


def sharded(place: Path) -> Path:
    tensors = load_file(plain(place) / "model.safetensors")
    (place / "model.safetensors").unlink()
    write_shards(place, tensors)
    return place


def tensorflow(place: Path) -> Path:
    convert(plain(place.with_name("of-tf")), place, "tf", {})
    return place


CLASSIFIERS: dict[str, Callable[[Path], Path]] = {
    "plain": plain,
    "direct": direct_classifier,
    "adapter": adapter,
    "sharded": sharded,
    "tensorflow": tensorflow,
}


def embedder(place: Path) -> Path:
    folder = sentence_folder(make_base(place.with_name("of-vectors")), place, more=["Dense", "Normalize"])
    path = folder / "2_Dense"
    write(path / "config.json", {"in_features": WIDTH, "out_features": 7, "bias": False})
    save_file({"linear.weight": torch.ones(7, WIDTH)}, path / "model.safetensors")
    return folder


SCRIPT = """
import json, sys
sys.modules["torch"] = None  # importing it fails
import bertkit
from bertkit.cli.main import main
from bertkit.formats.rows import Row
from bertkit.inference.pipeline import Pipeline
from bertkit.pretrained.loading import open_reader
from tests.toys.toy_backend import CountIds
import numpy as np

classifiers, embedder, texts = json.loads(sys.argv[1])
found = {}
for folder in classifiers:
    model = bertkit.load(folder, backend=CountIds)
    found[folder] = [result.labels[0].label for result in model.predict(texts)]
pretrained, reader = open_reader(embedder)
pipeline = Pipeline(reader, "int64")
request = pipeline.prepare(Row({"text": texts[0]}, "here"))
found[embedder] = pipeline.finish(request, [(np.ones((1, pretrained.config.width), np.float32),)]).embedding.tolist()
for folder in (*classifiers, embedder):
    found[f"info {folder}"] = main(["info", folder, "--json"])
    found[f"tokenize {folder}"] = main(["tokenize", texts[0], "-m", folder])
    found[f"plan {folder}"] = main(["plan", folder, "--lengths", "16", "--json"])
print("\\n" + json.dumps(found))
"""


def test_rows_are_read_and_answers_decided_without_torch(tmp_path: Path) -> None:
    classifiers = [str(make(tmp_path / name)) for name, make in CLASSIFIERS.items()]
    vectors = str(embedder(tmp_path / "vectors"))
    command = [sys.executable, "-c", SCRIPT, json.dumps([classifiers, vectors, TEXTS])]
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    answers = [found.pop(folder) for folder in classifiers]
    assert all(len(answer) == len(TEXTS) for answer in answers)
    assert found.pop(vectors) == pytest.approx([7**-0.5] * 7)
    assert set(found.values()) == {0}
    assert len(found) == 3 * (len(classifiers) + 1)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_what_is_said_before_weights_are_read_is_what_they_are(name: str, tmp_path: Path) -> None:
    opened = open_pretrained(CLASSIFIERS[name](tmp_path / name))
    headers, tensors = opened.tensors.headers, dict(opened.tensors)
    assert headers.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (headers[name].shape, f"torch.{headers[name].dtype}") == (tuple(tensor.shape), str(tensor.dtype)), name
    opened.build_network(opened.build_task(HEAD, opened.load_tokenizer()))


def test_a_policy_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"long is 'windows' \(did you mean 'window'"):
        open_reader(tmp_path, long="windows")
