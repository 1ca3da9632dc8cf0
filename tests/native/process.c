/*
 * What the library does to the process it lives in: nothing. Signals, children and standard output are the program's; a
 * fork is told apart; an end of the process finds nobody waiting.
 *
 *     process [URI]      with more than the drivers in process
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ballast.h"

#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNALS 64

static virConnectPtr leftOpen;

static void use(const char *uri)
{
    virConnectPtr conn = virConnectOpen(uri);
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(conn, &domains, 0);
    CHECK(count >= 1);
    virDomainMemoryStatStruct stats[16];
    for (int i = 0; i < count; i++) {
        CHECK(virDomainMemoryStats(domains[i], stats, 16, 0) > 0);
        CHECK(virDomainFree(domains[i]) == 0);
    }
    free(domains);
    ballastWatchPtr watch = ballastConnectWatchMemoryStats(conn, NULL, 5, 0);
    for (int i = 0; i < 5; i++) {
        ballastMemoryRecordPtr record = NULL;
        CHECK(ballastWatchNext(watch, &record, 10000) == 1);
        ballastMemoryRecordFree(record);
    }
    ballastWatchFree(watch);
    CHECK(virConnectClose(conn) == 0);
}

static void must_end_well(pid_t child)
{
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void fork_before(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        use("test:///default");
        exit(failures != 0);
    }
    must_end_well(child);
}

static void fork_after(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    virDomainPtr dom = virDomainLookupByID(conn, 1);
    virErrorPtr kept = NULL;
    FAILS(virDomainLookupByID(conn, 77), NULL, VIR_ERR_NO_DOMAIN);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        virDomainMemoryStatStruct stats[16];
        ballastMemorySample sample = { .size = sizeof sample };
        CHECK(virGetLastErrorCode() == VIR_ERR_NO_DOMAIN); /* what was said before the fork is still known */
        FAILS(virDomainMemoryStats(dom, stats, 16, 0), -1, VIR_ERR_OPERATION_INVALID);
        CHECK(strstr(virGetLastErrorMessage(), "virDomainMemoryStats") && strstr(virGetLastErrorMessage(), "fork"));
        FAILS(virConnectOpen("test:///default"), NULL, VIR_ERR_OPERATION_INVALID);
        FAILS(virConnectGetType(conn), NULL, VIR_ERR_OPERATION_INVALID);
        FAILS(ballastDomainGetMemorySample(dom, &sample, stats, 16, 0), -1, VIR_ERR_OPERATION_INVALID);
        FAILS(virEventRunDefaultImpl(), -1, VIR_ERR_OPERATION_INVALID);
        FAILS(virDomainFree(dom), -1, VIR_ERR_OPERATION_INVALID);
        FAILS(virConnectClose(conn), -1, VIR_ERR_OPERATION_INVALID);
        kept = virSaveLastError();
        CHECK(kept && kept->code == VIR_ERR_OPERATION_INVALID);
        virFreeError(kept);

        /* and so in the child's child */
        pid_t grandchild = fork();
        if (grandchild == 0) {
            FAILS(virConnectOpen("test:///default"), NULL, VIR_ERR_OPERATION_INVALID);
            exit(failures != 0);
        }
        must_end_well(grandchild);
        exit(failures != 0);
    }
    must_end_well(child);
    CHECK(virDomainFree(dom) == 0);
    CHECK(virConnectClose(conn) == 0);
}

static void *hang_up(void *listener)
{
    for (int client; (client = accept((int)(intptr_t)listener, NULL, NULL)) >= 0;)
        close(client);
    return NULL;
}

/* A server that hangs up at once: what is sent to it raises SIGPIPE, which would end a program that does not ignore it. */
static void lose_servers(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char directory[] = "/tmp/bg-process-XXXXXX", uri[256];
    CHECK(mkdtemp(directory) != NULL);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
    snprintf(uri, sizeof uri, "qemu+unix:///system?socket=%s", address.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 64) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, hang_up, (void *)(intptr_t)listener) == 0);
    for (int i = 0; i < 100; i++)
        CHECK(virConnectOpen(uri) == NULL && virGetLastErrorCode() == VIR_ERR_SYSTEM_ERROR);
    CHECK(shutdown(listener, SHUT_RDWR) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    close(listener);
    unlink(address.sun_path);
    rmdir(directory);
}

