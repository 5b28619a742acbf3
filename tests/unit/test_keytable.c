#include "tests/unit/tables.h"

#include "common/tables/keycache.h"
#include "common/tables/keytable.h"

#include <pthread.h>
#include <sys/stat.h>

static const struct dataset_place place = { "a.conf", 3, "KeyTable", NULL };

static struct dkim_key *rsa, *weak_rsa, *ed;
static char *ed_base64;		/* "MC4C...", inline */

static void
write_key(const char *name, const struct dkim_key *key, mode_t mode)
{
	struct strbuf pem = STRBUF_INIT, err = STRBUF_INIT;

	assert_int_equal(dkim_key_format(key, &pem, &err), 0);
	scratch_write(name, strbuf_span(&pem), mode);
	strbuf_wipe(&pem);
}

/* The body of a PEM text in one line. */
static char *
make_inline(const struct dkim_key *key)
{
	struct strbuf pem = STRBUF_INIT, out = STRBUF_INIT, err = STRBUF_INIT;
	struct span rest, line;

	assert_int_equal(dkim_key_format(key, &pem, &err), 0);
	rest = strbuf_span(&pem);
	while (span_line(&rest, &line))
		if (!span_starts(line, SPAN_LIT("-----")))
			strbuf_addspan(&out, line);
	strbuf_clear(&pem);
	return strbuf_detach(&out);
}

static int
make_keys(void **state)
{
	struct strbuf err = STRBUF_INIT;

	if (scratch_make(state) != 0)
		return -1;
	rsa = dkim_key_generate(DKIM_RSA_SHA256, 2048, &err);
	weak_rsa = dkim_key_generate(DKIM_RSA_SHA256, 1024, &err);
	ed = dkim_key_generate(DKIM_ED25519_SHA256, 0, &err);
	write_key("rsa", rsa, 0600);
	write_key("weak", weak_rsa, 0600);
	write_key("ed", ed, 0600);
	write_key("example.com.key", ed, 0600);
	write_key("a:b", ed, 0600);
	write_key("open", rsa, 0644);
	scratch_write("garbage", SPAN_LIT("hello\n"), 0600);
	scratch_write("public", SPAN_LIT("-----BEGIN PUBLIC KEY-----\n"
	    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
	    "-----END PUBLIC KEY-----\n"), 0600);
	ed_base64 = make_inline(ed);
	return 0;
}

static int
free_keys(void **state)
{
	dkim_key_free(rsa);
	dkim_key_free(weak_rsa);
	dkim_key_free(ed);
	free(ed_base64);
	return scratch_remove(state);
}

static struct keytable_options
options(void)
{
	return (struct keytable_options){ .require_safe_keys = true,
	    .minimum_bits = 1024, .eager_keys = KEYTABLE_EAGER_KEYS,
	    .uid = geteuid(), .gid = getegid() };
}

#define SAYS(line, level, text)	"DIR/keys:" line ": " level ": " text "\n"

