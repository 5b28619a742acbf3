#!/bin/sh
# The programs we install are built as hardened as the compiler can: read from
# the programs themselves, since flags get lost on the way to the linker.
set -u
cd "${POSTERN_BUILDDIR:-.}" || exit 1
export LC_ALL=C
bad=0 seen=0

fail() {
	echo "$program: $*"
	bad=$((bad + 1))
}

# want TEXT WHAT READELF-OPTION: the output has a line that matches TEXT.
want() {
	readelf -W "$3" "$program" 2>/dev/null | grep -Eq -- "$1" || fail "$2"
}

check_program() {
	want 'Type: +DYN' "not position-independent (-pie)" -h
	want 'FLAGS_1.*\bPIE\b' "not marked as PIE" -d
	want 'FLAGS_1.*\bNOW\b' "relocations stay writable (-z now)" -d
	want 'GNU_RELRO' "relocations stay writable (-z relro)" -l
	want 'GNU_STACK.* RW +' "the stack may be executable" -l
	want '__stack_chk_fail' "no stack protector" -s
	want '__[a-z]+_chk(@|$)' "no _FORTIFY_SOURCE" -s
	if readelf -d "$program" | grep -E 'TEXTREL|RPATH|RUNPATH'; then
		fail "has text relocations or a library path of its own"
	fi
}

# gcc (not clang) writes its options into the debugging information; they are
# held for every unit linked in. What leaves no other trace is found there.
check_options() {
	producers=$(readelf --debug-dump=info "$program" 2>/dev/null |
	    sed -n 's/.*DW_AT_producer.*\(GNU C[0-9].*\)/\1 /p' | sort -u)
	for option in -fstack-protector-strong -fstack-clash-protection \
	    -fcf-protection=full -ftrivial-auto-var-init=zero; do
		case $option$(uname -m) in
		-fcf-protection*x86_64|-f[!c]*) ;;
		*) continue ;;
		esac
		if echo "$producers" | grep . | grep -vq -- " $option "; then
			fail "a part was compiled without $option"
		fi
	done
}

# The linker marks a program for CET only where the C library's start files
# are marked too, which Debian's are not: look at each object of ours.
check_objects() {
	program=common/libpostern.a
	objects=$(readelf -h "$program" | grep -c 'Type: *REL')
	marked=$(readelf -nW "$program" | grep -c 'x86 feature: IBT, SHSTK')
	if [ "$objects" != "$marked" ]; then
		fail "$marked of $objects objects have -fcf-protection"
	fi
}

for program in milters/*/postern-* admin/postern; do
	case $program in
	*.[cho]) continue ;;
	esac
	[ -f "$program" ] || continue
	seen=$((seen + 1))
	check_program
	check_options
done
if [ $seen = 0 ]; then
	echo "no programs built"
	exit 1
fi
if [ "$(uname -m)" = x86_64 ]; then
	check_objects
fi
echo "$seen programs, $bad findings"
[ "$bad" = 0 ]
