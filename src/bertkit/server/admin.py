"""What only keys may do that change the server."""

from __future__ import annotations

from fastapi import Request, Response

from bertkit.errors import UserError
from bertkit.server.access import ADMIN_PATHS
from bertkit.server.exchange import new_router, reply, shown

router = new_router(tags=["administration"])


@router.post(
    f"{ADMIN_PATHS}/reload",
    summary="Loads the models again, from where the server was started with",
    responses=shown({"status": "reloaded", "models": ["sentiment"]}, "The new models answer what comes from now on."),
)
async def reload(request: Request) -> Response:
    """What was asked before is answered by the models as they were. What cannot be loaded changes nothing."""
    again = request.app.state.reload()
    if again is None:
        raise UserError("this server has nothing to load models from", "Start it with bertkit serve.")
    models = await again()
    return reply(request, {"status": "reloaded", "models": models})
