// A program that stands in for QEMU in the tests of worlds: it listens on the monitors that its command line names, as QEMU
// does, answers what Ballast asks, and writes down what it was told. Nothing but that log says who was reached in truth.
//
// Of QEMU's options it knows -name, -uuid, -m, -qmp unix:PATH,… and -chardev socket,fd=N,…; others are skipped. Descriptor 8
// is its log: a line for each command, with what it changes. Descriptor 7 gets a byte when it listens.
//
// In the environment: FAKE_TOKEN, a number that all its own numbers are made of, so that they tell who answered;
// FAKE_SAY_NAME and FAKE_SAY_UUID, what its monitor says in place of its command line; FAKE_RUNAS, the user it becomes once
// it listens; FAKE_SILENT: it never greets, and where that is "first", only its first monitor does not; FAKE_LAST_WORDS: so
// many milliseconds after its end its last event comes, as that of a QEMU does whose monitor is read late; FAKE_BECOMES:
// told to quit, it runs that program instead, which sleeps.

#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { READY = 7, LOG = 8, MONITORS = 4, ROOM = 64 * 1024 };

struct monitor {
    int listener, client;
    size_t length;
    char buffer[ROOM + 1];
};

static struct monitor monitors[MONITORS];
static int count;
static const char *name, *uuid = "00000000-0000-0000-0000-000000000000";
static uint64_t token, base, actual, period;
static time_t updated;
static bool running = true, silent, silent_first;

static void fail(const char *what) {
    perror(what);
    _exit(99);
}

static void note(const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    if (write(LOG, line, length) != length)
        fail("log");
}

static void terminated(int signal) {
    (void)signal;
    ssize_t written = write(LOG, "SIGTERM\n", 8);
    _exit(written == 8 ? 0 : 99);
}

static void add(int listener) {
    if (count == MONITORS)
        fail("too many monitors");
    monitors[count].listener = listener;
    monitors[count++].client = -1;
}

// As QEMU: whatever is at the path is taken away first.
static void listen_at(const char *option) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strcspn(option, ",");
    if (length >= sizeof address.sun_path)
        fail("path");
    memcpy(address.sun_path, option, length);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
        fail(address.sun_path);
    add(listener);
}

static bool is_silent(const struct monitor *monitor) {
    return silent_first ? monitor == monitors : silent;
}

static void leave(struct monitor *monitor) {
    close(monitor->client);
    monitor->client = -1;
    monitor->length = 0;
}

__attribute__((format(printf, 2, 3)))
static void tell(struct monitor *monitor, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (monitor->client >= 0 && send(monitor->client, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != length)
        leave(monitor);
}

static void event(const char *what, const char *data) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < count; i++)
        tell(&monitors[i], "{\"timestamp\": {\"seconds\": %lld, \"microseconds\": %ld}, \"event\": \"%s\"%s%s}\r\n",
             (long long)now.tv_sec, now.tv_nsec / 1000, what, *data ? ", \"data\": " : "", data);
}

// The member's value as it stands in a command; good enough for commands that carry no strange strings.
static const char *member(const char *command, const char *key, char *value, size_t room) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    *value = 0;
    const char *at = strstr(command, quoted);
    if (!at)
        return NULL;
    at += strlen(quoted);
    at += strspn(at, " \t:");
    bool text = *at == '"';
    at += text;
    size_t length = text ? strcspn(at, "\"") : strcspn(at, ",} \t\r\n");
    if (length >= room)
        length = room - 1;
    memcpy(value, at, length);
    value[length] = 0;
    return value;
}

