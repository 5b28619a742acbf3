# All but main() is a library: the command line tool runs the same filter.

noinst_LIBRARIES += milters/sign/libsign.a
milters_sign_libsign_a_SOURCES = \
	milters/sign/decide.c \
	milters/sign/decide.h \
	milters/sign/origin.c \
	milters/sign/origin.h \
	milters/sign/settings.c \
	milters/sign/settings.h \
	milters/sign/sign.c \
	milters/sign/sign.h
LIBSIGN = milters/sign/libsign.a

sbin_PROGRAMS += milters/sign/postern-sign
milters_sign_postern_sign_SOURCES = milters/sign/main.c
milters_sign_postern_sign_LDADD = $(LIBSIGN) $(LIBPOSTERN) $(LIBS_COMMON) \
	$(MILTER_LIBS)
