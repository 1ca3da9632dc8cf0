/*
 * The runtime's start. Where it fails the runtime ends the process, which is not ours: so it is started here, where its failure
 * is the call's, and not by the first call into managed code.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The runtime's own and that of its timers, five of its pool, one that it needs for a moment, that of our sockets, and threads.c's. */
#define THREADS 10

/* Of those, what is left when the runtime has begun. */
#define LATER_THREADS 9

/* As many threads' stacks, 8 MiB each as a rule: what the runtime allocates before it has started, where memory lacks. */
#define SPARE 2

/* Of a thread that only stands: the system's library would keep larger ones for the next threads. */
#define STANDING_BYTES (64 * 1024)

enum state { NOT_YET, BEGUN, INITIALIZED, STARTED, FAILED };

static atomic_int state;
static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

static int (*initialize)(void);

extern int managed_start(void);

/* The runtime's parts say here by what function it is to be started; the linker takes this for the runtime's. */
void __wrap_RhSetRuntimeInitializationCallback(int (*function)(void));

void __wrap_RhSetRuntimeInitializationCallback(int (*function)(void))
{
    initialize = function;
}

/*
 * DOTNET_… is meant for another program: the runtime would take from it how large its memory may be, and not start. The linker
 * takes this for the system's. The program's environment stays as it is.
 */
extern char *__real_getenv(const char *name);
char *__wrap_getenv(const char *name);

char *__wrap_getenv(const char *name)
{
    static const char prefix[] = "DOTNET_";
    char *value = __real_getenv(name);
    return strncmp(name, prefix, sizeof prefix - 1) == 0 ? NULL : value;
}

static void *stand(void *gate)
{
    (void)pthread_mutex_lock(gate);
    (void)pthread_mutex_unlock(gate);
    return NULL;
}

/*
 * Returns the system's error where it has no room for as many threads as the start needs, of which a failure could not be undone.
 * Address space for their stacks is held then.
 */
static int find_room(int count)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_attr_t attributes;
    pthread_t threads[THREADS];
    int made = 0, error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    (void)pthread_attr_setstacksize(&attributes, STANDING_BYTES);
    (void)pthread_mutex_lock(&gate);
    while (made < count && (error = pthread_create(&threads[made], &attributes, stand, &gate)) == 0)
        made++;
    (void)pthread_mutex_unlock(&gate);
    while (made > 0)
        (void)pthread_join(threads[--made], NULL);
    (void)pthread_attr_destroy(&attributes);
    return error != 0 ? error : shim_hold_room(count + SPARE);
}

/* Returns the system's error where it has no room for threads; a later call goes on from there. */
static int start(void)
{
    if (state == NOT_YET) {
        state = BEGUN;
        state = initialize() == 0 ? INITIALIZED : FAILED;
    }
    if (state != INITIALIZED)
        return 0;
    /* The runtime has taken its memory, and each thread wants some as well. */
    int error = find_room(LATER_THREADS);
    if (error == 0)
        error = shim_start_threads();
    if (error == 0) {
        error = managed_start() ? 0 : EAGAIN;
        if (error == 0)
            state = STARTED;
    }
    shim_leave_room();
    return error;
}

static void say_no_room(int error, const char *function)
{
    char message[512];
    (void)snprintf(message, sizeof message,
                   "%s: the system has no room for the %d threads that the library starts with: raise the limit of processes "
                   "and threads (ulimit -u, pids.max), or that of memory (ulimit -v, ulimit -d) (error %d)", function, THREADS, error);
    shim_set_error(VIR_ERR_SYSTEM_ERROR, VIR_FROM_NONE, VIR_ERR_ERROR, message, "%s", message, NULL, error, 0);
}

static void say_failed(const char *function)
{
    char message[512];
    static const char prefix[] = "internal error: ";
    (void)snprintf(message, sizeof message,
                   "%s%s: the library's runtime could not start in this process: raise the limits of its memory (RLIMIT_AS, "
                   "RLIMIT_DATA) and start the program again", prefix, function);
    shim_set_error(VIR_ERR_INTERNAL_ERROR, VIR_FROM_NONE, VIR_ERR_ERROR, message, "internal error: %s",
                   message + sizeof prefix - 1, NULL, -1, -1);
}

int shim_start(const char *function)
{
    if (atomic_load_explicit(&state, memory_order_acquire) == STARTED)
        return 1;

    int error = 0;
    (void)pthread_mutex_lock(&starting);
    if (state == NOT_YET)
        error = find_room(THREADS);
    /* The runtime takes half of what it is allowed: then there is less, and it is looked for again. */
    shim_leave_room();
    if (error == 0)
        error = shim_keep_signals(start);
    int now = state;
    (void)pthread_mutex_unlock(&starting);
    if (now == STARTED)
        return 1;
    if (now == FAILED)
        say_failed(function);
    else
        say_no_room(error, function);
    shim_tell_error(NULL, NULL);
    return 0;
}

int shim_is_begun(void)
{
    if (state != NOT_YET)
        return 1;
    /* Whoever held it in the parent is not here. */
    starting = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    return 0;
}
