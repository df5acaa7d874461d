//! TorchScript computes what PyTorch computes: files that `tests/golden/torchscripts.py` wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use support::noise;
use violet_graph::{Head, Reference};
use violet_import::{File, Imported, Note, Options, Result, open};

/// Of the folder that `VIOLET_SCRIPTS` names, if it is set: larger networks, written likewise.
fn bytes(name: &str) -> Vec<u8> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torchscript");
    let data = std::env::var_os("VIOLET_SCRIPTS").map_or(own, Into::into);
    std::fs::read(data.join(name)).unwrap()
}

fn read(name: &str, side: Option<usize>) -> Result<Imported> {
    let options = Options::default();
    let options = side.map_or(options.clone(), |side| options.with_size([side; 2]));
    open(vec![File::new(name, bytes(name))], &options)
}

/// What a file gives of what stands before its end.
fn with_head(head: Head, values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().map(|value| value.exp()).sum();
    let apply = |&value: &f64| match head {
        Head::Softmax => value.exp() / sum,
        Head::LogSoftmax => value - sum.ln(),
        Head::Sigmoid => 1.0 / (1.0 + (-value).exp()),
        _ => value,
    };
    values.iter().map(apply).collect()
}

#[test]
fn code_computes_what_pytorch_computes() {
    let expected: BTreeMap<String, Value> =
        serde_json::from_slice(&bytes("expected.json")).unwrap();
    assert!(!expected.is_empty());
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let side = expected["side"].as_u64().unwrap() as usize;
        let channels = expected["channels"].as_u64().unwrap() as usize;
        let imported = match read(name, Some(side)) {
            Ok(imported) => imported,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        assert_eq!(imported.input.channels, channels, "{name}");
        if imported.notes.contains(&Note::ScriptNotRead) {
            wrong.push(format!("{name}: not by its code"));
        }
        let graph = imported.graph.prepared().unwrap();
        let picture = noise("x", channels * side * side);
        let made = Reference::new(&graph).outputs(&picture).unwrap();
        let outputs: BTreeMap<String, Vec<f64>> =
            serde_json::from_value(expected["outputs"].clone()).unwrap();
        let found: Vec<&str> = graph.outputs().iter().map(|o| o.name.as_str()).collect();
        for (output, expected) in &outputs {
            let Some(place) = found.iter().position(|name| name == output) else {
                wrong.push(format!(
                    "{name}: {output} is not among {found:?}, {:?}",
                    imported.notes
                ));
                continue;
            };
            let made = with_head(graph.outputs()[place].head, &made[place]);
            let scale = expected.iter().fold(1e-2, |most: f64, v| most.max(v.abs()));
            let pairs = made.iter().zip(expected);
            let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale;
            println!("{name:<28} {output:<10} {error:.1e}");
            if made.len() != expected.len() || error > 2e-5 {
                wrong.push(format!(
                    "{name}, {output}: {error:.1e}, {} of {}",
                    made.len(),
                    expected.len()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sizes_and_colours_are_those_with_which_the_code_runs_or_that_are_said() {
    let assumed = |imported: &Imported| {
        let notes = imported.notes.iter();
        notes
            .filter(|note| matches!(note, Note::AssumedSize(_)))
            .count()
    };
    for name in ["digits-traced.pt", "digits-scripted.pt", "digits-frozen.pt"] {
        let imported = read(name, None).unwrap();
        let input = &imported.input;
        assert_eq!(
            [input.channels, input.height, input.width],
            [1, 28, 28],
            "{name}"
        );
        assert_eq!(assumed(&imported), 1);
    }
    let imported = read("branches-scripted.pt", None).unwrap();
    assert_eq!([imported.input.height, imported.input.width], [16, 16]);
    assert_eq!(imported.labels, ["bear", "cat", "owl", "dog", "fox"]);
    assert_eq!(assumed(&imported), 0);
    // With another size its last layers do not fit.
    let said = read("digits-traced.pt", Some(64)).unwrap_err().to_string();
    assert!(said.contains("size"), "{said}");
}
