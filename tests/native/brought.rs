//! Networks that people bring, on the command line: the small files of `src/import/tests/data`.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use violet::model::{Arrangement, Assumed, Channels, Opened, Order, Usual, Wishes};
use violet::{Error, attribution};
use violet_import::File;

use crate::command::{folder, violet};
use crate::common;

fn data(name: &str) -> PathBuf {
    common::root().join("src/import/tests/data").join(name)
}

/// A file, or all of a folder's.
fn files(names: &[&str]) -> Vec<File> {
    let read = |name: &&str| {
        let path = data(name);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        File::new(name, std::fs::read(path).unwrap())
    };
    names.iter().map(read).collect()
}

fn open(name: &str, wishes: &Wishes) -> Result<Opened, Error> {
    Opened::read(files(&[name]), wishes)
}

/// What `violet explain` writes of the cat: NumPy's header, the mask's width and height, and the report, whose
/// sum adds up.
fn explained(
    name: &str,
    network: &str,
    arguments: &[&str],
) -> (String, (u32, u32), serde_json::Value) {
    let out = folder(name);
    let network = data(network);
    let fixed = [
        "explain",
        "www/samples/cat.jpg",
        "--steps=3",
        "--weights",
        network.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let run = violet(&[&fixed, arguments].concat());
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let npy = std::fs::read(out.join("attributions.npy")).unwrap();
    let header = String::from_utf8_lossy(&npy[..128]).into_owned();
    let report = std::fs::read(out.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let number = |key: &str| report[key].as_f64().unwrap();
    let (values, _) = npy[128..].as_chunks::<4>();
    let sum: f64 = values
        .iter()
        .map(|&v| f64::from(f32::from_le_bytes(v)))
        .sum();
    let change = number("output_input") - number("output_baseline");
    assert!(
        (sum - change).abs() <= 1e-4 * change.abs().max(1e-2),
        "{name}: {sum}, {change}"
    );
    let mask = image::open(out.join("mask.png")).unwrap();
    (header, (mask.width(), mask.height()), report)
}

#[test]
fn grey_and_not_square() {
    let grey = "onnx/grey-three-heads.onnx";
    let (header, size, report) = explained("grey", grey, &[]);
    assert!(header.contains("'shape': (3, 6, 10)"), "{header}");
    assert_eq!(size, (10, 6));
    let (_, _, other) = explained(
        "grey-other",
        grey,
        &["--output", "s", "--framing", "squash"],
    );
    assert_ne!(report["output_input"], other["output_input"]);
    let card = open(grey, &Wishes::default()).unwrap().card();
    assert_eq!((card.channels, card.planes), (Channels::Grey, 1));
    assert_eq!(
        (card.preprocessing.height, card.preprocessing.width),
        (6, 10)
    );
    assert!(card.assumed.contains(&Assumed::Output) && card.outputs.len() > 1);
    assert!(card.assumed.contains(&Assumed::Values(Usual::Shares)));
}

#[test]
fn a_row_of_numbers_and_pixels_side_by_side() {
    let (header, _, _) = explained("flat", "onnx/flat-vector.onnx", &[]);
    assert!(header.contains("'shape': (3, 16, 12)"), "{header}");
    explained("pixels", "onnx/tf2onnx-batch-64.onnx", &[]);
    for (name, order) in [
        ("onnx/flat-vector.onnx", Order::Row),
        ("onnx/tf2onnx-batch-64.onnx", Order::Pixels),
        ("onnx/second-file.onnx", Order::Planes),
    ] {
        let second = files(&[name, "onnx/second-file.onnx.data"]);
        let card = Opened::read(second, &Wishes::default()).unwrap().card();
        assert_eq!(card.order, order, "{name}");
    }
}

#[test]
fn a_size_is_taken_where_the_file_leaves_it_open_and_refused_where_it_does_not() {
    let open_size = "onnx/paddle-open-sizes.onnx";
    let (header, size, _) = explained("wide", open_size, &["--size", "24x16"]);
    assert!(header.contains("'shape': (3, 16, 24)"), "{header}");
    assert_eq!(size, (24, 16));
    let wishes = Wishes {
        size: Some([16, 16]),
        ..Wishes::default()
    };
    let refused = open("onnx/flat-vector.onnx", &wishes).unwrap_err();
    assert!(
        refused.to_string().contains("fixes it at 12 × 16"),
        "{refused}"
    );
    let card = open(open_size, &Wishes::default()).unwrap().card();
    assert!(card.any_size && card.assumed.contains(&Assumed::Size));
    assert!(
        !open(open_size, &wishes)
            .unwrap()
            .assumed
            .contains(&Assumed::Size),
        "said"
    );
}

#[test]
fn a_teachable_machine_folder_brings_its_labels() {
    let (_, _, report) = explained("machine", "tensorflow/teachable-machine", &[]);
    let metadata = std::fs::read(data("tensorflow/teachable-machine/metadata.json")).unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).unwrap();
    let labels = metadata["labels"].as_array().unwrap();
    assert!(labels.contains(&report["label"]), "{report}");
}

/// Whoever names the description alone has the weights, the labels and the values that lie beside it.
#[test]
fn what_lies_beside_a_file_that_is_named_belongs_to_it() {
    let machine = "tensorflow/teachable-machine";
    let (_, _, whole) = explained("machine-folder", machine, &[]);
    let (_, _, named) = explained("machine-named", &format!("{machine}/model.json"), &[]);
    for key in [
        "label",
        "output_input",
        "output_baseline",
        "attribution_sum",
    ] {
        assert_eq!(named[key], whole[key], "{key}");
    }

    // In two shards, of which the second is found after the first.
    let out = folder("shards");
    std::fs::create_dir_all(&out).unwrap();
    let path = |name: &str| data(machine).join(name);
    let mut model: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path("model.json")).unwrap()).unwrap();
    model["weightsManifest"][0]["paths"] =
        serde_json::json!(["group1-shard1of2", "group1-shard2of2"]);
    std::fs::write(out.join("model.json"), model.to_string()).unwrap();
    let weights = std::fs::read(path("weights.bin")).unwrap();
    let (first, second) = weights.split_at(weights.len() / 2);
    std::fs::write(out.join("group1-shard1of2"), first).unwrap();
    std::fs::write(out.join("group1-shard2of2"), second).unwrap();
    std::fs::copy(path("metadata.json"), out.join("metadata.json")).unwrap();
    let model = out.join("model.json");
    let (_, _, shards) = explained("machine-shards", model.to_str().unwrap(), &[]);
    assert_eq!(shards["output_input"], whole["output_input"]);
}

