"""The page at `/`: a form for each task, without a build step, and without anything from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import Request, Response

from bertkit.errors import ModelNotFound
from bertkit.server.exchange import new_router, reply

router = new_router(tags=["page"], include_in_schema=False)
FOLDER = Path(__file__).parent / "page_files"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
# Nothing but its own files, and nobody around it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@router.get("/")
async def page() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/page/state")
async def state(request: Request) -> Response:
    """Whether the models are loaded."""
    return reply(request, {"started": request.app.state.is_started()})


@router.get("/page/{name}")
async def part(name: str) -> Response:
    """Its scripts and its style."""
    return _file(name)


def _file(name: str) -> Response:
    if name not in _names():  # never a path
        raise ModelNotFound("no such page", "GET / is the page.")
    headers = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}
    return Response((FOLDER / name).read_bytes(), 200, headers, f"{KINDS[Path(name).suffix]}; charset=utf-8")


@cache
def _names() -> frozenset[str]:
    return frozenset(file.name for file in FOLDER.iterdir() if file.suffix in KINDS)
