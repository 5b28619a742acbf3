# Samples are installed beside where the admin's own files go, and become
# those only where there are none yet.

etc_samples = etc/sign.conf etc/KeyTable etc/SigningTable
EXTRA_DIST += $(etc_samples) etc/main.cf
exampledir = $(docdir)/examples
example_DATA = etc/samples/sign.conf etc/samples/KeyTable \
	etc/samples/SigningTable etc/main.cf
CLEANFILES += etc/samples/sign.conf etc/samples/KeyTable \
	etc/samples/SigningTable

etc/samples/sign.conf etc/samples/KeyTable etc/samples/SigningTable: Makefile $(etc_samples)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	    sed 's|/etc/postern|$(sysconfdir)/postern|g' $(top_srcdir)/etc/$(@F) > $@

install-data-local:
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)/postern
	for name in sign.conf KeyTable SigningTable; do \
	    test -e $(DESTDIR)$(sysconfdir)/postern/$$name || \
	    $(INSTALL_DATA) etc/samples/$$name \
		$(DESTDIR)$(sysconfdir)/postern/$$name || exit 1; \
	done

# An admin's configuration stays when the programs go.
distuninstallcheck_listfiles = find . -type f -print | grep -v '/etc/postern/'
