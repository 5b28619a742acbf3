common_libpostern_a_SOURCES += \
	common/dns/dns.h
