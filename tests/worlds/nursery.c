// Starts the processes of a world in namespaces and roots of their own, within a millisecond each, and does what a .NET
// program cannot do itself: give a process a number that another one had, hand it a listening socket, exchange two files.
// Usage: nursery SOCKET, where the test listens. It and all that it started end with the test.
//
// A request is a line of words separated by tabs; each gets one line of answer.
//   start [WORD…] -- PROGRAM ARG0 ARG…   its process id, once it listens (descriptor 7 was written to, or closed by exec)
//       mount, net: namespaces of its own · pid: it is process 1 of a namespace · cover=DIR: an empty file system over DIR
//       root=DIR, cwd=DIR, uid=N · tid=N: its process id · listen=PATH: gets a socket that listens there as descriptor 9
//       log=PATH: descriptor 8 · NAME=VALUE with a capital letter: its environment
//   kill PID · look PID                  how it ended, or "lives"; kill ends it and waits
//   hold PATH                            a program that is connected to a socket; its process id
//   rename A B · swap A B · mkdir DIR    "done"
// What fails is answered by "error …".

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY = 7, LOG = 8, LISTENER = 9, WORDS = 128, LINE = 16384 };

static FILE *requests;
static char answer_text[512];

static void answer(const char *text) {
    snprintf(answer_text, sizeof answer_text, "%s", text);
}

static void failed(const char *what) {
    snprintf(answer_text, sizeof answer_text, "error %s: %s", what, strerror(errno));
}

