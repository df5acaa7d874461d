#!/usr/bin/env bash
# Trunk runs this after each build: writes the build's version, a hash of all its files but the weights, into
# its service worker.
set -euo pipefail
cd "$TRUNK_STAGING_DIR"
version=$(find . -type f ! -path './weights/*' ! -name service-worker.js -print0 | sort -z |
  xargs -0 sha256sum | sha256sum | cut -c1-12)
sed "s/^const VERSION = .*/const VERSION = \"$version\";/" service-worker.js > service-worker.js.stamped
mv service-worker.js.stamped service-worker.js
