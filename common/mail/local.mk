common_libpostern_a_SOURCES += \
	common/mail/address.h \
	common/mail/domain.h \
	common/mail/fold.h \
	common/mail/header.h \
	common/mail/message.h \
	common/mail/taglist.h
