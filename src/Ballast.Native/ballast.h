/*
 * ballast.h: additions to libvirt's C interface for the memory of domains.
 *
 * libballast.so contains these functions beside libvirt's own. They take libvirt's handles. Include <libvirt/libvirt.h>
 * first, or let this header include "ballast-libvirt.h", which declares the part of libvirt's interface that the library
 * implements. Unless stated otherwise, a function returns -1 or NULL on failure, and virGetLastError() returns the error.
 *
 * The interface is stable. New enum values and structure members are added only at the end, so a program built today runs
 * with later libraries. If BALLAST_ENUM_SENTINELS is defined, enums end with a …_LAST value that grows with the library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BALLAST_H
#define BALLAST_H

#if !defined(LIBVIRT_H)
#include "ballast-libvirt.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Tags of the six virtio statistics for which libvirt has none. They are returned only with BALLAST_MEMORY_EXTENDED. */
typedef enum {
    BALLAST_DOMAIN_MEMORY_STAT_OOM_KILLS = 0x4200000a,       /* processes killed for lack of memory, since boot */
    BALLAST_DOMAIN_MEMORY_STAT_ALLOC_STALLS = 0x4200000b,    /* allocations that waited for reclaim, since boot */
    BALLAST_DOMAIN_MEMORY_STAT_ASYNC_SCANS = 0x4200000c,     /* KiB scanned in the background, since boot */
    BALLAST_DOMAIN_MEMORY_STAT_DIRECT_SCANS = 0x4200000d,    /* KiB scanned inside allocations, since boot */
    BALLAST_DOMAIN_MEMORY_STAT_ASYNC_RECLAIMS = 0x4200000e,  /* KiB reclaimed in the background, since boot */
    BALLAST_DOMAIN_MEMORY_STAT_DIRECT_RECLAIMS = 0x4200000f, /* KiB reclaimed inside allocations, since boot */
#ifdef BALLAST_ENUM_SENTINELS
    BALLAST_DOMAIN_MEMORY_STAT_LAST
#endif
} ballastDomainMemoryStatTags;

/* The condition of a sample, or the reason for a missing statistic. ballastMemoryReasonRemedy says what to do about it. */
typedef enum {
    BALLAST_MEMORY_REASON_FRESH = 0,
    BALLAST_MEMORY_REASON_STALE = 1,
    BALLAST_MEMORY_REASON_PAUSED = 2,
    BALLAST_MEMORY_REASON_NEVER_REPORTED = 3,
    BALLAST_MEMORY_REASON_DRIVER_NOT_LOADED = 4,
    BALLAST_MEMORY_REASON_DRIVER_WITHOUT_SERVICE = 5,
    BALLAST_MEMORY_REASON_POLLING_OFF = 6,
    BALLAST_MEMORY_REASON_NO_BALLOON_DEVICE = 7,
    BALLAST_MEMORY_REASON_MONITOR_BUSY = 8,
    BALLAST_MEMORY_REASON_MONITOR_HUNG = 9,
    BALLAST_MEMORY_REASON_PERMISSION_DENIED = 10,
    BALLAST_MEMORY_REASON_CONNECTION_LOST = 11,
    BALLAST_MEMORY_REASON_REJECTED_VALUE = 12,
    BALLAST_MEMORY_REASON_UNSUPPORTED_BY_DAEMON = 13,
    BALLAST_MEMORY_REASON_NO_MONITOR = 14,
    BALLAST_MEMORY_REASON_SOCKET_NOT_FOUND = 15,
    BALLAST_MEMORY_REASON_INCONSISTENT = 16, /* the numbers contradict each other, or come from the future */
    BALLAST_MEMORY_REASON_NOT_TRUSTED = 17,
    BALLAST_MEMORY_REASON_PROCESS_NOT_FOUND = 18, /* the host's numbers: QEMU's process is not visible to this one */
#ifdef BALLAST_ENUM_SENTINELS
    BALLAST_MEMORY_REASON_LAST
#endif
} ballastMemoryReason;

