// What attackers are measured against: discard SECONDS DIRECTORY SOCKET listens at the socket, connects to each monitor that
// comes to the directory, asks it a few things, and only throws away what it is sent.

#include "siege.h"
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/stat.h>

enum { MONITORS = 128 };

static char known[MONITORS][256];

static bool is_known(const char *name) {
    for (int i = 0; i < MONITORS; i++)
        if (!strcmp(known[i], name))
            return true;
    return false;
}

static void take(int poll, int peer) {
    struct epoll_event event = { .events = EPOLLIN, .data.fd = peer };
    if (epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event))
        fail("epoll_ctl");
}

static void look_for_monitors(int poll, const char *directory) {
    DIR *names = opendir(directory);
    if (!names)
        fail(directory);
    for (struct dirent *entry; (entry = readdir(names));) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        int peer, room = 0;
        if (entry->d_name[0] == '.' || is_known(entry->d_name) || (peer = connect_to(path)) < 0)
            continue;
        for (int i = 0; i < 8; i++)
            (void)!send(peer, "{\"execute\":\"query-status\"}\n", 27, MSG_DONTWAIT);
        take(poll, peer);
        while (room < MONITORS - 1 && *known[room])
            room++;
        snprintf(known[room], sizeof known[room], "%s", entry->d_name);
    }

    closedir(names);
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    static char nowhere[1 << 16];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    begin(argv[1]);
    be_modest();
    umask(0);
    int listener = listen_at(argv[3]), poll = epoll_create1(EPOLL_CLOEXEC);
    take(poll, listener);
    for (double looked = 0;;) {
        if (now() - looked > 0.1) {
            look_for_monitors(poll, argv[2]);
            looked = now();
        }

        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, 100);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                take(poll, accept(listener, NULL, NULL));
            else if (recv(events[i].data.fd, nowhere, sizeof nowhere, MSG_DONTWAIT) <= 0)
                close(events[i].data.fd);
        }
    }
}
