//! Files as people have them, if `VIOLET_CASES` names a folder of them: each lies in a folder of
//! its own in `onnx/`, beside `case.json` (what is in it, how its owners prepare a picture) and,
//! where it runs, `expected.json` (what ONNX Runtime makes of a picture and of black).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use violet_graph::{Graph, Head, Operation, Reference, ValueId};
use violet_import::{Error, File, Imported, Layout, Note, Options, onnx};

fn cases() -> Option<PathBuf> {
    let folder = std::env::var_os("VIOLET_CASES").map(|folder| PathBuf::from(folder).join("onnx"));
    if folder.is_none() {
        eprintln!("skipped: VIOLET_CASES names no folder");
    }
    folder
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// The network's file, and those beside it.
fn files(folder: &Path) -> (Vec<u8>, Vec<File>) {
    let mut network = Vec::new();
    let mut beside = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("onnx") => network = fs::read(&path).unwrap(),
            Some("data") => {
                let name = path.file_name().unwrap().to_str().unwrap();
                beside.push(File::new(name, fs::read(&path).unwrap()));
            }
            _ => {}
        }
    }
    (network, beside)
}

/// A picture as the case's owners prepare it; black, or the one of the formula.
fn prepared(case: &Value, imported: &Imported, is_black: bool) -> Vec<f64> {
    let says = &case["preprocessing"];
    let [height, width] = [imported.input.height, imported.input.width];
    let channels = imported.input.channels;
    let number = |key: &str, channel: usize| match &says[key] {
        Value::Array(list) => list[channel].as_f64().unwrap(),
        number => number.as_f64().unwrap(),
    };
    let rgb = |row: usize, column: usize| match is_black {
        true => [0; 3],
        false => [
            7 * row + 3 * column,
            5 * row + 11 * column,
            13 * row + column,
        ]
        .map(|n| n % 256),
    };
    let pixel = |row: usize, column: usize, channel: usize| -> f64 {
        let [r, g, b] = rgb(row, column);
        let value = match says["channels"].as_str().unwrap() {
            "gray" => (19595 * r + 38470 * g + 7471 * b + 32768) >> 16,
            "RGB" => [r, g, b][channel],
            "BGR" => [b, g, r][channel],
            other => panic!("{other}"),
        };
        let value = if says["invert"] == true {
            255 - value
        } else {
            value
        };
        (value as f64 * number("scale", channel) - number("mean", channel)) / number("std", channel)
    };
    let mut input = Vec::new();
    match imported.input.layout {
        Layout::Planes => {
            for channel in 0..channels {
                for row in 0..height {
                    input.extend((0..width).map(|column| pixel(row, column, channel)));
                }
            }
        }
        Layout::Pixels => {
            for row in 0..height {
                for column in 0..width {
                    input.extend((0..channels).map(|channel| pixel(row, column, channel)));
                }
            }
        }
    }
    input
}

/// An output's value before softmax or sigmoid.
fn logits(graph: &Graph, output: &violet_graph::Output) -> ValueId {
    let mut value = output.value;
    while let Some(node) = graph.producer(value) {
        match node.operation() {
            Operation::Softmax { .. }
            | Operation::LogSoftmax { .. }
            | Operation::Unary(violet_graph::Unary::Sigmoid)
            | Operation::Reshape { .. } => value = node.inputs()[0],
            _ => break,
        }
    }
    value
}

/// What a head makes of logits, row by row.
fn with_head(head: Head, logits: &[f64], row: usize) -> Vec<f64> {
    let head_of = |logits: &[f64]| -> Vec<f64> {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|x| (x - largest).exp()).sum();
        match head {
            Head::Softmax => logits.iter().map(|x| (x - largest).exp() / sum).collect(),
            Head::LogSoftmax => logits.iter().map(|x| x - largest - sum.ln()).collect(),
            Head::Sigmoid => logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
            _ => logits.to_vec(),
        }
    };
    logits.chunks(row).flat_map(head_of).collect()
}