static void answer(struct monitor *monitor, const char *command) {
    char what[64], path[256], property[64], value[64], id[64], tail[96] = "", body[1024] = "{}";
    member(command, "execute", what, sizeof what);
    member(command, "path", path, sizeof path);
    member(command, "property", property, sizeof property);
    member(command, "value", value, sizeof value);
    if (member(command, "id", id, sizeof id))
        snprintf(tail, sizeof tail, ", \"id\": %s", id);
    note("%s%s%s%s%s", what, *property ? " " : "", property, *value ? " " : "", value);

    bool quits = false, refused = false, resized = false;
    const char *happened = NULL;
    if (!strcmp(what, "query-name")) {
        if (name)
            snprintf(body, sizeof body, "{\"name\": \"%s\"}", name);
    } else if (!strcmp(what, "query-uuid")) {
        snprintf(body, sizeof body, "{\"UUID\": \"%s\"}", uuid);
    } else if (!strcmp(what, "query-balloon")) {
        snprintf(body, sizeof body, "{\"actual\": %llu}", (unsigned long long)actual);
    } else if (!strcmp(what, "query-status")) {
        snprintf(body, sizeof body, "{\"status\": \"%s\", \"singlestep\": false, \"running\": %s}",
                 running ? "running" : "paused", running ? "true" : "false");
    } else if (!strcmp(what, "query-memory-size-summary")) {
        snprintf(body, sizeof body, "{\"base-memory\": %llu, \"plugged-memory\": 0}", (unsigned long long)base);
    } else if (!strcmp(what, "query-cpus-fast") || !strcmp(what, "query-hotpluggable-cpus")) {
        snprintf(body, sizeof body, "[]");
    } else if (!strcmp(what, "qom-list")) {
        snprintf(body, sizeof body, "[%s]",
                 strcmp(path, "/machine/peripheral") ? "" : "{\"name\": \"balloon0\", \"type\": \"child<virtio-balloon-pci>\"}");
    } else if (!strcmp(what, "qom-get") && !strcmp(property, "guest-stats-polling-interval")) {
        snprintf(body, sizeof body, "%llu", (unsigned long long)period);
    } else if (!strcmp(what, "qom-get") && !strcmp(property, "guest-stats")) {
        const unsigned long long own = token << 12, mib = 1 << 20;
        snprintf(body, sizeof body,
                 "{\"stats\": {\"stat-swap-in\": %llu, \"stat-swap-out\": %llu, \"stat-major-faults\": %llu, \"stat-minor-faults\": %llu, "
                 "\"stat-free-memory\": %llu, \"stat-total-memory\": %llu, \"stat-available-memory\": %llu, \"stat-disk-caches\": %llu, "
                 "\"stat-htlb-pgalloc\": 0, \"stat-htlb-pgfail\": 0}, \"last-update\": %lld}",
                 own, own, 1000 + (unsigned long long)token, 2000 + (unsigned long long)token,
                 100 * mib + own, 600 * mib + own, 300 * mib + own, 50 * mib + own, (long long)updated);
    } else if (!strcmp(what, "qom-set") && !strcmp(property, "guest-stats-polling-interval")) {
        // The guest is asked where the collection was off, and answers at once.
        time_t now = time(NULL);
        if (period == 0)
            updated = now > updated ? now : updated + 1;
        period = strtoull(value, NULL, 10);
    } else if (!strcmp(what, "balloon")) {
        actual = strtoull(value, NULL, 10);
        resized = true;
    } else if (!strcmp(what, "stop") || !strcmp(what, "cont")) {
        if (running != !strcmp(what, "cont"))
            happened = running ? "STOP" : "RESUME";
        running = !strcmp(what, "cont");
    } else if (!strcmp(what, "system_reset")) {
        happened = "RESET";
    } else if (!strcmp(what, "quit")) {
        quits = true;
    } else if (strcmp(what, "qmp_capabilities") && strcmp(what, "system_powerdown")) {
        refused = true;
    }

    if (refused)
        tell(monitor, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command %s has not been found\"}%s}\r\n", what, tail);
    else
        tell(monitor, "{\"return\": %s%s}\r\n", body, tail);
    if (happened)
        event(happened, !strcmp(happened, "RESET") ? "{\"guest\": false, \"reason\": \"host-qmp-system-reset\"}" : "");
    if (resized) {
        snprintf(body, sizeof body, "{\"actual\": %llu}", (unsigned long long)actual);
        event("BALLOON_CHANGE", body);
    }
    if (quits && getenv("FAKE_BECOMES")) {
        close_range(3, ~0U, 0);
        execl(getenv("FAKE_BECOMES"), "sleep", "300", NULL);
        fail("exec");
    }
    if (quits) {
        const char *late = getenv("FAKE_LAST_WORDS");
        if (late && fork() > 0)
            _exit(0);
        if (late)
            usleep(1000 * atoi(late));
        event("SHUTDOWN", "{\"guest\": false, \"reason\": \"host-qmp-quit\"}");
        _exit(0);
    }
}

