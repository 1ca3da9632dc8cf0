// A client of libvirt's C library that may do everything: caller SECONDS URI BEHIND COUNT. It asks the domains whose names
// begin with "crowd-" and come before BEHIND, of which there are so many, for their memory statistics, one after the other;
// and now and then for the list and for statistics of all, in between, as its own shall not disturb each other. It writes a
// line for each: what it did, the microseconds that took, and how many of the domains it got; "error" and why, where it got
// none.

#include "siege.h"
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

enum { MOST = 256, CALLS = 100 };

static const char *behind;

static void ignore(void *data, virErrorPtr error) {
    (void)data;
    (void)error;
}

static bool is_healthy(virDomainPtr domain) {
    return !strncmp(virDomainGetName(domain), "crowd-", 6) && strcmp(virDomainGetName(domain), behind) < 0;
}

static void say(const char *what, double since, int got) {
    if (got < 0)
        printf("error %s: %s\n", what, virGetLastErrorMessage());
    else
        printf("%s %.0f %d\n", what, (now() - since) * 1e6, got);
}

static int list(virConnectPtr connection) {
    virDomainPtr *domains;
    int all = virConnectListAllDomains(connection, &domains, 0), healthy = 0;
    if (all < 0)
        return -1;
    for (int i = 0; i < all; i++) {
        healthy += is_healthy(domains[i]);
        virDomainFree(domains[i]);
    }

    free(domains);
    return healthy;
}

static int bulk(virConnectPtr connection) {
    virDomainStatsRecordPtr *records;
    int all = virConnectGetAllDomainStats(connection, VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON, &records, 0), healthy = 0;
    if (all < 0)
        return -1;
    for (int i = 0; i < all; i++) {
        unsigned long long size;
        healthy += is_healthy(records[i]->dom) && virTypedParamsGetULLong(records[i]->params, records[i]->nparams, "balloon.current", &size) == 1;
    }

    virDomainStatsRecordListFree(records);
    return healthy;
}

static void ask_for_all(virConnectPtr connection) {
    double began = now();
    say("list", began, list(connection));
    began = now();
    say("bulk", began, bulk(connection));
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    begin("600");
    behind = argv[3];
    int count = atoi(argv[4]);
    double end = now() + atof(argv[1]);
    virSetErrorFunc(NULL, ignore);
    virConnectPtr connection = virConnectOpen(argv[2]);
    virDomainPtr *domains, healthy[MOST];
    int all = connection ? virConnectListAllDomains(connection, &domains, 0) : -1, found = 0;
    for (int i = 0; i < all && found < MOST; i++)
        if (is_healthy(domains[i]))
            healthy[found++] = domains[i];
    if (found != count) {
        printf("error list: %d instead of %d: %s\n", found, count, virGetLastErrorMessage());
        return 0;
    }

    for (int i = 0; now() < end; i++) {
        if (i % CALLS == 0)
            ask_for_all(connection);
        virDomainMemoryStatStruct stats[16];
        double began = now();
        int got = virDomainMemoryStats(healthy[i % count], stats, 16, 0);
        say("call", began, got > 0 ? got : -1);
        usleep(2000);
    }

    return 0;
}
