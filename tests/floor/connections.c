/*
 * What connections that are open and do nothing cost the program that holds them.
 *     connections URI FIRST LAST
 * Opens LAST of them and prints its own resident memory in KiB, when FIRST are open and when all are: "LIBRARY FIRST-KIB LAST-KIB".
 * LIBRARY is the file that the functions came from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long resident(void)
{
    long size, pages = -1;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%ld %ld", &size, &pages) != 2)
        exit(1);
    fclose(statm);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int first = atoi(argv[2]), last = atoi(argv[3]);
    long at_first = 0;
    for (int i = 1; i <= last; i++) {
        if (!virConnectOpen(argv[1])) {
            fprintf(stderr, "connection %d: %s\n", i, virGetLastErrorMessage());
            return 1;
        }
        if (i == first)
            at_first = resident();
    }
    Dl_info library = { 0 };
    dladdr((void *)virConnectOpen, &library);
    printf("%s %ld %ld\n", library.dli_fname ? library.dli_fname : "?", at_first, resident());
    return 0;
}
