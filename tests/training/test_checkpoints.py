from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.distributed.checkpoint.filesystem import FileSystemWriter

from bertkit.training.checkpoints import STATE, Checkpoints, Tensors, damage, finished
from bertkit.training.ranks import Ranks, joined
from tests.training.in_process import CPU


@pytest.fixture(scope="module")
def ranks() -> Iterator[Ranks]:
    with joined(CPU) as group:
        yield group


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def checkpoints(ranks: Ranks, tmp_path: Path, said: list[str]) -> Iterator[Checkpoints]:
    opened = Checkpoints(tmp_path / "run", ranks, 2, said.append)
    yield opened
    opened.close()


def tensors_of(step: int) -> Tensors:
    """Some that tell their step."""
    return {"model/weight": torch.arange(6.0).view(2, 3) + step, "optimiser/weight/step": torch.tensor(float(step))}


def save(checkpoints: Checkpoints, *steps: int, scores: dict[int, float] | None = None) -> None:
    for step in steps:
        checkpoints.save(step, tensors_of(step), {"step": step, "tokens": 7 * step}, (scores or {}).get(step))
    checkpoints.settle()


def names(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


def went_back_to(checkpoints: Checkpoints) -> int:
    """The step that is found, after looking that its tensors are all there."""
    found = tensors_of(0)
    saved = checkpoints.newest(found)
    assert saved is not None
    assert saved.state == {"step": saved.step, "tokens": 7 * saved.step}
    for name, tensor in tensors_of(saved.step).items():
        assert torch.equal(found[name], tensor)
    return saved.step


def flip_a_bit(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_the_newest_is_found(checkpoints: Checkpoints, said: list[str]) -> None:
    save(checkpoints, 5, 10)
    assert went_back_to(checkpoints) == 10
    assert not said


def test_no_checkpoint(checkpoints: Checkpoints) -> None:
    tensors = tensors_of(3)
    assert checkpoints.newest(tensors) is None
    assert torch.equal(tensors["model/weight"], tensors_of(3)["model/weight"])


def test_what_is_saved_is_what_the_tensors_were_then(checkpoints: Checkpoints) -> None:
    tensors = tensors_of(5)
    checkpoints.save(5, tensors, {"step": 5, "tokens": 35})
    tensors["model/weight"].zero_()  # training goes on while the checkpoint is written
    checkpoints.settle()
    assert went_back_to(checkpoints) == 5


def test_the_newest_and_the_best_are_kept(checkpoints: Checkpoints) -> None:
    save(checkpoints, 1, 2, 3, 4, 5, scores={1: 3.0, 2: 1.5, 4: 2.0})
    assert names(checkpoints) == ["step-00000002", "step-00000004", "step-00000005"]
    assert [saved.score for saved in finished(checkpoints.folder)] == [1.5, 2.0, None]
    save(checkpoints, 6, scores={6: 1.0})
    assert names(checkpoints) == ["step-00000005", "step-00000006"]


def test_a_step_can_be_saved_again(checkpoints: Checkpoints) -> None:
    save(checkpoints, 5, 10, 10)
    assert names(checkpoints) == ["step-00000005", "step-00000010"]
    assert went_back_to(checkpoints) == 10


@pytest.mark.parametrize("name", ["__0_0.distcp", ".metadata"])
def test_a_changed_file_is_noticed(name: str, checkpoints: Checkpoints, said: list[str]) -> None:
    save(checkpoints, 5, 10)
    file = checkpoints.folder / "step-00000010" / name
    flip_a_bit(file, file.stat().st_size // 2)
    assert went_back_to(checkpoints) == 5
    assert said == [f"{file}: its content has changed since it was written; going back to the checkpoint before it"]


@pytest.mark.parametrize("name", ["__0_0.distcp", ".metadata"])
def test_a_missing_file_is_noticed(name: str, checkpoints: Checkpoints, said: list[str]) -> None:
    save(checkpoints, 5, 10)
    file = checkpoints.folder / "step-00000010" / name
    file.unlink()
    assert went_back_to(checkpoints) == 5
    assert said == [f"{file}: is missing; going back to the checkpoint before it"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"step": 10}', '{"step": 10, "state": {}, "score": null}'])
def test_a_damaged_state_is_noticed(content: str, checkpoints: Checkpoints, said: list[str]) -> None:
    save(checkpoints, 5, 10)
    (checkpoints.folder / "step-00000010" / STATE).write_text(content)
    assert went_back_to(checkpoints) == 5
    assert len(said) == 1
    assert "step-00000010/state.json" in said[0]


class Trap:
    """What unpickling makes of this leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.trace,)  # type: ignore[return-value]


def test_changed_metadata_is_never_unpickled(checkpoints: Checkpoints, tmp_path: Path) -> None:
    save(checkpoints, 5, 10)
    trace = tmp_path / "trace"
    metadata = checkpoints.folder / "step-00000010/.metadata"
    metadata.write_bytes(pickle.dumps(Trap(trace)))
    assert went_back_to(checkpoints) == 5
    assert not trace.exists()
    pickle.loads(metadata.read_bytes())
    assert trace.exists()  # the trap works


def test_a_state_that_does_not_vouch_for_the_metadata(checkpoints: Checkpoints) -> None:
    save(checkpoints, 5, 10)
    state = checkpoints.folder / "step-00000010" / STATE
    state.write_text(state.read_text().replace('".metadata"', '".else"'))
    assert "names no .metadata" in str(damage(state.parent))
    assert went_back_to(checkpoints) == 5


def test_all_are_damaged(checkpoints: Checkpoints, said: list[str]) -> None:
    save(checkpoints, 5, 10)
    for saved in finished(checkpoints.folder):
        flip_a_bit(saved.folder / "__0_0.distcp", 0)
    assert checkpoints.newest(tensors_of(0)) is None
    assert len(said) == 2


def test_a_damaged_newer_one_takes_no_place(ranks: Ranks, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, ranks, 1, lambda line: None)
    save(checkpoints, 10)
    flip_a_bit(tmp_path / "step-00000010/__0_0.distcp", 0)
    save(checkpoints, 5, 7)  # the run went back, and has not come to where it was
    assert went_back_to(checkpoints) == 7
    checkpoints.close()


def test_a_write_that_fails_is_said(checkpoints: Checkpoints, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    save(checkpoints, 5)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemWriter, "write_data", full)
        checkpoints.save(10, tensors_of(10), {"step": 10, "tokens": 70})
        assert not said
        checkpoints.settle()
    assert len(said) == 1
    assert said[0].startswith("the checkpoint of step 10 could not be written (")
    assert "No space left on device" in said[0]
    assert said[0].endswith("; the one before it stays")
    assert "\n" not in said[0]
    assert names(checkpoints) == ["step-00000005"]
    save(checkpoints, 15)
    assert went_back_to(checkpoints) == 15


def test_what_is_not_there_is_not_spoken_of(
    checkpoints: Checkpoints, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSystemWriter, "write_data", full)
    save(checkpoints, 10)
    assert [line.rpartition("; ")[2] for line in said] == ["there is none before it"]


def test_a_place_that_cannot_be_written(checkpoints: Checkpoints, said: list[str]) -> None:
    (checkpoints.folder / ".step-00000005").write_text("a file where a folder is to be")
    save(checkpoints, 5)
    assert len(said) == 1
    assert "could not be written" in said[0]
    save(checkpoints, 6)
    assert went_back_to(checkpoints) == 6


def test_a_copy_under_another_name_is_not_the_newest(checkpoints: Checkpoints, said: list[str]) -> None:
    save(checkpoints, 5, 10)
    (checkpoints.folder / "step-00000005").rename(checkpoints.folder / "step-00000010-of-before")
    assert went_back_to(checkpoints) == 10
    assert "is of step 5" in said[0]


def test_what_a_killed_run_left_is_removed(ranks: Ranks, tmp_path: Path) -> None:
    (tmp_path / ".step-00000005").mkdir()
    (tmp_path / ".step-00000005/__0_0.distcp").write_text("half")
    (tmp_path / "notes").mkdir()
    Checkpoints(tmp_path, ranks, 2, lambda line: None).close()
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
