/*
 * replay.c - main() of a fuzz target without libFuzzer: runs it over the files
 * named, or over tests/fuzz/seeds/<target>/ and a few made-up inputs.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/file.h"
#include "common/base/mem.h"

#include <dirent.h>

static size_t runs;

static void
run(const void *data, size_t size)
{
	/* A heap copy of the exact size: a sanitizer sees an overrun. */
	uint8_t *copy = xmalloc(size);

	if (size != 0)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

static void
run_file(const char *path)
{
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	size_t cut;

	if (file_read(path, 16 << 20, &text, NULL, &err) != 0) {
		fprintf(stderr, "%s\n", strbuf_str(&err));
		exit(1);
	}
	run(strbuf_str(&text), text.len);
	for (cut = 1; cut < text.len && cut < 300; cut++)
		run(text.s, text.len - cut);
	strbuf_clear(&text);
	strbuf_clear(&err);
}

static void
run_seeds(const char *program)
{
	const char *srcdir = getenv("POSTERN_SRCDIR");
	const char *slash = strrchr(program, '/');
	struct strbuf path = STRBUF_INIT;
	struct dirent *entry;
	size_t base;
	DIR *dir;

	strbuf_addf(&path, "%s/tests/fuzz/seeds/%s/",
	    srcdir != NULL ? srcdir : ".", slash != NULL ? slash + 1 : program);
	base = path.len;
	dir = opendir(path.s);
	if (dir == NULL) {
		fprintf(stderr, "%s: no seeds\n", path.s);
		exit(1);
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		strbuf_adds(&path, entry->d_name);
		run_file(path.s);
		strbuf_truncate(&path, base);
	}
	closedir(dir);
	strbuf_clear(&path);
}

int
main(int argc, char **argv)
{
	static const char noise[] =
	    "\0\r\n \t\"(<@>),:;[]\\.=*%\x7f\x80\xc3\xa9\xff" "aA0-_";
	size_t i, k;
	char text[64];

	for (i = 1; i < (size_t)argc; i++)
		run_file(argv[i]);
	if (argc == 1)
		run_seeds(argv[0]);
	run("", 0);
	for (i = 0; i < sizeof(noise); i++)
		for (k = 0; k < sizeof(noise); k++) {
			memset(text, noise[i], sizeof(text));
			text[k % sizeof(text)] = noise[k];
			run(text, 1 + (i + k) % sizeof(text));
		}
	printf("%zu inputs\n", runs);
	return 0;
}
