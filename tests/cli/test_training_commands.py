from __future__ import annotations

import signal

import pytest
import typer

from bertkit.cli.training_commands import sigterm_is_noted, watched
from bertkit.errors import Stopped


def test_sigterm_raises_a_flag_while_it_is_noted() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with sigterm_is_noted() as stopping:
        assert not stopping()
        signal.raise_signal(signal.SIGTERM)
        assert stopping()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("step", "words"), [(1200, "goes on after step 1,200"), (None, "the same command begins again")]
)
def test_a_job_that_stopped_ends_the_program_as_sigterm_does(
    step: int | None, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(typer.Exit) as ended, watched(json=False):
        raise Stopped("asked to", step=step)
    assert ended.value.exit_code == 143
    assert words in capsys.readouterr().err
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(typer.Exit), watched(json=False):
        raise Stopped("asked to", step=step)
    assert capsys.readouterr().err == "", "the first process has said it"
