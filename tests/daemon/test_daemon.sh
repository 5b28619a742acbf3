#!/bin/sh
# make check's way to the Python tests of driver and daemon, or to those whose
# names POSTERN_TESTS is a part of; the tally is told as cmocka tells it.
for tool in python3 setpriv; do
	command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
done
out=$(mktemp) || exit 99
PYTHONDONTWRITEBYTECODE=1 python3 "$POSTERN_SRCDIR/tests/lib/run.py" \
    "$POSTERN_SRCDIR/tests/daemon" $POSTERN_TESTS >"$out" 2>&1
status=$?
cat "$out"
sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/[  PASSED  ] \1 test(s).\n[  FAILED  ] \2 test(s).\n[  SKIPPED  ] \3 test(s)./p' \
    "$out"
rm -f "$out"
exit $status
