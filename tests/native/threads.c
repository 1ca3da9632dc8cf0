/*
 * Eight threads make a million calls: results and errors are each thread's own, memory stays as it is. And several threads
 * free and close the same things at once while others use them: nothing is freed twice.
 *
 *     threads CALLS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ballast.h"

#include "check.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#define THREADS 8
#define CALLS_OF_A_TURN 10
#define RACES 2000

static virConnectPtr conn;
static virDomainPtr dom;
static int turns;
static pthread_barrier_t line;

static void a_turn(int thread, int turn)
{
    char text[32];
    virDomainMemoryStatStruct stats[16];
    for (int i = 0; i < 3; i++)
        CHECK(virDomainMemoryStats(dom, stats, 13, 0) == 13);
    virDomainPtr found = virDomainLookupByName(conn, "test");
    CHECK(strcmp(virDomainGetName(found), "test") == 0);
    CHECK(virDomainFree(found) == 0);
    virDomainPtr *list = NULL;
    CHECK(virConnectListAllDomains(conn, &list, 0) == 1);
    CHECK(virDomainFree(list[0]) == 0);
    free(list);

    /* an error, and its text, is the thread's own, whatever the others do meanwhile */
    virTypedParameterPtr params = NULL;
    int count = 0, room = 0;
    snprintf(text, sizeof text, "t%d-%d", thread, turn);
    CHECK(virTypedParamsAddFromString(&params, &count, &room, text, VIR_TYPED_PARAM_INT, "none") == -1);
    if (turn % 64 == 0)
        usleep(1);
    CHECK(virGetLastErrorCode() == VIR_ERR_INVALID_ARG && strstr(virGetLastErrorMessage(), text));
    CHECK(virDomainLookupByID(conn, 1000 + thread) == NULL);
    CHECK(virGetLastErrorCode() == VIR_ERR_NO_DOMAIN);
    virTypedParamsFree(params, count);
    if (turn % 500 == 0) {
        virDomainStatsRecordPtr *records = NULL;
        CHECK(virConnectGetAllDomainStats(conn, 0, &records, 0) == 1);
        virDomainStatsRecordListFree(records);
        virConnectPtr another = virConnectOpenReadOnly("test:///default");
        CHECK(virConnectClose(another) == 0);
    }
}

static void *make_turns(void *number)
{
    for (int turn = 0; turn < turns; turn++)
        a_turn((int)(intptr_t)number, turn);
    return NULL;
}

static void run(int calls)
{
    pthread_t threads[THREADS];
    turns = calls / CALLS_OF_A_TURN / THREADS;
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, make_turns, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static long resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld %ld", &pages, &resident) == 2);
    if (file)
        fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static virConnectPtr racedConn;
static virDomainPtr racedDom;
static atomic_int referred, freed, closed, wrong;

/* There are more who do so than counts: one of them fails, whoever it is. */
static void free_raced(void)
{
    if (virDomainFree(racedDom) == 0)
        freed++;
    else
        wrong += virGetLastErrorCode() != VIR_ERR_INVALID_DOMAIN;
}

/* Numbers 0 and 1 let go of the domain, 2 and 3 of the connection; the others use both. */
static void *race(void *number)
{
    for (int i = 0; i < RACES; i++) {
        virDomainMemoryStatStruct stats[16];
        pthread_barrier_wait(&line);
        switch ((int)(intptr_t)number) {
        case 0:
        case 1:
            free_raced();
            break;
        case 2:
        case 3:
            if (virConnectClose(racedConn) >= 0)
                closed++;
            else
                wrong += virGetLastErrorCode() != VIR_ERR_INVALID_CONN;
            break;
        case 4:
            (void)virDomainMemoryStats(racedDom, stats, 13, 0);
            (void)virDomainMemoryStats(racedDom, stats, 13, 99);
            break;
        case 5: {
            virDomainPtr found = virDomainLookupByID(racedConn, 1);
            if (found)
                wrong += virDomainFree(found) != 0;
            break;
        }
        case 6: {
            virDomainPtr *list = NULL;
            int count = virConnectListAllDomains(racedConn, &list, 0);
            for (int at = 0; at < count; at++)
                wrong += virDomainFree(list[at]) != 0;
            free(list);
            break;
        }
        default:
            if (virDomainRef(racedDom) == 0) {
                referred++;
                free_raced();
            }
            (void)virDomainLookupByID(racedConn, 99);
            (void)virConnGetLastError(racedConn);
        }
        pthread_barrier_wait(&line);
    }
    return NULL;
}

static void races(void)
{
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&line, NULL, THREADS + 1) == 0);
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, race, (void *)i) == 0);
    for (int i = 0; i < RACES; i++) {
        racedConn = virConnectOpen("test:///default");
        racedDom = virDomainLookupByID(racedConn, 1);
        pthread_barrier_wait(&line);
        pthread_barrier_wait(&line);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(freed == RACES + referred);
    CHECK(closed >= RACES && closed <= 2 * RACES); /* who closes twice may give back the count of a domain */
    CHECK(wrong == 0);
}

int main(int argc, char **argv)
{
    int calls = argc > 1 ? atoi(argv[1]) : 100000;
    virSetErrorFunc(NULL, quiet);
    conn = virConnectOpen("test:///default");
    dom = virDomainLookupByID(conn, 1);
    run(calls / 2);
    size_t heap = mallinfo2().uordblks;
    long resident = resident_kib();
    run(calls);
    size_t heapAfter = mallinfo2().uordblks;
    long residentAfter = resident_kib();
    fprintf(stdout, "heap %zu -> %zu bytes, resident %ld -> %ld KiB\n", heap, heapAfter, resident, residentAfter);
    CHECK(heapAfter < heap + 64 * 1024);
    CHECK(residentAfter < resident + 8 * 1024);

    races();
    CHECK(virDomainFree(dom) == 0);
    CHECK(virConnectClose(conn) == 0);
    return finish();
}
