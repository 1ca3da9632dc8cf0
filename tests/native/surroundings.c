/*
 * What the library leaves to the program around it, which knows libvirt alone.
 *
 *     surroundings signals    what the program blocks and waits for is its own
 *     surroundings masks      what signals the library's threads take
 *     surroundings loop       what is freed is not being called
 *     surroundings room       a system that has no room for threads
 *     surroundings settings   what other programs' runtimes are told
 *     surroundings memory     how much memory there may be
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 20
#define ROUNDS 2000
#define MOST_THREADS 14
#define TOO_LITTLE 40 /* MiB: the library is mapped, its runtime cannot start */
#define NARROW 160    /* MiB: below, it depends on each megabyte how a start ends */
#define ENOUGH 600    /* MiB: the library starts whatever is allocated meanwhile */
#define DATA_TOO_LITTLE 8  /* MiB: there is no room for the stacks of its threads */
#define DATA_ENOUGH 256 /* MiB: the library starts */

static virConnectPtr use(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    virDomainPtr *domains = NULL;
    int count = conn ? virConnectListAllDomains(conn, &domains, 0) : 0;
    for (int i = 0; i < count; i++)
        CHECK(virDomainFree(domains[i]) == 0);
    free(domains);
    CHECK(conn && count == 1);
    return conn;
}

static int wait_by_descriptor(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int comes(int descriptor, int number)
{
    struct pollfd waited = { .fd = descriptor, .events = POLLIN };
    struct signalfd_siginfo told = { 0 };
    return poll(&waited, 1, 5000) == 1 && read(descriptor, &told, sizeof told) == sizeof told && (int)told.ssi_signo == number;
}

/* The way of every event loop, that of systemd first: the library was there before. */
static void signals(void)
{
    virConnectPtr conn = use();
    int stop = wait_by_descriptor(SIGTERM), ended = wait_by_descriptor(SIGCHLD), lost = 0;
    CHECK(kill(getpid(), SIGTERM) == 0);
    CHECK(comes(stop, SIGTERM));
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        lost += !comes(ended, SIGCHLD);
        CHECK(waitpid(child, NULL, 0) == child);
    }
    CHECK(lost == 0);
    CHECK(virConnectClose(conn) == 0);
}

/* How many threads there are, and whether each but this one takes of the signals only those of its own faults, and one. */
static int look_at_masks(void)
{
    const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGRTMIN, SIGKILL, SIGSTOP, 32, 33 };
    unsigned long long must = ~0ULL;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        must &= ~(1ULL << (own[i] - 1));
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *task; (task = readdir(tasks));) {
        char path[300], line[256], name[64] = "";
        unsigned long long blocked = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *file = atoi(task->d_name) > 0 && atoi(task->d_name) != getpid() ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        while (fgets(line, sizeof line, file)) {
            (void)sscanf(line, "Name: %63[^\n]", name);
            (void)sscanf(line, "SigBlk: %llx", &blocked);
        }
        fclose(file);
        count++;
        if ((blocked & must) != must || (blocked & (1ULL << (SIGSEGV - 1))) || (blocked & (1ULL << (SIGRTMIN - 1)))) {
            fprintf(stderr, "thread %s (%s) blocks %llx\n", task->d_name, name, blocked);
            failures++;
        }
    }
    closedir(tasks);
    return count;
}

static void masks(void)
{
    sigset_t all, before, after;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
    virConnectPtr conn = use();
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0 && memcmp(&before, &after, sizeof before) == 0);
    CHECK(look_at_masks() >= 3);

    /* and those that are made by a thread that takes none */
    CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
    for (int i = 0; i < 20; i++) {
        virConnectPtr none = virConnectOpen("qemu+unix:///system?socket=/nowhere");
        CHECK(none == NULL);
    }
    (void)look_at_masks();
    CHECK(virConnectClose(conn) == 0);
}

struct called {
    atomic_int freed;
    int timer;
};

static atomic_int wrong, calls, frees;
static atomic_int isOver;

static void set_free(void *opaque)
{
    ((struct called *)opaque)->freed = 1;
    frees++;
}

