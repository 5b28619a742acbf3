dist_man_MANS += \
	man/KeyTable.5 \
	man/SigningTable.5 \
	man/postern-sign.8 \
	man/postern.8 \
	man/sign.conf.5
