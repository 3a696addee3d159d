// SPDX-License-Identifier: Apache-2.0
/*
 * Does one thing on the network, by its first argument, so that a test can ask for exactly that in a container:
 *
 *   network send ADDRESS PORT [v6only]       send a datagram from a socket that is not connected
 *   network bind udp|tcp ADDRESS PORT        bind a socket
 *   network listen-unbound                   listen without bind, connect to the port that the kernel chose
 *   network serve ADDRESS PORT COUNT         listen, accept COUNT connections
 *   network abandon ADDRESS PORT             start to connect, close before there is an answer
 *   network connect-from LOCAL ADDRESS PORT  connect over TCP from a local address
 *   network connect-v6only ADDRESS PORT      connect a socket that is for IPv6 only
 *   network ping ADDRESS                     connect an ICMP socket
 *   network scan ADDRESS FIRST COUNT         connect to COUNT ports
 *   network sweep PREFIX COUNT PORT          send datagrams to PREFIX.0.1, PREFIX.0.2 …
 *   network ask udp|tcp QUERY ANSWER [SPLIT] ask a name server of its own on 127.0.0.1, which answers with the bytes ANSWER
 *                                            (hexadecimal; a query's id is put in front), over TCP in two parts
 *   network unix PATH                        connect a stream to a unix socket; @NAME: an abstract one
 *   network unix-serve PATH                  the same, to a socket of its own
 *   network storm MS PORT                    send datagrams to 127.0.0.1 and receive them, print how many
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* The size of the address; 0 when the text is none. */
static socklen_t parse(const char *text, int port, union address *into)
{
	memset(into, 0, sizeof(*into));
	if (inet_pton(AF_INET, text, &into->four.sin_addr) == 1) {
		into->four.sin_family = AF_INET;
		into->four.sin_port = htons(port);
		return sizeof(into->four);
	}
	if (inet_pton(AF_INET6, text, &into->six.sin6_addr) != 1)
		return 0;
	into->six.sin6_family = AF_INET6;
	into->six.sin6_port = htons(port);
	return sizeof(into->six);
}

static int only_six(int fd)
{
	int one = 1;

	return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
}

static int send_once(const char *text, int port, int v6only)
{
	union address to;
	socklen_t size = parse(text, port, &to);
	int fd = socket(to.any.sa_family, SOCK_DGRAM, 0);

	if (v6only)
		only_six(fd);
	return sendto(fd, "x", 1, 0, &to.any, size) == 1 ? 0 : fail("sendto");
}

static int bound(const char *text, int port, int type)
{
	union address at;
	socklen_t size = parse(text, port, &at);
	int fd = socket(at.any.sa_family, type, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, &at.any, size) == 0 ? fd : -1;
}

static int connect_to(int fd, const char *text, int port)
{
	union address to;
	socklen_t size = parse(text, port, &to);

	return connect(fd, &to.any, size);
}

static int listen_unbound(void)
{
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	union address at;
	socklen_t size = sizeof(at);

	if (listen(server, 16) != 0 || getsockname(server, &at.any, &size) != 0)
		return fail("listen");
	printf("%d\n", ntohs(at.four.sin_port));
	fflush(stdout);
	return connect_to(client, "127.0.0.1", ntohs(at.four.sin_port)) == 0 ? 0 : fail("connect");
}

static int serve(const char *text, int port, int count)
{
	int server = bound(text, port, SOCK_STREAM);

	if (server < 0 || listen(server, 128) != 0)
		return fail("listen");
	while (count-- > 0)
		close(accept(server, NULL, NULL));
	return 0;
}

