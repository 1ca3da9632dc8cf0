/*
 * The functions that the library has: each passes the guard, and is managed code's from there on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <stddef.h>

#define FORWARD_AFTER(guard, type, failure, name, parameters, arguments) \
    extern type managed_##name parameters;                               \
    type name parameters                                                 \
    {                                                                    \
        type result = guard(#name) ? managed_##name arguments : failure; \
        shim_tell_waiting();                                             \
        return result;                                                   \
    }

#define FORWARD(type, failure, name, parameters, arguments) \
    FORWARD_AFTER(shim_begin, type, failure, name, parameters, arguments)

/* What frees, what tells of errors and what has words for numbers leaves the last error as it was. */
#define FORWARD_QUIET(type, failure, name, parameters, arguments) \
    FORWARD_AFTER(shim_allows, type, failure, name, parameters, arguments)

/* A list's failure is no list, even where managed code is not reached: the program frees what it is left with. */
#define FORWARD_LIST(list, name, parameters, arguments)     \
    extern int managed_##name parameters;                   \
    int name parameters                                     \
    {                                                       \
        if (list)                                           \
            *list = NULL;                                   \
        int result = shim_begin(#name) ? managed_##name arguments : -1; \
        shim_tell_waiting();                                \
        return result;                                      \
    }

#define FORWARD_VOID(name, parameters, arguments) \
    extern void managed_##name parameters;        \
    void name parameters                          \
    {                                             \
        if (shim_allows(#name))                   \
            managed_##name arguments;             \
        shim_tell_waiting();                      \
    }

/* connections */
FORWARD(int, -1, virInitialize, (void), ())
FORWARD(int, -1, virGetVersion, (unsigned long *libVer, const char *type, unsigned long *typeVer), (libVer, type,
        typeVer))
FORWARD(virConnectPtr, NULL, virConnectOpen, (const char *name), (name))
FORWARD(virConnectPtr, NULL, virConnectOpenReadOnly, (const char *name), (name))
FORWARD(virConnectPtr, NULL, virConnectOpenAuth, (const char *name, virConnectAuthPtr auth, unsigned int flags),
        (name, auth, flags))
FORWARD(int, -1, virConnectClose, (virConnectPtr conn), (conn))
FORWARD(int, -1, virConnectRef, (virConnectPtr conn), (conn))
FORWARD(const char *, NULL, virConnectGetType, (virConnectPtr conn), (conn))
FORWARD(int, -1, virConnectGetVersion, (virConnectPtr conn, unsigned long *hvVer), (conn, hvVer))
FORWARD(int, -1, virConnectGetLibVersion, (virConnectPtr conn, unsigned long *libVer), (conn, libVer))
FORWARD(char *, NULL, virConnectGetHostname, (virConnectPtr conn), (conn))
FORWARD(char *, NULL, virConnectGetURI, (virConnectPtr conn), (conn))
FORWARD(char *, NULL, virConnectGetSysinfo, (virConnectPtr conn, unsigned int flags), (conn, flags))
FORWARD(int, -1, virConnectGetMaxVcpus, (virConnectPtr conn, const char *type), (conn, type))
FORWARD(char *, NULL, virConnectGetCapabilities, (virConnectPtr conn), (conn))
FORWARD(int, -1, virConnectIsEncrypted, (virConnectPtr conn), (conn))
FORWARD(int, -1, virConnectIsSecure, (virConnectPtr conn), (conn))
FORWARD(int, -1, virConnectIsAlive, (virConnectPtr conn), (conn))
FORWARD(int, -1, virConnectSetKeepAlive, (virConnectPtr conn, int interval, unsigned int count), (conn, interval,
        count))
FORWARD(int, -1, virConnectRegisterCloseCallback, (virConnectPtr conn, virConnectCloseFunc cb, void *opaque,
        virFreeCallback freecb), (conn, cb, opaque, freecb))
FORWARD(int, -1, virConnectUnregisterCloseCallback, (virConnectPtr conn, virConnectCloseFunc cb), (conn, cb))

/* the host */
FORWARD(int, -1, virNodeGetInfo, (virConnectPtr conn, virNodeInfoPtr info), (conn, info))
FORWARD(unsigned long long, 0, virNodeGetFreeMemory, (virConnectPtr conn), (conn))
FORWARD(int, -1, virNodeGetCellsFreeMemory, (virConnectPtr conn, unsigned long long *freeMems, int startCell, int
        maxCells), (conn, freeMems, startCell, maxCells))
FORWARD(int, -1, virNodeGetMemoryStats, (virConnectPtr conn, int cellNum, virNodeMemoryStatsPtr params, int *nparams,
        unsigned int flags), (conn, cellNum, params, nparams, flags))
FORWARD(int, -1, virNodeGetCPUStats, (virConnectPtr conn, int cpuNum, virNodeCPUStatsPtr params, int *nparams,
        unsigned int flags), (conn, cpuNum, params, nparams, flags))
FORWARD(int, -1, virNodeGetCPUMap, (virConnectPtr conn, unsigned char **cpumap, unsigned int *online, unsigned int
        flags), (conn, cpumap, online, flags))
FORWARD(int, -1, virNodeGetSecurityModel, (virConnectPtr conn, virSecurityModelPtr secmodel), (conn, secmodel))

/* finding domains */
FORWARD(int, -1, virConnectNumOfDomains, (virConnectPtr conn), (conn))
FORWARD(int, -1, virConnectListDomains, (virConnectPtr conn, int *ids, int maxids), (conn, ids, maxids))
FORWARD(int, -1, virConnectNumOfDefinedDomains, (virConnectPtr conn), (conn))
FORWARD(int, -1, virConnectListDefinedDomains, (virConnectPtr conn, char **const names, int maxnames), (conn, names,
        maxnames))
FORWARD_LIST(domains, virConnectListAllDomains, (virConnectPtr conn, virDomainPtr **domains, unsigned int flags), (conn,
        domains, flags))
FORWARD(virDomainPtr, NULL, virDomainLookupByID, (virConnectPtr conn, int id), (conn, id))
FORWARD(virDomainPtr, NULL, virDomainLookupByName, (virConnectPtr conn, const char *name), (conn, name))
FORWARD(virDomainPtr, NULL, virDomainLookupByUUID, (virConnectPtr conn, const unsigned char *uuid), (conn, uuid))
FORWARD(virDomainPtr, NULL, virDomainLookupByUUIDString, (virConnectPtr conn, const char *uuid), (conn, uuid))

/* domains */
FORWARD(int, -1, virDomainRef, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainFree, (virDomainPtr domain), (domain))
FORWARD(const char *, NULL, virDomainGetName, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainGetUUID, (virDomainPtr domain, unsigned char *uuid), (domain, uuid))
FORWARD(int, -1, virDomainGetUUIDString, (virDomainPtr domain, char *buf), (domain, buf))
FORWARD(unsigned int, (unsigned int)-1, virDomainGetID, (virDomainPtr domain), (domain))
FORWARD(virConnectPtr, NULL, virDomainGetConnect, (virDomainPtr domain), (domain))
FORWARD(char *, NULL, virDomainGetOSType, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainGetInfo, (virDomainPtr domain, virDomainInfoPtr info), (domain, info))
FORWARD(int, -1, virDomainGetState, (virDomainPtr domain, int *state, int *reason, unsigned int flags), (domain,
        state, reason, flags))
FORWARD(unsigned long, 0, virDomainGetMaxMemory, (virDomainPtr domain), (domain))
FORWARD(char *, NULL, virDomainGetXMLDesc, (virDomainPtr domain, unsigned int flags), (domain, flags))
FORWARD(int, -1, virDomainIsActive, (virDomainPtr dom), (dom))
FORWARD(int, -1, virDomainIsPersistent, (virDomainPtr dom), (dom))
FORWARD(int, -1, virDomainIsUpdated, (virDomainPtr dom), (dom))
FORWARD(int, -1, virDomainGetAutostart, (virDomainPtr domain, int *autostart), (domain, autostart))
FORWARD(int, -1, virDomainHasManagedSaveImage, (virDomainPtr dom, unsigned int flags), (dom, flags))
FORWARD(int, -1, virDomainGetMessages, (virDomainPtr domain, char ***msgs, unsigned int flags), (domain, msgs, flags))
FORWARD(int, -1, virDomainGetSecurityLabel, (virDomainPtr domain, virSecurityLabelPtr seclabel), (domain, seclabel))

/* processors, and what the host allows a domain */
FORWARD(int, -1, virDomainGetVcpus, (virDomainPtr domain, virVcpuInfoPtr info, int maxinfo, unsigned char *cpumaps, int
        maplen), (domain, info, maxinfo, cpumaps, maplen))
FORWARD(int, -1, virDomainGetVcpuPinInfo, (virDomainPtr domain, int ncpumaps, unsigned char *cpumaps, int maplen,
        unsigned int flags), (domain, ncpumaps, cpumaps, maplen, flags))
FORWARD(int, -1, virDomainGetMaxVcpus, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainGetVcpusFlags, (virDomainPtr domain, unsigned int flags), (domain, flags))
FORWARD(int, -1, virDomainGetMemoryParameters, (virDomainPtr domain, virTypedParameterPtr params, int *nparams,
        unsigned int flags), (domain, params, nparams, flags))
FORWARD(int, -1, virDomainGetNumaParameters, (virDomainPtr domain, virTypedParameterPtr params, int *nparams,
        unsigned int flags), (domain, params, nparams, flags))
FORWARD(char *, NULL, virDomainGetSchedulerType, (virDomainPtr domain, int *nparams), (domain, nparams))
FORWARD(int, -1, virDomainGetSchedulerParameters, (virDomainPtr domain, virTypedParameterPtr params, int *nparams),
        (domain, params, nparams))
FORWARD(int, -1, virDomainGetSchedulerParametersFlags, (virDomainPtr domain, virTypedParameterPtr params, int *nparams,
        unsigned int flags), (domain, params, nparams, flags))

/* jobs, metadata, times, disks, pages */
FORWARD(int, -1, virDomainGetJobInfo, (virDomainPtr domain, virDomainJobInfoPtr info), (domain, info))
FORWARD(int, -1, virDomainGetJobStats, (virDomainPtr domain, int *type, virTypedParameterPtr *params, int *nparams,
        unsigned int flags), (domain, type, params, nparams, flags))
FORWARD(int, -1, virDomainGetControlInfo, (virDomainPtr domain, virDomainControlInfoPtr info, unsigned int flags),
        (domain, info, flags))
FORWARD(char *, NULL, virDomainGetMetadata, (virDomainPtr domain, int type, const char *uri, unsigned int flags),
        (domain, type, uri, flags))
FORWARD(int, -1, virDomainGetCPUStats, (virDomainPtr domain, virTypedParameterPtr params, unsigned int nparams, int
        start_cpu, unsigned int ncpus, unsigned int flags), (domain, params, nparams, start_cpu, ncpus, flags))
FORWARD(int, -1, virDomainBlockStats, (virDomainPtr dom, const char *disk, virDomainBlockStatsPtr stats, size_t size),
        (dom, disk, stats, size))
FORWARD(int, -1, virDomainBlockStatsFlags, (virDomainPtr dom, const char *disk, virTypedParameterPtr params, int
        *nparams, unsigned int flags), (dom, disk, params, nparams, flags))
FORWARD(int, -1, virDomainGetBlockInfo, (virDomainPtr dom, const char *disk, virDomainBlockInfoPtr info, unsigned int flags),
        (dom, disk, info, flags))
FORWARD(int, -1, virDomainInterfaceStats, (virDomainPtr dom, const char *device, virDomainInterfaceStatsPtr stats, size_t
        size), (dom, device, stats, size))
FORWARD(int, -1, virDomainReboot, (virDomainPtr domain, unsigned int flags), (domain, flags))
FORWARD(int, -1, virDomainPMWakeup, (virDomainPtr dom, unsigned int flags), (dom, flags))
FORWARD(int, -1, virDomainStartDirtyRateCalc, (virDomainPtr domain, int seconds, unsigned int flags), (domain, seconds,
        flags))
FORWARD_LIST(pools, virConnectListAllStoragePools, (virConnectPtr conn, virStoragePoolPtr **pools, unsigned int flags),
        (conn, pools, flags))
FORWARD_LIST(models, virConnectGetCPUModelNames, (virConnectPtr conn, const char *arch, char ***models, unsigned int flags),
        (conn, arch, models, flags))
FORWARD(int, -1, virNodeGetFreePages, (virConnectPtr conn, unsigned int npages, unsigned int *pages, int startCell,
        unsigned int cellCount, unsigned long long *counts, unsigned int flags), (conn, npages, pages, startCell,
        cellCount, counts, flags))

/* changes and statistics of one */
FORWARD(int, -1, virDomainSuspend, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainResume, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainShutdown, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainShutdownFlags, (virDomainPtr domain, unsigned int flags), (domain, flags))
FORWARD(int, -1, virDomainReset, (virDomainPtr domain, unsigned int flags), (domain, flags))
FORWARD(int, -1, virDomainDestroy, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainDestroyFlags, (virDomainPtr domain, unsigned int flags), (domain, flags))
FORWARD(int, -1, virDomainSetMemory, (virDomainPtr domain, unsigned long memory), (domain, memory))
FORWARD(int, -1, virDomainSetMaxMemory, (virDomainPtr domain, unsigned long memory), (domain, memory))
FORWARD(int, -1, virDomainSetMemoryFlags, (virDomainPtr domain, unsigned long memory, unsigned int flags), (domain,
        memory, flags))
FORWARD(int, -1, virDomainMemoryStats, (virDomainPtr dom, virDomainMemoryStatPtr stats, unsigned int nr_stats,
        unsigned int flags), (dom, stats, nr_stats, flags))
FORWARD(int, -1, virDomainSetMemoryStatsPeriod, (virDomainPtr domain, int period, unsigned int flags), (domain,
        period, flags))

/* definitions of domains */
FORWARD(virDomainPtr, NULL, virDomainDefineXML, (virConnectPtr conn, const char *xml), (conn, xml))
FORWARD(virDomainPtr, NULL, virDomainDefineXMLFlags, (virConnectPtr conn, const char *xml, unsigned int flags), (conn,
        xml, flags))
FORWARD(virDomainPtr, NULL, virDomainCreateXML, (virConnectPtr conn, const char *xmlDesc, unsigned int flags), (conn,
        xmlDesc, flags))
FORWARD(virDomainPtr, NULL, virDomainCreateLinux, (virConnectPtr conn, const char *xmlDesc, unsigned int flags),
        (conn, xmlDesc, flags))
FORWARD(int, -1, virDomainCreate, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainCreateWithFlags, (virDomainPtr domain, unsigned int flags), (domain, flags))
FORWARD(int, -1, virDomainUndefine, (virDomainPtr domain), (domain))
FORWARD(int, -1, virDomainUndefineFlags, (virDomainPtr domain, unsigned int flags), (domain, flags))
FORWARD(int, -1, virDomainRename, (virDomainPtr dom, const char *new_name, unsigned int flags), (dom, new_name, flags))
FORWARD(int, -1, virDomainSetAutostart, (virDomainPtr domain, int autostart), (domain, autostart))
FORWARD(int, -1, virDomainManagedSave, (virDomainPtr dom, unsigned int flags), (dom, flags))
FORWARD(int, -1, virDomainManagedSaveRemove, (virDomainPtr dom, unsigned int flags), (dom, flags))
FORWARD(int, -1, virDomainSetMetadata, (virDomainPtr domain, int type, const char *metadata, const char *key, const
        char *uri, unsigned int flags), (domain, type, metadata, key, uri, flags))
FORWARD(int, -1, virDomainSetVcpus, (virDomainPtr domain, unsigned int nvcpus), (domain, nvcpus))
FORWARD(int, -1, virDomainSetVcpusFlags, (virDomainPtr domain, unsigned int nvcpus, unsigned int flags), (domain,
        nvcpus, flags))

/* statistics of many */
FORWARD_LIST(retStats, virConnectGetAllDomainStats, (virConnectPtr conn, unsigned int stats, virDomainStatsRecordPtr
        **retStats, unsigned int flags), (conn, stats, retStats, flags))
FORWARD_LIST(retStats, virDomainListGetStats, (virDomainPtr *doms, unsigned int stats, virDomainStatsRecordPtr **retStats,
        unsigned int flags), (doms, stats, retStats, flags))
FORWARD_VOID(virDomainStatsRecordListFree, (virDomainStatsRecordPtr *stats), (stats))

/* events of domains */
FORWARD(int, -1, virConnectDomainEventRegister, (virConnectPtr conn, virConnectDomainEventCallback cb, void *opaque,
        virFreeCallback freecb), (conn, cb, opaque, freecb))
FORWARD(int, -1, virConnectDomainEventDeregister, (virConnectPtr conn, virConnectDomainEventCallback cb), (conn, cb))
FORWARD(int, -1, virConnectDomainEventRegisterAny, (virConnectPtr conn, virDomainPtr dom, int eventID,
        virConnectDomainEventGenericCallback cb, void *opaque, virFreeCallback freecb), (conn, dom, eventID, cb,
        opaque, freecb))
FORWARD(int, -1, virConnectDomainEventDeregisterAny, (virConnectPtr conn, int callbackID), (conn, callbackID))

/* the event loop */
FORWARD_VOID(virEventRegisterImpl, (virEventAddHandleFunc addHandle, virEventUpdateHandleFunc updateHandle,
        virEventRemoveHandleFunc removeHandle, virEventAddTimeoutFunc addTimeout, virEventUpdateTimeoutFunc
        updateTimeout, virEventRemoveTimeoutFunc removeTimeout), (addHandle, updateHandle, removeHandle, addTimeout,
        updateTimeout, removeTimeout))
FORWARD(int, -1, virEventRegisterDefaultImpl, (void), ())
FORWARD_QUIET(int, -1, virEventAddHandle, (int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff),
        (fd, events, cb, opaque, ff))
FORWARD_VOID(virEventUpdateHandle, (int watch, int events), (watch, events))
FORWARD_QUIET(int, -1, virEventRemoveHandle, (int watch), (watch))
FORWARD_QUIET(int, -1, virEventAddTimeout, (int frequency, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff),
        (frequency, cb, opaque, ff))
FORWARD_VOID(virEventUpdateTimeout, (int timer, int frequency), (timer, frequency))
FORWARD_QUIET(int, -1, virEventRemoveTimeout, (int timer), (timer))

/* named values */
FORWARD(virTypedParameterPtr, NULL, virTypedParamsGet, (virTypedParameterPtr params, int nparams, const char *name),
        (params, nparams, name))
FORWARD(int, -1, virTypedParamsGetInt, (virTypedParameterPtr params, int nparams, const char *name, int *value),
        (params, nparams, name, value))
FORWARD(int, -1, virTypedParamsGetUInt, (virTypedParameterPtr params, int nparams, const char *name, unsigned int
        *value), (params, nparams, name, value))
FORWARD(int, -1, virTypedParamsGetLLong, (virTypedParameterPtr params, int nparams, const char *name, long long
        *value), (params, nparams, name, value))
FORWARD(int, -1, virTypedParamsGetULLong, (virTypedParameterPtr params, int nparams, const char *name, unsigned long
        long *value), (params, nparams, name, value))
FORWARD(int, -1, virTypedParamsGetDouble, (virTypedParameterPtr params, int nparams, const char *name, double *value),
        (params, nparams, name, value))
FORWARD(int, -1, virTypedParamsGetBoolean, (virTypedParameterPtr params, int nparams, const char *name, int *value),
        (params, nparams, name, value))
FORWARD(int, -1, virTypedParamsGetString, (virTypedParameterPtr params, int nparams, const char *name, const char
        **value), (params, nparams, name, value))
FORWARD(int, -1, virTypedParamsAddInt, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name,
        int value), (params, nparams, maxparams, name, value))
FORWARD(int, -1, virTypedParamsAddUInt, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name,
        unsigned int value), (params, nparams, maxparams, name, value))
FORWARD(int, -1, virTypedParamsAddLLong, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char
        *name, long long value), (params, nparams, maxparams, name, value))
