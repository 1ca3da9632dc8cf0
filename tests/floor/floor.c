/*
 * What a client of libvirt's protocol waits for at least: a loop that reads a call and sends an answer that was ready.
 *     floor SOCKET [PORT PORT-OF-TLS CERTIFICATE KEY]
 * The ports are of loopback, and need -DWITH_TLS -lssl -lcrypto. Each client has a thread. It answers what a client asks to open a connection and a domain, and the library's version;
 * to everything else it says yes with nothing behind it.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#endif

enum { HEADER = 28, LARGEST = 4096, REPLY = 1 };
enum { GET_TYPE = 3, LOOKUP_BY_NAME = 23, SUPPORTS_FEATURE = 60, AUTH_LIST = 66, GET_LIB_VERSION = 157 };

/* A client, and its TLS where it has one. */
struct client {
    int socket;
    void *tls;
};

static ssize_t read_some(struct client *client, void *bytes, size_t size)
{
#ifdef WITH_TLS
    if (client->tls != NULL)
        return SSL_read(client->tls, bytes, (int)size);
#endif
    return read(client->socket, bytes, size);
}

static ssize_t write_some(struct client *client, const void *bytes, size_t size)
{
#ifdef WITH_TLS
    if (client->tls != NULL)
        return SSL_write(client->tls, bytes, (int)size);
#endif
    return write(client->socket, bytes, size);
}

static int read_all(struct client *client, unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = read_some(client, bytes, size);
        if (count <= 0)
            return -1;
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

/* Puts the result of a procedure at the place; returns its length. */
static size_t answer(uint32_t procedure, const unsigned char *arguments, size_t size, unsigned char *result)
{
    static const unsigned char type[] = {0, 0, 0, 4, 'Q', 'E', 'M', 'U'}, none[] = {0, 0, 0, 1, 0, 0, 0, 0};
    static const unsigned char no[4], version[] = {0, 0, 0, 0, 0, 0x89, 0x54, 0x40};

    switch (procedure) {
    case AUTH_LIST:
        memcpy(result, none, sizeof none);
        return sizeof none;
    case SUPPORTS_FEATURE:
        memcpy(result, no, sizeof no);
        return sizeof no;
    case GET_TYPE:
        memcpy(result, type, sizeof type);
        return sizeof type;
    case GET_LIB_VERSION:
        memcpy(result, version, sizeof version);
        return sizeof version;
    case LOOKUP_BY_NAME:
        /* The name as it was asked for, a UUID, an id. */
        memcpy(result, arguments, size);
        memset(result + size, 7, 20);
        return size + 20;
    default:
        return 0;
    }
}

static void answer_all(struct client *client)
{
    unsigned char call[LARGEST], reply[2 * LARGEST];

    while (read_all(client, call, 4) == 0) {
        uint32_t length, procedure, type = htonl(REPLY);
        memcpy(&length, call, 4);
        length = ntohl(length);
        if (length < HEADER || length > LARGEST || read_all(client, call + 4, length - 4) != 0)
            break;
        memcpy(&procedure, call + 12, 4);
        memcpy(reply, call, HEADER);
        memcpy(reply + 16, &type, 4);
        uint32_t whole = HEADER + (uint32_t)answer(ntohl(procedure), call + HEADER, length - HEADER, reply + HEADER);
        uint32_t word = htonl(whole);
        memcpy(reply, &word, 4);
        if (write_some(client, reply, whole) != (ssize_t)whole)
            break;
    }
}

static void *serve(void *argument)
{
    struct client client = {.socket = (int)(intptr_t)argument};

    answer_all(&client);
    close(client.socket);
    return NULL;
}

/* Takes clients for ever, a thread each. */
static void take(int listener, void *(*serve_one)(void *))
{
    for (;;) {
        int client = accept(listener, NULL, NULL);
        pthread_t thread;
        if (client < 0)
            exit(1);
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)client) != 0)
            close(client);
        else
            pthread_detach(thread);
    }
}

#ifdef WITH_TLS
static SSL_CTX *context;

/* Says when the handshake is over that the certificate is good, whatever it was. */
static void *serve_tls(void *argument)
{
    struct client client = {.socket = (int)(intptr_t)argument, .tls = SSL_new(context)};

    if (client.tls != NULL && SSL_set_fd(client.tls, client.socket) == 1 && SSL_accept(client.tls) == 1 && SSL_write(client.tls, "\1", 1) == 1)
        answer_all(&client);
    SSL_free(client.tls);
    close(client.socket);
    return NULL;
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0) {
        perror(port);
        exit(1);
    }
    return listener;
}

static void *take_plain(void *port)
{
    take(listen_on(port), serve);
    return NULL;
}

static void *take_tls(void *port)
{
    take(listen_on(port), serve_tls);
    return NULL;
}

static void start_ports(char **arguments)
{
    pthread_t plain, tls;

    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_file(context, arguments[4], SSL_FILETYPE_PEM) != 1
        || SSL_CTX_use_PrivateKey_file(context, arguments[5], SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "the certificate or the key cannot be used\n");
        exit(1);
    }
    /* libvirt's client looks once for the byte, and must not find a ticket. */
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
    if (pthread_create(&plain, NULL, take_plain, arguments[2]) != 0 || pthread_create(&tls, NULL, take_tls, arguments[3]) != 0)
        exit(1);
}
#endif

int main(int count, char **arguments)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ports = 0;

#ifdef WITH_TLS
    ports = count == 6;
#endif
    if ((count != 2 && !ports) || strlen(arguments[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: floor SOCKET [PORT PORT-OF-TLS CERTIFICATE KEY]\n");
        return 2;
    }
#ifdef WITH_TLS
    if (ports)
        start_ports(arguments);
#endif
    strcpy(address.sun_path, arguments[1]);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0) {
        perror(arguments[1]);
        return 1;
    }
    take(listener, serve);
}
