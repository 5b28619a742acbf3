/*
 * load_message.h - the messages milterload sends: read from files or made up,
 * and edited as a milter asks.
 */
#ifndef POSTERN_TESTS_LOAD_MESSAGE_H
#define POSTERN_TESTS_LOAD_MESSAGE_H

#include "common/base/strbuf.h"

#include <stdio.h>

struct load_field {
	char *name;
	char *value;	/* as it stands behind the colon; folds are LF + WSP */
};

struct load_message {
	struct load_field *fields;
	size_t field_count;
	struct strbuf body;	/* CRLF lines */
	bool borrows_body;	/* another message's: not to be written to */
};

struct load_messages {
	struct load_message *list;
	size_t count;
};

/* Reads a file, every file of a directory in order of names, or "-". */
void load_messages_read(struct load_messages *all, const char *path);
/* One message of an ordinary shape with a body of that many octets. */
void load_messages_generate(struct load_messages *all, size_t body_size);
/* The value of a generated Message-ID: to be replaced for each message. */
extern const char load_message_id[];

void load_message_add(struct load_message *m, struct span name,
    struct span value);
/* Before the field at; behind the last one where there are fewer. */
void load_message_insert(struct load_message *m, size_t at, const char *name,
    const char *value);
/* The n-th (from 1) of that name; an empty value deletes it. */
void load_message_change(struct load_message *m, size_t n, const char *name,
    const char *value);
/* Where the body is to be written anew. */
void load_message_empty_body(struct load_message *m);
void load_message_clear(struct load_message *m);
void load_message_print(const struct load_message *m, FILE *fp);

#endif
