/*
 * A program that knows ballast.h alone, and uses all that libvirt has no words for.
 *
 *     own            the drivers in process
 *     own URI NAME   a domain of that connection, which answers
 *     own URI NAME libvirt   the only domain of a daemon of libvirt's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define BALLAST_ENUM_SENTINELS
#include "ballast.h"

#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
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

/* All numbers from 0 on, each other ones than the others; and none before and after. */
static void has_words(const char *(*label)(int), int last)
{
    for (int number = 0; number < last; number++) {
        CHECK(label(number) && *label(number));
        for (int other = 0; other < number; other++)
            CHECK(strcmp(label(number), label(other)) != 0);
    }
    CHECK(!label(-1) && !label(last) && !label(0x7fffffff));
}

/* What a program that was built with the first version relies on. */
static void first_version(void)
{
    CHECK(BALLAST_MEMORY_SAMPLE_VERSION1_SIZE == 368);
    CHECK(offsetof(ballastMemorySample, missing) == 48 && offsetof(ballastMemorySample, detailLength) == 112);
    CHECK(offsetof(ballastMemorySample, detail) + BALLAST_MEMORY_DETAIL_LENGTH == BALLAST_MEMORY_SAMPLE_VERSION1_SIZE);
    CHECK(offsetof(ballastMemoryRecord, nstats) == 4 && offsetof(ballastMemoryRecord, dom) == 8);
    CHECK(offsetof(ballastMemoryRecord, stats) == 16 && offsetof(ballastMemoryRecord, sample) == 24);
}

/* Any size from the first version's on gets exactly so many bytes. */
static void sizes(virDomainPtr dom)
{
    ballastMemorySample whole = sized();
    CHECK(ballastDomainGetMemorySample(dom, &whole, NULL, 0, 0) == 0);
    union { ballastMemorySample sample; unsigned char bytes[4096 + 16]; } its;
    for (unsigned int size = BALLAST_MEMORY_SAMPLE_VERSION1_SIZE; size <= 4096; size += size < 400 ? 1 : 1231) {
        memset(&its, 0x5a, sizeof its);
        its.sample.size = size;
        CHECK(ballastDomainGetMemorySample(dom, &its.sample, NULL, 0, 0) == 0);
        CHECK(its.sample.size == size && its.sample.lastUpdate == whole.lastUpdate);
        for (unsigned int i = sizeof its.sample; i < size; i++)
            CHECK(its.bytes[i] == 0);
        for (unsigned int i = size; i < sizeof its; i++)
            CHECK(its.bytes[i] == 0x5a);
    }
    const unsigned int wrong[] = { 0, BALLAST_MEMORY_SAMPLE_VERSION1_SIZE - 1, 4097, 0x5a5a5a5a, 0xffffffff };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memset(&its, 0x5a, sizeof its);
        its.sample.size = wrong[i];
        FAILS(ballastDomainGetMemorySample(dom, &its.sample, NULL, 0, 0), -1, VIR_ERR_INVALID_ARG);
        CHECK(strstr(virGetLastErrorMessage(), "sizeof"));
        FAILS(ballastDomainRefreshMemoryStats(dom, &its.sample, NULL, 0, 0), -1, VIR_ERR_INVALID_ARG);
        FAILS(ballastMemorySampleGetMissing(&its.sample, 0, NULL), -1, VIR_ERR_INVALID_ARG);
        for (unsigned int byte = sizeof its.sample.size; byte < sizeof its; byte++)
            CHECK(its.bytes[byte] == 0x5a);
    }
}

