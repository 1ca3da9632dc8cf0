/*
 * Says all that a library answers, for comparison: built with libvirt's headers, run on libvirt and on this library. One
 * line for each call: NUMBER, TEXT, LENT, SOME_TEXT, FOUND and DONE of say.h.
 *
 *     parity             on test:///default, which it changes
 *     parity URI NAME    a domain of a daemon, which it pauses and resumes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say.h"

#include <time.h>
#include <unistd.h>

/* What is no time that went by, but the time of day. */
static int is_now(unsigned long long seconds)
{
    return seconds + 60 - (unsigned long long)time(NULL) < 120;
}

static int lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)opaque;
    printf("event %d %d\n", event, detail);
    return 0;
}

static void closed(virConnectPtr conn, int reason, void *opaque)
{
    (void)conn;
    (void)reason;
    (void)opaque;
}

static void stats(virDomainPtr dom, int withValues)
{
    virDomainMemoryStatStruct all[64];
    int count = virDomainMemoryStats(dom, all, 64, 0);
    for (int i = 0; i < count; i++)
        printf(" %d %llu\n", all[i].tag, withValues ? all[i].val : 0);
}

static void print_parameters(virTypedParameterPtr params, int count, int withValues)
{
    for (int i = 0; i < count; i++) {
        printf("  %s %d", params[i].field, params[i].type);
        if (withValues && params[i].type == VIR_TYPED_PARAM_INT)
            printf(" %d", params[i].value.i);
        if (withValues && params[i].type == VIR_TYPED_PARAM_UINT)
            printf(" %u", params[i].value.ui);
        if (withValues && params[i].type == VIR_TYPED_PARAM_ULLONG)
            printf(" %llu", params[i].value.ul);
        if (withValues && params[i].type == VIR_TYPED_PARAM_STRING)
            printf(" %s", params[i].value.s);
        printf("\n");
    }
}

static void bulk(virConnectPtr conn, unsigned int groups, unsigned int flags, int withValues)
{
    virDomainStatsRecordPtr *records = NULL;
    int count = virConnectGetAllDomainStats(conn, groups, &records, flags);
    printf("bulk %u %x -> %d", groups, flags, count);
    and_error();
    for (int i = 0; i < count; i++) {
        printf(" %s\n", virDomainGetName(records[i]->dom));
        print_parameters(records[i]->params, records[i]->nparams, withValues);
    }
    virDomainStatsRecordListFree(records);
}

static void without_objects(void)
{
    virDomainMemoryStatStruct all[4];
    unsigned long version = 0;
    NUMBER(virInitialize());
    NUMBER(virGetVersion(&version, NULL, NULL));
    NUMBER(version);
    NUMBER(virGetVersion(&version, "TEST", &version));
    NUMBER(virGetVersion(&version, "nix", &version));
    NUMBER(virGetVersion(NULL, NULL, NULL));
    NUMBER(virConnectClose(NULL));
    NUMBER(virConnectRef(NULL));
    LENT(virConnectGetType(NULL));
    TEXT(virConnectGetURI(NULL));
    TEXT(virConnectGetHostname(NULL));
    TEXT(virConnectGetCapabilities(NULL));
    NUMBER(virConnectIsAlive(NULL));
    NUMBER(virConnectIsSecure(NULL));
    NUMBER(virConnectGetVersion(NULL, &version));
    NUMBER(virConnectGetLibVersion(NULL, &version));
    NUMBER(virConnectGetMaxVcpus(NULL, NULL));
    NUMBER(virConnectNumOfDomains(NULL));
    NUMBER(virConnectListAllDomains(NULL, NULL, 0));
    NUMBER(virNodeGetFreeMemory(NULL));
    NUMBER(virNodeGetInfo(NULL, NULL));
    NUMBER(virNodeGetMemoryStats(NULL, 0, NULL, NULL, 0));
    FOUND(virDomainLookupByName(NULL, "x"));
    FOUND(virDomainLookupByID(NULL, 1));
    NUMBER(virDomainFree(NULL));
    NUMBER(virDomainRef(NULL));
    LENT(virDomainGetName(NULL));
    NUMBER(virDomainGetID(NULL));
    FOUND(virDomainGetConnect(NULL));
    NUMBER(virDomainGetMaxMemory(NULL));
    TEXT(virDomainGetXMLDesc(NULL, 0));
    NUMBER(virDomainGetInfo(NULL, NULL));
    NUMBER(virDomainMemoryStats(NULL, all, 4, 0));
    NUMBER(virDomainSetMemory(NULL, 1));
    NUMBER(virDomainSuspend(NULL));
    NUMBER(virConnectGetAllDomainStats(NULL, 0, NULL, 0));
    NUMBER(virDomainListGetStats(NULL, 0, NULL, 0));
    DONE(virDomainStatsRecordListFree(NULL));
    NUMBER(virConnectDomainEventRegisterAny(NULL, NULL, 0, NULL, NULL, NULL));
    NUMBER(virConnectDomainEventDeregisterAny(NULL, 0));
    NUMBER(virConnectRegisterCloseCallback(NULL, closed, NULL, NULL));
    FOUND(virConnectOpen("test:///no/such/file"));
    FOUND(virConnectOpen("test://"));
    FOUND(virConnectOpen("qemu+zz:///system"));
    FOUND(virConnectOpen("qemu+zz://host/system"));
    FOUND(virConnectOpen("test+zz:///default"));
    FOUND(virConnectOpenAuth("test:///default", NULL, 0x70));
}