FORWARD(int, -1, virTypedParamsAddULLong, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char
        *name, unsigned long long value), (params, nparams, maxparams, name, value))
FORWARD(int, -1, virTypedParamsAddDouble, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char
        *name, double value), (params, nparams, maxparams, name, value))
FORWARD(int, -1, virTypedParamsAddBoolean, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char
        *name, int value), (params, nparams, maxparams, name, value))
FORWARD(int, -1, virTypedParamsAddString, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char
        *name, const char *value), (params, nparams, maxparams, name, value))
FORWARD(int, -1, virTypedParamsAddStringList, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char
        *name, const char **values), (params, nparams, maxparams, name, values))
FORWARD(int, -1, virTypedParamsAddFromString, (virTypedParameterPtr *params, int *nparams, int *maxparams, const char
        *name, int type, const char *value), (params, nparams, maxparams, name, type, value))
FORWARD_VOID(virTypedParamsClear, (virTypedParameterPtr params, int nparams), (params, nparams))
FORWARD_VOID(virTypedParamsFree, (virTypedParameterPtr params, int nparams), (params, nparams))

/* errors of a connection */
FORWARD_QUIET(virErrorPtr, NULL, virConnGetLastError, (virConnectPtr conn), (conn))
FORWARD_VOID(virConnResetLastError, (virConnectPtr conn), (conn))
FORWARD_QUIET(int, -1, virConnCopyLastError, (virConnectPtr conn, virErrorPtr to), (conn, to))
FORWARD_VOID(virConnSetErrorFunc, (virConnectPtr conn, void *userData, virErrorFunc handler), (conn, userData,
        handler))

