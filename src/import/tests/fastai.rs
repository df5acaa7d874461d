//! Learners of fastai's compute what PyTorch computes, and say their classes and how their pictures were made: files
//! that `tests/golden/fastai_learner.py` wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use support::noise;
use violet_graph::{Head, Reference};
use violet_import::{File, Framing, Imported, Options, open};

fn bytes(name: &str) -> Vec<u8> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fastai");
    std::fs::read(data.join(name)).unwrap()
}

fn read(name: &str) -> Imported {
    let files = vec![File::new("export.pkl", bytes(name))];
    open(files, &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn learners_compute_what_pytorch_computes() {
    let expected: BTreeMap<String, Value> =
        serde_json::from_slice(&bytes("expected.json")).unwrap();
    assert_eq!(expected.len(), 3);
    for (name, expected) in &expected {
        let imported = read(name);
        let side = expected["side"].as_u64().unwrap() as usize;
        assert_eq!(
            [imported.input.height, imported.input.width],
            [side; 2],
            "{name}"
        );
        let logits: Vec<f64> = serde_json::from_value(expected["logits"].clone()).unwrap();
        let graph = imported.graph.prepared().unwrap();
        let found = Reference::new(&graph)
            .outputs(&noise("x", 3 * side * side))
            .unwrap();
        let scale = logits
            .iter()
            .fold(1e-2, |most: f64, logit| most.max(logit.abs()));
        let pairs = found[0].iter().zip(&logits);
        let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale;
        println!("{name} {error:.1e}");
        assert!(
            error < 1e-5 && found[0].len() == logits.len(),
            "{name}: {error}"
        );
        let said: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|note| note.contains("fastai")), "{said:?}");
    }
}

#[test]
fn they_say_their_classes_and_how_pictures_are_fitted() {
    for (name, framing, head) in [
        ("squashed.pkl", Framing::Squash, Head::None),
        ("cropped.pkl", Framing::Crop, Head::None),
        ("several.pkl", Framing::Crop, Head::Sigmoid),
    ] {
        let imported = read(name);
        assert_eq!(imported.labels, ["bear", "cat", "owl"], "{name}");
        assert_eq!(imported.input.framing, Some(framing), "{name}");
        // Not pretrained, so that fastai normalises nothing.
        let scaling = imported.input.scaling.clone().unwrap();
        assert!((scaling.scale[0] - 1.0 / 255.0).abs() < 1e-9 && scaling.offset[0] == 0.0);
        let heads = imported.graph.prepared().unwrap();
        assert_eq!(heads.outputs()[0].head, head, "{name}");
    }
}
