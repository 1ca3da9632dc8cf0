/*
 * Says what a library's test driver answers to what makes, changes and removes domains, and at the end which events came
 * of it: built with libvirt's headers, run on libvirt and on this library.
 *
 *     life URI          a test connection; domains of these names are not there yet
 *     life URI remote   the same without what a handle knows by itself, and when: that differs between a driver and a
 *                       client of a daemon
 *     life -u URI       only who is let in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>

#include "say.h"

#define DOMAIN(name, uuid, rest) \
    "<domain type='test'><name>" name "</name>" uuid "<memory>204800</memory>" rest "<os><type>hvm</type></os></domain>"
#define UUID(digit) "<uuid>11111111-2222-3333-4444-00000000000" digit "</uuid>"

static int isRemote, heard;
static FILE *events;

static int lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    (void)opaque;
    fprintf(events, " event %s %d: %d %d\n", virDomainGetName(dom), (int)virDomainGetID(dom), event, detail);
    heard++;
    return 0;
}

static void nothing(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

/* Until none has come for a while. */
static void hear(void)
{
    int timer = virEventAddTimeout(500, nothing, NULL, NULL), before;
    do {
        before = heard;
        for (int i = 0; i < 3; i++)
            (void)virEventRunDefaultImpl();
    } while (heard > before);
    (void)virEventRemoveTimeout(timer);
}

/* A domain as it is now. */
static void look(virDomainPtr dom)
{
    int state = -1, reason = -1, autostart = -1;
    virDomainInfo info;
    memset(&info, 0, sizeof info);
    if (!isRemote)
        NUMBER((int)virDomainGetID(dom));
    NUMBER(virDomainGetState(dom, &state, &reason, 0));
    NUMBER(state * 100 + reason);
    NUMBER(virDomainIsActive(dom));
    NUMBER(virDomainIsPersistent(dom));
    NUMBER(virDomainIsUpdated(dom));
    NUMBER(virDomainHasManagedSaveImage(dom, 0));
    NUMBER(virDomainGetAutostart(dom, &autostart));
    NUMBER(autostart);
    NUMBER(virDomainGetInfo(dom, &info));
    NUMBER(info.maxMem);
    NUMBER(info.memory);
    NUMBER(info.nrVirtCpu);
}

static void xml(virDomainPtr dom)
{
    TEXT(virDomainGetXMLDesc(dom, 0));
    TEXT(virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE));
}

static int by_name(const void *left, const void *right)
{
    return strcmp(virDomainGetName(*(const virDomainPtr *)left), virDomainGetName(*(const virDomainPtr *)right));
}

static void list(virConnectPtr conn, unsigned int flags)
{
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(conn, &domains, flags);
    printf("list %u -> %d", flags, count);
    and_error();
    if (count > 0)
        qsort(domains, (size_t)count, sizeof *domains, by_name);
    for (int i = 0; i < count; i++) {
        printf(" %s %d\n", virDomainGetName(domains[i]), (int)virDomainGetID(domains[i]));
        virDomainFree(domains[i]);
    }
    free(domains);
}

static void lists(virConnectPtr conn)
{
    static const unsigned int filters[] = {
        0, VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE, VIR_CONNECT_LIST_DOMAINS_PERSISTENT,
        VIR_CONNECT_LIST_DOMAINS_TRANSIENT, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART,
        VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, VIR_CONNECT_LIST_DOMAINS_SHUTOFF, VIR_CONNECT_LIST_DOMAINS_OTHER,
        VIR_CONNECT_LIST_DOMAINS_INACTIVE | VIR_CONNECT_LIST_DOMAINS_AUTOSTART,
    };
    char *names[64], *first = NULL;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        list(conn, filters[i]);
    NUMBER(virConnectNumOfDomains(conn));
    NUMBER(virConnectNumOfDefinedDomains(conn));
    int count = virConnectListDefinedDomains(conn, names, 64);
    NUMBER(count);
    for (int i = 0; i < count; i++)
        free(names[i]);
    NUMBER(virConnectListDefinedDomains(conn, &first, 1));
    free(first);
}