/* The age of the guest's numbers compared with the collection period. */
typedef enum {
    BALLAST_FRESHNESS_NEVER_REPORTED = 0,
    BALLAST_FRESHNESS_STALE = 1, /* older than two periods and a second */
    BALLAST_FRESHNESS_FRESH = 2,
#ifdef BALLAST_ENUM_SENTINELS
    BALLAST_FRESHNESS_LAST
#endif
} ballastFreshness;

/* The formula for used memory: the best that the guest's report allows. For guests that count the balloon as used
 * (deflate-on-oom, Windows), the balloon is subtracted. */
typedef enum {
    BALLAST_USED_NONE = -1, /* the report is incomplete or inconsistent */
    BALLAST_USED_AVAILABLE_MINUS_USABLE = 0,
    BALLAST_USED_AVAILABLE_MINUS_UNUSED_MINUS_DISK_CACHES = 1,
    BALLAST_USED_AVAILABLE_MINUS_UNUSED = 2, /* counts caches as used */
    BALLAST_USED_AVAILABLE_MINUS_USABLE_MINUS_BALLOON = 3,
    BALLAST_USED_AVAILABLE_MINUS_UNUSED_MINUS_DISK_CACHES_MINUS_BALLOON = 4,
    BALLAST_USED_AVAILABLE_MINUS_UNUSED_MINUS_BALLOON = 5,
#ifdef BALLAST_ENUM_SENTINELS
    BALLAST_USED_LAST
#endif
} ballastUsedFormula;

/* Bits: contradictions between numbers that are plausible on their own. The numbers are returned anyway. */
typedef enum {
    BALLAST_INCONSISTENT_AVAILABLE_ABOVE_MAXIMUM = 1,
    BALLAST_INCONSISTENT_USABLE_ABOVE_AVAILABLE = 2,
    BALLAST_INCONSISTENT_UNUSED_ABOVE_AVAILABLE = 4,
    BALLAST_INCONSISTENT_COUNTER_WENT_BACKWARDS = 8,
    BALLAST_INCONSISTENT_DISK_CACHES_ABOVE_AVAILABLE = 16, /* together with unused */
    BALLAST_INCONSISTENT_LAST_UPDATE_IN_FUTURE = 32,       /* by more than a second: the age is unknown */
    BALLAST_INCONSISTENT_ACTUAL_ABOVE_MAXIMUM = 64,
    BALLAST_INCONSISTENT_AVAILABLE_ABOVE_ACTUAL = 128, /* though the guest's driver subtracts the balloon */
    BALLAST_INCONSISTENT_USABLE_ABOVE_ACTUAL = 256,    /* or unused, without usable */
    BALLAST_INCONSISTENT_AVAILABLE_ZERO = 512,
} ballastMemoryInconsistency;

/* What keeps a paused domain from running, in more detail than libvirt's reasons. */
typedef enum {
    BALLAST_PAUSE_UNKNOWN = 0,        /* it is running, or virDomainGetState returns all that is known */
    BALLAST_PAUSE_WAITING = 1,        /* it waits to be resumed */
    BALLAST_PAUSE_MIGRATING = 2,
    BALLAST_PAUSE_MIGRATED = 3,       /* it was migrated to another host or a file: the QEMU left here must not be resumed */
    BALLAST_PAUSE_RESTORING = 4,
    BALLAST_PAUSE_DEBUGGING = 5,      /* a debugger has stopped its processors */
    BALLAST_PAUSE_INTERNAL_ERROR = 6, /* it runs again only after a reset */
    BALLAST_PAUSE_REPLICATING = 7,    /* COLO */
#ifdef BALLAST_ENUM_SENTINELS
    BALLAST_PAUSE_LAST
#endif
} ballastPauseCause;

/* Flags of the functions below. */
typedef enum {
    BALLAST_MEMORY_EXTENDED = 1, /* include the six statistics beyond libvirt's */
} ballastMemoryFlags;

/* The size of a ballastMemorySample in the first version. Every library accepts it, and larger sizes. */
#define BALLAST_MEMORY_SAMPLE_VERSION1_SIZE 368

/* The lengths of the array of reasons in a sample, and of the hypervisor's message. */
#define BALLAST_MEMORY_MISSING_LENGTH 64
#define BALLAST_MEMORY_DETAIL_LENGTH 252

