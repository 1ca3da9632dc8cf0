"""Parts of libvirt-python that Ballast does not serve: networks, storage, snapshots, migration, the guest agent and the like.

The methods exist and raise a `libvirtError` with the function's name, instead of an AttributeError. Its code is
``VIR_ERR_NO_SUPPORT``, or ``VIR_ERR_OPERATION_DENIED`` for a change on a read-only connection.
"""

from __future__ import annotations

from ._error import failure, libvirtError
from ._library import declare, library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# A row: the method with its parameters, and the function of the C library, which refuses.
TABLES = {
    "virConnect": """
allocPages(pages, startCell=0, cellCount=0, flags=0) virNodeAllocPages
baselineCPU(xmlCPUs, flags=0) virConnectBaselineCPU
baselineHypervisorCPU(emulator, arch, machine, virttype, xmlCPUs, flags=0) virConnectBaselineHypervisorCPU
changeBegin(flags=0) virInterfaceChangeBegin
changeCommit(flags=0) virInterfaceChangeCommit
changeRollback(flags=0) virInterfaceChangeRollback
compareCPU(xmlDesc, flags=0) virConnectCompareCPU
compareHypervisorCPU(emulator, arch, machine, virttype, xmlCPU, flags=0) virConnectCompareHypervisorCPU
createXMLWithFiles(xmlDesc, files, flags=0) virDomainCreateXMLWithFiles
domainXMLFromNative(nativeFormat, nativeConfig, flags=0) virConnectDomainXMLFromNative
domainXMLToNative(nativeFormat, domainXml, flags=0) virConnectDomainXMLToNative
findStoragePoolSources(type, srcSpec, flags=0) virConnectFindStoragePoolSources
getDomainCapabilities(emulatorbin=None, arch=None, machine=None, virttype=None, flags=0) virConnectGetDomainCapabilities
getMemoryParameters(flags=0) virNodeGetMemoryParameters
getSEVInfo(flags=0) virNodeGetSEVInfo
getStoragePoolCapabilities(flags=0) virConnectGetStoragePoolCapabilities
interfaceDefineXML(xml, flags=0) virInterfaceDefineXML
interfaceLookupByMACString(macstr) virInterfaceLookupByMACString
interfaceLookupByName(name) virInterfaceLookupByName
listAllDevices(flags=0) virConnectListAllNodeDevices
listAllInterfaces(flags=0) virConnectListAllInterfaces
listAllNetworks(flags=0) virConnectListAllNetworks
listAllNWFilterBindings(flags=0) virConnectListAllNWFilterBindings
listAllNWFilters(flags=0) virConnectListAllNWFilters
listAllSecrets(flags=0) virConnectListAllSecrets
listDefinedInterfaces() virConnectListDefinedInterfaces
listDefinedNetworks() virConnectListDefinedNetworks
listDefinedStoragePools() virConnectListDefinedStoragePools
listDevices(cap, flags=0) virNodeListDevices
listInterfaces() virConnectListInterfaces
listNetworks() virConnectListNetworks
listNWFilters() virConnectListNWFilters
listSecrets() virConnectListSecrets
listStoragePools() virConnectListStoragePools
networkCreateXML(xmlDesc) virNetworkCreateXML
networkCreateXMLFlags(xmlDesc, flags=0) virNetworkCreateXMLFlags
networkDefineXML(xml) virNetworkDefineXML
networkDefineXMLFlags(xml, flags=0) virNetworkDefineXMLFlags
networkEventDeregisterAny(callbackID) virConnectNetworkEventDeregisterAny
networkEventRegisterAny(net, eventID, cb, opaque) virConnectNetworkEventRegisterAny
networkLookupByName(name) virNetworkLookupByName
networkLookupByUUID(uuid) virNetworkLookupByUUID
networkLookupByUUIDString(uuidstr) virNetworkLookupByUUIDString
newStream(flags=0) virStreamNew
nodeDeviceCreateXML(xmlDesc, flags=0) virNodeDeviceCreateXML
nodeDeviceDefineXML(xmlDesc, flags=0) virNodeDeviceDefineXML
nodeDeviceEventDeregisterAny(callbackID) virConnectNodeDeviceEventDeregisterAny
nodeDeviceEventRegisterAny(dev, eventID, cb, opaque) virConnectNodeDeviceEventRegisterAny
nodeDeviceLookupByName(name) virNodeDeviceLookupByName
nodeDeviceLookupSCSIHostByWWN(wwnn, wwpn, flags=0) virNodeDeviceLookupSCSIHostByWWN
numOfDefinedInterfaces() virConnectNumOfDefinedInterfaces
numOfDefinedNetworks() virConnectNumOfDefinedNetworks
numOfDefinedStoragePools() virConnectNumOfDefinedStoragePools
numOfDevices(cap, flags=0) virNodeNumOfDevices
numOfInterfaces() virConnectNumOfInterfaces
numOfNetworks() virConnectNumOfNetworks
numOfNWFilters() virConnectNumOfNWFilters
numOfSecrets() virConnectNumOfSecrets
numOfStoragePools() virConnectNumOfStoragePools
nwfilterBindingCreateXML(xml, flags=0) virNWFilterBindingCreateXML
nwfilterBindingLookupByPortDev(portdev) virNWFilterBindingLookupByPortDev
nwfilterDefineXML(xmlDesc) virNWFilterDefineXML
nwfilterDefineXMLFlags(xmlDesc, flags=0) virNWFilterDefineXMLFlags
nwfilterLookupByName(name) virNWFilterLookupByName
nwfilterLookupByUUID(uuid) virNWFilterLookupByUUID
nwfilterLookupByUUIDString(uuidstr) virNWFilterLookupByUUIDString
restore(frm) virDomainRestore
restoreFlags(frm, dxml=None, flags=0) virDomainRestoreFlags
restoreParams(params, flags=0) virDomainRestoreParams
saveImageDefineXML(file, dxml, flags=0) virDomainSaveImageDefineXML
saveImageGetXMLDesc(file, flags=0) virDomainSaveImageGetXMLDesc
secretDefineXML(xml, flags=0) virSecretDefineXML
secretEventDeregisterAny(callbackID) virConnectSecretEventDeregisterAny
secretEventRegisterAny(secret, eventID, cb, opaque) virConnectSecretEventRegisterAny
secretLookupByUsage(usageType, usageID) virSecretLookupByUsage
secretLookupByUUID(uuid) virSecretLookupByUUID
secretLookupByUUIDString(uuidstr) virSecretLookupByUUIDString
setIdentity(params, flags=0) virConnectSetIdentity
setMemoryParameters(params, flags=0) virNodeSetMemoryParameters
storagePoolCreateXML(xmlDesc, flags=0) virStoragePoolCreateXML
storagePoolDefineXML(xml, flags=0) virStoragePoolDefineXML
storagePoolEventDeregisterAny(callbackID) virConnectStoragePoolEventDeregisterAny
storagePoolEventRegisterAny(pool, eventID, cb, opaque) virConnectStoragePoolEventRegisterAny
storagePoolLookupByName(name) virStoragePoolLookupByName
storagePoolLookupByTargetPath(path) virStoragePoolLookupByTargetPath
storagePoolLookupByUUID(uuid) virStoragePoolLookupByUUID
storagePoolLookupByUUIDString(uuidstr) virStoragePoolLookupByUUIDString
storageVolLookupByKey(key) virStorageVolLookupByKey
storageVolLookupByPath(path) virStorageVolLookupByPath
suspendForDuration(target, duration, flags=0) virNodeSuspendForDuration
""",
    "virDomain": """
abortJob() virDomainAbortJob
abortJobFlags(flags=0) virDomainAbortJobFlags
addIOThread(iothread_id, flags=0) virDomainAddIOThread
agentSetResponseTimeout(timeout, flags=0) virDomainAgentSetResponseTimeout
announceInterface(device, params, flags=0) virDomainAnnounceInterface
attachDevice(xml) virDomainAttachDevice
attachDeviceFlags(xml, flags=0) virDomainAttachDeviceFlags
authorizedSSHKeysGet(user, flags=0) virDomainAuthorizedSSHKeysGet
authorizedSSHKeysSet(user, keys=None, flags=0) virDomainAuthorizedSSHKeysSet
autostartOnce() virDomainGetAutostartOnce
backupBegin(backupXML, checkpointXML, flags=0) virDomainBackupBegin
backupGetXMLDesc(flags=0) virDomainBackupGetXMLDesc
blkioParameters(flags=0) virDomainGetBlkioParameters
blockCommit(disk, base, top, bandwidth=0, flags=0) virDomainBlockCommit
blockCopy(disk, destxml, params=None, flags=0) virDomainBlockCopy
blockIoTune(disk, flags=0) virDomainGetBlockIoTune
blockJobAbort(disk, flags=0) virDomainBlockJobAbort
blockJobInfo(path, flags=0) virDomainGetBlockJobInfo
blockJobSetSpeed(disk, bandwidth, flags=0) virDomainBlockJobSetSpeed
blockPeek(disk, offset, size, flags=0) virDomainBlockPeek
blockPull(disk, bandwidth=0, flags=0) virDomainBlockPull
blockRebase(disk, base, bandwidth=0, flags=0) virDomainBlockRebase
blockResize(disk, size, flags=0) virDomainBlockResize
checkpointCreateXML(xmlDesc, flags=0) virDomainCheckpointCreateXML
checkpointLookupByName(name, flags=0) virDomainCheckpointLookupByName
coreDump(to, flags=0) virDomainCoreDump
coreDumpWithFormat(to, dumpformat, flags=0) virDomainCoreDumpWithFormat
createWithFiles(files, flags=0) virDomainCreateWithFiles
delIOThread(iothread_id, flags=0) virDomainDelIOThread
delThrottleGroup(group, flags=0) virDomainDelThrottleGroup
detachDevice(xml) virDomainDetachDevice
detachDeviceAlias(alias, flags=0) virDomainDetachDeviceAlias
detachDeviceFlags(xml, flags=0) virDomainDetachDeviceFlags
diskErrors(flags=0) virDomainGetDiskErrors
emulatorPinInfo(flags=0) virDomainGetEmulatorPinInfo
FDAssociate(name, files, flags=0) virDomainFDAssociate
fsFreeze(mountpoints=None, flags=0) virDomainFSFreeze
fsInfo(flags=0) virDomainGetFSInfo
fsThaw(mountpoints=None, flags=0) virDomainFSThaw
fSTrim(mountPoint, minimum, flags=0) virDomainFSTrim
getTime(flags=0) virDomainGetTime
graphicsReload(type, flags=0) virDomainGraphicsReload
guestInfo(types=0, flags=0) virDomainGetGuestInfo
guestVcpus(flags=0) virDomainGetGuestVcpus
hasCurrentSnapshot(flags=0) virDomainHasCurrentSnapshot
hostname(flags=0) virDomainGetHostname
injectNMI(flags=0) virDomainInjectNMI
interfaceAddresses(source, flags=0) virDomainInterfaceAddresses
interfaceParameters(device, flags=0) virDomainGetInterfaceParameters
ioThreadInfo(flags=0) virDomainGetIOThreadInfo
launchSecurityInfo(flags=0) virDomainGetLaunchSecurityInfo
listAllCheckpoints(flags=0) virDomainListAllCheckpoints
listAllSnapshots(flags=0) virDomainListAllSnapshots
managedSaveDefineXML(dxml, flags=0) virDomainManagedSaveDefineXML
managedSaveGetXMLDesc(flags=0) virDomainManagedSaveGetXMLDesc
memoryPeek(start, size, flags=0) virDomainMemoryPeek
migrate(dconn, flags=0, dname=None, uri=None, bandwidth=0) virDomainMigrate
migrate2(dconn, dxml=None, flags=0, dname=None, uri=None, bandwidth=0) virDomainMigrate2
migrate3(dconn, params, flags=0) virDomainMigrate3
migrateGetCompressionCache(flags=0) virDomainMigrateGetCompressionCache
migrateGetMaxDowntime(flags=0) virDomainMigrateGetMaxDowntime
migrateGetMaxSpeed(flags=0) virDomainMigrateGetMaxSpeed
migrateSetCompressionCache(cacheSize, flags=0) virDomainMigrateSetCompressionCache
migrateSetMaxDowntime(downtime, flags=0) virDomainMigrateSetMaxDowntime
migrateSetMaxSpeed(bandwidth, flags=0) virDomainMigrateSetMaxSpeed
migrateStartPostCopy(flags=0) virDomainMigrateStartPostCopy
migrateToURI(duri, flags=0, dname=None, bandwidth=0) virDomainMigrateToURI
migrateToURI2(dconnuri=None, miguri=None, dxml=None, flags=0, dname=None, bandwidth=0) virDomainMigrateToURI2
migrateToURI3(dconnuri, params, flags=0) virDomainMigrateToURI3
openChannel(name, st, flags=0) virDomainOpenChannel
openConsole(dev_name, st, flags=0) virDomainOpenConsole
openGraphics(idx, fd, flags=0) virDomainOpenGraphics
openGraphicsFD(idx, flags=0) virDomainOpenGraphicsFD
perfEvents(flags=0) virDomainGetPerfEvents
pinEmulator(cpumap, flags=0) virDomainPinEmulator
pinIOThread(iothread_val, cpumap, flags=0) virDomainPinIOThread
pinVcpu(vcpu, cpumap) virDomainPinVcpu
pinVcpuFlags(vcpu, cpumap, flags=0) virDomainPinVcpuFlags
pMSuspendForDuration(target, duration, flags=0) virDomainPMSuspendForDuration
revertToSnapshot(snap, flags=0) virDomainRevertToSnapshot
save(to) virDomainSave
saveFlags(to, dxml=None, flags=0) virDomainSaveFlags
saveParams(params, flags=0) virDomainSaveParams
screenshot(stream, screen, flags=0) virDomainScreenshot
securityLabelList() virDomainGetSecurityLabelList
sendKey(codeset, holdtime, keycodes, nkeycodes, flags=0) virDomainSendKey
sendProcessSignal(pid_value, signum, flags=0) virDomainSendProcessSignal
setAutostartOnce(autostart) virDomainSetAutostartOnce
setBlkioParameters(params, flags=0) virDomainSetBlkioParameters
setBlockIoTune(disk, params, flags=0) virDomainSetBlockIoTune
setBlockThreshold(dev, threshold, flags=0) virDomainSetBlockThreshold
setGuestVcpus(cpumap, state, flags=0) virDomainSetGuestVcpus
setInterfaceParameters(device, params, flags=0) virDomainSetInterfaceParameters
setIOThreadParams(iothread_val, params, flags=0) virDomainSetIOThreadParams
setLaunchSecurityState(params, flags=0) virDomainSetLaunchSecurityState
setLifecycleAction(type, action, flags=0) virDomainSetLifecycleAction
setMemoryParameters(params, flags=0) virDomainSetMemoryParameters
setNumaParameters(params, flags=0) virDomainSetNumaParameters
setPerfEvents(params, flags=0) virDomainSetPerfEvents
setSchedulerParameters(params) virDomainSetSchedulerParameters
setSchedulerParametersFlags(params, flags=0) virDomainSetSchedulerParametersFlags
setThrottleGroup(group, params, flags=0) virDomainSetThrottleGroup
setTime(time=None, flags=0) virDomainSetTime
setUserPassword(user, password, flags=0) virDomainSetUserPassword
setVcpu(vcpumap, state, flags=0) virDomainSetVcpu
snapshotCreateXML(xmlDesc, flags=0) virDomainSnapshotCreateXML
snapshotCurrent(flags=0) virDomainSnapshotCurrent
snapshotListNames(flags=0) virDomainSnapshotListNames
snapshotLookupByName(name, flags=0) virDomainSnapshotLookupByName
snapshotNum(flags=0) virDomainSnapshotNum
updateDeviceFlags(xml, flags=0) virDomainUpdateDeviceFlags
""",
}


