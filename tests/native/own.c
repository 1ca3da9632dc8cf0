/*
 * A program that knows ballast.h alone, and uses all that libvirt has no words for.
 *
 *     own            the drivers in process
 *     own URI NAME   a domain of that connection, which answers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ballast.h"

#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define ROOM 32

static ballastMemorySample sized(void)
{
    ballastMemorySample sample = { .size = sizeof sample };
    return sample;
}

static int is_readable(int fd, int timeout)
{
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    return poll(&entry, 1, timeout) == 1 && (entry.revents & POLLIN);
}

static void labels(void)
{
    CHECK(ballastGetVersion() && strchr(ballastGetVersion(), '.'));
    CHECK(ballastGetVersion() == ballastGetVersion());
    CHECK(strcmp(ballastMemoryStatLabel(VIR_DOMAIN_MEMORY_STAT_SWAP_IN), "swap_in") == 0);
    CHECK(strcmp(ballastMemoryStatLabel(VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON), "actual") == 0);
    for (int tag = 0; tag < VIR_DOMAIN_MEMORY_STAT_NR; tag++)
        CHECK(ballastMemoryStatLabel(tag) && *ballastMemoryStatLabel(tag));
    for (int tag = BALLAST_DOMAIN_MEMORY_STAT_OOM_KILLS; tag <= BALLAST_DOMAIN_MEMORY_STAT_DIRECT_RECLAIMS; tag++)
        CHECK(ballastMemoryStatLabel(tag) && *ballastMemoryStatLabel(tag));
    CHECK(!ballastMemoryStatLabel(-1));
    CHECK(!ballastMemoryStatLabel(VIR_DOMAIN_MEMORY_STAT_NR));
    CHECK(!ballastMemoryStatLabel(0x7fffffff));

    CHECK(strcmp(ballastMemoryReasonLabel(BALLAST_MEMORY_REASON_POLLING_OFF), "polling off") == 0);
    for (int reason = 0; reason <= BALLAST_MEMORY_REASON_SOCKET_NOT_FOUND; reason++) {
        CHECK(ballastMemoryReasonLabel(reason) && *ballastMemoryReasonLabel(reason));
        char *remedy = ballastMemoryReasonRemedy(reason, "vm'1");
        CHECK(remedy && (*remedy == '\0') == (reason == BALLAST_MEMORY_REASON_FRESH));
        free(remedy);
    }
    CHECK(!ballastMemoryReasonLabel(-1));
    CHECK(!ballastMemoryReasonLabel(BALLAST_MEMORY_REASON_NOT_TRUSTED + 1));
    FAILS(ballastMemoryReasonRemedy(-1, "x"), NULL, VIR_ERR_INVALID_ARG);
    FAILS(ballastMemoryReasonRemedy(99, NULL), NULL, VIR_ERR_INVALID_ARG);

    char *remedy = ballastMemoryReasonRemedy(BALLAST_MEMORY_REASON_POLLING_OFF, "vm1");
    CHECK(remedy && strstr(remedy, "vm1"));
    free(remedy);
    remedy = ballastMemoryReasonRemedy(BALLAST_MEMORY_REASON_POLLING_OFF, "\xff\xfe");
    CHECK(remedy && *remedy);
    free(remedy);
}

static void sampling(virDomainPtr dom)
{
    ballastMemorySample sample = sized();
    virDomainMemoryStatStruct stats[ROOM];
    int count = ballastDomainGetMemorySample(dom, &sample, stats, ROOM, 0);
    CHECK(count == VIR_DOMAIN_MEMORY_STAT_NR);
    CHECK(sample.size == sizeof sample);
    CHECK(sample.usedFormula == BALLAST_USED_AVAILABLE_MINUS_USABLE);
    CHECK(sample.lastUpdate == 627319920);
    CHECK(sample.age > 0);
    CHECK(sample.period == 0);
    CHECK(sample.freshness == BALLAST_FRESHNESS_STALE);
    for (int tag = 0; tag < VIR_DOMAIN_MEMORY_STAT_NR; tag++)
        CHECK(sample.missing[tag] == -1);
    virDomainMemoryStatStruct old[ROOM];
    CHECK(virDomainMemoryStats(dom, old, ROOM, 0) == count);
    for (int i = 0; i < count; i++)
        CHECK(old[i].tag == stats[i].tag && old[i].val == stats[i].val);

    /* less room, and none */
    memset(stats, 0x55, sizeof stats);
    CHECK(ballastDomainGetMemorySample(dom, &sample, stats, 2, BALLAST_MEMORY_EXTENDED) == 2);
    CHECK(stats[2].tag == 0x55555555);
    CHECK(ballastDomainGetMemorySample(dom, &sample, NULL, 0, 0) == 0);

    /* a program that was built with a longer structure keeps what this library does not know */
    struct { ballastMemorySample sample; unsigned char later[64]; } longer;
    memset(&longer, 0x5a, sizeof longer);
    longer.sample.size = sizeof longer;
    CHECK(ballastDomainGetMemorySample(dom, &longer.sample, NULL, 0, 0) == 0);
    CHECK(longer.later[0] == 0x5a && longer.sample.size == sizeof longer && longer.sample.lastUpdate == sample.lastUpdate);

    ballastMemorySample small = { .size = sizeof small - 1 };
    FAILS(ballastDomainGetMemorySample(dom, &small, stats, ROOM, 0), -1, VIR_ERR_INVALID_ARG);
    small.size = 0;
    FAILS(ballastDomainRefreshMemoryStats(dom, &small, stats, ROOM, 0), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastDomainGetMemorySample(dom, NULL, stats, ROOM, 0), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastDomainGetMemorySample(dom, &sample, NULL, ROOM, 0), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastDomainGetMemorySample(dom, &sample, stats, ROOM, 2), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastDomainRefreshMemoryStats(dom, &sample, stats, ROOM, 0x80000000), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastDomainGetMemoryStatsPeriod(dom, 1), -1, VIR_ERR_INVALID_ARG);

    CHECK(ballastDomainRefreshMemoryStats(dom, &sample, stats, ROOM, 0) == count);
    CHECK(ballastDomainGetMemoryStatsPeriod(dom, 0) == 0);
    CHECK(virDomainSetMemoryStatsPeriod(dom, 7, 0) == 0);
    CHECK(ballastDomainGetMemoryStatsPeriod(dom, 0) == 7);
    CHECK(virDomainSetMemoryStatsPeriod(dom, 0, 0) == 0);
}

