#include "tests/unit/unit.h"

#include "common/milter/control.h"
#include "common/milter/controlwire.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define HELLO "postern-control 1\n"

/* ---- the wire ---- */

static const struct {
	const char *name;
	struct span text;
	enum control_came came;
	size_t count;
	const char *last;	/* word */
} requests[] = {
	{ "nothing yet", SPAN_LIT(""), CONTROL_PART, 0, NULL },
	{ "half a greeting", SPAN_LIT("postern-c"), CONTROL_PART, 0, NULL },
	{ "no count yet", SPAN_LIT(HELLO), CONTROL_PART, 0, NULL },
	{ "half a count", SPAN_LIT(HELLO "1"), CONTROL_PART, 0, NULL },
	{ "no word", SPAN_LIT(HELLO "0\n"), CONTROL_COMPLETE, 0, NULL },
	{ "one", SPAN_LIT(HELLO "1\n4\nshow\n"), CONTROL_COMPLETE, 1, "show" },
	{ "an empty one", SPAN_LIT(HELLO "2\n4\nshow\n0\n\n"),
	    CONTROL_COMPLETE, 2, "" },
	{ "line ends in it", SPAN_LIT(HELLO "1\n3\n\n1\n\n"),
	    CONTROL_COMPLETE, 1, "\n1\n" },
	{ "half a word", SPAN_LIT(HELLO "1\n4\nsho"), CONTROL_PART, 0, NULL },
	{ "no end of it", SPAN_LIT(HELLO "1\n4\nshow"), CONTROL_PART, 0,
	    NULL },
	{ "another end", SPAN_LIT(HELLO "1\n4\nshow "), CONTROL_MALFORMED, 0,
	    NULL },
	{ "more behind it", SPAN_LIT(HELLO "1\n4\nshow\n\n"),
	    CONTROL_MALFORMED, 1, "show" },
	{ "another program", SPAN_LIT("GET / HTTP/1.0\r\n"),
	    CONTROL_MALFORMED, 0, NULL },
	{ "another version", SPAN_LIT("postern-control 2\n0\n"),
	    CONTROL_MALFORMED, 0, NULL },
	{ "a NUL", SPAN_LIT("postern\0control 1\n0\n"), CONTROL_MALFORMED, 0,
	    NULL },
	{ "no number", SPAN_LIT(HELLO "\n"), CONTROL_MALFORMED, 0, NULL },
	{ "a sign", SPAN_LIT(HELLO "-1\n"), CONTROL_MALFORMED, 0, NULL },
	{ "a letter", SPAN_LIT(HELLO "1x"), CONTROL_MALFORMED, 0, NULL },
	{ "too many words", SPAN_LIT(HELLO "65\n"), CONTROL_MALFORMED, 0,
	    NULL },
	{ "a word too long", SPAN_LIT(HELLO "1\n4097\n"), CONTROL_MALFORMED,
	    0, NULL },
	{ "digits without end", SPAN_LIT(HELLO "0000000000000"),
	    CONTROL_MALFORMED, 0, NULL },
	{ "more than 64 bits", SPAN_LIT(HELLO "18446744073709551617\n"),
	    CONTROL_MALFORMED, 0, NULL },
};

static void
test_requests(void **state)
{
	struct span words[CONTROL_WORDS_MAX];
	const char *name;
	size_t i, count;

	(void)state;
	for (i = 0; i < ARRAY_LEN(requests); i++) {
		name = requests[i].name;
		ROW_IS(name, control_read_request(requests[i].text, words,
		    &count) == requests[i].came);
		ROW_IS(name, count == requests[i].count);
		if (requests[i].last != NULL)
			ROW_EQ(name, words[count - 1],
			    span_of(requests[i].last));
	}
}

static const struct {
	const char *name;
	struct span text;
	enum control_came came;
	int status;
	const char *output, *error;
} answers[] = {
	{ "nothing yet", SPAN_LIT(""), CONTROL_PART, 0, NULL, NULL },
	{ "a part", SPAN_LIT("0 3 "), CONTROL_PART, 0, NULL, NULL },
	{ "all but one", SPAN_LIT("0 3 0\nab"), CONTROL_PART, 0, NULL, NULL },
	{ "both texts", SPAN_LIT("78 3 2\nabcde"), CONTROL_COMPLETE, 78, "abc",
	    "de" },
	{ "neither", SPAN_LIT("0 0 0\n"), CONTROL_COMPLETE, 0, "", "" },
	{ "more", SPAN_LIT("0 0 0\nx"), CONTROL_MALFORMED, 0, NULL, NULL },
	{ "no status", SPAN_LIT("256 0 0\n"), CONTROL_MALFORMED, 0, NULL,
	    NULL },
	{ "negative", SPAN_LIT("-1 0 0\n"), CONTROL_MALFORMED, 0, NULL, NULL },
	{ "too long", SPAN_LIT("0 16777217 0\n"), CONTROL_MALFORMED, 0, NULL,
	    NULL },
	{ "an error too long", SPAN_LIT("0 0 65537\n"), CONTROL_MALFORMED, 0,
	    NULL, NULL },
	{ "blanks", SPAN_LIT("0  0 0\n"), CONTROL_MALFORMED, 0, NULL, NULL },
	{ "a request", SPAN_LIT(HELLO), CONTROL_MALFORMED, 0, NULL, NULL },
};

