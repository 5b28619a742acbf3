common_libpostern_a_SOURCES += \
	common/mail/domain.c \
	common/mail/domain.h \
	common/mail/address.c \
	common/mail/address.h \
	common/mail/fold.c \
	common/mail/fold.h \
	common/mail/header.c \
	common/mail/header.h \
	common/mail/message.c \
	common/mail/message.h \
	common/mail/taglist.c \
	common/mail/taglist.h

UNIT_TESTS += tests/unit/test_address
tests_unit_test_address_SOURCES = tests/unit/test_address.c tests/unit/unit.h
tests_unit_test_address_LDADD = $(LIBS_UNIT)
