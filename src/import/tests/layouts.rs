//! Weights without a description compute what PyTorch computes with them: files that
//! `tests/golden/layouts.py` wrote, in the folder `layouts` of the one that `VIOLET_CHECKPOINTS` names.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use support::noise;
use violet_graph::{Head, Reference};
use violet_import::{File, Imported, Options, Result, open};

/// The folder, and a JSON file in it; nothing if PyTorch was not there to write them.
fn written_by_pytorch(json: &str) -> Option<(PathBuf, BTreeMap<String, Value>)> {
    let folder = std::env::var_os("VIOLET_CHECKPOINTS").map(PathBuf::from);
    let folder = folder.map(|folder| folder.join("layouts"));
    let text = folder
        .as_ref()
        .map(|folder| std::fs::read(folder.join(json)));
    let Some(Ok(text)) = text else {
        skip("there is no PyTorch here that could have written them");
        return None;
    };
    Some((folder.unwrap(), serde_json::from_slice(&text).unwrap()))
}

/// Says that a test cannot run here; where everything must run, that is a failure.
fn skip(why: &str) {
    let all = std::env::var("VIOLET_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!all, "VIOLET_REQUIRE=all, and {why}");
    if let Some(path) = std::env::var_os("VIOLET_SKIPPED") {
        use std::io::Write;
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        writeln!(file.unwrap(), "{why}").unwrap();
    }
    eprintln!("skipped: {why}");
}

fn read(folder: &std::path::Path, name: &str, side: usize) -> Result<Imported> {
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let options = Options::default().with_size([side; 2]);
    open(vec![File::new(name, bytes)], &options)
}

#[test]
fn weights_alone_compute_what_pytorch_computes() {
    let Some((folder, expected)) = written_by_pytorch("expected.json") else {
        return;
    };
    assert!(expected.len() > 60);
    let only = std::env::var("VIOLET_ONLY").unwrap_or_default();
    let mut wrong = Vec::new();
    for (name, expected) in expected.iter().filter(|(name, _)| name.contains(&only)) {
        let side = expected["side"].as_u64().unwrap() as usize;
        let logits = expected["logits"].as_array().unwrap();
        let logits: Vec<f64> = logits.iter().map(|v| v.as_f64().unwrap()).collect();
        let imported = match read(&folder, name, side) {
            Ok(imported) => imported,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let graph = imported.graph.prepared().unwrap();
        let channels = expected["channels"].as_u64().unwrap_or(3) as usize;
        let picture = noise("x", channels * side * side);
        let found = Reference::new(&graph).outputs(&picture).unwrap().remove(0);
        let scale = logits.iter().fold(1e-2, |m: f64, v| m.max(v.abs()));
        let pairs = found.iter().zip(&logits);
        let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale;
        println!("{name:<28} {error:.1e}");
        let says = expected["says"].as_str().unwrap();
        let notes: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
        if !(error < 1e-4 && found.len() == logits.len()) {
            wrong.push(format!("{name}: {error}"));
        }
        if !(says.is_empty() || notes.iter().any(|note| note.contains(says))) {
            wrong.push(format!("{name}: “{says}” is not said: {notes:?}"));
        }
        if name == "head-sigmoid.pth" {
            assert_eq!(graph.outputs()[0].head, Head::Sigmoid);
        }
        if name == "lightning.ckpt" {
            let scaling = imported.input.scaling.unwrap();
            assert!((scaling.scale[1] - 1.0 / (255.0 * 0.25)).abs() < 1e-6);
            assert!((scaling.offset[2] + 1.0).abs() < 1e-6);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn classes_are_named_by_the_file_and_kept_as_asked() {
    let Some((folder, _)) = written_by_pytorch("expected.json") else {
        return;
    };
    let imported = read(&folder, "labels.pth", 64).unwrap();
    assert_eq!(imported.labels, ["cat", "dog"]);
    let bytes = std::fs::read(folder.join("compiled")).unwrap();
    let outputs = |classes| -> Result<usize> {
        let options = Options::default().with_size([64; 2]).with_classes(classes);
        let imported = open(vec![File::new("compiled", bytes.clone())], &options)?;
        Ok(imported
            .graph
            .value(imported.graph.outputs()[0].value)
            .elements())
    };
    assert_eq!(outputs(2), Ok(2));
    for asked in [0, 8] {
        let refused = outputs(asked).unwrap_err().to_string();
        assert!(refused.contains("has 7 classes"), "{refused}");
    }
}

#[test]
fn what_would_be_computed_wrongly_is_refused_in_a_sentence() {
    let Some((folder, refused)) = written_by_pytorch("refused.json") else {
        return;
    };
    for (name, part) in refused {
        let sentence = read(&folder, &name, 64).unwrap_err().to_string();
        println!("{name}: {sentence}");
        assert!(
            sentence.contains(part.as_str().unwrap()),
            "{name}: {sentence}"
        );
    }
}
