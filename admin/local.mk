bin_PROGRAMS += admin/postern
admin_postern_SOURCES = \
	admin/cli.c \
	admin/cli.h \
	admin/help.c \
	admin/help.h \
	admin/key.c \
	admin/key.h \
	admin/key_dns.c \
	admin/key_generate.c \
	admin/key_list.c \
	admin/key_remove.c \
	admin/key_test.c \
	admin/keychange.c \
	admin/keychange.h \
	admin/keyfile.c \
	admin/keyfile.h \
	admin/keyset.c \
	admin/keyset.h \
	admin/message.c \
	admin/message.h \
	admin/postern.c \
	admin/setup.c \
	admin/setup.h \
	admin/table.c \
	admin/table.h \
	admin/tablefile.c \
	admin/tablefile.h \
	admin/zonetext.c \
	admin/zonetext.h
admin_postern_LDADD = $(LIBSIGN) $(LIBPOSTERN) $(LIBS_COMMON) $(UNBOUND_LIBS)
