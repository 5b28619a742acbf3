common_libpostern_a_SOURCES += \
	common/tables/accessblock.c \
	common/tables/accessblock.h \
	common/tables/accesscidr.c \
	common/tables/accesskeys.c \
	common/tables/accessmap.c \
	common/tables/accessmap.h \
	common/tables/accessnets.c \
	common/tables/accessnets.h \
	common/tables/accesspattern.c \
	common/tables/accessrule.c \
	common/tables/accessrule.h \
	common/tables/accesssource.c \
	common/tables/accesssource.h \
	common/tables/accesstable.h \
	common/tables/accesstext.c \
	common/tables/dataset.c \
	common/tables/dataset.h \
	common/tables/entries.c \
	common/tables/entries.h \
	common/tables/hostlist.c \
	common/tables/hostlist.h \
	common/tables/keycache.c \
	common/tables/keycache.h \
	common/tables/keyguess.c \
	common/tables/keylook.c \
	common/tables/keylook.h \
	common/tables/keyrow.c \
	common/tables/keyrow.h \
	common/tables/keystore.c \
	common/tables/keystore.h \
	common/tables/keytable.c \
	common/tables/keytable.h \
	common/tables/namelist.c \
	common/tables/namelist.h \
	common/tables/pattern.c \
	common/tables/pattern.h \
	common/tables/regex.c \
	common/tables/regex.h \
	common/tables/regexposix.c \
	common/tables/rowindex.c \
	common/tables/rowindex.h \
	common/tables/signpattern.c \
	common/tables/signpattern.h \
	common/tables/signrows.c \
	common/tables/signrows.h \
	common/tables/signtable.c \
	common/tables/signtable.h

UNIT_TESTS += \
	tests/unit/test_dataset \
	tests/unit/test_hostlist \
	tests/unit/test_namelist \
	tests/unit/test_keytable \
	tests/unit/test_signtable
tests_unit_test_dataset_SOURCES = tests/unit/test_dataset.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_dataset_LDADD = $(LIBS_UNIT)
tests_unit_test_hostlist_SOURCES = tests/unit/test_hostlist.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_hostlist_LDADD = $(LIBS_UNIT)
tests_unit_test_namelist_SOURCES = tests/unit/test_namelist.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_namelist_LDADD = $(LIBS_UNIT)
tests_unit_test_keytable_SOURCES = tests/unit/test_keytable.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_keytable_LDADD = $(LIBS_UNIT)
tests_unit_test_signtable_SOURCES = tests/unit/test_signtable.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_signtable_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_tables
tests_fuzz_fuzz_tables_SOURCES = tests/fuzz/fuzz_tables.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tables_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tables_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

# ---- access maps ----
UNIT_TESTS += tests/unit/test_accessmap tests/unit/test_regex
tests_unit_test_accessmap_SOURCES = tests/unit/test_accessmap.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_accessmap_LDADD = $(LIBS_UNIT)
tests_unit_test_regex_SOURCES = tests/unit/test_regex.c tests/unit/unit.h
tests_unit_test_regex_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_accessmap
tests_fuzz_fuzz_accessmap_SOURCES = tests/fuzz/fuzz_accessmap.c $(FUZZ_MAIN)
tests_fuzz_fuzz_accessmap_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_accessmap_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

check_PROGRAMS += tests/daemon/accessask
tests_daemon_accessask_SOURCES = tests/daemon/accessask.c
tests_daemon_accessask_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