/*
 * The age, freshness and reasons of one sample. The caller sets size to sizeof(ballastMemorySample). The library writes
 * nothing beyond that size, and sets members that it does not know to 0. It refuses sizes below
 * BALLAST_MEMORY_SAMPLE_VERSION1_SIZE and above 4096.
 */
typedef struct _ballastMemorySample ballastMemorySample;
typedef ballastMemorySample *ballastMemorySamplePtr;
struct _ballastMemorySample {
    unsigned int size;             /* sizeof(ballastMemorySample) */
    int reason;                    /* ballastMemoryReason */
    int freshness;                 /* ballastFreshness */
    unsigned int inconsistencies;  /* ballastMemoryInconsistency */
    int period;                    /* collection period in seconds; 0 off, -1 unknown */
    int usedFormula;               /* ballastUsedFormula */
    unsigned long long used;       /* KiB that the guest uses; 0 if usedFormula is -1 */
    unsigned long long lastUpdate; /* Unix seconds of the guest's last report; 0: never, or unknown */
    long long age;                 /* ms since that report; -1: never, unknown, or from the future */
    signed char missing[BALLAST_MEMORY_MISSING_LENGTH]; /* for ballastMemorySampleGetMissing */
    unsigned int detailLength;     /* length of the hypervisor's message; if it exceeds detail, it is cut */
    char detail[BALLAST_MEMORY_DETAIL_LENGTH]; /* the message or its beginning; UTF-8, NUL-terminated, may be empty */
    int pauseCause;                /* ballastPauseCause */
};

/*
 * A sample of one of several domains. The library allocates and frees it, so it can grow: check size, or sample->size,
 * before you use a member that a later version added.
 */
typedef struct _ballastMemoryRecord ballastMemoryRecord;
typedef ballastMemoryRecord *ballastMemoryRecordPtr;
struct _ballastMemoryRecord {
    unsigned int size;                /* size of the record in this library */
    int nstats;
    virDomainPtr dom;                 /* owned by the record: virDomainRef() to keep it */
    virDomainMemoryStatPtr stats;     /* in libvirt's order, including unknown tags */
    ballastMemorySamplePtr sample;
};

/*
 * Memory pressure (PSI): the share of time in which tasks of the host waited for memory, from 0 to 1, over about the last 10,
 * 60 and 300 seconds. If the kernel does not account for it, all members are -1.
 */
typedef struct _ballastMemoryPressure ballastMemoryPressure;
struct _ballastMemoryPressure {
    double last10;
    double last60;
    double last300;
    long long total;               /* ms since the host booted */
};

/* The size of a ballastHostMemory in the first version. Every library accepts it, and larger sizes. */
#define BALLAST_HOST_MEMORY_VERSION1_SIZE 160

/*
 * The host's memory, as its kernel reports it: sizes in KiB, -1 if unknown. The rules for size are those of
 * ballastMemorySample.
 */
typedef struct _ballastHostMemory ballastHostMemory;
typedef ballastHostMemory *ballastHostMemoryPtr;
struct _ballastHostMemory {
    unsigned int size;                  /* sizeof(ballastHostMemory) */
    int reason;                         /* BALLAST_MEMORY_REASON_UNSUPPORTED_BY_DAEMON: see ballastConnectGetHostMemory */
    long long total;                    /* all memory */
    long long free;                     /* unused, without caches (MemFree) */
    long long available;                /* that programs can get without swapping (MemAvailable) */
    long long swapTotal;                /* 0: the host has no swap */
    long long swapFree;
    long long merged;                   /* saved by merging equal pages (KSM); 0 if the kernel does not merge; -1 if unknown */
    ballastMemoryPressure somePressure; /* at least one task waited */
    ballastMemoryPressure fullPressure; /* all tasks waited at once */
    int hasGroup;                       /* 1: the members below are those of the control group; 0: there is none with that path, or it cannot be read */
    long long groupMax;                 /* hard limit, less the memory of others under it; -1: no limit */
    long long groupHigh;                /* limit above which the kernel slows the group down, likewise; -1: no limit */
    long long groupCurrent;             /* the group's memory, including file caches */
    long long groupUnreclaimable;       /* the part that the kernel cannot drop */
};

