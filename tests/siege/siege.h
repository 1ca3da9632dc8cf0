// What all programs of the siege share. Each is bounded: an alarm ends it, and so does the end of who started it.

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// Attackers have the last processor, and of it what nobody else wants: they are no part of what is measured.
static inline void be_modest(void) {
    cpu_set_t ours, last;
    CPU_ZERO(&last);
    if (sched_getaffinity(0, sizeof ours, &ours))
        fail("sched_getaffinity");
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && !CPU_COUNT(&last); cpu--)
        if (CPU_ISSET(cpu, &ours))
            CPU_SET(cpu, &last);
    if (sched_setaffinity(0, sizeof last, &last) || setpriority(PRIO_PROCESS, 0, 19))
        fail("be modest");
}

static inline void begin(const char *seconds) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    alarm(atoi(seconds));
}

static inline struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail(path);
    }

    strcpy(address.sun_path, path);
    return address;
}

static inline int listen_at(const char *path) {
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (void *)&address, sizeof address) || listen(listener, 4096))
        fail(path);
    return listener;
}

// Does not wait: -1 where nobody takes it now.
static inline int connect_to(const char *path) {
    struct sockaddr_un address = address_of(path);
    int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (peer < 0)
        fail("socket");
    if (!connect(peer, (void *)&address, sizeof address))
        return peer;
    close(peer);
    return -1;
}

static inline double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}
