"""Blocking calls, for programs with an asyncio event loop."""

from __future__ import annotations

from ._library import abandoned, get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    Result = TypeVar("Result")


async def in_thread(call: Callable[..., Result], *arguments: Any) -> Result:
    """Runs the call in one of the loop's threads. If the waiting task is cancelled, the library gives up the call within
    100 ms, so neither the thread nor the end of the loop waits for a hypervisor that does not answer."""
    from asyncio import CancelledError, get_running_loop

    thread: int | None = None
    cancelled = False

    def run() -> Result:
        nonlocal thread
        if cancelled:
            raise CancelledError
        thread = get_ident()
        try:
            return call(*arguments)
        finally:
            thread = None
            abandoned.discard(get_ident())

    try:
        return await get_running_loop().run_in_executor(None, run)
    except CancelledError:
        cancelled = True
        owner = thread
        if owner is not None:
            abandoned.add(owner)
            if thread is None:
                abandoned.discard(owner)  # It ended at the same moment; the thread's next call is somebody else's.
        raise
