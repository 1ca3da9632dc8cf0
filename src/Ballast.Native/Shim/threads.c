/*
 * The threads of the library and of its runtime. They leave the program's signals alone, and their want of a thread more never
 * ends the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* Each stands for a thread of the runtime that waits for it, of which there are few. */
#define MOST_LATE 64

/* Of what the runtime wants to know of a thread: a second. */
#define MOST_TRIES 100

/* Of the one that makes them, which runs nothing else. */
#define STACK_BYTES (256 * 1024)

/* Room that is kept for threads to be made, and how much each part has; see shim_hold_room. */
#define MOST_HELD 16 /* no start wants more */
static void *_Atomic held[MOST_HELD];
static size_t heldBytes;

/* Threads for which there was no room yet. */
static struct {
    pthread_mutex_t gate;
    pthread_cond_t changed;
    int count;
    unsigned long asked;
    struct late {
        void *(*run)(void *);
        void *argument;
        size_t stackBytes;
        int isDetached;
    } all[MOST_LATE];
} late = { .gate = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* With what a thread of managed code begins. */
static void *(*_Atomic managed)(void *);

static __thread int mayFail;

/* How many are made of those for which there was no room, and the number of this thread's own latest. */
static atomic_ulong made;
static __thread unsigned long mine;

extern int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

/*
 * The system takes the program's variables of each thread from the thread's stack. Where they leave nothing of a small one, as the runtime
 * and we ask for, the thread gets one of the usual size.
 */
static int create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    pthread_attr_t usual;
    int detached = PTHREAD_CREATE_JOINABLE, error = __real_pthread_create(thread, attributes, run, argument);
    if (error != EINVAL || !attributes || pthread_attr_init(&usual) != 0)
        return error;
    (void)pthread_attr_getdetachstate(attributes, &detached);
    (void)pthread_attr_setdetachstate(&usual, detached);
    error = __real_pthread_create(thread, &usual, run, argument);
    (void)pthread_attr_destroy(&usual);
    return error;
}

/* Makes room for one thread of what is held. Returns 0 where nothing is held any more. */
static int give_room(void)
{
    for (size_t i = 0; i < MOST_HELD; i++) {
        void *room = atomic_exchange(&held[i], NULL);
        if (room) {
            (void)munmap(room, heldBytes);
            return 1;
        }
    }
    return 0;
}

void shim_leave_room(void)
{
    while (give_room())
        continue;
}

int shim_hold_room(int threads)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    size_t stack = 0, guard = 0;
    (void)pthread_attr_getstacksize(&attributes, &stack);
    (void)pthread_attr_getguardsize(&attributes, &guard);
    (void)pthread_attr_destroy(&attributes);
    heldBytes = stack + guard;
    for (int i = 0; i < threads && i < MOST_HELD; i++) {
        void *room = mmap(NULL, heldBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (room == MAP_FAILED) {
            error = errno;
            shim_leave_room();
            return error;
        }
        held[i] = room;
    }
    return 0;
}

void shim_threads_may_fail(int may)
{
    mayFail = may;
}

/*
 * Whether a failure would end the process: the runtime's own threads want others now and then, those of its pool and of its timers
 * first, and none of them catches what is thrown where there is no room for one. Each has given itself such a name, and has
 * our mask: the program's own may have the name as well. The collector, which may run on any thread, can do without.
 */
static int must_be_made(void *(*run)(void *), const sigset_t *mask)
{
    static const char prefix[] = ".NET ";
    char name[16];
    return !mayFail && run == managed && sigismember(mask, SIGTERM) == 1 && sigismember(mask, SIGCHLD) == 1 && sigismember(mask, SIGPROF) == 1
           && pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strncmp(name, prefix, sizeof prefix - 1) == 0;
}

/* The linker takes this for the system's, wherever the library and the runtime's own parts in it use that. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

/* Returns the system's error where they are too many. */
static int make_later(const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    struct late one = { .run = run, .argument = argument };
    int error = EAGAIN;
    if (attributes) {
        (void)pthread_attr_getstacksize(attributes, &one.stackBytes);
        (void)pthread_attr_getdetachstate(attributes, &one.isDetached);
    }
    (void)pthread_mutex_lock(&late.gate);
    if (late.count < MOST_LATE) {
        late.all[late.count++] = one;
        mine = ++late.asked;
        (void)pthread_cond_signal(&late.changed);
        error = 0;
    }
    (void)pthread_mutex_unlock(&late.gate);
    return error;
}

static int make(const struct late *one)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    if (one->stackBytes != 0)
        (void)pthread_attr_setstacksize(&attributes, one->stackBytes);
    (void)pthread_attr_setdetachstate(&attributes, one->isDetached);
    error = create(&thread, &attributes, one->run, one->argument);
    (void)pthread_attr_destroy(&attributes);
    return error;
}

/* The oldest first, as soon as there is room. */
static void *make_all(void *unused)
{
    const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
    (void)pthread_setname_np(pthread_self(), "Ballast threads");
    (void)pthread_mutex_lock(&late.gate);
    for (;;) {
        while (late.count == 0)
            (void)pthread_cond_wait(&late.changed, &late.gate);
        if (make(&late.all[0]) == 0) {
            memmove(late.all, late.all + 1, (size_t)--late.count * sizeof *late.all);
            made++;
            continue;
        }
        (void)pthread_mutex_unlock(&late.gate);
        (void)nanosleep(&pause, NULL);
        (void)pthread_mutex_lock(&late.gate);
    }
    return unused;
}

int shim_start_threads(void)
{
    static int isStarted;
    pthread_attr_t attributes;
    pthread_t thread;
    int error = isStarted ? 0 : pthread_attr_init(&attributes);
    if (error != 0 || isStarted)
        return error;
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attributes, make_all, NULL);
    (void)pthread_attr_destroy(&attributes);
    isStarted = error == 0;
    return error;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    /* Faults of a thread's own, and that by which the runtime stops threads, which a program may have blocked. */
    const int needed[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGRTMIN };
    sigset_t blocked, before;
    (void)sigfillset(&blocked);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        (void)sigdelset(&blocked, needed[i]);
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    /* The first is the library's own. Later ones may be the collector's, which starts its threads wherever it runs. */
    if (mayFail && !managed)
        managed = run;
    (void)give_room();
    int error;
    do
        error = create(thread, attributes, run, argument);
    while (error == EAGAIN && give_room());
    /* Not here: the runtime would stand still. Whoever wants the thread waits until it runs, and the others go on. */
    if (error == EAGAIN && must_be_made(run, &before))
        error = make_later(attributes, run, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* The same again. Who has started a thread yields until it runs: where that is later, it would burn a processor meanwhile. */
extern int __real_sched_yield(void);
int __wrap_sched_yield(void);

int __wrap_sched_yield(void)
{
    const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
    return mine > made ? nanosleep(&pause, NULL) : __real_sched_yield();
}

/* The same again. Where memory lacks, the system destroys the attributes and says so, and the runtime destroys them once more. */
extern int __real_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);

int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
    int error = 0;
    for (int tries = 0; tries < MOST_TRIES && (error = __real_pthread_getattr_np(thread, attributes)) != 0; tries++)
        (void)nanosleep(&pause, NULL);
    if (error != 0)
        (void)pthread_attr_init(attributes);
    return error;
}
