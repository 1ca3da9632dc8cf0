/*
 * Events, with the default event loop or one of our own, on libvirt's interface alone: it runs on libvirt too.
 *
 *     events default URI NAME          pauses and resumes the domain, and tells what it was told
 *     events own URI NAME              the same with an event loop of our own
 *     events eager URI NAME            one that frees within the call that removes, which libvirt does not survive
 *     events lost URI FILE             waits until the daemon is gone, and makes the file when it does
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifdef BALLAST_ONLY
#include "ballast.h"
#else
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#endif

#include "check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

/* ---- an event loop of our own, of six functions ---- */

#define HANDLES 64

static struct handle {
    int watch, fd, events, interval;
    long long due;
    virEventHandleCallback ready;
    virEventTimeoutCallback elapsed;
    void *opaque;
    virFreeCallback release;
} handles[HANDLES];
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int lastWatch, added, removed, isEager, toFree;
static struct handle unfreed[HANDLES];

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static int add(struct handle handle)
{
    int watch = -1;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < HANDLES && watch < 0; i++) {
        if (handles[i].watch)
            continue;
        handle.watch = watch = ++lastWatch;
        handles[i] = handle;
        added++;
    }
    pthread_mutex_unlock(&gate);
    return watch;
}

static struct handle *find(int watch)
{
    for (int i = 0; i < HANDLES; i++) {
        if (handles[i].watch == watch)
            return &handles[i];
    }
    return NULL;
}

static int remove_handle(int watch)
{
    struct handle old = { .watch = 0 };
    pthread_mutex_lock(&gate);
    struct handle *found = watch > 0 ? find(watch) : NULL;
    if (found) {
        old = *found;
        found->watch = 0;
        removed++;
        if (!isEager && old.release)
            unfreed[toFree++] = old;
    }
    pthread_mutex_unlock(&gate);
    if (isEager && old.release)
        old.release(old.opaque);
    return old.watch ? 0 : -1;
}

static int add_handle(int fd, int events, virEventHandleCallback ready, void *opaque, virFreeCallback release)
{
    return add((struct handle) { .fd = fd, .events = events, .ready = ready, .opaque = opaque, .release = release });
}

static void update_handle(int watch, int events)
{
    pthread_mutex_lock(&gate);
    struct handle *found = find(watch);
    if (found)
        found->events = events;
    pthread_mutex_unlock(&gate);
}

static int add_timeout(int interval, virEventTimeoutCallback elapsed, void *opaque, virFreeCallback release)
{
    return add((struct handle) { .fd = -1, .interval = interval, .due = now() + interval, .elapsed = elapsed,
                                 .opaque = opaque, .release = release });
}

static void update_timeout(int timer, int interval)
{
    pthread_mutex_lock(&gate);
    struct handle *found = find(timer);
    if (found) {
        found->interval = interval;
        found->due = now() + interval;
    }
    pthread_mutex_unlock(&gate);
}

static void free_removed(void)
{
    for (;;) {
        pthread_mutex_lock(&gate);
        struct handle next = { .watch = 0 };
        if (toFree > 0)
            next = unfreed[--toFree];
        pthread_mutex_unlock(&gate);
        if (!next.watch)
            return;
        next.release(next.opaque);
    }
}

static void run_own_loop(void)
{
    free_removed();
    struct pollfd entries[HANDLES];
    struct handle seen[HANDLES];
    int count = 0;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < HANDLES; i++) {
        if (!handles[i].watch || (handles[i].ready && !handles[i].events))
            continue;
        seen[count] = handles[i];
        entries[count].fd = handles[i].fd;
        entries[count].revents = 0;
        entries[count++].events = (short)(((handles[i].events & VIR_EVENT_HANDLE_READABLE) ? POLLIN : 0)
            | ((handles[i].events & VIR_EVENT_HANDLE_WRITABLE) ? POLLOUT : 0));
    }
    pthread_mutex_unlock(&gate);
    (void)poll(entries, (nfds_t)count, 10);
    for (int i = 0; i < count; i++) {
        pthread_mutex_lock(&gate);
        struct handle *still = find(seen[i].watch);
        int isDue = still && still->elapsed && still->interval >= 0 && still->due <= now();
        if (isDue)
            still->due = now() + still->interval;
        pthread_mutex_unlock(&gate);
        if (!still)
            continue;
        if (isDue)
            seen[i].elapsed(seen[i].watch, seen[i].opaque);
        else if (seen[i].ready && entries[i].revents)
            seen[i].ready(seen[i].watch, seen[i].fd,
                          ((entries[i].revents & POLLIN) ? VIR_EVENT_HANDLE_READABLE : 0)
                              | ((entries[i].revents & POLLOUT) ? VIR_EVENT_HANDLE_WRITABLE : 0)
                              | ((entries[i].revents & POLLERR) ? VIR_EVENT_HANDLE_ERROR : 0)
                              | ((entries[i].revents & POLLHUP) ? VIR_EVENT_HANDLE_HANGUP : 0),
                          seen[i].opaque);
    }
}

