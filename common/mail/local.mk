common_libpostern_a_SOURCES += \
	common/mail/domain.c \
	common/mail/domain.h \
	common/mail/address.h \
	common/mail/fold.c \
	common/mail/fold.h \
	common/mail/header.c \
	common/mail/header.h \
	common/mail/message.c \
	common/mail/message.h \
	common/mail/taglist.c \
	common/mail/taglist.h
