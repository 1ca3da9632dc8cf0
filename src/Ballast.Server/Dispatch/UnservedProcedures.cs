using System.Collections.Frozen;
using System.Globalization;
using Ballast.Rpc;

namespace Ballast.Server.Dispatch;

/// <summary>
/// libvirt's procedures that are not served. libvirt's daemon knows them all, and what its drivers lack it refuses by the name of
/// the function: clients go on then, while they take "unknown procedure" for the end of a daemon.
/// </summary>
internal static class UnservedProcedures
{
    /// <summary>Number and function of each; those with a mark in front change something.</summary>
    private const string Table =
        """
        !8=virDomainAttachDevice !13=virDomainDetachDevice
        !26=virDomainPinVcpu
        36=virConnectListDefinedNetworks 38=virConnectListNetworks !39=virNetworkCreate !40=virNetworkCreateXML
        !41=virNetworkDefineXML !42=virNetworkDestroy 43=virNetworkGetXMLDesc 44=virNetworkGetAutostart
        45=virNetworkGetBridgeName 46=virNetworkLookupByName 47=virNetworkLookupByUUID !48=virNetworkSetAutostart
        !49=virNetworkUndefine 50=virConnectNumOfDefinedNetworks 52=virConnectNumOfNetworks !53=virDomainCoreDump
        !54=virDomainRestore !55=virDomainSave !58=virDomainSetSchedulerParameters
        71=virConnectNumOfStoragePools 72=virConnectListStoragePools 73=virConnectNumOfDefinedStoragePools
        74=virConnectListDefinedStoragePools 75=virConnectFindStoragePoolSources !76=virStoragePoolCreateXML
        !77=virStoragePoolDefineXML !78=virStoragePoolCreate !79=virStoragePoolBuild !80=virStoragePoolDestroy
        !81=virStoragePoolDelete !82=virStoragePoolUndefine !83=virStoragePoolRefresh 84=virStoragePoolLookupByName
        85=virStoragePoolLookupByUUID 86=virStoragePoolLookupByVolume 87=virStoragePoolGetInfo 88=virStoragePoolGetXMLDesc
        89=virStoragePoolGetAutostart !90=virStoragePoolSetAutostart 91=virStoragePoolNumOfVolumes
        92=virStoragePoolListVolumes !93=virStorageVolCreateXML !94=virStorageVolDelete 95=virStorageVolLookupByName
        96=virStorageVolLookupByKey 97=virStorageVolLookupByPath 98=virStorageVolGetInfo 99=virStorageVolGetXMLDesc
        100=virStorageVolGetPath !103=virDomainBlockPeek !104=virDomainMemoryPeek 111=virNodeNumOfDevices
        112=virNodeListDevices 113=virNodeDeviceLookupByName 114=virNodeDeviceGetXMLDesc 115=virNodeDeviceGetParent
        116=virNodeDeviceNumOfCaps 117=virNodeDeviceListCaps !118=virNodeDeviceDettach !119=virNodeDeviceReAttach
        !120=virNodeDeviceReset 121=virDomainGetSecurityLabel 122=virNodeGetSecurityModel !123=virNodeDeviceCreateXML
        !124=virNodeDeviceDestroy !125=virStorageVolCreateXMLFrom 126=virConnectNumOfInterfaces 127=virConnectListInterfaces
        128=virInterfaceLookupByName 129=virInterfaceLookupByMACString 130=virInterfaceGetXMLDesc !131=virInterfaceDefineXML
        !132=virInterfaceUndefine !133=virInterfaceCreate !134=virInterfaceDestroy !135=virConnectDomainXMLFromNative
        !136=virConnectDomainXMLToNative 137=virConnectNumOfDefinedInterfaces 138=virConnectListDefinedInterfaces
        139=virConnectNumOfSecrets 140=virConnectListSecrets 141=virSecretLookupByUUID !142=virSecretDefineXML
        143=virSecretGetXMLDesc !144=virSecretSetValue !145=virSecretGetValue !146=virSecretUndefine
        147=virSecretLookupByUsage 152=virNetworkIsActive 153=virNetworkIsPersistent 154=virStoragePoolIsActive
        155=virStoragePoolIsPersistent 156=virInterfaceIsActive 158=virConnectCompareCPU !160=virDomainAttachDeviceFlags
        !161=virDomainDetachDeviceFlags 162=virConnectBaselineCPU !164=virDomainAbortJob !165=virStorageVolWipe
        !166=virDomainMigrateSetMaxDowntime !174=virDomainUpdateDeviceFlags 175=virNWFilterLookupByName
        176=virNWFilterLookupByUUID 177=virNWFilterGetXMLDesc 178=virConnectNumOfNWFilters 179=virConnectListNWFilters
        !180=virNWFilterDefineXML !181=virNWFilterUndefine
        !185=virDomainSnapshotCreateXML 186=virDomainSnapshotGetXMLDesc 187=virDomainSnapshotNum
        188=virDomainSnapshotListNames 189=virDomainSnapshotLookupByName 190=virDomainHasCurrentSnapshot
        191=virDomainSnapshotCurrent !192=virDomainRevertToSnapshot !193=virDomainSnapshotDelete
        !197=virDomainSetMemoryParameters !201=virDomainOpenConsole
        !205=virDomainSetBlkioParameters 206=virDomainGetBlkioParameters !207=virDomainMigrateSetMaxSpeed
        !208=virStorageVolUpload !209=virStorageVolDownload !210=virDomainInjectNMI !211=virDomainScreenshot
        !219=virDomainSetSchedulerParametersFlags !220=virInterfaceChangeBegin !221=virInterfaceChangeCommit
        !222=virInterfaceChangeRollback !225=virDomainPinVcpuFlags !226=virDomainSendKey
        !232=virDomainSaveFlags !233=virDomainRestoreFlags 235=virDomainSaveImageGetXMLDesc !236=virDomainSaveImageDefineXML
        !237=virDomainBlockJobAbort 238=virDomainGetBlockJobInfo !239=virDomainBlockJobSetSpeed !240=virDomainBlockPull
        242=virDomainMigrateGetMaxSpeed 244=virDomainSnapshotGetParent 246=virDomainSnapshotNumChildren
        247=virDomainSnapshotListChildrenNames !249=virDomainOpenGraphics !250=virNodeSuspendForDuration
        !251=virDomainBlockResize !252=virDomainSetBlockIoTune 253=virDomainGetBlockIoTune !254=virDomainSetNumaParameters
        !256=virDomainSetInterfaceParameters 257=virDomainGetInterfaceParameters !259=virStorageVolWipePattern
        !260=virStorageVolResize !261=virDomainPMSuspendForDuration 263=virDomainGetDiskErrors
        !266=virDomainBlockRebase 271=virDomainSnapshotIsCurrent 272=virDomainSnapshotHasMetadata
        274=virDomainListAllSnapshots 275=virDomainSnapshotListAllChildren !277=virDomainGetHostname
        278=virDomainGetSecurityLabelList !279=virDomainPinEmulator 280=virDomainGetEmulatorPinInfo
        282=virStoragePoolListAllVolumes 283=virConnectListAllNetworks 284=virConnectListAllInterfaces
        285=virConnectListAllNodeDevices 286=virConnectListAllNWFilters 287=virConnectListAllSecrets
        !288=virNodeSetMemoryParameters 289=virNodeGetMemoryParameters !290=virDomainBlockCommit !291=virNetworkUpdate
        !294=virDomainFSTrim !295=virDomainSendProcessSignal !296=virDomainOpenChannel 297=virNodeDeviceLookupSCSIHostByWWN
        299=virDomainMigrateGetCompressionCache !300=virDomainMigrateSetCompressionCache !301=virNodeDeviceDetachFlags
        !309=virDomainCreateXMLWithFiles !310=virDomainCreateWithFiles 313=virConnectNetworkEventRegisterAny
        314=virConnectNetworkEventDeregisterAny !334=virDomainCoreDumpWithFormat !335=virDomainFSFreeze !336=virDomainFSThaw
        !337=virDomainGetTime !338=virDomainSetTime 341=virNetworkGetDHCPLeases !342=virConnectGetDomainCapabilities
        !343=virDomainOpenGraphicsFD !345=virDomainBlockCopy !347=virNodeAllocPages !349=virDomainGetFSInfo
        351=virDomainGetIOThreadInfo !352=virDomainPinIOThread 353=virDomainInterfaceAddresses
        !355=virDomainAddIOThread !356=virDomainDelIOThread !357=virDomainSetUserPassword
        !364=virDomainMigrateStartPostCopy 365=virDomainGetPerfEvents !366=virDomainSetPerfEvents
        368=virConnectStoragePoolEventRegisterAny 369=virConnectStoragePoolEventDeregisterAny !371=virDomainGetGuestVcpus
        !372=virDomainSetGuestVcpus 374=virConnectNodeDeviceEventRegisterAny 375=virConnectNodeDeviceEventDeregisterAny
        378=virStorageVolGetInfoFlags 380=virConnectSecretEventRegisterAny 381=virConnectSecretEventDeregisterAny
        !384=virDomainSetVcpu !386=virDomainSetBlockThreshold 387=virDomainMigrateGetMaxDowntime
        388=virDomainManagedSaveGetXMLDesc !389=virDomainManagedSaveDefineXML !390=virDomainSetLifecycleAction
        391=virStoragePoolLookupByTargetPath !392=virDomainDetachDeviceAlias 393=virConnectCompareHypervisorCPU
        394=virConnectBaselineHypervisorCPU 395=virNodeGetSEVInfo 396=virDomainGetLaunchSecurityInfo
        397=virNWFilterBindingLookupByPortDev 398=virNWFilterBindingGetXMLDesc !399=virNWFilterBindingCreateXML
        !400=virNWFilterBindingDelete 401=virConnectListAllNWFilterBindings !402=virDomainSetIOThreadParams
        403=virConnectGetStoragePoolCapabilities 404=virNetworkListAllPorts 405=virNetworkPortLookupByUUID
        !406=virNetworkPortCreateXML 407=virNetworkPortGetParameters !408=virNetworkPortSetParameters
        409=virNetworkPortGetXMLDesc !410=virNetworkPortDelete !411=virDomainCheckpointCreateXML
        412=virDomainCheckpointGetXMLDesc 413=virDomainListAllCheckpoints 414=virDomainCheckpointListAllChildren
        415=virDomainCheckpointLookupByName 416=virDomainCheckpointGetParent !417=virDomainCheckpointDelete
        !418=virDomainGetGuestInfo 419=virConnectSetIdentity !420=virDomainAgentSetResponseTimeout !421=virDomainBackupBegin
        422=virDomainBackupGetXMLDesc !424=virDomainAuthorizedSSHKeysGet !425=virDomainAuthorizedSSHKeysSet
        !428=virNodeDeviceDefineXML !429=virNodeDeviceUndefine !430=virNodeDeviceCreate !431=virNWFilterDefineXMLFlags
        !432=virNetworkDefineXMLFlags 433=virNodeDeviceGetAutostart !434=virNodeDeviceSetAutostart
        435=virNodeDeviceIsPersistent 436=virNodeDeviceIsActive !437=virNetworkCreateXMLFlags
        !439=virDomainSetLaunchSecurityState !440=virDomainSaveParams !441=virDomainRestoreParams !442=virDomainAbortJobFlags
        !443=virDomainFDAssociate !444=virNetworkSetMetadata 445=virNetworkGetMetadata !447=virNodeDeviceUpdate
        !448=virDomainGraphicsReload 449=virDomainGetAutostartOnce !450=virDomainSetAutostartOnce
        !451=virDomainSetThrottleGroup !452=virDomainDelThrottleGroup !456=virDomainAnnounceInterface
        """;