static void named_values(void)
{
    virTypedParameterPtr params = NULL;
    int count = 0, room = 0, number = 7, boolean = 7;
    unsigned int positive = 7;
    long long longer = 7;
    unsigned long long longest = 7;
    double real = 7;
    const char *text = "7";
    NUMBER(virTypedParamsAddInt(&params, &count, &room, "int", -5));
    NUMBER(virTypedParamsAddUInt(&params, &count, &room, "uint", 4294967295u));
    NUMBER(virTypedParamsAddLLong(&params, &count, &room, "llong", -(1LL << 62)));
    NUMBER(virTypedParamsAddULLong(&params, &count, &room, "ullong", ~0ULL));
    NUMBER(virTypedParamsAddDouble(&params, &count, &room, "double", 0.25));
    NUMBER(virTypedParamsAddBoolean(&params, &count, &room, "boolean", 17));
    NUMBER(virTypedParamsAddString(&params, &count, &room, "string", "\xff raw"));
    NUMBER(virTypedParamsAddString(&params, &count, &room, "null", NULL));
    NUMBER(virTypedParamsAddFromString(&params, &count, &room, "parsed", VIR_TYPED_PARAM_INT, "-12"));
    NUMBER(virTypedParamsAddFromString(&params, &count, &room, "bool", VIR_TYPED_PARAM_BOOLEAN, "1"));
    NUMBER(virTypedParamsAddFromString(&params, &count, &room, "text", VIR_TYPED_PARAM_STRING, "\xfe"));
    NUMBER(count);
    NUMBER(virTypedParamsGetInt(params, count, "int", &number));
    NUMBER(number);
    NUMBER(virTypedParamsGetUInt(params, count, "uint", &positive));
    NUMBER(positive);
    NUMBER(virTypedParamsGetLLong(params, count, "llong", &longer));
    NUMBER(longer);
    NUMBER(virTypedParamsGetULLong(params, count, "ullong", &longest));
    NUMBER(longest);
    NUMBER(virTypedParamsGetDouble(params, count, "double", &real));
    NUMBER(real * 4);
    NUMBER(virTypedParamsGetBoolean(params, count, "boolean", &boolean));
    NUMBER(boolean);
    NUMBER(virTypedParamsGetString(params, count, "string", &text));
    LENT(text);
    NUMBER(virTypedParamsGetString(params, count, "text", &text));
    LENT(text);
    NUMBER(virTypedParamsGetString(params, count, "null", &text));
    NUMBER(virTypedParamsGetInt(params, count, "parsed", &number));
    NUMBER(number);
    NUMBER(virTypedParamsGetInt(params, count, "uint", &number));
    NUMBER(virTypedParamsGetString(params, count, "int", &text));
    NUMBER(virTypedParamsGetInt(params, count, "nothing", &number));
    NUMBER(virTypedParamsGetInt(params, count, "int", NULL));
    NUMBER(virTypedParamsGetInt(NULL, 0, "int", &number));
    FOUND(virTypedParamsGet(params, count, "double"));
    FOUND(virTypedParamsGet(params, count, "nothing"));
    FOUND(virTypedParamsGet(params, 2, "double"));
    const char *list[] = { "a", "b", NULL };
    NUMBER(virTypedParamsAddStringList(&params, &count, &room, "list", list));
    NUMBER(count);
    DONE(virTypedParamsClear(params, count));
    DONE(virTypedParamsFree(params, count));
    DONE(virTypedParamsFree(NULL, 0));
}

static void errors(virConnectPtr conn)
{
    virError copy = { .code = 0 };
    FOUND(virDomainLookupByID(conn, 99));
    NUMBER(virGetLastErrorCode());
    NUMBER(virGetLastErrorDomain());
    LENT(virGetLastErrorMessage());
    NUMBER(virConnGetLastError(conn) ? virConnGetLastError(conn)->code : 0);
    NUMBER(virCopyLastError(&copy));
    NUMBER(copy.code);
    LENT(copy.message);
    DONE(virResetError(&copy));
    NUMBER(copy.code);
    NUMBER(virConnCopyLastError(conn, &copy));
    NUMBER(copy.code);
    virResetError(&copy);
    virErrorPtr saved;
    FOUND(saved = virSaveLastError());
    NUMBER(saved ? saved->code : -1);
    DONE(virFreeError(saved));
    DONE(virFreeError(NULL));
    NUMBER(virCopyLastError(NULL));
    DONE(virResetLastError());
    FOUND(virGetLastError());
    LENT(virGetLastErrorMessage());
    NUMBER(virConnGetLastError(conn) ? virConnGetLastError(conn)->code : 0);
    DONE(virConnResetLastError(conn));
    FOUND(virConnGetLastError(conn));
    DONE(virSetErrorFunc(NULL, quiet));
    DONE(virConnSetErrorFunc(conn, NULL, quiet));
    DONE(virConnSetErrorFunc(NULL, NULL, quiet));
    NUMBER(virConnCopyLastError(conn, &copy));
    NUMBER(virConnCopyLastError(NULL, &copy));
    FOUND(virConnGetLastError(NULL));
}

