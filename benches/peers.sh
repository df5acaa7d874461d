#!/usr/bin/env bash
# Violet beside its peers, one thread each: natively onnxruntime, PyTorch and Burn's plain operations (benches/peers.py),
# in Chromium onnxruntime-web and TensorFlow.js (benches/peers.mjs, if dist/ is there):
# ./benches/peers.sh [ROUNDS]
#
# What a machine lacks is named and left out. Packages are pinned by hash (benches/peers.txt).
source "$(dirname "$0")/../scripts/setup.sh"
cd "$root"
setup_rust
debian python3-torch python3-torchvision || true
"$root/scripts/weights.sh" efficientnet-lite0
python=$(for p in python3 /usr/bin/python3; do "$p" -c 'import torchvision' 2>/dev/null && echo "$p" && break; done || echo python3)
packages=$cache/peers
python3 -m pip install -q --disable-pip-version-check --no-deps --upgrade --target "$packages" --python-version 3.11 \
  --only-binary :all: --require-hashes -r benches/peers.txt || say "Some of Python's packages could not be fetched."
cargo bench --no-run --bench peers
PYTHONPATH=$packages "$python" benches/peers.py "$@"
[ -d dist ] || { say "dist/ is missing: scripts/serve.sh makes it, for the peers in Chromium"; exit; }
npm ci --silent --prefix benches
node benches/peers.mjs "${1:-5}"