static void never(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

static void nothing(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)opaque;
}

/* Without a descriptor to be had, calls fail, keep nothing, and work again when there are some. */
static void run_out_of_descriptors(void)
{
    struct rlimit before, none;
    virConnectPtr conn = virConnectOpen("test:///default");
    CHECK(virEventRegisterDefaultImpl() == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 0;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    FAILS(ballastConnectWatchMemoryStats(conn, NULL, 1, 0), NULL, VIR_ERR_SYSTEM_ERROR);
    FAILS(virEventAddTimeout(1, never, NULL, NULL), -1, VIR_ERR_SYSTEM_ERROR);
    FAILS(virEventRunDefaultImpl(), -1, VIR_ERR_SYSTEM_ERROR);
    FAILS(virConnectDomainEventRegisterAny(conn, NULL, 0, nothing, NULL, NULL), -1, VIR_ERR_SYSTEM_ERROR);
    virEventUpdateTimeout(1, 1);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);

    int timer = virEventAddTimeout(1, never, NULL, NULL);
    CHECK(timer > 0 && virEventRunDefaultImpl() == 0 && virEventRemoveTimeout(timer) == 0);
    int id = virConnectDomainEventRegisterAny(conn, NULL, 0, nothing, NULL, NULL);
    CHECK(id >= 0 && virConnectDomainEventDeregisterAny(conn, id) == 0);
    ballastWatchFree(ballastConnectWatchMemoryStats(conn, NULL, 1, 0));
    CHECK(virConnectClose(conn) == 0);
}

static void close_late(void)
{
    if (virConnectClose(leftOpen) != 0)
        _exit(3);
}

static void *wait_for_ever(void *watch)
{
    ballastMemoryRecordPtr record;
    while (ballastWatchNext(watch, &record, -1) == 1)
        ballastMemoryRecordFree(record);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sigaction before[SIGNALS + 1], after;
    sigset_t blocked, blockedAfter;
    memset(before, 0, sizeof before);
    for (int number = 1; number <= SIGNALS; number++)
        (void)sigaction(number, NULL, &before[number]);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    virSetErrorFunc(NULL, quiet);

    fork_before();
    use("test:///default");
    run_out_of_descriptors();
    for (int i = 1; i < argc; i++)
        use(argv[i]);
    fork_after();
    lose_servers();
    use("test:///fleet?domains=3&seed=1");

    /* The runtime needs faults of its own code, and one real-time signal to stop threads; nobody else's. */
    int realTime = 0;
    for (int number = 1; number <= SIGNALS; number++) {
        memset(&after, 0, sizeof after);
        (void)sigaction(number, NULL, &after);
        if (after.sa_handler == before[number].sa_handler || number == SIGSEGV || number == SIGFPE)
            continue;
        if (number >= SIGRTMIN && realTime++ == 0)
            continue;
        fprintf(stderr, "the disposition of signal %d has changed\n", number);
        failures++;
    }
    pthread_sigmask(SIG_SETMASK, NULL, &blockedAfter);
    CHECK(memcmp(&blocked, &blockedAfter, sizeof blocked) == 0);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);

    /* The process ends while a thread is within a call, and something is closed at the last moment. */
    virConnectPtr fleet = virConnectOpen("test:///fleet?domains=3&seed=1");
    pthread_t waiting;
    CHECK(pthread_create(&waiting, NULL, wait_for_ever, ballastConnectWatchMemoryStats(fleet, NULL, 1, 0)) == 0);
    leftOpen = virConnectOpen("test:///default");
    CHECK(leftOpen != NULL);
    atexit(close_late);
    return finish();
}