static void nothing(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

static void run_within(int timer, void *opaque)
{
    struct called *called = opaque;
    CHECK(virEventRemoveTimeout(timer) == 0);
    int other = virEventAddTimeout(0, nothing, NULL, NULL);
    CHECK(virEventRunDefaultImpl() == 0);
    CHECK(virEventRemoveTimeout(other) == 0);
    CHECK(!called->freed);
    calls++;
}

static void take_time(int timer, void *opaque)
{
    (void)timer;
    struct called *called = opaque;
    calls++;
    for (int i = 0; i < 20; i++) {
        wrong += called->freed;
        usleep(2);
    }
}

static void take_time_of_handle(int watch, int fd, int events, void *opaque)
{
    (void)fd;
    (void)events;
    take_time(watch, opaque);
}

static void *run(void *unused)
{
    while (!isOver)
        CHECK(virEventRunDefaultImpl() == 0);
    return unused;
}

static void loop(void)
{
    CHECK(virEventRegisterDefaultImpl() == 0);
    struct called nested = { 0 };
    CHECK(virEventAddTimeout(0, run_within, &nested, set_free) > 0);
    while (calls == 0)
        CHECK(virEventRunDefaultImpl() == 0);
    int again = virEventAddTimeout(1, nothing, NULL, NULL); /* libvirt frees when nothing else is due */
    for (int i = 0; i < 10 && !nested.freed; i++)
        CHECK(virEventRunDefaultImpl() == 0);
    CHECK(nested.freed);

    int ends[2];
    CHECK(pipe(ends) == 0 && write(ends[1], "", 1) == 1);
    pthread_t runners[2];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&runners[i], NULL, run, NULL) == 0);
    struct called *all = calloc(ROUNDS, sizeof *all);
    frees = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int isTimer = i % 2;
        int added = isTimer ? virEventAddTimeout(0, take_time, &all[i], set_free)
                            : virEventAddHandle(ends[0], VIR_EVENT_HANDLE_READABLE, take_time_of_handle, &all[i], set_free);
        CHECK(added > 0);
        usleep((unsigned)rand() % 300);
        CHECK((isTimer ? virEventRemoveTimeout(added) : virEventRemoveHandle(added)) == 0);
    }
    isOver = 1;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(runners[i], NULL) == 0);
    for (int i = 0; i < ROUNDS && frees < ROUNDS; i++)
        CHECK(virEventRunDefaultImpl() == 0);
    CHECK(virEventRemoveTimeout(again) == 0);
    CHECK(wrong == 0);
    CHECK(calls > 100);
    CHECK(frees == ROUNDS);
    free(all);
}

/* 0: it worked; 1: it was told that there is no room, and worked when there was. */
static int start_with(int threads)
{
    struct rlimit limit;
    const uid_t nobodys = 3000000 + (uid_t)getpid();
    alarm(100);
    (void)getrlimit(RLIMIT_NPROC, &limit);
    limit.rlim_cur = (rlim_t)threads;
    if (setgroups(0, NULL) != 0 || setgid(nobodys) != 0 || setuid(nobodys) != 0 || setrlimit(RLIMIT_NPROC, &limit) != 0)
        return 2;
    virConnectPtr conn = virConnectOpen("test:///default");
    if (conn)
        return virConnectClose(conn) == 0 ? 0 : 3;
    if (virGetLastErrorCode() != VIR_ERR_SYSTEM_ERROR || !strstr(virGetLastErrorMessage(), "raise the limit"))
        return 4;
    limit.rlim_cur = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
    CHECK(virConnectClose(use()) == 0);
    return failures ? 5 : 1;
}

static int in_child(int (*start)(int), int argument)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(start(argument));
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void room(void)
{
    int worked = 0, refused = 0;
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        int how = in_child(start_with, threads);
        if (how != 0 && how != 1) {
            fprintf(stderr, "with room for %d threads: %d\n", threads, how);
            failures++;
        }
        worked += how == 0;
        refused += how == 1;
    }
    CHECK(worked > 2 && refused > 2);
}

