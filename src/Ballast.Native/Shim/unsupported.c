/*
 * The functions of libvirt's interface that the library does not have. They are there so that programs and bindings that
 * link them load; each fails with its type's failure and VIR_ERR_NO_SUPPORT, which is its first argument's error too where
 * that is a connection or of one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void managed_tell_error(void *handle);
extern int managed_is_read_only(void *handle);

/* Who may only read is told so first, by those that would change something. In the order of strcmp(). */
static const char *const changes[] = {
    "virConnectDomainQemuMonitorEventDeregister",
    "virConnectDomainQemuMonitorEventRegister", "virConnectDomainXMLFromNative", "virConnectDomainXMLToNative",
    "virConnectGetDomainCapabilities", "virDomainAbortJob", "virDomainAbortJobFlags", "virDomainAddIOThread",
    "virDomainAgentSetResponseTimeout", "virDomainAnnounceInterface", "virDomainAttachDevice",
    "virDomainAttachDeviceFlags", "virDomainAuthorizedSSHKeysGet", "virDomainAuthorizedSSHKeysSet",
    "virDomainBackupBegin", "virDomainBlockCommit", "virDomainBlockCopy", "virDomainBlockJobAbort",
    "virDomainBlockJobSetSpeed", "virDomainBlockPeek", "virDomainBlockPull", "virDomainBlockRebase",
    "virDomainBlockResize", "virDomainCheckpointCreateXML", "virDomainCoreDump", "virDomainCoreDumpWithFormat",
    "virDomainCreateWithFiles", "virDomainCreateXMLWithFiles", "virDomainDelIOThread", "virDomainDelThrottleGroup",
    "virDomainDetachDevice", "virDomainDetachDeviceAlias", "virDomainDetachDeviceFlags", "virDomainFDAssociate",
    "virDomainFSFreeze", "virDomainFSThaw", "virDomainFSTrim", "virDomainGetFSInfo", "virDomainGetGuestInfo",
    "virDomainGetGuestVcpus", "virDomainGetHostname", "virDomainGetTime", "virDomainGraphicsReload",
    "virDomainInjectNMI", "virDomainLxcEnterCGroup", "virDomainLxcOpenNamespace", "virDomainManagedSaveDefineXML", "virDomainMemoryPeek",
    "virDomainMigrate", "virDomainMigrate2", "virDomainMigrate3", "virDomainMigrateSetCompressionCache",
    "virDomainMigrateSetMaxDowntime", "virDomainMigrateSetMaxSpeed", "virDomainMigrateStartPostCopy",
    "virDomainMigrateToURI", "virDomainMigrateToURI2", "virDomainMigrateToURI3", "virDomainOpenChannel",
    "virDomainOpenConsole", "virDomainOpenGraphics", "virDomainOpenGraphicsFD", "virDomainPMSuspendForDuration",
    "virDomainPinEmulator", "virDomainPinIOThread", "virDomainPinVcpu", "virDomainPinVcpuFlags",
    "virDomainQemuAgentCommand", "virDomainQemuAttach", "virDomainQemuMonitorCommand",
    "virDomainQemuMonitorCommandWithFiles", "virDomainRestore", "virDomainRestoreFlags", "virDomainRestoreParams",
    "virDomainSave", "virDomainSaveFlags", "virDomainSaveImageDefineXML", "virDomainSaveParams",
    "virDomainScreenshot", "virDomainSendKey", "virDomainSendProcessSignal", "virDomainSetAutostartOnce",
    "virDomainSetBlkioParameters", "virDomainSetBlockIoTune", "virDomainSetBlockThreshold", "virDomainSetGuestVcpus",
    "virDomainSetIOThreadParams", "virDomainSetInterfaceParameters", "virDomainSetLaunchSecurityState",
    "virDomainSetLifecycleAction", "virDomainSetMemoryParameters", "virDomainSetNumaParameters",
    "virDomainSetPerfEvents", "virDomainSetSchedulerParameters", "virDomainSetSchedulerParametersFlags",
    "virDomainSetThrottleGroup", "virDomainSetTime", "virDomainSetUserPassword", "virDomainSetVcpu",
    "virDomainSnapshotCreateXML", "virDomainUpdateDeviceFlags", "virInterfaceChangeBegin",
    "virInterfaceChangeCommit", "virInterfaceChangeRollback", "virInterfaceDefineXML", "virNWFilterBindingCreateXML",
    "virNWFilterDefineXML", "virNWFilterDefineXMLFlags", "virNetworkCreateXML", "virNetworkCreateXMLFlags",
    "virNetworkDefineXML", "virNetworkDefineXMLFlags", "virNodeAllocPages", "virNodeDeviceCreateXML",
    "virNodeDeviceDefineXML", "virNodeSetMemoryParameters", "virNodeSuspendForDuration", "virSecretDefineXML",
    "virStoragePoolCreateXML", "virStoragePoolDefineXML",
};