/* What a domain's disks and network interfaces tell. Counters are those of the clock. */
static void tell_devices(virDomainPtr dom)
{
    static const char *const disks[] = { "vda", "/disk", "hdc", "vdz", "disk" };
    static const char *const cards[] = { "ballast0", "52:54:00:11:22:33", "52:54:00:11:22:99", "net0", "testnet0" };
    for (size_t i = 0; i < sizeof disks / sizeof *disks; i++) {
        virDomainBlockInfo info = { .capacity = 7 };
        virDomainBlockStatsStruct stats = { .rd_req = 0 };
        printf("disk %s\n", disks[i]);
        NUMBER(virDomainGetBlockInfo(dom, disks[i], &info, 0));
        NUMBER(info.capacity);
        NUMBER(info.allocation);
        NUMBER(info.physical);
        NUMBER(virDomainBlockStats(dom, disks[i], &stats, sizeof stats));
        NUMBER(stats.rd_bytes ? stats.rd_req / stats.rd_bytes * 1000 + stats.rd_req / stats.wr_bytes : 0);
    }
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        virDomainInterfaceStatsStruct stats = { .rx_bytes = 0 };
        printf("card %s\n", cards[i]);
        NUMBER(virDomainInterfaceStats(dom, cards[i], &stats, sizeof stats));
        NUMBER(stats.rx_errs ? stats.rx_bytes / stats.rx_packets * 1000 + stats.rx_errs / stats.tx_drop : 0);
    }
}

static void devices(virConnectPtr conn)
{
    virDomainPtr dom = virDomainDefineXML(conn, DOMAIN("devices", UUID("7"),
        "<devices><disk type='file' device='disk'><source file='/disk'/><target dev='vda'/></disk>"
        "<disk type='file' device='cdrom'><target dev='hdc'/></disk>"
        "<interface type='user'><mac address='52:54:00:11:22:33'/></interface>"
        "<interface type='ethernet'><mac address='52:54:00:11:22:34'/><target dev='ballast0'/></interface></devices>"));
    FOUND(dom);
    tell_devices(dom);
    NUMBER(virDomainCreate(dom));
    tell_devices(dom);
    NUMBER(virDomainDestroy(dom));
    NUMBER(virDomainUndefine(dom));
    NUMBER(virDomainFree(dom));
}

/* Tries an XML, and takes it away again. */
static void try_xml(virConnectPtr conn, const char *text)
{
    printf("try %s\n", text);
    virDomainPtr dom = virDomainDefineXML(conn, text);
    FOUND(dom);
    if (!dom)
        return;
    TEXT(virDomainGetXMLDesc(dom, 0));
    NUMBER(virDomainUndefine(dom));
    virDomainFree(dom);
}

