/*
 * What asks for credentials on the terminal, for programs that have nothing better. NativeAOT cannot export data; and a
 * program may ask while the library was not used yet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line from standard input, without its end; an empty one at the end of the input. */
static char *read_line(void)
{
    char *line = NULL;
    size_t room = 0;
    errno = 0;
    ssize_t length = getline(&line, &room, stdin);
    if (length < 0) {
        free(line);
        return feof(stdin) ? strdup("") : NULL;
    }
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = 0;
    return line;
}

/* The same without showing what is typed, from the terminal where there is one. */
static char *read_secret(void)
{
    char *typed = getpass("");
    if (!typed)
        return NULL;
    char *line = strdup(typed);
    explicit_bzero(typed, strlen(typed));
    return line;
}

static int answer(virConnectCredentialPtr credential)
{
    char *(*read)(void);
    switch (credential->type) {
    case VIR_CRED_USERNAME:
    case VIR_CRED_AUTHNAME:
    case VIR_CRED_ECHOPROMPT:
    case VIR_CRED_REALM:
        read = read_line;
        break;
    case VIR_CRED_PASSPHRASE:
    case VIR_CRED_NOECHOPROMPT:
        read = read_secret;
        break;
    case VIR_CRED_EXTERNAL:
        /* Whom the system asks itself; there is nothing else outside. */
        return credential->challenge && strcmp(credential->challenge, "PolicyKit") == 0 ? 0 : -1;
    default:
        return -1;
    }

    if (printf("%s: ", credential->prompt ? credential->prompt : "(null)") < 0 || fflush(stdout) != 0)
        return -1;
    char *line = read();
    if (line && !*line && credential->defresult) {
        free(line);
        line = strdup(credential->defresult);
    }
    if (!line)
        return -1;
    credential->result = line;
    credential->resultlen = (unsigned int)strlen(line);
    return 0;
}

static int ask(virConnectCredentialPtr credentials, unsigned int count, void *unused)
{
    /* One terminal, and one place where a secret is read to. */
    static pthread_mutex_t terminal = PTHREAD_MUTEX_INITIALIZER;
    int result = 0;
    (void)unused;
    (void)pthread_mutex_lock(&terminal);
    for (unsigned int i = 0; result == 0 && i < count; i++)
        result = answer(&credentials[i]);
    (void)pthread_mutex_unlock(&terminal);
    return result;
}

static int types[] = {
    VIR_CRED_AUTHNAME, VIR_CRED_ECHOPROMPT, VIR_CRED_REALM, VIR_CRED_PASSPHRASE, VIR_CRED_NOECHOPROMPT, VIR_CRED_EXTERNAL,
};
static virConnectAuth authentication = { types, sizeof types / sizeof *types, ask, NULL };
virConnectAuthPtr virConnectAuthPtrDefault = &authentication;