static void die(const char *what) {
    fprintf(stderr, "nursery: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static const char *after(const char *word, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(word, prefix, length) ? NULL : word + length;
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

// Below the descriptors that are passed on nothing is in the way; above, nothing is kept over exec.
static void pass(int from, int to) {
    if (from >= 0 && (dup2(from, to) != to || fcntl(to, F_SETFD, 0)))
        die("dup2");
}

static void become(char **words, int count, int ready, int listener) {
    int program = -1, log = -1, mounts = 0, net = 0;
    const char *cover = NULL, *root = NULL, *cwd = NULL, *uid = NULL;
    char *environment[WORDS + 1];
    int variables = 0, i;
    for (i = 1; i < count && strcmp(words[i], "--"); i++) {
        mounts |= !strcmp(words[i], "mount");
        net |= !strcmp(words[i], "net");
        cover = after(words[i], "cover=") ?: cover;
        root = after(words[i], "root=") ?: root;
        cwd = after(words[i], "cwd=") ?: cwd;
        uid = after(words[i], "uid=") ?: uid;
        const char *path = after(words[i], "log=");
        if (path && (log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
            die(path);
        if (words[i][0] >= 'A' && words[i][0] <= 'Z')
            environment[variables++] = words[i];
    }

    environment[variables] = NULL;
    if (i + 2 >= count || (program = open(words[i + 1], O_PATH | O_CLOEXEC)) < 0)
        die("program");
    // Made high first, so that no descriptor that is to be moved lies where another goes.
    const int high = 20;
    program = fcntl(program, F_DUPFD_CLOEXEC, high);
    ready = fcntl(ready, F_DUPFD_CLOEXEC, high);
    log = log < 0 ? log : fcntl(log, F_DUPFD_CLOEXEC, high);
    listener = listener < 0 ? listener : fcntl(listener, F_DUPFD_CLOEXEC, high);
    pass(log, LOG);
    pass(listener, LISTENER);
    if (log >= 0)
        pass(ready, READY); // Who writes no log does not know of it: exec closes it.

    if ((mounts && unshare(CLONE_NEWNS)) || (net && unshare(CLONE_NEWNET)))
        die("unshare");
    if (mounts && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        die("private mounts");
    if (cover && mount("none", cover, "tmpfs", 0, "mode=0777"))
        die(cover);
    if (root && (chroot(root) || chdir("/")))
        die(root);
    if (cwd && chdir(cwd))
        die(cwd);
    if (uid && (setresgid(atoi(uid), atoi(uid), atoi(uid)) || setresuid(atoi(uid), atoi(uid), atoi(uid))))
        die("user");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    words[count] = NULL;
    syscall(SYS_execveat, program, "", words + i + 2, environment, AT_EMPTY_PATH);
    die(words[i + 1]);
}

static int listen_at(const char *path) {
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(path);
    return listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || chmod(path, 0777) || listen(listener, 1)
        ? -1 : listener;
}

static pid_t fork_as(const char *wanted, int own_namespace) {
    pid_t tid = wanted ? atoi(wanted) : 0;
    struct clone_args arguments = {
        .flags = own_namespace ? CLONE_NEWPID : 0,
        .exit_signal = SIGCHLD,
        .set_tid = wanted ? (unsigned long)&tid : 0,
        .set_tid_size = wanted ? 1 : 0,
    };
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}

static void start(char **words, int count) {
    int listener = -1, ready[2], own_namespace = 0, logs = 0;
    const char *tid = NULL;
    for (int i = 1; i < count && strcmp(words[i], "--"); i++) {
        own_namespace |= !strcmp(words[i], "pid");
        logs |= after(words[i], "log=") != NULL;
        tid = after(words[i], "tid=") ?: tid;
        const char *path = after(words[i], "listen=");
        if (path && (listener = listen_at(path)) < 0)
            return failed(path);
    }

    if (pipe2(ready, O_CLOEXEC))
        return failed("pipe");
    pid_t pid = fork_as(tid, own_namespace);
    if (pid == 0)
        become(words, count, ready[1], listener);
    close(ready[1]);
    close(listener);
    char byte;
    ssize_t got = pid < 0 ? -1 : read(ready[0], &byte, 1);
    close(ready[0]);
    if (pid < 0)
        return failed("clone3");
    if (logs && got != 1) {
        waitpid(pid, NULL, 0);
        errno = EIO;
        return failed("it did not start");
    }

    snprintf(answer_text, sizeof answer_text, "%d", pid);
}

static void ended(pid_t pid, int options) {
    siginfo_t info = { 0 };
    if (waitid(P_PID, pid, &info, WEXITED | options))
        return failed("wait");
    if (!info.si_pid)
        return answer("lives");
    snprintf(answer_text, sizeof answer_text, "%s %d", info.si_code == CLD_EXITED ? "exited" : "signal", info.si_status);
}

static void hold(const char *path) {
    struct sockaddr_un address = address_of(path);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof address)) {
        failed(path);
        close(client);
        return;
    }

    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }

    close(client);
    snprintf(answer_text, sizeof answer_text, "%d", pid);
}

static void obey(char *line) {
    char *words[WORDS + 1], *rest = line;
    int count = 0;
    for (char *word; count < WORDS && (word = strsep(&rest, "\t"));)
        words[count++] = word;
    words[count] = NULL;
    answer("done");
    if (!strcmp(words[0], "start"))
        start(words, count);
    else if (!strcmp(words[0], "kill"))
        kill(atoi(words[1]), SIGKILL) ? failed("kill") : ended(atoi(words[1]), 0);
    else if (!strcmp(words[0], "look"))
        ended(atoi(words[1]), WNOHANG | WNOWAIT);
    else if (!strcmp(words[0], "hold"))
        hold(words[1]);
    else if (!strcmp(words[0], "rename") && rename(words[1], words[2]))
        failed("rename");
    else if (!strcmp(words[0], "swap") && renameat2(AT_FDCWD, words[1], AT_FDCWD, words[2], RENAME_EXCHANGE))
        failed("swap");
    else if (!strcmp(words[0], "mkdir") && mkdir(words[1], 0777))
        failed("mkdir");
}

int main(int argc, char **argv) {
    umask(0);
    struct sockaddr_un address = address_of(argc > 1 ? argv[1] : "");
    int test = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(test, (struct sockaddr *)&address, sizeof address))
        die("connect");
    requests = fdopen(test, "r");
    static char line[LINE];
    while (fgets(line, sizeof line, requests)) {
        line[strcspn(line, "\n")] = 0;
        obey(line);
        size_t length = strlen(answer_text);
        answer_text[length++] = '\n';
        if (send(test, answer_text, length, MSG_NOSIGNAL) != (ssize_t)length)
            break;
    }
}
