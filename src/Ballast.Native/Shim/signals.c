/*
 * Signals are the program's. What is sent to it is for its own threads: ours, and the runtime's, block all that does not come
 * of what they do themselves, or a signal that the program blocks and waits for would be delivered to one of them (threads.c). The
 * runtime ignores SIGPIPE for the whole process when it starts, and relies on it; here it is given back, and what is sent to
 * sockets says of itself that it wants no signal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <signal.h>
#include <sys/socket.h>

int shim_keep_signals(int (*start)(void))
{
    struct sigaction before, after;
    int isKnown = sigaction(SIGPIPE, NULL, &before) == 0;
    int result = start();

    /* Unless the program has set it meanwhile itself. */
    if (isKnown && sigaction(SIGPIPE, NULL, &after) == 0 && after.sa_handler == SIG_IGN)
        (void)sigaction(SIGPIPE, &before, NULL);
    return result;
}

/* The linker takes these for the system's, wherever the library and the runtime's own parts in it use them. */

extern ssize_t __real_send(int fd, const void *buffer, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *buffer, size_t length, int flags);

ssize_t __wrap_send(int fd, const void *buffer, size_t length, int flags)
{
    return __real_send(fd, buffer, length, flags | MSG_NOSIGNAL);
}

extern ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return __real_sendmsg(fd, message, flags | MSG_NOSIGNAL);
}
