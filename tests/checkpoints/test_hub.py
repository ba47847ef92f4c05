"""Names become folders: paths, downloads of exactly what is needed, the cache when there is no network.

huggingface_hub reads its settings when it is imported, so everything that meets the hub runs in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from bertkit.checkpoints.hub import choose_weights, locate
from bertkit.checkpoints.tensors import read_tensors
from bertkit.errors import ModelNotFound
from tests import warm
from tests.checkpoints.hub_stub import TOKEN, HubStub

WEIGHTS = save({"weight": torch.arange(50_000.0)})
OTHER_WEIGHTS = save({"weight": torch.ones(50_000)})
REPOSITORY: dict[str, bytes | str] = {
    "config.json": '{"model_type": "bert"}',
    "tokenizer.json": "{}",
    "tokenizer_config.json": "{}",
    "vocab.txt": "[PAD]\n",
    "modules.json": "[]",
    "sentence_bert_config.json": '{"max_seq_length": 256}',
    "1_Pooling/config.json": "{}",
    "2_Dense/config.json": "{}",
    "2_Dense/model.safetensors": OTHER_WEIGHTS,
    "README.md": "# Model",
    "model.safetensors": WEIGHTS,
}
UNWANTED: dict[str, bytes | str] = {
    ".gitattributes": "",
    "pytorch_model.bin": b"the same again",
    "tf_model.h5": b"TensorFlow",
    "flax_model.msgpack": b"Flax",
    "onnx/model.onnx": b"ONNX",
    "onnx/config.json": "{}",
    "openvino/openvino_model.bin": b"OpenVINO",
    "train_script.py": "",
}
SCRIPT = """
import json, sys
from bertkit.checkpoints.hub import locate
from bertkit.errors import BertkitError
try:
    answer = {"folder": str(locate(sys.argv[1], revision=sys.argv[2] or None))}
except BertkitError as error:
    answer = {"error": type(error).__name__, "what": str(error), "remedy": error.remedy}
print(json.dumps(answer))
"""


@dataclass(frozen=True)
class Answer:
    """What `locate` said in its own process: a folder, or an error's name, line and remedy."""

    folder: Path
    error: str
    what: str
    remedy: str
    stderr: str

    @property
    def files(self) -> list[str]:
        return sorted(file.relative_to(self.folder).as_posix() for file in self.folder.rglob("*") if file.is_file())

    @property
    def weight(self) -> torch.Tensor:
        return read_tensors(self.folder)["weight"]


@dataclass(frozen=True)
class Client:
    hub: HubStub
    home: Path

    def start(self, model: str, revision: str = "", **environment: str) -> warm.Program:
        """Starts a process that locates the model."""
        self.hub.requests.clear()
        settings = self.hub.environment(self.home, **environment)
        return warm.start(["-c", SCRIPT, model, revision], settings, self.hub.root.with_name("written"))

    def locate(self, model: str, revision: str = "", **environment: str) -> Answer:
        code, stdout, stderr = self.start(model, revision, **environment).wait()
        assert code == 0, stderr
        said = json.loads(stdout)
        folder = Path(said.get("folder", "/no folder"))
        return Answer(folder, said.get("error", ""), said.get("what", ""), said.get("remedy", ""), stderr)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with HubStub(tmp_path / "hub") as hub:
        hub.add("org/bert", REPOSITORY | UNWANTED)
        yield Client(hub, tmp_path / "home")


# --- paths: the hub is not asked


def test_existing_folder_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org" / "bert").mkdir(parents=True)
    assert locate(str(tmp_path)) == tmp_path
    monkeypatch.chdir(tmp_path)
    assert locate("org/bert") == Path("org/bert")
    assert locate(".") == Path(".")


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate("~/model") == tmp_path / "model"


def test_file_is_refused_and_its_folder_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelNotFound, match="is a file, a model is a folder") as caught:
        locate(str(tmp_path / "model.safetensors"))
    assert str(tmp_path) in caught.value.remedy


def test_folder_has_no_revision(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="a folder has no revision 'v1'"):
        locate(str(tmp_path), revision="v1")