static void samples_of_all(virConnectPtr conn)
{
    ballastMemoryRecordPtr *records = NULL;
    int count = ballastConnectGetMemorySamples(conn, NULL, &records, 0);
    CHECK(count == 3);
    for (int i = 0; i < count; i++) {
        CHECK(records[i]->nstats > 0 && records[i]->stats && records[i]->sample.size == sizeof(ballastMemorySample));
        CHECK(virDomainGetName(records[i]->dom) && virDomainGetConnect(records[i]->dom) == conn);
    }
    CHECK(records[count] == NULL);

    /* chosen ones, of which one is kept */
    virDomainPtr kept = records[1]->dom;
    CHECK(virDomainRef(kept) == 0);
    ballastMemoryRecordListFree(records);
    CHECK(virDomainGetName(kept) != NULL);
    virDomainPtr chosen[] = { kept, NULL };
    CHECK(ballastConnectGetMemorySamples(conn, chosen, &records, BALLAST_MEMORY_EXTENDED) == 1);
    CHECK(strcmp(virDomainGetName(records[0]->dom), virDomainGetName(kept)) == 0);
    ballastMemoryRecordListFree(records);
    chosen[0] = NULL;
    CHECK(ballastConnectGetMemorySamples(conn, chosen, &records, 0) == 0);
    CHECK(records && !*records);
    ballastMemoryRecordListFree(records);
    ballastMemoryRecordListFree(NULL);

    FAILS(ballastConnectGetMemorySamples(conn, NULL, NULL, 0), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastConnectGetMemorySamples(conn, NULL, &records, 2), -1, VIR_ERR_INVALID_ARG);
    virConnectPtr other = virConnectOpen("test:///default");
    virDomainPtr foreign[] = { kept, virDomainLookupByID(other, 1), NULL };
    FAILS(ballastConnectGetMemorySamples(conn, foreign, &records, 0), -1, VIR_ERR_INVALID_ARG);
    virDomainPtr stale = foreign[1];
    CHECK(virDomainFree(stale) == 0);
    FAILS(ballastConnectGetMemorySamples(conn, foreign, &records, 0), -1, VIR_ERR_INVALID_DOMAIN);
    CHECK(virConnectClose(other) == 0);
    CHECK(virDomainFree(kept) == 0);
}

