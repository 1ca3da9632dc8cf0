"""What the package does to its process: imports, forks, interpreters, ends."""

from __future__ import annotations

import os
from typing import Any

import pytest
from machines import GUEST_NAME, Ballastd
from programs import run_program

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


RUN = "while True: ballast.virEventRunDefaultImpl()"


@pytest.mark.parametrize(
    ("before", "wait"),
    [
        ("pass", RUN),
        ("pass", "for sample in conn.watch(3600): pass"),
        ("ballast.virEventAddTimeout(10, lambda *seen: None, None)", RUN),
        # What is told of happens when the interpreter is gone.
        ("end, other = os.pipe(); ballast.virEventAddHandle(end, 1, lambda *seen: None, None); at_exit(libc.close, other)", RUN),
        ("conn.domainEventRegisterAny(None, 0, lambda *seen: None, None); at_exit(library.virDomainSuspend, dom)", RUN),
        ("conn.domainEventRegister(lambda *seen: None, None); at_exit(library.virDomainSuspend, dom)", RUN),
        ("conn.registerCloseCallback(lambda *seen: None, None); at_exit(library.ballastConnectShutdown, conn.c_pointer())", RUN),
    ],
)
def test_an_interpreter_ends_before_its_process(before: str, wait: str) -> None:
    # Some C library's exit handlers take their time: the threads go on, the interpreter is gone.
    source = f"""
        import ctypes, os, threading, time
        import ballast
        from ballast._library import library
        libc = ctypes.CDLL(None)
        def at_exit(function, argument):
            libc.__cxa_atexit(ctypes.cast(function, ctypes.c_void_p), ctypes.c_void_p(argument), None)
        at_exit(libc.usleep, 400000)
        ballast.registerErrorHandler(lambda *error: None, None)
        ballast.virEventRegisterDefaultImpl()
        conn = ballast.open("test:///default")
        # Held by nobody who would free it.
        dom = library.virDomainLookupByName(conn.c_pointer(), b"test")
        {before}
        def work():
            {wait}
        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
    """
    for _ in range(5):
        assert run_program(source) == (0, "", "")


def test_what_a_program_does_at_its_end_is_told_to_its_callbacks() -> None:
    source = """
        import atexit
        import ballast
        def end():
            dom.suspend()
            while not seen:
                ballast.virEventRunDefaultImpl()
            print(len(seen))
        atexit.register(end)
        ballast.virEventRegisterDefaultImpl()
        conn = ballast.open("test:///default")
        dom, seen = conn.lookupByName("test"), []
        conn.domainEventRegisterAny(None, 0, lambda *told: seen.append(told), None)
    """
    assert run_program(source) == (0, "1\n", "")


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
