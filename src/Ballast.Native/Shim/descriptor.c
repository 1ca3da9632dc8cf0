/*
 * Descriptors that tell the program's event loop of something. Two sockets, each known by its inode: a program that closes
 * descriptors which are not its own, as those that become daemons do, has other files under their numbers afterwards, and
 * what is not ours is neither written to, nor read from, nor closed. eventfds all look the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_ours(const struct shim_signal *signal, int end)
{
    struct stat file;
    return fstat(signal->ends[end], &file) == 0 && S_ISSOCK(file.st_mode) && file.st_ino == signal->inodes[end];
}

int shim_open_signal(struct shim_signal *signal)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, signal->ends) != 0)
        return errno;
    for (int end = 0; end < 2; end++) {
        struct stat file;
        signal->inodes[end] = fstat(signal->ends[end], &file) == 0 ? file.st_ino : 0;
    }
    return 0;
}

int shim_owns_signal(const struct shim_signal *signal)
{
    return is_ours(signal, 0) && is_ours(signal, 1);
}

void shim_tell_signal(const struct shim_signal *signal)
{
    if (is_ours(signal, 1))
        (void)send(signal->ends[1], "", 1, MSG_NOSIGNAL);
}

void shim_drain_signal(const struct shim_signal *signal)
{
    char told[256];
    while (is_ours(signal, 0) && recv(signal->ends[0], told, sizeof told, 0) == sizeof told)
        ;
}

void shim_close_signal(const struct shim_signal *signal)
{
    for (int end = 0; end < 2; end++)
        if (is_ours(signal, end))
            (void)close(signal->ends[end]);
}
