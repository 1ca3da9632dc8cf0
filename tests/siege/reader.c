// One user's clients that may only read, and mean no good: reader SECONDS MODE SOCKET COUNT. It becomes nobody, and connects
// again whenever it is given up. The modes:
//     watches      so many connections, with sixteen watches of 10 ms each; every other one does not read
//     pipelines    so many connections that ask for lists and statistics again and again, and read nothing
//     halves       so many connections that stop within a message: in its length, its header, or 60 KiB of its body
//     connects     so many new connections a second

#include "siege.h"
#include <sys/epoll.h>

enum { NOBODY = 65534, ROOM = 128 * 1024, AT_ONCE = 64, TURNS = 8 };

struct script {
    unsigned char bytes[ROOM];
    size_t length, again; // At the end it goes on from there; nowhere, if that is the end.
};

struct client {
    int socket;
    const struct script *script;
    size_t sent;
    bool reads;
};

static const uint32_t remote = 0x20008086, ballast = 0x42414c4c;

static void word(struct script *script, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        script->bytes[script->length++] = value >> shift;
}

static void head(struct script *script, uint32_t payload, uint32_t program, uint32_t procedure) {
    static uint32_t serial;
    word(script, 28 + payload);
    word(script, program);
    word(script, 1);
    word(script, procedure);
    word(script, 0);
    word(script, ++serial);
    word(script, 0);
}

static void open_system(struct script *script) {
    enum { AUTH_LIST = 66, OPEN = 1 };
    static const char uri[] = "qemu:///system\0"; // Sixteen bytes, as XDR wants.
    head(script, 0, remote, AUTH_LIST);
    head(script, 28, remote, OPEN);
    word(script, 1);
    word(script, 14);
    memcpy(script->bytes + script->length, uri, 16);
    script->length += 16;
    word(script, 0);
}

static struct script write_watches(void) {
    struct script script = { .length = 0 };
    open_system(&script);
    for (uint32_t i = 0; i < 16; i++) {
        enum { WATCH = 3 };
        head(&script, 16, ballast, WATCH);
        word(&script, i);
        word(&script, 0);
        word(&script, 10);
        word(&script, 0);
    }

    script.again = script.length;
    return script;
}

static struct script write_pipeline(void) {
    enum { LIST = 273, ALL_STATS = 344, STATE_AND_BALLOON = 5, ROUNDS = 500 };
    struct script script = { .length = 0 };
    open_system(&script);
    script.again = script.length;
    for (int i = 0; i < ROUNDS; i++) {
        head(&script, 8, remote, LIST);
        word(&script, 1);
        word(&script, 0);
        head(&script, 12, remote, ALL_STATS);
        word(&script, 0);
        word(&script, STATE_AND_BALLOON);
        word(&script, 0);
    }

    return script;
}

static struct script write_half(int kind) {
    enum { LONG = 64000, LIST = 273 };
    struct script script = { .length = 0 };
    open_system(&script);
    size_t opened = script.length;
    head(&script, LONG, remote, LIST);
    script.length = kind == 0 ? opened + 3 : kind == 1 ? opened + 17 : opened + 60 * 1024;
    script.again = script.length;
    return script;
}

static struct script scripts[3];

static void go_on(int poll, struct client *client) {
    const struct script *script = client->script;
    for (int turn = 0; client->sent < script->length; turn++) {
        if (turn == TURNS)
            return; // However fast this one is read from, the others come too.
        ssize_t more = send(client->socket, script->bytes + client->sent, script->length - client->sent, MSG_DONTWAIT);
        if (more <= 0)
            return;
        client->sent += more;
        if (client->sent == script->length && script->again < script->length)
            client->sent = script->again;
    }

    struct epoll_event event = { .events = client->reads ? EPOLLIN : 0, .data.ptr = client };
    epoll_ctl(poll, EPOLL_CTL_MOD, client->socket, &event);
}

static bool start(int poll, struct client *client, const char *path) {
    client->socket = connect_to(path);
    if (client->socket < 0)
        return false;
    client->sent = 0;
    struct epoll_event event = { .events = EPOLLOUT | (client->reads ? EPOLLIN : 0), .data.ptr = client };
    if (epoll_ctl(poll, EPOLL_CTL_ADD, client->socket, &event))
        fail("epoll_ctl");
    return true;
}

static void crowd(const char *path, struct client *clients, int count) {
    static unsigned char nowhere[1 << 16];
    int poll = epoll_create1(EPOLL_CLOEXEC), next = 0, open = 0;
    while (true) {
        for (int i = 0; i < AT_ONCE && open < count; i++) {
            while (clients[next].socket >= 0)
                next = (next + 1) % count;
            if (!start(poll, &clients[next], path))
                break;
            open++;
        }

        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, open < count ? 1 : -1);
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            if (events[i].events & (EPOLLHUP | EPOLLERR) ||
                (events[i].events & EPOLLIN && recv(client->socket, nowhere, sizeof nowhere, MSG_DONTWAIT) == 0)) {
                close(client->socket);
                client->socket = -1;
                open--;
            } else if (events[i].events & EPOLLOUT) {
                go_on(poll, client);
            }
        }
    }
}

static void knock(const char *path, int a_second) {
    enum { HELD = 50 };
    int held[HELD];
    memset(held, -1, sizeof held);
    for (unsigned i = 0;; i++) {
        if (held[i % HELD] >= 0)
            close(held[i % HELD]);
        held[i % HELD] = connect_to(path);
        if (held[i % HELD] >= 0 && i % 3)
            (void)!send(held[i % HELD], scripts[0].bytes, i % 3 == 1 ? scripts[0].length : i % 28, MSG_DONTWAIT);
        usleep(1000000 / a_second);
    }
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    const char *mode = argv[2];
    int count = atoi(argv[4]);
    struct rlimit files = { count + 64, count + 64 };
    if (setrlimit(RLIMIT_NOFILE, &files))
        fail("setrlimit");
    be_modest();
    if (!getuid() && (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)))
        fail("nobody");
    begin(argv[1]); // Who becomes another user has to ask again for the signal of death.
    bool watches = !strcmp(mode, "watches"), halves = !strcmp(mode, "halves");
    for (int i = 0; i < 3; i++)
        scripts[i] = watches ? write_watches() : halves ? write_half(i) : write_pipeline();
    if (!strcmp(mode, "connects")) {
        open_system(memset(scripts, 0, sizeof scripts));
        knock(argv[3], count);
    }

    struct client *clients = calloc(count, sizeof *clients);
    for (int i = 0; i < count; i++)
        clients[i] = (struct client){ .socket = -1, .script = &scripts[i % 3], .reads = watches && i % 2 };
    crowd(argv[3], clients, count);
}
