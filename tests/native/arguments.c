/*
 * Arguments at the edges of what they may be, answered for comparison between libraries: named values, numbers in texts, flags.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say.h"

#include <limits.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const texts[] = {
    "", "-", "+", "0", "1", "2", "-1", "+1", "- 1", "--1", " 12", "12 ", "\t7", "\n8", "0x10", "010", "1x", "1_000",
    "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "-4294967295", "-4294967296",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
    "18446744073709551616", "-18446744073709551615", "-18446744073709551616", "99999999999999999999999999", "inf", "-INF",
    "infinity", "nan", "0x1p3", "0x1.8p-1", "1,5", "1.5", "-1.5e3", "1e400", "1e-400", "1e308", "1e", ".5", "5.", ".", "yes",
    "no", "true", "True", "TRUE", "false", "False", "t", "on", "\xff", "\xc3\xa4",
};

static void say_value(virTypedParameterPtr value)
{
    unsigned char bytes[sizeof value->value] = { 0 };
    size_t sizes[] = { 0, sizeof(int), sizeof(int), 8, 8, 8, 1 };
    printf(" %d ", value->type);
    if (value->type == VIR_TYPED_PARAM_STRING) {
        printf("'%s'", value->value.s);
        return;
    }
    memcpy(bytes, &value->value, sizes[value->type]);
    for (size_t i = 0; i < sizes[value->type]; i++)
        printf("%02x", bytes[i]);
}

static void from_text(const char *name, int type, const char *text)
{
    virTypedParameterPtr params = NULL;
    int count = 0, room = 0;
    printf("'%s' %d '%s' -> %d, %d", name, type, text, virTypedParamsAddFromString(&params, &count, &room, name, type, text), count);
    if (count == 1)
        say_value(params);
    and_error();
    virTypedParamsFree(params, count);
}

static void named_values(void)
{
    virTypedParameterPtr params = NULL;
    int count = 0, room = 0, number = 0;
    unsigned int positive = 0;
    double fraction = 0;
    const char *text = "unset";
    char name[201];
    const int lengths[] = { 0, 1, 78, 79, 80, 81, 200 };
    for (size_t i = 0; i < COUNT(lengths); i++) {
        memset(name, 'n', sizeof name);
        name[lengths[i]] = '\0';
        NUMBER(virTypedParamsAddInt(&params, &count, &room, name, lengths[i]));
        NUMBER(virTypedParamsGetInt(params, count, name, &number));
        NUMBER(number);
        from_text(name, VIR_TYPED_PARAM_INT, "x");
        from_text(name, 99, "1");
    }
    NUMBER(virTypedParamsAddString(&params, &count, &room, "none", NULL));
    NUMBER(virTypedParamsGetString(params, count, "none", &text));
    LENT(text);
    NUMBER(virTypedParamsAddString(&params, &count, &room, "bytes", "\xff\xfe"));
    NUMBER(virTypedParamsAddBoolean(&params, &count, &room, "boolean", 7));
    NUMBER(virTypedParamsGetBoolean(params, count, "boolean", &number));
    NUMBER(number);
    NUMBER(virTypedParamsAddDouble(&params, &count, &room, "infinite", 1e308 * 10));
    NUMBER(virTypedParamsGetDouble(params, count, "infinite", &fraction));
    NUMBER(fraction > 1e308);
    NUMBER(virTypedParamsAddInt(&params, &count, &room, "least", INT_MIN));
    NUMBER(virTypedParamsGetUInt(params, count, "least", &positive));
    NUMBER(virTypedParamsGetUInt(params, count, "least", NULL));
    NUMBER(virTypedParamsGetInt(params, count, "least", NULL));
    NUMBER(virTypedParamsGetInt(params, count, "missing", &number));
    NUMBER(virTypedParamsGetInt(params, count, NULL, &number));
    NUMBER(virTypedParamsGetInt(NULL, 3, "least", &number));
    NUMBER(virTypedParamsGetInt(params, 0, "least", &number));
    FOUND(virTypedParamsGet(params, count, NULL));
    FOUND(virTypedParamsGet(params, count, ""));
    FOUND(virTypedParamsGet(params, count, "least"));
    NUMBER(count);
    virTypedParamsFree(params, count);
}

static void flags(void)
{
    const unsigned int bits[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 0x80000001, 0xfffffff0, 0xffffffff };
    const unsigned int counts[] = { 0, 1, 2, 3, 32, 33, 65535, 65536, 0x80000000, 0xffffffff };
    const char *const uris[] = { "test:///default", "test:///nowhere", "test:", "qemu+unix:///system?socket=/nowhere" };
    for (size_t i = 0; i < COUNT(bits); i++) {
        virConnectPtr conn = virConnectOpen("test:///default"), reading = virConnectOpenReadOnly("test:///default");
        virDomainPtr dom = virDomainLookupByName(conn, "test"), read = virDomainLookupByName(reading, "test");
        unsigned int number = bits[i];
        for (size_t k = 0; k < COUNT(counts); k++) {
            printf("0x%x %u: ", number, counts[k]);
            NUMBER(virDomainSetVcpusFlags(dom, counts[k], number));
        }
        printf("0x%x: ", number);
        NUMBER(virDomainSetVcpusFlags(read, 0, number));
        printf("0x%x: ", number);
        NUMBER(virDomainGetVcpusFlags(dom, number));
        (void)virDomainFree(dom);
        (void)virDomainFree(read);
        (void)virConnectClose(conn);
        (void)virConnectClose(reading);
        for (size_t k = 0; k < COUNT(uris); k++) {
            printf("%s 0x%x: ", uris[k], number);
            conn = virConnectOpenAuth(uris[k], NULL, number);
            printf("%s", conn ? "there" : "nothing");
            and_error();
            if (conn)
                (void)virConnectClose(conn);
        }
    }
}

int main(void)
{
    (void)virInitialize();
    virSetErrorFunc(NULL, quiet);
    for (int type = -1; type < 10; type++)
        for (size_t i = 0; i < COUNT(texts); i++)
            from_text("field", type, texts[i]);
    named_values();
    flags();
    return 0;
}