/*
 * A domain's process as the host's kernel sees it, besides its resident memory: sizes in KiB, -1 if unknown. The library
 * allocates and frees it, so it can grow: check size before you use a member that a later version added.
 */
typedef struct _ballastProcessMemory ballastProcessMemory;
typedef ballastProcessMemory *ballastProcessMemoryPtr;
struct _ballastProcessMemory {
    unsigned int size;                /* size of the record in this library */
    int reason;                       /* ballastMemoryReason: why numbers are missing */
    virDomainPtr dom;                 /* owned by the record: virDomainRef() to keep it */
    long long swapped;                /* the host has swapped it out; it is not resident */
    long long locked;                 /* no balloon gives it back */
    long long pinned;                 /* for passed-through devices: no balloon gives it back */
    long long hugePages;              /* of hugetlbfs: not resident, and no balloon gives it back */
    long long merged;                 /* merged with equal pages of others (KSM); known from Linux 6.1 on */
    long long runTime;                /* ms since the process started */
    int reportsFreePages;             /* 1: the guest reports free pages; 0: not; -1: unknown */
    int deflatesOnOom;                /* 1: the guest deflates its balloon before it kills a program; 0: not; -1: unknown */
    const char *groupPath;            /* its memory control group, for ballastConnectGetHostMemory; NULL: unknown */
    int hasGroup;                     /* 1: the members below are known; they are as in ballastHostMemory */
    long long groupMax;
    long long groupHigh;
    long long groupCurrent;
    long long groupUnreclaimable;
};

/* Repeated samples; see ballastConnectWatchMemoryStats. */
typedef struct _ballastWatch ballastWatch;
typedef ballastWatch *ballastWatchPtr;

/* The version of this library, such as "0.1.0". Never NULL. Do not free it. */
const char *ballastGetVersion(void);

/*
 * Texts for the numbers above, as in the output of the program ballast; NULL for unknown numbers. Do not free them.
 *
 * A statistic's name as in dommemstat ("swap_in"), a reason ("polling off"), a freshness ("stale"), a formula for used
 * memory ("available - usable"), and one bit of a sample's inconsistencies ("usable above available").
 */
const char *ballastMemoryStatLabel(int tag);
const char *ballastMemoryReasonLabel(int reason);
const char *ballastFreshnessLabel(int freshness);
const char *ballastUsedFormulaLabel(int formula);
const char *ballastMemoryInconsistencyLabel(unsigned int inconsistency);

/* What an operator can do about the reason; empty for fresh. The text contains commands with the domain's name. free() it. */
char *ballastMemoryReasonRemedy(int reason, const char *domainName);

/*
 * Samples a domain's memory. Fills stats up to nr_stats, and *sample, and returns the number of entries. If the monitor
 * does not answer, is held or may not be used, the sample has a reason; the call does not fail. nr_stats may be 0.
 */
int ballastDomainGetMemorySample(virDomainPtr dom, ballastMemorySamplePtr sample, virDomainMemoryStatPtr stats,
                                 unsigned int nr_stats, unsigned int flags);

/*
 * Why a statistic is missing in a sample. Returns 1 and *reason (a ballastMemoryReason) if it is missing, 0 if it has a
 * value or was not requested (BALLAST_MEMORY_EXTENDED), and -1 if the library does not know the tag. reason may be NULL.
 */
int ballastMemorySampleGetMissing(const ballastMemorySample *sample, int tag, int *reason);

/*
 * Makes the guest report now and samples it. The collection period does not change. If the guest cannot be asked or does
 * not answer in time, the sample has its old numbers, as stale. Refused on read-only connections.
 */
int ballastDomainRefreshMemoryStats(virDomainPtr dom, ballastMemorySamplePtr sample, virDomainMemoryStatPtr stats,
                                    unsigned int nr_stats, unsigned int flags);

/* The collection period in seconds; 0: collection is off. */
int ballastDomainGetMemoryStatsPeriod(virDomainPtr dom, unsigned int flags);

/*
 * Samples all active domains concurrently, or those in doms, a NULL-terminated array. Domains that end in the meantime are left
 * out. Returns the number of samples, and in *records a NULL-terminated array, for ballastMemoryRecordListFree.
 */