static void connection(virConnectPtr conn)
{
    unsigned long version = 0;
    int ids[4] = { 0 };
    char *names[4] = { NULL };
    LENT(virConnectGetType(conn));
    TEXT(virConnectGetURI(conn));
    SOME_TEXT(virConnectGetHostname(conn));
    NUMBER(virConnectGetVersion(conn, &version));
    NUMBER(version);
    NUMBER(virConnectGetVersion(conn, NULL));
    NUMBER(virConnectGetLibVersion(conn, &version));
    NUMBER(version);
    NUMBER(virConnectGetLibVersion(conn, NULL));
    NUMBER(virConnectIsAlive(conn));
    NUMBER(virConnectIsSecure(conn));
    NUMBER(virConnectIsEncrypted(conn));
    NUMBER(virConnectSetKeepAlive(conn, 5, 5));
    NUMBER(virConnectGetMaxVcpus(conn, NULL));
    NUMBER(virConnectNumOfDomains(conn));
    NUMBER(virConnectNumOfDefinedDomains(conn));
    NUMBER(virConnectListDomains(conn, ids, 4));
    NUMBER(ids[0] > 0);
    NUMBER(virConnectListDomains(conn, NULL, 0));
    NUMBER(virConnectListDomains(conn, NULL, 4));
    NUMBER(virConnectListDomains(conn, ids, -1));
    NUMBER(virConnectListDefinedDomains(conn, names, 4));
    NUMBER(virConnectListDefinedDomains(conn, NULL, 4));
    NUMBER(virConnectListAllDomains(conn, NULL, 0));
    NUMBER(virConnectListAllDomains(conn, NULL, VIR_CONNECT_LIST_DOMAINS_INACTIVE));
    NUMBER(virConnectListAllDomains(conn, NULL, VIR_CONNECT_LIST_DOMAINS_PERSISTENT));
    NUMBER(virConnectListAllDomains(conn, NULL, VIR_CONNECT_LIST_DOMAINS_PAUSED));
    NUMBER(virConnectListAllDomains(conn, NULL, 1 << 30));
    FOUND(virDomainLookupByName(conn, NULL));
    FOUND(virDomainLookupByName(conn, ""));
    FOUND(virDomainLookupByName(conn, "nobody"));
    FOUND(virDomainLookupByUUID(conn, NULL));
    FOUND(virDomainLookupByUUID(conn, (const unsigned char *)"0123456789abcdef"));
    FOUND(virDomainLookupByUUIDString(conn, NULL));
    FOUND(virDomainLookupByUUIDString(conn, "x"));
    FOUND(virDomainLookupByUUIDString(conn, "30313233-3435-3637-3839-616263646566"));
    FOUND(virDomainLookupByID(conn, -3));
    FOUND(virDomainLookupByID(conn, 0));
    FOUND(virDomainLookupByID(conn, 1234567));
    NUMBER(virConnectRef(conn));
    NUMBER(virConnectClose(conn));
    virSecurityModel model;
    memset(&model, 0, sizeof model);
    NUMBER(virNodeGetSecurityModel(conn, &model));
    LENT(model.model);
    LENT(model.doi);
    NUMBER(virNodeGetSecurityModel(conn, NULL));
}

