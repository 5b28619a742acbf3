#include "common/milter/readahead.h"

#include "common/milter/watch.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OURS, THEIRS };

static void
open_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	watch_start(fds[OURS]);
}

static void
close_pair(int fds[2])
{
	close(fds[OURS]);
	close(fds[THEIRS]);
}

static void
say(int fds[2], const char *text)
{
	assert_int_equal(write(fds[THEIRS], text, strlen(text)),
	    strlen(text));
}

static void
expect(int fd, size_t size, const char *want)
{
	char got[16384];
	ssize_t n = readahead_read(fd, got, size);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(got, want, strlen(want));
}

static void
test_pieces(void **state)
{
	int fds[2];

	(void)state;
	open_pair(fds);
	assert_false(readahead_has(fds[OURS]));
	say(fds, "one two three");
	expect(fds[OURS], 3, "one");
	assert_true(readahead_has(fds[OURS]));
	say(fds, " four");
	expect(fds[OURS], 4, " two");
	expect(fds[OURS], 100, " three");	/* what was there then */
	assert_false(readahead_has(fds[OURS]));
	expect(fds[OURS], 100, " four");
	shutdown(fds[THEIRS], SHUT_WR);
	expect(fds[OURS], 1, "");
	close_pair(fds);
}

/* Bodies are not copied twice. */
static void
test_large_reads(void **state)
{
	int fds[2];

	(void)state;
	open_pair(fds);
	say(fds, "body");
	expect(fds[OURS], 10000, "body");
	say(fds, "head body");
	expect(fds[OURS], 5, "head ");
	expect(fds[OURS], 10000, "body");
	close_pair(fds);
}

/* The descriptor's number is used again while something is left over. */
static void
test_next_connection(void **state)
{
	int first[2], second[2];

	(void)state;
	open_pair(first);
	say(first, "the first");
	expect(first[OURS], 3, "the");
	close_pair(first);
	open_pair(second);
	assert_int_equal(second[OURS], first[OURS]);
	assert_false(readahead_has(second[OURS]));
	say(second, "the second");
	expect(second[OURS], 5, "the s");
	assert_true(readahead_has(second[OURS]));
	close_pair(second);
}

/* Nor is anything read ahead from what is no connection, whatever had its
 * number before. */
static void
test_files(void **state)
{
	char name[] = "/tmp/postern-readahead-XXXXXX";
	int fds[2], fd;

	(void)state;
	open_pair(fds);
	say(fds, "left over");
	expect(fds[OURS], 4, "left");
	readahead_forget(fds[OURS]);
	close_pair(fds);
	fd = mkstemp(name);
	assert_int_equal(fd, fds[OURS]);
	unlink(name);
	assert_int_equal(pwrite(fd, "content", 7, 0), 7);
	expect(fd, 3, "con");
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
	assert_false(readahead_has(fd));
	expect(fd, 10, "tent");
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_large_reads),
		cmocka_unit_test(test_next_connection),
		cmocka_unit_test(test_files),
	};

	watch_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
