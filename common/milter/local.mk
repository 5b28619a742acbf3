common_libpostern_a_SOURCES += \
	common/milter/background.c \
	common/milter/background.h \
	common/milter/control.c \
	common/milter/control.h \
	common/milter/controlask.c \
	common/milter/controlwire.c \
	common/milter/controlwire.h \
	common/milter/counters.c \
	common/milter/counters.h \
	common/milter/daemon_settings.c \
	common/milter/daemon_settings.h \
	common/milter/file_apply.c \
	common/milter/file_driver.c \
	common/milter/file_driver.h \
	common/milter/file_session.c \
	common/milter/file_session.h \
	common/milter/filter.c \
	common/milter/filter.h \
	common/milter/generation.c \
	common/milter/generation.h \
	common/milter/listen.c \
	common/milter/listen.h \
	common/milter/ownname.c \
	common/milter/ownname.h \
	common/milter/pidfile.c \
	common/milter/pidfile.h \
	common/milter/privilege.c \
	common/milter/privilege.h \
	common/milter/readahead.c \
	common/milter/readahead.h \
	common/milter/reply.c \
	common/milter/reply.h \
	common/milter/snapshot.c \
	common/milter/snapshot.h \
	common/milter/watch.c \
	common/milter/watch.h

# What needs libmilter is a library of its own: it takes the place of functions
# of the C library (gate.h), which no other program should get.
noinst_LIBRARIES += common/milter/libdaemon.a
common_milter_libdaemon_a_SOURCES = \
	common/milter/daemon.c \
	common/milter/daemon.h \
	common/milter/daemon_options.c \
	common/milter/daemon_options.h \
	common/milter/gate.c \
	common/milter/gate.h \
	common/milter/hooks.c \
	common/milter/hooks.h \
	common/milter/libmilter_driver.c \
	common/milter/libmilter_driver.h \
	common/milter/libmilter_edits.c \
	common/milter/libmilter_link.c \
	common/milter/libmilter_link.h \
	common/milter/libmilter_negotiate.c \
	common/milter/reload.c \
	common/milter/reload.h \
	common/milter/service.c \
	common/milter/service.h \
	common/milter/vitals.c \
	common/milter/vitals.h
LIBDAEMON = common/milter/libdaemon.a

UNIT_TESTS += tests/unit/test_counters tests/unit/test_snapshot \
	tests/unit/test_file_driver
tests_unit_test_counters_SOURCES = tests/unit/test_counters.c tests/unit/unit.h
tests_unit_test_counters_LDADD = $(LIBS_UNIT)
tests_unit_test_snapshot_SOURCES = tests/unit/test_snapshot.c tests/unit/unit.h
tests_unit_test_snapshot_LDADD = $(LIBS_UNIT)
tests_unit_test_file_driver_SOURCES = tests/unit/test_file_driver.c \
	tests/unit/unit.h
tests_unit_test_file_driver_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_file_driver
tests_fuzz_fuzz_file_driver_SOURCES = tests/fuzz/fuzz_file_driver.c $(FUZZ_MAIN)
tests_fuzz_fuzz_file_driver_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_file_driver_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

UNIT_TESTS += tests/unit/test_generation tests/unit/test_listen \
	tests/unit/test_readahead tests/unit/test_reply
tests_unit_test_generation_SOURCES = tests/unit/test_generation.c \
	tests/unit/unit.h
tests_unit_test_generation_LDADD = $(LIBS_UNIT)
tests_unit_test_listen_SOURCES = tests/unit/test_listen.c tests/unit/unit.h
tests_unit_test_listen_LDADD = $(LIBS_UNIT)
tests_unit_test_readahead_SOURCES = tests/unit/test_readahead.c \
	tests/unit/unit.h
tests_unit_test_readahead_LDADD = $(LIBS_UNIT)
tests_unit_test_reply_SOURCES = tests/unit/test_reply.c tests/unit/unit.h
tests_unit_test_reply_LDADD = $(LIBS_UNIT)

# A filter that does what its settings say, for the tests of the daemon.
check_PROGRAMS += tests/daemon/testmilter
tests_daemon_testmilter_SOURCES = tests/daemon/testmilter.c
tests_daemon_testmilter_LDADD = $(LIBDAEMON) $(LIBPOSTERN) $(LIBS_COMMON) \
	$(MILTER_LIBS)
dist_check_SCRIPTS += tests/daemon/test_daemon.sh
SCRIPT_TESTS += tests/daemon/test_daemon.sh
EXTRA_DIST += \
	tests/daemon/filterd.py \
	tests/daemon/test_daemon.py \
	tests/daemon/test_driver.py \
	tests/daemon/test_postfix.py

# ---- the control socket ----
UNIT_TESTS += tests/unit/test_control
tests_unit_test_control_SOURCES = tests/unit/test_control.c tests/unit/unit.h
tests_unit_test_control_LDADD = $(LIBS_UNIT)
FUZZ_TARGETS += tests/fuzz/fuzz_control
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c $(FUZZ_MAIN)
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_control_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
