/* Every setting stands in the manual and in the sample file, and every name
 * that the signer knows of OpenDKIM's in the migration table. */
#include "tests/unit/unit.h"

#include "milters/sign/sign.h"

#include "common/base/file.h"

static struct strbuf
read_doc(const char *name)
{
	struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
	struct strbuf err = STRBUF_INIT;
	const char *srcdir = getenv("POSTERN_SRCDIR");

	strbuf_addf(&path, "%s/%s", srcdir != NULL ? srcdir : ".", name);
	if (file_read(path.s, 1 << 20, &text, NULL, &err) != 0)
		fail_msg("%s", strbuf_str(&err));
	strbuf_clear(&path);
	return text;
}

/* True where word stands there with no name character on either side. */
static bool
has_word(const struct strbuf *text, const char *word)
{
	const char *at = strbuf_str(text);
	size_t len = strlen(word);
	char before, after;

	for (; (at = strstr(at, word)) != NULL; at++) {
		before = at == text->s ? ' ' : at[-1];
		after = at[len];
		if (!is_alpha(before) && before != '-' && !is_alpha(after) &&
		    after != '-')
			return true;
	}
	return false;
}

static void
test_settings(void **state)
{
	struct strbuf manual = read_doc("man/sign.conf.5");
	struct strbuf sample = read_doc("etc/sign.conf");
	const char *name;
	size_t i;

	(void)state;
	for (i = 0; i < sign_schema.count; i++) {
		name = sign_schema.settings[i].name;
		if (!has_word(&manual, name))
			fail_msg("%s is not in man/sign.conf.5", name);
		if (!has_word(&sample, name))
			fail_msg("%s is not in etc/sign.conf", name);
	}
	strbuf_clear(&manual);
	strbuf_clear(&sample);
}

static void
test_foreign(void **state)
{
	struct strbuf manual = read_doc("man/postern-sign.8");
	size_t i;

	(void)state;
	for (i = 0; i < sign_schema.foreign_count; i++)
		if (!has_word(&manual, sign_schema.foreign[i].name))
			fail_msg("%s is not in man/postern-sign.8",
			    sign_schema.foreign[i].name);
	strbuf_clear(&manual);
}

/* A line "#Name<tab>value" of the sample shows the default, where there is
 * one, and every other line is a setting that exists. */
static void
test_sample_defaults(void **state)
{
	struct strbuf sample = read_doc("etc/sign.conf"), want = STRBUF_INIT;
	const struct setting *setting;
	size_t i;

	(void)state;
	for (i = 0; i < sign_schema.count; i++) {
		setting = &sign_schema.settings[i];
		if (setting->value == NULL ||
		    strcmp(setting->name, "SignatureTTL") == 0)
			continue;
		strbuf_reset(&want);
		strbuf_addf(&want, "#%s\t", setting->name);
		if (strstr(sample.s, want.s) == NULL)
			fail_msg("no \"%s\" in the sample", want.s);
		strbuf_reset(&want);
		strbuf_addf(&want, "\t%s\n", setting->value);
		if (strstr(sample.s, want.s) == NULL)
			fail_msg("%s: the sample does not show the default "
			    "%s", setting->name, setting->value);
	}
	strbuf_clear(&sample);
	strbuf_clear(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_sample_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