// Takes whole commands out of what was received; what is unfinished waits for its rest.
static void take(struct monitor *monitor) {
    for (;;) {
        int depth = 0;
        bool quoted = false;
        size_t start = 0, i;
        for (i = 0; i < monitor->length; i++) {
            char c = monitor->buffer[i];
            if (quoted) {
                if (c == '\\')
                    i++;
                else if (c == '"')
                    quoted = false;
            } else if (c == '"') {
                quoted = true;
            } else if (c == '{' && depth++ == 0) {
                start = i;
            } else if (c == '}' && --depth == 0) {
                break;
            }
        }

        if (i >= monitor->length)
            return;
        char *command = strndup(monitor->buffer + start, i + 1 - start);
        monitor->length -= i + 1;
        memmove(monitor->buffer, monitor->buffer + i + 1, monitor->length);
        answer(monitor, command);
        free(command);
    }
}

static void receive(struct monitor *monitor) {
    ssize_t got = recv(monitor->client, monitor->buffer + monitor->length, ROOM - monitor->length, 0);
    if (got <= 0) {
        leave(monitor);
        return;
    }

    monitor->length += got;
    if (is_silent(monitor))
        monitor->length = 0;
    take(monitor);
}

static void greet(struct monitor *monitor) {
    monitor->client = accept4(monitor->listener, NULL, NULL, SOCK_CLOEXEC);
    if (monitor->client >= 0 && !is_silent(monitor))
        tell(monitor, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, \"package\": \"\"}, "
                      "\"capabilities\": [\"oob\"]}}\r\n");
}

static void serve(void) {
    struct pollfd waits[MONITORS];
    for (;;) {
        // One client a monitor; others wait in the queue.
        for (int i = 0; i < count; i++)
            waits[i] = (struct pollfd){ .fd = monitors[i].client >= 0 ? monitors[i].client : monitors[i].listener, .events = POLLIN };
        if (poll(waits, count, -1) < 0)
            fail("poll");
        for (int i = 0; i < count; i++) {
            if (!waits[i].revents)
                continue;
            if (waits[i].fd == monitors[i].listener)
                greet(&monitors[i]);
            else if (waits[i].fd == monitors[i].client)
                receive(&monitors[i]);
        }
    }
}

int main(int argc, char **argv) {
    prctl(PR_SET_NAME, "qemu-system-x86");
    signal(SIGTERM, terminated);
    token = strtoull(getenv("FAKE_TOKEN") ?: "1", NULL, 10);
    silent = getenv("FAKE_SILENT");
    silent_first = silent && !strcmp(getenv("FAKE_SILENT"), "first");
    for (int i = 1; i + 1 < argc; i++) {
        const char *option = argv[i], *value = argv[i + 1];
        if (!strcmp(option, "-name"))
            name = value;
        else if (!strcmp(option, "-uuid"))
            uuid = value;
        else if (!strcmp(option, "-m"))
            base = strtoull(value, NULL, 10) << 20;
        else if (!strcmp(option, "-qmp") && !strncmp(value, "unix:", 5))
            listen_at(value + 5);
        else if (!strcmp(option, "-chardev") && strstr(value, ",fd="))
            add(atoi(strstr(value, ",fd=") + 4));
    }

    actual = base;
    period = 100 + token;
    updated = time(NULL) - 2;
    name = getenv("FAKE_SAY_NAME") ?: name;
    uuid = getenv("FAKE_SAY_UUID") ?: uuid;

    // Its resident memory tells who it is, too.
    if (mmap(NULL, token << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
        fail("memory");

    const char *user = getenv("FAKE_RUNAS");
    if (user && (setresgid(atoi(user), atoi(user), atoi(user)) || setresuid(atoi(user), atoi(user), atoi(user))))
        fail("runas");
    prctl(PR_SET_PDEATHSIG, SIGKILL); // A change of user took it away.
    if (write(READY, "", 1) != 1)
        fail("ready");
    close(READY);
    serve();
}
