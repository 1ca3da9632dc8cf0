/*
 * Calls functions by their name, without arguments. Each argument is KIND:NAME, where KIND (INT, POINTER, NOTHING) says
 * what the function returns: all of them fail, with the error that names them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ballast.h"

#include "check.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
    virSetErrorFunc(NULL, quiet);
    for (int i = 1; i < argc; i++) {
        char *name = strchr(argv[i], ':') + 1;
        void *function = dlsym(RTLD_DEFAULT, name);
        int isRight = function != NULL;
        virResetLastError();
        if (function && argv[i][0] == 'I')
            isRight = ((int (*)(long, long, long, long, long, long))function)(0, 0, 0, 0, 0, 0) == -1;
        else if (function && argv[i][0] == 'P')
            isRight = ((void *(*)(long, long, long, long, long, long))function)(0, 0, 0, 0, 0, 0) == NULL;
        else if (function)
            ((void (*)(long, long, long, long, long, long))function)(0, 0, 0, 0, 0, 0);

        virErrorPtr error = virGetLastError();
        const char *said = error ? strrchr(error->message, ' ') : NULL;
        if (!isRight || !said || error->code != VIR_ERR_NO_SUPPORT || strcmp(said + 1, name) != 0 || strcmp(error->str2, name) != 0) {
            fprintf(stderr, "%s: %s\n", argv[i], error ? error->message : "no error");
            failures++;
        }
    }

    printf("%d\n", argc - 1);
    return finish();
}
