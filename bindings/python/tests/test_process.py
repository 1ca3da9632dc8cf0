"""What the package does to its process: imports, signals, forks, threads, ends."""

from __future__ import annotations

import copy
import math
import os
import pickle
import signal
import threading
import time
from typing import Any, Iterator

import pytest
from conftest import Subject
from machines import GUEST_NAME, Ballastd, Qemu, wait_until
from programs import run_program, start_program

# Not before a program uses what needs them.
HEAVY = ["argparse", "asyncio", "collections", "dataclasses", "datetime", "enum", "functools", "inspect", "logging", "re",
         "threading", "typing", "warnings"]  # fmt: skip


def test_the_import_is_light() -> None:
    source = f"""
        import sys
        before = set(sys.modules)
        import ctypes
        ours = set(sys.modules)
        import ballast
        conn = ballast.open("test:///default")
        conn.lookupByName("test").memoryStats()
        conn.getAllDomainStats()
        conn.close()
        new = set(sys.modules) - ours
        print(sorted(name for name in new if not name.startswith(("ballast", "_"))))
        print(sorted(new & set({HEAVY!r})))
        ballast.VIR_DOMAIN_RUNNING
        print("ballast._constants" in sys.modules, "ballast._memory" in sys.modules)
    """
    assert run_program(source) == (0, "['atexit']\n[]\nTrue False\n", "")


