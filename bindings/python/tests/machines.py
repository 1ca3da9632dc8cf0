"""Real QEMUs, a real libvirtd and ballastd, each with its files in a directory of its own. They end with the tests."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from typing import Any, Callable, Dict, List, Optional

CHECKOUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
GUEST_NAME = "guest"
GUEST_UUID = "c7a5fdbd-cdaf-9455-926a-d65c16db1809"
GUEST_KIB = 256 * 1024
START_SECONDS = 120

# libvirtd's first process in namespaces of its own must not be libvirtd: somebody has to reap QEMU. A /dev/kvm that opens
# but does not work would cost each start many seconds; a read-only file in its place is not accessible even to root.
_LIBVIRTD = """
if [ -e /dev/kvm ]; then
    mount --bind "$1/kvm" /dev/kvm
    mount -o remount,bind,ro /dev/kvm
fi
mkdir -p /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
mount --bind "$1/etc" /etc/libvirt
mount --bind "$1/lib" /var/lib/libvirt
mount --bind "$1/cache" /var/cache/libvirt
mount --bind "$1/log" /var/log/libvirt
mount --bind "$1/run" /run
libvirtd &
wait $!
"""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def wait_until(condition: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> Any:
    """Waits until a condition holds, and returns what it gave."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.01)


def listens(path: str) -> bool:
    """Whether somebody listens on a Unix socket, without connecting to it."""
    listening = "00010000"
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as sockets:
        return any(line.split()[3] == listening and line.rstrip().endswith(" " + path) for line in sockets if path in line)


class Process:
    """A process that ends with the tests, and its directory."""

    def __init__(self, arguments: List[str], directory: str, environment: Optional[Dict[str, str]] = None) -> None:
        self.directory = directory
        self.log = os.path.join(directory, "output")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
            )
        self.pid = self.process.pid

    def output(self) -> str:
        """All that it wrote."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for(self, condition: Callable[[], Any], what: str) -> None:
        """Waits for something that the process is to do."""

        def happened() -> Any:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args!r} ended with {self.process.returncode}: {self.output()}")
            return condition()

        wait_until(happened, what)

    def close(self) -> None:
        """Ends it at once."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def private_directory() -> str:
    """Short enough for the path of a socket."""
    return tempfile.mkdtemp(prefix="ballast-")


def guest_image() -> List[str]:
    """The real Linux guest: QEMU's arguments for it."""
    directory = os.environ.get("BALLAST_GUEST_IMAGE") or os.path.join(CHECKOUT, "artifacts", "guest")
    kernel, disk = os.path.join(directory, "vmlinuz"), os.path.join(directory, "initrd.gz")
    if not os.path.exists(kernel) or not os.path.exists(disk):
        raise RuntimeError(f"{directory} has no guest image: tests/guest/build-linux-guest makes it, BALLAST_GUEST_IMAGE names it")
    return ["-kernel", kernel, "-initrd", disk, "-append", "console=ttyS0 panic=-1"]