static const struct {
	const char *text;
	const char *says;
} loads[] = {
	{ "a example.com:mail:DIR/rsa\n", "" },
	{ "a example.com:mail:DIR/rsa:rsa-sha256\n", "" },
	{ "a example.com:mail:DIR/ed:ed25519-sha256\n", "" },
	{ "a EXAMPLE.com.:Mail.2024:DIR/rsa # the first\n", "" },
	{ "a b\xc3\xbc" "cher.example:s\xc3\xa9l:DIR/rsa\n", "" },
	{ "a example.com : mail : DIR/rsa\n", "" },
	{ "a %:mail:DIR/rsa\n", "" },
	{ "a %:mail:DIR/%.key\n", "" },
	{ "a example.com:mail:DIR/%.key\n", "" },
	{ "a example.com:mail:DIR/a:b\n", "" },
	{ "a example.com:mail:DIR/weak\n", SAYS("1", "warning", "DIR/weak: an "
	    "RSA key of 1024 bits; 2048 are usual today, make a new key") },
	{ "a\n", SAYS("1", "error", "key \"a\": has no value; write name "
	    "domain:selector:key") },
	{ "a example.com\n", SAYS("1", "error", "key \"a\": has no selector "
	    "and key; write name domain:selector:key") },
	{ "a example.com:mail\n", SAYS("1", "error", "key \"a\": has no key; "
	    "write name domain:selector:key") },
	{ "a example.com::DIR/rsa\n", SAYS("1", "error", "key \"a\": has no "
	    "selector; write name domain:selector:key") },
	{ "a :mail:DIR/rsa\n", SAYS("1", "error", "key \"a\": has no domain; "
	    "write name domain:selector:key") },
	{ "a ::\n", SAYS("1", "error", "key \"a\": has no domain and selector "
	    "and key; write name domain:selector:key") },
	{ "a exa_mple.com:-mail:DIR/rsa:rsa-sha512\n",
	    SAYS("1", "error", "key \"a\": domain \"exa_mple.com\" is no "
	    "valid domain name; it becomes d=")
	    SAYS("1", "error", "key \"a\": selector \"-mail\" is no valid "
	    "selector: letters, digits and hyphens, with dots between")
	    SAYS("1", "error", "key \"a\": algorithm \"rsa-sha512\" is "
	    "unknown; leave it out, or write rsa-sha256 or ed25519-sha256") },
	{ "a xn--\xff.com:mail:DIR/rsa\n", SAYS("1", "error", "key \"a\": "
	    "domain \"xn--\\xff.com\" is no valid domain name; it becomes "
	    "d=") },
	{ "a %.example.com:%:DIR/rsa\n",
	    SAYS("1", "error", "key \"a\": domain \"%.example.com\" is not "
	    "possible: \"%\" stands alone, for the sender's domain")
	    SAYS("1", "error", "key \"a\": selector \"%\" is not possible: "
	    "\"%\" is not replaced in selectors") },
	{ "a example.com:mail:DIR/rsa:rsa-sha1\n", SAYS("1", "error",
	    "key \"a\": algorithm \"rsa-sha1\" is not allowed any more (RFC "
	    "8301); leave it out") },
	{ "a example.com:mail:DIR/rsa:\n", "" },
	{ "a example.com:mail:DIR/rsa:ed25519-sha256\n"
	    "b example.com:mail:DIR/ed:rsa-sha256\n",
	    SAYS("1", "error", "key \"a\": says ed25519-sha256, but its key "
	    "is for rsa-sha256; correct the fourth part or leave it out")
	    SAYS("2", "error", "key \"b\": says rsa-sha256, but its key is "
	    "for ed25519-sha256; correct the fourth part or leave it out") },
	{ "a example.com:mail:DIR/rsa\nb example.com:b:DIR/rsa\n"
	    "A example.com:mail:DIR/ed\n", SAYS("3", "error", "key \"A\": "
	    "line 1 has that name already; rename one, or remove it") },
	{ "a:b example.com:mail:DIR/rsa\n", SAYS("1", "error", "key \"a:b\": "
	    "its name has a \":\", so no SigningTable row can point at it; "
	    "rename it") },
	{ "# nothing\n", "DIR/keys: warning: KeyTable has no rows, so nothing "
	    "will be signed; make a key with: postern key generate DOMAIN "
	    "(or write name domain:selector:key)\n" },
	/* every key file once, at the first row that names it */
	{ "\na example.com:a:DIR/none\nb example.com:b:DIR/none\n"
	    "c example.com:c:DIR/garbage\nd example.com:d:DIR/public\n"
	    "e example.com:e:DIR/open\nf example.com:f:/\n"
	    "g example.com:g:DIR/rsa/x\n",
	    SAYS("2", "error", "DIR/none: No such file or directory; correct "
	    "the path, or make the key with \"postern key generate\"")
	    SAYS("4", "error", "DIR/garbage: no private key (PEM, or base64 "
	    "of its DER form)")
	    SAYS("5", "error", "DIR/public: a public key; the private key is "
	    "needed here")
	    SAYS("6", "error", "DIR/open: mode 0644 lets others than its "
	    "owner at the private key; chmod 0600 it")
	    SAYS("7", "error", "/: not a regular file; name the file that "
	    "holds the private key")
	    SAYS("8", "error", "DIR/rsa/x: Not a directory; a part of the "
	    "path is no directory; correct it") },
	{ "a example.com:mail:keys/mail.private\n", SAYS("1", "error", "the "
	    "key in the row is no private key (PEM, or base64 of its DER "
	    "form); a path starts with \"/\", \"./\" or \"../\"") },
	{ "a example.com:mail:MC4CAQAw:rsa\n", SAYS("1", "error", "key "
	    "\"a\": what follows its key is no algorithm; leave it out, or "
	    "write rsa-sha256 or ed25519-sha256") },
};

