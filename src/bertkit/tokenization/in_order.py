"""Work on pieces of a stream in several processes, the results in the order of the pieces.

At most two pieces a process are held at a time, so memory does not grow with the stream.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from bertkit.errors import BertkitError

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(
    make: Callable[[], Callable[[Item], Result]], items: Iterable[Item], processes: int
) -> Iterator[Result]:
    """The result of each item, in order.

    Args:
        make: called once in each process; makes the function that is applied to items. It is sent to the processes,
            so it is a function of a module, or a `partial` of one.
        processes: how many work at the same time, beside this one, which takes the items; 1 works in this one. They
            are started afresh, so a script that calls this with more than one needs the usual
            `if __name__ == "__main__"`.

    Raises:
        BertkitError: a process was ended from outside; or whatever the function raises.
    """
    items = iter(items)
    first = list(islice(items, 2))
    items = chain(first, items)
    if processes == 1 or len(first) < 2:
        yield from map(make(), items)
        return
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin, (make,))
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            with _without_interrupts():  # the call may start a process, which inherits it: Ctrl-C is our affair
                waiting.append(pool.submit(_apply, item))
            if len(waiting) == 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise BertkitError(
            "a process that did part of the work was ended from outside",
            "Was there enough memory? Run it again, with a smaller --processes if so.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_function: Callable[[Any], Any]  # of this process


def _begin(make: Callable[[], Callable[[Any], Any]]) -> None:
    global _function
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes are the parallelism
    _function = make()


def _apply(item: Any) -> Any:
    return _function(item)


def _end_with_parent() -> None:
    """A parent that is killed cannot end its processes, and they would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C waits until the block has ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
