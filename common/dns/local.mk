common_libpostern_a_SOURCES += \
	common/dns/anchors.c \
	common/dns/anchors.h \
	common/dns/answer.c \
	common/dns/answer.h \
	common/dns/cache.c \
	common/dns/cache.h \
	common/dns/dns.c \
	common/dns/dns.h \
	common/dns/fileversion.c \
	common/dns/fileversion.h \
	common/dns/flights.c \
	common/dns/flights.h \
	common/dns/health.c \
	common/dns/health.h \
	common/dns/iprev.c \
	common/dns/iprev.h \
	common/dns/lookups.c \
	common/dns/lookups.h \
	common/dns/nameservers.c \
	common/dns/nameservers.h \
	common/dns/probe.c \
	common/dns/probe.h \
	common/dns/rdata.c \
	common/dns/rdata.h \
	common/dns/resolver.c \
	common/dns/resolver.h \
	common/dns/resolver_thread.c \
	common/dns/resolver_thread.h \
	common/dns/trace.c \
	common/dns/trace.h \
	common/dns/upstream.c \
	common/dns/upstream.h

# DNS of unit tests and fuzz targets: a zone as text.
TEST_ZONE = tests/unit/zone.c tests/unit/zone.h

UNIT_TESTS += tests/unit/test_dns
tests_unit_test_dns_SOURCES = tests/unit/test_dns.c tests/unit/unit.h
tests_unit_test_dns_LDADD = $(LIBS_UNIT) $(UNBOUND_LIBS)

UNIT_TESTS += tests/unit/test_iprev
tests_unit_test_iprev_SOURCES = tests/unit/test_iprev.c tests/unit/unit.h \
	$(TEST_ZONE)
tests_unit_test_iprev_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_lookups
tests_unit_test_lookups_SOURCES = tests/unit/test_lookups.c \
	tests/unit/unit.h $(TEST_ZONE)
tests_unit_test_lookups_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_answer
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_answer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_answer_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

# Asks as a check of a message does, for the tests of the resolver.
check_PROGRAMS += tests/daemon/dnsask
tests_daemon_dnsask_SOURCES = tests/daemon/dnsask.c
tests_daemon_dnsask_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
EXTRA_DIST += tests/daemon/test_resolver.py
