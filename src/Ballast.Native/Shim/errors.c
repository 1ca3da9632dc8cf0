/*
 * The last error of each thread, the handlers that are told, and the guard against a forked child.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __thread virError last;
static __thread int isKept; /* whether the thread's end will free its strings */
static __thread struct {
    int isWaiting;
    virErrorFunc handler;
    void *userData;
} waiting; /* whom to tell the last error when managed code has been left */
static pthread_key_t threadEnd;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile int isChild;

/* One handler is never called with another's argument. */
static struct {
    pthread_mutex_t gate;
    virErrorFunc handler;
    void *userData;
} global = { .gate = PTHREAD_MUTEX_INITIALIZER };

static void free_last(void *unused)
{
    (void)unused;
    virResetError(&last);
    isKept = 0; /* what ends after us may fail again */
}

static int forks;

static void has_forked(void)
{
    (void)__atomic_fetch_add(&forks, 1, __ATOMIC_RELEASE);
}

const int *shim_forks(void)
{
    return &forks;
}

static void now_a_child(void)
{
    /* Whoever held it in the parent is not here. */
    global.gate = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    isChild |= shim_is_begun();
}

/* The runtime's threads do not come along into a forked child: whoever waited for them would wait for ever. */
static void first_call(void)
{
    (void)pthread_key_create(&threadEnd, free_last);
    (void)pthread_atfork(NULL, has_forked, now_a_child);
}

int shim_begin(const char *function)
{
    if (last.code != VIR_ERR_OK)
        virResetError(&last);
    return shim_allows(function);
}