static void host(virConnectPtr conn, int isTest)
{
    virNodeInfo node;
    virNodeMemoryStats memory[16];
    virNodeCPUStats cpu[16];
    unsigned char *map = NULL;
    unsigned int online = 0;
    unsigned long long cells[4] = { 0 };
    int count = 0;
    memset(&node, 0, sizeof node);
    NUMBER(virNodeGetInfo(conn, &node));
    LENT(node.model);
    NUMBER(node.memory);
    NUMBER(node.cpus * 1000 + node.nodes * 100 + node.sockets * 10 + node.cores);
    NUMBER(virNodeGetInfo(conn, NULL));
    NUMBER(virNodeGetFreeMemory(conn) > 0);
    NUMBER(virNodeGetCellsFreeMemory(conn, cells, 0, 1));
    NUMBER(virNodeGetCellsFreeMemory(conn, cells, 0, 0));
    NUMBER(virNodeGetCellsFreeMemory(conn, cells, 0, -1));
    NUMBER(virNodeGetCellsFreeMemory(conn, NULL, 0, 1));
    NUMBER(virNodeGetMemoryStats(conn, -1, NULL, &count, 0));
    NUMBER(count);
    NUMBER(virNodeGetMemoryStats(conn, -1, memory, &count, 0));
    NUMBER(virNodeGetMemoryStats(conn, -1, NULL, NULL, 0));
    /* libvirt's remote driver crashes there */
    if (isTest)
        NUMBER(virNodeGetMemoryStats(conn, -1, NULL, &count, 0));
    count = 0;
    NUMBER(virNodeGetCPUStats(conn, -1, NULL, &count, 0));
    NUMBER(count);
    NUMBER(virNodeGetCPUStats(conn, -1, cpu, &count, 0));
    NUMBER(virNodeGetCPUStats(conn, -1, NULL, NULL, 0));
    NUMBER(virNodeGetCPUMap(conn, &map, &online, 0));
    NUMBER(map ? map[0] : -1);
    NUMBER(online);
    free(map);
    NUMBER(virNodeGetCPUMap(conn, NULL, NULL, 0));
    NUMBER(virNodeGetCPUMap(conn, NULL, NULL, 1));
    TEXT(virConnectGetSysinfo(conn, 1));
    SOME_TEXT(virConnectGetSysinfo(conn, 0));
    SOME_TEXT(virConnectGetCapabilities(conn));
}

static void domain(virDomainPtr dom)
{
    unsigned char uuid[VIR_UUID_BUFLEN];
    char text[VIR_UUID_STRING_BUFLEN] = "";
    virDomainInfo info;
    int state = 77, reason = 77, autostart = 77;
    char **messages = NULL;
    virSecurityLabel *label = calloc(1, sizeof *label);
    LENT(virDomainGetName(dom));
    NUMBER(virDomainGetUUIDString(dom, text));
    LENT(text);
    NUMBER(virDomainGetUUIDString(dom, NULL));
    NUMBER(virDomainGetUUID(dom, uuid));
    NUMBER(uuid[0] * 256 + uuid[15]);
    NUMBER(virDomainGetUUID(dom, NULL));
    TEXT(virDomainGetOSType(dom));
    memset(&info, 0, sizeof info);
    NUMBER(virDomainGetInfo(dom, &info));
    NUMBER(info.state);
    NUMBER(info.maxMem);
    NUMBER(info.memory);
    NUMBER(info.nrVirtCpu);
    NUMBER(info.cpuTime > 0);
    NUMBER(is_now(info.cpuTime / 1000000000));
    NUMBER(virDomainGetInfo(dom, NULL));
    NUMBER(virDomainGetState(dom, &state, &reason, 0));
    NUMBER(state * 100 + reason);
    NUMBER(virDomainGetState(dom, &state, NULL, 0));
    NUMBER(virDomainGetState(dom, NULL, NULL, 0));
    NUMBER(virDomainGetState(dom, &state, NULL, 4));
    NUMBER(virDomainGetMaxMemory(dom));
    NUMBER(virDomainIsActive(dom));
    NUMBER(virDomainIsPersistent(dom));
    NUMBER(virDomainIsUpdated(dom));
    NUMBER(virDomainGetAutostart(dom, &autostart));
    NUMBER(autostart);
    NUMBER(virDomainGetAutostart(dom, NULL));
    NUMBER(virDomainHasManagedSaveImage(dom, 0));
    NUMBER(virDomainHasManagedSaveImage(dom, 1));
    NUMBER(virDomainGetMessages(dom, &messages, 0));
    for (char **next = messages; next && *next; next++)
        TEXT(*next);
    free(messages);
    NUMBER(virDomainGetSecurityLabel(dom, label));
    LENT(label->label);
    NUMBER(label->enforcing);
    NUMBER(virDomainGetSecurityLabel(dom, NULL));
    free(label);
    NUMBER(virDomainRef(dom));
    NUMBER(virDomainFree(dom));
}

