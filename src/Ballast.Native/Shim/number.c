/*
 * Numbers from texts as C reads them, which is what libvirt's interface promises: with a sign, after spaces, infinite, in
 * hexadecimal where they are fractions; whatever the program's locale is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>

static locale_t plain;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* -1 is the largest of all, whatever its width. */
static int to_unsigned(unsigned long long number, int isNegative, unsigned *to)
{
    unsigned long long size = isNegative ? 0 - number : number;
    *to = (unsigned)number;
    return size <= UINT_MAX;
}

static int has_minus(const char *text, const char *end)
{
    while (text < end)
        if (*text++ == '-')
            return 1;
    return 0;
}

int shim_read_number(int type, const char *text, virTypedParameterPtr to)
{
    char *end = NULL;
    int isRight = 1, saved = errno;
    long long number;
    errno = 0;
    switch (type) {
    case VIR_TYPED_PARAM_INT:
        number = strtoll(text, &end, 10);
        to->value.i = (int)number;
        isRight = to->value.i == number;
        break;
    case VIR_TYPED_PARAM_UINT: {
        unsigned long long positive = strtoull(text, &end, 10);
        isRight = to_unsigned(positive, has_minus(text, end), &to->value.ui);
        break;
    }
    case VIR_TYPED_PARAM_LLONG:
        to->value.l = strtoll(text, &end, 10);
        break;
    case VIR_TYPED_PARAM_ULLONG:
        to->value.ul = strtoull(text, &end, 10);
        break;
    case VIR_TYPED_PARAM_DOUBLE:
        (void)pthread_once(&once, make_plain);
        to->value.d = plain ? strtod_l(text, &end, plain) : strtod(text, &end);
        break;
    default:
        return 0;
    }
    isRight = isRight && errno == 0 && end != text && *end == '\0';
    errno = saved;
    return isRight;
}