class _Method:
    """A row of a table. It becomes an ordinary method when it is first used, because most programs never use it."""

    __slots__ = ("_name", "_row")

    def __init__(self, name: str, row: str) -> None:
        self._name = name
        self._row = row

    def __get__(self, instance: Any, kind: Any) -> Any:
        signature, _, function = self._row.rpartition(" ")
        parameters = signature.partition("(")[2][:-1]
        declare(function, "vppp")  # It looks at the handle, sets a list to none, and gives nothing back but the error.
        made: dict[str, Any] = {"refuse": _refuse, "function": function}
        exec(f"def {self._name}(self, {parameters}): refuse(self, function)", made)
        method = made[self._name]
        method.__doc__ = f"Not served: raises `libvirtError` (``VIR_ERR_NO_SUPPORT``) that names {function}."
        method.__qualname__ = f"{kind.__name__}.{self._name}"
        method.__module__ = kind.__module__
        setattr(kind, self._name, method)
        return method if instance is None else getattr(instance, self._name)


def _refuse(owner: Any, function: str) -> NoReturn:
    if not hasattr(library, "ballastGetVersion"):
        # Not our library but one that would do it, and that needs all arguments.
        raise libvirtError(f"{function}() failed", use_last_error=False)
    getattr(library, function)(owner._o, None, None)
    raise failure(function)


def add_methods(kind: type) -> None:
    """Gives a class the methods of its table."""
    for row in TABLES[kind.__name__].split("\n"):
        if row:
            name = row.partition("(")[0]
            setattr(kind, name, _Method(name, row))


class _Absent:
    """A class of libvirt's without objects here; it exists for ``isinstance`` and annotations."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        raise TypeError(f"Ballast has no {type(self).__name__}")


class virDomainCheckpoint(_Absent):
    """A checkpoint of a domain's disks."""


class virDomainSnapshot(_Absent):
    """A snapshot of a domain."""


class virInterface(_Absent):
    """A network interface of the host."""


class virNWFilter(_Absent):
    """A filter of network traffic."""


class virNWFilterBinding(_Absent):
    """The use of a filter by a domain's interface."""


class virNetwork(_Absent):
    """A virtual network."""


class virNetworkPort(_Absent):
    """A port of a virtual network."""


class virNodeDevice(_Absent):
    """A device of the host."""


class virSecret(_Absent):
    """A secret, such as a disk's password."""


class virStoragePool(_Absent):
    """A pool of storage."""


class virStorageVol(_Absent):
    """A volume of a storage pool."""


class virStream(_Absent):
    """A stream of data to or from the hypervisor."""
