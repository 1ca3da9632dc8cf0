/*
 * The C shim of the library: what has to stand before the managed code, or cannot be written in it. Errors are kept here,
 * so that a process that was forked still gets one; every function passes the guard before managed code is entered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BALLAST_SHIM_H
#define BALLAST_SHIM_H

#include "../ballast.h"

/*
 * Begins a call of the interface: forgets the thread's last error. False in a forked child, or where the runtime
 * cannot start; the error is set then.
 */
int shim_begin(const char *function);

/* The same for functions that leave the last error as it was. */
int shim_allows(const char *function);

/* Starts the runtime where it is not yet. False where that cannot be; the error is set and told. */
int shim_start(const char *function);

/* In a child that was forked just now: whether the runtime had begun in the parent, so that it cannot be used here. */
int shim_is_begun(void);

/* Calls it, so that the process's signals are afterwards as they were, and returns its result. */
int shim_keep_signals(int (*start)(void));

/* Starts what makes the threads for which there is no room when the runtime wants them. Returns the system's error. */
int shim_start_threads(void);

/*
 * Holds address space for so many threads' stacks: each thread that is made takes its part of it. Without it, what the first of them
 * allocates (64 MiB at a time, in the system's library) would take the room that was seen for the others. Returns the system's error.
 */
int shim_hold_room(int threads);

/* Gives back what is still held. */
void shim_leave_room(void);

/* Whether this thread, in managed code, can do without those that it starts; else they are made when there is room. */
void shim_threads_may_fail(int may);

/* The thread's last error, without telling anybody. Strings are copied; NULL is allowed. */
void shim_set_error(int code, int domain, int level, const char *message, const char *str1, const char *str2,
                    const char *str3, int int1, int int2);

/* The same of a text that is there already: there is no memory left, or something failed of which more cannot be told. */
void shim_set_plain_error(int isOutOfMemory);

/* Tells the thread's last error to a handler, or, where it is NULL, to the global one, or to standard error. */
void shim_tell_error(virErrorFunc handler, void *userData);

/* The same when managed code has been left: handlers may leave by a jump, which must not cross it. */
void shim_tell_later(virErrorFunc handler, void *userData);

/* The same to the global handler, or to standard error. */
void shim_tell_everybody_later(void);

/* Tells what waits for it. Whoever has called managed code does so, with none of it above. */
void shim_tell_waiting(void);

/* Whether the program wants no call of its functions any more (calls.c). */
int shim_callbacks_are_ended(void);

/* What event loops call of ours. */
virEventHandleCallback shim_ready_function(void);
virFreeCallback shim_forget_function(void);

/* Keeps a copy of the thread's last error in *to, whose strings it frees. */
void shim_keep_error(virErrorPtr to);

/* Copies an error into *to, whatever that held. */
void shim_copy_error(virErrorPtr from, virErrorPtr to);

/* Reads a number of one of libvirt's types into the parameter's value; false where the text is none. */
int shim_read_number(int type, const char *text, virTypedParameterPtr to);

/* A descriptor, ends[0], that is readable when it was told, until it is drained. Laid out as in Signal.cs. */
struct shim_signal {
    int ends[2];
    unsigned long inodes[2];
};

/* Returns the system's error; 0 where there is one. */
int shim_open_signal(struct shim_signal *signal);

/* False where the program has closed it. Then the others do nothing. */
int shim_owns_signal(const struct shim_signal *signal);
void shim_tell_signal(const struct shim_signal *signal);
void shim_drain_signal(const struct shim_signal *signal);
void shim_close_signal(const struct shim_signal *signal);

/* How often the program has forked since the library's first call: children keep copies of its descriptors. */
const int *shim_forks(void);

/* Sleeps until shim_wake was called with the same word, or the time has passed: then it returns 0. */
int shim_sleep(int *hasEnded, long long milliseconds);
void shim_wake(int *hasEnded);

/* How many sleeps have ended: after each, the program's own code may run. */
const int *shim_returns(void);

#endif /* BALLAST_SHIM_H */
