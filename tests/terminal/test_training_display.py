from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bertkit.terminal.training_display import Remaining, duration, told, training_display

RECORDS: list[dict[str, object]] = [
    {
        "step": 1000,
        "seconds": 100.0,
        "tokens": 32_768_000,
        "loss": 6.1,
        "masked-lm/loss": 5.4,
        "masked-lm/accuracy": 0.18,
        "learning_rate": 1e-4,
        "gradient_norm": 0.9,
        "tokens_per_second": 4800.0,
        "peak_share": 0.61,
        "memory_bytes": 2_500_000_000,
    },
    {"step": 1000, "seconds": 110.0, "evaluation": {"masked-lm/accuracy": 0.25, "pseudo_perplexity": 42.5}},
    {"step": 1500, "skipped": "the loss is not finite", "batch": "skipped/step-00001500.safetensors"},
    {"step": 1600, "split": 4},
    {"step": 2000, "seconds": 200.0, "loss": float("nan"), "masked-lm/loss": 5.0},
]
SHOW = f"""
from bertkit.terminal.training_display import training_display
with training_display(10_000) as display:
    for record in {RECORDS[:4]} + [{{"step": 2000, "seconds": 200.0, "loss": 5.0}}]:
        display.on_record(record)
"""


def on_a_terminal(**env: str) -> str:
    ours, theirs = pty.openpty()
    known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    env = {**known, "TERM": "xterm", "COLUMNS": "120", **env}
    with subprocess.Popen([sys.executable, "-c", SHOW], stderr=theirs, env=env) as running:
        os.close(theirs)
        text = b"".join(_chunks(ours))
    os.close(ours)
    assert running.returncode == 0
    return text.decode()


def _chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(descriptor, 10_000)
        except OSError:  # the other side has been closed
            return


def test_a_terminal_sees_the_newest_measures_and_what_is_left() -> None:
    text = on_a_terminal()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert "step 1,000/10,000" in plain
    assert "loss 5.4000  accuracy 18.0%" in plain
    assert "4,800 tokens/s  61% of peak  2.50 GB" in plain
    assert "held out: masked-lm accuracy 25.0%  pseudo perplexity 42.5" in plain
    assert "step 1,500  skipped: the loss is not finite" in plain
    last = plain[plain.rindex("step 2,000/10,000") :]
    assert "3 min 20 s so far, 13 min 20 s left" in last
    assert "25.0%" in last


def test_no_colour_where_none_is_wanted() -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*[39][0-9]m")
    assert coloured.search(on_a_terminal())
    assert not coloured.search(on_a_terminal(NO_COLOR="1"))


def test_a_log_file_gets_a_line_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    with training_display(10_000) as display:
        for record in RECORDS:
            display.on_record(record)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "step 1,000/10,000  loss 6.1000  learning rate 1.00e-04  gradient norm 0.9  masked-lm loss 5.4000  "
        "accuracy 18.0%  speed 4,800 tokens/s  61% of peak  2.50 GB",
        "step 1,000/10,000  held out: masked-lm accuracy 25.0%  pseudo perplexity 42.5",
        "step 1,500/10,000  skipped: the loss is not finite; what it read is in skipped/step-00001500.safetensors",
        "step 1,600/10,000  out of memory: a batch is now computed in 4 parts",
        "step 2,000/10,000  loss nan  masked-lm loss 5.0000  13 min 20 s left",
    ]


def test_a_program_gets_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    with training_display(10_000, json=True) as display:
        for record in RECORDS:
            display.on_record(record)
    out, err = capsys.readouterr()
    assert err == ""
    assert [json.loads(line) for line in out.splitlines()] == [*RECORDS[:4], {**RECORDS[4], "loss": None}]


def test_what_is_left_follows_this_sessions_pace() -> None:
    left = Remaining(100)
    assert left.after({"step": 50, "seconds": 1000.0}) is None
    assert left.after({"step": 60, "seconds": 1020.0}) == 80.0
    assert left.after({"step": 61, "skipped": "…"}) == 80.0
    assert left.after({"step": 110, "seconds": 1030.0}) == 0.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (3600, "1 h 0 min"), (8000, "2 h 13 min"), (200_000, "2 d 7 h")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_what_would_steer_the_terminal_is_not_written() -> None:
    assert told({"step": 1, "skipped": "\x1b[2J\n"}) == "skipped:  [2J "