static void
test_loads(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct keytable *table;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(loads); i++) {
		scratch_write("keys", scratch_text(loads[i].text), 0644);
		table = keytable_load(scratch_path("keys"), &place, &opts,
		    &diag);
		assert_non_null(table);
		keytable_free(table);
		row_says(loads[i].text, &diag, loads[i].says);
	}
}

static void
test_specs(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct keytable *table;

	(void)state;
	scratch_write("keys", scratch_text("a b.c:d:DIR/rsa\n"), 0644);
	table = keytable_load(scratch_text("refile:DIR/keys").p, &place, &opts,
	    &diag);
	assert_string_equal(keytable_file(table), scratch_path("keys"));
	keytable_free(table);
	row_says("refile", &diag, "a.conf:3: note: KeyTable: its names are no "
	    "patterns; refile: is read as file:\n");
	table = keytable_load(scratch_text("a=b.c:d:DIR/rsa,b=b.c:d").p,
	    &place, &opts, &diag);
	assert_string_equal(keytable_file(table), "a.conf");
	assert_int_equal(keytable_count(table), 2);
	keytable_free(table);
	row_says("csl", &diag, "a.conf:3: error: key \"b\": has no key; write "
	    "name domain:selector:key\n");
	assert_null(keytable_load("db:/x", &place, &opts, &diag));
	assert_true(diag_failed(&diag));
	diag_clear(&diag);
	keytable_free(NULL);
}

static void
test_options(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;

	(void)state;
	opts.require_safe_keys = false;
	opts.minimum_bits = 2048;
	scratch_write("keys", scratch_text("a b.c:d:DIR/open\n"
	    "b b.c:d:DIR/weak\nc b.c:d:DIR/ed\n"), 0644);
	keytable_free(keytable_load(scratch_path("keys"), &place, &opts,
	    &diag));
	row_says("options", &diag,
	    SAYS("1", "warning", "DIR/open: mode 0644 lets others than its "
	    "owner at the private key; chmod 0600 it")
	    SAYS("2", "error", "DIR/weak: an RSA key of 1024 bits, and "
	    "MinimumKeyBits is 2048; make a new key of 2048 bits"));
	if (geteuid() != 0)
		return;
	/* root checks what another user will read */
	opts = options();
	opts.uid = 12345;
	scratch_write("keys", scratch_text("a b.c:d:DIR/ed\n"), 0644);
	keytable_free(keytable_load(scratch_path("keys"), &place, &opts,
	    &diag));
	row_says("uid", &diag, SAYS("1", "error", "DIR/ed: user 12345, as "
	    "whom the daemon runs, cannot read it; chown it to that user")
	    SAYS("1", "warning", "DIR: user 12345, as whom the daemon runs, "
	    "cannot enter this directory by its owner and mode 0700; chown "
	    "or chgrp it"));
}