class Qemu(Process):
    """A QEMU whose monitors are free for the programs under test: the Linux guest, or a machine that stands still."""

    def __init__(self, linux: bool = False, monitors: int = 1, name: str = GUEST_NAME, uuid: str = GUEST_UUID,
                 directory: Optional[str] = None) -> None:  # fmt: skip
        directory = directory or private_directory()
        self.monitors = [os.path.join(directory, f"qmp{number}.sock") for number in range(monitors + 1)]
        arguments = ["qemu-system-x86_64", "-accel", "tcg,tb-size=32", "-nodefaults", "-no-user-config", "-display", "none"]
        arguments += ["-name", name, "-uuid", uuid, "-device", "virtio-balloon-pci,id=balloon0", "-M", "q35"]
        arguments += ["-m", str(GUEST_KIB // 1024), *guest_image(), "-serial", "null"] if linux else ["-m", "64", "-S"]
        for path in self.monitors:
            arguments += ["-qmp", f"unix:{path},server=on,wait=off"]
        super().__init__(arguments, directory)
        self.wait_for(lambda: all(map(listens, self.monitors)), "QEMU's monitors")
        self._monitor: Optional[socket.socket] = None
        self._replies: Any = None

    @property
    def uri(self) -> str:
        """For the monitor in process."""
        return f"qmp://{self.monitors[0]}"

    def ask(self, command: str, **arguments: Any) -> Any:
        """Asks QEMU itself, on the last monitor."""
        if self._monitor is None:
            self._monitor = socket.socket(socket.AF_UNIX)
            self._monitor.settimeout(START_SECONDS)
            self._monitor.connect(self.monitors[-1])
            self._replies = self._monitor.makefile("r", encoding="utf-8")
            self._replies.readline()
            self.ask("qmp_capabilities")
        self._monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            reply = json.loads(self._replies.readline())
            if "error" in reply:
                raise RuntimeError(reply["error"])
            if "return" in reply:
                return reply["return"]

    def wait_for_report(self) -> None:
        """Waits until the guest has reported."""
        path = "/machine/peripheral/balloon0"
        self.ask("qom-set", path=path, property="guest-stats-polling-interval", value=1)

        def reported() -> bool:
            statistics = self.ask("qom-get", path=path, property="guest-stats")["stats"]
            return bool(statistics["stat-total-memory"] != (1 << 64) - 1)

        self.wait_for(reported, "a report of the guest")

    def stop(self) -> None:
        """Freezes it."""
        os.kill(self.pid, signal.SIGSTOP)

        def stopped() -> bool:
            with open(f"/proc/{self.pid}/stat", encoding="utf-8") as stat:
                return stat.read().rpartition(")")[2].split()[0] == "T"

        wait_until(stopped, "QEMU's stop")

    def go_on(self) -> None:
        """Lets it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        if self._monitor is not None:
            self._replies.close()
            self._monitor.close()
        super().close()


class Libvirtd(Process):
    """A real libvirtd that sees nothing of the machine's configuration, with the Linux guest as its domain."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise RuntimeError("a private libvirtd needs namespaces of its own, and so root")
        directory = private_directory()
        for name in ("etc", "lib", "cache", "log", "run", "s"):
            os.mkdir(os.path.join(directory, name))
        self._write(directory, "kvm", "")
        self._write(
            directory,
            "etc/libvirtd.conf",
            f'unix_sock_dir = "{directory}/s"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n',
        )
        self._write(
            directory,
            "etc/qemu.conf",
            'user = "root"\ngroup = "root"\ndynamic_ownership = 0\nremember_owner = 0\nsecurity_driver = "none"\n'
            'cgroup_controllers = []\nnamespaces = []\nstdio_handler = "file"\n',
        )
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        super().__init__([*namespaces, "sh", "-e", "-c", _LIBVIRTD, "sh", directory], directory)
        self.wait_for(lambda: listens(os.path.join(directory, "s/libvirt-sock")), "libvirtd's socket")
        self.virsh("version")

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self.directory}/s/libvirt-sock"

    @property
    def read_only_uri(self) -> str:
        return f"{self.uri}-ro"

    def virsh(self, *arguments: str) -> str:
        """Runs virsh on it."""
        command = ["virsh", "-q", "-c", self.uri, *arguments]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False)
        if result.returncode:
            raise RuntimeError(f"{command}: {result.stderr}{self.output()}")
        return result.stdout

    def create_guest(self, linux: bool = True, name: str = GUEST_NAME, uuid: str = GUEST_UUID) -> None:
        """Starts a domain, which is transient."""
        boot = ""
        if linux:
            _, kernel, _, disk, _, line = guest_image()
            boot = f"<kernel>{kernel}</kernel><initrd>{disk}</initrd><cmdline>{line}</cmdline>"
        memory = GUEST_KIB if linux else 64 * 1024
        xml = (
            f"<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='KiB'>{memory}</memory><vcpu>1</vcpu>"
            f"<os><type arch='x86_64' machine='q35'>hvm</type>{boot}</os><features><acpi/></features><devices>"
            "<controller type='usb' model='none'/><serial type='null'/>"
            "<memballoon model='virtio'><stats period='1'/></memballoon></devices></domain>"
        )
        self._write(self.directory, f"{name}.xml", xml)
        self.virsh("create", os.path.join(self.directory, f"{name}.xml"))

    @staticmethod
    def _write(directory: str, name: str, text: str) -> None:
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)


class Ballastd(Process):
    """Our daemon, as it ships, on the given monitors."""

    def __init__(self, *monitors: str, socket: Optional[str] = None) -> None:
        directory = private_directory()
        program = os.environ.get("BALLAST_DAEMON") or os.path.join(CHECKOUT, "artifacts", "native", "ballastd")
        if not os.path.exists(program):
            raise RuntimeError(f"{program} is not there: ./build makes it, BALLAST_DAEMON names it")
        self.socket = socket or os.path.join(directory, "sock")
        configuration = os.path.join(directory, "none.conf")
        with open(configuration, "w", encoding="utf-8"):
            pass
        arguments = [program, "--config", configuration, "--socket", self.socket]
        for path in monitors:
            arguments += ["--qmp", path]
        super().__init__(arguments, directory)
        self.wait_for(lambda: "listens on" in self.output(), "ballastd's sockets")

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self.socket}"

    @property
    def read_only_uri(self) -> str:
        return f"{self.uri}-ro"
