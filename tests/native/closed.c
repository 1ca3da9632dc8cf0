/*
 * A program that closes descriptors which are not its own, as those that become daemons do, and opens others, which get
 * their numbers: "closed URI DOMAIN". What the program opened stays as it is; what it opens of the library works. What
 * was connected to a daemon says that it is lost; a QEMU without a daemon is connected to again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "ballast.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* As many as a process may open unless it is told otherwise. What is not looked at itself lies beyond. */
#define LAST 1023
#define BEYOND 1100
#define MOST 4096
#define FILES 100

/* Of the program: each kind that a number of the library's may become. */
static struct {
    int fd;
    int other;  /* the peer of a socket or pipe; what makes an epoll tell */
    int waited; /* an epoll's, or -1 */
    int kind;   /* 0 epoll, 1 socket, 2 file, 3 eventfd, 4 pipe's writing end, 5 what is empty */
    struct stat file;
    char told[4096];
} files[FILES];
static int opened;

static void nap(long milliseconds)
{
    struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
    (void)nanosleep(&time, NULL);
}

static void describe(int fd, char *told, size_t room)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    int info = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = info >= 0 ? read(info, told, room - 1) : 0;
    told[length > 0 ? length : 0] = 0;
    if (info >= 0)
        close(info);
}

static int is_called(int fd, const char *name)
{
    char path[64], target[64] = "";
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return readlink(path, target, sizeof target - 1) > 0 && strcmp(target, name) == 0;
}

static int aside(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, BEYOND);
    close(fd);
    return moved;
}

/* The first one gets the number that waited for sockets, which is none of the lowest; where the library has taken it again, the next. */
static int freed_epoll = -1;

static void open_files(int first)
{
    for (opened = 0; opened < FILES; opened++) {
        int kind = (opened + first) % 6, ends[2] = { -1, -1 };
        CHECK((kind == 1 ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) : pipe2(ends, O_NONBLOCK)) == 0);
        int reader = aside(ends[0]), writer = aside(ends[1]);
        char path[] = "/tmp/ballast-closed-XXXXXX";
        struct epoll_event event = { .events = EPOLLIN, .data.u64 = 1 };
        int fd = -1, other = -1;
        switch (kind) {
        case 0:
            fd = epoll_create1(EPOLL_CLOEXEC);
            CHECK(epoll_ctl(fd, EPOLL_CTL_ADD, reader, &event) == 0);
            other = writer;
            break;
        case 1:
        case 4:
            fd = dup(writer);
            close(writer);
            other = reader;
            CHECK(kind == 4 || send(other, "mine", 4, 0) == 4);
            break;
        case 2:
            fd = mkstemp(path);
            CHECK(unlink(path) == 0 && write(fd, "program", 7) == 7);
            close(reader);
            close(writer);
            break;
        case 5:
            fd = open("/dev/null", O_RDWR | O_CLOEXEC);
            close(reader);
            close(writer);
            break;
        default:
            fd = eventfd(0, EFD_NONBLOCK);
            close(reader);
            close(writer);
            break;
        }
        CHECK(fd >= 0);
        if (freed_epoll > fd && kind == 0) {
            int moved = fcntl(fd, F_DUPFD_CLOEXEC, freed_epoll);
            close(fd);
            fd = moved;
            freed_epoll = -1;
        }
        files[opened].fd = fd;
        files[opened].other = other;
        files[opened].kind = kind;
        files[opened].waited = kind == 0 ? reader : -1;
        CHECK(fstat(fd, &files[opened].file) == 0);
        describe(fd, files[opened].told, sizeof files[opened].told);
    }
}