static void
test_inline(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	const struct keytable_row *row;
	struct dkim_sign_key key;
	struct keytable *table;

	(void)state;
	strbuf_addf(&text, "a b.c:d:%s:ed25519-sha256\nb b.c:d:-----BEGIN "
	    "PRIVATE KEY----- %s -----END PRIVATE KEY-----\n", ed_base64,
	    ed_base64);
	scratch_write("keys", strbuf_span(&text), 0644);
	keytable_free(keytable_load(scratch_path("keys"), &place, &opts,
	    &diag));
	row_says("inline", &diag, "DIR/keys: error: there are private keys in "
	    "its rows: DIR/keys: mode 0644 lets others than its owner at the "
	    "private key; chmod 0600 it\n");
	scratch_write("keys", strbuf_span(&text), 0600);
	table = keytable_load(scratch_path("keys"), &place, &opts, &diag);
	row_says("inline", &diag, "");
	row = keytable_find(table, span_of("b"));
	assert_non_null(row);
	assert_false(row->is_path);
	assert_null(keytable_path(table, row, span_of("x.y"), &arena));
	assert_int_equal(keytable_resolve(table, row, span_of("x.y"), &arena,
	    &key, &err), 0);
	assert_int_equal(dkim_key_algorithm(key.key), DKIM_ED25519_SHA256);
	dkim_key_free(key.key);
	keytable_free(table);
	arena_clear(&arena);
	strbuf_clear(&text);
}

/* What is wrong with an inline key is told without showing it. */
static void
test_inline_is_secret(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_addf(&text, "a b.c:d:%.20s\nb b.c:d:%s:%.30s\n", ed_base64,
	    ed_base64, ed_base64);
	scratch_write("keys", strbuf_span(&text), 0600);
	keytable_free(keytable_load(scratch_path("keys"), &place, &opts,
	    &diag));
	assert_true(diag_failed(&diag));
	strbuf_reset(&text);
	diag_text(&diag, &text);
	ed_base64[12] = '\0';
	assert_null(strstr(text.s, ed_base64));
	diag_clear(&diag);
	strbuf_clear(&text);
	free(ed_base64);
	ed_base64 = make_inline(ed);
}

static const struct {
	const char *name;
	const char *sender;
	const char *domain;
	const char *selector;
	const char *path;
	enum dkim_algorithm algorithm;
	const char *error;	/* NULL: it works */
} uses[] = {
	{ "one", "x.y", "example.com", "mail", "DIR/rsa", DKIM_RSA_SHA256,
	    NULL },
	{ "ONE", "x.y", "example.com", "mail", "DIR/rsa", DKIM_RSA_SHA256,
	    NULL },
	{ "any", "a.example", "a.example", "s", "DIR/rsa", DKIM_RSA_SHA256,
	    NULL },
	{ "both", "example.com", "example.com", "s", "DIR/example.com.key",
	    DKIM_ED25519_SHA256, NULL },
	{ "both", "EXAMPLE.com", "example.com", "s", "DIR/example.com.key",
	    DKIM_ED25519_SHA256, NULL },
	{ "own", "x.y", "example.com", "s", "DIR/example.com.key",
	    DKIM_ED25519_SHA256, NULL },
	{ "both", "none.example", "none.example", "s", "DIR/none.example.key",
	    DKIM_RSA_SHA256, "DIR/none.example.key: No such file or "
	    "directory; correct the path, or make the key with \"postern key "
	    "generate\"" },
	{ "both", "../../etc/passwd", NULL, NULL, NULL, DKIM_RSA_SHA256,
	    "DIR/keys:3: the sender's domain cannot be d=: it is no valid "
	    "domain name" },
	{ "both", "a/b", NULL, NULL, NULL, DKIM_RSA_SHA256,
	    "DIR/keys:3: the sender's domain cannot be d=: it is no valid "
	    "domain name" },
	{ "any", "[192.0.2.1]", NULL, NULL, "DIR/rsa", DKIM_RSA_SHA256,
	    "DIR/keys:2: the sender's domain cannot be d=: it is no valid "
	    "domain name" },
	{ "kind", "example.com", "example.com", "s", "DIR/example.com.key",
	    DKIM_RSA_SHA256, "DIR/keys:5: the row says rsa-sha256, but its "
	    "key is for ed25519-sha256" },
};