static void odd_xml(virConnectPtr conn)
{
#define HEAD "<domain type='test'><name>z</name>" UUID("9")
#define OS "<os><type>hvm</type></os>"
    static const char *const texts[] = {
        "<domain/>",
        "<network/>",
        "<domain type='test'><memory>1</memory>" OS "</domain>",
        "<domain type='test'><name/><memory>1</memory>" OS "</domain>",
        "<domain><name>z</name><memory>1</memory>" OS "</domain>",
        "<domain type='nix'><name>z</name><memory>1</memory>" OS "</domain>",
        "<domain type='test'><name>y/z</name><memory>1</memory>" OS "</domain>",
        "<domain type='test'><name>y\nz</name><memory>1</memory>" OS "</domain>",
        "<domain type='test'><name>z</name><uuid>abc</uuid><memory>1</memory>" OS "</domain>",
        HEAD "</domain>",
        HEAD OS "</domain>",
        HEAD "<memory>1</memory></domain>",
        HEAD "<memory>0</memory>" OS "</domain>",
        HEAD "<memory>a</memory>" OS "</domain>",
        HEAD "<memory>-5</memory>" OS "</domain>",
        HEAD "<memory> 5 </memory>" OS "</domain>",
        HEAD "<memory unit='foo'>5</memory>" OS "</domain>",
        HEAD "<memory unit='EiB'>99999</memory>" OS "</domain>",
        HEAD "<memory>5</memory><currentMemory>x</currentMemory>" OS "</domain>",
        HEAD "<memory>0</memory><vcpu>0</vcpu>" OS "</domain>",
        HEAD "<maxMemory>9</maxMemory><memory>5</memory>" OS "</domain>",
        HEAD "<maxMemory slots='0'>9</maxMemory><memory>5</memory>" OS "</domain>",
        HEAD "<maxMemory slots='2'/><memory>5</memory>" OS "</domain>",
        HEAD "<maxMemory slots='x'>9</maxMemory><memory>5</memory>" OS "</domain>",
        HEAD "<maxMemory slots='-1'>9</maxMemory><memory>5</memory>" OS "</domain>",
        HEAD "<maxMemory slots='2'>x</maxMemory><memory>5</memory>" OS "</domain>",
        HEAD "<maxMemory slots='2'>4</maxMemory><memory>5</memory>" OS "</domain>",
        HEAD "<maxMemory slots='2'>4</maxMemory><memory>0</memory>" OS "</domain>",
        HEAD "<memory>5</memory><vcpu>x</vcpu>" OS "</domain>",
        HEAD "<memory>5</memory><vcpu>0</vcpu>" OS "</domain>",
        HEAD "<memory>5</memory><vcpu current='x'>2</vcpu>" OS "</domain>",
        HEAD "<memory>5</memory><vcpu current='3'>2</vcpu>" OS "</domain>",
        HEAD "<memory>5</memory><os><type>nix</type></os></domain>",
        HEAD "<memory>5</memory><os><type arch='nix'>hvm</type></os></domain>",
        HEAD "<memory>5</memory><os><type>hvm</type><boot dev='x'/></os></domain>",
        HEAD "<memory>5</memory><title>a\nb</title>" OS "</domain>",
        HEAD "<memory>5</memory><on_reboot>nix</on_reboot>" OS "</domain>",
        HEAD "<memory>5</memory><clock offset='nix'/>" OS "</domain>",
        HEAD "<memory>5</memory><features><nix/></features>" OS "</domain>",
        HEAD "<memory>5</memory><devices><memballoon/></devices>" OS "</domain>",
        HEAD "<memory>5</memory><devices><memballoon model='virtio'/><memballoon model='virtio'/></devices>" OS "</domain>",
        HEAD "<memory unit='KB'>1001</memory><currentMemory>5000</currentMemory>" OS "</domain>",
        HEAD "<memory unit='b'>1025</memory>" OS "</domain>",
        HEAD "<memory unit='MiB'>2</memory><currentMemory unit='m'>1</currentMemory><vcpu current='0'>2</vcpu>" OS "</domain>",
        HEAD "<memory>5</memory><os><type arch='x86_64' machine='pc'>hvm</type><kernel>/k</kernel><cmdline>a=b c</cmdline>"
             "<initrd>/i</initrd><boot dev='network'/></os></domain>",
        HEAD "<memory>5</memory><title/><description>a &lt; b</description><metadata><a:b xmlns:a='urn:q' c='1'>\n"
             "<a:d/> </a:b><x/></metadata><unknown/>" OS "</domain>",
        HEAD "<memory>5</memory><features><pae/><acpi/></features><clock offset='localtime'/><on_crash>restart</on_crash>"
             "<on_reboot>preserve</on_reboot><iothreads>2</iothreads><memtune><hard_limit unit='KiB'>500000</hard_limit></memtune>"
             OS "</domain>",
        HEAD "<memory>5</memory><devices><memballoon model='virtio'><stats period='5'/></memballoon><emulator>/bin/x</emulator>"
             "<interface type='network'><model type='virtio'/><source network='default'/><mac address='aa:bb:cc:dd:ee:01'/></interface>"
             "<disk type='file'><target dev='vda'/><source file='/x.img'/><driver name='qemu' type='qcow2'/></disk></devices>"
             OS "</domain>",
        "<domain type='qemu'><name>z</name>" UUID("9") "<memory>5</memory>" OS "</domain>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        try_xml(conn, texts[i]);
    FOUND(virDomainDefineXML(conn, NULL));
    FOUND(virDomainDefineXMLFlags(conn, HEAD "<memory>5</memory>" OS "</domain>", 2));
    FOUND(virDomainCreateXML(conn, NULL, 0));
    FOUND(virDomainCreateXML(conn, HEAD "<memory>5</memory>" OS "</domain>", 1));
    FOUND(virDomainCreateXML(conn, HEAD "<memory>5</memory>" OS "</domain>", 0xff));
#undef HEAD
#undef OS
}

static void vcpus(virDomainPtr dom)
{
    NUMBER(virDomainSetVcpus(dom, 0));
    NUMBER(virDomainSetVcpus(dom, 1));
    NUMBER(virDomainSetVcpus(dom, 4));
    NUMBER(virDomainSetVcpus(dom, 5));
    NUMBER(virDomainSetVcpus(dom, 33));
    NUMBER(virDomainSetVcpus(dom, -1));
    NUMBER(virDomainSetVcpusFlags(dom, 0, 0));
    NUMBER(virDomainSetVcpusFlags(dom, 3, 0));
    NUMBER(virDomainSetVcpusFlags(dom, 1, VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetVcpusFlags(dom, 2, VIR_DOMAIN_AFFECT_LIVE));
    NUMBER(virDomainSetVcpusFlags(dom, 2, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetVcpusFlags(dom, 2, VIR_DOMAIN_VCPU_MAXIMUM));
    NUMBER(virDomainSetVcpusFlags(dom, 2, VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_AFFECT_LIVE));
    NUMBER(virDomainSetVcpusFlags(dom, 6, VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetVcpusFlags(dom, 3, VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetVcpusFlags(dom, 4, VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetVcpusFlags(dom, 2, VIR_DOMAIN_VCPU_GUEST));
    NUMBER(virDomainSetVcpusFlags(dom, 2, 64));
    for (unsigned int flags = 0; flags < 10; flags++)
        NUMBER(virDomainGetVcpusFlags(dom, flags));
    NUMBER(virDomainGetMaxVcpus(dom));
    xml(dom);
}

static void metadata(virDomainPtr dom)
{
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, NULL, 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_DESCRIPTION, NULL, 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "urn:x", 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, NULL, 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "urn:x", 0));
    TEXT(virDomainGetMetadata(dom, 3, NULL, 0));
    TEXT(virDomainGetMetadata(dom, 0, NULL, 3));
    TEXT(virDomainGetMetadata(dom, 0, NULL, 4));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "a\nb", NULL, NULL, 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "a", "k", NULL, 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_DESCRIPTION, "a", NULL, "urn:x", 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<a/>", "k", NULL, 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<a/>", NULL, "urn:x", 0));
    NUMBER(virDomainSetMetadata(dom, 3, "a", NULL, NULL, 0));
    NUMBER(virDomainSetMetadata(dom, 0, "a", NULL, NULL, 64));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "a <title>", NULL, NULL, 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_DESCRIPTION, "two\nlines", NULL, NULL, 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<o><p q='1'><r/></p><s>t &amp; &lt;u</s></o>", "k", "urn:x", 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<o xmlns='urn:h'><p xmlns:z='urn:z' z:q='a&quot;b'/></o>", "k", "urn:y", 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<k:o xmlns:k='urn:z'/>", "k", "urn:z", 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<mixed>text <b>bold</b> text</mixed>", "m", "urn:m", 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, NULL, 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_DESCRIPTION, NULL, 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "urn:x", 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "urn:y", 0));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "urn:m", 0));
    xml(dom);
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, NULL, NULL, "urn:x", 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, NULL, "k", "urn:nix", 0));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<new/>", "n", "urn:m", VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "", NULL, NULL, VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_DESCRIPTION, NULL, NULL, NULL, VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "both", NULL, NULL, VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, NULL, VIR_DOMAIN_AFFECT_CONFIG));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, NULL, VIR_DOMAIN_AFFECT_LIVE));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "urn:m", VIR_DOMAIN_AFFECT_LIVE));
    TEXT(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "urn:m", VIR_DOMAIN_AFFECT_CONFIG));
    xml(dom);
}

