# All but main() is a library: the command line tool runs the same filter.

noinst_LIBRARIES += milters/policy/libpolicy.a
milters_policy_libpolicy_a_SOURCES = \
	milters/policy/access.c \
	milters/policy/check.h \
	milters/policy/checks.c \
	milters/policy/condition.c \
	milters/policy/condition.h \
	milters/policy/control.c \
	milters/policy/control.h \
	milters/policy/control_cache.c \
	milters/policy/engine.c \
	milters/policy/engine.h \
	milters/policy/facts.c \
	milters/policy/facts.h \
	milters/policy/policy.c \
	milters/policy/policy.h \
	milters/policy/rulerow.c \
	milters/policy/rulerow.h \
	milters/policy/score.c \
	milters/policy/score.h \
	milters/policy/settings.c \
	milters/policy/settings.h \
	milters/policy/story.c \
	milters/policy/story.h
LIBPOLICY = milters/policy/libpolicy.a

# greylisting and reputation
milters_policy_libpolicy_a_SOURCES += \
	milters/policy/control_greylist.c \
	milters/policy/control_reputation.c \
	milters/policy/greycase.c \
	milters/policy/greylist.c \
	milters/policy/greylist.h \
	milters/policy/greylist_row.c \
	milters/policy/greyrecord.c \
	milters/policy/greyrecord.h \
	milters/policy/learn.c \
	milters/policy/learn.h \
	milters/policy/reputation.c \
	milters/policy/reputation.h \
	milters/policy/reputation_row.c

UNIT_TESTS += tests/unit/test_greyrecord
tests_unit_test_greyrecord_SOURCES = tests/unit/test_greyrecord.c \
	tests/unit/unit.h
tests_unit_test_greyrecord_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_greylist tests/unit/test_reputation
tests_unit_test_greylist_SOURCES = tests/unit/test_greylist.c \
	tests/unit/policy_run.h tests/unit/tables.h tests/unit/unit.h
tests_unit_test_greylist_LDADD = $(LIBPOLICY) $(LIBS_UNIT)
tests_unit_test_reputation_SOURCES = tests/unit/test_reputation.c \
	tests/unit/policy_run.h tests/unit/tables.h tests/unit/unit.h
tests_unit_test_reputation_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_greylist
tests_fuzz_fuzz_greylist_SOURCES = tests/fuzz/fuzz_greylist.c $(FUZZ_MAIN)
tests_fuzz_fuzz_greylist_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_greylist_LDADD = $(LIBPOLICY) $(LIBPOSTERN) $(LIBS_COMMON)

UNIT_TESTS += tests/unit/test_condition
tests_unit_test_condition_SOURCES = tests/unit/test_condition.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_condition_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_rulerow
tests_unit_test_rulerow_SOURCES = tests/unit/test_rulerow.c tests/unit/unit.h
tests_unit_test_rulerow_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

# DNS lists, HELO and reverse names

milters_policy_libpolicy_a_SOURCES += \
	milters/policy/dnslist.c \
	milters/policy/dnslist.h \
	milters/policy/heloname.c \
	milters/policy/heloname.h \
	milters/policy/hostname.c \
	milters/policy/hostname.h \
	milters/policy/listcodes.c \
	milters/policy/listcodes.h \
	milters/policy/listhealth.c \
	milters/policy/listhealth.h

UNIT_TESTS += tests/unit/test_dnslist
tests_unit_test_dnslist_SOURCES = tests/unit/test_dnslist.c \
	tests/unit/policytrial.h tests/unit/tables.h tests/unit/unit.h \
	$(TEST_ZONE)
tests_unit_test_dnslist_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_hostname
tests_unit_test_hostname_SOURCES = tests/unit/test_hostname.c \
	tests/unit/policytrial.h tests/unit/tables.h tests/unit/unit.h \
	$(TEST_ZONE)
