/*
 * The system has no room for a thread more, from one moment on: what had begun goes on, and new calls work or say why not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ballast.h"

#include "check.h"

#include <grp.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLERS 8
#define STARTS 6

static virConnectPtr conn;
static pthread_barrier_t line;

static void *watch(void *unused)
{
    (void)pthread_barrier_wait(&line);
    for (int i = 0; i < 20; i++) {
        ballastWatchPtr watch = ballastConnectWatchMemoryStats(conn, NULL, 5, 0);
        CHECK(watch != NULL);
        for (int k = 0; k < 5; k++) {
            ballastMemoryRecordPtr record = NULL;
            CHECK(ballastWatchNext(watch, &record, 20000) == 1);
            ballastMemoryRecordFree(record);
        }
        ballastWatchFree(watch);
        virConnectPtr other = virConnectOpen("test:///default");
        CHECK(other && virConnectClose(other) == 0);
    }
    return unused;
}

static int start(void)
{
    const uid_t nobodys = 3000000 + (uid_t)getpid();
    struct rlimit none = { 1, 1 };
    pthread_t callers[CALLERS];
    alarm(100);
    if (setgroups(0, NULL) != 0 || setgid(nobodys) != 0 || setuid(nobodys) != 0)
        return 2;
    conn = virConnectOpen("test:///fleet?domains=20&seed=1");
    CHECK(conn != NULL);
    (void)pthread_barrier_init(&line, NULL, CALLERS + 1);
    for (int i = 0; i < CALLERS; i++)
        CHECK(pthread_create(&callers[i], NULL, watch, NULL) == 0);
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    (void)pthread_barrier_wait(&line);
    for (int i = 0; i < CALLERS; i++)
        CHECK(pthread_join(callers[i], NULL) == 0);
    CHECK(virConnectClose(conn) == 0);
    return failures != 0;
}

int main(void)
{
    virSetErrorFunc(NULL, quiet);
    for (int i = 0; i < STARTS; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit(start());
        CHECK(waitpid(child, &status, 0) == child);
        if (status != 0) {
            fprintf(stderr, "start %d: status %x\n", i, (unsigned)status);
            failures++;
        }
    }
    return finish();
}