static void
test_use(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct strbuf err = STRBUF_INIT;
	const struct keytable_row *row;
	struct dkim_sign_key key;
	struct keytable *table;
	const char *path;
	size_t i;
	int rc;

	(void)state;
	scratch_write("keys", scratch_text("one example.com:mail:DIR/rsa\n"
	    "any %:s:DIR/rsa\nboth %:s:DIR/%.key\n"
	    "own example.com:s:DIR/%.key\n"
	    "kind %:s:DIR/%.key:rsa-sha256\n"), 0644);
	table = keytable_load(scratch_path("keys"), &place, &opts, &diag);
	row_says("load", &diag, "");
	for (i = 0; i < ARRAY_LEN(uses); i++) {
		row = keytable_find(table, span_of(uses[i].name));
		ROW_IS(uses[i].name, row != NULL);
		path = keytable_path(table, row, span_of(uses[i].sender),
		    &arena);
		if (uses[i].path != NULL)
			ROW_EQ(uses[i].name, span_of(path),
			    scratch_text(uses[i].path));
		else
			ROW_IS(uses[i].name, path == NULL);
		strbuf_reset(&err);
		rc = keytable_resolve(table, row, span_of(uses[i].sender),
		    &arena, &key, &err);
		ROW_IS(uses[i].name, (rc == 0) == (uses[i].error == NULL));
		if (rc != 0) {
			ROW_IS(uses[i].name, key.key == NULL);
			ROW_EQ(uses[i].sender, strbuf_span(&err),
			    scratch_text(uses[i].error));
			continue;
		}
		ROW_EQ(uses[i].name, key.domain, span_of(uses[i].domain));
		ROW_EQ(uses[i].name, key.selector, span_of(uses[i].selector));
		ROW_IS(uses[i].name, dkim_key_algorithm(key.key) ==
		    uses[i].algorithm);
		ROW_IS(uses[i].name, key.identity.len == 0);
		dkim_key_free(key.key);
	}
	assert_null(keytable_find(table, span_of("two")));
	keytable_free(table);
	arena_clear(&arena);
	strbuf_clear(&err);
}

static void
test_faulty_rows(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	struct dkim_sign_key key;
	struct keytable *table;
	size_t i;

	(void)state;
	for (i = 0; i < 300; i++)
		strbuf_addc(&text, 'n');
	strbuf_addspan(&text, scratch_text(" a.b:s:DIR/ed\nk %:-:DIR/%\n"));
	scratch_write("keys", strbuf_span(&text), 0644);
	table = keytable_load(scratch_path("keys"), &place, &opts, &diag);
	strbuf_reset(&text);
	diag_text(&diag, &text);
	assert_non_null(strstr(text.s, "keys:1: error: key \"nnn"));
	assert_non_null(strstr(text.s, "its name is longer than 255 bytes"));
	diag_clear(&diag);
	assert_int_equal(keytable_resolve(table, keytable_find(table,
	    span_of("k")), span_of("rsa"), &arena, &key, &err), -1);
	assert_non_null(strstr(err.s, "keys:2: the row is faulty"));
	keytable_free(table);
	arena_clear(&arena);
	strbuf_clear(&text);
	strbuf_clear(&err);
}