int ballastConnectGetMemorySamples(virConnectPtr conn, virDomainPtr *doms, ballastMemoryRecordPtr **records,
                                   unsigned int flags);
void ballastMemoryRecordListFree(ballastMemoryRecordPtr *records);

/*
 * The host's memory, swap and memory pressure, and the limits of a memory control group. controlGroup is its path below the
 * directory where control groups are mounted ("machine.slice"), or NULL for none. flags must be 0.
 *
 * libvirt's daemon does not report most of this: reason is then BALLAST_MEMORY_REASON_UNSUPPORTED_BY_DAEMON, only total, free
 * and an estimate of available may be known, and a control group is refused with VIR_ERR_NO_SUPPORT. ballastd reports all.
 */
int ballastConnectGetHostMemory(virConnectPtr conn, const char *controlGroup, ballastHostMemoryPtr memory,
                                unsigned int flags);

/*
 * The processes of all active domains, or of those in doms, a NULL-terminated array, as the host's kernel sees them. Domains
 * that end in the meantime are left out. Returns the number of records, and in *records a NULL-terminated array, for
 * ballastProcessMemoryListFree. flags must be 0. libvirt's daemon reports none of this: each record's reason is then
 * BALLAST_MEMORY_REASON_UNSUPPORTED_BY_DAEMON.
 */
int ballastConnectGetProcessMemory(virConnectPtr conn, virDomainPtr *doms, ballastProcessMemoryPtr **records,
                                   unsigned int flags);
void ballastProcessMemoryListFree(ballastProcessMemoryPtr *records);

/*
 * Samples a domain, or all domains if dom is NULL (including those that start later), at once and then in each period (ms,
 * at least 1). Each domain's newest sample waits to be read, so samples do not pile up; its age and freshness are those at the
 * time of reading. Free it with ballastWatchFree.
 *
 * One domain and all domains behave the same. A domain that is not running or does not exist has no samples. They resume in
 * the first period after it returns (identified by UUID, with a new handle in the record). If a domain does not answer, its
 * sample has a reason. A watch fails only when its connection is lost or shut down, or when the daemon does not answer in
 * time (VIR_ERR_OPERATION_TIMEOUT). It then fails permanently.
 */
ballastWatchPtr ballastConnectWatchMemoryStats(virConnectPtr conn, virDomainPtr dom, unsigned int period,
                                               unsigned int flags);

/* A descriptor that is readable while ballastWatchNext would return at once. It belongs to the watch. */
int ballastWatchGetFd(ballastWatchPtr watch);

/*
 * The next sample. Waits at most timeout ms (0: does not wait, -1: no limit). Returns 1 and *record, which you free with
 * ballastMemoryRecordFree; 0 after the timeout; -1 if the watch has failed, with the reason as last error.
 */
int ballastWatchNext(ballastWatchPtr watch, ballastMemoryRecordPtr *record, int timeout);
void ballastMemoryRecordFree(ballastMemoryRecordPtr record);
void ballastWatchFree(ballastWatchPtr watch);

/*
 * Closes a connection for all its users, even if references, domains, callbacks and watches still exist. It disconnects from
 * monitors and daemon, removes callbacks and frees their data. Watches and further calls fail with VIR_ERR_INVALID_CONN.
 * Domain handles still return what they contain (name, UUID and id). Handles stay valid until they are freed; free the
 * connection's own with virConnectClose. Further calls of this function have no effect.
 */
int ballastConnectShutdown(virConnectPtr conn);

/*
 * Makes blocking calls interruptible. While a call waits, the library calls check about ten times a second, on the waiting
 * thread. If check returns a value other than 0, the call fails with VIR_ERR_OPERATION_ABORTED. NULL removes the check.
 */
typedef int (*ballastInterruptCheck)(void *opaque);
void ballastSetInterruptCheck(ballastInterruptCheck check, void *opaque);

/*
 * Ends callbacks for good: after this, the library begins no call of a function that the program gave it for events, handles,
 * timers, closed connections, or to free their data. A call that has begun goes on. Use this before a language's interpreter
 * ends that such functions need, if the process goes on, or threads that still wait in the library. Never fails.
 */
void ballastEndCallbacks(void);

#ifdef __cplusplus
}
#endif

#endif /* BALLAST_H */