    /// <summary>The same of libvirt's programs of one hypervisor each; all change something.</summary>
    private static readonly Dictionary<(uint Program, int Procedure), string> OfHypervisors = new()
    {
        [(RpcPrograms.Qemu, 1)] = "virDomainQemuMonitorCommand",
        [(RpcPrograms.Qemu, 2)] = "virDomainQemuAttach",
        [(RpcPrograms.Qemu, 3)] = "virDomainQemuAgentCommand",
        [(RpcPrograms.Qemu, 4)] = "virConnectDomainQemuMonitorEventRegister",
        [(RpcPrograms.Qemu, 5)] = "virConnectDomainQemuMonitorEventDeregister",
        [(RpcPrograms.Qemu, 7)] = "virDomainQemuMonitorCommandWithFiles",
        [(RpcPrograms.Lxc, 1)] = "virDomainLxcOpenNamespace",
    };

    private static readonly (string Part, ErrorOrigin Origin)[] Origins =
    [
        ("virDomainSnapshot", (ErrorOrigin)35), ("virDomainCheckpoint", (ErrorOrigin)69), ("virDomain", ErrorOrigin.Domain), ("Storage", (ErrorOrigin)18),
        ("NodeDevice", (ErrorOrigin)22), ("virNodeListDevices", (ErrorOrigin)22), ("virNodeNumOfDevices", (ErrorOrigin)22), ("NWFilter", (ErrorOrigin)33),
        ("Network", (ErrorOrigin)19), ("Interface", (ErrorOrigin)26), ("Secret", (ErrorOrigin)30),
    ];

