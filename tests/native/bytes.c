/*
 * Texts that are not UTF-8: what the calls answer, and what is there afterwards. Messages are each library's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

#define REST "<memory>4096</memory><os><type>hvm</type></os></domain>"

static void say(const char *what, int isThere)
{
    virErrorPtr error = isThere ? NULL : virGetLastError();
    printf("%s: %s %d/%d\n", what, isThere ? "there" : "none", error ? error->code : 0, error ? error->domain : 0);
}

int main(void)
{
    virSetErrorFunc(NULL, quiet);
    virConnectPtr conn = virConnectOpen("test:///default");
    CHECK(conn != NULL);
    say("that says its encoding", virDomainDefineXML(conn, "<?xml version='1.0' encoding='ISO-8859-1'?><domain type='test'><name>g\xe4st</name>" REST) != NULL);
    say("that does not", virDomainDefineXML(conn, "<domain type='test'><name>web\xff</name>" REST) != NULL);
    say("that runs at once", virDomainCreateXML(conn, "<domain type='test'><name>web\xff</name>" REST, 0) != NULL);
    say("what it is replaced by", virDomainDefineXML(conn, "<domain type='test'><name>web\xef\xbf\xbd</name>" REST) != NULL);
    say("found by it", virDomainLookupByName(conn, "web\xef\xbf\xbd") != NULL);
    say("found by other bytes", virDomainLookupByName(conn, "web\xfe") != NULL);
    say("found by half a character", virDomainLookupByName(conn, "web\xef\xbf") != NULL);
    printf("%d domains\n", virConnectNumOfDomains(conn) + virConnectNumOfDefinedDomains(conn));
    return finish();
}
