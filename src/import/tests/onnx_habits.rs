//! Small files with the habits of those who write them (`onnx_habits.py` makes them): what ONNX
//! Runtime computes, what is said about pictures, and what is refused, in which words.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use violet_graph::{Graph, Head, Reference};
use violet_import::{
    ChannelOrder, Error, File, Framing, Imported, Layout, Note, Options, Result, Scaling, onnx,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.onnx"))).unwrap()
}

fn beside(name: &str) -> Vec<File> {
    let name = format!("{name}.onnx.data");
    let bytes = fs::read(folder().join(&name)).ok();
    bytes
        .map(|bytes| File::new(name, bytes))
        .into_iter()
        .collect()
}

fn import(name: &str, options: &Options) -> Result<Imported> {
    onnx::import(&read(name), &beside(name), options)
}

fn import_alone(name: &str) -> Imported {
    import(name, &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn picture(graph: &Graph, is_bytes: bool) -> Vec<f64> {
    let n = graph.value(graph.input()).elements();
    let number = |k: usize| match is_bytes {
        true => (37 * k % 256) as f64,
        false => (37 * k % 101) as f64 / 50.0 - 1.0,
    };
    (0..n).map(number).collect()
}

fn with_head(head: Head, logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|x| x.exp()).sum();
    match head {
        Head::Softmax => logits.iter().map(|x| x.exp() / sum).collect(),
        Head::LogSoftmax => logits.iter().map(|x| x - sum.ln()).collect(),
        Head::Sigmoid => logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
        _ => logits.to_vec(),
    }
}

#[test]
fn each_gives_what_onnx_runtime_does_and_adds_up() {
    let expected: Value =
        serde_json::from_slice(&fs::read(folder().join("expected.json")).unwrap()).unwrap();
    for (name, says) in expected.as_object().unwrap() {
        let mut options = Options::default();
        if let Some(size) = says["size"].as_array() {
            options = options.with_size([0, 1].map(|k| size[k].as_u64().unwrap() as usize));
        }
        let imported = import(name, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        for graph in [imported.graph.clone(), imported.graph.prepared().unwrap()] {
            let shape: Vec<u64> = graph
                .shape(graph.input())
                .iter()
                .map(|&n| n as u64)
                .collect();
            assert_eq!(says["shape"], serde_json::json!(shape), "{name}");
            let reference = Reference::new(&graph);
            let picture = picture(&graph, name == "bytes-input");
            let black = vec![-0.5; picture.len()];
            let [from, to] = [&black, &picture].map(|input| reference.run(input).unwrap());
            for (output, values) in says["outputs"].as_object().unwrap() {
                let output = graph
                    .outputs()
                    .iter()
                    .find(|other| other.name == *output)
                    .unwrap();
                let found = with_head(output.head, to.value(output.value));
                let values = values.as_array().unwrap();
                assert_eq!(values.len(), found.len(), "{name}");
                for (value, found) in values.iter().zip(&found) {
                    let off = (value.as_f64().unwrap() - found).abs();
                    let tolerance = says["tolerance"].as_f64().unwrap();
                    assert!(off < tolerance, "{name}: {found} is not {value}");
                }
                let seed: Vec<f64> = (0..found.len()).map(|k| 1.0 + k as f64).collect();
                let slopes = reference
                    .secant(&from, &to, &[(output.value, &seed)])
                    .unwrap();
                let steps = picture.iter().zip(&black).map(|(a, b)| a - b);
                let sum: f64 = slopes
                    .iter()
                    .zip(steps)
                    .map(|(slope, step)| slope * step)
                    .sum();
                let ends = to.value(output.value).iter().zip(from.value(output.value));
                let change: f64 = ends.zip(&seed).map(|((a, b), seed)| seed * (a - b)).sum();
                assert!((sum - change).abs() < 1e-9, "{name}: {sum} is not {change}");
            }
        }
    }
    assert!(expected.as_object().unwrap().len() >= 14);
}

#[test]
fn what_a_file_says_about_pictures_is_kept() {
    let detector = import_alone("ultralytics-suppression");
    assert_eq!(detector.labels, ["cat", "dog"]);
    assert_eq!(detector.input.channel_order, Some(ChannelOrder::Rgb));
    assert_eq!(detector.input.framing, Some(Framing::Pad));
    assert_eq!(
        detector.input.scaling,
        Some(Scaling::uniform(1.0 / 255.0, 0.0))
    );

    let signs = import_alone("tf2onnx-batch-64");
    assert_eq!(signs.input.layout, Layout::Pixels);
    assert_eq!(signs.notes, [Note::BatchOfOne { file: 64 }]);

    let open = import_alone("paddle-open-sizes");
    assert_eq!(open.notes, [Note::AssumedSize([224, 224])]);
    assert!(!open.input.fixed_size);
    let operations: Vec<_> = open.operations.iter().take(2).collect();
    assert_eq!(
        (operations[0].name.as_str(), operations[0].count),
        ("Constant", 6)
    );

    let flat = import_alone("flat-vector");
    assert_eq!(
        [flat.input.channels, flat.input.height, flat.input.width],
        [1, 16, 12]
    );
    assert_eq!(flat.notes, [Note::FlatPicture { length: 192 }]);
    assert_eq!(
        flat.graph.outputs().len(),
        1,
        "the output that is listed twice is one"
    );

    let grey = import_alone("grey-three-heads");
    assert_eq!(
        [grey.input.channels, grey.input.height, grey.input.width],
        [1, 6, 10]
    );
    let names: Vec<_> = grey
        .graph
        .outputs()
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    assert_eq!(names, ["y", "s"]);
    assert!(
        matches!(&grey.notes[..], [Note::Cut { operations, .. }] if operations[0].name == "ArgMax")
    );

    let inside = import_alone("mean-inside").input.normalised_inside.unwrap();
    assert_eq!(
        (inside.scale, inside.offset),
        (vec![1.0; 3], vec![-0.2, -0.1, 0.1])
    );
    let bytes = import_alone("bytes-input");
    assert_eq!(bytes.input.scaling, Some(Scaling::uniform(1.0, 0.0)));
    let inside = bytes.input.normalised_inside.unwrap();
    assert!((inside.scale[2] - 1.0 / 127.5).abs() < 1e-9 && inside.offset[2] == -1.0);

    assert_eq!(
        import_alone("float16").notes,
        [Note::Precision { file: "float16" }]
    );
    assert_eq!(
        import_alone("float64-input").notes,
        [Note::Precision { file: "float64" }]
    );
    for (name, count) in [
        ("int8-pairs", 2),
        ("int8-operators", 5),
        ("int8-dynamic", 2),
    ] {
        assert_eq!(
            import_alone(name).notes,
            [Note::Quantised { count }],
            "{name}"
        );
    }
}

#[test]
fn suppression_at_the_end_is_cut_off() {
    let detector = import_alone("ultralytics-suppression");
    let names: Vec<_> = detector
        .graph
        .outputs()
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    assert_eq!(names, ["boxes", "classes"]);
    let sentence = detector.notes[0].to_string();
    assert!(sentence.contains("NonMaxSuppression"), "{sentence}");
    assert!(sentence.contains("boxes, classes"), "{sentence}");
}

/// The sentence that refuses a file, with all of these in it.
fn refused(name: &str, parts: &[&str]) {
    let sentence = import(name, &Options::default()).unwrap_err().to_string();
    for part in parts {
        assert!(
            sentence.contains(part),
            "{name}: “{part}” is not in “{sentence}”"
        );
    }
}

#[test]
fn refusals_say_what_it_is_and_what_to_do() {
    refused(
        "refused-operators",
        &[
            "mmcv.DCNv4 (2 times), first at “dcn0”",
            "Grid, at “g”",
            "LSTM, at “lstm0”",
            "export",
        ],
    );
    refused(
        "refused-trees",
        &["TreeEnsembleClassifier", "classical machine learning"],
    );
    refused("refused-maps", &["“y” is a sequence", "zipmap=False"]);
    refused("refused-words", &["int64 numbers", "no pixels"]);
    refused(
        "refused-two-pictures",
        &["one of 2, beside “z”", "one picture"],
    );
    refused("refused-circle", &["damaged", "waits for its own result"]);
    refused("refused-future", &["99", "opset 18"]);
}

#[test]
fn a_second_file_is_asked_for_and_has_to_be_whole() {
    let file = read("second-file");
    let options = Options::default();
    let name = "second-file.onnx.data".to_owned();
    let error = onnx::import(&file, &[], &options).unwrap_err();
    assert_eq!(error, Error::MissingFile { name: name.clone() });
    let whole = beside("second-file").remove(0);
    let cut = File::new(name, &whole.bytes[..whole.bytes.len() - 1]);
    let error = onnx::import(&file, &[cut], &options).unwrap_err();
    assert!(matches!(error, Error::ShortFile { .. }), "{error}");
    // Folders are lost when files are dropped one by one.
    let renamed = File::new("downloads/second-file.onnx.data", whole.bytes);
    assert!(onnx::import(&file, &[renamed], &options).is_ok());
}

#[test]
fn other_files_are_named() {
    let refuse = |bytes: &[u8]| {
        onnx::import(bytes, &[], &Options::default())
            .unwrap_err()
            .to_string()
    };
    assert!(refuse(b"").contains("empty file"));
    assert!(refuse(b"version https://git-lfs.github.com/spec/v1\noid").contains("git lfs pull"));
    assert!(refuse(b"<!DOCTYPE html><html>").contains("a text"));
    assert!(refuse(b"PK\x03\x04....").contains("zip archive"));
    assert!(refuse(b"\x89HDF\r\n\x1a\n....").contains("HDF5"));
    assert!(refuse(b"\x1c\0\0\0TFL3").contains("TensorFlow Lite"));
    assert!(refuse(b"\x08\x00\0\0ORTM").contains(".ort"));
    assert!(refuse(&[8; 1000]).contains("damaged"));
    assert!(refuse(&[8, 7]).contains("no graph"));
}
