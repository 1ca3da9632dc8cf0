/*
 * Calls of one library, as many as its standard input asks for.
 *     calls LIBRARY URI
 * A line "stats N" asks the first domain for its memory statistics N times, "bulk N" all domains for their balloons'. It answers
 * each line with the nanoseconds that passed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 16, BALLOON = 4 };

struct stat_pair {
    int tag;
    unsigned long long value;
};

static void *library, *connection, *domain;

static void *find(const char *name)
{
    void *function = dlsym(library, name);
    if (function == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return function;
}

static int stats(void)
{
    static int (*ask)(void *, struct stat_pair *, unsigned, unsigned);
    struct stat_pair found[MOST];
    if (ask == NULL)
        *(void **)&ask = find("virDomainMemoryStats");
    return ask(domain, found, MOST, 0);
}

static int bulk(void)
{
    static int (*ask)(void *, unsigned, void ***, unsigned);
    static void (*release)(void **);
    void **records;
    if (ask == NULL) {
        *(void **)&ask = find("virConnectGetAllDomainStats");
        *(void **)&release = find("virDomainStatsRecordListFree");
    }
    int count = ask(connection, BALLOON, &records, 0);
    if (count >= 0)
        release(records);
    return count;
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
    void *(*open)(const char *);
    int (*list)(void *, void ***, unsigned);
    void **domains;
    char what[16];
    int calls;
    if (argc != 3)
        return 2;
    library = dlopen(argv[1], RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&open = find("virConnectOpen");
    *(void **)&list = find("virConnectListAllDomains");
    connection = open(argv[2]);
    if (connection == NULL || list(connection, &domains, 0) < 1) {
        fprintf(stderr, "%s: no domain\n", argv[2]);
        return 1;
    }
    domain = domains[0];
    puts("ready");
    fflush(stdout);
    while (scanf("%15s %d", what, &calls) == 2) {
        int (*call)(void) = strcmp(what, "bulk") == 0 ? bulk : stats;
        long long start = now();
        for (int i = 0; i < calls; i++) {
            if (call() < 1) {
                fprintf(stderr, "%s failed\n", what);
                return 1;
            }
        }
        printf("%lld\n", now() - start);
        fflush(stdout);
    }
    return 0;
}
