/*
 * What a program sees of events and of the default event loop that is written as libvirt's own examples are.
 *
 *     loops stop       a signal's handler sets a flag, which the loop's program looks at between two rounds
 *     loops busy       eight thousand events come faster than the callback takes them
 *     loops late       the loop is not run while events come
 *     loops swap       a callback puts another one in its place, while events wait
 *     loops twice      the same function is registered again
 *     loops leave      what registrations leave behind that are taken back while nobody runs the loop
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE 60 /* s */

static volatile sig_atomic_t isRunning = 1;
static virConnectPtr conn;
static virDomainPtr dom;
static atomic_int told, last;
static int id;

static void stop(int number)
{
    (void)number;
    isRunning = 0;
}

static void set(int timer, void *flag)
{
    (void)timer;
    if (flag)
        *(int *)flag = 1;
}

static void spin(int milliseconds)
{
    int isOver = 0, timer = virEventAddTimeout(milliseconds, set, &isOver, NULL);
    while (!isOver)
        CHECK(virEventRunDefaultImpl() == 0);
    CHECK(virEventRemoveTimeout(timer) == 0);
}

static void change(int times)
{
    for (int i = 0; i < times; i++)
        CHECK(virDomainSuspend(dom) == 0 && virDomainResume(dom) == 0);
}

static void until_stopped(void)
{
    struct sigaction action = { .sa_handler = stop };
    struct itimerval soon = { .it_value.tv_usec = 300000 };
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0);
    while (isRunning)
        CHECK(virEventRunDefaultImpl() == 0);
    printf("stopped\n");
}

static int slowly(virConnectPtr from, virDomainPtr of, int event, int detail, void *opaque)
{
    (void)from, (void)of, (void)detail;
    if (opaque)
        usleep(200);
    last = event;
    told++;
    return 0;
}

static void *run(void *unused)
{
    while (isRunning)
        (void)virEventRunDefaultImpl();
    return unused;
}

static void busy(void)
{
    pthread_t loop;
    CHECK(virEventAddTimeout(100, set, NULL, NULL) > 0);
    CHECK(pthread_create(&loop, NULL, run, NULL) == 0);
    CHECK(virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(slowly), &told, NULL) == 0);
    change(4000);
    for (int i = 0; i < 300 && told < 8000; i++)
        usleep(100000);
    printf("%d came, the last %d\n", told, last);
    isRunning = 0;
    CHECK(pthread_join(loop, NULL) == 0);
}

static void late(void)
{
    CHECK(virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(slowly), NULL, NULL) == 0);
    change(3000);
    for (int i = 0; i < 50 && told < 6000; i++)
        spin(100);
    printf("%d came, the last %d\n", told, last);
}

static int second(virConnectPtr from, virDomainPtr of, int event, int detail, void *opaque)
{
    (void)from, (void)of, (void)opaque;
    printf("second %d %d\n", event, detail);
    return 0;
}

static int first(virConnectPtr from, virDomainPtr of, int event, int detail, void *opaque)
{
    (void)of, (void)opaque;
    printf("first %d %d\n", event, detail);
    CHECK(virConnectDomainEventDeregisterAny(from, id) == 0);
    id = virConnectDomainEventRegisterAny(from, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(second), NULL, NULL);
    return 0;
}

static void swap(void)
{
    id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(first), NULL, NULL);
    change(3);
    usleep(200000);
    spin(300);
    CHECK(virConnectDomainEventDeregisterAny(conn, id) == 0);
    change(1);
    spin(100);
}

static void say(const char *what, int result)
{
    virErrorPtr error = result < 0 ? virGetLastError() : NULL;
    printf("%s: %d %d %s\n", what, result, error ? error->code : 0, error ? error->message : "");
}

static void twice(void)
{
    virConnectDomainEventGenericCallback one = VIR_DOMAIN_EVENT_CALLBACK(slowly), other = VIR_DOMAIN_EVENT_CALLBACK(second);
    virConnectPtr another = virConnectOpen("test:///default");
    say("first", virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, one, NULL, NULL));
    say("again", virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, one, &told, NULL));
    say("another", virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, other, NULL, NULL));
    say("other kind", virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_REBOOT, one, NULL, NULL));
    say("of a domain", virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE, one, NULL, NULL));
    say("of it again", virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE, one, NULL, NULL));
    say("the old way", virConnectDomainEventRegister(conn, slowly, NULL, NULL));
    say("and again", virConnectDomainEventRegister(conn, slowly, NULL, NULL));
    say("on another", virConnectDomainEventRegisterAny(another, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, one, NULL, NULL) >= 0 ? 0 : -1);
    say("of another's", virConnectDomainEventRegisterAny(another, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE, one, NULL, NULL));
    say("taken back", virConnectDomainEventDeregisterAny(conn, 0));
    say("once more", virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, one, NULL, NULL) >= 0 ? 0 : -1);
    CHECK(virConnectClose(another) >= 0);
}

static int descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void leave(void)
{
    int before = 0;
    for (int i = 0; i < 200; i++) {
        if (i == 1)
            before = descriptors();
        int number = virConnectDomainEventRegisterAny(conn, NULL, i % 26, VIR_DOMAIN_EVENT_CALLBACK(slowly), NULL, NULL);
        CHECK(number >= 0 && virConnectDomainEventDeregisterAny(conn, number) == 0);
        CHECK(virConnectDomainEventRegister(conn, slowly, NULL, NULL) >= 0 && virConnectDomainEventDeregister(conn, slowly) == 0);
    }
    printf("%d descriptors more\n", descriptors() - before);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {
        { "stop", until_stopped }, { "busy", busy }, { "late", late }, { "swap", swap }, { "twice", twice }, { "leave", leave },
    };
    (void)alarm(PATIENCE);
    virSetErrorFunc(NULL, quiet);
    CHECK(virEventRegisterDefaultImpl() == 0 && virEventAddTimeout(-1, set, NULL, NULL) > 0);
    conn = virConnectOpen("test:///default");
    dom = conn ? virDomainLookupByName(conn, "test") : NULL;
    CHECK(dom != NULL);
    for (size_t i = 0; dom && i < sizeof parts / sizeof *parts; i++) {
        if (argc > 1 && strcmp(argv[1], parts[i].name) == 0)
            parts[i].run();
    }
    CHECK(virDomainFree(dom) == 0 && virConnectClose(conn) >= 0);
    return finish();
}
