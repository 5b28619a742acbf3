/*
 * load_wire.h - packets of the milter protocol over one connection. Outgoing
 * packets are gathered, as Postfix does, until a reply is needed.
 */
#ifndef POSTERN_TESTS_LOAD_WIRE_H
#define POSTERN_TESTS_LOAD_WIRE_H

#include "common/base/strbuf.h"

enum wire_trouble {
	WIRE_CONNECT,	/* no connection */
	WIRE_DROPPED,	/* the milter closed it */
	WIRE_TIMEOUT,
	WIRE_PROTOCOL,	/* the milter broke the protocol */
	WIRE_TROUBLES
};

extern const char *const wire_trouble_names[WIRE_TROUBLES];

struct wire_target;

struct wire {
	int fd;			/* -1: closed */
	struct strbuf out;
	struct strbuf in;
	size_t in_pos;
	enum wire_trouble trouble;
	char problem[160];
};

struct wire_packet {
	char code;
	const char *data;	/* until the next read */
	size_t len;
};

/* A milter to connect to: "unix:/path", "inet:port@host"; NULL where spec is no
 * such thing. */
struct wire_target *wire_target_new(const char *spec);
/* Seconds for each read and write. */
void wire_set_timeout(double seconds);

/* All return false, with trouble and problem set, where they cannot. */
bool wire_open(struct wire *w, const struct wire_target *target);
bool wire_flush(struct wire *w);
bool wire_read(struct wire *w, struct wire_packet *packet);
bool wire_fail(struct wire *w, enum wire_trouble trouble, const char *problem);
/* Up to its newline, which is cut off; until the next read. */
bool wire_read_line(struct wire *w, struct span *line);
void wire_unread(struct wire *w, const struct wire_packet *packet);
void wire_close(struct wire *w);

/* A packet is begun, filled by adding to w->out, and ended. */
size_t wire_begin(struct wire *w, char command);
bool wire_end(struct wire *w, size_t start);
bool wire_send(struct wire *w, char command);
/* A packet of data that is not copied. */
bool wire_send_chunk(struct wire *w, char command, struct span data);

void wire_add_u32(struct wire *w, uint32_t value);
void wire_add_text(struct wire *w, const char *s);	/* and its NUL */
uint32_t wire_u32(const char *p);

#endif