/// Compares what is listed: all values, or the first ones and the sum.
fn compare(case: &str, expected: &Value, found: &[f64], tolerance: f64) -> f64 {
    let values = expected["values"]
        .as_array()
        .or(expected["first"].as_array())
        .unwrap();
    let mut worst = 0f64;
    for (k, value) in values.iter().enumerate() {
        let value = value.as_f64().unwrap();
        worst = worst.max((found[k] - value).abs() / value.abs().max(1.0));
    }
    let sum: f64 = found.iter().sum();
    let expected_sum = expected["sum"].as_f64().unwrap();
    let scale: f64 = found.iter().map(|x| x.abs()).sum::<f64>().max(1.0);
    let worst = worst.max((sum - expected_sum).abs() / scale);
    let name = &expected["name"];
    assert!(worst < tolerance, "{case}: {name} differs by {worst:.2e}");
    worst
}

/// How far scores may be off. Rounding to int8 moves those of the one network that rounds, of 53
/// layers with 256 steps each, by 0.095 of a score at most; `onnx_peers.py` compares it with the
/// same network whose rounding is taken out.
fn tolerance(case: &str) -> f64 {
    if case.ends_with("int8") { 0.12 } else { 1e-4 }
}

#[test]
fn every_case_gives_what_onnx_runtime_does_and_adds_up() {
    let Some(folder) = cases() else { return };
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(expected) = json(&folder.join("expected.json")) else {
            continue;
        };
        let case = json(&folder.join("case.json")).unwrap();
        let (network, beside) = files(&folder);
        let shape: Vec<usize> = expected["input"]["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap() as usize)
            .collect();
        let size = match expected["input"]["layout"].as_str() {
            Some("NHWC") => [shape[1], shape[2]],
            _ => [shape[2], shape[3]],
        };
        let options = Options::default().with_size(size);
        let imported = onnx::import(&network, &beside, &options)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            [imported.input.height, imported.input.width],
            size,
            "{name}"
        );

        // The picture is prepared as it was for ONNX Runtime.
        let [picture, black] = [false, true].map(|black| prepared(&case, &imported, black));
        let batch = shape[0] as f64;
        compare(
            &name,
            &serde_json::json!({
                "name": "input",
                "first": expected["input"]["first"],
                "sum": expected["input"]["sum"].as_f64().unwrap() / batch,
            }),
            &picture,
            1e-6,
        );

        // As it was read, and as it is run.
        for graph in [
            imported.graph.clone(),
            imported.graph.clone().prepared().unwrap(),
        ] {
            let worst = check(&name, &graph, &expected, [&picture, &black]);
            eprintln!("{name}: off by {worst:.1e}, {} nodes", graph.nodes().len());
        }
        count += 1;
    }
    assert!(count > 0, "no case was found");
}