static int compare(const void *name, const void *entry)
{
    return strcmp(name, *(const char *const *)entry);
}

/* What a function is about, by the names in it: libvirt's parts report errors under their own. */
static int origin(const char *function)
{
    static const struct {
        const char *beginning;
        const char *part;
        int domain;
    } parts[] = {
        { "virDomainQemu", "", VIR_FROM_NONE },
        { "virDomainLxc", "", VIR_FROM_NONE },
        { "virConnectDomainQemu", "", VIR_FROM_NONE },
        { "virDomain", "Snapshot", 35 },
        { "virDomain", "Checkpoint", 69 },
        { "virDomain", "", VIR_FROM_DOMAIN },
        { "vir", "Storage", 18 },
        { "vir", "NodeDevice", 22 },
        { "virNode", "Devices", 22 },
        { "vir", "NWFilter", 33 },
        { "vir", "Network", 19 },
        { "vir", "Interface", 26 },
        { "vir", "Secret", 30 },
        { "vir", "Stream", 38 },
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strncmp(function, parts[i].beginning, strlen(parts[i].beginning)) == 0 && strstr(function, parts[i].part))
            return parts[i].domain;
    }
    return VIR_FROM_DOMAIN;
}

static void unsupported(const char *function, void *first)
{
    static const char unknown[] = "this function is not supported by the connection driver: %s", denied[] = "operation forbidden: %s";
    char message[256], detail[128];
    if (!shim_begin(function))
        return;
    int isDenied = bsearch(function, changes, sizeof changes / sizeof *changes, sizeof *changes, compare)
                   && managed_is_read_only(first);
    const char *format = isDenied ? denied : unknown;
    (void)snprintf(detail, sizeof detail, "%s%s", isDenied ? "read only access prevents " : "", function);
    (void)snprintf(message, sizeof message, format, detail);
    shim_set_error(isDenied ? VIR_ERR_OPERATION_DENIED : VIR_ERR_NO_SUPPORT, origin(function), VIR_ERR_ERROR, message, format,
                   detail, NULL, -1, -1);
    managed_tell_error(first);
    shim_tell_waiting();
}

