dist_man_MANS += \
	man/DMARCOverrides.5 \
	man/KeyTable.5 \
	man/SigningTable.5 \
	man/policy.access.5 \
	man/policy.conf.5 \
	man/postern-policy.8 \
	man/postern-sign.8 \
	man/postern-verify.8 \
	man/postern.8 \
	man/sign.conf.5 \
	man/verify.conf.5