@pytest.mark.parametrize(
    "name",
    ["./model", "../model", "/no/such", "~/no such", "a/b/c", "", " ", "org/", "a b", ".hidden", "a//b", "a\\b", "é"],
)
def test_what_looks_like_a_path_is_never_asked_for(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # importing it would fail
    with pytest.raises(ModelNotFound, match="no such folder"):
        locate(name)


@pytest.mark.parametrize("name", ["a--b", "a..b", "org/name-", "n" * 97])
def test_name_that_the_hub_does_not_allow_is_refused(name: str) -> None:
    with pytest.raises(ModelNotFound, match="neither a folder nor a hub name"):
        locate(name)


def test_importing_does_not_import_the_hub_or_torch() -> None:
    script = "import sys, bertkit.checkpoints.hub; sys.exit(bool({'huggingface_hub', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# --- which weights


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["pytorch_model.bin", "model.safetensors"], ["model.safetensors"]),
        (["tf_model.h5", "pytorch_model.bin", "onnx/model.safetensors"], ["pytorch_model.bin"]),
        (
            [
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
                "model.fp16-00001-of-00002.safetensors",
                "pytorch_model.bin",
            ],
            [
                "model.safetensors.index.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
            ],
        ),
        (
            ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin", "x-00001-of-00001.bin"],
            ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"],
        ),
        (["tf_model.h5", "bert_model.ckpt.index"], []),
    ],
)
def test_weights_of_one_format_are_chosen(names: list[str], chosen: list[str]) -> None:
    assert choose_weights(names) == chosen


# --- the hub


def test_downloads_what_is_needed_once_and_then_works_offline(client: Client) -> None:
    first = client.locate("org/bert")
    assert first.files == sorted(REPOSITORY)
    assert first.stderr == ""
    assert torch.equal(first.weight, torch.arange(50_000.0))
    # The stub's files with equal content are one blob, which the hub's library downloads once.
    assert set(client.hub.downloads) <= set(REPOSITORY)
    assert "model.safetensors" in client.hub.downloads

    again = client.locate("org/bert")
    assert again.folder == first.folder
    assert client.hub.downloads == []

    offline = client.locate("org/bert", HF_HUB_OFFLINE="1")
    assert offline.folder == first.folder
    assert offline.stderr == ""
    assert client.hub.requests == []


def test_bin_is_downloaded_where_there_is_nothing_better(client: Client) -> None:
    client.hub.add("plain", {"config.json": "{}", "pytorch_model.bin": b"torch", "tf_model.h5": b"TensorFlow"})
    assert client.locate("plain").files == ["config.json", "pytorch_model.bin"]


def test_shards_are_downloaded(client: Client) -> None:
    shards = {f"model-0000{n}-of-00002.safetensors": save({f"t{n}": torch.ones(n)}) for n in (1, 2)}
    index = json.dumps({"weight_map": {f"t{n}": f"model-0000{n}-of-00002.safetensors" for n in (1, 2)}})
    client.hub.add("org/sharded", {"config.json": "{}", "model.safetensors.index.json": index, **shards})
    answer = client.locate("org/sharded")
    assert read_tensors(answer.folder).keys() == {"t1", "t2"}


def test_revision_is_a_branch_a_tag_or_a_commit(client: Client) -> None:
    client.hub.add("org/bert@v1", {"config.json": "{}", "model.safetensors": OTHER_WEIGHTS})
    main, tagged = client.locate("org/bert"), client.locate("org/bert", "v1")
    assert torch.equal(tagged.weight, torch.ones(50_000))
    assert torch.equal(main.weight, torch.arange(50_000.0))
    commit = client.hub.commit("org/bert@v1")
    assert client.locate("org/bert", commit).folder == tagged.folder
    assert client.locate("org/bert", "v1", HF_HUB_OFFLINE="1").folder == tagged.folder
    assert client.locate("org/bert", commit, HF_HUB_OFFLINE="1").folder == tagged.folder


def test_unknown_revision_is_named(client: Client) -> None:
    answer = client.locate("org/bert", "v9")
    assert (answer.error, answer.what) == ("ModelNotFound", "org/bert: has no revision 'v9' on the hub")


def test_unknown_model_is_named(client: Client) -> None:
    answer = client.locate("org/brt")
    assert answer.error == "ModelNotFound"
    assert answer.what == "org/brt: no such folder, and no such model on the hub"
    assert "HF_TOKEN" in answer.remedy


def test_gated_model_asks_for_a_token_and_opens_with_it(client: Client) -> None:
    client.hub.gated.add("org/bert")
    answer = client.locate("org/bert")
    assert answer.error == "ModelNotFound"
    assert answer.what == "org/bert: the hub does not give access to this model"
    assert "HF_TOKEN" in answer.remedy
    assert client.locate("org/bert", HF_TOKEN=TOKEN).files == sorted(REPOSITORY)


