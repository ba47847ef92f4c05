"""`bertkit predict --explain` with real models, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.cli.main import main
from tests.parity.task_peers import make_task_peer


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("classifier")
    make_task_peer("text-classification", folder)
    return str(folder)


@pytest.mark.parametrize("kind", ["attribution", "rollout", "heads"])
def test_records_gain_an_explanation(classifier: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "paris is", "a city", "-m", classifier, "--explain", kind, "--json"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert list(first) == ["labels", "input_tokens", "windows", "truncated", "dtype", "explanation"]
    assert first["explanation"]["kind"] == second["explanation"]["kind"] == kind
    assert first["explanation"]["target"] == first["labels"][0]["label"]
    if kind == "heads":
        assert [len(heads) for heads in first["explanation"]["importance"]] == [3, 3]
    else:
        assert [word["text"] for word in second["explanation"]["words"]] == ["a", "city"]


def test_a_person_sees_words(classifier: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["predict", "paris is a citys", "-m", classifier, "--explain", "attribution", "--explain-target", "maybe"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    why = next(place for place, line in enumerate(lines) if line.startswith("     why maybe: its score is "))
    assert [line.split()[1] for line in lines[why + 2 : why + 6]] == ["paris", "is", "a", "citys"]


def test_bad_rows_keep_their_place(classifier: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.txt").write_text("paris\n\nis\n")
    command = ["predict", "-i", str(tmp_path / "rows.txt"), "-m", classifier, "--explain", "heads"]
    assert main([*command, "--on-error", "record", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["error" in record for record in records] == [False, True, False]


def test_the_embedded_model_has_a_rollout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "A bridge.", "--explain", "rollout"]) == 0
    assert "where attention comes from" in capsys.readouterr().out
    assert main(["predict", "A bridge.", "--explain", "attribution"]) == 2
    assert "sentence-embedding gives a vector, not a score" in capsys.readouterr().err


def test_only_in_float32(classifier: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "paris", "-m", classifier, "--explain", "heads", "--dtype", "bfloat16"]) == 2
    assert "explanations are computed in float32, not in bfloat16" in capsys.readouterr().err