static void
test_answers(void **state)
{
	struct control_reply reply;
	const char *name;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(answers); i++) {
		name = answers[i].name;
		ROW_IS(name, control_read_answer(answers[i].text, &reply) ==
		    answers[i].came);
		if (answers[i].came != CONTROL_COMPLETE)
			continue;
		ROW_IS(name, reply.status == answers[i].status);
		ROW_EQ(name, reply.output, span_of(answers[i].output));
		ROW_EQ(name, reply.error, span_of(answers[i].error));
	}
}

/* ---- a daemon's end ---- */

static char scratch[] = "/tmp/postern-control-XXXXXX";
static char path[64];
static sem_t entered, go;

/* "echo WORD...", "fill N", "hold": until go; "fail". */
static void
answer_it(const void *conf, const struct span *words, size_t count,
    struct control_answer *answer)
{
	uint64_t n;
	size_t i;

	assert_null(conf);	/* there is no snapshot here */
	if (count == 0) {
		answer->status = EX_USAGE;
	} else if (span_is(words[0], "echo")) {
		for (i = 1; i < count; i++) {
			strbuf_addspan(&answer->output, words[i]);
			strbuf_addc(&answer->output, '|');
		}
	} else if (span_is(words[0], "fill")) {
		assert_true(span_number(words[1], SIZE_MAX, &n));
		strbuf_reserve(&answer->output, n);
		memset(answer->output.s, 'x', n);
		answer->output.s[n] = '\0';
		answer->output.len = n;
	} else if (span_is(words[0], "hold")) {
		sem_post(&entered);
		sem_wait(&go);
		strbuf_adds(&answer->output, "done");
	} else {
		answer->status = EX_CONFIG;
		strbuf_adds(&answer->error, "no such word");
	}
}

static int
start_daemon(void **state)
{
	struct strbuf err = STRBUF_INIT;
	int rc = control_start(path, 0600, (gid_t)-1, answer_it, &err);

	(void)state;
	if (rc != 0)
		print_error("%s\n", strbuf_str(&err));
	strbuf_clear(&err);
	return rc;
}

static int
stop_daemon(void **state)
{
	(void)state;
	control_stop();
	return access(path, F_OK) == 0 ? -1 : 0;
}

struct asked {
	struct control_answer answer;
	struct strbuf err;
	int rc;
};

static void
ask(struct asked *a, const struct span *words, size_t count)
{
	memset(a, 0, sizeof(*a));
	a->rc = control_ask(path, words, count, &a->answer, &a->err);
}

static void
forget(struct asked *a)
{
	strbuf_clear(&a->answer.output);
	strbuf_clear(&a->answer.error);
	strbuf_clear(&a->err);
}

static void
echoes(const char *word)
{
	struct span words[] = { SPAN_LIT("echo"), span_of(word) };
	struct asked a;

	ask(&a, words, 2);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.answer.status, EX_OK);
	assert_int_equal(a.answer.output.len, strlen(word) + 1);
	assert_memory_equal(a.answer.output.s, word, strlen(word));
	forget(&a);
}

static void
test_ask(void **state)
{
	static const struct span fail_words[] = { SPAN_LIT("nonsense") };
	static const struct span odd[] = { SPAN_LIT("echo"),
	    SPAN_LIT("a\0b"), SPAN_LIT(""), SPAN_LIT("\xff\n 1") };
	struct asked a;

	(void)state;
	echoes("x");
	ask(&a, odd, ARRAY_LEN(odd));
	assert_int_equal(a.rc, 0);
	ROW_EQ("odd octets", strbuf_span(&a.answer.output),
	    SPAN_LIT("a\0b||\xff\n 1|"));
	forget(&a);
	ask(&a, fail_words, 1);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.answer.status, EX_CONFIG);
	assert_string_equal(a.answer.error.s, "no such word");
	assert_int_equal(a.answer.output.len, 0);
	forget(&a);
	ask(&a, NULL, 0);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.answer.status, EX_USAGE);
	forget(&a);
}

