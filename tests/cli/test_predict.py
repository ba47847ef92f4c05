from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.cli import inputs
from bertkit.formats.files import GO_ON
from bertkit.formats.jsonl import EXAMPLE
from tests.cli import fake_program

Run = Callable[..., tuple[int, str, str]]


def records(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_typed_texts_become_records_in_order(run: Run) -> None:
    code, out, err = run("predict", "abc", "a", "--json")
    assert (code, err) == (0, "")
    assert [record["embedding"][0] for record in records(out)] == [3.0, 1.0]  # type: ignore[index]
    assert list(records(out)[0]) == ["embedding", "input_tokens", "windows", "truncated", "dtype"]


def test_options_reach_the_model(run: Run) -> None:
    run(
        *("predict", "x", "-m", "some/model", "--task", "fill-mask", "--long", "window", "--dtype", "bfloat16"),
        *("--device", "cpu", "--revision", "v1", "--batch-tokens", "4096", "--top-k", "3", "--backend", "onnx"),
    )
    assert fake_program.LOADED == [
        {
            "model": "some/model",
            "task": "fill-mask",
            "dtype": "bfloat16",
            "device": "cpu",
            "revision": "v1",
            "long": "window",
            "batch_tokens": 4096,
            "backend": "onnx",
            "top_k": 3,
        }
    ]


def test_options_of_tasks_reach_the_model(run: Run) -> None:
    run(
        *("predict", "x", "--problem", "multi-label", "--aggregation", "max", "--max-answer-tokens", "9"),
        *("--doc-stride", "64", "--hypothesis-template", "about {}", "--prompt", "query", "--truncate-dim", "5"),
    )
    (given,) = fake_program.LOADED
    always = ("model", "task", "dtype", "device", "backend", "long")
    assert {name: given[name] for name in list(given) if name not in always} == {
        "problem": "multi-label",
        "aggregation": "max",
        "max_answer_tokens": 9,
        "doc_stride": 64,
        "hypothesis_template": "about {}",
        "prompt": "query",
        "truncate_dim": 5,
    }


@pytest.mark.parametrize(
    ("option", "value"), [("--problem", "many"), ("--aggregation", "last"), ("--doc-stride", "-1"), ("--top-k", "0")]
)
def test_values_that_an_option_does_not_have(run: Run, option: str, value: str) -> None:
    code, out, err = run("predict", "x", option, value)
    assert (code, out) == (2, "")
    assert option in err
    assert fake_program.LOADED == []


def test_a_question_for_every_line_that_has_none(run: Run) -> None:
    _, out, _ = run("predict", "one", "--question", "who?", "--task", "new-task", "--json")
    assert records(out)[0]["question"] == "who?"
    lines = b'{"text": "one"}\n{"text": "two", "question": "what?"}\n'
    command = ("predict", "-i", "-", "--format", "jsonl", "--question", "who?", "--task", "new-task", "--json")
    _, out, _ = run(*command, stdin=lines)
    assert [record["question"] for record in records(out)] == ["who?", "what?"]


def test_columns_of_every_field(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "t,q\none,who?\n")
    columns = ("--text-column", "t", "--question-column", "q")
    _, out, _ = run("predict", "-i", path, *columns, "--task", "new-task", "--json")
    assert records(out)[0]["question"] == "who?"
    for field in ("context", "query", "documents", "choices", "candidate-labels"):
        code, _, err = run("predict", "-i", path, f"--{field}-column", "no such")
        assert code == 2
        assert f"--{field}-column" in err


def test_options_left_out_leave_the_models_defaults(run: Run) -> None:
    run("predict", "x")
    how = {"dtype": "auto", "device": "auto", "backend": "auto", "long": "error"}
    assert [{"model": None, "task": None, **how}] == fake_program.LOADED


def test_a_pair_of_typed_texts(run: Run) -> None:
    code, out, _ = run("predict", "one", "--text-pair", "two", "--task", "next-sentence-prediction", "--json")
    assert code == 0
    assert records(out)[0]["is_next"] == 0.75
    assert records(out)[0]["input_tokens"] == 4  # both texts reached the model


def test_a_pair_in_two_columns(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "first,second\none two,three\n")
    columns = ("--text-column", "first", "--text-pair-column", "second")
    code, out, _ = run("predict", "-i", path, *columns, "--task", "new-task", "--json")
    assert code == 0
    assert records(out)[0]["answer"] == "one two"


def test_piped_lines_are_read_without_being_asked_for(run: Run) -> None:
    code, out, _ = run("predict", "--json", stdin=b"one\n\nthree\n")
    assert code == 0
    assert [record["embedding"][0] for record in records(out)] == [3.0, 0.0, 5.0]  # type: ignore[index]


def test_standard_input_in_another_format(run: Run) -> None:
    code, out, _ = run("predict", "--json", "-i", "-", "--format", "jsonl", stdin=b'{"text": "one"}\n')
    assert (code, len(records(out))) == (0, 1)


def test_an_output_file_holds_json_lines_and_nothing_is_printed(run: Run, tmp_path: Path) -> None:
    code, out, err = run("predict", "one", "two", "-o", str(tmp_path / "out.jsonl"))
    assert (code, out, err) == (0, "", "")
    assert len(records((tmp_path / "out.jsonl").read_text())) == 2


def test_the_input_may_be_the_output(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"text": "one"}\n{"text": "two"}\n')
    assert run("predict", "-i", path, "-o", path)[0] == 0
    assert [next(iter(record)) for record in records(Path(path).read_text())] == ["embedding", "embedding"]


def test_an_empty_input_is_no_failure_but_is_said(run: Run) -> None:
    assert run("predict", "--json") == (0, "", "the input holds no rows\n")


def test_stop_leaves_no_output_file(run: Run, tmp_path: Path) -> None:
    rows = write(tmp_path, "a.txt", "one\ntwo\nthree\nbad\n")
    code, out, err = run("predict", "-i", rows, "-o", str(tmp_path / "out.jsonl"))
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {rows}:4: no usable text\n  → ")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_stop_leaves_an_output_file_that_was_there_as_it_was(run: Run, tmp_path: Path) -> None:
    before = write(tmp_path, "out.jsonl", "before\n")
    assert run("predict", "bad", "-o", before)[0] == 2
    assert Path(before).read_text() == "before\n"


def test_record_puts_errors_of_model_and_reader_in_their_places(run: Run, tmp_path: Path) -> None:
    rows = ["{", '{"text": "one"}', '{"text": 3}', "[]", '{"txt": "x"}', '{"text": "nan"}', '{"text": "two"}', "}"]
    path = write(tmp_path, "a.jsonl", "\n".join(rows))
    code, out, err = run("predict", "-i", path, "--json", "--on-error", "record")
    assert code == 0
    assert err == "6 of 8 rows failed; their records say why\n"
    found = records(out)
    assert [next(iter(record)) for record in found] == ["error", "embedding", *["error"] * 4, "embedding", "error"]
    messages = [record["error"]["message"] for record in found if "error" in record]  # type: ignore[index]
    assert [message.removeprefix(path)[:3] for message in messages] == [":1:", ":3:", ":4:", ":5:", ":6:", ":8:"]
    assert found[0]["error"] == {
        "type": "InputError",
        "message": f"{path}:1: not valid JSON at column 2: Expecting property name enclosed in double quotes",
        "remedy": EXAMPLE.replace(GO_ON, ""),
        "page": "docs/errors/InputError.md",
    }


def test_a_file_that_breaks_off_ends_even_a_recording_run(run: Run, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\n" * 1000)[:-4])
    output = tmp_path / "out.jsonl"
    code, _, err = run("predict", "-i", str(path), "-o", str(output), "--on-error", "record")
    assert code == 2
    assert "the gzip data is damaged after line 1000" in err
    assert not output.exists()


@pytest.mark.parametrize("kept", [3, 6, 9, 12, 17])
def test_a_file_that_breaks_off_at_its_beginning_is_not_an_empty_one(kept: int, run: Run, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\n" * 1000)[:kept])
    for given in (("-i", str(path)), ("-i", "-")):
        code, out, err = run("predict", *given, "--json", stdin=path.read_bytes())
        assert (code, out) == (2, "")
        assert "the gzip data is damaged" in err


def test_nan_is_never_printed(run: Run) -> None:
    for form in ([], ["--json"]):
        code, out, err = run("predict", "nan", *form)
        assert (code, out) == (1, "")
        assert err.startswith("error: argument 1: the result holds NaN or infinity\n  → Try --dtype float32")


def test_recorded_errors_are_readable_too(run: Run) -> None:
    code, out, _ = run("predict", "one", "bad", "--on-error", "record")
    assert code == 0
    assert out.splitlines()[1:] == [
        "  2  error: argument 2: no usable text",
        "     → Correct the input.",
    ]


def test_a_model_that_is_not_there(run: Run, tmp_path: Path) -> None:
    code, _, err = run("predict", "x", "-m", "missing", "-o", str(tmp_path / "out"))
    assert code == 2
    assert err.startswith("error: missing: no such model\n")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_output_shows_before_a_model_is_loaded(run: Run, tmp_path: Path) -> None:
    code, _, err = run("predict", "x", "-o", str(tmp_path / "no" / "folder.jsonl"))
    assert code == 1
    assert "no/folder.jsonl" in err
    assert fake_program.LOADED == []


def test_a_missing_input_shows_before_a_model_is_loaded(run: Run) -> None:
    code, _, err = run("predict", "-i", "gone.txt")
    assert (code, err.splitlines()[0]) == (2, "error: gone.txt: no such file")
    assert fake_program.LOADED == []


def test_invalid_utf8_names_file_and_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\n\xff\n")
    code, _, err = run("predict", "-i", str(path))
    assert code == 2
    assert err.startswith(f"error: {path}:2: not valid UTF-8")


def test_no_text_on_a_terminal_is_wrong_use(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(inputs.sys, "stdin", Terminal())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bertkit.labelled.asked_rows.AskedRows", None)  # must not be reached
        from bertkit.cli.main import main

        assert main(["predict"]) == 2