static void check_files(void)
{
    for (int i = 0; i < opened; i++) {
        struct stat file;
        char told[4096], read_[16] = "";
        struct epoll_event event = { .data.u64 = 0 };
        CHECK(fstat(files[i].fd, &file) == 0 && file.st_ino == files[i].file.st_ino && file.st_dev == files[i].file.st_dev);
        describe(files[i].fd, told, sizeof told);
        CHECK(strcmp(told, files[i].told) == 0);
        switch (files[i].kind) {
        case 0:
            /* Nobody else takes what happens. */
            CHECK(epoll_wait(files[i].fd, &event, 1, 0) == 0);
            CHECK(write(files[i].other, "x", 1) == 1);
            nap(1);
            CHECK(epoll_wait(files[i].fd, &event, 1, 0) == 1 && event.data.u64 == 1);
            CHECK(read(files[i].waited, read_, sizeof read_) == 1);
            break;
        case 1:
        case 4:
            CHECK(read(files[i].other, read_, sizeof read_) < 0 && errno == EAGAIN);
            CHECK(files[i].kind == 4 || (recv(files[i].fd, read_, sizeof read_, MSG_PEEK) == 4 && strcmp(read_, "mine") == 0));
            break;
        case 2:
            CHECK(file.st_size == 7 && pread(files[i].fd, read_, sizeof read_, 0) == 7 && strcmp(read_, "program") == 0);
            break;
        case 5:
            break;
        default:
            CHECK(read(files[i].fd, read_, 8) < 0 && errno == EAGAIN);
            break;
        }
    }
}

static void close_files(void)
{
    for (int i = 0; i < opened; i++) {
        close(files[i].fd);
        if (files[i].other >= 0)
            close(files[i].other);
        if (files[i].waited >= 0)
            close(files[i].waited);
    }
    opened = 0;
}

static void over(int timer, void *opaque)
{
    *(int *)opaque = 1;
    CHECK(virEventRemoveTimeout(timer) == 0);
}

static void run_until(atomic_int *flag)
{
    while (!*flag && !failures)
        CHECK(virEventRunDefaultImpl() == 0);
}

static void *run_loop(void *flag)
{
    run_until(flag);
    return NULL;
}

static void stop(int timer, void *flag)
{
    *(atomic_int *)flag = 1;
    CHECK(virEventRemoveTimeout(timer) == 0);
}

static void happened(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)opaque;
}

static int sample(virDomainPtr dom)
{
    virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
    return virDomainMemoryStats(dom, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
}

static int sample_all(virConnectPtr conn)
{
    virDomainStatsRecordPtr *records = NULL;
    int count = virConnectGetAllDomainStats(conn, VIR_DOMAIN_STATS_BALLOON, &records, 0);
    if (count >= 0)
        virDomainStatsRecordListFree(records);
    return count;
}

/* Everything of the library that has descriptors, with a loop that waits where it is to. */
static void lose(const char *uri, const char *name, int turn, int isRunning)
{
    atomic_int isOver = 0;
    pthread_t loop;
    virConnectPtr conn = virConnectOpen(uri);
    virDomainPtr dom = virDomainLookupByName(conn, name);
    CHECK(conn && dom && sample(dom) > 0);
    CHECK(virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_REBOOT,
                                           (virConnectDomainEventGenericCallback)(void *)happened, NULL, NULL) >= 0);
    ballastWatchPtr watch = ballastConnectWatchMemoryStats(conn, NULL, 20, 0);
    CHECK(watch && ballastWatchGetFd(watch) >= 0);
    if (isRunning) {
        CHECK(pthread_create(&loop, NULL, run_loop, &isOver) == 0);
        nap(30);
    }
    CHECK(sample(dom) > 0);

    for (int fd = 3; fd <= LAST; fd++) {
        CHECK(!is_called(fd, "/dev/urandom"));
        if (is_called(fd, "anon_inode:[eventpoll]"))
            freed_epoll = fd;
        close(fd);
    }
    open_files(turn);

    if (strncmp(uri, "qmp:", 4) == 0) {
        CHECK(sample(dom) > 0);
        nap(60);
        CHECK(virConnectNumOfDomains(conn) > 0);
    } else {
        CHECK(sample(dom) < 0 && strstr(virGetLastErrorMessage(), "closed by the program"));
        nap(60);
        CHECK(virConnectNumOfDomains(conn) < 0 && strstr(virGetLastErrorMessage(), "closed by the program"));
    }
    check_files();

    virConnectPtr next = virConnectOpen(uri);
    virDomainPtr again = next ? virDomainLookupByName(next, name) : NULL;
    CHECK(next && again && sample(again) > 0);
    if (isRunning) {
        CHECK(virEventAddTimeout(0, stop, &isOver, NULL) > 0);
        (void)pthread_join(loop, NULL);
    } else {
        int isDone = 0;
        CHECK(virEventAddTimeout(0, over, &isDone, NULL) > 0);
        for (int i = 0; i < 100 && !isDone; i++)
            CHECK(virEventRunDefaultImpl() == 0);
        CHECK(isDone);
    }
    check_files();

    ballastWatchFree(watch);
    CHECK(virConnectDomainEventDeregisterAny(conn, 0) == 0);
    CHECK(virDomainFree(dom) == 0 && virConnectClose(conn) == 0);
    check_files();
    for (int i = 0; i < 50; i++)
        CHECK(sample(again) > 0);
    check_files();
    CHECK(virDomainFree(again) == 0 && virConnectClose(next) == 0);
    check_files();
    close_files();
}