tests_unit_test_hostname_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_dnslist
tests_fuzz_fuzz_dnslist_SOURCES = tests/fuzz/fuzz_dnslist.c $(TEST_ZONE) \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_dnslist_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dnslist_LDADD = $(LIBPOLICY) $(LIBPOSTERN) $(LIBS_COMMON)

UNIT_TESTS += tests/unit/test_listhealth
tests_unit_test_listhealth_SOURCES = tests/unit/test_listhealth.c \
	tests/unit/unit.h
tests_unit_test_listhealth_LDADD = $(LIBPOLICY) $(LIBS_UNIT)


# what is counted: RateLimit, WarmUp
milters_policy_libpolicy_a_SOURCES += \
	milters/policy/alert.c \
	milters/policy/alert.h \
	milters/policy/control_limit.c \
	milters/policy/control_warmup.c \
	milters/policy/identity.c \
	milters/policy/identity.h \
	milters/policy/keyparts.c \
	milters/policy/keyparts.h \
	milters/policy/rate.c \
	milters/policy/rate.h \
	milters/policy/rate_rule.c \
	milters/policy/retry.c \
	milters/policy/retry.h \
	milters/policy/warmup.c \
	milters/policy/warmup.h \
	milters/policy/warmup_rule.c

UNIT_TESTS += tests/unit/test_keyparts
tests_unit_test_keyparts_SOURCES = tests/unit/test_keyparts.c \
	tests/unit/unit.h
tests_unit_test_keyparts_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_rate
tests_unit_test_rate_SOURCES = tests/unit/test_rate.c tests/unit/counting.h \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_rate_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_warmup
tests_unit_test_warmup_SOURCES = tests/unit/test_warmup.c \
	tests/unit/counting.h tests/unit/tables.h tests/unit/unit.h
tests_unit_test_warmup_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_access
tests_unit_test_access_SOURCES = tests/unit/test_access.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_access_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_ratelimit
tests_fuzz_fuzz_ratelimit_SOURCES = tests/fuzz/fuzz_ratelimit.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ratelimit_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ratelimit_LDADD = $(LIBPOLICY) $(LIBPOSTERN) $(LIBS_COMMON)

sbin_PROGRAMS += milters/policy/postern-policy
milters_policy_postern_policy_SOURCES = milters/policy/main.c
milters_policy_postern_policy_LDADD = $(LIBPOLICY) $(LIBDAEMON) \
	$(LIBPOSTERN) $(LIBS_COMMON) $(MILTER_LIBS)

UNIT_TESTS += tests/unit/test_policy_engine
tests_unit_test_policy_engine_SOURCES = tests/unit/test_policy_engine.c \
	tests/unit/unit.h $(TEST_ZONE)
tests_unit_test_policy_engine_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_policy_docs
tests_unit_test_policy_docs_SOURCES = tests/unit/test_policy_docs.c \
	tests/unit/docs.h tests/unit/policytrial.h tests/unit/tables.h \
	tests/unit/unit.h $(TEST_ZONE)
tests_unit_test_policy_docs_LDADD = $(LIBPOLICY) $(LIBS_UNIT)

# whole configurations, whole messages
FUZZ_POLICY = tests/fuzz/fuzz_policy.h $(TEST_ZONE) $(FUZZ_MAIN)
FUZZ_TARGETS += tests/fuzz/fuzz_policy_conf tests/fuzz/fuzz_policy_message
tests_fuzz_fuzz_policy_conf_SOURCES = tests/fuzz/fuzz_policy_conf.c \
	$(FUZZ_POLICY)
tests_fuzz_fuzz_policy_conf_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_policy_conf_LDADD = $(LIBPOLICY) $(LIBPOSTERN) $(LIBS_COMMON)
tests_fuzz_fuzz_policy_message_SOURCES = tests/fuzz/fuzz_policy_message.c \
	$(FUZZ_POLICY)
tests_fuzz_fuzz_policy_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_policy_message_LDADD = $(LIBPOLICY) $(LIBPOSTERN) \
	$(LIBS_COMMON)