#define INT(name)                  \
    int name(void *first);         \
    int name(void *first)          \
    {                              \
        unsupported(#name, first); \
        return -1;                 \
    }

/* A list's failure is no list: the program frees what it is left with. */
#define LIST(name)                          \
    int name(void *first, void **list);     \
    int name(void *first, void **list)      \
    {                                       \
        if (list)                           \
            *list = NULL;                   \
        unsupported(#name, first);          \
        return -1;                          \
    }

/* The same of what belongs to something. */
#define LIST_OF(name)                                       \
    int name(void *first, const char *of, void **list);     \
    int name(void *first, const char *of, void **list)      \
    {                                                       \
        (void)of;                                           \
        if (list)                                           \
            *list = NULL;                                   \
        unsupported(#name, first);                          \
        return -1;                                          \
    }

#define POINTER(name)              \
    void *name(void *first);       \
    void *name(void *first)        \
    {                              \
        unsupported(#name, first); \
        return NULL;               \
    }

#define NOTHING(name)              \
    void name(void *first);        \
    void name(void *first)         \
    {                              \
        unsupported(#name, first); \
    }

INT(virConnectCompareCPU)
INT(virConnectCompareHypervisorCPU)
LIST(virConnectListAllInterfaces)
LIST(virConnectListAllNWFilterBindings)
LIST(virConnectListAllNWFilters)
LIST(virConnectListAllNetworks)
LIST(virConnectListAllNodeDevices)
LIST(virConnectListAllSecrets)
INT(virConnectListDefinedInterfaces)
INT(virConnectListDefinedNetworks)
INT(virConnectListDefinedStoragePools)
INT(virConnectListInterfaces)
INT(virConnectListNWFilters)
INT(virConnectListNetworks)
INT(virConnectListSecrets)
INT(virConnectListStoragePools)
INT(virConnectNetworkEventDeregisterAny)
INT(virConnectNetworkEventRegisterAny)
INT(virConnectNodeDeviceEventDeregisterAny)
INT(virConnectNodeDeviceEventRegisterAny)
INT(virConnectNumOfDefinedInterfaces)
INT(virConnectNumOfDefinedNetworks)
INT(virConnectNumOfDefinedStoragePools)
INT(virConnectNumOfInterfaces)
INT(virConnectNumOfNWFilters)
INT(virConnectNumOfNetworks)
INT(virConnectNumOfSecrets)
INT(virConnectNumOfStoragePools)
INT(virConnectSecretEventDeregisterAny)
INT(virConnectSecretEventRegisterAny)
INT(virConnectSetIdentity)
INT(virConnectStoragePoolEventDeregisterAny)
INT(virConnectStoragePoolEventRegisterAny)
INT(virDomainAbortJob)
INT(virDomainAbortJobFlags)
INT(virDomainAddIOThread)
INT(virDomainAgentSetResponseTimeout)
INT(virDomainAnnounceInterface)
INT(virDomainAttachDevice)
INT(virDomainAttachDeviceFlags)
INT(virDomainAuthorizedSSHKeysGet)
INT(virDomainAuthorizedSSHKeysSet)
INT(virDomainBackupBegin)
INT(virDomainBlockCommit)
INT(virDomainBlockCopy)
INT(virDomainBlockJobAbort)
INT(virDomainBlockJobSetSpeed)
INT(virDomainBlockPeek)
INT(virDomainBlockPull)
INT(virDomainBlockRebase)
INT(virDomainBlockResize)
INT(virDomainCheckpointDelete)
INT(virDomainCheckpointFree)
LIST(virDomainCheckpointListAllChildren)
INT(virDomainCheckpointRef)
INT(virDomainCoreDump)
INT(virDomainCoreDumpWithFormat)
INT(virDomainCreateWithFiles)
INT(virDomainDelIOThread)
INT(virDomainDelThrottleGroup)
INT(virDomainDetachDevice)
INT(virDomainDetachDeviceAlias)
INT(virDomainDetachDeviceFlags)
INT(virDomainFDAssociate)
INT(virDomainFSFreeze)
INT(virDomainFSThaw)
INT(virDomainFSTrim)
INT(virDomainGetAutostartOnce)
INT(virDomainGetBlkioParameters)
INT(virDomainGetBlockIoTune)
INT(virDomainGetBlockJobInfo)
INT(virDomainGetDiskErrors)
INT(virDomainGetEmulatorPinInfo)
LIST(virDomainGetFSInfo)
INT(virDomainGetGuestInfo)
INT(virDomainGetGuestVcpus)
LIST(virDomainGetIOThreadInfo)
INT(virDomainGetInterfaceParameters)
INT(virDomainGetLaunchSecurityInfo)
INT(virDomainGetPerfEvents)
INT(virDomainGetSecurityLabelList)
INT(virDomainGetTime)
INT(virDomainGraphicsReload)
INT(virDomainHasCurrentSnapshot)
INT(virDomainInjectNMI)
LIST(virDomainInterfaceAddresses)
LIST(virDomainListAllCheckpoints)
LIST(virDomainListAllSnapshots)
INT(virDomainManagedSaveDefineXML)
INT(virDomainMemoryPeek)
INT(virDomainMigrateGetCompressionCache)
INT(virDomainMigrateGetMaxDowntime)
INT(virDomainMigrateGetMaxSpeed)
INT(virDomainMigrateSetCompressionCache)
INT(virDomainMigrateSetMaxDowntime)
INT(virDomainMigrateSetMaxSpeed)
INT(virDomainMigrateStartPostCopy)
INT(virDomainMigrateToURI)
INT(virDomainMigrateToURI2)
INT(virDomainMigrateToURI3)
INT(virDomainOpenChannel)
INT(virDomainOpenConsole)
INT(virDomainOpenGraphics)
INT(virDomainOpenGraphicsFD)
INT(virDomainPMSuspendForDuration)
INT(virDomainPinEmulator)
INT(virDomainPinIOThread)
INT(virDomainPinVcpu)
INT(virDomainPinVcpuFlags)
INT(virDomainRestore)
INT(virDomainRestoreFlags)
INT(virDomainRestoreParams)
INT(virDomainRevertToSnapshot)
INT(virDomainSave)
INT(virDomainSaveFlags)
INT(virDomainSaveImageDefineXML)
INT(virDomainSaveParams)
INT(virDomainSendKey)
INT(virDomainSendProcessSignal)
INT(virDomainSetAutostartOnce)
INT(virDomainSetBlkioParameters)
INT(virDomainSetBlockIoTune)
INT(virDomainSetBlockThreshold)
INT(virDomainSetGuestVcpus)
INT(virDomainSetIOThreadParams)
INT(virDomainSetInterfaceParameters)
INT(virDomainSetLaunchSecurityState)
INT(virDomainSetLifecycleAction)
INT(virDomainSetMemoryParameters)
INT(virDomainSetNumaParameters)
INT(virDomainSetPerfEvents)
INT(virDomainSetSchedulerParameters)
INT(virDomainSetSchedulerParametersFlags)
INT(virDomainSetThrottleGroup)
INT(virDomainSetTime)
INT(virDomainSetUserPassword)
INT(virDomainSetVcpu)
INT(virDomainSnapshotDelete)
INT(virDomainSnapshotFree)
INT(virDomainSnapshotHasMetadata)
INT(virDomainSnapshotIsCurrent)
LIST(virDomainSnapshotListAllChildren)
INT(virDomainSnapshotListChildrenNames)
INT(virDomainSnapshotListNames)
INT(virDomainSnapshotNum)
INT(virDomainSnapshotNumChildren)
INT(virDomainSnapshotRef)
INT(virDomainUpdateDeviceFlags)
INT(virInterfaceChangeBegin)
INT(virInterfaceChangeCommit)
INT(virInterfaceChangeRollback)
INT(virInterfaceCreate)
INT(virInterfaceDestroy)
INT(virInterfaceFree)
INT(virInterfaceIsActive)
INT(virInterfaceRef)
INT(virInterfaceUndefine)
INT(virNWFilterBindingDelete)
INT(virNWFilterBindingFree)
INT(virNWFilterBindingRef)
INT(virNWFilterFree)
INT(virNWFilterGetUUID)
INT(virNWFilterGetUUIDString)
INT(virNWFilterRef)
INT(virNWFilterUndefine)
INT(virNetworkCreate)
INT(virNetworkDestroy)
INT(virNetworkFree)
INT(virNetworkGetAutostart)
LIST_OF(virNetworkGetDHCPLeases)
INT(virNetworkGetUUID)
INT(virNetworkGetUUIDString)
INT(virNetworkIsActive)
INT(virNetworkIsPersistent)
LIST(virNetworkListAllPorts)
INT(virNetworkPortDelete)
INT(virNetworkPortFree)
INT(virNetworkPortGetParameters)
INT(virNetworkPortGetUUID)
INT(virNetworkPortGetUUIDString)
INT(virNetworkPortRef)
INT(virNetworkPortSetParameters)
INT(virNetworkRef)
INT(virNetworkSetAutostart)
INT(virNetworkSetMetadata)
INT(virNetworkUndefine)
INT(virNetworkUpdate)
INT(virNodeAllocPages)
INT(virNodeDeviceCreate)
INT(virNodeDeviceDestroy)
INT(virNodeDeviceDetachFlags)
INT(virNodeDeviceDettach)
INT(virNodeDeviceFree)
INT(virNodeDeviceGetAutostart)
INT(virNodeDeviceIsActive)
INT(virNodeDeviceIsPersistent)
INT(virNodeDeviceListCaps)
INT(virNodeDeviceNumOfCaps)
INT(virNodeDeviceReAttach)
INT(virNodeDeviceRef)
INT(virNodeDeviceReset)
INT(virNodeDeviceSetAutostart)
INT(virNodeDeviceUndefine)
INT(virNodeDeviceUpdate)
INT(virNodeGetMemoryParameters)
INT(virNodeGetSEVInfo)
INT(virNodeListDevices)
INT(virNodeNumOfDevices)
INT(virNodeSetMemoryParameters)
INT(virNodeSuspendForDuration)
INT(virSecretFree)
INT(virSecretGetUUID)
INT(virSecretGetUUIDString)
INT(virSecretGetUsageType)
INT(virSecretRef)
INT(virSecretSetValue)
INT(virSecretUndefine)
INT(virStoragePoolBuild)
INT(virStoragePoolCreate)
INT(virStoragePoolDelete)
INT(virStoragePoolDestroy)
INT(virStoragePoolFree)
INT(virStoragePoolGetAutostart)
INT(virStoragePoolGetInfo)
INT(virStoragePoolGetUUID)
INT(virStoragePoolGetUUIDString)
INT(virStoragePoolIsActive)
INT(virStoragePoolIsPersistent)
LIST(virStoragePoolListAllVolumes)
INT(virStoragePoolListVolumes)
INT(virStoragePoolNumOfVolumes)
INT(virStoragePoolRef)
INT(virStoragePoolRefresh)
INT(virStoragePoolSetAutostart)
INT(virStoragePoolUndefine)
INT(virStorageVolDelete)
INT(virStorageVolDownload)
INT(virStorageVolFree)
INT(virStorageVolGetInfo)
INT(virStorageVolGetInfoFlags)
INT(virStorageVolRef)
INT(virStorageVolResize)
INT(virStorageVolUpload)
INT(virStorageVolWipe)
INT(virStorageVolWipePattern)
INT(virStreamAbort)
INT(virStreamEventAddCallback)
INT(virStreamEventRemoveCallback)
INT(virStreamEventUpdateCallback)
INT(virStreamFinish)
INT(virStreamFree)
INT(virStreamRecv)
INT(virStreamRecvAll)
INT(virStreamRecvFlags)
INT(virStreamRecvHole)
INT(virStreamRef)
INT(virStreamSend)
INT(virStreamSendAll)
INT(virStreamSendHole)
INT(virStreamSparseRecvAll)
INT(virStreamSparseSendAll)

POINTER(virConnectBaselineCPU)
POINTER(virConnectBaselineHypervisorCPU)
POINTER(virConnectDomainXMLFromNative)
POINTER(virConnectDomainXMLToNative)
POINTER(virConnectFindStoragePoolSources)
POINTER(virConnectGetDomainCapabilities)
POINTER(virConnectGetStoragePoolCapabilities)
POINTER(virDomainBackupGetXMLDesc)
POINTER(virDomainCheckpointCreateXML)
POINTER(virDomainCheckpointGetConnect)
POINTER(virDomainCheckpointGetDomain)
POINTER(virDomainCheckpointGetName)
POINTER(virDomainCheckpointGetParent)
POINTER(virDomainCheckpointGetXMLDesc)
POINTER(virDomainCheckpointLookupByName)
POINTER(virDomainCreateXMLWithFiles)
POINTER(virDomainGetHostname)
POINTER(virDomainManagedSaveGetXMLDesc)
POINTER(virDomainMigrate)
POINTER(virDomainMigrate2)
POINTER(virDomainMigrate3)
POINTER(virDomainSaveImageGetXMLDesc)
POINTER(virDomainScreenshot)
POINTER(virDomainSnapshotCreateXML)
POINTER(virDomainSnapshotCurrent)
POINTER(virDomainSnapshotGetConnect)
POINTER(virDomainSnapshotGetDomain)
POINTER(virDomainSnapshotGetName)
POINTER(virDomainSnapshotGetParent)
POINTER(virDomainSnapshotGetXMLDesc)
POINTER(virDomainSnapshotLookupByName)
POINTER(virInterfaceDefineXML)
POINTER(virInterfaceGetConnect)
POINTER(virInterfaceGetMACString)
POINTER(virInterfaceGetName)
POINTER(virInterfaceGetXMLDesc)
POINTER(virInterfaceLookupByMACString)
POINTER(virInterfaceLookupByName)
POINTER(virNWFilterBindingCreateXML)
POINTER(virNWFilterBindingGetFilterName)
POINTER(virNWFilterBindingGetPortDev)
POINTER(virNWFilterBindingGetXMLDesc)
POINTER(virNWFilterBindingLookupByPortDev)
POINTER(virNWFilterDefineXML)
POINTER(virNWFilterDefineXMLFlags)
POINTER(virNWFilterGetName)
POINTER(virNWFilterGetXMLDesc)
POINTER(virNWFilterLookupByName)
POINTER(virNWFilterLookupByUUID)
POINTER(virNWFilterLookupByUUIDString)
POINTER(virNetworkCreateXML)
POINTER(virNetworkCreateXMLFlags)
POINTER(virNetworkDefineXML)
POINTER(virNetworkDefineXMLFlags)
POINTER(virNetworkGetBridgeName)
POINTER(virNetworkGetConnect)
POINTER(virNetworkGetMetadata)
POINTER(virNetworkGetName)
POINTER(virNetworkGetXMLDesc)
POINTER(virNetworkLookupByName)
POINTER(virNetworkLookupByUUID)
POINTER(virNetworkLookupByUUIDString)
POINTER(virNetworkPortCreateXML)
POINTER(virNetworkPortGetNetwork)
POINTER(virNetworkPortGetXMLDesc)
POINTER(virNetworkPortLookupByUUID)
POINTER(virNetworkPortLookupByUUIDString)
POINTER(virNodeDeviceCreateXML)
POINTER(virNodeDeviceDefineXML)
POINTER(virNodeDeviceGetName)
POINTER(virNodeDeviceGetParent)
POINTER(virNodeDeviceGetXMLDesc)
POINTER(virNodeDeviceLookupByName)
POINTER(virNodeDeviceLookupSCSIHostByWWN)
POINTER(virSecretDefineXML)
POINTER(virSecretGetConnect)
POINTER(virSecretGetUsageID)
POINTER(virSecretGetValue)
POINTER(virSecretGetXMLDesc)
POINTER(virSecretLookupByUUID)
POINTER(virSecretLookupByUUIDString)
POINTER(virSecretLookupByUsage)
POINTER(virStoragePoolCreateXML)
POINTER(virStoragePoolDefineXML)
POINTER(virStoragePoolGetConnect)
POINTER(virStoragePoolGetName)
POINTER(virStoragePoolGetXMLDesc)
POINTER(virStoragePoolLookupByName)
POINTER(virStoragePoolLookupByTargetPath)
POINTER(virStoragePoolLookupByUUID)
POINTER(virStoragePoolLookupByUUIDString)
POINTER(virStoragePoolLookupByVolume)
POINTER(virStorageVolCreateXML)
POINTER(virStorageVolCreateXMLFrom)
POINTER(virStorageVolGetConnect)
POINTER(virStorageVolGetKey)
POINTER(virStorageVolGetName)
POINTER(virStorageVolGetPath)
POINTER(virStorageVolGetXMLDesc)
POINTER(virStorageVolLookupByKey)
POINTER(virStorageVolLookupByName)
POINTER(virStorageVolLookupByPath)
POINTER(virStreamNew)

NOTHING(virDomainFSInfoFree)
NOTHING(virDomainIOThreadInfoFree)
NOTHING(virDomainInterfaceFree)
NOTHING(virNetworkDHCPLeaseFree)

/* Of libvirt-qemu.so.0 and libvirt-lxc.so.0, which some bindings link beside libvirt.so.0. */
INT(virConnectDomainQemuMonitorEventDeregister)
INT(virConnectDomainQemuMonitorEventRegister)
INT(virDomainLxcEnterCGroup)
INT(virDomainLxcEnterNamespace)
INT(virDomainLxcEnterSecurityLabel)
INT(virDomainLxcOpenNamespace)
INT(virDomainQemuMonitorCommand)
INT(virDomainQemuMonitorCommandWithFiles)
POINTER(virDomainQemuAgentCommand)
POINTER(virDomainQemuAttach)
