"""Two pages, without a build step and without anything from elsewhere: a form for each task, and the planner."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import Request, Response

from bertkit.errors import ModelNotFound
from bertkit.planner.formulas import TABLE
from bertkit.server.exchange import new_router, reply

router = new_router(tags=["page"], include_in_schema=False)
FOLDER = Path(__file__).parent / "page_files"
PLAN_FOLDER = TABLE.parent
KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".txt": "text/plain",
}
# Nothing but its own files, and nobody around it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@router.get("/")
async def page() -> Response:
    """The page."""
    return _file(FOLDER, "index.html")


@router.get("/page/state")
async def state(request: Request) -> Response:
    """Whether the models are loaded."""
    return reply(request, {"started": request.app.state.is_started()})


@router.get("/page/{name}")
async def part(name: str) -> Response:
    """Its scripts and its style."""
    return _file(FOLDER, name)


@router.get("/plan")
async def plan() -> Response:
    """Where the planner is: its files name one another from there."""
    return Response(status_code=307, headers={"location": "plan/"})


@router.get("/plan/")
async def plan_page() -> Response:
    """The planner."""
    return _file(PLAN_FOLDER, "index.html")


@router.get("/plan/{name}")
async def plan_part(name: str) -> Response:
    """Its scripts, its style, its formulas and facts."""
    return _file(PLAN_FOLDER, name)


def _file(folder: Path, name: str) -> Response:
    if name not in _names(folder):  # never a path
        raise ModelNotFound("no such page", "GET / and GET /plan are the pages.")
    headers = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}
    return Response((folder / name).read_bytes(), 200, headers, f"{KINDS[Path(name).suffix]}; charset=utf-8")


@cache
def _names(folder: Path) -> frozenset[str]:
    return frozenset(file.name for file in folder.iterdir() if file.suffix in KINDS)
