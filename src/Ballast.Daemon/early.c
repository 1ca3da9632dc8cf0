/*
 * Runs before the runtime starts, which takes some milliseconds: a SIGHUP that comes then waits until the daemon catches it
 * (CaughtSignal), instead of ending it. Ignored, it would stay so: the runtime leaves ignored signals as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

static void keep_hangups(void)
{
    sigset_t hangup;
    (void)sigemptyset(&hangup);
    (void)sigaddset(&hangup, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &hangup, NULL);
}

/* Before the constructors of any library. */
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = keep_hangups;