/* ---- what is registered ---- */

static pthread_t loop;
static int isOwn, ticks;

struct registered {
    const char *name;
    int id;        /* -1: not by number */
    int calls;
    int running;
    int freed;
    int onlyOnce;  /* deregisters itself within its first call */
};

static void run_loop(void)
{
    if (isOwn)
        run_own_loop();
    else
        CHECK(virEventRunDefaultImpl() == 0);
}

static void wait_for(int *what, int count)
{
    for (long long end = now() + 30000; *what < count && now() < end;)
        run_loop();
    CHECK(*what >= count);
}

static void wait_until_freed(struct registered *registered)
{
    for (long long end = now() + 30000; !registered->freed && now() < end;)
        run_loop();
    CHECK(registered->freed == 1);
}

static void freed(void *opaque)
{
    struct registered *registered = opaque;
    CHECK(!registered->running);
    registered->freed++;
}

static void called(virConnectPtr conn, virDomainPtr dom, struct registered *registered)
{
    CHECK(pthread_equal(pthread_self(), loop));
    CHECK(!registered->freed);
    CHECK(virDomainGetConnect(dom) == conn);
    registered->calls++;
    if (!registered->onlyOnce)
        return;
    registered->running = 1;
    CHECK(virConnectDomainEventDeregisterAny(conn, registered->id) == 0);
    CHECK(virConnectDomainEventDeregisterAny(conn, registered->id) == -1);
    CHECK(virDomainGetName(dom) != NULL);
    registered->running = 0;
}

static int lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    struct registered *registered = opaque;
    called(conn, dom, registered);
    printf("%s: %s %d %d\n", registered->name, virDomainGetName(dom), event, detail);
    return 0;
}

/* A function of its own: libvirt takes none twice for the same event of the same domain. */
static int once_only(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    return lifecycle(conn, dom, event, detail, opaque);
}

static void ticked(int timer, void *opaque)
{
    struct registered *registered = opaque;
    CHECK(pthread_equal(pthread_self(), loop));
    CHECK(!registered->freed);
    ticks++;
    if (ticks == 1)
        virEventUpdateTimeout(timer, 1);
    if (ticks == 3) {
        registered->running = 1; /* nothing is freed within its own call */
        CHECK(virEventRemoveTimeout(timer) == 0);
        registered->running = 0;
    }
}

static void readable(int watch, int fd, int events, void *opaque)
{
    struct registered *registered = opaque;
    char bytes[8];
    CHECK(pthread_equal(pthread_self(), loop));
    CHECK(events & (VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP));
    if (read(fd, bytes, sizeof bytes) > 0)
        registered->calls++;
    else
        virEventUpdateHandle(watch, 0);
}

static void *change(void *opaque)
{
    virDomainPtr dom = opaque;
    CHECK(virDomainSuspend(dom) == 0);
    CHECK(virDomainResume(dom) == 0);
    return NULL;
}

/* The loop itself, whoever uses it. */
static void loops_alone(void)
{
    struct registered timer = { .name = "timer" }, handle = { .name = "handle" };
    int ends[2];
    CHECK(pipe(ends) == 0);
    if (isEager)
        CHECK(virEventAddTimeout(5, ticked, &timer, NULL) > 0);
    else
        CHECK(virEventAddTimeout(5, ticked, &timer, freed) > 0);
    int watch = virEventAddHandle(ends[0], VIR_EVENT_HANDLE_READABLE, readable, &handle, freed);
    CHECK(watch > 0);
    CHECK(write(ends[1], "x", 1) == 1);
    wait_for(&ticks, 3);
    wait_for(&handle.calls, 1);
    CHECK(close(ends[1]) == 0);
    int off = virEventAddTimeout(-1, ticked, &timer, NULL);
    int soon = virEventAddTimeout(0, ticked, &handle, NULL);
    int before = ticks;
    wait_for(&ticks, before + 2);
    CHECK(virEventRemoveTimeout(soon) == 0);
    CHECK(virEventRemoveTimeout(off) == 0);
    CHECK(virEventRemoveHandle(watch) == 0);
    wait_until_freed(&handle);
    if (!isEager)
        wait_until_freed(&timer);
    CHECK(virEventRemoveHandle(watch) == -1);
    CHECK(virEventRemoveTimeout(soon) == -1);
    CHECK(close(ends[0]) == 0);
}

