from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "##ing", "the", "piano", "cafe"]


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A model folder that has a tokenizer and nothing else."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    (folder / "config.json").write_text('{"model_type": "bert"}')
    return str(folder)


def test_pieces_ids_and_offsets_of_the_users_text(run: Run, model: str) -> None:
    code, out, err = run("tokenize", "Playing the caf\u00e9", "-m", model, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "tokens": ["[CLS]", "play", "##ing", "the", "cafe", "[SEP]"],
        "ids": [2, 5, 6, 7, 9, 3],
        "offsets": [[0, 0], [0, 4], [4, 7], [8, 11], [12, 16], [0, 0]],
        "input_tokens": 6,
    }


def test_a_person_gets_a_table(run: Run, model: str) -> None:
    _, out, _ = run("tokenize", "the piano", "-m", model)
    assert out.splitlines() == [
        "the piano  (4 tokens)",
        "     piece  id  offsets",
        "     [CLS]  2",
        "     the    7   0-3",
        "     piano  8   4-9",
        "     [SEP]  3",
    ]


def test_a_pair_is_shown_as_the_model_reads_it(run: Run, model: str) -> None:
    _, out, _ = run("tokenize", "the", "--text-pair", "piano", "-m", model, "--json")
    assert json.loads(out)["tokens"] == ["[CLS]", "the", "[SEP]", "piano", "[SEP]"]


def test_no_length_is_too_long(run: Run, model: str) -> None:
    _, out, _ = run("tokenize", "the " * 2000, "-m", model, "--json")
    assert json.loads(out)["input_tokens"] == 2002


def test_one_record_an_input_also_for_an_empty_line(run: Run, model: str, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    code, out, _ = run("tokenize", "-m", model, "-o", str(output), stdin=b"the\n\npiano\n")
    assert (code, out) == (0, "")
    assert [json.loads(line)["input_tokens"] for line in output.read_text().splitlines()] == [3, 2, 3]


def test_a_row_without_text_names_its_fields_and_leaves_no_file(run: Run, model: str, tmp_path: Path) -> None:
    rows = tmp_path / "a.jsonl"
    rows.write_text('{"text": "the"}\n{"review": "the", "stars": 1}\n{"text": 3}\n')
    output = tmp_path / "out.jsonl"
    code, _, err = run("tokenize", "-m", model, "-i", str(rows), "-o", str(output))
    assert code == 2
    assert err.splitlines() == [
        f"error: {rows}:2: no field 'text'",
        "  → Give every row 'text', or name its column with --text-column; this one has 'review', 'stars'. "
        "(docs/errors/InputError.md)",
    ]
    assert not output.exists()


def test_a_value_that_is_not_text_is_refused(run: Run, model: str) -> None:
    code, _, err = run("tokenize", "-m", model, "-i", "-", "--format", "jsonl", stdin=b'{"text": 3}\n')
    assert (code, err.splitlines()[0]) == (2, "error: stdin:1: field 'text' is int, not text")


def test_torch_is_not_imported(model: str) -> None:
    script = (
        "import sys; from bertkit.cli.main import main; code = main(sys.argv[1:]);"
        "print('torch' in sys.modules, code, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "tokenize", "the", "-m", model]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "False 0\n"