/* For each statistic there is a value or a reason; what was not asked for has neither. */
static void missing(virDomainPtr dom, unsigned int flags)
{
    ballastMemorySample sample = sized();
    virDomainMemoryStatStruct stats[ROOM];
    int count = ballastDomainGetMemorySample(dom, &sample, stats, ROOM, flags);
    for (int i = 0; i < VIR_DOMAIN_MEMORY_STAT_NR + 6; i++) {
        int isOurs = i >= VIR_DOMAIN_MEMORY_STAT_NR;
        int tag = isOurs ? BALLAST_DOMAIN_MEMORY_STAT_OOM_KILLS + i - VIR_DOMAIN_MEMORY_STAT_NR : i;
        int has = 0, reason = 99;
        for (int entry = 0; entry < count; entry++)
            has |= stats[entry].tag == tag;
        int expected = !has && (!isOurs || flags & BALLAST_MEMORY_EXTENDED);
        CHECK(ballastMemorySampleGetMissing(&sample, tag, &reason) == expected);
        CHECK((reason == 99) == !expected && (!expected || ballastMemoryReasonLabel(reason)));
        CHECK(ballastMemorySampleGetMissing(&sample, tag, NULL) == expected);
    }
    const int unknown[] = { -1, VIR_DOMAIN_MEMORY_STAT_NR, 31, 32, 64, 0x42000000, BALLAST_DOMAIN_MEMORY_STAT_LAST, 0x7fffffff };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        FAILS(ballastMemorySampleGetMissing(&sample, unknown[i], NULL), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastMemorySampleGetMissing(NULL, 0, NULL), -1, VIR_ERR_INVALID_ARG);
}

