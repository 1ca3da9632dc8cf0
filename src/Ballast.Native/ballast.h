/*
 * ballast.h: what libvirt's C interface cannot say about the memory of domains.
 *
 * These functions stand in libballast.so, beside libvirt's own, and take libvirt's handles. Include <libvirt/libvirt.h>
 * first, or let this header include "ballast-libvirt.h", which declares the part of libvirt's interface that the library
 * serves. Unless said otherwise a function returns -1 or NULL when it fails, and virGetLastError() says why.
 *
 * What is here stays: enums get new numbers and structures new members, both at their ends, so that a program built today
 * runs with a later library. With BALLAST_ENUM_SENTINELS defined, enums end with a …_LAST that grows with the library.
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

/* Tags of the six virtio statistics that libvirt has none for; only for callers that ask for BALLAST_MEMORY_EXTENDED. */
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

/* The one thing to know about a sample, or about a statistic that is missing. ballastMemoryReasonRemedy says what to do. */
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
    BALLAST_MEMORY_REASON_INCONSISTENT = 16, /* the numbers cannot be true together, or come from the future */
    BALLAST_MEMORY_REASON_NOT_TRUSTED = 17,
#ifdef BALLAST_ENUM_SENTINELS
    BALLAST_MEMORY_REASON_LAST
#endif
} ballastMemoryReason;

/* How old the guest's numbers are, compared with the collection period. */
typedef enum {
    BALLAST_FRESHNESS_NEVER_REPORTED = 0,
    BALLAST_FRESHNESS_STALE = 1, /* older than two periods and a second */
    BALLAST_FRESHNESS_FRESH = 2,
#ifdef BALLAST_ENUM_SENTINELS
    BALLAST_FRESHNESS_LAST
#endif
} ballastFreshness;

/* How used memory was computed: the best that the guest's report allows. In guests that see all their memory whatever the
 * balloon holds (deflate-on-oom, Windows), what it held is taken off. */
typedef enum {
    BALLAST_USED_NONE = -1, /* the report does not allow it, or is inconsistent */
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

/* Bits: numbers that are possible each, but not together. They are delivered all the same. */
typedef enum {
    BALLAST_INCONSISTENT_AVAILABLE_ABOVE_MAXIMUM = 1,
    BALLAST_INCONSISTENT_USABLE_ABOVE_AVAILABLE = 2,
    BALLAST_INCONSISTENT_UNUSED_ABOVE_AVAILABLE = 4,
    BALLAST_INCONSISTENT_COUNTER_WENT_BACKWARDS = 8,
    BALLAST_INCONSISTENT_DISK_CACHES_ABOVE_AVAILABLE = 16, /* together with unused */
    BALLAST_INCONSISTENT_LAST_UPDATE_IN_FUTURE = 32,       /* by more than a second: the age is unknown */
} ballastMemoryInconsistency;

/* Flags of the functions below. */
typedef enum {
    BALLAST_MEMORY_EXTENDED = 1, /* the six statistics beyond libvirt's too */
} ballastMemoryFlags;

/* The size that a ballastMemorySample had at first. Every library takes it, and any size above it. */
#define BALLAST_MEMORY_SAMPLE_VERSION1_SIZE 368

/* The room for reasons in a sample, and for what the hypervisor said. */
#define BALLAST_MEMORY_MISSING_LENGTH 64
#define BALLAST_MEMORY_DETAIL_LENGTH 252

/*
 * The circumstances of one sample. The caller sets size to sizeof(ballastMemorySample), as it was when the program was built:
 * not a byte beyond is written, and what this library does not know of it is set to 0. Less than
 * BALLAST_MEMORY_SAMPLE_VERSION1_SIZE and more than 4096 are refused.
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
    unsigned long long used;       /* KiB that the guest uses; 0 where usedFormula is -1 */
    unsigned long long lastUpdate; /* Unix seconds of the guest's last report; 0: never, or unknown */
    long long age;                 /* ms since that report; -1: never, unknown, or from the future */
    signed char missing[BALLAST_MEMORY_MISSING_LENGTH]; /* for ballastMemorySampleGetMissing */
    unsigned int detailLength;     /* bytes of what the hypervisor said; beyond detail's room: it was cut */
    char detail[BALLAST_MEMORY_DETAIL_LENGTH]; /* that, or its beginning; UTF-8, for people; ends with NUL; may be empty */
};

/*
 * A sample of one of several domains. The library makes and frees it, so that it can grow: what lies behind a member's end
 * is there where size, or sample->size, says so.
 */
typedef struct _ballastMemoryRecord ballastMemoryRecord;
typedef ballastMemoryRecord *ballastMemoryRecordPtr;
struct _ballastMemoryRecord {
    unsigned int size;                /* of the record, as the library knows it */
    int nstats;
    virDomainPtr dom;                 /* owned by the record: virDomainRef() to keep it */
    virDomainMemoryStatPtr stats;     /* in libvirt's order, unknown tags with their number among them */
    ballastMemorySamplePtr sample;
};

/* Samples taken again and again; see ballastConnectWatchMemoryStats. */
typedef struct _ballastWatch ballastWatch;
typedef ballastWatch *ballastWatchPtr;

