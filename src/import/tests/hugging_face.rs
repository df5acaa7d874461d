//! Folders of Hugging Face's transformers compute what PyTorch computes with them, and say what lies beside their
//! weights: archives that `tests/golden/hugging_face.py` wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use support::noise;
use violet_graph::Reference;
use violet_import::{ChannelOrder, File, Filter, Framing, Imported, Note, Options, Result, open};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hugging-face")
}

fn archive(name: &str) -> File {
    let bytes = std::fs::read(folder().join(format!("{name}.zip"))).unwrap();
    File::new("network.zip", bytes)
}

fn read(files: Vec<File>, side: usize) -> Result<Imported> {
    open(files, &Options::default().with_size([side; 2]))
}

#[test]
fn folders_compute_what_pytorch_computes() {
    let expected = std::fs::read(folder().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_slice(&expected).unwrap();
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let side = expected["side"].as_u64().unwrap() as usize;
        let logits = expected["logits"].as_array().unwrap().iter();
        let logits: Vec<f64> = logits.map(|v| v.as_f64().unwrap()).collect();
        let imported = match read(vec![archive(name)], side) {
            Ok(imported) => imported,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let graph = imported.graph.prepared().unwrap();
        let picture = noise("x", 3 * side * side);
        let found = Reference::new(&graph).outputs(&picture).unwrap().remove(0);
        let scale = logits.iter().fold(1e-2, |m: f64, v| m.max(v.abs()));
        let pairs = found.iter().zip(&logits);
        let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale;
        println!("{name:<20} {error:.1e}");
        if !(error < 1e-5 && found.len() == logits.len()) {
            wrong.push(format!("{name}: {error}"));
        }
        assert_eq!(imported.labels, ["cat", "dog", "owl"], "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_lies_beside_weights_says_how_pictures_are_made() {
    let input = read(vec![archive("vit")], 32).unwrap().input;
    assert_eq!(input.framing, Some(Framing::Squash));
    assert_eq!(input.filter, Some(Filter::Bicubic));
    let scaling = input.scaling.unwrap();
    assert!((scaling.scale[1] - 4.0 / 255.0).abs() < 1e-7);
    assert!((scaling.offset[2] + 0.6).abs() < 1e-6);

    // Apple's MobileViT is given blue first.
    let flipped = read(vec![archive("mobilevit")], 96).unwrap().input;
    assert_eq!(flipped.channel_order, Some(ChannelOrder::Bgr));
    assert_eq!(flipped.framing, Some(Framing::ResizeThenCrop(108)));

    // Nothing beside them: the heads' width is assumed, and is not that of these; pixels of others are.
    let weights = |name: &str| -> Vec<File> {
        let files = archive(name).unpacked().unwrap();
        let weights = files
            .into_iter()
            .find(|f| f.base_name() == "model.safetensors");
        weights.into_iter().collect()
    };
    let refused = read(weights("vit"), 32).unwrap_err().to_string();
    assert!(refused.contains("heads"), "{refused}");
    let alone = read(weights("resnet"), 64).unwrap();
    assert!(alone.labels.is_empty() && alone.input.scaling.is_none());
    let said = alone.notes.iter().map(ToString::to_string);
    assert!(said.into_iter().any(|note| note.contains("Hugging Face")));
}

#[test]
fn what_a_description_changes_is_obeyed_or_refused() {
    let changed = |name: &str, key: &str, value: Value| -> Result<Imported> {
        let mut files = archive(name).unpacked().unwrap();
        for file in files.iter_mut().filter(|f| f.base_name() == "config.json") {
            let mut config: Value = serde_json::from_slice(&file.bytes).unwrap();
            config[key] = value.clone();
            file.bytes = serde_json::to_vec(&config).unwrap();
        }
        read(files, 64)
    };
    let several = changed(
        "resnet",
        "problem_type",
        "multi_label_classification".into(),
    )
    .unwrap();
    let graph = several.graph.prepared().unwrap();
    assert_eq!(graph.outputs()[0].head, violet_graph::Head::Sigmoid);
    assert!(!several.notes.contains(&Note::AssumedSigmoid));
    for (name, key, value, said) in [
        ("vit", "hidden_act", Value::from("mish"), "mish"),
        ("vit", "num_attention_heads", 5.into(), "5 heads"),
        (
            "resnet",
            "downsample_in_first_stage",
            true.into(),
            "first_stage",
        ),
    ] {
        let refused = changed(name, key, value).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
    // A window is no wider than its picture.
    assert!(changed("swinv2", "window_size", (1u64 << 60).into()).is_ok());
}