static void tell(const char *uri, const char *name)
{
    virConnectPtr conn = virConnectOpen(uri);
    virDomainPtr dom = virDomainLookupByName(conn, name);
    struct registered all = { .name = "all" }, one = { .name = "one" }, once = { .name = "once", .onlyOnce = 1 };
    struct registered old = { .name = "old" };
    pthread_t changer;
    CHECK(conn && dom);
    all.id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(lifecycle), &all, freed);
    one.id = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(lifecycle), &one, freed);
    once.id = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(once_only), &once, freed);
    CHECK(all.id >= 0 && one.id >= 0 && once.id >= 0 && all.id != one.id && one.id != once.id);
    CHECK(pthread_create(&changer, NULL, change, dom) == 0);
    wait_for(&all.calls, 2);
    wait_for(&one.calls, 2);
    CHECK(pthread_join(changer, NULL) == 0);
    wait_until_freed(&once);
    CHECK(once.calls == 1);

    CHECK(virConnectDomainEventDeregisterAny(conn, all.id) == 0);
    CHECK(virConnectDomainEventDeregisterAny(conn, one.id) == 0);
    wait_until_freed(&all);
    wait_until_freed(&one);
    CHECK(virConnectDomainEventDeregisterAny(conn, all.id) == -1);

    /* Again, in the way that has no number: what is gone is not called any more. */
    CHECK(virConnectDomainEventRegister(conn, lifecycle, &old, freed) >= 0);
    CHECK(virConnectDomainEventRegister(conn, lifecycle, &old, freed) == -1);
    CHECK(pthread_create(&changer, NULL, change, dom) == 0);
    wait_for(&old.calls, 2);
    CHECK(pthread_join(changer, NULL) == 0);
    CHECK(virConnectDomainEventDeregister(conn, lifecycle) == 0);
    CHECK(virConnectDomainEventDeregister(conn, lifecycle) == -1);
    wait_until_freed(&old);
    CHECK(all.calls == 2 && one.calls == 2 && once.calls == 1 && old.calls == 2);
    CHECK(all.freed == 1 && one.freed == 1 && once.freed == 1 && old.freed == 1);

    CHECK(virDomainFree(dom) == 0);
    CHECK(virConnectClose(conn) == 0);
    for (int i = 0; i < 5 && isOwn; i++)
        run_own_loop();
    CHECK(added == removed);
}

static void closed(virConnectPtr conn, int reason, void *opaque)
{
    struct registered *registered = opaque;
    CHECK(pthread_equal(pthread_self(), loop));
    CHECK(conn != NULL);
    printf("closed %d\n", reason);
    registered->calls++;
}

static void lose(const char *uri, const char *sign)
{
    virConnectPtr conn = virConnectOpen(uri);
    struct registered registered = { .name = "close" };
    CHECK(virConnectRegisterCloseCallback(conn, closed, &registered, freed) == 0);
    CHECK(virConnectRegisterCloseCallback(conn, closed, &registered, freed) == -1);
    CHECK(virConnectIsAlive(conn) == 1);
    FILE *file = fopen(sign, "w");
    CHECK(file && fclose(file) == 0);
    wait_for(&registered.calls, 1);
    CHECK(virConnectIsAlive(conn) == 0);
    virDomainPtr *domains = NULL;
    CHECK(virConnectListAllDomains(conn, &domains, 0) == -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    int isKept = virConnectUnregisterCloseCallback(conn, closed);
    printf("%s\n", isKept ? virGetLastErrorMessage() : "unregistered");
    if (!isKept) {
        CHECK(virConnectUnregisterCloseCallback(conn, closed) == -1);
        wait_until_freed(&registered);
        CHECK(virConnectClose(conn) == 0);
    }
    CHECK(registered.calls == 1);
}

static void never(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

int main(int argc, char **argv)
{
    virSetErrorFunc(NULL, quiet);
    if (argc != 4)
        return 2;
    isEager = strcmp(argv[1], "eager") == 0;
    isOwn = isEager || strcmp(argv[1], "own") == 0;
    loop = pthread_self();
    if (isOwn)
        virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout, remove_handle);
    else
        CHECK(virEventRegisterDefaultImpl() == 0);
    /* So that a turn of the loop always ends. */
    CHECK(virEventAddTimeout(50, never, NULL, NULL) > 0);
    if (isOwn)
        added = 0;
    if (strcmp(argv[1], "lost") == 0) {
        lose(argv[2], argv[3]);
    } else {
        loops_alone();
        CHECK(!isOwn || added == removed);
        tell(argv[2], argv[3]);
    }
    return finish();
}