/// A network that gives one number is asked about both of its sides.
#[test]
fn one_number_has_two_sides_with_one_name_or_two() {
    let Some(file) = common::checkpoint("layouts/head-sigmoid.pth") else {
        return;
    };
    let out = folder("sides");
    std::fs::create_dir_all(&out).unwrap();
    let labels = out.join("labels.txt");
    let said = |names: &str, target: &str| {
        std::fs::write(&labels, names).unwrap();
        let labels = labels.to_str().unwrap();
        let arguments = ["--size=64", "--labels", labels, "--target", target];
        explained("sides-out", file.to_str().unwrap(), &arguments).2
    };
    let number = |report: &serde_json::Value, key: &str| report[key].as_f64().unwrap();
    let (cat, dog) = (said("cat\ndog", "cat"), said("cat\ndog", "dog"));
    for key in ["output_input", "output_baseline", "attribution_sum"] {
        let (cat, dog) = (number(&cat, key), number(&dog, key));
        assert!((cat + dog).abs() < 1e-5 * dog.abs(), "{key}: {cat}, {dog}");
    }
    let [cat_p, dog_p] = [&cat, &dog].map(|report| number(report, "probability"));
    assert!(
        (cat_p + dog_p - 1.0).abs() < 1e-6 && dog_p < 1.0,
        "{cat_p}, {dog_p}"
    );
    let [yes, no] = ["dog", "not dog"].map(|target| said("dog", target));
    assert_eq!(number(&yes, "output_input"), number(&dog, "output_input"));
    assert_eq!(number(&no, "output_input"), number(&cat, "output_input"));

    let bytes = std::fs::read(&file).unwrap();
    let opened = Opened::read(vec![File::new("head.pth", bytes)], &Wishes::default()).unwrap();
    let card = opened.card();
    assert_eq!((card.classes, card.found, card.independent), (2, 2, true));
    assert!(!card.shortens, "there is nothing to leave out");
    assert_eq!(card.labels, None);
}

#[test]
fn colours_are_turned_round_or_made_grey_in_every_channel() {
    let of = |channels| {
        let wishes = Wishes {
            channels: Some(channels),
            ..Wishes::default()
        };
        open("onnx/float16.onnx", &wishes).unwrap()
    };
    // One pixel, red, green, blue as they are, in 0..=255.
    let pixel = [200.0, 100.0, 50.0];
    let arranged = |opened: &Opened| -> Vec<f32> {
        let values = opened.definition.preprocessing.normalise(pixel);
        let picture = Tensor::<1>::from_data(values, &Device::flex()).reshape([1, 3, 1, 1]);
        let arranged: Tensor<4> = opened.definition.arrangement.of(picture);
        pollster::block_on(attribution::read(arranged.reshape([1, 3]))).unwrap()
    };
    let near = |found: &[f32], expected: [f32; 3]| {
        let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-5, "{found:?} {expected:?}");
    };
    let preprocessing = of(Channels::Rgb).definition.preprocessing;
    let [red, green, blue] = preprocessing.normalise(pixel);
    near(&arranged(&of(Channels::Rgb)), [red, green, blue]);
    near(&arranged(&of(Channels::Bgr)), [blue, green, red]);
    // The same grey in each channel, normalised as the channel is.
    let grey = 0.299 * 200.0 + 0.587 * 100.0 + 0.114 * 50.0;
    let expected = preprocessing.normalise([grey; 3]);
    near(&arranged(&of(Channels::Grey)), expected);
    // On the command line too, and a photo gets the input's shape in each way.
    let given = |name: &str, arguments: &[&str]| {
        explained(name, "onnx/float16.onnx", arguments).2["output_input"].as_f64()
    };
    let ways = [
        given("to-rgb", &[]),
        given("to-grey", &["--channels", "grey"]),
        given("to-bgr", &["--channels", "bgr"]),
        given("padded", &["--framing", "pad"]),
        given("squashed", &["--framing", "squash"]),
    ];
    for (k, one) in ways.iter().enumerate() {
        assert!(!ways[..k].contains(one), "{ways:?}");
    }
    let wishes = Wishes {
        channels: Some(Channels::Bgr),
        ..Wishes::default()
    };
    let refused = open("onnx/grey-three-heads.onnx", &wishes).unwrap_err();
    assert!(refused.to_string().contains("which is grey"), "{refused}");
    assert_eq!(Arrangement::default().grey, []);
}

