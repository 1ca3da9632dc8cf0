/*
 * virConnectAuthPtrDefault: its types, and what its callback asks on a terminal and makes of the answers. Tells a
 * transcript, on libvirt's library and on ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MOST 3

struct question {
    int type;
    const char *prompt;
    const char *fallback;
    const char *typed; /* NULL: it is not asked */
};

static const struct question dialogues[][MOST] = {
    { { VIR_CRED_AUTHNAME, "Name", NULL, "joe\n" } },
    { { VIR_CRED_AUTHNAME, "Name", "joe", "\n" } },
    { { VIR_CRED_AUTHNAME, "Name", "joe", "ann\n" } },
    { { VIR_CRED_AUTHNAME, "Name", NULL, "\n" } },
    { { VIR_CRED_AUTHNAME, "Name", NULL, "\004" } },
    { { VIR_CRED_AUTHNAME, "Name", "joe", "\004" } },
    { { VIR_CRED_AUTHNAME, "Name", NULL, "half\004\004" } },
    { { VIR_CRED_AUTHNAME, "Name", NULL, " a b \t \n" } },
    { { VIR_CRED_AUTHNAME, NULL, NULL, "joe\n" } },
    { { VIR_CRED_USERNAME, "User", NULL, "\303\244\n" } },
    { { VIR_CRED_ECHOPROMPT, "Number", NULL, "12\n" } },
    { { VIR_CRED_REALM, "Realm", "here", "\n" } },
    { { VIR_CRED_PASSPHRASE, "Password", NULL, "secret\n" } },
    { { VIR_CRED_PASSPHRASE, "Password", "known", "\n" } },
    { { VIR_CRED_PASSPHRASE, "Password", NULL, "\n" } },
    { { VIR_CRED_PASSPHRASE, "Password", NULL, "\004" } },
    { { VIR_CRED_PASSPHRASE, NULL, NULL, "secret\n" } },
    { { VIR_CRED_NOECHOPROMPT, "Pin", NULL, "99\n" } },
    { { VIR_CRED_AUTHNAME, "Name", NULL, "joe\n" }, { VIR_CRED_PASSPHRASE, "Password", NULL, "secret\n" },
      { VIR_CRED_ECHOPROMPT, "Again", NULL, "yes\n" } },
    { { VIR_CRED_AUTHNAME, "Name", NULL, "joe\n" }, { VIR_CRED_LANGUAGE, "Language", NULL, NULL },
      { VIR_CRED_ECHOPROMPT, "Again", NULL, NULL } },
    { { VIR_CRED_LANGUAGE, "Language", "en", NULL } },
    { { VIR_CRED_CNONCE, "Nonce", NULL, NULL } },
    { { VIR_CRED_EXTERNAL, "Elsewhere", NULL, NULL } },
    { { 12, "Unknown", NULL, NULL } },
};

static void call(const struct question *questions, const char *challenge)
{
    virConnectCredential asked[MOST];
    unsigned int count = 0;
    memset(asked, 0, sizeof asked);
    for (; count < MOST && questions[count].type; count++)
        asked[count] = (virConnectCredential) { .type = questions[count].type, .prompt = questions[count].prompt,
                                                .challenge = challenge, .defresult = questions[count].fallback };
    int result = virConnectAuthPtrDefault->cb(asked, count, virConnectAuthPtrDefault->cbdata);
    fflush(stdout);
    printf("[%d", result);
    for (unsigned int i = 0; i < count; i++) {
        printf(" %s/%u", asked[i].result ? asked[i].result : "none", asked[i].resultlen);
        free(asked[i].result);
    }
    puts("]");
}

static int is_shown(int terminal)
{
    struct termios state;
    return tcgetattr(terminal, &state) == 0 && (state.c_lflag & ECHO) != 0;
}

/* Appends what comes until the end, or until a question was asked in the way that it should be. */
static void read_up_to(int terminal, const char *question, int isShown, char *all, size_t room)
{
    size_t begin = strlen(all), length = begin;
    for (int turns = 0; turns < 1000; turns++) {
        struct pollfd wait = { .fd = terminal, .events = POLLIN };
        if (poll(&wait, 1, 10) > 0) {
            ssize_t count = read(terminal, all + length, room - length - 1);
            if (count <= 0)
                return;
            all[length += (size_t)count] = 0;
        }
        if (question && strstr(all + begin, question) && is_shown(terminal) == isShown)
            return;
    }
    strcat(all, "[nothing more]");
}

static void play(const struct question *questions)
{
    char all[4096] = "", question[64];
    int terminal;
    fflush(stdout);
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    if (child == 0) {
        alarm(20);
        call(questions, "challenge");
        exit(0);
    }
    for (const struct question *next = questions; next < questions + MOST && next->typed; next++) {
        int isShown = next->type != VIR_CRED_PASSPHRASE && next->type != VIR_CRED_NOECHOPROMPT;
        (void)snprintf(question, sizeof question, "%s: ", next->prompt ? next->prompt : "(null)");
        read_up_to(terminal, question, isShown, all, sizeof all - 64);
        if (write(terminal, next->typed, strlen(next->typed)) < 0)
            perror("write");
    }
    read_up_to(terminal, NULL, 1, all, sizeof all - 64);
    int status;
    (void)waitpid(child, &status, 0);
    printf("%s-> %d, %s\n", all, status, is_shown(terminal) ? "shown" : "hidden");
    close(terminal);
}

int main(void)
{
    printf("%u:", virConnectAuthPtrDefault->ncredtype);
    for (unsigned int i = 0; i < virConnectAuthPtrDefault->ncredtype; i++)
        printf(" %d", virConnectAuthPtrDefault->credtype[i]);
    printf("; %s\n", virConnectAuthPtrDefault->cbdata ? "data" : "no data");

    for (size_t i = 0; i < sizeof dialogues / sizeof *dialogues; i++)
        play(dialogues[i]);
    call((const struct question[MOST]) { { VIR_CRED_EXTERNAL, "org.libvirt", NULL, NULL } }, "PolicyKit");
    call((const struct question[MOST]) { { 0, NULL, NULL, NULL } }, NULL);

    /* Without a terminal: its own session has none. */
    static const struct question name[MOST] = { { VIR_CRED_AUTHNAME, "Name", NULL, "" } };
    static const struct question secret[MOST] = { { VIR_CRED_PASSPHRASE, "Password", "known", "" } };
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int ends[2];
        (void)setsid();
        if (pipe(ends) != 0 || write(ends[1], "joe\nsecret\nhalf", 15) != 15)
            exit(1);
        (void)dup2(ends[0], 0);
        close(ends[1]);
        call(name, NULL);
        call(secret, NULL);
        call(secret, NULL);
        call(secret, NULL);
        call(name, NULL);
        (void)close(0);
        clearerr(stdin);
        call(name, NULL);
        exit(0);
    }
    int status;
    (void)waitpid(child, &status, 0);
    return status;
}