static void watching(virConnectPtr conn)
{
    ballastWatchPtr watch = ballastConnectWatchMemoryStats(conn, NULL, 20, 0);
    int fd = ballastWatchGetFd(watch);
    CHECK(fd >= 0);
    int seen = 0;
    for (int i = 0; i < 9; i++) {
        ballastMemoryRecordPtr record = NULL;
        CHECK(is_readable(fd, 10000));
        CHECK(ballastWatchNext(watch, &record, 0) == 1);
        if (record) {
            seen |= 1 << (virDomainGetID(record->dom) % 8);
            CHECK(record->nstats > 0 && record->sample.size == sizeof record->sample);
        }
        ballastMemoryRecordFree(record);
    }
    CHECK(seen && (seen & (seen - 1))); /* more than one domain */
    ballastMemoryRecordPtr record = (ballastMemoryRecordPtr)watch;
    FAILS(ballastWatchNext(watch, NULL, 0), -1, VIR_ERR_INVALID_ARG);
    ballastWatchFree(watch);
    FAILS(ballastWatchGetFd(watch), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastWatchNext(watch, &record, 0), -1, VIR_ERR_INVALID_ARG);
    ballastWatchFree(watch);
    ballastWatchFree(NULL);
    ballastMemoryRecordFree(NULL);

    /* one domain, seldom: the first at once, then nothing for a long time */
    virDomainPtr dom = virDomainLookupByID(conn, 2);
    watch = ballastConnectWatchMemoryStats(conn, dom, 3600000, 0);
    CHECK(ballastWatchNext(watch, &record, -1) == 1);
    CHECK(virDomainGetID(record->dom) == 2);
    ballastMemoryRecordFree(record);
    CHECK(!is_readable(ballastWatchGetFd(watch), 0));
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(ballastWatchNext(watch, &record, 60) == 0 && record == NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 50);
    CHECK(ballastWatchNext(watch, &record, 0) == 0);

    FAILS(ballastConnectWatchMemoryStats(conn, NULL, 0, 0), NULL, VIR_ERR_INVALID_ARG);
    FAILS(ballastConnectWatchMemoryStats(conn, NULL, 1, 4), NULL, VIR_ERR_INVALID_ARG);
    FAILS(ballastConnectWatchMemoryStats(NULL, NULL, 1, 0), NULL, VIR_ERR_INVALID_CONN);
    FAILS(ballastConnectWatchMemoryStats(conn, (virDomainPtr)watch, 1, 0), NULL, VIR_ERR_INVALID_DOMAIN);
    virConnectPtr other = virConnectOpen("test:///default");
    FAILS(ballastConnectWatchMemoryStats(other, dom, 1, 0), NULL, VIR_ERR_INVALID_ARG);
    CHECK(virConnectClose(other) == 0);
    ballastWatchFree(watch);
    CHECK(virDomainFree(dom) == 0);
}

