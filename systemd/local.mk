# Units know where the programs and the configuration went.

systemd_inputs = \
	systemd/postern-sign.service.in \
	systemd/postern-sign.sysusers.in \
	systemd/postern-sign.tmpfiles.in
EXTRA_DIST += $(systemd_inputs)

systemdsystemunit_DATA = systemd/postern-sign.service
sysusersdir = $(prefix)/lib/sysusers.d
sysusers_DATA = systemd/postern-sign.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
tmpfiles_DATA = systemd/tmpfiles/postern-sign.conf
CLEANFILES += $(systemdsystemunit_DATA) $(sysusers_DATA) $(tmpfiles_DATA)

systemd_edit = $(MKDIR_P) $(@D) && sed -e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g'

systemd/postern-sign.service: systemd/postern-sign.service.in Makefile
	$(AM_V_GEN)$(systemd_edit) $(top_srcdir)/systemd/$(@F).in > $@
systemd/postern-sign.conf: systemd/postern-sign.sysusers.in Makefile
	$(AM_V_GEN)$(systemd_edit) \
	    $(top_srcdir)/systemd/postern-sign.sysusers.in > $@
systemd/tmpfiles/postern-sign.conf: systemd/postern-sign.tmpfiles.in Makefile
	$(AM_V_GEN)$(systemd_edit) \
	    $(top_srcdir)/systemd/postern-sign.tmpfiles.in > $@