static void labels(void)
{
    CHECK(ballastGetVersion() && strchr(ballastGetVersion(), '.'));
    CHECK(ballastGetVersion() == ballastGetVersion());
    CHECK(strcmp(ballastMemoryStatLabel(VIR_DOMAIN_MEMORY_STAT_SWAP_IN), "swap_in") == 0);
    CHECK(strcmp(ballastMemoryStatLabel(VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON), "actual") == 0);
    for (int tag = 0; tag < VIR_DOMAIN_MEMORY_STAT_NR; tag++)
        CHECK(ballastMemoryStatLabel(tag) && *ballastMemoryStatLabel(tag));
    for (int tag = BALLAST_DOMAIN_MEMORY_STAT_OOM_KILLS; tag < BALLAST_DOMAIN_MEMORY_STAT_LAST; tag++)
        CHECK(ballastMemoryStatLabel(tag) && *ballastMemoryStatLabel(tag));
    CHECK(!ballastMemoryStatLabel(-1));
    CHECK(!ballastMemoryStatLabel(VIR_DOMAIN_MEMORY_STAT_NR));
    CHECK(!ballastMemoryStatLabel(BALLAST_DOMAIN_MEMORY_STAT_LAST));
    CHECK(!ballastMemoryStatLabel(0x7fffffff));

    CHECK(strcmp(ballastMemoryReasonLabel(BALLAST_MEMORY_REASON_POLLING_OFF), "polling off") == 0);
    for (int reason = 0; reason < BALLAST_MEMORY_REASON_LAST; reason++) {
        CHECK(ballastMemoryReasonLabel(reason) && *ballastMemoryReasonLabel(reason));
        char *remedy = ballastMemoryReasonRemedy(reason, "vm'1");
        CHECK(remedy && (*remedy == '\0') == (reason == BALLAST_MEMORY_REASON_FRESH));
        free(remedy);
    }
    CHECK(!ballastMemoryReasonLabel(-1));
    CHECK(!ballastMemoryReasonLabel(BALLAST_MEMORY_REASON_LAST));
    FAILS(ballastMemoryReasonRemedy(-1, "x"), NULL, VIR_ERR_INVALID_ARG);
    FAILS(ballastMemoryReasonRemedy(99, NULL), NULL, VIR_ERR_INVALID_ARG);

    /* words are asked for while an error is told of, too */
    CHECK(ballastMemoryReasonLabel(0) && !ballastFreshnessLabel(99) && virGetLastErrorCode() == VIR_ERR_INVALID_ARG);

    has_words(ballastFreshnessLabel, BALLAST_FRESHNESS_LAST);
    has_words(ballastUsedFormulaLabel, BALLAST_USED_LAST);
    CHECK(strcmp(ballastFreshnessLabel(BALLAST_FRESHNESS_NEVER_REPORTED), "never reported") == 0);
    CHECK(strcmp(ballastUsedFormulaLabel(BALLAST_USED_AVAILABLE_MINUS_USABLE), "available - usable") == 0);
    for (unsigned int bit = 1; bit; bit <<= 1)
        CHECK(!ballastMemoryInconsistencyLabel(bit) == (bit > BALLAST_INCONSISTENT_AVAILABLE_ZERO));
    CHECK(strcmp(ballastMemoryInconsistencyLabel(BALLAST_INCONSISTENT_USABLE_ABOVE_AVAILABLE), "usable above available") == 0);
    CHECK(!ballastMemoryInconsistencyLabel(0) && !ballastMemoryInconsistencyLabel(3));

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
    CHECK(sample.detailLength == strlen(sample.detail));
    missing(dom, 0);
    missing(dom, BALLAST_MEMORY_EXTENDED);
    virDomainMemoryStatStruct old[ROOM];
    CHECK(virDomainMemoryStats(dom, old, ROOM, 0) == count);
    for (int i = 0; i < count; i++)
        CHECK(old[i].tag == stats[i].tag && old[i].val == stats[i].val);

    /* less room, and none */
    memset(stats, 0x55, sizeof stats);
    CHECK(ballastDomainGetMemorySample(dom, &sample, stats, 2, BALLAST_MEMORY_EXTENDED) == 2);
    CHECK(stats[2].tag == 0x55555555);
    CHECK(ballastDomainGetMemorySample(dom, &sample, NULL, 0, 0) == 0);

    sizes(dom);
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
        CHECK(records[i]->nstats > 0 && records[i]->stats && records[i]->size == sizeof(ballastMemoryRecord));
        CHECK(records[i]->sample->size == sizeof(ballastMemorySample));
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
            CHECK(record->nstats > 0 && record->sample->size == sizeof *record->sample);
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
    ballastWatchFree(watch);

    /* read late: as old as it is then */
    ballastMemorySample now = sized();
    CHECK(ballastDomainGetMemorySample(dom, &now, NULL, 0, 0) == 0 && now.age >= 0);
    watch = ballastConnectWatchMemoryStats(conn, dom, 3600000, 0);
    CHECK(is_readable(ballastWatchGetFd(watch), 10000));
    usleep(1200000);
    CHECK(ballastWatchNext(watch, &record, 0) == 1 && record->sample->age >= now.age + 1200);
    ballastMemoryRecordFree(record);
    CHECK(!is_readable(ballastWatchGetFd(watch), 0));

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

/* Until this domain is the next to be told of; the others of a connection are no matter. */
static virDomainPtr next_of(ballastWatchPtr watch, const char *name)
{
    for (int i = 0; i < 1000; i++) {
        ballastMemoryRecordPtr record;
        if (ballastWatchNext(watch, &record, 10000) != 1)
            return NULL;
        virDomainPtr dom = record->dom;
        int isMeant = strcmp(virDomainGetName(dom), name) == 0;
        if (isMeant)
            CHECK(virDomainRef(dom) == 0);
        ballastMemoryRecordFree(record);
        if (isMeant)
            return dom;
    }
    return NULL;
}

/* One rule for one domain and for all: it goes, and there is silence, which is no failure. */
static void going(int isOne)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    virDomainPtr dom = virDomainLookupByName(conn, "test");
    ballastWatchPtr watch = ballastConnectWatchMemoryStats(conn, isOne ? dom : NULL, 10, 0);
    virDomainPtr seen = next_of(watch, "test");
    CHECK(seen && virDomainGetID(seen) == virDomainGetID(dom));
    CHECK(virDomainFree(seen) == 0);

    CHECK(virDomainDestroy(dom) == 0);
    ballastMemoryRecordPtr record;
    int told = 0;
    while (told < 100 && ballastWatchNext(watch, &record, 300) == 1) { /* what was under way */
        ballastMemoryRecordFree(record);
        told++;
    }
    CHECK(told < 3 && ballastWatchNext(watch, &record, 0) == 0);

    /* one that is not there when the watch begins is no failure, either */
    ballastWatchPtr later = ballastConnectWatchMemoryStats(conn, isOne ? dom : NULL, 10, 0);
    CHECK(later && ballastWatchNext(later, &record, 100) == 0);
    ballastWatchFree(later);
    CHECK(ballastWatchNext(watch, &record, 0) == 0);
    ballastWatchFree(watch);
    CHECK(virDomainFree(dom) == 0);
    CHECK(virConnectClose(conn) == 0);
}