static void memory(virConnectPtr conn, virDomainPtr dom, int withValues)
{
    virDomainMemoryStatStruct all[64];
    NUMBER(virDomainMemoryStats(dom, all, 64, 0));
    NUMBER(virDomainMemoryStats(dom, all, 3, 0));
    NUMBER(virDomainMemoryStats(dom, all, 64, 1));
    NUMBER(virDomainMemoryStats(dom, NULL, 0, 0));
    NUMBER(virDomainMemoryStats(dom, NULL, 3, 0));
    NUMBER(virDomainMemoryStats(dom, all, 0, 0));
    NUMBER(virDomainMemoryStats(dom, all, 0, 1));
    stats(dom, withValues);
    NUMBER(virDomainSetMemoryStatsPeriod(dom, 5, 0));
    NUMBER(virDomainSetMemoryStatsPeriod(dom, 0, VIR_DOMAIN_AFFECT_LIVE));
    NUMBER(virDomainSetMemoryStatsPeriod(dom, -1, 0));
    NUMBER(virDomainSetMemoryStatsPeriod(dom, 1, 64));
    NUMBER(virDomainSetMemory(dom, 0));
    NUMBER(virDomainSetMemoryFlags(dom, 0, 0));
    NUMBER(virDomainSetMaxMemory(dom, 0));
    NUMBER(virDomainSetMemoryFlags(dom, 1UL << 60, 0));
    NUMBER(virDomainSetMemoryFlags(dom, 1, 99));
    NUMBER(virDomainSetMemoryFlags(dom, 1UL << 40, 1));
    NUMBER(virDomainSetMaxMemory(dom, 5));
    bulk(conn, 0, 0, withValues);
    bulk(conn, VIR_DOMAIN_STATS_STATE, 0, withValues);
    bulk(conn, VIR_DOMAIN_STATS_BALLOON, 0, 0);
    bulk(conn, 0, VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE, withValues);
    bulk(conn, 0, 1u << 20, withValues);
    bulk(conn, 1u << 28, VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS, withValues);
    virDomainStatsRecordPtr *records = NULL;
    virDomainPtr one[] = { dom, NULL }, none[] = { NULL };
    NUMBER(virConnectGetAllDomainStats(conn, 0, NULL, 0));
    NUMBER(virDomainListGetStats(none, 0, &records, 0));
    NUMBER(virDomainListGetStats(NULL, 0, &records, 0));
    NUMBER(virDomainListGetStats(one, 0, NULL, 0));
    NUMBER(virDomainListGetStats(one, VIR_DOMAIN_STATS_STATE, &records, 0));
    NUMBER(records ? records[0]->nparams : 0);
    virDomainStatsRecordListFree(records);
}

