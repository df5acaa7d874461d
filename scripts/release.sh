#!/usr/bin/env bash
# Makes a release: dist/ by Trunk, with weights, and dist.zip of it: ./scripts/release.sh
source "$(dirname "$0")/setup.sh"
cd "$root"
setup_rust
"$root/scripts/weights.sh"
setup_trunk
say "Building the page with Trunk"
for_wasm trunk build --release
rm -f dist.zip
(cd dist && python3 -m zipfile -c ../dist.zip ./*)
say "dist/ and dist.zip are ready"