static void
test_bounds(void **state)
{
	static char longest[CONTROL_WORD_MAX + 2];
	struct span words[CONTROL_WORDS_MAX + 1];
	struct asked a;
	size_t i;

	(void)state;
	memset(longest, 'y', CONTROL_WORD_MAX + 1);
	words[0] = SPAN_LIT("echo");
	for (i = 1; i <= CONTROL_WORDS_MAX; i++)
		words[i] = span_make(longest, CONTROL_WORD_MAX);
	ask(&a, words, CONTROL_WORDS_MAX);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.answer.output.len,
	    (CONTROL_WORDS_MAX - 1) * (CONTROL_WORD_MAX + 1));
	forget(&a);
	ask(&a, words, CONTROL_WORDS_MAX + 1);
	assert_int_equal(a.rc, -1);
	assert_non_null(strstr(a.err.s, "at most 64 words"));
	forget(&a);
	words[1] = span_of(longest);
	ask(&a, words, 2);
	assert_int_equal(a.rc, -1);
	forget(&a);
}

static void
test_long_answers(void **state)
{
	struct span words[] = { SPAN_LIT("fill"), SPAN_LIT("16777216") };
	struct asked a;

	(void)state;
	ask(&a, words, 2);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.answer.output.len, CONTROL_OUTPUT_MAX);
	forget(&a);
	words[1] = SPAN_LIT("16777217");
	ask(&a, words, 2);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.answer.status, EX_SOFTWARE);
	assert_non_null(strstr(a.answer.error.s, "too long"));
	forget(&a);
}

static void
test_socket(void **state)
{
	struct strbuf err = STRBUF_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	control_stop();
	control_stop();
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(control_start("relative", 0600, (gid_t)-1, answer_it,
	    &err), -1);
	assert_non_null(strstr(err.s, "starts with \"/\""));
	strbuf_reset(&err);
	assert_int_equal(control_start("/nowhere/at/all", 0600, (gid_t)-1,
	    answer_it, &err), -1);
	assert_non_null(strstr(err.s, "No such file"));
	strbuf_clear(&err);
	assert_int_equal(start_daemon(NULL), 0);
	echoes("again");
}

/* ---- hostile clients ---- */

static struct sockaddr_un
address(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memcpy(a.sun_path, path, strlen(path));
	return a;
}

static int
connect_to_it(void)
{
	struct sockaddr_un a = address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void
send_text(int fd, struct span text)
{
	assert_int_equal(send(fd, text.p, text.len, MSG_NOSIGNAL), text.len);
}

/* Until the other end closes. */
static void
read_all(int fd, struct strbuf *text)
{
	char piece[4096];
	ssize_t n;

	strbuf_reset(text);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		strbuf_add(text, piece, (size_t)n);
}

static void
test_malformed(void **state)
{
	struct strbuf text = STRBUF_INIT;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < ARRAY_LEN(requests); i++) {
		if (requests[i].came != CONTROL_MALFORMED)
			continue;
		fd = connect_to_it();
		send_text(fd, requests[i].text);
		read_all(fd, &text);
		ROW_IS(requests[i].name, span_starts(strbuf_span(&text),
		    SPAN_LIT("76 0 ")));
		close(fd);
	}
	strbuf_clear(&text);
}

static void
test_octet_by_octet(void **state)
{
	struct span text = SPAN_LIT(HELLO "2\n4\necho\n1\nz\n");
	struct strbuf got = STRBUF_INIT;
	int fd = connect_to_it();

	(void)state;
	for (; text.len > 0; text = span_skip(text, 1))
		send_text(fd, span_first(text, 1));
	read_all(fd, &got);
	assert_string_equal(got.s, "0 2 0\nz|");
	strbuf_clear(&got);
	close(fd);
}

/* Who says nothing, says half, or goes without its answer keeps nobody. */
static void
test_silent(void **state)
{
	int fds[CONTROL_CLIENTS_MAX - 1];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_to_it();
		if (i % 3 == 1)
			send_text(fds[i], SPAN_LIT(HELLO "1\n"));
		if (i % 3 == 2)
			send_text(fds[i], SPAN_LIT(HELLO "2\n4\nfill\n8\n"
			    "10000000\n"));
	}
	echoes("here");
	for (i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	echoes("still");
}

static void *
ask_echo(void *unused)
{
	echoes("patient");
	return unused;
}

