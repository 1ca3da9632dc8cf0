/*
 * Two domains behind monitors of their own, of which one stands still: it costs its own callers their deadline, and nobody
 * else anything. Afterwards it is there again.
 *
 *     hung URI PID URI      the first one's process is stopped and continued
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ballast.h"

#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static virDomainPtr hung;
static atomic_int isDone;

static virDomainPtr only(const char *uri)
{
    virDomainPtr *list = NULL, first = NULL;
    virConnectPtr conn = virConnectOpen(uri);
    CHECK(virConnectListAllDomains(conn, &list, 0) == 1);
    if (list)
        first = list[0];
    free(list);
    return first;
}

static void *ask(void *unused)
{
    (void)unused;
    virDomainMemoryStatStruct stats[16];
    FAILS(virDomainMemoryStats(hung, stats, 16, 0), -1, VIR_ERR_OPERATION_TIMEOUT);
    ballastMemorySample sample = { .size = sizeof sample };
    CHECK(ballastDomainGetMemorySample(hung, &sample, stats, 16, 0) >= 0);
    CHECK(sample.reason == BALLAST_MEMORY_REASON_MONITOR_HUNG);
    isDone = 1;
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    alarm(120); /* who waits for ever fails */
    virSetErrorFunc(NULL, quiet);
    pid_t pid = atoi(argv[2]);
    hung = only(argv[1]);
    virDomainPtr other = only(argv[3]);
    virDomainMemoryStatStruct stats[16];
    CHECK(virDomainMemoryStats(hung, stats, 16, 0) > 0);
    CHECK(virDomainMemoryStats(other, stats, 16, 0) > 0);

    CHECK(kill(pid, SIGSTOP) == 0);
    pthread_t asking;
    CHECK(pthread_create(&asking, NULL, ask, NULL) == 0);
    int meanwhile = 0;
    while (!isDone) {
        CHECK(virDomainMemoryStats(other, stats, 16, 0) > 0);
        meanwhile++;
        usleep(1000);
    }
    CHECK(pthread_join(asking, NULL) == 0);
    CHECK(meanwhile > 5);
    CHECK(kill(pid, SIGCONT) == 0);
    while (virDomainMemoryStats(hung, stats, 16, 0) < 0)
        usleep(10000);

    virConnectPtr conns[] = { virDomainGetConnect(hung), virDomainGetConnect(other) };
    CHECK(virDomainFree(hung) == 0);
    CHECK(virDomainFree(other) == 0);
    CHECK(virConnectClose(conns[0]) == 0);
    CHECK(virConnectClose(conns[1]) == 0);
    return finish();
}