/* what libvirt cannot say */
FORWARD(const char *, NULL, ballastGetVersion, (void), ())
FORWARD_QUIET(const char *, NULL, ballastMemoryStatLabel, (int tag), (tag))
FORWARD_QUIET(const char *, NULL, ballastMemoryReasonLabel, (int reason), (reason))
FORWARD_QUIET(const char *, NULL, ballastFreshnessLabel, (int freshness), (freshness))
FORWARD_QUIET(const char *, NULL, ballastUsedFormulaLabel, (int formula), (formula))
FORWARD_QUIET(const char *, NULL, ballastMemoryInconsistencyLabel, (unsigned int inconsistency), (inconsistency))
FORWARD(char *, NULL, ballastMemoryReasonRemedy, (int reason, const char *domainName), (reason, domainName))
FORWARD(int, -1, ballastDomainGetMemorySample, (virDomainPtr dom, ballastMemorySamplePtr sample,
        virDomainMemoryStatPtr stats, unsigned int nr_stats, unsigned int flags), (dom, sample, stats, nr_stats,
        flags))
FORWARD(int, -1, ballastMemorySampleGetMissing, (const ballastMemorySample *sample, int tag, int *reason), (sample,
        tag, reason))
FORWARD(int, -1, ballastDomainRefreshMemoryStats, (virDomainPtr dom, ballastMemorySamplePtr sample,
        virDomainMemoryStatPtr stats, unsigned int nr_stats, unsigned int flags), (dom, sample, stats, nr_stats,
        flags))