/* The version of this library, for instance "0.1.0". Never NULL, not to be freed. */
const char *ballastGetVersion(void);

/*
 * Words for the numbers above, as the program ballast shows them; NULL where the library has none. Not to be freed.
 *
 * A statistic's name as in dommemstat ("swap_in"), a reason ("polling off"), a freshness ("stale"), how used memory was
 * computed ("available - usable"), and one bit of a sample's inconsistencies ("usable above available").
 */
const char *ballastMemoryStatLabel(int tag);
const char *ballastMemoryReasonLabel(int reason);
const char *ballastFreshnessLabel(int freshness);
const char *ballastUsedFormulaLabel(int formula);
const char *ballastMemoryInconsistencyLabel(unsigned int inconsistency);

/* What an operator can do about it, one sentence, empty for fresh; the domain's name is put into commands. free() it. */
char *ballastMemoryReasonRemedy(int reason, const char *domainName);

/*
 * One sample of a domain's memory: fills stats up to nr_stats, and *sample, and returns how many entries it filled. A
 * monitor that does not answer, is held or may not be used is a reason in the sample, not a failure. nr_stats may be 0.
 */
int ballastDomainGetMemorySample(virDomainPtr dom, ballastMemorySamplePtr sample, virDomainMemoryStatPtr stats,
                                 unsigned int nr_stats, unsigned int flags);

/*
 * Why a statistic is missing in a sample: returns 1 and *reason (a ballastMemoryReason) where it is, 0 where it has a value
 * or was not asked for (BALLAST_MEMORY_EXTENDED), -1 where the library knows no such tag. reason may be NULL.
 */
int ballastMemorySampleGetMissing(const ballastMemorySample *sample, int tag, int *reason);

/*
 * A sample of a report that the guest makes now, whatever its collection period, which is afterwards as it was. A guest
 * that cannot be asked, or does not answer in time, gives its old numbers as stale. Refused on read-only connections.
 */
int ballastDomainRefreshMemoryStats(virDomainPtr dom, ballastMemorySamplePtr sample, virDomainMemoryStatPtr stats,
                                    unsigned int nr_stats, unsigned int flags);

/* The collection period in seconds; 0: off. */
int ballastDomainGetMemoryStatsPeriod(virDomainPtr dom, unsigned int flags);

/*
 * Samples of all active domains, side by side; a domain that goes meanwhile is left out. Returns how many there are, and
 * in *records an array that ends with NULL, for ballastMemoryRecordListFree. doms: NULL, or an array that ends with NULL.
 */
int ballastConnectGetMemorySamples(virConnectPtr conn, virDomainPtr *doms, ballastMemoryRecordPtr **records,
                                   unsigned int flags);
void ballastMemoryRecordListFree(ballastMemoryRecordPtr *records);

/*
 * Samples a domain, or with dom NULL all of them (those that come later too), at once and then in each period (ms, at
 * least 1). At most one sample of each domain waits to be taken, so nothing piles up. Free it with ballastWatchFree.
 *
 * For one domain and for all the same holds. While a domain does not run, or is not there, it has no samples; they go on in
 * the first period after it came back (by its UUID, with a new handle in the record). What keeps a domain from answering is
 * the reason in its sample. A watch fails only when its connection is lost or shut down, or when the daemon does not answer in
 * time (VIR_ERR_OPERATION_TIMEOUT), and then for ever.
 */
ballastWatchPtr ballastConnectWatchMemoryStats(virConnectPtr conn, virDomainPtr dom, unsigned int period,
                                               unsigned int flags);

/* A descriptor that is readable while ballastWatchNext has something to say at once. It belongs to the watch. */
int ballastWatchGetFd(ballastWatchPtr watch);

/*
 * The next sample, waiting at most timeout ms (0: not at all, -1: for ever). Returns 1 and *record, to be freed with
 * ballastMemoryRecordFree; 0 when the time is over; -1 when the watch has failed, with the reason as last error.
 */
int ballastWatchNext(ballastWatchPtr watch, ballastMemoryRecordPtr *record, int timeout);
void ballastMemoryRecordFree(ballastMemoryRecordPtr record);
void ballastWatchFree(ballastWatchPtr watch);

/*
 * Closes a connection for all who use it, whatever references, domains, callbacks and watches there still are: monitors and
 * the daemon are let go, callbacks are ended and their data freed, watches fail, and so do further calls, with
 * VIR_ERR_INVALID_CONN. What a domain's handle knows by itself (its name, UUID and number) can still be asked for. Handles
 * stay valid until each is given back; the connection's own by virConnectClose. Done again it does nothing.
 */
int ballastConnectShutdown(virConnectPtr conn);

/*
 * Lets blocking calls be interrupted: while a call waits, check is called about ten times a second, on the thread that
 * waits. Where it returns other than 0 the call is given up and fails with VIR_ERR_OPERATION_ABORTED. NULL: none.
 */
typedef int (*ballastInterruptCheck)(void *opaque);
void ballastSetInterruptCheck(ballastInterruptCheck check, void *opaque);

#ifdef __cplusplus
}
#endif

#endif /* BALLAST_H */
