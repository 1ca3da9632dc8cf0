/*
 * Loads the library that is named, and tries to be rid of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <stdio.h>

static int use(void *library)
{
    void *(*open)(const char *) = (void *(*)(const char *))dlsym(library, "virConnectOpen");
    void *(*lookup)(void *, int) = (void *(*)(void *, int))dlsym(library, "virDomainLookupByID");
    int (*release)(void *) = (int (*)(void *))dlsym(library, "virDomainFree");
    int (*close)(void *) = (int (*)(void *))dlsym(library, "virConnectClose");
    if (!open || !lookup || !release || !close)
        return 0;
    void *conn = open("test:///default");
    void *dom = conn ? lookup(conn, 1) : NULL;
    return dom && release(dom) == 0 && close(conn) == 0;
}

int main(int argc, char **argv)
{
    for (int i = 0; argc == 2 && i < 3; i++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        if (!use(library)) {
            fprintf(stderr, "use %d fails\n", i);
            return 1;
        }
        dlclose(library);
        void *stillThere = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
        if (!stillThere) {
            fprintf(stderr, "it was unloaded\n");
            return 1;
        }
        dlclose(stillThere);
    }
    return argc == 2 ? 0 : 1;
}
