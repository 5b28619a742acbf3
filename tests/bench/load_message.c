#include "tests/bench/load_message.h"

#include "common/base/mem.h"
#include "tests/bench/bench.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

const char load_message_id[] = " <1@client.example>";

static void
add_crlf_lines(struct strbuf *out, struct span text)
{
	struct span line;
	bool ended;

	while (text.len > 0) {
		ended = span_cut(&text, '\n', &line);
		if (ended && line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		strbuf_addspan(out, line);
		if (ended)
			strbuf_adds(out, "\r\n");
	}
}

/* Takes a field with its continuation lines off *text; false where *text does
 * not start with one. */
static bool
take_field(struct span *text, struct span *name, struct strbuf *value)
{
	struct span rest = *text, line;

	if (!span_line(&rest, &line) || !span_cut(&line, ':', name) ||
	    name->len == 0)
		return false;
	strbuf_reset(value);
	strbuf_addspan(value, line);
	while (rest.len > 0 && is_wsp(rest.p[0])) {
		span_line(&rest, &line);
		strbuf_addc(value, '\n');
		strbuf_addspan(value, line);
	}
	while (name->len > 0 && is_wsp(name->p[name->len - 1]))
		name->len--;
	*text = rest;
	return true;
}

/* The header ends at an empty line or at the first line that is no field. */
static void
parse(struct load_message *m, struct span text)
{
	struct strbuf value = STRBUF_INIT;
	struct span line, name, rest;

	if (span_starts(text, SPAN_LIT("From ")))
		span_line(&text, &line);
	for (;;) {
		rest = text;
		if (span_line(&rest, &line) && line.len == 0) {
			text = rest;
			break;
		}
		if (!take_field(&text, &name, &value))
			break;
		load_message_add(m, name, strbuf_span(&value));
	}
	add_crlf_lines(&m->body, text);
	strbuf_clear(&value);
}

static struct load_message *
new_message(struct load_messages *all)
{
	struct load_message *m;

	all->list = xreallocarray(all->list, all->count + 1,
	    sizeof(*all->list));
	m = &all->list[all->count++];
	*m = (struct load_message){ 0 };
	return m;
}

static void
read_file(struct load_messages *all, const char *path)
{
	struct strbuf raw = STRBUF_INIT;
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *fp = is_stdin ? stdin : fopen(path, "rb");
	size_t got;

	if (fp == NULL)
		bench_die("milterload: %s: %s", path, strerror(errno));
	do {
		strbuf_reserve(&raw, 65536);
		got = fread(raw.s + raw.len, 1, 65536, fp);
		raw.len += got;
	} while (got > 0);
	if (ferror(fp))
		bench_die("milterload: %s: %s", path, strerror(errno));
	if (!is_stdin)
		fclose(fp);
	parse(new_message(all), strbuf_span(&raw));
	strbuf_clear(&raw);
}

static void
read_directory(struct load_messages *all, const char *path)
{
	struct strbuf file = STRBUF_INIT;
	struct dirent **entries;
	struct stat st;
	int i, count;

	if ((count = scandir(path, &entries, NULL, alphasort)) < 0)
		bench_die("milterload: %s: %s", path, strerror(errno));
	for (i = 0; i < count; i++) {
		strbuf_reset(&file);
		strbuf_addf(&file, "%s/%s", path, entries[i]->d_name);
		if (stat(file.s, &st) == 0 && S_ISREG(st.st_mode))
			read_file(all, file.s);
		free(entries[i]);
	}
	free(entries);
	strbuf_clear(&file);
}

void
load_messages_read(struct load_messages *all, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		read_directory(all, path);
	else
		read_file(all, path);
}

static void
generate_body(struct strbuf *body, size_t size)
{
	static const char line[] = "Lorem ipsum  dolor sit amet, consectetur "
	    "adipiscing elit, sed do eiusmod t\r\n";
	size_t len = sizeof(line) - 1;

	strbuf_reserve(body, size);
	while (body->len + len <= size)
		strbuf_add(body, line, len);
	while (body->len + 2 < size)
		strbuf_addc(body, 'x');
	if (body->len < size)
		strbuf_add(body, "\r\n", size - body->len);
}

void
load_messages_generate(struct load_messages *all, size_t body_size)
{
	static const char *const fields[][2] = {
		{ "Received", " from client.example (client.example "
		    "[192.0.2.10])\n\tby mx.example with ESMTPS id 4X0000;\n"
		    "\tSat, 21 Nov 2026 12:00:00 +0000 (UTC)" },
		{ "From", " Sender Name <sender@d0000000.example>" },
		{ "To", " Recipient Name <rcpt@dest.example>" },
		{ "Subject", " A generated message of an ordinary length" },
		{ "Date", " Sat, 21 Nov 2026 12:00:00 +0000" },
		{ "Message-ID", load_message_id },
		{ "MIME-Version", " 1.0" },
		{ "Content-Type", " text/plain; charset=utf-8" },
		{ "Content-Transfer-Encoding", " 8bit" },
	};
	struct load_message *m = new_message(all);
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++)
		load_message_add(m, span_of(fields[i][0]),
		    span_of(fields[i][1]));
	generate_body(&m->body, body_size);
}