static int abandon(const char *text, int port)
{
	int fd = socket(strchr(text, ':') ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	return connect_to(fd, text, port) == -1 && errno == EINPROGRESS ? close(fd) : fail("connect");
}

static int connect_from(const char *local, const char *text, int port)
{
	int fd = bound(local, 0, SOCK_STREAM);

	return fd >= 0 && connect_to(fd, text, port) == 0 ? 0 : fail("connect");
}

static int scan(const char *text, int first, int count)
{
	for (int port = first; port < first + count; port++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		connect_to(fd, text, port);
		close(fd);
	}
	return 0;
}

static int sweep(const char *prefix, int count, int port)
{
	char text[64];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (int i = 1; i <= count; i++) {
		union address to;

		snprintf(text, sizeof(text), "%s.%d.%d", prefix, i / 250, 1 + i % 250);
		sendto(fd, "x", 1, 0, &to.any, parse(text, port, &to));
	}
	return 0;
}

static long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int storm(long ms, int port)
{
	int server = bound("127.0.0.1", port, SOCK_DGRAM), client = socket(AF_INET, SOCK_DGRAM, 0);
	long end = now_ms() + ms, count = 0;
	union address to;
	socklen_t size = parse("127.0.0.1", port, &to);
	char buffer[64] = "";

	do {
		for (int i = 0; i < 64; i++, count++)
			if (sendto(client, buffer, sizeof(buffer), 0, &to.any, size) != sizeof(buffer) ||
			    recv(server, buffer, sizeof(buffer), 0) != sizeof(buffer))
				return fail("datagram");
	} while (now_ms() < end);
	printf("%ld\n", count);
	return 0;
}

static size_t from_hex(const char *text, unsigned char *into, size_t room)
{
	size_t size = 0;

	for (; text[0] && text[1] && size < room; text += 2)
		sscanf(text, "%2hhx", &into[size++]);
	return size;
}

/* Answers one query with its id and what follows. split: how much of it goes into a first segment. */
static int answer_once(int server, int is_tcp, unsigned char *message, size_t size, size_t split)
{
	unsigned char query[512], out[8192 + 4];
	union address from;
	socklen_t from_size = sizeof(from);
	size_t head = is_tcp ? 2 : 0;
	int fd = is_tcp ? accept(server, NULL, NULL) : server;
	int no_delay = 1;

	if (recvfrom(fd, query, sizeof(query), 0, &from.any, &from_size) < 2)
		return fail("query");
	out[0] = (size + 2) >> 8;
	out[1] = size + 2;
	memcpy(out + head, query + head, 2);
	memcpy(out + head + 2, message, size);
	size += head + 2;
	if (!is_tcp)
		return sendto(fd, out, size, 0, &from.any, from_size) == (ssize_t)size ? 0 : fail("answer");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay));
	if (split && write(fd, out, split) == (ssize_t)split)
		usleep(100000);
	return write(fd, out + split, size - split) == (ssize_t)(size - split) ? 0 : fail("answer");
}

static int ask(int is_tcp, const char *query_hex, const char *answer_hex, size_t split)
{
	unsigned char query[512] = { 0 }, answer[8192];
	size_t head = is_tcp ? 2 : 0, size = from_hex(query_hex, query + head, sizeof(query) - head);
	size_t answer_size = from_hex(answer_hex, answer, sizeof(answer)), got = 0;
	int type = is_tcp ? SOCK_STREAM : SOCK_DGRAM;
	int server = bound("127.0.0.1", 53, type), client = socket(AF_INET, type, 0);

	if (server < 0 || (is_tcp && listen(server, 1) != 0) || connect_to(client, "127.0.0.1", 53) != 0)
		return fail("name server");
	query[0] = is_tcp ? size >> 8 : query[0];
	query[1] = is_tcp ? size : query[1];
	if (fork() == 0)
		_exit(answer_once(server, is_tcp, answer, answer_size, split));
	if (write(client, query, size + head) != (ssize_t)(size + head))
		return fail("query");
	while (got < answer_size + head + 2) {
		ssize_t length = read(client, answer, sizeof(answer));

		if (length <= 0)
			return fail("read");
		got += length;
	}
	wait(NULL);
	return 0;
}

static int unix_socket(const char *path, int serves)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (path[0] == '@')
		address.sun_path[0] = 0;
	if (serves && (bind(server, (struct sockaddr *)&address, size) != 0 || listen(server, 1) != 0))
		return fail("listen");
	return connect(client, (struct sockaddr *)&address, size) ? fail("connect") : 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int fd;

	if (strcmp(what, "send") == 0)
		return send_once(argv[2], atoi(argv[3]), argc > 4);
	if (strcmp(what, "bind") == 0)
		return bound(argv[3], atoi(argv[4]), strcmp(argv[2], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM) < 0;
	if (strcmp(what, "listen-unbound") == 0)
		return listen_unbound();
	if (strcmp(what, "serve") == 0)
		return serve(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (strcmp(what, "abandon") == 0)
		return abandon(argv[2], atoi(argv[3]));
	if (strcmp(what, "connect-from") == 0)
		return connect_from(argv[2], argv[3], atoi(argv[4]));
	if (strcmp(what, "connect-v6only") == 0) {
		fd = socket(AF_INET6, SOCK_STREAM, 0);
		return only_six(fd) || connect_to(fd, argv[2], atoi(argv[3])) ? fail("connect") : 0;
	}
	if (strcmp(what, "ping") == 0) {
		fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
		return fd < 0 || connect_to(fd, argv[2], 0) ? fail("ping") : 0;
	}
	if (strcmp(what, "scan") == 0)
		return scan(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (strcmp(what, "sweep") == 0)
		return sweep(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (strcmp(what, "ask") == 0)
		return ask(strcmp(argv[2], "tcp") == 0, argv[3], argv[4], argc > 5 ? atoi(argv[5]) : 0);
	if (strcmp(what, "unix") == 0)
		return unix_socket(argv[2], 0);
	if (strcmp(what, "unix-serve") == 0)
		return unix_socket(argv[2], 1);
	if (strcmp(what, "storm") == 0)
		return storm(atol(argv[2]), atoi(argv[3]));
	fprintf(stderr, "network: unknown action\n");
	return 2;
}
