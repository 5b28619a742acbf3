# Samples are installed beside where the admin's own files go, and become
# those only where there are none yet.

etc_samples = etc/sign.conf etc/KeyTable etc/SigningTable \
	etc/verify.conf etc/DMARCOverrides etc/policy.conf \
	etc/access-client etc/access-recipient
EXTRA_DIST += $(etc_samples) etc/main.cf
etc_made = etc/samples/sign.conf etc/samples/KeyTable \
	etc/samples/SigningTable etc/samples/verify.conf \
	etc/samples/DMARCOverrides etc/samples/policy.conf \
	etc/samples/access-client etc/samples/access-recipient
exampledir = $(docdir)/examples
example_DATA = $(etc_made) etc/main.cf
CLEANFILES += $(etc_made)

$(etc_made): Makefile $(etc_samples)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	    sed 's|/etc/postern|$(sysconfdir)/postern|g' $(top_srcdir)/etc/$(@F) > $@

install-data-local: $(etc_made)
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)/postern
	for name in $(etc_made); do \
	    mine=$(DESTDIR)$(sysconfdir)/postern/$${name##*/}; \
	    test -e $$mine || $(INSTALL_DATA) $$name $$mine || exit 1; \
	done

# An admin's configuration stays when the programs go.
distuninstallcheck_listfiles = find . -type f -print | grep -v '/etc/postern/'