static void memory(virDomainPtr dom)
{
    virDomainMemoryStatStruct stats[64];
    NUMBER(virDomainMemoryStats(dom, stats, 64, 0));
    NUMBER(virDomainSetMemoryStatsPeriod(dom, 5, 0));
    NUMBER(virDomainSetMemoryStatsPeriod(dom, 6, VIR_DOMAIN_AFFECT_LIVE));
    NUMBER(virDomainSetMemoryStatsPeriod(dom, 7, VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetMemoryStatsPeriod(dom, 7, 3));
    NUMBER(virDomainSetMemory(dom, 1000));
    NUMBER(virDomainSetMemoryFlags(dom, 2000, VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetMemoryFlags(dom, 3000, VIR_DOMAIN_AFFECT_LIVE));
    NUMBER(virDomainSetMemoryFlags(dom, 3000, 3));
    NUMBER(virDomainSetMemoryFlags(dom, 1UL << 40, 0));
    NUMBER(virDomainSetMaxMemory(dom, 300000));
    NUMBER(virDomainSetMemoryFlags(dom, 300000, VIR_DOMAIN_MEM_MAXIMUM | VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetMemoryFlags(dom, 1500, VIR_DOMAIN_MEM_MAXIMUM | VIR_DOMAIN_AFFECT_CONFIG));
    xml(dom);
}

/* One that memory can be plugged into has a limit. */
static void pluggable(virConnectPtr conn)
{
    virDomainPtr dom = virDomainDefineXML(conn, DOMAIN("plug", UUID("a"), "<maxMemory slots='2'>300000</maxMemory>"));
    FOUND(dom);
    if (!dom)
        return;
    NUMBER(virDomainSetMaxMemory(dom, 300000));
    NUMBER(virDomainSetMaxMemory(dom, 300001));
    NUMBER(virDomainSetMemoryFlags(dom, 300001, VIR_DOMAIN_MEM_MAXIMUM | VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainSetMaxMemory(dom, 1000));
    xml(dom);
    NUMBER(virDomainUndefine(dom));
    virDomainFree(dom);
}

/* What works on a domain that runs, and on one that does not. */
static void reboots(virDomainPtr dom)
{
    static const unsigned int ways[] = { 0, 1, 2, 4, 8, 16, 31, 64 };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        NUMBER(virDomainReboot(dom, ways[i]));
    look(dom);
}

static void all_changes(virDomainPtr dom)
{
    vcpus(dom);
    memory(dom);
    metadata(dom);
    NUMBER(virDomainSetAutostart(dom, 1));
    look(dom);
    NUMBER(virDomainSetAutostart(dom, 0));
    NUMBER(virDomainReset(dom, 0));
    NUMBER(virDomainManagedSaveRemove(dom, 0));
    NUMBER(virDomainManagedSaveRemove(dom, 1));
}

static void defined(virConnectPtr conn)
{
    virDomainPtr dom = virDomainDefineXML(conn, DOMAIN("defined", UUID("1"), "<vcpu current='2'>4</vcpu>"));
    FOUND(dom);
    look(dom);
    xml(dom);
    lists(conn);
    FOUND(virDomainDefineXML(conn, DOMAIN("defined", UUID("2"), "")));
    FOUND(virDomainDefineXML(conn, DOMAIN("other", UUID("1"), "")));
    virDomainPtr again = virDomainDefineXMLFlags(conn, DOMAIN("defined", UUID("1"),
        "<vcpu current='2'>4</vcpu><devices><memballoon model='virtio'/></devices>"), VIR_DOMAIN_DEFINE_VALIDATE);
    FOUND(again);
    virDomainFree(again);
    NUMBER(virDomainSuspend(dom));
    NUMBER(virDomainResume(dom));
    NUMBER(virDomainShutdown(dom));
    NUMBER(virDomainDestroy(dom));
    NUMBER(virDomainManagedSave(dom, 0));
    reboots(dom);
    all_changes(dom);

    NUMBER(virDomainSetVcpusFlags(dom, 4, VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_AFFECT_CONFIG));
    NUMBER(virDomainCreateWithFlags(dom, 1));
    NUMBER(virDomainCreateWithFlags(dom, 0xff));
    NUMBER(virDomainCreate(dom));
    NUMBER((int)virDomainGetID(dom) > 0);
    NUMBER(virDomainCreate(dom));
    NUMBER(virDomainCreateWithFlags(dom, 0));
    look(dom);
    lists(conn);
    FOUND(virDomainCreateXML(conn, DOMAIN("defined", UUID("1"), ""), 0));
    all_changes(dom);
    reboots(dom);
    NUMBER(virDomainRename(dom, "renamed", 0));
    again = virDomainDefineXML(conn, DOMAIN("defined", UUID("1"), "<vcpu>3</vcpu>"));
    FOUND(again);
    look(again);
    xml(again);
    virDomainFree(again);
    NUMBER(virDomainSuspend(dom));
    NUMBER(virDomainReboot(dom, 0));
    look(dom);
    NUMBER(virDomainSuspend(dom));
    NUMBER(virDomainCreate(dom));
    NUMBER(virDomainShutdown(dom));
    look(dom);
    xml(dom);

    NUMBER(virDomainRename(dom, NULL, 0));
    NUMBER(virDomainRename(dom, "", 0));
    NUMBER(virDomainRename(dom, "a/b", 0));
    NUMBER(virDomainRename(dom, "defined", 0));
    NUMBER(virDomainRename(dom, "renamed", 1));
    NUMBER(virDomainRename(dom, "renamed", 0));
    if (!isRemote)
        LENT(virDomainGetName(dom));
    again = virDomainLookupByName(conn, "renamed");
    FOUND(again);
    virDomainFree(dom);
    dom = again;

    NUMBER(virDomainCreateWithFlags(dom, 0));
    NUMBER(virDomainManagedSave(dom, 0xff));
    NUMBER(virDomainManagedSave(dom, 0xf8));
    NUMBER(virDomainManagedSave(dom, 0));
    look(dom);
    lists(conn);
    NUMBER(virDomainUndefine(dom));
    NUMBER(virDomainUndefineFlags(dom, VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA));
    NUMBER(virDomainUndefineFlags(dom, 0xff));
    NUMBER(virDomainCreate(dom));
    look(dom);
    NUMBER(virDomainUndefine(dom));
    look(dom);
    xml(dom);
    all_changes(dom);
    again = virDomainDefineXML(conn, DOMAIN("renamed", UUID("1"), ""));
    FOUND(again);
    virDomainFree(again);
    look(dom);
    NUMBER(virDomainManagedSave(dom, 0));
    NUMBER(virDomainUndefineFlags(dom, VIR_DOMAIN_UNDEFINE_MANAGED_SAVE));
    look(dom);
    NUMBER(virDomainUndefine(dom));
    NUMBER(virDomainCreate(dom));
    NUMBER(virDomainSetAutostart(dom, 1));
    NUMBER(virDomainReboot(dom, 0));
    NUMBER(virDomainRename(dom, "x", 0));
    TEXT(virDomainGetXMLDesc(dom, 0));
    virDomainFree(dom);
}

static void transient(virConnectPtr conn)
{
    virDomainPtr dom = virDomainCreateXML(conn, DOMAIN("passing", UUID("3"), "<vcpu current='2'>4</vcpu>"), 0);
    FOUND(dom);
    NUMBER((int)virDomainGetID(dom) > 0);
    look(dom);
    xml(dom);
    lists(conn);
    FOUND(virDomainCreateXML(conn, DOMAIN("passing", UUID("3"), ""), 0));
    FOUND(virDomainCreateXML(conn, DOMAIN("passing", UUID("4"), ""), 0));
    all_changes(dom);
    NUMBER(virDomainManagedSave(dom, 0));
    NUMBER(virDomainUndefine(dom));
    look(dom);
    NUMBER(virDomainCreate(dom));
    NUMBER(virDomainDestroyFlags(dom, VIR_DOMAIN_DESTROY_GRACEFUL));
    look(dom);
    virDomainFree(dom);

    dom = virDomainCreateLinux(conn, DOMAIN("passing", UUID("3"), "<on_reboot>destroy</on_reboot>"), VIR_DOMAIN_START_VALIDATE);
    FOUND(dom);
    NUMBER(virDomainReboot(dom, 0));
    look(dom);
    virDomainFree(dom);

    /* a defined one as something else for once */
    virDomainPtr first = virDomainDefineXML(conn, DOMAIN("once", UUID("5"), ""));
    dom = virDomainCreateXML(conn, DOMAIN("once", UUID("5"), "<vcpu>7</vcpu>"), 0);
    FOUND(dom);
    look(dom);
    xml(dom);
    NUMBER(virDomainDestroy(dom));
    look(dom);
    NUMBER(virDomainUndefine(first));
    virDomainFree(dom);
    virDomainFree(first);

    static const char *const ends[] = { "destroy", "preserve", "restart", "rename-restart" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char text[512];
        snprintf(text, sizeof text, DOMAIN("ends", UUID("6"), "<on_reboot>%s</on_reboot>"), ends[i]);
        dom = virDomainDefineXML(conn, text);
        NUMBER(virDomainCreate(dom));
        NUMBER(virDomainReboot(dom, 0));
        look(dom);
        NUMBER(virDomainUndefine(dom));
        (void)virDomainDestroy(dom);
        virDomainFree(dom);
    }
}

static void read_only(const char *uri)
{
    virConnectPtr conn = virConnectOpenReadOnly(uri);
    FOUND(conn);
    virDomainPtr *domains = NULL;
    NUMBER(virConnectListAllDomains(conn, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE) > 0);
    virDomainPtr dom = domains[0];
    FOUND(virDomainDefineXML(conn, "x"));
    FOUND(virDomainDefineXML(conn, NULL));
    FOUND(virDomainDefineXMLFlags(conn, "x", 2));
    FOUND(virDomainCreateXML(conn, "x", 0));
    FOUND(virDomainCreateXML(conn, NULL, 0));
    FOUND(virDomainCreateLinux(conn, "x", 0));
    NUMBER(virDomainCreate(dom));
    NUMBER(virDomainCreateWithFlags(dom, 0));
    NUMBER(virDomainUndefine(dom));
    NUMBER(virDomainUndefineFlags(dom, 0));
    NUMBER(virDomainReboot(dom, 99));
    NUMBER(virDomainSetAutostart(dom, 1));
    NUMBER(virDomainSetMetadata(dom, 0, "x", "k", NULL, 0));
    NUMBER(virDomainRename(dom, "", 1));
    NUMBER(virDomainSetVcpus(dom, 0));
    NUMBER(virDomainSetVcpusFlags(dom, 1, 4));
    NUMBER(virDomainManagedSave(dom, 0xff));
    NUMBER(virDomainManagedSaveRemove(dom, 1));
    for (virDomainPtr *next = domains; *next; next++)
        virDomainFree(*next);
    free(domains);
    NUMBER(virConnectClose(conn));
}

/* Who asks, whom, and what comes of the answers. */
static const char *answers[2];
static pthread_t caller;

static int answer(virConnectCredentialPtr asked, unsigned int count, void *opaque)
{
    (void)opaque;
    if (!pthread_equal(pthread_self(), caller))
        printf(" asked on another thread than the caller's\n");
    for (unsigned int i = 0; i < count; i++) {
        const char *given = answers[asked[i].type != VIR_CRED_AUTHNAME];
        printf(" asked %d %s, %s\n", asked[i].type, asked[i].prompt, asked[i].challenge);
        asked[i].result = given ? strdup(given) : NULL;
        asked[i].resultlen = given ? (unsigned int)strlen(given) : 0;
        if (!given)
            return -1;
    }
    return 0;
}

static void log_in(const char *uri, const char *name, const char *password, int *types, unsigned int count)
{
    virConnectAuth auth = { types, count, answer, NULL };
    answers[0] = name;
    answers[1] = password;
    caller = pthread_self();
    virConnectPtr conn = virConnectOpenAuth(uri, &auth, 0);
    FOUND(conn);
    if (conn)
        virConnectClose(conn);
}

static void users(const char *uri)
{
    static int usual[] = { VIR_CRED_AUTHNAME, VIR_CRED_PASSPHRASE }, other[] = { VIR_CRED_NOECHOPROMPT, VIR_CRED_AUTHNAME };
    FOUND(virConnectOpen(uri));
    FOUND(virConnectOpenReadOnly(uri));
    FOUND(virConnectOpenAuth(uri, NULL, 0));
    log_in(uri, "known", "secret", usual, 2);
    log_in(uri, "known", "secret", other, 2);
    log_in(uri, "known", "wrong", usual, 2);
    log_in(uri, "known", NULL, usual, 2);
    log_in(uri, "nobody", "secret", usual, 2);
    log_in(uri, "open", "x", usual, 2);
    log_in(uri, "open", "x", usual, 1);
    log_in(uri, "known", "secret", usual, 1);
    log_in(uri, "known", "secret", other, 1);
    log_in(uri, NULL, "secret", usual, 2);
}

/* What a host begins with. */
static void beginning(virConnectPtr conn)
{
    virNodeInfo node;
    unsigned long long cells[4];
    memset(&node, 0, sizeof node);
    if (!isRemote)
        TEXT(virConnectGetURI(conn));
    NUMBER(virNodeGetInfo(conn, &node));
    LENT(node.model);
    NUMBER(node.memory);
    NUMBER(node.cpus);
    NUMBER(node.mhz);
    NUMBER(((node.nodes * 10 + node.sockets) * 10 + node.cores) * 10 + node.threads);
    /* libvirt takes none for an error without a cause */
    unsigned long long free_memory = virNodeGetFreeMemory(conn);
    virResetLastError();
    NUMBER(free_memory);
    NUMBER(virNodeGetCellsFreeMemory(conn, cells, 0, 4));
    NUMBER(virConnectGetMaxVcpus(conn, NULL));
    TEXT(virConnectGetCapabilities(conn));
    lists(conn);
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(conn, &domains, 0);
    if (count > 0)
        qsort(domains, (size_t)count, sizeof *domains, by_name);
    for (int i = 0; i < count; i++) {
        LENT(virDomainGetName(domains[i]));
        look(domains[i]);
        xml(domains[i]);
        NUMBER(virDomainUndefine(domains[i]));
        (void)virDomainDestroy(domains[i]);
        virDomainFree(domains[i]);
    }
    free(domains);
    lists(conn);
}

int main(int argc, char **argv)
{
    const char *uri = argc > 1 ? argv[1] : "test:///default";
    char *text = NULL;
    size_t length = 0;
    if (argc > 2 && strcmp(argv[1], "-u") == 0) {
        virSetErrorFunc(NULL, quiet);
        users(argv[2]);
        return 0;
    }
    isRemote = argc > 2;
    events = open_memstream(&text, &length);
    virSetErrorFunc(NULL, quiet);
    NUMBER(virEventRegisterDefaultImpl());
    virConnectPtr conn = virConnectOpen(uri);
    FOUND(conn);
    if (!conn)
        return 0;
    NUMBER(virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(lifecycle), NULL, NULL));
    odd_xml(conn);
    pluggable(conn);
    defined(conn);
    transient(conn);
    devices(conn);
    read_only(uri);
    beginning(conn);
    hear();
    NUMBER(virConnectDomainEventDeregisterAny(conn, 0));
    NUMBER(virConnectClose(conn));
    fclose(events);
    printf("%s", text);
    free(text);
    return 0;
}
