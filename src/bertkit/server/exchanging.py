"""Puts models that are loaded again in the place of those that answer, while they answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bertkit.errors import BertkitError, NotServing
from bertkit.server.service import Service
from bertkit.server.watching import give_back
from bertkit.server.worker import where

if TYPE_CHECKING:
    from bertkit.server.app import Application

logger = logging.getLogger("bertkit.server")


class Exchanger:
    """Exchanges the models of an application, one time after the other.

    A request keeps the models that it has begun with; those are let go of when the last of them has its answer. Until
    then both are in memory.

    Args:
        make: loads the models, and begins to compute with them.
    """

    def __init__(self, application: Application, make: Callable[[], Service]) -> None:
        self._application = application
        self._make = make
        self._turn = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def exchange(self) -> list[str]:
        """Loads the models again; what comes from then on is answered by them.

        Returns:
            their names.

        Raises:
            NotServing: the server is starting or ending.
            BertkitError: they cannot be loaded; those that answer go on.
        """
        async with self._turn:
            old = self._current()
            try:
                new = await asyncio.to_thread(self._made)
            except BertkitError as error:
                self._application.metrics.reloads.labels("failed").inc()
                logger.error(json.dumps({"reload": "failed", "error": str(error)}))
                raise
            if old.is_draining:
                await asyncio.to_thread(new.close)
                self._current()
            self._application.serve(new)
            self._application.metrics.reloads.labels("done").inc()
            logger.info(json.dumps({"reload": "done", "models": list(new.models)}))
            retiring = asyncio.ensure_future(self._retire(old))
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)
            return list(new.models)

    async def settle(self) -> None:
        """Returns once all models that were replaced have been let go of."""
        await asyncio.gather(*self._retiring)

    def _current(self) -> Service:
        service = self._application.service
        if service is None or service.is_draining:
            raise NotServing("the server is starting or ending")
        return service

    def _made(self) -> Service:
        try:
            return self._make()
        except BertkitError:
            raise
        except Exception as error:  # a folder that is half written may fail in any way
            logger.error(json.dumps({"reload": "failed", "where": where(error)}))
            raise BertkitError("the models cannot be loaded again", "The server's log says where it failed.") from error

    async def _retire(self, service: Service) -> None:
        await service.unused()
        await asyncio.to_thread(service.close)
        del service
        give_back()  # a model is in a cycle with what it remembers
