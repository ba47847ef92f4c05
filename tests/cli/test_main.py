from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

import bertkit


def test_help_lists_every_command(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for command in ("predict", "info", "tokenize", "convert", "quickstart"):
        assert f"\n  {command} " in out


@pytest.mark.parametrize("command", ["predict", "info", "tokenize", "convert", "quickstart"])
def test_every_command_has_help_without_gaps(run: Callable[..., tuple[int, str, str]], command: str) -> None:
    code, out, _ = run(command, "-h")
    assert code == 0
    assert out.startswith(f"Usage: bertkit {command} ")


def test_version(run: Callable[..., tuple[int, str, str]]) -> None:
    assert run("--version") == (0, f"bertkit {bertkit.__version__}\n", "")


def test_no_command_prints_help_as_wrong_use(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run()
    assert (code, out) == (2, "")
    assert err.startswith("Usage: bertkit ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predcit", "x"], "No such command 'predcit'. Did you mean 'predict'?"),
        (["predict", "--jsn", "x"], "No such option: --jsn (Possible options: --json)"),
        (
            ["predict", "--long", "cut", "x"],
            "Invalid value for '--long': 'cut' is not one of 'error', 'truncate', 'window'.",
        ),
        (["predict", "--batch-tokens", "0", "x"], "Invalid value for '--batch-tokens'"),
        (["predict", "-o"], "Option '-o' requires an argument."),
    ],
)
def test_wrong_use_is_two_lines_and_code_2(
    run: Callable[..., tuple[int, str, str]], arguments: list[str], message: str
) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    what, remedy = err.splitlines()
    assert what.startswith(f"error: {message}")
    assert remedy.startswith("  → ")


def test_a_text_after_two_dashes_may_look_like_an_option(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("predict", "--task", "new-task", "--json", "--", "--debug")
    assert code == 0
    assert out.startswith('{"answer": "--debug"')


def test_debug_adds_the_traceback_wherever_it_stands(run: Callable[..., tuple[int, str, str]]) -> None:
    for arguments in (["--debug", "predict", "defect"], ["predict", "defect", "--debug"]):
        code, _, err = run(*arguments)
        assert code == 1
        assert "Traceback (most recent call last)" in err
        assert err.endswith("report the traceback. (docs/errors/BertkitError.md)\n")


def test_a_defect_without_debug_is_two_lines(run: Callable[..., tuple[int, str, str]]) -> None:
    assert run("predict", "defect") == (
        1,
        "",
        "error: internal error: ZeroDivisionError: a defect\n"
        "  → Run the command again with --debug and report the traceback. (docs/errors/BertkitError.md)\n",
    )


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"], ["--version"], ["predcit"]])
def test_nothing_heavy_is_imported_before_a_command_runs(arguments: list[str]) -> None:
    script = (
        "import sys; from bertkit.cli.main import main; main(sys.argv[1:]);"
        "print('heavy:', {'torch', 'numpy', 'tokenizers', 'rich', 'huggingface_hub', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: set()\n")
