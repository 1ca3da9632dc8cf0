/*
 * What the test programs share: each check that fails is told on standard error, and makes finish() a failure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_int failures;

#define CHECK(condition)                                                                            \
    do {                                                                                            \
        if (!(condition) && ++failures < 50)                                                        \
            fprintf(stderr, "%s:%d: %s fails; last error: %s\n", __FILE__, __LINE__, #condition,    \
                    virGetLastErrorMessage());                                                      \
    } while (0)

/* The call fails with this value, and the thread's last error has this code. */
#define FAILS(call, value, error)               \
    do {                                        \
        virResetLastError();                    \
        CHECK((call) == (value));               \
        CHECK(virGetLastErrorCode() == (error)); \
    } while (0)

static inline void quiet(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

static inline int finish(void)
{
    if (failures)
        fprintf(stderr, "%d checks failed\n", (int)failures);
    return failures ? 1 : 0;
}

#endif /* CHECK_H */
