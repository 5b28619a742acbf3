bin_PROGRAMS += admin/postern
admin_postern_SOURCES = \
	admin/ask.c \
	admin/ask.h \
	admin/cache.c \
	admin/cli.c \
	admin/cli.h \
	admin/dmarc.c \
	admin/dmarc.h \
	admin/dnstrace.c \
	admin/dnstrace.h \
	admin/greylist.c \
	admin/help.c \
	admin/help.h \
	admin/key.c \
	admin/key.h \
	admin/key_dns.c \
	admin/key_generate.c \
	admin/key_list.c \
	admin/key_remove.c \
	admin/key_show.c \
	admin/key_test.c \
	admin/keychange.c \
	admin/keychange.h \
	admin/keyentry.c \
	admin/keyentry.h \
	admin/keyfile.c \
	admin/keyfile.h \
	admin/keyset.c \
	admin/keyset.h \
	admin/limit.c \
	admin/message.c \
	admin/message.h \
	admin/message_sign.c \
	admin/message_policy.c \
	admin/message_verify.c \
	admin/policy.h \
	admin/postern.c \
	admin/recordcheck.c \
	admin/recordcheck.h \
	admin/reputation.c \
	admin/setup.c \
	admin/setup.h \
	admin/spf.c \
	admin/spf.h \
	admin/table.c \
	admin/table.h \
	admin/table_check.c \
	admin/table_lookup.c \
	admin/tablefile.c \
	admin/tablefile.h \
	admin/trial.c \
	admin/trial.h \
	admin/trialload.c \
	admin/trialload.h \
	admin/verifyreport.c \
	admin/verifyreport.h \
	admin/warmup.c \
	admin/zonetext.c \
	admin/zonetext.h
admin_postern_LDADD = $(LIBSIGN) $(LIBVERIFY) $(LIBPOLICY) $(LIBPOSTERN) \
	$(LIBS_COMMON) $(UNBOUND_LIBS)

UNIT_TESTS += tests/unit/test_admin
tests_unit_test_admin_SOURCES = tests/unit/test_admin.c \
	tests/unit/tables.h tests/unit/unit.h \
	admin/tablefile.c admin/zonetext.c
tests_unit_test_admin_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_zonetext
tests_fuzz_fuzz_zonetext_SOURCES = tests/fuzz/fuzz_zonetext.c \
	admin/zonetext.c $(FUZZ_MAIN)
tests_fuzz_fuzz_zonetext_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_zonetext_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