static int start_set(int which)
{
    const char *const settings[][2] = {
        { "DOTNET_GCLargePages", "1" }, { "DOTNET_GCHeapHardLimit", "100000" }, { "DOTNET_gcServer", "1" },
        { "DOTNET_GCgen0size", "fffffffffffff" }, { "DOTNET_ThreadPool_ForceMaxWorkerThreads", "0" },
        { "DOTNET_GCName", "none.so" },
    };
    alarm(100);
    if (which == sizeof settings / sizeof *settings)
        return 7;
    setenv(settings[which][0], settings[which][1], 1);
    setenv("DOTNET_GCHeapAffinitizeMask", "0", 1);
    CHECK(virConnectClose(use()) == 0);
    CHECK(strcmp(getenv(settings[which][0]), settings[which][1]) == 0);
    return failures != 0;
}

/* Which limit of memory is tried. */
static int bounded = RLIMIT_AS;

/* 0: it worked; 1: it was told why not, twice. */
static int start_in(int megabytes)
{
    struct rlimit limit;
    alarm(100);
    (void)getrlimit(bounded, &limit);
    limit.rlim_cur = (rlim_t)megabytes << 20;
    (void)setrlimit(bounded, &limit);
    for (int i = 0; i < 2; i++) {
        virConnectPtr conn = virConnectOpen("test:///default");
        if (conn)
            return virConnectClose(conn) == 0 ? 0 : 3;
        if (virGetLastErrorCode() == VIR_ERR_OK)
            return 4;
    }
    return 1;
}

static void settings(void)
{
    int how;
    for (int which = 0; (how = in_child(start_set, which)) != 7; which++)
        if (how != 0) {
            fprintf(stderr, "setting %d: %d\n", which, how);
            failures++;
        }
}

/*
 * What is left when the runtime has taken its memory can be too little for the stacks of its threads, and can be taken by what one
 * of them allocates before the last is made: how it ends differs from run to run.
 */
static void memory(void)
{
    int refused = 0;
    for (int megabytes = TOO_LITTLE; megabytes < ENOUGH; megabytes += megabytes < NARROW ? 2 : 16) {
        int how = in_child(start_in, megabytes);
        if (how != 0 && how != 1) {
            fprintf(stderr, "with %d MiB: %d\n", megabytes, how);
            failures++;
        }
        refused += how == 1;
    }
    CHECK(refused > 2);
    CHECK(in_child(start_in, TOO_LITTLE) == 1);
    CHECK(in_child(start_in, ENOUGH) == 0);
}

/* What is written to memory, stacks among it, has a limit of its own. */
static void data(void)
{
    int refused = 0;
    bounded = RLIMIT_DATA;
    for (int megabytes = DATA_TOO_LITTLE; megabytes < DATA_ENOUGH; megabytes += 8) {
        int how = in_child(start_in, megabytes);
        if (how != 0 && how != 1) {
            fprintf(stderr, "with %d MiB: %d\n", megabytes, how);
            failures++;
        }
        refused += how == 1;
    }
    CHECK(refused > 2);
    CHECK(in_child(start_in, DATA_ENOUGH) == 0);
}

/* 0: with so few files the first call works, or its error says why not, and later all works. */
static int start_with_files(int files)
{
    struct rlimit before, few;
    alarm(100);
    (void)getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = (rlim_t)files;
    (void)setrlimit(RLIMIT_NOFILE, &few);
    virConnectPtr conn = virConnectOpen("test:///default");
    CHECK(conn || virGetLastErrorCode() == VIR_ERR_SYSTEM_ERROR);
    FAILS(virConnectOpen("qemu+unix:///system?socket=/nowhere"), NULL, VIR_ERR_SYSTEM_ERROR);
    (void)setrlimit(RLIMIT_NOFILE, &before);
    CHECK(!conn || virConnectClose(conn) == 0);
    CHECK(virConnectClose(use()) == 0);
    return failures != 0;
}

static void files(void)
{
    for (int count = 0; count < 12; count++)
        CHECK(in_child(start_with_files, count) == 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = { { "signals", signals }, { "masks", masks }, { "loop", loop }, { "room", room }, { "settings", settings },
                { "memory", memory }, { "data", data }, { "files", files } };
    int ran = 0;
    virSetErrorFunc(NULL, quiet);
    for (size_t i = 0; argc > 1 && i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, argv[1]) == 0) {
            all[i].run();
            ran++;
        }
    CHECK(ran == 1);
    return finish();
}