/// Compares outputs and F, and what the attributions of one secant sum to.
fn check(name: &str, graph: &Graph, expected: &Value, [picture, black]: [&Vec<f64>; 2]) -> f64 {
    let reference = Reference::new(graph);
    let [to, from] = [picture, black].map(|input| reference.run(input).unwrap());
    let mut worst = 0f64;
    let named = |name: &Value| graph.outputs().iter().find(|other| other.name == *name);
    // Boxes and scores that were found in a detector stand before its own outputs.
    let first = named(&expected["outputs"][0]["name"]).unwrap();
    for (key, point) in [("outputs", &to), ("outputs_of_black", &from)] {
        for listed in expected[key].as_array().unwrap() {
            let found = match named(&listed["name"]) {
                Some(output) => {
                    let row = graph.shape(output.value).last().copied().unwrap_or(1);
                    with_head(output.head, point.value(output.value), row)
                }
                // Not an output but what softmax or sigmoid takes.
                None => point.value(logits(graph, first)).to_vec(),
            };
            worst = worst.max(compare(name, listed, &found, tolerance(name)));
        }
    }

    // F is the score that the case names: of an output, or before it.
    let says = match &expected["class_score"] {
        // Of a detector, the first anchor's second class.
        Value::Null => serde_json::json!({
            "output": expected["outputs"][2]["name"],
            "index": 1,
            "F": expected["outputs"][2]["first"][1],
            "F_black": expected["outputs_of_black"][2]["first"][1],
        }),
        score => score.clone(),
    };
    let index = says["index"].as_u64().unwrap() as usize;
    let value = logits(graph, named(&says["output"]).unwrap_or(first));
    let change = to.value(value)[index] - from.value(value)[index];
    let listed = says["F"].as_f64().unwrap() - says["F_black"].as_f64().unwrap();
    let off = (change - listed).abs() / listed.abs().max(1.0);
    assert!(
        off < tolerance(name),
        "{name}: F − F(black) is {change}, not {listed}"
    );

    let mut seed = vec![0.0; to.value(value).len()];
    seed[index] = 1.0;
    let slopes = reference.secant(&from, &to, &[(value, &seed)]).unwrap();
    let steps = picture.iter().zip(black).map(|(a, b)| a - b);
    let sum: f64 = slopes
        .iter()
        .zip(steps)
        .map(|(slope, step)| slope * step)
        .sum();
    let off_sum = (sum - change).abs() / change.abs().max(1.0);
    assert!(
        off_sum < 1e-6,
        "{name}: attributions sum to {sum}, not {change}"
    );
    worst
}

fn import(case: &str) -> Option<violet_import::Result<Imported>> {
    let (network, beside) = files(&cases()?.join(case));
    Some(onnx::import(&network, &beside, &Options::default()))
}

#[test]
fn what_is_no_network_for_pictures_is_said() {
    let Some(result) = import("git-lfs-pointer") else {
        return;
    };
    let sentence = result.unwrap_err().to_string();
    assert!(
        sentence.contains("a pointer that Git LFS left") && sentence.contains("git lfs pull"),
        "{sentence}"
    );

    let result = import("hand-landmarks-not-an-image").unwrap();
    let sentence = result.unwrap_err().to_string();
    assert!(
        sentence.contains("1 × 21 × 2") && sentence.contains("picture"),
        "{sentence}"
    );
}

#[test]
fn a_missing_second_file_is_asked_for_by_name() {
    let Some(folder) = cases() else { return };
    let (network, mut beside) = files(&folder.join("digits-dynamo-external-data"));
    let options = Options::default();
    let error = onnx::import(&network, &[], &options).unwrap_err();
    assert_eq!(
        error,
        Error::MissingFile {
            name: "model.onnx.data".into()
        }
    );
    beside[0].bytes.truncate(1000);
    let error = onnx::import(&network, &beside, &options).unwrap_err();
    assert!(
        matches!(error, Error::ShortFile { found: 1000, .. }),
        "{error}"
    );
}

#[test]
fn what_was_assumed_is_said() {
    let Some(paddle) = import("paddle-text-angle") else {
        return;
    };
    let paddle = paddle.unwrap();
    assert!(
        paddle.notes.contains(&Note::AssumedSize([224, 224])),
        "{:?}",
        paddle.notes
    );
    assert!(!paddle.input.fixed_size);
    let signs = import("trafficsign-tf2onnx-nhwc-batch64").unwrap().unwrap();
    assert!(
        signs.notes.contains(&Note::BatchOfOne { file: 64 }),
        "{:?}",
        signs.notes
    );
    assert_eq!(signs.input.layout, Layout::Pixels);
    let symbols = import("symbols-double-input-nhwc").unwrap().unwrap();
    assert!(
        symbols.notes.contains(&Note::Precision { file: "float64" }),
        "{:?}",
        symbols.notes
    );
    let plant = import("plant-mobilenetv2-dynamic-int8").unwrap().unwrap();
    assert!(
        plant.notes.contains(&Note::Quantised { count: 53 }),
        "{:?}",
        plant.notes
    );
}
