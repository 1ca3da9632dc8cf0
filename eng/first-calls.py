"""Writes the names of a program's managed functions in the order in which they are first called.

    first-calls.py PROGRAM < COMMANDS

Each line of the standard input is one run's arguments; SIGTERM is passed on. The program must have its symbols. Each function gets a breakpoint at its
start, which goes when it is hit: a run costs a stop a function, not one a call.
"""
import ctypes
import os
import signal
import subprocess
import sys

SECTION = "__managedcode"
PTRACE_TRACEME, PTRACE_CONT, PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_SETOPTIONS = 0, 7, 12, 13, 0x4200
TRACE_CLONE = 8
RIP = 16  # its place among the words of struct user_regs_struct
BREAKPOINT = 0xCC

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=None):
    if libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}: {os.strerror(ctypes.get_errno())}")


def functions(program):
    """The section's start and end, and the names of the functions by address."""
    start = end = 0
    for line in subprocess.run(["readelf", "-SW", program], check=True, capture_output=True, text=True).stdout.splitlines():
        words = line.replace("[ ", "[").split()
        if len(words) > 5 and words[1] == SECTION:
            start = int(words[3], 16)
            end = start + int(words[5], 16)
    names = {}
    for line in subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout.splitlines():
        words = line.split(" ", 2)
        if words[0] and words[1] in "tT" and start <= int(words[0], 16) < end:
            names.setdefault(int(words[0], 16), []).append(words[2])
    if not names:
        sys.exit(f"{program} has no symbols of managed functions")
    return start, end, names


def address_of(pid, program):
    """Where a program was put; 0 where it has an address of its own."""
    with open(program, "rb") as file:
        is_movable = file.read(18)[16] == 3  # ET_DYN
    with open(f"/proc/{pid}/maps") as maps:
        return int(next(line for line in maps if line.rstrip().endswith(os.path.realpath(program))).split("-")[0], 16) if is_movable else 0


def run(program, arguments, start, end, names, called):
    """Runs the program once and adds the addresses that are called to a dictionary, in their order."""
    pid = os.fork()
    if pid == 0:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        libc.ptrace(PTRACE_TRACEME, 0, None, None)
        os.execv(program, [program, *arguments])
    os.waitpid(pid, 0)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    ptrace(PTRACE_SETOPTIONS, pid, TRACE_CLONE)
    base = address_of(pid, program)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(base + start)
        original = memory.read(end - start)
        patched = bytearray(original)
        for address in names:
            if address not in called:
                patched[address - start] = BREAKPOINT
        memory.seek(base + start)
        memory.write(patched)
        ptrace(PTRACE_CONT, pid)
        registers = (ctypes.c_ulong * 27)()
        while True:
            try:
                thread, status = os.waitpid(-1, 0x40000000)  # __WALL: threads too
            except ChildProcessError:
                return
            if not os.WIFSTOPPED(status):
                if thread == pid and (not os.WIFEXITED(status) or os.WEXITSTATUS(status) != 0):
                    sys.exit(f"{' '.join(arguments)}: it ended with {status:#x}")
                continue
            passed_on = os.WSTOPSIG(status)
            try:
                if passed_on == signal.SIGTRAP:
                    passed_on = 0
                    ptrace(PTRACE_GETREGS, thread, ctypes.addressof(registers))
                    address = registers[RIP] - 1 - base
                    if status >> 16 == 0 and address in names:
                        called.setdefault(address)
                        memory.seek(base + address)
                        memory.write(original[address - start : address - start + 1])
                        registers[RIP] = base + address
                        ptrace(PTRACE_SETREGS, thread, ctypes.addressof(registers))
                elif passed_on == signal.SIGSTOP:
                    passed_on = 0  # a thread's first stop
                ptrace(PTRACE_CONT, thread, passed_on)
            except ProcessLookupError:
                pass  # The program ended meanwhile.


def main():
    program = sys.argv[1]
    start, end, names = functions(program)
    called = {}
    for line in sys.stdin:
        run(program, line.split(), start, end, names, called)
    for address in called:
        print("\n".join(sorted(names[address])))


main()
