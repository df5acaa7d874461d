#!/usr/bin/env bash
# What a machine with a real GPU reaches: every kind of layer by itself, whole steps beside Burn's kernels,
# and captum on the same card. Its output, with date and hardware, belongs into docs/PERFORMANCE.md.
#
#   benches/gpu.sh             1, 4, 16 and 32 gradients a pass
#   benches/gpu.sh 1 64        that many
#
# On a machine without one it measures the software adapter that Vulkan finds there.
source "$(dirname "$0")/../scripts/setup.sh"
cd "$root"
[ $# -gt 0 ] || set -- 1 4 16 32
setup_rust
"$root/scripts/weights.sh"

say "$(date -u +%F), $(uname -srm)"
if has nvidia-smi; then nvidia-smi --query-gpu=name,driver_version --format=csv,noheader; fi
if has vulkaninfo; then vulkaninfo --summary 2>/dev/null | grep -E "deviceName|driverInfo" || true; fi

say "Correct first: every kernel against its definition, every layer against the CPU"
cargo test --release --test native gpu

for images in "$@"; do
  say "Every kind of layer, $images image(s) a pass: in tiles of shared memory where they fit, then without"
  cargo bench --bench layers -- gpu "$images" card
  cargo bench --bench layers -- gpu "$images" card-without-tiles
done
say "Whole steps beside Burn's kernels: in tiles, then without"
cargo bench --bench step -- gpu card "$@"
cargo bench --bench step -- gpu card-without-tiles "$@"

if [ -d dist ] && [ -d tests/browser/node_modules ]; then
  say "The page in Chromium"
  node benches/browser.mjs 50 card
else
  say "skipped: the page in Chromium wants what scripts/test.sh makes"
fi

say "captum on the same GPU"
for python in python3 /usr/bin/python3 none; do
  "$python" -c 'import torch, torchvision, captum' 2>/dev/null && break
done
if [ "$python" = none ]; then
  say "skipped: python3 here lacks PyTorch, torchvision or captum"
else
  "$python" benches/captum_gpu.py "$@"
fi
