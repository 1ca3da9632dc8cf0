// A monitor that misbehaves: monitor SECONDS MODE SOCKET. One client at a time, as QEMU. The modes:
//     space-first      white space instead of a greeting
//     space-greeted    white space after the greeting
//     space            white space once it has answered for a while
//     large-events     events of nearly 1 MiB, likewise
//     small-events     events of some bytes, likewise
//     tiny-portions    the same, a byte at a time
//     garbage          answers, but what it is asked for the guest's numbers with something that is no JSON

#include "siege.h"

enum { ANSWERS = 8, LARGE = 1 << 20 };

static const char *mode;
static char space[1 << 16], large[LARGE], small[1 << 16];

static const char *const garbages[] = {
    "this is no JSON\r\n",
    "{\"return\": {\"stats\": {\"stat-free-memory\": 99999999999999999999999999999999}}}\r\n",
    "{\"return\": \"\xff\xfe\x80\", \"id\": 1}\r\n",
    "]]]]}}}}\r\n",
    "\x01\x02\x03\xff\xff\xff\r\n",
};

static bool is(const char *what) {
    return !strcmp(mode, what);
}

static bool tell(int client, const char *text) {
    return send(client, text, strlen(text), 0) == (ssize_t)strlen(text);
}

static void flood(int client, const char *piece, size_t length) {
    while (send(client, piece, length, 0) > 0) {
    }
}

// Fills with whole events, so that the same may be sent again and again.
static void make_events(void) {
    const char *small_one = "{\"event\": \"X\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}\r\n";
    const char *head = "{\"event\": \"X\", \"data\": {\"x\": \"", *tail = "\"}, \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}\r\n";
    memset(space, ' ', sizeof space);
    memset(large, 'x', sizeof large);
    memcpy(large, head, strlen(head));
    memcpy(large + sizeof large - strlen(tail), tail, strlen(tail));
    while (strlen(small) + strlen(small_one) < sizeof small)
        strcat(small, small_one);
}

static void overrun(int client) {
    if (is("space"))
        flood(client, space, sizeof space);
    else if (is("large-events"))
        flood(client, large, sizeof large);
    else if (is("small-events"))
        flood(client, small, strlen(small));
    else
        for (size_t at = 0; send(client, small + at, 1, 0) == 1;)
            at = (at + 1) % strlen(small);
}

static bool answer(int client, const char *command, const char *name) {
    static int garbage;
    char text[512], id[64] = "";
    const char *body = "{}", *mark = strstr(command, "\"id\":");
    if (mark)
        snprintf(id, sizeof id, ", \"id\": %.*s", (int)strcspn(mark + 5, ",}"), mark + 5);
    char own[256];
    if (strstr(command, "\"query-name\"")) {
        snprintf(own, sizeof own, "{\"name\": \"%s\"}", name);
        body = own;
    } else if (strstr(command, "\"query-uuid\"")) {
        // Made of its name, so that all differ.
        unsigned hash = 5381;
        for (const char *c = name; *c; c++)
            hash = hash * 33 + (unsigned char)*c;
        snprintf(own, sizeof own, "{\"UUID\": \"%08x-0000-4000-8000-%08x0000\"}", hash, hash);
        body = own;
    } else if (strstr(command, "\"query-balloon\"")) {
        body = "{\"actual\": 1073741824}";
    } else if (strstr(command, "\"query-status\"")) {
        body = "{\"status\": \"running\", \"singlestep\": false, \"running\": true}";
    } else if (strstr(command, "\"query-memory-size-summary\"")) {
        body = "{\"base-memory\": 1073741824, \"plugged-memory\": 0}";
    } else if (strstr(command, "\"qom-list\"")) {
        body = strstr(command, "peripheral\"") ? "[{\"name\": \"balloon0\", \"type\": \"child<virtio-balloon-pci>\"}]" : "[]";
    } else if (strstr(command, "polling-interval") && strstr(command, "qom-get")) {
        body = "0";
    } else if (strstr(command, "\"guest-stats\"")) {
        if (is("garbage"))
            return tell(client, garbages[garbage++ % (sizeof garbages / sizeof *garbages)]);
        body = "{\"stats\": {\"stat-free-memory\": 1048576, \"stat-total-memory\": 1073741824}, \"last-update\": 1}";
    }

    snprintf(text, sizeof text, "{\"return\": %s%s}\r\n", body, id);
    return tell(client, text);
}

static void serve(int client, const char *name) {
    static const char start[] = "{\"execute\"";
    if (is("space-first"))
        flood(client, space, sizeof space);
    if (!tell(client, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, \"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n"))
        return;
    if (is("space-greeted"))
        flood(client, space, sizeof space);
    for (int answered = 0;;) {
        // Several commands may come at once; they are short, and come whole.
        char commands[1 << 16];
        ssize_t got = recv(client, commands, sizeof commands - 1, 0);
        if (got <= 0)
            return;
        commands[got] = 0;
        for (char *command = strstr(commands, start), *next; command; command = next) {
            next = strstr(command + 1, start);
            if (next)
                next[-1] = 0;
            if (!answer(client, command, name))
                return;
            if (next)
                *next = '{';
            answered++;
        }

        if (answered >= ANSWERS && !is("garbage"))
            return overrun(client);
    }
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    begin(argv[1]);
    be_modest();
    mode = argv[2];
    make_events();
    int listener = listen_at(argv[3]);
    const char *name = strrchr(argv[3], '/') + 1;
    for (;;) {
        int client = accept(listener, NULL, NULL), room = 4 << 20;
        setsockopt(client, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        serve(client, name);
        close(client);
    }
}