/* Several threads look at the keys; what they find comes in file order. */
static void
test_many_keys(void **state)
{
	enum { KEYS = 60 };
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct strbuf text = STRBUF_INIT, want = STRBUF_INIT;
	struct keytable *table;
	char name[64];
	size_t i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		snprintf(name, sizeof(name), "%s/m%zu", scratch, i);
		if (i % 7 != 3)
			assert_int_equal(link(scratch_path("ed"), name), 0);
		else
			strbuf_addf(&want, "DIR/keys:%zu: error: DIR/m%zu: No "
			    "such file or directory; correct the path, or "
			    "make the key with \"postern key generate\"\n",
			    i + 1, i);
		strbuf_addf(&text, "k%zu a.b:s%zu:%s\n", i, i, name);
	}
	scratch_write("keys", strbuf_span(&text), 0644);
	for (i = 0; i < 2; i++) {
		opts.eager_keys = i == 0 ? SIZE_MAX : 100;
		table = keytable_load(scratch_path("keys"), &place, &opts,
		    &diag);
		keytable_free(table);
		row_says("many", &diag, want.s);
	}
	for (i = 0; i < KEYS; i++) {
		snprintf(name, sizeof(name), "%s/m%zu", scratch, i);
		unlink(name);
	}
	strbuf_clear(&text);
	strbuf_clear(&want);
}

/* Equal paths are one key; a key read late is read once. */
static void
test_sharing(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct strbuf err = STRBUF_INIT;
	struct dkim_sign_key keys[4];
	const struct keytable_row *row;
	struct keytable *table;
	size_t eager, i, n;

	(void)state;
	scratch_write("keys", scratch_text("a a.b:s:DIR/rsa\nb b.b:s:DIR/rsa\n"
	    "c c.b:s:DIR/ed\nd d.b:s:DIR/ed\n"), 0644);
	for (eager = 0; eager <= 2; eager++) {
		opts.eager_keys = eager;
		table = keytable_load(scratch_path("keys"), &place, &opts,
		    &diag);
		assert_false(diag_failed(&diag));
		assert_int_equal(diag.found[DIAG_NOTE], eager < 2 ? 1 : 0);
		diag_clear(&diag);
		n = 0;
		for (i = 0; (row = keytable_next(table, &i)) != NULL; n++)
			assert_int_equal(keytable_resolve(table, row,
			    span_of("x.y"), &arena, &keys[n], &err), 0);
		assert_int_equal(n, 4);
		assert_ptr_equal(keys[0].key, keys[1].key);
		assert_ptr_equal(keys[2].key, keys[3].key);
		assert_ptr_not_equal(keys[0].key, keys[2].key);
		keytable_free(table);
		/* references outlive the table */
		assert_int_equal(dkim_key_probe(keys[0].key, &err), 0);
		while (n > 0)
			dkim_key_free(keys[--n].key);
	}
	arena_clear(&arena);
}

/* Faults of keys that are not read at load are found when they are. */
static void
test_late(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct strbuf err = STRBUF_INIT;
	struct dkim_sign_key key;
	struct keytable *table;

	(void)state;
	opts.eager_keys = 1;
	opts.minimum_bits = 2048;
	scratch_write("keys", scratch_text("a a.b:s:DIR/rsa\n"
	    "b b.b:s:DIR/none\nc c.b:s:DIR/open\nd d.b:s:DIR/garbage\n"
	    "e e.b:s:DIR/weak\nf f.b:s:DIR/ed:rsa-sha256\n"), 0644);
	table = keytable_load(scratch_path("keys"), &place, &opts, &diag);
	row_says("late", &diag,
	    SAYS("2", "error", "DIR/none: No such file or directory; correct "
	    "the path, or make the key with \"postern key generate\"")
	    SAYS("3", "error", "DIR/open: mode 0644 lets others than its "
	    "owner at the private key; chmod 0600 it")
	    "DIR/keys: note: of 6 different keys 1 were read and tried, the "
	    "others will be when they are first used; -n tries all\n");
	assert_int_equal(keytable_resolve(table, keytable_find(table,
	    span_of("d")), span_of("x.y"), &arena, &key, &err), -1);
	assert_non_null(strstr(err.s, "garbage: no private key"));
	strbuf_reset(&err);
	assert_int_equal(keytable_resolve(table, keytable_find(table,
	    span_of("e")), span_of("x.y"), &arena, &key, &err), -1);
	assert_non_null(strstr(err.s, "MinimumKeyBits is 2048"));
	strbuf_reset(&err);
	assert_int_equal(keytable_resolve(table, keytable_find(table,
	    span_of("f")), span_of("x.y"), &arena, &key, &err), -1);
	assert_non_null(strstr(err.s, "keys:6: the row says rsa-sha256"));
	keytable_free(table);
	opts.eager_keys = SIZE_MAX;
	keytable_free(keytable_load(scratch_path("keys"), &place, &opts,
	    &diag));
	assert_int_equal(diag.found[DIAG_ERROR], 5);
	assert_int_equal(diag.found[DIAG_NOTE], 0);
	diag_clear(&diag);
	strbuf_clear(&err);
	arena_clear(&arena);
}

