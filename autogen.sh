#!/bin/sh
# Makes ./configure in a checkout; a release archive has it already.
cd "$(dirname "$0")" && exec autoreconf -i
