common_libpostern_a_SOURCES += \
	common/dkim/adsp.c \
	common/dkim/adsp.h \
	common/dkim/bodyhashes.c \
	common/dkim/bodyhashes.h \
	common/dkim/candidates.c \
	common/dkim/candidates.h \
	common/dkim/canon.c \
	common/dkim/canon.h \
	common/dkim/crypto.c \
	common/dkim/crypto.h \
	common/dkim/headerhash.c \
	common/dkim/headerhash.h \
	common/dkim/key.c \
	common/dkim/key.h \
	common/dkim/outcome.c \
	common/dkim/outcome.h \
	common/dkim/pubkey.c \
	common/dkim/pubkey.h \
	common/dkim/quoted.c \
	common/dkim/quoted.h \
	common/dkim/record.c \
	common/dkim/record.h \
	common/dkim/rsapub.c \
	common/dkim/rsapub.h \
	common/dkim/sign.c \
	common/dkim/sign.h \
	common/dkim/signature.c \
	common/dkim/signature.h \
	common/dkim/signset.c \
	common/dkim/signset.h \
	common/dkim/verify.c \
	common/dkim/verify.h

UNIT_TESTS += tests/unit/test_adsp
tests_unit_test_adsp_SOURCES = tests/unit/test_adsp.c tests/unit/unit.h \
	$(TEST_ZONE)
tests_unit_test_adsp_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_bodyhashes
tests_unit_test_bodyhashes_SOURCES = tests/unit/test_bodyhashes.c \
	tests/unit/unit.h
tests_unit_test_bodyhashes_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_canon
tests_unit_test_canon_SOURCES = tests/unit/test_canon.c tests/unit/unit.h
tests_unit_test_canon_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_examples
tests_unit_test_examples_SOURCES = tests/unit/test_examples.c \
	tests/unit/unit.h tests/unit/dkim_keys.h $(TEST_ZONE)
tests_unit_test_examples_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_key
tests_unit_test_key_SOURCES = tests/unit/test_key.c tests/unit/unit.h \
	tests/unit/dkim_keys.h
tests_unit_test_key_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_pubkey
tests_unit_test_pubkey_SOURCES = tests/unit/test_pubkey.c tests/unit/unit.h \
	tests/unit/dkim_keys.h $(TEST_ZONE)
tests_unit_test_pubkey_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_record
tests_unit_test_record_SOURCES = tests/unit/test_record.c tests/unit/unit.h \
	tests/unit/dkim_keys.h
tests_unit_test_record_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_sign
tests_unit_test_sign_SOURCES = tests/unit/test_sign.c tests/unit/unit.h \
	tests/unit/dkim_keys.h
tests_unit_test_sign_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_signature
tests_unit_test_signature_SOURCES = tests/unit/test_signature.c tests/unit/unit.h
tests_unit_test_signature_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_signset
tests_unit_test_signset_SOURCES = tests/unit/test_signset.c tests/unit/unit.h
tests_unit_test_signset_LDADD = $(LIBS_UNIT)

# Signatures made with keys, for unit tests.
TEST_DKIM = tests/unit/dkim_keys.h tests/unit/dkim_make.c \
	tests/unit/dkim_make.h

UNIT_TESTS += tests/unit/test_verify
tests_unit_test_verify_SOURCES = tests/unit/test_verify.c tests/unit/unit.h \
	$(TEST_DKIM) $(TEST_ZONE)
tests_unit_test_verify_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_canon
tests_fuzz_fuzz_canon_SOURCES = tests/fuzz/fuzz_canon.c $(FUZZ_MAIN)
tests_fuzz_fuzz_canon_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_canon_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_key
tests_fuzz_fuzz_key_SOURCES = tests/fuzz/fuzz_key.c $(FUZZ_MAIN)
tests_fuzz_fuzz_key_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_key_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_record
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c $(FUZZ_MAIN)
tests_fuzz_fuzz_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_record_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_signature
tests_fuzz_fuzz_signature_SOURCES = tests/fuzz/fuzz_signature.c $(FUZZ_MAIN)
tests_fuzz_fuzz_signature_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_signature_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_verify
tests_fuzz_fuzz_verify_SOURCES = tests/fuzz/fuzz_verify.c \
	tests/unit/dkim_keys.h $(FUZZ_MAIN)
tests_fuzz_fuzz_verify_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_verify_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

EXTRA_PROGRAMS += tests/bench/bench_dkim
tests_bench_bench_dkim_SOURCES = tests/bench/bench_dkim.c \
	tests/bench/bench.c tests/bench/bench.h
tests_bench_bench_dkim_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

# By hand: what canonical forms and signatures cost beside OpenSSL's part.
bench-dkim: tests/bench/bench_dkim$(EXEEXT)
	tests/bench/bench_dkim$(EXEEXT)
.PHONY: bench-dkim