#[test]
fn labels_must_fit_and_may_be_written_in_any_way() {
    let with = |name: &str, bytes: &[u8], explicit: bool| {
        let mut files = files(&["onnx/float16.onnx"]);
        files.push(File::new(name, bytes));
        let wishes = Wishes {
            labels: explicit.then(|| name.into()),
            ..Wishes::default()
        };
        Opened::read(files, &wishes)
    };
    for bytes in [
        &b"a\nb\nc"[..],
        b"\xef\xbb\xbf0 a\r\n1 b\r\n2 c\r\n",
        b"[\"a\",\"b\",\"c\"]",
    ] {
        for explicit in [true, false] {
            let opened = with("labels.txt", bytes, explicit).unwrap();
            assert_eq!(opened.labels.unwrap(), ["a", "b", "c"]);
        }
    }
    let refused = with("labels.txt", b"a\nb", true).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::LabelCount {
                expected: 3,
                found: 2
            }
        ),
        "{refused}"
    );
    let opened = with("requirements.txt", b"onnx\nnumpy", false).unwrap();
    assert!(opened.labels.is_none() && opened.notes.concat().contains("left out"));
}

#[test]
fn what_cannot_be_opened_is_said_with_what_to_do() {
    let out = folder("refused");
    std::fs::create_dir_all(&out).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let alone = std::fs::read(data("onnx/second-file.onnx")).unwrap();
    let whole = std::fs::read(data("onnx/float16.onnx")).unwrap();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n";
    for (path, sentence) in [
        (
            write("alone.onnx", &alone),
            "second-file.onnx.data”: open both",
        ),
        (write("cut.onnx", &whole[..300]), "damaged"),
        (write("lfs.onnx", pointer), "run git lfs pull"),
        (write("lfs.pth", pointer), "run git lfs pull"),
        (
            data("onnx/refused-operators.onnx").to_str().unwrap().into(),
            "Violet cannot explain this network",
        ),
    ] {
        for command in [
            &["check", &path][..],
            &[
                "explain",
                "www/samples/cat.jpg",
                "--out",
                "x",
                "--weights",
                &path,
            ],
        ] {
            let run = violet(command);
            let said = String::from_utf8_lossy(&run.stderr).to_lowercase();
            assert!(
                !run.status.success() && said.contains(&sentence.to_lowercase()),
                "{path}: {said}"
            );
        }
    }
    // Beside each other they are found.
    let data = std::fs::read(data("onnx/second-file.onnx.data")).unwrap();
    write("second-file.onnx.data", &data);
    let run = violet(&["check", out.join("alone.onnx").to_str().unwrap()]);
    assert!(run.status.success(), "{run:?}");
}

#[test]
fn code_says_more_than_names_do() {
    let Some(file) = common::checkpoint("layouts/changed-scripted.pt") else {
        return;
    };
    // A ResNet-18 by its names, without its max-pool by its code.
    let run = violet(&["check", file.to_str().unwrap(), "--size", "64"]);
    let out = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{run:?}");
    assert!(
        out.contains("TorchScript") && !out.contains("MaxPool"),
        "{out}"
    );
}

#[test]
fn whoever_reads_what_it_says_may_stop() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_violet"))
        .args([
            "check",
            data("onnx/grey-three-heads.onnx").to_str().unwrap(),
        ])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert!(!ended.status.success());
}

#[test]
fn check_says_that_every_kind_is_computed_rightly() {
    for (name, said) in [
        ("onnx/grey-three-heads.onnx", "grey, 10 × 6 pixels"),
        ("tensorflow/teachable-machine", "TensorFlow.js"),
        ("tensorflow/joins.keras", "Keras"),
        (
            "tensorflow/caffe.keras",
            "its input is 0 to 255, as it is normalised inside",
        ),
        ("tensorflow/lite.zip", "TensorFlow Lite"),
        ("torchscript/digits-scripted.pt", "grey, 28 × 28 pixels"),
        ("torchscript/branches-scripted.pt", "TorchScript"),
        ("exported/digits-core.pt2", "grey, 28 × 28 pixels"),
        ("exported/phone-any-size.pt2", "torch.export"),
    ] {
        let run = violet(&["check", data(name).to_str().unwrap()]);
        let out = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(
            run.status.success() && out.contains(said),
            "{name}: {run:?}"
        );
    }
}