static void *take_for_ever(void *watch)
{
    ballastMemoryRecordPtr record;
    int result;
    while ((result = ballastWatchNext(watch, &record, -1)) == 1)
        ballastMemoryRecordFree(record);
    /* freed while it waited, or between two calls */
    return (void *)(intptr_t)(result == -1 ? virGetLastErrorCode() : 0);
}

static void *free_watch(void *watch)
{
    ballastWatchFree(watch);
    return NULL;
}

static void freeing_while_waiting(virConnectPtr conn)
{
    for (unsigned int period = 1; period <= 3600000; period *= 60) {
        ballastWatchPtr watch = ballastConnectWatchMemoryStats(conn, NULL, period, 0);
        pthread_t takers[2], freers[2];
        for (int i = 0; i < 2; i++)
            CHECK(pthread_create(&takers[i], NULL, take_for_ever, watch) == 0);
        usleep(30000);
        for (int i = 0; i < 2; i++)
            CHECK(pthread_create(&freers[i], NULL, free_watch, watch) == 0);
        for (int i = 0; i < 2; i++) {
            void *code;
            CHECK(pthread_join(takers[i], &code) == 0);
            CHECK((intptr_t)code == VIR_ERR_OPERATION_ABORTED || (intptr_t)code == VIR_ERR_INVALID_ARG);
            CHECK(pthread_join(freers[i], NULL) == 0);
        }
    }
}

static ballastWatchPtr interrupted;
static int checks;

static int not_yet(void *opaque)
{
    checks++;
    return checks >= *(int *)opaque;
}

static int free_it(void *opaque)
{
    (void)opaque;
    ballastWatchFree(interrupted);
    return 0;
}

static void interrupting(virConnectPtr conn)
{
    virDomainPtr dom = virDomainLookupByID(conn, 1);
    ballastMemoryRecordPtr record;
    interrupted = ballastConnectWatchMemoryStats(conn, dom, 3600000, 0);
    CHECK(ballastWatchNext(interrupted, &record, -1) == 1);
    ballastMemoryRecordFree(record);
    int after = 3;
    ballastSetInterruptCheck(not_yet, &after);
    FAILS(ballastWatchNext(interrupted, &record, -1), -1, VIR_ERR_OPERATION_ABORTED);
    CHECK(checks == 3);
    after = 1000000;
    CHECK(ballastWatchNext(interrupted, &record, 250) == 0);
    CHECK(checks > 3);

    /* the check may call the library, and even free what it waits for */
    ballastSetInterruptCheck(free_it, NULL);
    FAILS(ballastWatchNext(interrupted, &record, -1), -1, VIR_ERR_OPERATION_ABORTED);
    ballastSetInterruptCheck(NULL, NULL);
    CHECK(virDomainFree(dom) == 0);
}

static void named_values(void)
{
    virTypedParameterPtr params = NULL;
    int count = 0, room = 0;
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        CHECK(virTypedParamsAddInt(&params, &count, &room, name, i) == 0);
    }
    CHECK(count == 100 && room >= 100);

    /* Who forgot how much room there is gets new room; memory behind the array is never written to. */
    room = 0;
    CHECK(virTypedParamsAddString(&params, &count, &room, "text", "\xff bytes \xc3") == 0);
    CHECK(count == 101 && room >= 101);
    const char *text;
    CHECK(virTypedParamsGetString(params, count, "text", &text) == 1);
    CHECK(strcmp(text, "\xff bytes \xc3") == 0);
    int wrong = -3, value;
    FAILS(virTypedParamsAddInt(&params, &wrong, &room, "x", 1), -1, VIR_ERR_INVALID_ARG);
    int negative = -1;
    FAILS(virTypedParamsAddInt(&params, &count, &negative, "x", 1), -1, VIR_ERR_INVALID_ARG);
    CHECK(virTypedParamsGetInt(params, -1, "n1", &value) == 0);
    CHECK(virTypedParamsGetInt(params, count, "n99", &value) == 1 && value == 99);

    char longest[VIR_TYPED_PARAM_FIELD_LENGTH + 1];
    memset(longest, 'l', sizeof longest);
    longest[VIR_TYPED_PARAM_FIELD_LENGTH - 1] = '\0';
    CHECK(virTypedParamsAddBoolean(&params, &count, &room, longest, 5) == 0);
    CHECK(virTypedParamsGetBoolean(params, count, longest, &value) == 1 && value == 1);
    longest[VIR_TYPED_PARAM_FIELD_LENGTH - 1] = 'l';
    longest[VIR_TYPED_PARAM_FIELD_LENGTH] = '\0';
    FAILS(virTypedParamsAddInt(&params, &count, &room, longest, 1), -1, VIR_ERR_INVALID_ARG);
    virTypedParamsFree(params, count);
}