void
load_message_add(struct load_message *m, struct span name, struct span value)
{
	struct load_field *field;

	m->fields = xreallocarray(m->fields, m->field_count + 1,
	    sizeof(*m->fields));
	field = &m->fields[m->field_count++];
	field->name = xmemdup0(name.p, name.len);
	field->value = xmemdup0(value.p, value.len);
}

void
load_message_insert(struct load_message *m, size_t at, const char *name,
    const char *value)
{
	struct load_field added;
	size_t last = m->field_count;

	load_message_add(m, span_of(name), span_of(value));
	if (at >= last)
		return;
	added = m->fields[last];
	memmove(m->fields + at + 1, m->fields + at,
	    (last - at) * sizeof(added));
	m->fields[at] = added;
}

static void
replace_field(struct load_message *m, size_t i, const char *value)
{
	struct load_field *field = &m->fields[i];

	free(field->value);
	if (*value != '\0') {
		field->value = xstrdup(value);
		return;
	}
	free(field->name);
	m->field_count--;
	memmove(field, field + 1, (m->field_count - i) * sizeof(*field));
}

void
load_message_change(struct load_message *m, size_t n, const char *name,
    const char *value)
{
	size_t i, seen = 0;

	for (i = 0; i < m->field_count; i++)
		if (strcasecmp(m->fields[i].name, name) == 0 && ++seen >= n) {
			replace_field(m, i, value);
			return;
		}
	if (*value != '\0')
		load_message_add(m, span_of(name), span_of(value));
}

void
load_message_empty_body(struct load_message *m)
{
	if (m->borrows_body)
		m->body = (struct strbuf)STRBUF_INIT;
	m->borrows_body = false;
	strbuf_reset(&m->body);
}

void
load_message_clear(struct load_message *m)
{
	size_t i;

	for (i = 0; i < m->field_count; i++) {
		free(m->fields[i].name);
		free(m->fields[i].value);
	}
	m->field_count = 0;
	load_message_empty_body(m);
}

void
load_message_print(const struct load_message *m, FILE *fp)
{
	struct strbuf out = STRBUF_INIT;
	size_t i;

	for (i = 0; i < m->field_count; i++) {
		strbuf_addf(&out, "%s:", m->fields[i].name);
		add_crlf_lines(&out, span_of(m->fields[i].value));
		strbuf_adds(&out, "\r\n");
	}
	strbuf_adds(&out, "\r\n");
	strbuf_addspan(&out, strbuf_span(&m->body));
	fwrite(out.s, 1, out.len, fp);
	strbuf_clear(&out);
}