static void processors(virDomainPtr dom, int withValues)
{
    virVcpuInfo info[4];
    unsigned char maps[4 * 2];
    int count = 0, limits = 77;
    virTypedParameter params[16];
    memset(info, 0, sizeof info);
    memset(maps, 0, sizeof maps);
    memset(params, 0, sizeof params);
    NUMBER(virDomainGetVcpus(dom, info, 4, maps, 2));
    NUMBER(info[0].number * 100 + info[0].state);
    NUMBER(is_now(info[0].cpuTime / 100000));
    NUMBER(maps[0]);
    NUMBER(virDomainGetVcpus(dom, info, 1, NULL, 0));
    NUMBER(virDomainGetVcpus(dom, NULL, 1, NULL, 0));
    NUMBER(virDomainGetVcpus(dom, info, 0, NULL, 0));
    NUMBER(virDomainGetVcpus(dom, info, 1, NULL, 1));
    NUMBER(virDomainGetVcpus(dom, info, 1, maps, 0));
    NUMBER(virDomainGetMaxVcpus(dom));
    NUMBER(virDomainGetVcpusFlags(dom, 0));
    NUMBER(virDomainGetVcpusFlags(dom, VIR_DOMAIN_VCPU_LIVE | VIR_DOMAIN_VCPU_MAXIMUM));
    NUMBER(virDomainGetVcpusFlags(dom, VIR_DOMAIN_VCPU_CONFIG));
    NUMBER(virDomainGetVcpusFlags(dom, VIR_DOMAIN_VCPU_CONFIG | VIR_DOMAIN_VCPU_LIVE));
    NUMBER(virDomainGetVcpusFlags(dom, VIR_DOMAIN_VCPU_GUEST));
    NUMBER(virDomainGetVcpusFlags(dom, 64));
    NUMBER(virDomainGetVcpuPinInfo(dom, 4, maps, 2, 0));
    NUMBER(maps[0]);
    NUMBER(virDomainGetVcpuPinInfo(dom, 4, maps, 2, VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainGetVcpuPinInfo(dom, 4, maps, 2, 3));
    NUMBER(virDomainGetVcpuPinInfo(dom, 4, maps, 2, 64));
    NUMBER(virDomainGetVcpuPinInfo(dom, 0, maps, 2, 0));
    NUMBER(virDomainGetVcpuPinInfo(dom, 4, NULL, 2, 0));
    NUMBER(virDomainGetVcpuPinInfo(dom, 4, maps, 0, 0));
    NUMBER(virDomainGetMemoryParameters(dom, NULL, &count, 0));
    NUMBER(count);
    NUMBER(virDomainGetMemoryParameters(dom, params, &count, 0));
    print_parameters(params, withValues ? count : 0, withValues);
    NUMBER(virDomainGetMemoryParameters(dom, NULL, &count, 0));
    NUMBER(virDomainGetMemoryParameters(dom, params, NULL, 0));
    NUMBER(virDomainGetMemoryParameters(dom, params, &count, 3));
    count = -1;
    NUMBER(virDomainGetMemoryParameters(dom, params, &count, 0));
    count = 0;
    NUMBER(virDomainGetNumaParameters(dom, NULL, &count, 0));
    NUMBER(count);
    count = 4;
    NUMBER(virDomainGetNumaParameters(dom, params, &count, 0));
    NUMBER(count);
    print_parameters(params, withValues ? 0 : count, 1);
    virTypedParamsClear(params, count);
    NUMBER(virDomainGetNumaParameters(dom, params, &count, 3));
    TEXT(virDomainGetSchedulerType(dom, &limits));
    NUMBER(limits);
    TEXT(virDomainGetSchedulerType(dom, NULL));
    count = 0;
    NUMBER(virDomainGetSchedulerParameters(dom, params, &count));
    NUMBER(virDomainGetSchedulerParameters(dom, NULL, &count));
    NUMBER(virDomainGetSchedulerParameters(dom, params, NULL));
    NUMBER(virDomainGetSchedulerParametersFlags(dom, params, &count, 3));
}

static void facts(virConnectPtr conn, virDomainPtr dom, int isTest)
{
    virDomainControlInfo control;
    virDomainJobInfo job;
    virTypedParameterPtr params = NULL;
    virTypedParameter numbers[64];
    virDomainBlockStatsStruct disk;
    virDomainBlockInfo size_of_disk;
    virDomainInterfaceStatsStruct card;
    virStoragePoolPtr *pools = NULL;
    unsigned int size = 4, odd = 3;
    unsigned long long pages[2] = { 0, 0 };
    char **models = NULL;
    int type = 77, count = 77;
    memset(&control, 77, sizeof control);
    memset(&job, 77, sizeof job);
    memset(numbers, 0, sizeof numbers);
    NUMBER(virDomainGetControlInfo(dom, &control, 0));
    NUMBER(control.state * 100 + control.details);
    NUMBER(virDomainGetControlInfo(dom, NULL, 0));
    NUMBER(virDomainGetControlInfo(dom, &control, 1));
    NUMBER(virDomainGetJobInfo(dom, &job));
    NUMBER(job.type);
    NUMBER(job.memTotal);
    NUMBER(virDomainGetJobInfo(dom, NULL));
    NUMBER(virDomainGetJobStats(dom, &type, &params, &count, 0));
    NUMBER(type * 100 + count);
    NUMBER(virDomainGetJobStats(dom, &type, &params, &count, VIR_DOMAIN_JOB_STATS_COMPLETED));
    NUMBER(virDomainGetJobStats(dom, NULL, &params, &count, 0));
    NUMBER(virDomainGetJobStats(dom, &type, NULL, &count, 0));
    NUMBER(virDomainGetJobStats(dom, &type, &params, NULL, 0));
    NUMBER(virDomainGetJobStats(dom, &type, &params, &count, 64));
    NUMBER(virDomainGetJobStats(dom, &type, &params, &count, VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, NULL, 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_DESCRIPTION, NULL, VIR_DOMAIN_AFFECT_CONFIG));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "urn:x", 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "urn:x", VIR_DOMAIN_AFFECT_LIVE));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, NULL, 0));
    TEXT(virDomainGetMetadata(dom, 77, NULL, 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, NULL, 3));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, NULL, 64));
    NUMBER(virDomainGetCPUStats(dom, NULL, 0, -1, 2, 0));
    NUMBER(virDomainGetCPUStats(dom, NULL, 0, -2, 1, 0));
    NUMBER(virDomainGetCPUStats(dom, NULL, 3, -1, 1, 0));
    NUMBER(virDomainGetCPUStats(dom, numbers, 3, 0, 0, 0));
    NUMBER(virDomainGetCPUStats(dom, NULL, 0, 5, 0, 0));
    NUMBER(virDomainGetCPUStats(dom, NULL, 0, 100, 1, 0));
    NUMBER(virDomainGetCPUStats(dom, numbers, 2, 0, 4, 0));
    NUMBER(virDomainGetCPUStats(dom, numbers, 2, 7, 4, 0));
    NUMBER(virDomainGetCPUStats(dom, numbers, 1, 0, 2, 0));
    NUMBER(virDomainBlockStats(dom, NULL, &disk, sizeof disk));
    NUMBER(virDomainBlockStats(dom, "x", NULL, sizeof disk));
    NUMBER(virDomainBlockStats(dom, "x", &disk, 1000));
    NUMBER(virDomainBlockStats(dom, "x", &disk, sizeof disk));
    NUMBER(virDomainBlockStats(dom, isTest ? "" : "x", &disk, sizeof disk));
    NUMBER(virDomainGetBlockInfo(dom, NULL, &size_of_disk, 0));
    NUMBER(virDomainGetBlockInfo(dom, "", &size_of_disk, 0));
    NUMBER(virDomainGetBlockInfo(dom, "x", NULL, 0));
    NUMBER(virDomainGetBlockInfo(dom, "x", &size_of_disk, 1));
    NUMBER(virDomainGetBlockInfo(dom, "x", &size_of_disk, 0));
    NUMBER(virDomainInterfaceStats(dom, NULL, &card, sizeof card));
    NUMBER(virDomainInterfaceStats(dom, "x", NULL, sizeof card));
    NUMBER(virDomainInterfaceStats(dom, "x", &card, 1000));
    NUMBER(virDomainInterfaceStats(dom, "", &card, sizeof card));
    NUMBER(virDomainInterfaceStats(dom, "x", &card, sizeof card));
    NUMBER(virDomainBlockStatsFlags(dom, NULL, NULL, &count, 0));
    NUMBER(virDomainBlockStatsFlags(dom, "x", NULL, NULL, 0));
    NUMBER(virDomainStartDirtyRateCalc(dom, 0, 0));
    NUMBER(virDomainStartDirtyRateCalc(dom, 61, 0));
    NUMBER(virDomainStartDirtyRateCalc(dom, 1, 64));
    NUMBER(virDomainPMWakeup(dom, 0));
    NUMBER(virDomainPMWakeup(dom, 1));
    NUMBER(virDomainReboot(dom, 1 << 20));
    NUMBER(virNodeGetFreePages(conn, 1, &size, 0, 1, pages, 0));
    NUMBER(pages[0] > 0);
    NUMBER(virNodeGetFreePages(conn, 0, &size, 0, 1, pages, 0));
    NUMBER(virNodeGetFreePages(conn, 1, NULL, 0, 1, pages, 0));
    NUMBER(virNodeGetFreePages(conn, 1, &size, 0, 0, pages, 0));
    NUMBER(virNodeGetFreePages(conn, 1, &size, 0, 1, NULL, 0));
    NUMBER(virNodeGetFreePages(conn, 1, &size, 77, 1, pages, 0));
    NUMBER(virNodeGetFreePages(conn, 1, &size, -1, 1, pages, 0));
    NUMBER(virNodeGetFreePages(conn, 1, &odd, 0, 1, pages, 0));
    NUMBER(virNodeGetFreePages(conn, 1, &size, 0, 1, pages, 1));
    NUMBER(virConnectGetCPUModelNames(conn, NULL, &models, 0));
    NUMBER(virConnectGetCPUModelNames(conn, "x86_64", NULL, 1));
    if (!isTest) {
        NUMBER(virConnectListAllStoragePools(conn, NULL, 0));
        NUMBER(virConnectListAllStoragePools(conn, &pools, 0));
        FOUND(pools && !pools[0]);
        free(pools);
    }
}

