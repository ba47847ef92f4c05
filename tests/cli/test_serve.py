"""`bertkit serve` as it is typed: what it refuses before it binds, and what it hands on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertkit.cli.serve import read_seconds
from bertkit.server.access import key_hash, read_keys
from bertkit.server.settings import ServeSettings
from tests.cli.conftest import Ended

Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """Nothing is loaded here, so nothing is put in its place."""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServeSettings]:
    """The settings that servers are started with; none is."""
    seen: list[ServeSettings] = []

    def run(settings: ServeSettings, load: Any, told: Any) -> int:
        seen.append(settings)
        return 130 if settings.port == 130 else 0

    monkeypatch.setattr("bertkit.server.run.run", run)
    return seen


def test_it_is_set_up_as_it_is_typed(run: Run, served: list[ServeSettings], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    made = run("serve", "--new-key", "ada", "--api-key-file", str(keys))
    assert made.code == 0
    assert read_keys(keys) == (("ada", key_hash(made.out.strip())),)
    done = run("serve", "a", "-m", "b=c", "--host", "0.0.0.0", "--api-key-file", str(keys), "--truncate", "never")
    assert (done.code, done.out) == (0, "")
    (settings,) = served
    assert (settings.admin_hashes, settings.p95_seconds, settings.cache_bytes) == ((), None, 0)
    assert (settings.host, settings.truncate, settings.key_hashes[0][0]) == ("0.0.0.0", "never", "ada")
    assert run("serve", "--port", "130").code == 130


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "no key is asked for"),
        (["--host", "::"], "say --no-auth"),
        (["--new-key", "a"], "--new-key without --api-key-file"),
        (["--new-key", "a", "--api-key-file", "x", "--admin-key-file", "y"], "two files of keys"),
        (["--p95", "soon"], "'soon' is no time"),
        (["--p95", "0ms"], "'0ms' is no time"),
        (["--p95", "nans"], "is no time"),
        (["--admin-key-file", "missing"], "missing: cannot be read"),
        (["--certificate", "c"], "a certificate without its key"),
        (["--api-key-file", "missing"], "missing: cannot be read"),
        (["-m", "a=x", "-m", "a=y"], "two models are called 'a'"),
        (["--truncate", "always"], "--truncate"),
        (["--port", "70000"], "--port"),
    ],
)
def test_what_is_not_right_is_refused_before_anything_is_loaded(
    run: Run, served: list[ServeSettings], arguments: list[str], words: str
) -> None:
    done = run("serve", *arguments)
    assert done.code == 2
    assert words in done.err
    assert not served


def test_an_address_that_others_reach_may_be_open_where_that_is_said(run: Run, served: list[ServeSettings]) -> None:
    assert run("serve", "--host", "0.0.0.0", "--no-auth").code == 0
    assert served[0].host == "0.0.0.0"


def test_what_is_not_installed_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.cli.serve.find_spec", lambda name: None if name == "uvicorn" else name)
    done = run("serve")
    assert done.code == 2
    assert "serving needs uvicorn" in done.err
    assert "pip install 'bertkit[serve]'" in done.err


@pytest.mark.parametrize(("words", "seconds"), [("50ms", 0.05), ("0.2s", 0.2), ("2", 2.0)])
def test_a_time_is_read_as_it_is_written(words: str, seconds: float) -> None:
    assert read_seconds(words) == pytest.approx(seconds)
