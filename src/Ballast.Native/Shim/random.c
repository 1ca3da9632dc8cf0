/*
 * Random numbers for the runtime, which would keep /dev/urandom open: a program that closes descriptors which are not its own
 * may have a file of its own under that number, from which the runtime would read, or wait for ever. The system gives them
 * without a descriptor. The linker takes these for the runtime's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/types.h>

int32_t __wrap_minipal_get_cryptographically_secure_random_bytes(uint8_t *buffer, int32_t length);
void __wrap_minipal_get_non_cryptographically_secure_random_bytes(uint8_t *buffer, int32_t length);

int32_t __wrap_minipal_get_cryptographically_secure_random_bytes(uint8_t *buffer, int32_t length)
{
    while (length > 0) {
        ssize_t got = getrandom(buffer, (size_t)length, 0);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0) {
            buffer += got;
            length -= (int32_t)got;
        }
    }
    return 0;
}

void __wrap_minipal_get_non_cryptographically_secure_random_bytes(uint8_t *buffer, int32_t length)
{
    (void)__wrap_minipal_get_cryptographically_secure_random_bytes(buffer, length);
}