/* Only what waits for sockets is closed: they are still ours. */
static void lose_epolls(const char *uri, const char *name)
{
    virConnectPtr conn = virConnectOpen(uri);
    virDomainPtr dom = virDomainLookupByName(conn, name);
    CHECK(conn && dom && sample(dom) > 0);
    for (int fd = 3; fd <= LAST; fd++) {
        if (is_called(fd, "anon_inode:[eventpoll]")) {
            freed_epoll = fd;
            close(fd);
        }
    }
    open_files(0);
    /* Where the sockets stay, the number is looked at now and then. */
    nap(20);
    for (int i = 0; i < 50; i++) {
        CHECK(sample(dom) > 0);
        nap(1);
    }
    check_files();
    virConnectPtr next = virConnectOpen(uri);
    CHECK(next && virConnectNumOfDomains(next) > 0 && virConnectClose(next) == 0);
    CHECK(sample(dom) > 0);
    check_files();
    CHECK(virDomainFree(dom) == 0 && virConnectClose(conn) == 0);
    check_files();
    close_files();
}

/*
 * One after the other is closed alone, and the first file of a kind gets its number. Calls of one and of all follow at once: what they
 * do with the others says nothing of it. The domains are all there still.
 */
static void lose_one(const char *uri, const char *name)
{
    static const int kinds[] = { 0, 1, 5 };
    for (size_t turn = 0; turn < sizeof kinds / sizeof *kinds; turn++) {
        for (int lost = 3; lost <= LAST; lost++) {
            virConnectPtr conn = virConnectOpen(uri);
            virDomainPtr dom = virDomainLookupByName(conn, name);
            int all = virConnectNumOfDomains(conn);
            CHECK(conn && dom && all > 0 && sample(dom) > 0 && sample_all(conn) == all);
            while (lost <= LAST && fcntl(lost, F_GETFD) < 0)
                lost++;
            if (lost <= LAST) {
                close(lost);
                open_files(kinds[turn]);
                for (int i = 0; i < 5; i++) {
                    (void)sample_all(conn);
                    (void)sample(dom);
                }
                check_files();
                CHECK(strncmp(uri, "qmp:", 4) != 0 || virConnectNumOfDomains(conn) == all);
                close_files();
            }
            CHECK(virDomainFree(dom) == 0 && virConnectClose(conn) == 0);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct rlimit room;
    CHECK(getrlimit(RLIMIT_NOFILE, &room) == 0);
    room.rlim_cur = room.rlim_max < MOST ? room.rlim_max : MOST;
    CHECK(room.rlim_cur == MOST && setrlimit(RLIMIT_NOFILE, &room) == 0);
    virSetErrorFunc(NULL, quiet);
    CHECK(virEventRegisterDefaultImpl() == 0);
    for (int turn = 0; turn < 10; turn++)
        lose(argv[1], argv[2], turn, turn % 2);
    lose_epolls(argv[1], argv[2]);
    lose_one(argv[1], argv[2]);
    return finish();
}
