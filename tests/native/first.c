/*
 * The first calls of a process, from several threads at once. "first COUNT" makes COUNT starts, every third one in a child
 * that was forked when the library was loaded and not used, the others in a new program; "first COUNT THREADS MIX" is one.
 * "first alone" looks what the first call of all leaves for later ones to make.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ballast.h"
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 8

extern char **environ;

static pthread_barrier_t line;
static atomic_int spinAsked;

/* In the place of the system's, for the library too. */
char *getenv(const char *name)
{
    size_t length = strlen(name);
    if (strcmp(name, "DOTNET_Lock_SpinCount") == 0)
        spinAsked++;
    for (char **next = environ; next && *next; next++)
        if (strncmp(*next, name, length) == 0 && (*next)[length] == '=')
            return *next + length + 1;
    return NULL;
}

static void initialize(void)
{
    CHECK(virInitialize() == 0);
}

static void open_one(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    CHECK(conn && virConnectNumOfDomains(conn) == 1 && virConnectClose(conn) == 0);
}

static void open_none(void)
{
    CHECK(!virConnectOpen("none:///"));
    CHECK(virGetLastErrorCode() == VIR_ERR_NO_CONNECT && strstr(virGetLastErrorMessage(), "none:///"));
}

static void ask_version(void)
{
    unsigned long version = 0;
    CHECK(virGetVersion(&version, NULL, NULL) == 0 && version > 1000000);
}

static void last_error(void)
{
    CHECK(!virGetLastError());
    CHECK(virDomainFree(NULL) < 0 && virGetLastError() && virGetLastError()->code == VIR_ERR_INVALID_DOMAIN);
}

static void over(int timer, void *opaque)
{
    *(int *)opaque = 1;
    CHECK(virEventRemoveTimeout(timer) == 0);
}

/* It is one thread's to run; others add to it. */
static void run_loop(void)
{
    static atomic_flag isRun = ATOMIC_FLAG_INIT;
    static int isOver;
    CHECK(virEventRegisterDefaultImpl() == 0);
    if (atomic_flag_test_and_set(&isRun)) {
        int timer = virEventAddTimeout(-1, over, NULL, NULL);
        CHECK(timer > 0 && virEventRemoveTimeout(timer) == 0);
        return;
    }
    CHECK(virEventAddTimeout(0, over, &isOver, NULL) > 0);
    while (!isOver && !failures)
        CHECK(virEventRunDefaultImpl() == 0);
}

static void open_with_authentication(void)
{
    virConnectPtr conn = virConnectOpenAuth("test:///default", virConnectAuthPtrDefault, VIR_CONNECT_RO);
    CHECK(conn && virConnectClose(conn) == 0);
}

static void name_values(void)
{
    virTypedParameterPtr params = NULL;
    int count = 0, room = 0, value = 0;
    CHECK(virTypedParamsAddInt(&params, &count, &room, "one", 1) == 0);
    CHECK(virTypedParamsGetInt(params, count, "one", &value) == 1 && value == 1);
    virTypedParamsFree(params, count);
}

static void (*const entries[])(void) = {
    initialize, open_one, run_loop, open_none, ask_version, last_error, open_with_authentication, name_values,
};

struct entry {
    unsigned which;
    unsigned microseconds;
};

static void *enter(void *opaque)
{
    struct entry *entry = opaque;
    (void)pthread_barrier_wait(&line);
    (void)usleep(entry->microseconds);
    entries[entry->which]();
    return NULL;
}

static unsigned next(unsigned *mix)
{
    *mix = *mix * 1103515245 + 12345;
    return *mix / 65536;
}

static int start(int count, unsigned mix)
{
    pthread_t threads[MOST];
    struct entry given[MOST];
    alarm(20);
    virSetErrorFunc(NULL, quiet);
    (void)pthread_barrier_init(&line, NULL, (unsigned)count);
    unsigned latest = (unsigned[]) { 1, 300, 2000 }[mix % 3];
    for (int i = 0; i < count; i++) {
        given[i] = (struct entry) { next(&mix) % (sizeof entries / sizeof *entries), next(&mix) % latest };
        CHECK(pthread_create(&threads[i], NULL, enter, &given[i]) == 0);
    }
    for (int i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    return finish();
}

/*
 * The runtime's locks ask the environment how long to spin, which needs the runtime's texts. Where two threads were
 * to be the first that met at one, it could be while those were made.
 */
static int alone(void)
{
    CHECK(spinAsked == 0);
    CHECK(virInitialize() == 0);
    CHECK(spinAsked == 1);
    return finish();
}

/* Whether it was lost. */
static int start_one(char *program, int number)
{
    char threads[16], mix[16];
    int status = -1;
    (void)snprintf(threads, sizeof threads, "%d", 2 + number % (MOST - 1));
    (void)snprintf(mix, sizeof mix, "%d", number);
    pid_t child = fork();
    if (child == 0) {
        if (number % 3 != 0)
            (void)execl("/proc/self/exe", program, "1", threads, mix, (char *)NULL);
        exit(start(atoi(threads), (unsigned)number));
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        fprintf(stderr, "start %d, of %s threads, ended with signal %d\n", number, threads, WTERMSIG(status));
    return status != 0;
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return start(atoi(argv[2]), (unsigned)atoi(argv[3]));
    if (argc > 1 && strcmp(argv[1], "alone") == 0)
        return alone();
    int count = argc > 1 ? atoi(argv[1]) : 1, lost = 0;
    for (int i = 0; i < count; i++)
        lost += start_one(argv[0], i);
    printf("%d starts, %d lost\n", count, lost);
    /* Children were forked before this: the process itself has not begun yet. */
    return lost || start(MOST, (unsigned)count);
}
