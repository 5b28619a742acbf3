common_libpostern_a_SOURCES += \
	common/dns/dns.c \
	common/dns/dns.h \
	common/dns/iprev.h \
	common/dns/lookups.h \
	common/dns/nameservers.c \
	common/dns/nameservers.h

UNIT_TESTS += tests/unit/test_dns
tests_unit_test_dns_SOURCES = tests/unit/test_dns.c tests/unit/unit.h
tests_unit_test_dns_LDADD = $(LIBS_UNIT) $(UNBOUND_LIBS)
