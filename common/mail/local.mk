common_libpostern_a_SOURCES += \
	common/mail/domain.c \
	common/mail/domain.h \
	common/mail/address.c \
	common/mail/address.h \
	common/mail/authres.c \
	common/mail/authres.h \
	common/mail/authresid.c \
	common/mail/fold.c \
	common/mail/fold.h \
	common/mail/header.c \
	common/mail/header.h \
	common/mail/headerindex.c \
	common/mail/headerindex.h \
	common/mail/lexer.c \
	common/mail/lexer.h \
	common/mail/message.c \
	common/mail/message.h \
	common/mail/quote.c \
	common/mail/quote.h \
	common/mail/receivedspf.c \
	common/mail/receivedspf.h \
	common/mail/taglist.c \
	common/mail/taglist.h

UNIT_TESTS += tests/unit/test_address
tests_unit_test_address_SOURCES = tests/unit/test_address.c tests/unit/unit.h
tests_unit_test_address_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_authres
tests_unit_test_authres_SOURCES = tests/unit/test_authres.c tests/unit/unit.h
tests_unit_test_authres_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_domain
tests_unit_test_domain_SOURCES = tests/unit/test_domain.c tests/unit/unit.h
tests_unit_test_domain_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_fold
tests_unit_test_fold_SOURCES = tests/unit/test_fold.c tests/unit/unit.h
tests_unit_test_fold_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_header
tests_unit_test_header_SOURCES = tests/unit/test_header.c tests/unit/unit.h
tests_unit_test_header_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_lexer
tests_unit_test_lexer_SOURCES = tests/unit/test_lexer.c tests/unit/unit.h
tests_unit_test_lexer_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_message
tests_unit_test_message_SOURCES = tests/unit/test_message.c tests/unit/unit.h
tests_unit_test_message_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_receivedspf
tests_unit_test_receivedspf_SOURCES = tests/unit/test_receivedspf.c \
	tests/unit/unit.h
tests_unit_test_receivedspf_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_taglist
tests_unit_test_taglist_SOURCES = tests/unit/test_taglist.c tests/unit/unit.h
tests_unit_test_taglist_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_address
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c $(FUZZ_MAIN)
tests_fuzz_fuzz_address_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_address_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_authres
tests_fuzz_fuzz_authres_SOURCES = tests/fuzz/fuzz_authres.c $(FUZZ_MAIN)
tests_fuzz_fuzz_authres_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_authres_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_header
tests_fuzz_fuzz_header_SOURCES = tests/fuzz/fuzz_header.c $(FUZZ_MAIN)
tests_fuzz_fuzz_header_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_header_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_taglist
tests_fuzz_fuzz_taglist_SOURCES = tests/fuzz/fuzz_taglist.c $(FUZZ_MAIN)
tests_fuzz_fuzz_taglist_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_taglist_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

# ---- reading our own Authentication-Results ----
common_libpostern_a_SOURCES += \
	common/mail/authread.c \
	common/mail/authread.h
UNIT_TESTS += tests/unit/test_authread
tests_unit_test_authread_SOURCES = tests/unit/test_authread.c tests/unit/unit.h
tests_unit_test_authread_LDADD = $(LIBS_UNIT)
FUZZ_TARGETS += tests/fuzz/fuzz_authread
tests_fuzz_fuzz_authread_SOURCES = tests/fuzz/fuzz_authread.c $(FUZZ_MAIN)
tests_fuzz_fuzz_authread_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_authread_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