FORWARD(int, -1, ballastDomainGetMemoryStatsPeriod, (virDomainPtr dom, unsigned int flags), (dom, flags))
FORWARD_LIST(records, ballastConnectGetMemorySamples, (virConnectPtr conn, virDomainPtr *doms, ballastMemoryRecordPtr
        **records, unsigned int flags), (conn, doms, records, flags))
FORWARD_VOID(ballastMemoryRecordListFree, (ballastMemoryRecordPtr *records), (records))
FORWARD(int, -1, ballastConnectGetHostMemory, (virConnectPtr conn, const char *controlGroup, ballastHostMemoryPtr
        memory, unsigned int flags), (conn, controlGroup, memory, flags))
FORWARD_LIST(records, ballastConnectGetProcessMemory, (virConnectPtr conn, virDomainPtr *doms, ballastProcessMemoryPtr
        **records, unsigned int flags), (conn, doms, records, flags))
FORWARD_VOID(ballastProcessMemoryListFree, (ballastProcessMemoryPtr *records), (records))
FORWARD(ballastWatchPtr, NULL, ballastConnectWatchMemoryStats, (virConnectPtr conn, virDomainPtr dom, unsigned int
        period, unsigned int flags), (conn, dom, period, flags))
FORWARD(int, -1, ballastWatchGetFd, (ballastWatchPtr watch), (watch))
FORWARD(int, -1, ballastWatchNext, (ballastWatchPtr watch, ballastMemoryRecordPtr *record, int timeout), (watch,
        record, timeout))
FORWARD_VOID(ballastMemoryRecordFree, (ballastMemoryRecordPtr record), (record))
FORWARD_VOID(ballastWatchFree, (ballastWatchPtr watch), (watch))
FORWARD(int, -1, ballastConnectShutdown, (virConnectPtr conn), (conn))
FORWARD_VOID(ballastSetInterruptCheck, (ballastInterruptCheck check, void *opaque), (check, opaque))