static void ending_with_the_connection(int isOne)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    virDomainPtr dom = virDomainLookupByName(conn, "test");
    ballastWatchPtr watch = ballastConnectWatchMemoryStats(conn, isOne ? dom : NULL, 10, 0);
    ballastMemoryRecordPtr record;
    /* the connection is shut down, while somebody waits for what comes in an hour, too */
    ballastWatchPtr slow = ballastConnectWatchMemoryStats(conn, isOne ? dom : NULL, 3600000, 0);
    virDomainPtr seen = next_of(slow, "test");
    CHECK(seen && virDomainFree(seen) == 0);
    CHECK(ballastConnectShutdown(conn) == 0);
    FAILS(ballastWatchNext(slow, &record, -1), -1, VIR_ERR_INVALID_CONN);
    while (ballastWatchNext(watch, &record, -1) == 1)
        ballastMemoryRecordFree(record);
    CHECK(virGetLastErrorCode() == VIR_ERR_INVALID_CONN);
    FAILS(ballastWatchNext(watch, &record, -1), -1, VIR_ERR_INVALID_CONN);
    CHECK(is_readable(ballastWatchGetFd(watch), 0));

    /* its handles are still handles */
    CHECK(strcmp(virDomainGetName(dom), "test") == 0);
    ballastMemorySample sample = sized();
    FAILS(ballastDomainGetMemorySample(dom, &sample, NULL, 0, 0), -1, VIR_ERR_INVALID_CONN);
    FAILS(virDomainSuspend(dom), -1, VIR_ERR_INVALID_CONN);
    FAILS(virConnectNumOfDomains(conn), -1, VIR_ERR_INVALID_CONN);
    CHECK(ballastConnectShutdown(conn) == 0);
    ballastWatchFree(slow);
    ballastWatchFree(watch);
    CHECK(virDomainFree(dom) == 0);
    CHECK(virConnectClose(conn) == 0);
    FAILS(ballastConnectShutdown(conn), -1, VIR_ERR_INVALID_CONN);
}

static void *ask_for_ever(void *dom)
{
    virDomainMemoryStatStruct stats[ROOM];
    virDomainPtr domain = dom;
    while (virDomainMemoryStats(domain, stats, ROOM, 0) >= 0)
        ;
    return (void *)(intptr_t)virGetLastErrorCode();
}

static void *shut_down(void *conn)
{
    return (void *)(intptr_t)ballastConnectShutdown(conn);
}

/* Others are in the middle of calls, and two shut it down at once. */
static void shutting_down_while_asking(void)
{
    virConnectPtr conn = virConnectOpen("test:///fleet?domains=3&seed=5");
    virDomainPtr dom = virDomainLookupByID(conn, 1);
    pthread_t askers[4], closers[2];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&askers[i], NULL, ask_for_ever, dom) == 0);
    usleep(20000);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&closers[i], NULL, shut_down, conn) == 0);
    void *result;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(closers[i], &result) == 0 && !result);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(askers[i], &result) == 0 && (intptr_t)result == VIR_ERR_INVALID_CONN);
    CHECK(virDomainFree(dom) == 0);
    CHECK(virConnectClose(conn) == 0);
}

static int freed;

static void count_free(void *opaque)
{
    (void)opaque;
    freed++;
}

static void never(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
    (void)conn, (void)dom, (void)opaque;
}

static void shutting_down_what_events_hold(void)
{
    CHECK(virEventRegisterDefaultImpl() == 0);
    virConnectPtr conn = virConnectOpen("test:///default");
    CHECK(virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_REBOOT, never, NULL, count_free) >= 0);
    CHECK(ballastConnectShutdown(conn) == 0);
    CHECK(freed == 1);
    CHECK(virConnectClose(conn) == 0);
}

static int ticks;

static void tick(int timer, void *opaque)
{
    (void)timer, (void)opaque;
    ticks++;
}