def test_objects_and_calls_may_be_shared_by_threads(subject: Subject) -> None:
    libvirt = subject.module
    conn = libvirt.open(subject.uri)
    results: "list[Any]" = []

    def work() -> None:
        domain = conn.lookupByName(GUEST_NAME)
        for _ in range(20):
            results.append((domain.memoryStats()["actual"], domain.name(), conn.getAllDomainStats(1)[0][1]["state.state"]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    conn.close()
    assert len(results) == 160 and len(set(results)) == 1


def test_errors_belong_to_their_thread(ballast: Any) -> None:
    failed: "list[Any]" = []
    conn = ballast.open("test:///default")

    def fail() -> None:
        try:
            conn.lookupByName("nobody")
        except ballast.libvirtError:
            failed.append(ballast.virGetLastErrorCode())

    ballast.virResetLastError()
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert failed == [ballast.VIR_ERR_NO_DOMAIN] and ballast.virGetLastError() is None


def test_a_domain_keeps_its_connection(subject: Subject) -> None:
    domain = subject.module.open(subject.uri).lookupByName(GUEST_NAME)
    assert domain.name() == GUEST_NAME and domain.connect().isAlive() == 1


def test_a_domain_outlives_its_connections_close(subject: Subject) -> None:
    conn = subject.module.open(subject.uri)
    domain = conn.lookupByName(GUEST_NAME)
    assert conn.close() == 1
    assert domain.memoryStats()["actual"] > 0


@pytest.fixture
def own_qemu() -> Iterator[Qemu]:
    """One that no other test's connection shares."""
    machine = Qemu()
    try:
        yield machine
    finally:
        machine.close()


def test_a_with_lets_the_monitor_go_while_domains_live(ballast: Any, own_qemu: Qemu) -> None:
    import socket

    def is_free() -> bool:
        # A monitor greets the one client that it serves.
        with socket.socket(socket.AF_UNIX) as other:
            other.settimeout(0.5)
            try:
                other.connect(own_qemu.monitors[0])
                return b"QMP" in other.recv(4096)
            except (socket.timeout, BlockingIOError):
                return False  # It waits in the socket's queue, or there is no room left in that.

    with ballast.open(own_qemu.uri) as conn:
        domain = conn.lookupByName(GUEST_NAME)
        watch = domain.watch(3600)
        assert domain.memory.actual and next(watch).actual and not is_free()
        waiting: Any = []

        def wait() -> None:
            try:
                watch.next()
            except ballast.libvirtError as error:
                waiting.append(error.get_error_code())

        thread = threading.Thread(target=wait)
        thread.start()
    thread.join(60)
    assert waiting == [ballast.VIR_ERR_INVALID_CONN]
    wait_until(is_free, "the monitor's being let go")
    for call in (domain.memoryStats, lambda: domain.memory, domain.info, domain.suspend, lambda: domain.watch(1), lambda: list(conn)):
        with pytest.raises(ballast.libvirtError) as refused:
            call()
        assert refused.value.get_error_code() == ballast.VIR_ERR_INVALID_CONN, refused.value
    assert domain.name() == GUEST_NAME and conn.c_pointer() == 0
    with pytest.raises(ballast.libvirtError):
        next(watch)


def test_a_with_frees_what_is_registered(ballast: Any) -> None:
    import gc
    import weakref

    class Opaque:
        pass

    opaque = Opaque()
    freed = weakref.ref(opaque)
    with ballast.open("test:///default") as conn:
        conn.domainEventRegisterAny(None, ballast.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *unused: None, opaque)
        del opaque
    gc.collect()
    wait_until(lambda: freed() is None, "the callback's data being freed")


def test_handles_are_freed(ballast: Any) -> None:
    conn = ballast.open("test:///default")
    for _ in range(1000):
        conn.lookupByName("test")
        conn.getAllDomainStats()
        assert [domain.memoryStats()["actual"] for domain in conn]
    assert conn.close() == 0  # Nobody else has it.


def test_callbacks_live_as_long_as_they_are_registered(subject: Subject) -> None:
    import gc
    import weakref

    libvirt = subject.module

    class Opaque:
        pass

    def register(conn: Any) -> Any:
        opaque = Opaque()
        number = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *unused: None, opaque)
        return number, weakref.ref(opaque)

    conn = libvirt.open(subject.uri)
    number, opaque = register(conn)
    gc.collect()
    assert opaque() is not None
    conn.domainEventDeregisterAny(number)
    end = time.monotonic() + 20
    while opaque() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert opaque() is None
    conn.close()


def test_a_forked_child_is_refused_and_harms_nothing(ballastd: Ballastd) -> None:
    source = """
        import os, sys, gc, warnings
        import ballast
        conn = ballast.open(sys.argv[1])
        dom = conn.lookupByName("guest")
        watch = dom.watch(60)
        # Python 3.12 and later warn of every fork of a process with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            for call in (conn.getType, dom.memoryStats, lambda: dom.memory, lambda: ballast.open("test:///default"),
                         conn.close, lambda: next(watch)):
                try:
                    print("not refused", call())
                except ballast.libvirtError as error:
                    assert error.get_error_code() == ballast.VIR_ERR_OPERATION_INVALID and "forked" in str(error), error
                    assert str(error) == error.get_error_message()
            del conn, dom, watch, call
            gc.collect()
            print("refused")
            sys.stdout.flush()
            os._exit(0)
        print(os.waitpid(child, 0)[1], dom.name(), dom.memoryStats()["actual"] > 0, conn.isAlive())
    """
    assert run_program(source, ballastd.uri) == (0, "refused\n0 guest True 1\n", "")


def test_a_fork_before_the_first_call_is_free() -> None:
    source = """
        import os, sys
        import ballast
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        print(ballast.open("test:///default").getType())
        sys.stdout.flush()
        os._exit(0)
    """
    assert run_program(source) == (0, "TEST\nTEST\n", "")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing_starts_anew(method: str, tmp_path: Any) -> None:
    path = os.path.join(str(tmp_path), "program.py")
    with open(path, "w", encoding="utf-8") as program:
        program.write(
            "import ballast, multiprocessing\n"
            "def work(uri):\n"
            "    return ballast.open(uri).lookupByName('test').memoryStats()['actual']\n"
            "if __name__ == '__main__':\n"
            "    print(work('test:///default'))\n"
            f"    with multiprocessing.get_context({method!r}).Pool(1) as pool:\n"
            "        print(pool.map(work, ['test:///default']))\n"
        )
    assert run_program(f"import runpy; runpy.run_path({path!r}, run_name='__main__')") == (0, "2097152\n[2097152]\n", "")


def test_the_interpreter_ends_with_everything_open(ballastd: Ballastd) -> None:
    source = """
        import sys, threading, time
        import ballast
        ballast.virEventRegisterDefaultImpl()
        conn = ballast.open(sys.argv[1])
        domains = list(conn)
        conn.domainEventRegisterAny(None, 0, lambda *seen: None, None)
        watch = conn.watch(0.01)
        next(watch)
        def loop():
            while True:
                ballast.virEventRunDefaultImpl()
        threading.Thread(target=loop, daemon=True).start()
        threading.Thread(target=lambda: [sample for sample in conn.watch(0.01)], daemon=True).start()
        time.sleep(0.2)
        cycle = [conn, domains, watch]
        cycle.append(cycle)
        print(domains[0].name())
    """
    assert run_program(source, ballastd.uri) == (0, GUEST_NAME + "\n", "")


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


def test_another_interpreter_leaves_nothing_behind_that_is_called() -> None:
    source = """
        import sys
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        import _thread, signal, threading, ballast
        inner = '''
        import ballast
        ballast.registerErrorHandler(lambda context, error: None, None)
        conn = ballast.open("test:///default")
        conn.lookupByName("test").memoryStats()
        '''
        conn = ballast.open("test:///default")
        for keeps in (False, True):
            other = interpreters.create()
            interpreters.run_string(other, "\\n".join(line.strip() for line in inner.splitlines()))
            if not keeps:
                interpreters.destroy(other)
            try:
                conn.lookupByName("none")
            except ballast.libvirtError:
                pass
            with conn.watch(100) as watch:
                watch.next()
                assert watch.next(0.5) is None
                threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
                try:
                    watch.next(20)
                except KeyboardInterrupt:
                    print("interrupted")
        interpreters.destroy(other)
    """
    finished = run_program(source, seconds=60)
    assert (finished.status, finished.output) == (0, "interrupted\ninterrupted\n"), finished.errors


def test_what_frees_an_object_of_the_library_is_not_copied(ballast: Any) -> None:
    conn = ballast.open("test:///default")
    domain = conn.lookupByName("test")
    with conn.watch(100) as watch:
        for handle in (conn, domain, watch):
            for copying in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="neither copied nor pickled"):
                    copying(handle)
        assert watch.next(math.inf) is not None
    assert (domain.name(), conn.isAlive()) == ("test", 1)


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