static const struct {
	const char *name;
	const char *domain;
	const char *row;	/* NULL: nothing suggests itself */
} guesses[] = {
	{ "mail._domainkey.example.com", "", "example.com" },
	{ "MAIL._domainkey.Example.com", "x.y", "example.com" },
	{ "other._domainkey.example.com", "", "example.com" },
	{ "example.org", "", "k2._domainkey.example.org" },
	{ "mian-key", "", "main-key" },
	{ "zzz", "example.net", "main-key" },
	{ "zzz", "", NULL },
	{ "zzz", "example.edu", NULL },
};

static void
test_guess(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	const struct keytable_row *row;
	struct keytable *table;
	size_t i;

	(void)state;
	scratch_write("keys", scratch_text("example.com example.com:mail:"
	    "DIR/rsa\nk2._domainkey.example.org example.org:k2:DIR/rsa\n"
	    "main-key example.net:s:DIR/rsa\n"), 0644);
	table = keytable_load(scratch_path("keys"), &place, &opts, &diag);
	for (i = 0; i < ARRAY_LEN(guesses); i++) {
		row = keytable_guess(table, span_of(guesses[i].name),
		    span_of(guesses[i].domain));
		ROW_IS(guesses[i].name, (row != NULL) ==
		    (guesses[i].row != NULL));
		if (row != NULL)
			ROW_EQ(guesses[i].name, row->name,
			    span_of(guesses[i].row));
	}
	keytable_free(table);
	diag_clear(&diag);
}

static void
test_single(void **state)
{
	struct keytable_options opts = options();
	struct dataset_place at = { "a.conf", 9, "KeyFile", scratch };
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct strbuf err = STRBUF_INIT;
	struct dkim_sign_key key;
	struct keytable *table;
	size_t i = 0;

	(void)state;
	table = keytable_single("Example.com", "mail", "rsa", &at, &opts,
	    &diag);
	row_says("single", &diag, "");
	assert_int_equal(keytable_count(table), 1);
	assert_int_equal(keytable_resolve(table, keytable_next(table, &i),
	    span_of("a.b"), &arena, &key, &err), 0);
	SPAN_IS(key.domain, "example.com");
	SPAN_IS(key.selector, "mail");
	dkim_key_free(key.key);
	keytable_free(table);
	table = keytable_single("%", "mail", "./ed", &at, &opts, &diag);
	i = 0;
	assert_int_equal(keytable_resolve(table, keytable_next(table, &i),
	    span_of("a.b"), &arena, &key, &err), 0);
	SPAN_IS(key.domain, "a.b");
	dkim_key_free(key.key);
	keytable_free(table);
	keytable_free(keytable_single("a..b", "", "", &at, &opts, &diag));
	row_says("single", &diag, "a.conf:9: error: key \"default\": the path "
	    "of its file is missing\n"
	    "a.conf:9: error: key \"default\": domain \"a..b\" is no valid "
	    "domain name; it becomes d=\n"
	    "a.conf:9: error: key \"default\": selector \"\" is no valid "
	    "selector: letters, digits and hyphens, with dots between\n");
	keytable_free(keytable_single("a.b", "s", "none", &at, &opts, &diag));
	row_says("single", &diag, "a.conf:9: error: DIR/none: No such file or "
	    "directory; correct the path, or make the key with \"postern key "
	    "generate\"\n");
	arena_clear(&arena);
}

