"""A domain's virtual CPUs, and its share of the host's."""

from __future__ import annotations

from struct import Struct
from ctypes import addressof, byref, c_int, create_string_buffer

from ._arguments import flags as bits
from ._calls import DomainCalls
from ._error import failure
from ._library import library
from ._parameters import read_parameters, take_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

# virVcpuInfo.
_VCPU = Struct("IiQi4x")


class DomainProcessors(DomainCalls):
    """How many virtual CPUs a domain has, where they run, and what CPU time they take."""

    def maxVcpus(self) -> int:
        """The maximum number of virtual CPUs."""
        return self._number("virDomainGetMaxVcpus")

    def vcpusFlags(self, flags: SupportsIndex = 0) -> int:
        """The number of virtual CPUs; with ``VIR_DOMAIN_VCPU_MAXIMUM`` their maximum."""
        return self._number("virDomainGetVcpusFlags", bits(flags))

    def setVcpus(self, nvcpus: SupportsIndex) -> int:
        """Sets the number of virtual CPUs of a running domain, at most `maxVcpus`."""
        return self._number("virDomainSetVcpus", bits(nvcpus))

    def setVcpusFlags(self, nvcpus: SupportsIndex, flags: SupportsIndex = 0) -> int:
        """The same with flags: ``VIR_DOMAIN_VCPU_LIVE``, ``…_CONFIG``; ``VIR_DOMAIN_VCPU_MAXIMUM`` sets the maximum."""
        return self._number("virDomainSetVcpusFlags", bits(nvcpus), bits(flags))

    def vcpus(self) -> tuple[list[tuple[int, ...]], list[tuple[bool, ...]]]:
        """([(number, state, CPU time in ns, host CPU) …], [which host CPUs it may run on …]) of the virtual CPUs."""
        cpus, room = self._host_cpus(), self._itself.info()[3]
        length = (cpus + 7) // 8
        info, maps = create_string_buffer(_VCPU.size * room), create_string_buffer(length * room)
        count: int = library.virDomainGetVcpus(self._o, info, room, maps, length)
        if count < 0:
            raise failure("virDomainGetVcpus")
        return list(_VCPU.iter_unpack(info.raw[: _VCPU.size * count])), _maps(maps.raw, count, length, cpus)

    def vcpuPinInfo(self, flags: SupportsIndex = 0) -> list[tuple[bool, ...]]:
        """Which host CPUs each virtual CPU may run on; with ``VIR_DOMAIN_AFFECT_CONFIG`` as it is defined."""
        cpus, room = self._host_cpus(), self._itself.info()[3]
        length = (cpus + 7) // 8
        maps = create_string_buffer(length * room)
        count: int = library.virDomainGetVcpuPinInfo(self._o, room, maps, length, bits(flags))
        if count < 0:
            raise failure("virDomainGetVcpuPinInfo")
        return _maps(maps.raw, count, length, cpus)

    def schedulerType(self) -> tuple[str, int]:
        """(kind of the host's scheduler, number of its parameters)."""
        count = c_int()
        pointer = library.virDomainGetSchedulerType(self._o, byref(count))
        if not pointer:
            raise failure("virDomainGetSchedulerType")
        return library.take_text(pointer), count.value

    def schedulerParameters(self) -> dict[str, Any]:
        """The parameters of the host's scheduler for the domain: ``cpu_shares`` or ``weight`` (a share among domains), periods
        and quotas in µs."""
        return self._scheduler_parameters("virDomainGetSchedulerParameters")

    def schedulerParametersFlags(self, flags: SupportsIndex = 0) -> dict[str, Any]:
        """The same, of the running domain or its definition (``VIR_DOMAIN_AFFECT_LIVE``, ``…_CONFIG``)."""
        return self._scheduler_parameters("virDomainGetSchedulerParametersFlags", bits(flags))

    def getCPUStats(self, total: bool, flags: SupportsIndex = 0) -> list[dict[str, Any]]:
        """The CPU time in ns on each CPU of the host, or with `total` on all of them together."""
        mask = bits(flags)
        cpus: int = 1 if total else library.virDomainGetCPUStats(self._o, None, 0, 0, 0, mask)
        each: int = -1 if cpus < 0 else library.virDomainGetCPUStats(self._o, None, 0, -1 if total else 0, 1, mask)
        if each < 0:
            raise failure("virDomainGetCPUStats")
        statistics: list[dict[str, Any]] = []
        while len(statistics) < cpus:
            step = min(128, cpus - len(statistics))
            array = create_string_buffer(96 * max(each, 1) * step)
            if each:
                start = -1 if total else len(statistics)
                if library.virDomainGetCPUStats(self._o, array, each, start, step, mask) < 0:
                    raise failure("virDomainGetCPUStats")
            statistics += [take_parameters(addressof(array) + 96 * each * cpu, each) for cpu in range(step)]
        return statistics

    def _host_cpus(self) -> int:
        count: int = library.virNodeGetCPUMap(self._itself._conn._o, None, None, 0)
        if count < 0:
            raise failure("virNodeGetCPUMap")
        return count

    def _scheduler_parameters(self, function: str, *arguments: int) -> dict[str, Any]:
        kinds = self.schedulerType()[1]

        def call(array: Any, length: Any) -> int:
            if array is None:  # Their number is known already.
                length.raw = kinds.to_bytes(4, "little")
                return 0
            return int(getattr(library, function)(self._o, array, length, *arguments))

        parameters = read_parameters(call)
        if parameters is None:
            raise failure(function)
        return parameters


def _maps(raw: bytes, count: int, length: int, cpus: int) -> list[tuple[bool, ...]]:
    """Decodes maps of host CPUs that follow one another."""
    return [tuple(bool(raw[number * length + cpu // 8] >> cpu % 8 & 1) for cpu in range(cpus)) for number in range(count)]