static void events_without_a_loop(virConnectPtr conn)
{
    NUMBER(virConnectDomainEventRegisterAny(conn, NULL, 0, VIR_DOMAIN_EVENT_CALLBACK(lifecycle), NULL, NULL));
    NUMBER(virConnectDomainEventRegisterAny(conn, NULL, 99, VIR_DOMAIN_EVENT_CALLBACK(lifecycle), NULL, NULL));
    NUMBER(virConnectDomainEventRegisterAny(conn, NULL, -1, VIR_DOMAIN_EVENT_CALLBACK(lifecycle), NULL, NULL));
    NUMBER(virConnectDomainEventRegisterAny(conn, NULL, 0, NULL, NULL, NULL));
    NUMBER(virConnectDomainEventRegister(conn, NULL, NULL, NULL));
    NUMBER(virConnectDomainEventDeregisterAny(conn, 5));
    NUMBER(virConnectDomainEventDeregisterAny(conn, -5));
    NUMBER(virConnectDomainEventDeregister(conn, NULL));
    NUMBER(virConnectRegisterCloseCallback(conn, NULL, NULL, NULL));
    NUMBER(virConnectUnregisterCloseCallback(conn, closed));
    NUMBER(virConnectUnregisterCloseCallback(conn, NULL));
}

static void ready(int watch, int fd, int events, void *opaque)
{
    (void)watch;
    (void)opaque;
    char byte;
    printf(" ready %d %d\n", events, (int)read(fd, &byte, 1));
}

static void elapsed(int timer, void *opaque)
{
    (void)timer;
    printf(" elapsed %s\n", (const char *)opaque);
}

static int no_handle(int fd, int event, virEventHandleCallback callback, void *opaque, virFreeCallback release)
{
    (void)fd;
    (void)event;
    (void)callback;
    (void)opaque;
    (void)release;
    return -1;
}

