/*
 * Has the library print errors of each of its parts, of each level, where nobody else wants to be told of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

int main(void)
{
    for (int part = -1; part < 73; part++) {
        for (int level = VIR_ERR_NONE; level <= VIR_ERR_ERROR; level++) {
            virError error = { .code = VIR_ERR_RPC, .domain = part, .level = (virErrorLevel)level, .message = (char *)"words" };
            virDefaultErrorFunc(&error);
        }
    }
    return 0;
}