/* Nothing of the program's is called any more, and all else works: it is the last that this process does. */
static void ending_callbacks(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    int timer = virEventAddTimeout(0, tick, NULL, count_free);
    CHECK(virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_REBOOT, never, NULL, count_free) >= 0);
    CHECK(virEventRunDefaultImpl() == 0 && ticks == 1);
    freed = 0;
    ballastEndCallbacks();
    CHECK(virEventRunDefaultImpl() == 0);
    CHECK(ballastConnectShutdown(conn) == 0);
    CHECK(virEventRemoveTimeout(timer) == 0);
    timer = virEventAddTimeout(0, tick, NULL, NULL);
    CHECK(virEventRunDefaultImpl() == 0 && virEventRunDefaultImpl() == 0);
    CHECK(virEventRemoveTimeout(timer) == 0);
    CHECK(ticks == 1 && freed == 0);
    CHECK(virConnectClose(conn) == 0);
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
    FAILS(virTypedParamsAddInt(&params, &count, &room, longest, 1), -1, VIR_ERR_INTERNAL_ERROR);
    virTypedParamsFree(params, count);
}

/* A size that the host knows, or -1 where it does not. */
static int is_size(long long kib)
{
    return kib >= -1 && kib < 1LL << 50;
}

static int is_pressure(const ballastMemoryPressure *pressure)
{
    if (pressure->total == -1)
        return pressure->last10 == -1 && pressure->last60 == -1 && pressure->last300 == -1;
    return pressure->total >= 0 && pressure->last10 >= 0 && pressure->last10 <= 1 && pressure->last60 >= 0
        && pressure->last60 <= 1 && pressure->last300 >= 0 && pressure->last300 <= 1;
}

/* As with samples, any size from the first version's on gets exactly so many bytes. */
static void host_sizes(virConnectPtr conn)
{
    CHECK(BALLAST_HOST_MEMORY_VERSION1_SIZE == 160);
    CHECK(offsetof(ballastHostMemory, groupUnreclaimable) + sizeof(long long) == BALLAST_HOST_MEMORY_VERSION1_SIZE);
    union { ballastHostMemory host; unsigned char bytes[4096 + 16]; } its;
    for (unsigned int size = BALLAST_HOST_MEMORY_VERSION1_SIZE; size <= 4096; size += size < 192 ? 1 : 1952) {
        memset(&its, 0x5a, sizeof its);
        its.host.size = size;
        CHECK(ballastConnectGetHostMemory(conn, NULL, &its.host, 0) == 0);
        CHECK(its.host.size == size && its.host.total > 0);
        for (unsigned int i = sizeof its.host; i < size; i++)
            CHECK(its.bytes[i] == 0);
        for (unsigned int i = size; i < sizeof its; i++)
            CHECK(its.bytes[i] == 0x5a);
    }
    const unsigned int wrong[] = { 0, BALLAST_HOST_MEMORY_VERSION1_SIZE - 1, 4097, 0xffffffff };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memset(&its, 0x5a, sizeof its);
        its.host.size = wrong[i];
        FAILS(ballastConnectGetHostMemory(conn, NULL, &its.host, 0), -1, VIR_ERR_INVALID_ARG);
        CHECK(strstr(virGetLastErrorMessage(), "sizeof"));
        for (unsigned int byte = sizeof its.host.size; byte < sizeof its; byte++)
            CHECK(its.bytes[byte] == 0x5a);
    }
    FAILS(ballastConnectGetHostMemory(conn, NULL, NULL, 0), -1, VIR_ERR_INVALID_ARG);
    its.host.size = sizeof its.host;
    FAILS(ballastConnectGetHostMemory(conn, NULL, &its.host, 1), -1, VIR_ERR_INVALID_ARG);
}

