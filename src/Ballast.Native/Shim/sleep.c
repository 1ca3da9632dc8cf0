/*
 * A thread's sleep until another one ends it: one system call each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int returns;

const int *shim_returns(void)
{
    return &returns;
}

static int sleep_until(const int *hasEnded, const struct timespec *end)
{
    while (!__atomic_load_n(hasEnded, __ATOMIC_ACQUIRE)) {
        /* Signals, and wakes that were meant for an earlier sleep, end it early. */
        if (syscall(SYS_futex, hasEnded, FUTEX_WAIT_BITSET_PRIVATE, 0, end, NULL, FUTEX_BITSET_MATCH_ANY) < 0 &&
            errno != EINTR && errno != EAGAIN)
            return __atomic_load_n(hasEnded, __ATOMIC_ACQUIRE);
    }
    return 1;
}

int shim_sleep(int *hasEnded, long long milliseconds)
{
    struct timespec end;
    int ended;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += milliseconds % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    ended = sleep_until(hasEnded, &end);
    (void)__atomic_fetch_add(&returns, 1, __ATOMIC_RELEASE);
    return ended;
}

void shim_wake(int *hasEnded)
{
    __atomic_store_n(hasEnded, 1, __ATOMIC_RELEASE);
    (void)syscall(SYS_futex, hasEnded, FUTEX_WAKE_PRIVATE, 1);
}