def test_numbers_with_a_name_are_one_object_each() -> None:
    import dataclasses

    import ballast

    with ballast.openReadOnly("test:///fleet?domains=2&seed=1") as conn:
        host = conn.host_memory()
    assert host.reason is ballast.Reason.FRESH
    assert dataclasses.asdict(host)["reason"] is ballast.Reason.FRESH
    assert pickle.loads(pickle.dumps(host)).reason is ballast.Reason.FRESH
    for member in (ballast.Reason.PAUSED, ballast.Freshness.FRESH, ballast.Reason(99)):
        assert type(member)(int(member)) is member
        assert copy.copy(member) is member and copy.deepcopy(member) is member
        assert all(pickle.loads(pickle.dumps(member, protocol)) is member for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1))
    assert repr(ballast.Reason(3)) == "Reason.NEVER_REPORTED" and repr(ballast.Reason(99)) == "Reason.UNKNOWN_99"


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


@pytest.mark.parametrize("wait", ["while True: ballast.virEventRunDefaultImpl()", "for sample in conn.watch(3600): pass"])
def test_an_interpreter_ends_before_its_process(wait: str) -> None:
    # Some C library's exit handlers take their time: the threads go on, the interpreter is gone.
    source = f"""
        import ctypes, threading, time
        import ballast
        libc = ctypes.CDLL(None)
        sleep = ctypes.cast(libc.usleep, ctypes.c_void_p)
        libc.__cxa_atexit(sleep, ctypes.c_void_p(400000), None)
        ballast.registerErrorHandler(lambda *error: None, None)
        ballast.virEventRegisterDefaultImpl()
        conn = ballast.open("test:///default")
        def work():
            {wait}
        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
    """
    for _ in range(5):
        assert run_program(source) == (0, "", "")


def test_an_inner_interpreter_leaves_nothing_that_would_be_called() -> None:
    # Python 3.13 calls the module otherwise, and gives each interpreter a lock of its own unless it is told not to.
    source = '''
        import ballast
        try:
            import _interpreters as inner
            create = lambda: inner.create("legacy")
        except ImportError:
            import _xxsubinterpreters as inner
            create = inner.create
        ballast.registerErrorHandler(lambda *error: None, None)
        ballast.virEventRegisterDefaultImpl()
        conn = ballast.open("test:///default")
        for _ in range(3):
            made = create()
            inner.run_string(made, """if True:
                import ballast
                conn = ballast.open("test:///default")
                conn.domainEventRegisterAny(None, 0, lambda *seen: print("event"), None)
                conn.domainEventRegister(lambda *seen: print("event"), None)
                conn.registerCloseCallback(lambda *seen: print("closed"), None)
                ballast.virEventAddTimeout(1, lambda *seen: print("tick"), None)
            """)
            inner.destroy(made)
            for _ in range(3):
                ballast.virEventAddTimeout(0, lambda timer, opaque: ballast.virEventRemoveTimeout(timer), None)
                ballast.virEventRunDefaultImpl()
        print("end")
    '''
    assert run_program(source) == (0, "end\n", "")


def test_the_program_says_what_it_cannot_write(tmp_path: Any) -> None:
    import subprocess
    import sys

    path = os.path.join(str(tmp_path), "host.xml")
    with open(path, "w", encoding="utf-8") as host:
        host.write(
            "<node><domain type='test'><name>g\u00e4st</name><memory>4096</memory><os><type>hvm</type></os></domain></node>"
        )
    command = [sys.executable, "-m", "ballast", "-c", f"test://{path}"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert (shown.returncode, shown.stderr) == (0, b"") and b"\ng\\xe4st " in shown.stdout
    with open("/dev/full", "w", encoding="utf-8") as full:
        refused = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert (refused.returncode, refused.stderr) == (1, b"error: [Errno 28] No space left on device\n")