int shim_allows(const char *function)
{
    (void)pthread_once(&once, first_call);
    if (!isChild)
        return shim_start(function);

    char message[512];
    static const char prefix[] = "Requested operation is not valid: ";
    (void)snprintf(message, sizeof message,
                   "%s%s in a process that was forked after the library was used; "
                   "fork before that, or start a new program in the child", prefix, function);
    shim_set_error(VIR_ERR_OPERATION_INVALID, VIR_FROM_NONE, VIR_ERR_ERROR, message,
                   "Requested operation is not valid: %s", message + sizeof prefix - 1, NULL, -1, -1);
    shim_tell_error(NULL, NULL);
    return 0;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

void shim_set_error(int code, int domain, int level, const char *message, const char *str1, const char *str2,
                    const char *str3, int int1, int int2)
{
    int saved = errno;
    (void)pthread_once(&once, first_call);
    if (!isKept)
        isKept = pthread_setspecific(threadEnd, &last) == 0;
    virResetError(&last);
    last.code = code;
    last.domain = domain;
    last.level = (virErrorLevel)level;
    last.message = copy(message);
    last.str1 = copy(str1);
    last.str2 = copy(str2);
    last.str3 = copy(str3);
    last.int1 = int1;
    last.int2 = int2;
    errno = saved;
}

void shim_set_plain_error(int isOutOfMemory)
{
    static const char noMemory[] = "out of memory";
    static const char unknown[] = "internal error: something failed, and so did telling what";
    if (isOutOfMemory)
        shim_set_error(VIR_ERR_NO_MEMORY, VIR_FROM_NONE, VIR_ERR_ERROR, noMemory, noMemory, NULL, NULL, -1, -1);
    else
        shim_set_error(VIR_ERR_INTERNAL_ERROR, VIR_FROM_NONE, VIR_ERR_ERROR, unknown, "internal error: %s",
                       unknown + sizeof "internal error: " - 1, NULL, -1, -1);
}

void shim_tell_error(virErrorFunc handler, void *userData)
{
    if (!handler) {
        (void)pthread_mutex_lock(&global.gate);
        handler = global.handler;
        userData = global.userData;
        (void)pthread_mutex_unlock(&global.gate);
    }
    if (handler)
        handler(userData, &last);
    else
        virDefaultErrorFunc(&last);
}

void shim_tell_later(virErrorFunc handler, void *userData)
{
    waiting.isWaiting = 1;
    waiting.handler = handler;
    waiting.userData = userData;
}

void shim_tell_everybody_later(void)
{
    shim_tell_later(NULL, NULL);
}

void shim_tell_waiting(void)
{
    if (!waiting.isWaiting)
        return;
    waiting.isWaiting = 0;
    if (last.code != VIR_ERR_OK)
        shim_tell_error(waiting.handler, waiting.userData);
}

void shim_keep_error(virErrorPtr to)
{
    virResetError(to);
    shim_copy_error(&last, to);
}

void shim_copy_error(virErrorPtr from, virErrorPtr to)
{
    *to = *from;
    to->message = copy(from->message);
    to->str1 = copy(from->str1);
    to->str2 = copy(from->str2);
    to->str3 = copy(from->str3);
}

virErrorPtr virGetLastError(void)
{
    return last.code == VIR_ERR_OK ? NULL : &last;
}

int virGetLastErrorCode(void)
{
    return last.code;
}

int virGetLastErrorDomain(void)
{
    return last.code == VIR_ERR_OK ? VIR_FROM_NONE : last.domain;
}

const char *virGetLastErrorMessage(void)
{
    if (last.code == VIR_ERR_OK)
        return "no error";
    return last.message ? last.message : "unknown error";
}

void virResetLastError(void)
{
    virResetError(&last);
}

virErrorPtr virSaveLastError(void)
{
    virErrorPtr saved = calloc(1, sizeof *saved);
    if (saved)
        shim_copy_error(&last, saved);
    return saved;
}

int virCopyLastError(virErrorPtr to)
{
    if (!to)
        return -1;
    /* What it held may never have been set: it is not freed. */
    shim_copy_error(&last, to);
    return to->code;
}

void virResetError(virErrorPtr err)
{
    if (!err)
        return;
    free(err->message);
    free(err->str1);
    free(err->str2);
    free(err->str3);
    memset(err, 0, sizeof *err);
}

void virFreeError(virErrorPtr err)
{
    virResetError(err);
    free(err);
}

void virSetErrorFunc(void *userData, virErrorFunc handler)
{
    (void)pthread_mutex_lock(&global.gate);
    global.handler = handler;
    global.userData = userData;
    (void)pthread_mutex_unlock(&global.gate);
}

static const char *origin(int domain)
{
    /* In the order of libvirt's numbers. */
    static const char *const names[] = {
        "", "Xen Driver", "Xen Daemon", "Xen Store", "S-Expression", "XML Util", "Domain", "XML-RPC", "Proxy Daemon",
        "Config File", "QEMU Driver", "Network", "Test Driver", "Remote Driver", "OpenVZ Driver", "Xen XM Driver",
        "Linux Statistics", "LXC Driver", "Storage Driver", "Network Driver", "Domain Config",
        "User Mode Linux Driver", "Node Device Driver", "Xen Inotify Driver", "Security Driver", "VirtualBox Driver",
        "Network Interface Driver", "Open Nebula Driver", "ESX Driver", "Power Hypervisor Driver", "Secrets Driver",
        "CPU Driver", "XenAPI Driver", "Network Filter Driver", "Lifecycle Hook", "Domain Snapshot", "Audit Utils",
        "Sysinfo Utils", "I/O Stream Utils", "VMware Driver", "Event Loop", "Xen Light Driver", "Lock Driver",
        "Hyper-V Driver", "Capabilities Utils", "URI Utils", "Authentication Utils", "DBus Utils",
        "Parallels Cloud Server", "Device Config", "SSH transport layer", "Lock Space", "Init control", "Identity",
        "Cgroup", "Access Manager", "Systemd", "Bhyve", "Crypto", "Firewall", "Polkit", "Thread jobs",
        "Admin Interface", "Log Manager", "Xen XL Config", "Perf", "Libssh transport layer", "Resource control",
        "FirewallD", "Domain Checkpoint", "TPM", "BPF", "Cloud-Hypervisor Driver",
    };
    return domain >= 0 && domain < (int)(sizeof names / sizeof *names) ? names[domain] : "Unknown";
}

void virDefaultErrorFunc(virErrorPtr err)
{
    if (!err || err->code == VIR_ERR_OK)
        return;
    const char *level = err->level == VIR_ERR_ERROR ? "error" : err->level == VIR_ERR_WARNING ? "warning" : "";
    fprintf(stderr, "libvirt: %s %s : %s\n", origin(err->domain), level,
            err->message ? err->message : "No error message provided");
}