def test_refused_token_is_told_from_a_missing_network(client: Client) -> None:
    client.hub.refused_tokens.add("hf_expired")
    answer = client.locate("org/bert", HF_TOKEN="hf_expired")
    assert answer.error == "ModelNotFound"
    assert answer.what == "org/bert: the hub refuses the access token"
    assert "HF_TOKEN" in answer.remedy


def test_model_without_weights_that_we_read_is_not_downloaded(client: Client) -> None:
    client.hub.add("org/flax", {"config.json": "{}", "flax_model.msgpack": b"Flax"})
    answer = client.locate("org/flax")
    assert answer.error == "ModelNotFound"
    assert "neither model.safetensors nor pytorch_model.bin" in answer.what
    assert client.hub.downloads == []


def test_without_a_network_the_cache_serves_and_says_so(client: Client) -> None:
    folder = client.locate("org/bert").folder
    client.hub.close()
    answer = client.locate("org/bert")
    assert answer.folder == folder
    assert answer.stderr.count("\n") == 1
    assert "org/bert: the connection to the hub failed (ConnectError), using the copy in the hub cache" in answer.stderr


@pytest.mark.parametrize(("environment", "reason"), [({}, "ConnectError"), ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE")])
def test_without_a_network_and_a_cache_the_reason_is_given(
    client: Client, environment: dict[str, str], reason: str
) -> None:
    client.hub.close()
    answer = client.locate("org/bert", "v1", **environment)
    assert answer.error == "ModelNotFound"
    assert answer.what.startswith("org/bert at 'v1': no such folder, ")
    assert reason in answer.what
    assert "\n" not in answer.what


@pytest.mark.parametrize("fault", ["lost", pytest.param("cut", marks=pytest.mark.slow)])
def test_download_that_breaks_off_is_not_taken_for_a_model(client: Client, fault: str) -> None:
    broken: set[str] = getattr(client.hub, fault)
    broken.add("model.safetensors")
    answer = client.locate("org/bert")
    assert answer.error == "ModelNotFound"
    assert "the hub cache has no complete copy" in answer.what
    for revision in ("", client.hub.commit("org/bert")):
        assert client.locate("org/bert", revision, HF_HUB_OFFLINE="1").error == "ModelNotFound"
    broken.clear()
    assert torch.equal(client.locate("org/bert").weight, torch.arange(50_000.0))


def test_killed_download_is_not_taken_for_a_model(client: Client) -> None:
    client.hub.silent.add("model.safetensors")
    program = client.start("org/bert")
    assert client.hub.reached_silence.wait(300)
    program.process.kill()
    program.wait()
    assert client.locate("org/bert", client.hub.commit("org/bert"), HF_HUB_OFFLINE="1").error == "ModelNotFound"
    client.hub.silent.clear()
    assert torch.equal(client.locate("org/bert").weight, torch.arange(50_000.0))


def test_update_that_breaks_off_leaves_the_older_model_usable(client: Client) -> None:
    old = client.locate("org/bert")
    client.hub.add("org/bert", {"model.safetensors": OTHER_WEIGHTS, "config.json": '{"changed": 1}'})
    client.hub.lost.add("model.safetensors")
    assert client.locate("org/bert").folder == old.folder
    assert client.locate("org/bert", HF_HUB_OFFLINE="1").folder == old.folder
    client.hub.lost.clear()
    new = client.locate("org/bert")
    assert new.folder != old.folder
    assert torch.equal(new.weight, torch.ones(50_000))
    assert client.locate("org/bert", HF_HUB_OFFLINE="1").folder == new.folder


def test_cache_that_cannot_be_written_is_an_output_error(client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with_file = Client(client.hub, tmp_path / "file" / "home")
    answer = with_file.locate("org/bert")
    assert answer.error == "OutputError"
    assert "cannot be downloaded into the hub cache: Not a directory" in answer.what
    assert "HF_HOME" in answer.remedy


@pytest.mark.slow
def test_hub_that_dies_in_the_middle_is_not_taken_for_a_model(client: Client) -> None:
    client.hub.silent.add("model.safetensors")
    program = client.start("org/bert")
    assert client.hub.reached_silence.wait(300)
    client.hub.close()
    assert json.loads(program.wait().stdout)["error"] == "ModelNotFound"
    assert client.locate("org/bert", client.hub.commit("org/bert"), HF_HUB_OFFLINE="1").error == "ModelNotFound"
