"""Calls that wait: Ctrl-C, cancellation and deadlines end them."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
from machines import Qemu
from programs import run_program, start_program

WAITS = {
    "memoryStats": "dom.memoryStats()",
    "memory": "dom.refresh_memory()",
    "next": "[None for sample in dom.watch(3600)]",
    "event loop": "loop()",
}


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_a_call_that_waits(wait: str) -> None:
    source = f"""
        import signal, sys, time
        import ballast
        ballast.registerErrorHandler(lambda context, error: None, None)
        ballast.virEventRegisterDefaultImpl()
        conn = ballast.open(sys.argv[1])
        dom = conn.lookupByName("frozen")
        handled = []
        signal.signal(signal.SIGUSR1, lambda *unused: handled.append(ballast.getVersion()))
        def loop():
            while True:
                ballast.virEventRunDefaultImpl()
        print("ready", flush=True)
        sys.stdin
        time.sleep(0.5)
        try:
            print("waits", flush=True)
            {WAITS[wait]}
        except KeyboardInterrupt as error:
            print("interrupted", len(handled), flush=True)
    """
    machine = Qemu(name="frozen", uuid="11111111-2222-4333-8444-666666666666")
    program = None
    try:
        # A deadline that does not end the call first.
        program = start_program(source, machine.uri + "?timeout=60s")
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        machine.stop()
        assert program.stdout.readline() == "waits\n"
        time.sleep(0.5)
        program.send_signal(signal.SIGUSR1)  # A signal whose handler returns ends nothing.
        time.sleep(0.5)
        assert program.poll() is None
        sent = time.monotonic()
        program.send_signal(signal.SIGINT)
        output, errors = program.communicate(timeout=20)
        assert (output, errors, program.returncode) == ("interrupted 1\n", "", 0)
        assert time.monotonic() - sent < 5
    finally:
        if program is not None and program.poll() is None:
            program.kill()
            program.communicate()
        machine.go_on()
        machine.close()


def test_ctrl_c_ends_an_event_loop_that_watches() -> None:
    source = """
        import asyncio, sys
        import ballast

        async def main():
            async with await ballast.open_async(sys.argv[1]) as conn:
                async with conn.watch(0.2) as watch:
                    async for sample in watch:
                        print(sample.domain.name(), sample.reason, flush=True)

        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    machine = Qemu(name="frozen", uuid="11111111-2222-4333-8444-666666666666")
    program = None
    try:
        program = start_program(source, machine.uri)
        assert program.stdout is not None
        assert program.stdout.readline().startswith("frozen ")
        machine.stop()
        while "frozen monitor hung" not in program.stdout.readline():
            assert program.poll() is None
        sent = time.monotonic()
        program.send_signal(signal.SIGINT)
        output, errors = program.communicate(timeout=20)
        assert output.endswith("interrupted\n") and (errors, program.returncode) == ("", 0)
        assert time.monotonic() - sent < 5
    finally:
        if program is not None and program.poll() is None:
            program.kill()
            program.communicate()
        machine.go_on()
        machine.close()


def test_what_a_callback_raises_to_end_the_program_ends_it() -> None:
    source = """
        import sys
        import ballast
        ballast.virEventRegisterDefaultImpl()
        ballast.virEventAddTimeout(0, lambda timer, opaque: sys.exit(opaque), 7)
        while True:
            ballast.virEventRunDefaultImpl()
    """
    assert run_program(source) == (7, "", "")


def test_an_interrupt_is_not_lost_when_its_call_ends_well(ballast: Any) -> None:
    from ballast._library import get_ident, raised_in_calls

    conn = ballast.open("test:///default")
    domain = conn.lookupByName("test")
    for call in (domain.memoryStats, conn.getAllDomainStats, lambda: domain.memory, conn.numOfDomains, lambda: ballast.sample(conn)):
        raised_in_calls.append((get_ident() + 1, KeyboardInterrupt("of another thread")))
        raised_in_calls.append((get_ident(), KeyboardInterrupt("of this one")))
        try:
            with pytest.raises(KeyboardInterrupt, match="of this one"):
                call()
            call()
        finally:
            raised_in_calls.clear()


def test_a_stopped_qemu_hangs_nobody(ballast: Any) -> None:
    import asyncio

    machine = Qemu(name="frozen", uuid="11111111-2222-4333-8444-666666666666")
    try:
        with ballast.open(machine.uri) as conn:
            domain = conn.lookupByName("frozen")
            domain.memoryStats()
            machine.stop()
            started = time.monotonic()
            with pytest.raises(ballast.libvirtError) as late:
                domain.memoryStats()
            assert late.value.get_error_code() == ballast.VIR_ERR_OPERATION_TIMEOUT
            assert time.monotonic() - started < 10
            assert domain.memory.reason is ballast.Reason.MONITOR_HUNG

            async def others() -> int:
                turns = 0
                sampling = asyncio.ensure_future(ballast.sample_async(conn))
                while not sampling.done():
                    await asyncio.sleep(0.01)
                    turns += 1
                assert (await sampling)[0]["reason"] == "monitor hung"
                return turns

            assert asyncio.run(others()) >= 1
            machine.go_on()
    finally:
        machine.go_on()
        machine.close()


def test_a_cancelled_task_gives_its_call_up(ballast: Any) -> None:
    import asyncio

    machine = Qemu(name="frozen", uuid="11111111-2222-4333-8444-666666666666")
    try:
        with ballast.open(machine.uri + "?timeout=60s") as conn:
            domain = conn.lookupByName("frozen")
            machine.stop()

            async def give_up() -> None:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(domain.memory_sample_async(), 0.3)

            started = time.monotonic()
            asyncio.run(give_up())  # It waits for the thread that the call is in.
            assert time.monotonic() - started < 10
            machine.go_on()
            from ballast._library import abandoned

            assert not abandoned
    finally:
        machine.go_on()
        machine.close()


def test_a_watch_that_another_thread_closes_stops_its_iterations() -> None:
    source = """
        import asyncio, threading, time, ballast
        ballast.registerErrorHandler(lambda *error: None, None)
        def close_soon(watch):
            threading.Timer(0.3, watch.close).start()
            return watch
        async def wait():
            watch = conn.watch(3600)
            await watch.__anext__()
            async for sample in close_soon(watch):
                pass
        with ballast.open("test:///default") as conn:
            begin = time.monotonic()
            asyncio.run(asyncio.wait_for(wait(), 20))
            print(sum(1 for sample in close_soon(conn.watch(3600))))
            watch = conn.watch(3600)
            watch.next()
            print(close_soon(watch).next(20), time.monotonic() - begin < 15)
    """
    assert run_program(source) == (0, "1\nNone True\n", "")