    private static readonly FrozenDictionary<int, (string Function, bool Changes)> All = Table
        .Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)
        .Select(entry => entry.TrimStart('!').Split('=') is [var number, var function]
            ? (Number: int.Parse(number, CultureInfo.InvariantCulture), Function: function, Changes: entry[0] == '!')
            : throw new InvalidOperationException(entry))
        .ToFrozenDictionary(entry => entry.Number, entry => (entry.Function, entry.Changes));

    /// <summary>For tests that compare the names with the C library's.</summary>
    public static IEnumerable<(int Number, string Function, bool Changes)> Known => All.Select(pair => (pair.Key, pair.Value.Function, pair.Value.Changes));

    /// <summary>The same of libvirt's programs of one hypervisor each.</summary>
    public static IEnumerable<(uint Program, int Procedure, string Function)> KnownOfHypervisors =>
        OfHypervisors.Select(pair => (pair.Key.Program, pair.Key.Procedure, pair.Value));

    /// <summary>Why a client's call is refused.</summary>
    /// <param name="session">The client's.</param>
    /// <param name="program">libvirt's program that it called.</param>
    /// <param name="procedure">What it called in it, which no handler serves.</param>
    public static LibvirtException Refuse(RemoteSession session, uint program, int procedure)
    {
        (string Function, bool Changes) known;
        if (program == RpcPrograms.Remote ? !All.TryGetValue(procedure, out known) : !TryFind(program, procedure, out known))
            return RpcErrors.UnknownProcedure(procedure);
        if (!session.IsOpen)
            return RpcErrors.Internal("hypervisor connection not open");
        ErrorOrigin origin = program != RpcPrograms.Remote
            ? ErrorOrigin.None
            : Origins.Where(pair => known.Function.Contains(pair.Part, StringComparison.Ordinal)).Select(pair => pair.Origin).FirstOrDefault(ErrorOrigin.Domain);
        return known.Changes && session.Connection.IsReadOnly
            ? LibvirtError.Report(ErrorCode.OperationDenied, origin, $"read only access prevents {known.Function}")
            : LibvirtError.Report(ErrorCode.NoSupport, origin, known.Function);
    }

    private static bool TryFind(uint program, int procedure, out (string Function, bool Changes) known)
    {
        bool isKnown = OfHypervisors.TryGetValue((program, procedure), out string? function);
        known = (function ?? "", true);
        return isKnown;
    }
}
