# A fuzz target is one LLVMFuzzerTestOneInput(). With --enable-fuzzing it is
# linked with libFuzzer; without, with a main() that runs it over its seeds, so
# that make check holds every target against every input that once mattered.

if FUZZING
FUZZ_MAIN = tests/fuzz/fuzz.h
FUZZ_SECONDS = 60
FUZZ_JOBS = 2
fuzz: $(FUZZ_TARGETS)
	@POSTERN_SRCDIR='$(abs_top_srcdir)' $(top_srcdir)/tests/fuzz/run \
	    $(FUZZ_SECONDS) $(FUZZ_JOBS) $(FUZZ_TARGETS)
.PHONY: fuzz
else
FUZZ_MAIN = tests/fuzz/fuzz.h tests/fuzz/replay.c
endif

# Only a build that is meant to be installed is hardened to the end.
if HARDENED
dist_check_SCRIPTS += tests/hardening/test_hardening.sh
SCRIPT_TESTS += tests/hardening/test_hardening.sh
endif

EXTRA_DIST += \
	autogen.sh \
	quickstart \
	tests/cluster \
	tests/faults \
	tests/fuzz/run \
	tests/fuzz/seeds \
	tests/lib \
	tests/mailflow

clean-local:
	rm -rf fuzz

# In EXTRA_DIST "check" would be the target, and all tests would run.
dist-hook:
	cp -p $(top_srcdir)/check $(distdir)/check
	find $(distdir)/tests -name __pycache__ -exec rm -r {} +
