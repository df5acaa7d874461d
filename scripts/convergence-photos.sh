#!/usr/bin/env bash
# The photos of docs/CONVERGENCE.md, from Python packages and the page's samples, checked:
#
#   ./scripts/convergence-photos.sh FOLDER
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:?"usage: $0 FOLDER"}
mkdir -p "$folder"
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
python3 -m pip download -q --no-deps --only-binary :all: -d "$wheels" \
  scikit-learn==1.9.1 scikit-image==0.22.0 matplotlib==3.11.2
python3 - "$wheels" "$folder" <<'PYTHON'
import pathlib, sys, zipfile
wanted = {
    "sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg",
    "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
    *(f"skimage/data/{name}" for name in
      ("hubble_deep_field.jpg", "motorcycle_left.png", "coins.png", "camera.png", "retina.jpg")),
}
for wheel in pathlib.Path(sys.argv[1]).glob("*.whl"):
    with zipfile.ZipFile(wheel) as files:
        for name in wanted & set(files.namelist()):
            (pathlib.Path(sys.argv[2]) / pathlib.Path(name).name).write_bytes(files.read(name))
PYTHON
cp "$root"/www/samples/*.jpg "$folder"
cd "$folder"
sha256sum --check --quiet <<'SUMS'
7df9e4b494e3d18ee98c0e7a51eb506ca377ccf67668ca7e8500a6704e12518d  astronaut.jpg
fc898c685c70f36d349c985193d1121103966bad43aa69cb3d7114cb0430150f  cat.jpg
8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29  china.jpg
952901529a5cdf33c3d31cc5058809e8e304216a206565eca8c4261fea2afd8a  coffee.jpg
a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638  flower.jpg
a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130  grace_hopper.jpg
3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4  hubble_deep_field.jpg
38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6  retina.jpg
e6be25026753dff0d102a6b39322794cc44fd90568d9702cfb0f5cbec1aa4aa0  rocket.jpg
b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a  camera.png
f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba  coins.png
db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179  motorcycle_left.png
SUMS
