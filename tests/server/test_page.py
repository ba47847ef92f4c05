"""The page is whole, and loads nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from bertkit.server.access import key_hash
from bertkit.server.page import FOLDER, PLAN_FOLDER, POLICY
from bertkit.tasks.catalogue import TASKS
from tests.server.conftest import Client, Serve

FILES = sorted(FOLDER.iterdir())


def test_the_page_has_a_strict_policy(client: Client) -> None:
    got = client.get("/")
    assert got.status == 200
    assert got.headers["content-type"].startswith("text/html")
    policy = got.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script>|style=|onclick|javascript:", got.body)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_part_is_served_and_names_only_parts_that_there_are(client: Client, path: object) -> None:
    name = path.name  # type: ignore[attr-defined]
    got = client.get("/" if name == "index.html" else f"/page/{name}")
    assert got.status == 200
    assert "http://" not in got.body
    assert "https://" not in got.body
    named = re.findall(r'"(?:/page|\.)/([\w.]+)"', got.body)
    assert set(named) <= {"state", *(file.name for file in FILES)}
    assert "innerHTML" not in got.body


@pytest.mark.parametrize("name", ["../page.py", "..%2Fpage.py", "page.py", "index", "%2e%2e/app.py"])
def test_nothing_else_is_served(client: Client, name: str) -> None:
    assert client.get(f"/page/{name}").status == 404


def test_the_planner_is_there_with_the_same_policy(client: Client) -> None:
    assert 'href="/plan"' in client.get("/").body
    moved = client.get("/plan")
    assert (moved.status, moved.headers["location"]) == (307, "plan/")
    for file in sorted(PLAN_FOLDER.iterdir()):
        got = client.get("/plan/" if file.name == "index.html" else f"/plan/{file.name}")
        assert got.status == 200
        assert got.headers["content-security-policy"] == POLICY
        assert set(re.findall(r'"\./([\w.]+)"', str(got.body))) <= {one.name for one in PLAN_FOLDER.iterdir()}
    assert client.get("/plan/formulas.py").status == 404


def test_every_task_has_its_fields_and_its_answer() -> None:
    for part in ("fields.js", "answers.js"):
        text = (FOLDER / part).read_text(encoding="utf-8")
        assert [task for task in TASKS if f'"{task}":' not in text] == []


def test_the_page_says_that_the_server_starts(serve_models: Serve) -> None:
    client = serve_models("vectors", key_hashes=(("ada", key_hash("a")),))
    client.headers["authorization"] = "Bearer a"
    service, client.application.service = client.application.service, None
    assert [client.get(path).status for path in ("/", "/page/main.js", "/page/style.css")] == [200] * 3
    assert client.get("/page/state").body == {"started": False}
    assert [client.get("/v1/models").status, client.post("/", {"inputs": "w1"}).status] == [503, 503]
    assert client.get("/", authorization="Bearer x").status == 401
    client.application.service = service
    assert client.get("/page/state").body == {"started": True}