/* ---- many threads, more keys than are kept ---- */

enum { THREADS = 4, DOMAINS = KEYTABLE_LAZY_MAX + 50 };

static const struct keytable *shared;

static void *
resolve_all(void *arg)
{
	const struct keytable_row *row = keytable_find(shared, span_of("k"));
	struct arena arena = ARENA_INIT;
	struct strbuf err = STRBUF_INIT;
	struct dkim_sign_key key;
	uintptr_t wrong = 0, i;

	for (i = 0; i < DOMAINS; i++) {
		if (keytable_resolve(shared, row, span_of(arena_printf(&arena,
		    "d%lu.example", (unsigned long)(i * ((uintptr_t)arg + 1) %
		    DOMAINS))), &arena, &key, &err) != 0) {
			wrong++;
			continue;
		}
		wrong += dkim_key_algorithm(key.key) != DKIM_ED25519_SHA256;
		dkim_key_free(key.key);
		arena_reset(&arena);
	}
	arena_clear(&arena);
	strbuf_clear(&err);
	return (void *)wrong;
}

static void
test_threads(void **state)
{
	struct keytable_options opts = options();
	struct diag diag = DIAG_INIT;
	pthread_t threads[THREADS];
	struct keytable *table;
	char name[64];
	void *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < DOMAINS; i++) {
		snprintf(name, sizeof(name), "%s/d%zu.example", scratch, i);
		assert_int_equal(link(scratch_path("ed"), name), 0);
	}
	scratch_write("keys", scratch_text("k %:s:DIR/%\n"), 0644);
	table = keytable_load(scratch_path("keys"), &place, &opts, &diag);
	row_says("threads", &diag, "");
	shared = table;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    resolve_all, (void *)(uintptr_t)i), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	keytable_free(table);
	for (i = 0; i < DOMAINS; i++) {
		snprintf(name, sizeof(name), "%s/d%zu.example", scratch, i);
		unlink(name);
	}
}

/* The key not asked for the longest time goes; who still has it may use it. */
static void
test_cache(void **state)
{
	static const struct {
		char act;	/* 'p'ut, 'g'et and find, 'n'ot there */
		const char *path;
	} steps[] = {
		{ 'n', "a" }, { 'p', "a" }, { 'p', "b" }, { 'p', "c" },
		{ 'g', "a" }, { 'p', "d" }, { 'n', "b" }, { 'g', "a" },
		{ 'g', "c" }, { 'g', "d" }, { 'p', "a" }, { 'p', "e" },
		{ 'n', "a" }, { 'g', "c" }, { 'g', "d" }, { 'g', "e" },
	};
	struct keycache *cache = keycache_new(3);
	struct strbuf err = STRBUF_INIT;
	struct dkim_key *key, *kept;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(steps); i++) {
		if (steps[i].act == 'p') {
			keycache_put(cache, span_of(steps[i].path), ed);
			continue;
		}
		key = keycache_get(cache, span_of(steps[i].path));
		if ((key != NULL) != (steps[i].act == 'g'))
			fail_msg("step %zu: %s", i, steps[i].path);
		dkim_key_free(key);
	}
	kept = keycache_get(cache, span_of("c"));
	keycache_free(cache);
	assert_int_equal(dkim_key_probe(kept, &err), 0);
	dkim_key_free(kept);
	keycache_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_inline_is_secret),
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_faulty_rows),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
