/*
 * Processes that answer QMP under QEMU's name, for tests of what comes and goes: a real QEMU takes too long to start for
 * fifty a second.
 *
 *   qemu-system-x86_64 -name NAME -uuid UUID -m MIB -qmp unix:PATH,server=on,wait=off
 *       one of them; serves one client at a time, as QEMU does
 *   herd PROGRAM DIRECTORY POPULATION PER_SECOND SECONDS
 *       keeps so many of them in DIRECTORY and replaces so many a second, the oldest first. Every other one takes over its
 *       forerunner's socket file, as a QEMU does that is started anew; the rest have a file of their own, removed with them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *name = "", *uuid = "00000000-0000-0000-0000-000000000000";
static long mib = 64;
static int period;

static const char *after(const char *text, const char *key)
{
    const char *found = strstr(text, key);
    return found ? found + strlen(key) : NULL;
}

/* Writes the answer to one command. Its id, if it has one, is a number and its last member. */
static void answer(FILE *out, const char *command)
{
    const char *execute = after(command, "\"execute\":\""), *id = after(command, "\"id\":");
    char what[64] = "";
    if (execute)
        sscanf(execute, "%63[^\"]", what);
    fputs("{\"return\": ", out);
    if (!strcmp(what, "query-name"))
        fprintf(out, "{\"name\": \"%s\"}", name);
    else if (!strcmp(what, "query-uuid"))
        fprintf(out, "{\"UUID\": \"%s\"}", uuid);
    else if (!strcmp(what, "query-balloon"))
        fprintf(out, "{\"actual\": %ld}", mib << 20);
    else if (!strcmp(what, "query-memory-size-summary"))
        fprintf(out, "{\"base-memory\": %ld}", mib << 20);
    else if (!strcmp(what, "query-status"))
        fputs("{\"status\": \"running\", \"running\": true, \"singlestep\": false}", out);
    else if (!strncmp(what, "query-cpus", 10) || !strcmp(what, "query-hotpluggable-cpus"))
        fputs("[]", out);
    else if (!strcmp(what, "qom-list"))
        fputs(strstr(command, "/machine/peripheral\"") ? "[{\"name\": \"balloon0\", \"type\": \"child<virtio-balloon-device>\"}]" : "[]", out);
    else if (!strcmp(what, "qom-get") && strstr(command, "guest-stats-polling-interval"))
        fprintf(out, "%d", period);
    else if (!strcmp(what, "qom-get"))
        fprintf(out, "{\"stats\": {\"stat-free-memory\": %ld, \"stat-total-memory\": %ld, \"stat-available-memory\": %ld}, \"last-update\": %ld}",
                mib << 18, mib << 20, mib << 19, (long)time(NULL));
    else if (!strcmp(what, "qom-set"))
    {
        const char *value = after(command, "\"value\":");
        period = value ? atoi(value) : 0;
        fputs("{}", out);
    }
    else
        fputs("{}", out);
    if (id)
        fprintf(out, ", \"id\": %ld", atol(id));
    fputs("}\r\n", out);
}

/* Commands come one after the other, without anything in between. */
static void serve(int client)
{
    static char text[65536];
    size_t length = 0, start = 0, at = 0;
    int depth = 0, quoted = 0;
    FILE *out = fdopen(client, "w");
    fputs("{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, \"package\": \"\"}, \"capabilities\": []}}\r\n", out);
    while (fflush(out) == 0)
    {
        ssize_t count = read(client, text + length, sizeof text - 1 - length);
        if (count <= 0)
            break;
        for (length += count; at < length; at++)
        {
            if (text[at] == '"' && (at == 0 || text[at - 1] != '\\'))
                quoted = !quoted;
            else if (!quoted && text[at] == '{' && depth++ == 0)
                start = at;
            else if (!quoted && text[at] == '}' && --depth == 0)
            {
                char next = text[at + 1];
                text[at + 1] = 0;
                answer(out, text + start);
                text[at + 1] = next;
            }
        }
        if (depth == 0)
            length = at = 0;
    }
    fclose(out);
}

static int qemu(int count, char **arguments)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 1; i + 1 < count; i += 2)
    {
        const char *value = arguments[i + 1];
        if (!strcmp(arguments[i], "-name"))
            name = value;
        else if (!strcmp(arguments[i], "-uuid"))
            uuid = value;
        else if (!strcmp(arguments[i], "-m"))
            mib = atol(value);
        else if (!strcmp(arguments[i], "-qmp"))
            sscanf(value, "unix:%107[^,]", address.sun_path);
    }
    unlink(address.sun_path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
        return perror(address.sun_path), 1;
    signal(SIGPIPE, SIG_IGN);
    for (;;)
    {
        int client = accept(listener, NULL, NULL);
        if (client >= 0)
            serve(client);
    }
}

struct member { pid_t pid; char path[100]; };

static volatile sig_atomic_t ended;
static void end(int signal) { (void)signal; ended = 1; }

static void stop(struct member *member, int removes)
{
    if (!member->pid)
        return;
    kill(member->pid, SIGKILL);
    waitpid(member->pid, NULL, 0);
    member->pid = 0;
    if (removes)
        unlink(member->path);
}

static void start(struct member *member, const char *program, const char *directory, int slot, long serial)
{
    char text_name[32], text_uuid[48], qmp[160];
    snprintf(member->path, sizeof member->path, "%s/%s%ld.sock", directory, slot % 2 ? "own" : "slot", slot % 2 ? serial : (long)slot);
    snprintf(text_name, sizeof text_name, "churn-%ld", serial);
    snprintf(text_uuid, sizeof text_uuid, "c0c0c0c0-0000-4000-8000-%012lx", serial + 1);
    snprintf(qmp, sizeof qmp, "unix:%s,server=on,wait=off", member->path);
    member->pid = fork();
    if (member->pid)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(program, "qemu-system-x86_64", "-name", text_name, "-uuid", text_uuid, "-m", "64", "-qmp", qmp, NULL);
    _exit(127);
}

static int herd(const char *program, const char *directory, int population, int per_second, int seconds)
{
    struct member *members = calloc(population, sizeof *members);
    struct timespec next;
    long serial = 0, all = population + (long)per_second * seconds;
    struct sigaction action = { .sa_handler = end };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (; serial < all && !ended; serial++)
    {
        int slot = serial % population;
        stop(&members[slot], slot % 2);
        start(&members[slot], program, directory, slot, serial);
        if (serial < population)
            continue;
        next.tv_nsec += 1000000000L / per_second;
        if (next.tv_nsec >= 1000000000L)
            next.tv_sec++, next.tv_nsec -= 1000000000L;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    fprintf(stderr, "replaced %ld\n", serial - population);
    for (int slot = 0; slot < population; slot++)
        stop(&members[slot], 1);
    return 0;
}

int main(int count, char **arguments)
{
    const char *own = strrchr(arguments[0], '/');
    if (count == 6 && !strcmp(own ? own + 1 : arguments[0], "herd"))
        return herd(arguments[1], arguments[2], atoi(arguments[3]), atoi(arguments[4]), atoi(arguments[5]));
    return qemu(count, arguments);
}
