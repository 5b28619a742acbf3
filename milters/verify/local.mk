# postern-verify.