static void event_loop(void)
{
    static char text[] = "text";
    int ends[2], handle, timer;
    if (pipe(ends) != 0)
        return;
    /* without a loop */
    NUMBER(virEventAddHandle(ends[0], VIR_EVENT_HANDLE_READABLE, ready, NULL, NULL));
    NUMBER(virEventAddTimeout(0, elapsed, text, NULL));
    DONE(virEventUpdateHandle(1, 0));
    DONE(virEventUpdateTimeout(1, 0));
    NUMBER(virEventRemoveHandle(1));
    NUMBER(virEventRemoveTimeout(1));
    /* the first one stays */
    NUMBER(virEventRegisterDefaultImpl());
    DONE(virEventRegisterImpl(no_handle, NULL, NULL, NULL, NULL, NULL));
    NUMBER(virEventRegisterDefaultImpl());
    NUMBER((handle = virEventAddHandle(ends[0], VIR_EVENT_HANDLE_READABLE, ready, NULL, NULL)) > 0);
    NUMBER((timer = virEventAddTimeout(0, elapsed, text, NULL)) > 0);
    NUMBER(virEventRunDefaultImpl());
    DONE(virEventUpdateTimeout(timer, -1));
    NUMBER(write(ends[1], text, 2));
    NUMBER(virEventRunDefaultImpl());
    DONE(virEventUpdateHandle(handle, 0));
    DONE(virEventUpdateTimeout(timer, 0));
    NUMBER(virEventRunDefaultImpl());
    DONE(virEventUpdateHandle(handle, VIR_EVENT_HANDLE_READABLE));
    DONE(virEventUpdateTimeout(timer, -1));
    NUMBER(virEventRunDefaultImpl());
    DONE(virEventUpdateHandle(-1, 0));
    DONE(virEventUpdateTimeout(-1, 0));
    NUMBER(virEventRemoveHandle(-1));
    NUMBER(virEventRemoveTimeout(-1));
    NUMBER(virEventRemoveHandle(handle + 1000));
    NUMBER(virEventRemoveTimeout(timer + 1000));
    NUMBER(virEventRemoveHandle(handle));
    NUMBER(virEventRemoveTimeout(timer));
    NUMBER(virEventRemoveTimeout(timer));
    close(ends[0]);
    close(ends[1]);
}

static void read_only(const char *uri, const char *name)
{
    virConnectPtr reader = virConnectOpenReadOnly(uri);
    virDomainPtr dom = virDomainLookupByName(reader, name);
    FOUND(dom);
    NUMBER(virDomainSetMemory(dom, 5));
    NUMBER(virDomainSetMemoryFlags(dom, 5, 0));
    NUMBER(virDomainSetMaxMemory(dom, 5));
    NUMBER(virDomainSetMemoryStatsPeriod(dom, 5, 0));
    NUMBER(virDomainSuspend(dom));
    NUMBER(virDomainResume(dom));
    NUMBER(virDomainShutdown(dom));
    NUMBER(virDomainShutdownFlags(dom, 0));
    NUMBER(virDomainReset(dom, 0));
    NUMBER(virDomainReboot(dom, 1 << 20));
    NUMBER(virDomainPMWakeup(dom, 1));
    NUMBER(virDomainStartDirtyRateCalc(dom, 0, 64));
    NUMBER(virDomainGetVcpusFlags(dom, VIR_DOMAIN_VCPU_GUEST));
    /* what the library does not have at all */
    NUMBER(virDomainManagedSave(dom, 0));
    NUMBER(virDomainSetMemoryParameters(dom, NULL, 0, 0));
    NUMBER(virDomainPMSuspendForDuration(dom, 0, 0, 0));
    NUMBER(virDomainAbortJob(dom));
    NUMBER(virDomainInjectNMI(dom, 0));
    NUMBER(virDomainAttachDevice(dom, "<x/>"));
    NUMBER(virNodeSuspendForDuration(reader, 0, 0, 0));
    if (strncmp(uri, "test:", 5) == 0) {
        NUMBER(virConnectNumOfSecrets(reader));
        NUMBER(virConnectNumOfNWFilters(reader));
    }
    NUMBER(virDomainDestroy(dom));
    NUMBER(virDomainDestroyFlags(dom, 0));
    SOME_TEXT(virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE));
    NUMBER(virConnectClose(reader));
    LENT(virDomainGetName(dom));
    NUMBER(virDomainFree(dom));
}

static void changes(virDomainPtr dom)
{
    int state = 0, reason = 0;
    NUMBER(virDomainSuspend(dom));
    NUMBER(virDomainGetState(dom, &state, &reason, 0));
    NUMBER(state * 100 + reason);
    NUMBER(virDomainSuspend(dom));
    NUMBER(virDomainResume(dom));
    NUMBER(virDomainGetState(dom, &state, &reason, 0));
    NUMBER(state * 100 + reason);
    NUMBER(virDomainResume(dom));
    NUMBER(virDomainShutdownFlags(dom, 99));
    NUMBER(virDomainDestroyFlags(dom, 98));
    NUMBER(virDomainReset(dom, 1));
}

int main(int argc, char **argv)
{
    int isTest = argc < 3;
    const char *uri = isTest ? "test:///default" : argv[1], *name = isTest ? "test" : argv[2];
    virSetErrorFunc(NULL, quiet);
    if (isTest) {
        without_objects();
        named_values();
    }
    virConnectPtr conn = virConnectOpen(uri);
    FOUND(conn);
    virDomainPtr dom = virDomainLookupByName(conn, name);
    FOUND(dom);
    errors(conn);
    connection(conn);
    host(conn, isTest);
    domain(dom);
    if (isTest)
        TEXT(virDomainGetXMLDesc(dom, 0));
    memory(conn, dom, isTest);
    processors(dom, isTest);
    facts(conn, dom, isTest);
    events_without_a_loop(conn);
    read_only(uri, name);
    changes(dom);
    NUMBER(virConnectClose(conn));
    NUMBER(virDomainFree(dom));
    if (isTest)
        event_loop();
    return 0;
}
