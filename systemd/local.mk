# Units know where the programs and the configuration went. A daemon's name in
# the lists and its three files are all there is to add.

systemd_inputs = \
	systemd/postern-policy.service.in \
	systemd/postern-policy.sysusers.in \
	systemd/postern-policy.tmpfiles.in \
	systemd/postern-sign.service.in \
	systemd/postern-sign.sysusers.in \
	systemd/postern-sign.tmpfiles.in \
	systemd/postern-verify.service.in \
	systemd/postern-verify.sysusers.in \
	systemd/postern-verify.tmpfiles.in
EXTRA_DIST += $(systemd_inputs)

systemdsystemunit_DATA = \
	systemd/postern-policy.service \
	systemd/postern-sign.service \
	systemd/postern-verify.service
sysusersdir = $(prefix)/lib/sysusers.d
sysusers_DATA = \
	systemd/postern-policy.conf \
	systemd/postern-sign.conf \
	systemd/postern-verify.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
tmpfiles_DATA = \
	systemd/tmpfiles/postern-policy.conf \
	systemd/tmpfiles/postern-sign.conf \
	systemd/tmpfiles/postern-verify.conf
CLEANFILES += $(systemdsystemunit_DATA) $(sysusers_DATA) $(tmpfiles_DATA)

systemd_edit = $(MKDIR_P) $(@D) && name=$(@F) && \
	sed -e 's|@sbindir[@]|$(sbindir)|g' \
	    -e 's|@sysconfdir[@]|$(sysconfdir)|g' $(top_srcdir)/systemd

$(systemdsystemunit_DATA): Makefile $(systemd_inputs)
	$(AM_V_GEN)$(systemd_edit)/$$name.in > $@
$(sysusers_DATA): Makefile $(systemd_inputs)
	$(AM_V_GEN)$(systemd_edit)/$${name%.conf}.sysusers.in > $@
$(tmpfiles_DATA): Makefile $(systemd_inputs)
	$(AM_V_GEN)$(systemd_edit)/$${name%.conf}.tmpfiles.in > $@