static void simulated_host(virConnectPtr fleet, virConnectPtr foreign)
{
    ballastHostMemory host = { .size = sizeof host };
    CHECK(ballastConnectGetHostMemory(fleet, NULL, &host, 0) == 0);
    CHECK(host.reason == BALLAST_MEMORY_REASON_FRESH && host.total >= host.available && host.available >= host.free);
    CHECK(host.swapTotal == host.swapFree && host.merged == 0 && host.somePressure.total == 0 && host.somePressure.last10 == 0);
    CHECK(host.hasGroup == 0 && host.groupMax == -1 && host.groupCurrent == -1);
    CHECK(ballastConnectGetHostMemory(fleet, "nobody", &host, 0) == 0 && host.hasGroup == 0);
    host_sizes(fleet);

    ballastProcessMemoryPtr *records = NULL;
    int count = ballastConnectGetProcessMemory(fleet, NULL, &records, 0);
    CHECK(count == 3 && !records[3]);
    for (int i = 0; i < count; i++) {
        CHECK(records[i]->size == sizeof **records && records[i]->reason == BALLAST_MEMORY_REASON_FRESH);
        CHECK(virDomainGetName(records[i]->dom) && records[i]->swapped == 0 && records[i]->runTime > 0);
        CHECK(records[i]->reportsFreePages == 0 && records[i]->deflatesOnOom == 0 && !records[i]->groupPath);
        CHECK(records[i]->hasGroup == 0 && records[i]->groupMax == -1);
    }
    virDomainPtr first = count > 0 ? records[0]->dom : NULL;
    CHECK(virDomainRef(first) == 0);
    ballastProcessMemoryListFree(records);
    virDomainPtr chosen[] = { first, NULL };
    CHECK(ballastConnectGetProcessMemory(fleet, chosen, &records, 0) == 1);
    CHECK(strcmp(virDomainGetName(records[0]->dom), virDomainGetName(first)) == 0);
    ballastProcessMemoryListFree(records);
    CHECK(ballastConnectGetProcessMemory(fleet, chosen + 1, &records, 0) == 0 && !*records);
    ballastProcessMemoryListFree(records);
    ballastProcessMemoryListFree(NULL);
    FAILS(ballastConnectGetProcessMemory(fleet, NULL, NULL, 0), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastConnectGetProcessMemory(fleet, NULL, &records, 1), -1, VIR_ERR_INVALID_ARG);
    FAILS(ballastConnectGetProcessMemory(foreign, chosen, &records, 0), -1, VIR_ERR_INVALID_ARG);
    CHECK(virDomainFree(first) == 0);
}

/* Of a real host: prints what can be compared with what its kernel says. */
static void real_host(virConnectPtr conn, const char *name)
{
    ballastHostMemory host = { .size = sizeof host };
    CHECK(ballastConnectGetHostMemory(conn, NULL, &host, 0) == 0);
    CHECK(host.reason == BALLAST_MEMORY_REASON_FRESH);
    CHECK(host.total > 0 && host.free > 0 && host.available > 0 && host.available <= host.total);
    CHECK(host.swapFree >= 0 && host.swapFree <= host.swapTotal && is_size(host.merged));
    CHECK(is_pressure(&host.somePressure) && is_pressure(&host.fullPressure) && host.hasGroup == 0);
    CHECK(ballastConnectGetHostMemory(conn, "no/such/group", &host, 0) == 0 && host.hasGroup == 0);
    printf("host %lld %lld %d\n", host.total, host.swapTotal, host.somePressure.total >= 0);

    ballastProcessMemoryPtr *records = NULL;
    int count = ballastConnectGetProcessMemory(conn, NULL, &records, 0);
    CHECK(count == 1);
    for (int i = 0; i < count; i++) {
        ballastProcessMemoryPtr one = records[i];
        CHECK(one->reason == BALLAST_MEMORY_REASON_FRESH && strcmp(virDomainGetName(one->dom), name) == 0);
        CHECK(one->swapped >= 0 && one->locked >= 0 && one->pinned >= 0 && one->hugePages >= 0 && is_size(one->merged));
        CHECK(one->runTime > 0 && one->reportsFreePages >= 0 && one->deflatesOnOom >= 0);
        CHECK(!one->hasGroup == (one->groupMax == -1 && one->groupHigh == -1 && one->groupCurrent == -1));
        printf("process %lld %d %d %s\n", one->locked, one->deflatesOnOom, one->reportsFreePages, one->groupPath ? one->groupPath : "-");
        if (one->hasGroup) {
            CHECK(ballastConnectGetHostMemory(conn, one->groupPath, &host, 0) == 0);
            CHECK(host.hasGroup == 1 && is_size(host.groupMax) && is_size(host.groupHigh) && host.groupCurrent > 0);
        }
    }
    ballastProcessMemoryListFree(records);
}

