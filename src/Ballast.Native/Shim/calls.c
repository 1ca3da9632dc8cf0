/*
 * Functions of the program's, called from where no managed code stands above them: they may leave by a jump or by an exception of
 * their language, as the bindings of some do, and managed frames that are left so end the process later. Managed code says
 * which function is next, and is told that it has returned by being asked again; what was left by a jump it finds at the next call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <stdatomic.h>

enum kind { FREE, HANDLE, TIMER, LIFECYCLE, REBOOT, BALLOON_CHANGE, METADATA_CHANGE, CLOSED };

/* Laid out as in HostCall.cs. */
struct shim_call {
    int kind;
    int number; /* the watch or timer, or the event's first number */
    int first, second;
    void *function;
    void *opaque;
    virConnectPtr conn;
    virDomainPtr dom;
    unsigned long long size;
    const char *text;
};

/* Where the calls are made from, by which managed code knows them: an address on the stack. */
extern int managed_run_loop(void *mark);
extern int managed_ready(void *mark, int watch, void *opaque);
extern void managed_forget(void *opaque);

/* 1 where there is one, 0 where there is none any more, -1 where that failed. */
extern int managed_next_call(void *mark, struct shim_call *call);

static void make(const struct shim_call *call)
{
    switch ((enum kind)call->kind) {
        case FREE:
            ((virFreeCallback)call->function)(call->opaque);
            break;
        case HANDLE:
            ((virEventHandleCallback)call->function)(call->number, call->first, call->second, call->opaque);
            break;
        case TIMER:
            ((virEventTimeoutCallback)call->function)(call->number, call->opaque);
            break;
        case LIFECYCLE:
            (void)((virConnectDomainEventCallback)call->function)(call->conn, call->dom, call->number, call->first, call->opaque);
            break;
        case REBOOT:
            ((virConnectDomainEventGenericCallback)call->function)(call->conn, call->dom, call->opaque);
            break;
        case BALLOON_CHANGE:
            ((void (*)(virConnectPtr, virDomainPtr, unsigned long long, void *))call->function)(call->conn, call->dom, call->size,
                                                                                                call->opaque);
            break;
        case METADATA_CHANGE:
            ((void (*)(virConnectPtr, virDomainPtr, int, const char *, void *))call->function)(call->conn, call->dom, call->number,
                                                                                               call->text, call->opaque);
            break;
        case CLOSED:
            ((virConnectCloseFunc)call->function)(call->conn, call->number, call->opaque);
            break;
    }
}

static atomic_int areEnded;

void ballastEndCallbacks(void)
{
    areEnded = 1;
}

int shim_callbacks_are_ended(void)
{
    return areEnded;
}

static int make_all(struct shim_call *call)
{
    int result;
    while ((result = managed_next_call(call, call)) > 0)
        if (!areEnded)
            make(call);
    return result;
}

int virEventRunDefaultImpl(void)
{
    struct shim_call call;
    int result = -1;
    if (shim_begin("virEventRunDefaultImpl") && managed_run_loop(&call) == 0)
        result = make_all(&call);
    shim_tell_waiting();
    return result;
}

/* What an event loop calls when events wait, whose descriptor this is, and when it does not look at that any more. */
static void ready(int watch, int fd, int events, void *opaque)
{
    struct shim_call call;
    (void)fd;
    (void)events;
    if (managed_ready(&call, watch, opaque) == 0)
        (void)make_all(&call);
    shim_tell_waiting();
}

static void forget(void *opaque)
{
    managed_forget(opaque);
    shim_tell_waiting();
}

virEventHandleCallback shim_ready_function(void)
{
    return ready;
}

virFreeCallback shim_forget_function(void)
{
    return forget;
}
