#include "common/milter/readahead.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
	int mta, fd;
};

static struct pair
connected(void)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	readahead_start(ends[1]);
	return (struct pair){ ends[0], ends[1] };
}

static void
disconnect(struct pair pair)
{
	readahead_stop(pair.fd);
	close(pair.fd);
	if (pair.mta >= 0)
		close(pair.mta);
}

static void
send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

/* What one read of that many octets gets. */
static void
expect(int fd, size_t len, const char *want)
{
	char data[8192];
	ssize_t got = -1;

	assert_true(len <= sizeof(data));
	assert_true(readahead_read(fd, data, len, &got));
	assert_int_equal(got, strlen(want));
	assert_memory_equal(data, want, strlen(want));
}

static bool
has_unread(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void
test_many_small_reads(void **unused)
{
	struct pair pair = connected();

	(void)unused;
	send_text(pair.mta, "12345first67890second");
	readahead_allow(pair.fd);
	assert_false(readahead_has(pair.fd));
	expect(pair.fd, 5, "12345");
	assert_false(has_unread(pair.fd));
	assert_true(readahead_has(pair.fd));
	expect(pair.fd, 5, "first");
	expect(pair.fd, 5, "67890");
	expect(pair.fd, 100, "second");
	assert_false(readahead_has(pair.fd));
	disconnect(pair);
}

static void
test_what_comes_later_waits(void **unused)
{
	struct pair pair = connected();

	(void)unused;
	send_text(pair.mta, "onetwo");
	readahead_allow(pair.fd);
	expect(pair.fd, 3, "one");
	send_text(pair.mta, "three");
	expect(pair.fd, 100, "two");
	assert_false(readahead_has(pair.fd));
	expect(pair.fd, 5, "three");
	assert_false(readahead_has(pair.fd));
	disconnect(pair);
}

static void
test_end_comes_after_all_data(void **unused)
{
	struct pair pair = connected();

	(void)unused;
	send_text(pair.mta, "lastwords");
	close(pair.mta);
	pair.mta = -1;
	readahead_allow(pair.fd);
	expect(pair.fd, 4, "last");
	expect(pair.fd, 100, "words");
	expect(pair.fd, 5, "");
	disconnect(pair);
}

/* Pieces of a body are not copied twice. */
static void
test_large_reads_fetch_no_more(void **unused)
{
	struct pair pair = connected();
	char data[8192], back[8192];
	ssize_t got;

	(void)unused;
	memset(data, 'x', sizeof(data));
	assert_int_equal(send(pair.mta, data, sizeof(data), 0), sizeof(data));
	readahead_allow(pair.fd);
	assert_true(readahead_read(pair.fd, back, 5000, &got));
	assert_int_equal(got, 5000);
	assert_false(readahead_has(pair.fd));
	assert_true(readahead_read(pair.fd, back, 5, &got));
	assert_int_equal(got, 5);
	assert_true(readahead_has(pair.fd));
	assert_true(readahead_read(pair.fd, back, 8192, &got));
	assert_int_equal(got, 8192 - 5005);
	disconnect(pair);
}

static void
test_only_where_it_may(void **unused)
{
	struct pair pair = connected();
	char data[16];
	ssize_t got;

	(void)unused;
	send_text(pair.mta, "12345678");
	assert_false(readahead_read(pair.fd, data, 5, &got));
	assert_true(has_unread(pair.fd));
	assert_false(readahead_read(pair.mta, data, 5, &got));
	assert_false(readahead_read(-1, data, 5, &got));
	assert_false(readahead_has(-1));
	readahead_allow(pair.mta);
	assert_false(readahead_read(pair.mta, data, 5, &got));
	disconnect(pair);
}

/* The number is somebody else's now: nothing of the old one is left. */
static void
test_the_next_with_that_number(void **unused)
{
	struct pair pair = connected();
	char data[16];
	ssize_t got;

	(void)unused;
	send_text(pair.mta, "12345old");
	readahead_allow(pair.fd);
	expect(pair.fd, 5, "12345");
	assert_true(readahead_has(pair.fd));
	readahead_stop(pair.fd);
	assert_false(readahead_has(pair.fd));
	assert_false(readahead_read(pair.fd, data, 5, &got));
	readahead_start(pair.fd);
	readahead_allow(pair.fd);
	assert_false(readahead_has(pair.fd));
	send_text(pair.mta, "new");
	expect(pair.fd, 16, "new");
	disconnect(pair);
}

static void
test_errors_are_told(void **unused)
{
	struct pair pair = connected();
	char data[16];
	ssize_t got = 0;

	(void)unused;
	assert_int_equal(fcntl(pair.fd, F_SETFL, O_NONBLOCK), 0);
	readahead_allow(pair.fd);
	assert_true(readahead_read(pair.fd, data, 5, &got));
	assert_int_equal(got, -1);
	disconnect(pair);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_small_reads),
		cmocka_unit_test(test_what_comes_later_waits),
		cmocka_unit_test(test_end_comes_after_all_data),
		cmocka_unit_test(test_large_reads_fetch_no_more),
		cmocka_unit_test(test_only_where_it_may),
		cmocka_unit_test(test_the_next_with_that_number),
		cmocka_unit_test(test_errors_are_told),
	};

	readahead_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
