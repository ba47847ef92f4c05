from __future__ import annotations

import os
import pty
import subprocess
import sys

from bertkit.terminal.progress import progress_bar

DRAW = """
from bertkit.terminal.progress import progress_bar
import time
with progress_bar("rows", shown={shown}, total={total}) as tick:
    for _ in range(1234):
        tick()
    time.sleep(0.3)
"""


def drawn(shown: bool, total: int | None = None) -> str:
    ours, theirs = pty.openpty()
    script = DRAW.format(shown=shown, total=total)
    subprocess.run([sys.executable, "-c", script], stderr=theirs, check=True, env={**os.environ, "TERM": "xterm"})
    os.write(theirs, b"end")  # a pty with nothing in it would block the read
    os.close(theirs)
    text = b""
    while not text.endswith(b"end"):
        text += os.read(ours, 10_000)
    os.close(ours)
    return text.decode().removesuffix("end")


def test_a_terminal_sees_count_and_speed() -> None:
    text = drawn(True)
    assert "1,234 rows" in text
    assert "rows/s" in text
    assert "1,234 rows" in drawn(True, total=2000)


def test_nothing_is_drawn_when_not_wanted() -> None:
    assert drawn(False) == ""


def test_nothing_is_drawn_into_a_pipe(capsys) -> None:  # type: ignore[no-untyped-def]
    with progress_bar("rows", shown=True) as tick:
        tick()
    assert capsys.readouterr() == ("", "")
