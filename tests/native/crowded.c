/*
 * The system has no room for a thread more, from one moment on: what had begun goes on, and new calls work or say why not.
 *
 *     crowded watches    what needs few threads, which there are
 *     crowded looks      what keeps so many busy that the runtime wants more
 *     crowded memory     there is none for what the system tells of a thread
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "ballast.h"

#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <linux/fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLERS 8
#define LOOKERS 16 /* more than the library has threads */
#define STARTS 6
#define MOST_SECONDS 0.4 /* of a processor: who waits for room without sleeping takes all that there is, for ten seconds */

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

/* Instead of the system's, for the library too: below one directory, whatever is looked at keeps a thread for a while. */
int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if (strncmp(path, "/late/", 6) != 0)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    sleep(2);
    errno = ENOENT;
    return -1;
}

static atomic_int lacksMemory;

/* Instead of the system's, for the library too: fails twice on each thread as that does, which has destroyed the attributes then. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    static __thread int refused;
    int (*theirs)(pthread_t, pthread_attr_t *);
    cpu_set_t first;
    if (!lacksMemory || refused++ >= 2) {
        *(void **)&theirs = dlsym(RTLD_NEXT, "pthread_getattr_np");
        return theirs(thread, attributes);
    }
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    (void)pthread_attr_init(attributes);
    (void)pthread_attr_setaffinity_np(attributes, sizeof first, &first);
    (void)pthread_attr_destroy(attributes);
    return ENOMEM;
}

static void *look(void *unused)
{
    static atomic_int number;
    char uri[64];
    (void)snprintf(uri, sizeof uri, "qmp:///late/%d/vm.sock", number++);
    (void)pthread_barrier_wait(&line);
    CHECK(virConnectOpen(uri) == NULL && virGetLastErrorCode() == VIR_ERR_SYSTEM_ERROR);
    return unused;
}

/* Of all threads of this process. */
static double burnt(void)
{
    struct rusage used;
    CHECK(getrusage(RUSAGE_SELF, &used) == 0);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int start(void *(*call)(void *), int count)
{
    const uid_t nobodys = 3000000 + (uid_t)getpid();
    struct rlimit none;
    pthread_t callers[LOOKERS];
    alarm(400);
    if (getrlimit(RLIMIT_NPROC, &none) != 0 || setgroups(0, NULL) != 0 || setgid(nobodys) != 0 || setuid(nobodys) != 0)
        return 2;
    none.rlim_cur = 1;
    conn = virConnectOpen("test:///fleet?domains=20&seed=1");
    CHECK(conn != NULL);
    (void)pthread_barrier_init(&line, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++)
        CHECK(pthread_create(&callers[i], NULL, call, NULL) == 0);
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    double before = burnt();
    (void)pthread_barrier_wait(&line);
    for (int i = 0; i < count; i++)
        CHECK(pthread_join(callers[i], NULL) == 0);
    double taken = burnt() - before;
    if (taken >= MOST_SECONDS) {
        fprintf(stderr, "%f seconds of a processor\n", taken);
        failures++;
    }

    /* When there is room again, all is as it was. */
    none.rlim_cur = none.rlim_max;
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    virDomainPtr *domains;
    int found = virConnectListAllDomains(conn, &domains, 0);
    CHECK(found == 20);
    for (int i = 0; i < found; i++)
        CHECK(virDomainFree(domains[i]) == 0);
    if (found >= 0)
        free(domains);
    CHECK(virConnectClose(conn) == 0);
    return failures != 0;
}

static void start_without_memory(void)
{
    virDomainPtr *domains;
    lacksMemory = 1;
    virConnectPtr fleet = virConnectOpen("test:///fleet?domains=1&seed=1");
    CHECK(fleet && virConnectListAllDomains(fleet, &domains, 0) == 1);
    CHECK(virDomainFree(domains[0]) == 0);
    free(domains);
    CHECK(virConnectClose(fleet) == 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "memory") == 0) {
        start_without_memory();
        return finish();
    }
    int isLook = argc == 2 && strcmp(argv[1], "looks") == 0;
    CHECK(isLook || (argc == 2 && strcmp(argv[1], "watches") == 0));
    virSetErrorFunc(NULL, quiet);
    for (int i = 0; i < (isLook ? 1 : STARTS); i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit(isLook ? start(look, LOOKERS) : start(watch, CALLERS));
        CHECK(waitpid(child, &status, 0) == child);
        if (status != 0) {
            fprintf(stderr, "start %d: status %x\n", i, (unsigned)status);
            failures++;
        }
    }
    return finish();
}
