/*
 * Says what a call answers, and its error: one line for each call, for comparison between libraries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SAY_H
#define SAY_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void quiet(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

static void and_error(void)
{
    virErrorPtr error = virGetLastError();
    if (error)
        printf(" [%d/%d/%d] %s | %s | %s | %s | %d | %d", error->code, error->domain, error->level, error->message,
               error->str1 ? error->str1 : "-", error->str2 ? error->str2 : "-", error->str3 ? error->str3 : "-", error->int1,
               error->int2);
    printf("\n");
}

/* what is a number */
#define NUMBER(call)                             \
    do {                                         \
        long long number_ = (long long)(call);   \
        printf("%s -> %lld", #call, number_);    \
        and_error();                             \
    } while (0)

/* what is a text, and whose: the caller's */
#define TEXT(call)                                       \
    do {                                                 \
        char *text_ = (call);                            \
        printf("%s -> %s", #call, text_ ? text_ : "-");  \
        and_error();                                     \
        free(text_);                                     \
    } while (0)

/* a text of the library's */
#define LENT(call)                                       \
    do {                                                 \
        const char *text_ = (call);                      \
        printf("%s -> %s", #call, text_ ? text_ : "-");  \
        and_error();                                     \
    } while (0)

/* what is there, or not */
#define FOUND(call)                                              \
    do {                                                         \
        printf("%s -> %s", #call, (call) ? "there" : "nothing"); \
        and_error();                                             \
    } while (0)

/* whether there is a text of the caller's, which differs from host to host */
#define SOME_TEXT(call)                                          \
    do {                                                         \
        char *text_ = (call);                                    \
        printf("%s -> %s", #call, text_ ? "there" : "nothing");  \
        and_error();                                             \
        free(text_);                                             \
    } while (0)

/* what returns nothing */
#define DONE(call)             \
    do {                       \
        call;                  \
        printf("%s", #call);   \
        and_error();           \
    } while (0)

#endif /* SAY_H */