/* One more than there is room for waits, and has its turn. */
static void
test_full(void **state)
{
	int fds[CONTROL_CLIENTS_MAX], fd;
	pthread_t thread;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = connect_to_it();
	fd = connect_to_it();
	assert_int_equal(pthread_create(&thread, NULL, ask_echo, NULL), 0);
	close(fds[3]);
	close(fd);
	pthread_join(thread, NULL);
	for (i = 0; i < ARRAY_LEN(fds); i++)
		if (i != 3)
			close(fds[i]);
}

/* ---- the end ---- */

static void *
ask_hold(void *arg)
{
	static const struct span words[] = { SPAN_LIT("hold") };

	ask(arg, words, 1);
	return NULL;
}

static void *
stop_it(void *unused)
{
	control_stop();
	return unused;
}

static void
test_stop(void **state)
{
	struct strbuf text = STRBUF_INIT;
	pthread_t asker, stopper;
	struct asked a;
	int fd;

	(void)state;
	fd = connect_to_it();
	send_text(fd, SPAN_LIT(HELLO "1\n"));
	pthread_create(&asker, NULL, ask_hold, &a);
	sem_wait(&entered);
	pthread_create(&stopper, NULL, stop_it, NULL);
	while (access(path, F_OK) == 0)
		sched_yield();	/* it is stopping */
	sem_post(&go);
	pthread_join(stopper, NULL);
	pthread_join(asker, NULL);
	assert_int_equal(a.rc, 0);
	assert_string_equal(a.answer.output.s, "done");
	forget(&a);
	read_all(fd, &text);	/* a request that is not whole is given up */
	assert_int_equal(text.len, 0);
	close(fd);
	strbuf_clear(&text);
	assert_int_equal(start_daemon(NULL), 0);
}

/* ---- the admin's end ---- */

static int
listen_in_its_place(void)
{
	struct sockaddr_un a = address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void
says(const char *what)
{
	static const struct span words[] = { SPAN_LIT("echo") };
	struct asked a;

	ask(&a, words, 1);
	ROW_IS(what, a.rc == -1);
	if (strstr(strbuf_str(&a.err), what) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", what, strbuf_str(&a.err));
	forget(&a);
}

static void
test_nobody(void **state)
{
	int fd;

	(void)state;
	says("no daemon answers");
	fd = listen_in_its_place();
	close(fd);
	says("no daemon answers");	/* a stale socket */
	assert_int_equal(start_daemon(NULL), 0);	/* is replaced */
	echoes("x");
	control_stop();
}

static void
test_another_daemon(void **state)
{
	struct strbuf err = STRBUF_INIT;
	int fd = listen_in_its_place();

	(void)state;
	assert_int_equal(control_start(path, 0600, (gid_t)-1, answer_it, &err),
	    -1);
	assert_non_null(strstr(err.s, "another program answers"));
	strbuf_clear(&err);
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
	unlink(path);
}

struct liar {
	int fd;
	const char *text;
};

static void *
lie(void *arg)
{
	const struct liar *liar = arg;
	char request[256];
	int fd = accept(liar->fd, NULL, NULL);

	if (read(fd, request, sizeof(request)) > 0)
		send_text(fd, span_of(liar->text));
	close(fd);
	return NULL;
}

static void
test_bad_answers(void **state)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "", "without an answer" },
		{ "0 5 0\nabc", "without an answer" },
		{ "0 0 0\nabc", "no daemon of this version" },
		{ "220 smtp.example ESMTP\r\n", "no daemon of this version" },
		{ "0 999999999 0\n", "no daemon of this version" },
	};
	struct liar liar = { .fd = listen_in_its_place() };
	pthread_t thread;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		liar.text = rows[i].text;
		pthread_create(&thread, NULL, lie, &liar);
		says(rows[i].want);
		pthread_join(thread, NULL);
	}
	close(liar.fd);
	unlink(path);
}

static int
set_up(void **state)
{
	(void)state;
	sem_init(&entered, 0, 0);
	sem_init(&go, 0, 0);
	if (mkdtemp(scratch) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/control", scratch);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(scratch);
}

#define WITH_DAEMON(test)						\
	cmocka_unit_test_setup_teardown(test, start_daemon, stop_daemon)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_answers),
		WITH_DAEMON(test_ask),
		WITH_DAEMON(test_bounds),
		WITH_DAEMON(test_long_answers),
		WITH_DAEMON(test_socket),
		WITH_DAEMON(test_malformed),
		WITH_DAEMON(test_octet_by_octet),
		WITH_DAEMON(test_silent),
		WITH_DAEMON(test_full),
		WITH_DAEMON(test_stop),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_another_daemon),
		cmocka_unit_test(test_bad_answers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
