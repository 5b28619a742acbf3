EXTRA_DIST += \
	tests/interop/mail_dkim.pl \
	tests/interop/mail_dkim_arc.pl \
	tests/interop/mail_dkim_sign.pl \
	tests/interop/messages.py \
	tests/interop/namespace.py \
	tests/interop/test_accessmap.py \
	tests/interop/test_arc.py \
	tests/interop/test_authres.py \
	tests/interop/test_dkim_suite.py \
	tests/interop/test_interop.py \
	tests/interop/test_signers.py \
	tests/interop/test_spf_suite.py \
	tests/interop/verifiers.py
