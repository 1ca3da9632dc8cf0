/*
 * Functions of the program's that leave by a jump, as those of bindings do whose language has exceptions: nothing of the library's
 * may stand above them, and it goes on as if they had returned.
 *
 *     jumps error, jumps event
 *     jumps timer, jumps handle      which libvirt never calls again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

#include <setjmp.h>
#include <unistd.h>

#define TIMES 300

static jmp_buf back;
static virConnectPtr conn;
static virDomainPtr dom;
static int told, isOver;

static void jump_of_error(void *opaque, virErrorPtr error)
{
    (void)opaque;
    told += error->code == VIR_ERR_NO_DOMAIN || error->code == VIR_ERR_INVALID_ARG;
    longjmp(back, 1);
}

static int jump_of_event(virConnectPtr from, virDomainPtr of, int event, int detail, void *opaque)
{
    (void)from, (void)of, (void)event, (void)detail, (void)opaque;
    told++;
    longjmp(back, 1);
}

static void jump_of_timer(int timer, void *opaque)
{
    (void)timer, (void)opaque;
    told++;
    longjmp(back, 1);
}

static void jump_of_handle(int watch, int fd, int events, void *opaque)
{
    (void)watch, (void)fd, (void)events, (void)opaque;
    told++;
    longjmp(back, 1);
}

static void over(int timer, void *opaque)
{
    (void)timer, (void)opaque;
    isOver = 1;
}

/* Runs the loop until so many have jumped out of it, or a while is over. */
static void run(int times)
{
    int timer = virEventAddTimeout(20000, over, NULL, NULL);
    while (told < times && !isOver) {
        if (setjmp(back) == 0)
            (void)virEventRunDefaultImpl();
    }
    (void)virEventRemoveTimeout(timer);
}

int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    int ends[2], number = -1;
    (void)alarm(60);
    virSetErrorFunc(NULL, quiet);
    CHECK(virEventRegisterDefaultImpl() == 0);
    conn = virConnectOpen("test:///default");
    dom = virDomainLookupByName(conn, "test");
    CHECK(dom != NULL);
    if (strcmp(part, "error") == 0) {
        virSetErrorFunc(NULL, jump_of_error);
        for (volatile int i = 0; i < TIMES; i++) {
            if (setjmp(back) == 0)
                (void)(i % 2 ? virDomainLookupByName(conn, "nobody") : virDomainLookupByUUIDString(conn, "none"));
        }
        virSetErrorFunc(NULL, quiet);
    } else if (strcmp(part, "event") == 0) {
        number = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(jump_of_event), NULL, NULL);
        for (volatile int i = 0; i < TIMES; i++) {
            (void)(i % 2 ? virDomainResume(dom) : virDomainSuspend(dom));
            run(i + 1);
        }
    } else if (strcmp(part, "timer") == 0) {
        number = virEventAddTimeout(0, jump_of_timer, NULL, NULL);
        run(TIMES);
        CHECK(virEventRemoveTimeout(number) == 0);
    } else {
        CHECK(pipe(ends) == 0 && write(ends[1], "", 1) == 1);
        number = virEventAddHandle(ends[0], VIR_EVENT_HANDLE_READABLE, jump_of_handle, NULL, NULL);
        run(TIMES);
        CHECK(virEventRemoveHandle(number) == 0);
    }

    /* and all else works */
    for (int i = 0; i < 5000; i++) {
        char *xml = virDomainGetXMLDesc(dom, 0);
        CHECK(xml != NULL);
        free(xml);
    }
    printf("%d jumps\n", told);
    return finish();
}
