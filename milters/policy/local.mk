EXTRA_DIST += \
	milters/policy/check.h \
	milters/policy/condition.h \
	milters/policy/facts.h \
	milters/policy/policy.h \
	milters/policy/rulerow.h