/* A daemon of libvirt's tells little of that, and says so. */
static void of_libvirts_daemon(const char *uri, const char *name)
{
    virConnectPtr conn = virConnectOpen(uri);
    ballastHostMemory host = { .size = sizeof host };
    CHECK(ballastConnectGetHostMemory(conn, NULL, &host, 0) == 0);
    CHECK(host.reason == BALLAST_MEMORY_REASON_UNSUPPORTED_BY_DAEMON);
    CHECK(host.total > 0 && host.free > 0 && host.available >= host.free);
    CHECK(host.swapTotal == -1 && host.swapFree == -1 && host.merged == -1 && host.somePressure.total == -1);
    CHECK(is_pressure(&host.somePressure) && is_pressure(&host.fullPressure) && host.groupMax == -1);
    FAILS(ballastConnectGetHostMemory(conn, "machine.slice", &host, 0), -1, VIR_ERR_NO_SUPPORT);
    CHECK(strstr(virGetLastErrorMessage(), "ballastd"));

    ballastProcessMemoryPtr *records = NULL;
    CHECK(ballastConnectGetProcessMemory(conn, NULL, &records, 0) == 1);
    CHECK(records[0]->reason == BALLAST_MEMORY_REASON_UNSUPPORTED_BY_DAEMON);
    CHECK(strcmp(virDomainGetName(records[0]->dom), name) == 0);
    CHECK(records[0]->swapped == -1 && records[0]->locked == -1 && records[0]->runTime == -1);
    CHECK(records[0]->deflatesOnOom == -1 && !records[0]->groupPath && !records[0]->hasGroup);
    ballastProcessMemoryListFree(records);
    CHECK(virConnectClose(conn) == 0);
}

static void in_process(void)
{
    labels();
    first_version();
    named_values();
    for (int isOne = 0; isOne < 2; isOne++) {
        going(isOne);
        ending_with_the_connection(isOne);
    }
    shutting_down_while_asking();
    shutting_down_what_events_hold();
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
    simulated_host(fleet, conn);
    CHECK(virConnectClose(fleet) == 0);

    CHECK(virDomainFree(dom) == 0);
    FAILS(ballastDomainGetMemorySample(dom, &sample, NULL, 0, 0), -1, VIR_ERR_INVALID_DOMAIN);
    FAILS(ballastDomainGetMemorySample((virDomainPtr)conn, &sample, NULL, 0, 0), -1, VIR_ERR_INVALID_DOMAIN);
    FAILS(ballastDomainGetMemorySample((virDomainPtr)&sample, &sample, NULL, 0, 0), -1, VIR_ERR_INVALID_DOMAIN);
    CHECK(virConnectClose(conn) == 0);
    ballastMemoryRecordPtr *records;
    FAILS(ballastConnectGetMemorySamples(conn, NULL, &records, 0), -1, VIR_ERR_INVALID_CONN);
    ending_callbacks();
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

    /* why it is paused is no part of the first version's sample */
    CHECK(sample.pauseCause == BALLAST_PAUSE_UNKNOWN);
    CHECK(virDomainSuspend(dom) == 0);
    ballastMemorySample old = { .size = BALLAST_MEMORY_SAMPLE_VERSION1_SIZE, .pauseCause = 77 };
    CHECK(ballastDomainGetMemorySample(dom, &sample, NULL, 0, 0) == 0);
    CHECK(ballastDomainGetMemorySample(dom, &old, NULL, 0, 0) == 0);
    CHECK(sample.reason == BALLAST_MEMORY_REASON_PAUSED && sample.pauseCause == BALLAST_PAUSE_WAITING);
    CHECK(old.reason == BALLAST_MEMORY_REASON_PAUSED && old.pauseCause == 77);
    ballastMemoryRecordPtr *records = NULL;
    CHECK(ballastConnectGetMemorySamples(conn, NULL, &records, 0) == 1);
    CHECK(records[0]->sample->pauseCause == BALLAST_PAUSE_WAITING);
    ballastMemoryRecordListFree(records);
    CHECK(virDomainResume(dom) == 0);
    CHECK(ballastDomainGetMemorySample(dom, &sample, NULL, 0, 0) == 0 && sample.pauseCause == BALLAST_PAUSE_UNKNOWN);
    real_host(conn, name);
    CHECK(virDomainFree(dom) == 0);
    CHECK(virConnectClose(conn) == 0);
}

int main(int argc, char **argv)
{
    virSetErrorFunc(NULL, quiet);
    if (argc == 4)
        of_libvirts_daemon(argv[1], argv[2]);
    else if (argc == 3)
        of_a_guest(argv[1], argv[2]);
    else
        in_process();
    return finish();
}