static void in_process(void)
{
    labels();
    named_values();
    virConnectPtr conn = virConnectOpen("test:///default");
    virDomainPtr dom = virDomainLookupByName(conn, "test");
    sampling(dom);

    virConnectPtr reader = virConnectOpenReadOnly("test:///default");
    virDomainPtr theirs = virDomainLookupByID(reader, 1);
    ballastMemorySample sample = sized();
    CHECK(ballastDomainGetMemorySample(theirs, &sample, NULL, 0, 0) == 0);
    FAILS(ballastDomainRefreshMemoryStats(theirs, &sample, NULL, 0, 0), -1, VIR_ERR_OPERATION_DENIED);
    CHECK(virDomainFree(theirs) == 0);
    CHECK(virConnectClose(reader) == 0);

    virConnectPtr fleet = virConnectOpen("test:///fleet?domains=3&seed=5");
    CHECK(fleet != NULL);
    samples_of_all(fleet);
    watching(fleet);
    freeing_while_waiting(fleet);
    interrupting(fleet);
    CHECK(virConnectClose(fleet) == 0);

    CHECK(virDomainFree(dom) == 0);
    FAILS(ballastDomainGetMemorySample(dom, &sample, NULL, 0, 0), -1, VIR_ERR_INVALID_DOMAIN);
    FAILS(ballastDomainGetMemorySample((virDomainPtr)conn, &sample, NULL, 0, 0), -1, VIR_ERR_INVALID_DOMAIN);
    FAILS(ballastDomainGetMemorySample((virDomainPtr)&sample, &sample, NULL, 0, 0), -1, VIR_ERR_INVALID_DOMAIN);
    CHECK(virConnectClose(conn) == 0);
    ballastMemoryRecordPtr *records;
    FAILS(ballastConnectGetMemorySamples(conn, NULL, &records, 0), -1, VIR_ERR_INVALID_CONN);
}

static void of_a_guest(const char *uri, const char *name)
{
    virConnectPtr conn = virConnectOpen(uri);
    virDomainPtr dom = virDomainLookupByName(conn, name);
    ballastMemorySample sample = sized();
    virDomainMemoryStatStruct stats[ROOM];
    CHECK(virDomainSetMemoryStatsPeriod(dom, 10, 0) == 0);
    int count = ballastDomainRefreshMemoryStats(dom, &sample, stats, ROOM, BALLAST_MEMORY_EXTENDED);
    CHECK(count > 0);
    CHECK(sample.reason == BALLAST_MEMORY_REASON_FRESH);
    CHECK(sample.freshness == BALLAST_FRESHNESS_FRESH);
    CHECK(sample.age >= 0 && sample.lastUpdate > 1600000000);
    for (int i = 0; i < count; i++)
        printf("%d %llu\n", stats[i].tag, stats[i].val);
    CHECK(virDomainFree(dom) == 0);
    CHECK(virConnectClose(conn) == 0);
}

int main(int argc, char **argv)
{
    virSetErrorFunc(NULL, quiet);
    if (argc == 3)
        of_a_guest(argv[1], argv[2]);
    else
        in_process();
    return finish();
}
