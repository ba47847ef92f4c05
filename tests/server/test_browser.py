"""The page in a real browser: every task, light and dark, wide and narrow, with a key.

clients/bin/pip install playwright        (with a chromium on the path; test_clients.py says what clients/ is)
BERTKIT_CLIENTS_PYTHON=$PWD/clients/bin/python python -m pytest -m browser
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bertkit.server.access import key_hash
from bertkit.server.loading import BUILT_IN, load_models
from bertkit.server.settings import ServeSettings
from tests.server.test_run import Live

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).with_name("look_at_page.py")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    settings = ServeSettings(port=0, key_hashes=(("ada", key_hash("right")),))
    live = Live(lambda: load_models(BUILT_IN, {"dtype": "float32"}), settings)
    yield f"http://127.0.0.1:{live.address[1]}"
    live.end()


def test_every_task_is_answered_and_nothing_is_wrong(url: str) -> None:
    python, chromium = os.environ.get("BERTKIT_CLIENTS_PYTHON"), shutil.which("chromium")
    if not python or chromium is None:
        pytest.skip("there is no chromium, or BERTKIT_CLIENTS_PYTHON does not name a Python with Playwright")
    done = subprocess.run([python, str(SCRIPT), chromium, url, "right"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for seen in json.loads(done.stdout):
        assert (seen["wrong"], seen["too_wide"]) == ([], False)
        answers = seen["answers"]
        assert answers["embeddings"].startswith("Babbage designed a calculator.")
        assert "positive" in answers["sentiment"]
        assert "LondonLOC" in answers["entities"]
        assert "Charles Babbage" in answers["questions"]
        assert "album" in answers["masks"]
        assert seen["curl"].startswith(f"curl {url}/v1/predict -d '")
