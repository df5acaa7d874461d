//! The detector against its original in TensorFlow.js, and the axioms on its boxes.

use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::Device;
use violet::attribution::{Baseline, Rule, read};
use violet::explain::Explainer;
use violet::image::{Photo, View};
use violet::model::{
    ANCHORS, Architecture, CLASSES, Checkpoint, Network, Target, decode_boxes, detections,
    tensorflow,
};
use violet::{Error, Result};

use crate::common::{self, relative_error};

const ARCHITECTURE: Architecture = Architecture::SsdMobileNetV2;

/// `model.json`, where scripts/weights.sh keeps it.
fn model_json() -> Option<PathBuf> {
    common::original("ssd-mobilenet-v2/model.json")
}

fn checkpoint(model: &Path) -> Checkpoint {
    let text = std::fs::read_to_string(model).unwrap();
    let shards = tensorflow::shards(&text).unwrap();
    let shards: Vec<u8> = shards
        .iter()
        .flat_map(|shard| std::fs::read(model.with_file_name(shard)).unwrap())
        .collect();
    tensorflow::import(&text, &shards).unwrap()
}

fn photos() -> Vec<(String, Photo)> {
    let names = ["astronaut", "cat", "coffee", "rocket"];
    let read = |name: &str| {
        let path = common::root().join(format!("www/samples/{name}.jpg"));
        Photo::decode(&std::fs::read(path).unwrap()).unwrap()
    };
    names.map(|name| (name.to_owned(), read(name))).into()
}

/// What the original says of a photo.
struct Original {
    /// Top, left, bottom, right of each anchor's box.
    boxes: Vec<f32>,
    /// Sigmoid scores \[anchors, classes without background\].
    scores: Vec<f32>,
    /// Anchor, class and score of what is kept.
    kept: Vec<[f32; 3]>,
}

/// Runs the original, if Node and TensorFlow.js are there.
fn original(model: &Path, photo: &Photo) -> Option<Original> {
    let script = common::root().join("tests/browser/original-detector.mjs");
    if !script
        .with_file_name("node_modules/@tensorflow/tfjs-core")
        .exists()
    {
        return None;
    }
    let folder = std::env::temp_dir().join(format!("violet-detector-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (pixels, out) = (folder.join("pixels"), folder.join("out"));
    std::fs::write(&pixels, photo.rgb.as_raw()).unwrap();
    let (width, height) = photo.rgb.dimensions();
    let output = Command::new("node")
        .arg(&script)
        .arg(model)
        .args([width.to_string(), height.to_string()])
        .args([&pixels, &out])
        .output()
        .ok()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let bytes = std::fs::read(&out).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let (values, _) = bytes.as_chunks::<4>();
    let mut boxes: Vec<f32> = values.iter().map(|&v| f32::from_le_bytes(v)).collect();
    let mut scores = boxes.split_off(4 * ANCHORS);
    let kept = scores.split_off((CLASSES - 1) * ANCHORS);
    Some(Original {
        boxes,
        scores,
        kept: kept.as_chunks::<3>().0.to_vec(),
    })
}

fn largest_difference(found: impl Iterator<Item = f32>, expected: &[f32]) -> f32 {
    let pairs = found.zip(expected);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn boxes_and_scores_are_those_of_the_original() {
    let Some(model) = model_json() else {
        common::skip("scripts/weights.sh has not fetched the detector");
        return;
    };
    let exact = checkpoint(&model);
    let rounded = common::shipped(ARCHITECTURE, &exact).unwrap();
    for (name, photo) in photos() {
        let Some(original) = original(&model, &photo) else {
            common::skip("Node or TensorFlow.js is missing");
            return;
        };
        for (weights, checkpoint, tolerance) in [("f32", &exact, 1e-3), ("16 bits", &rounded, 3e-2)]
        {
            let device = Device::flex();
            let network = Network::load(ARCHITECTURE, checkpoint.clone(), &device).unwrap();
            let preprocessing = ARCHITECTURE.preprocessing();
            let input = View::of(&photo, &preprocessing).input(&preprocessing);
            let input = common::tensor(&network, &input, preprocessing.width as usize);
            let [encodings, logits] = network.boxes_and_logits(input).unwrap();
            let [encodings, logits] =
                [encodings, logits].map(|values| pollster::block_on(read(values.inner())).unwrap());

            let boxes = decode_boxes(&encodings);
            let edges = boxes
                .iter()
                .flat_map(|r| [r.top, r.left, r.bottom, r.right]);
            let boxes_apart = largest_difference(edges, &original.boxes);
            let scores = logits.chunks(CLASSES).flat_map(|row| &row[1..]);
            let scores = scores.map(|logit| 1.0 / (1.0 + (-logit).exp()));
            let scores_apart = largest_difference(scores, &original.scores);
            println!(
                "{name}, {weights}: boxes differ by {boxes_apart:.1e}, scores by {scores_apart:.1e}"
            );
            assert!(
                boxes_apart < tolerance && scores_apart < tolerance,
                "{name}"
            );

            let found = detections(&encodings, &logits, 0.3, 20);
            assert_eq!(found.len(), original.kept.len(), "{name}");
            for (found, &[anchor, class, score]) in found.iter().zip(&original.kept) {
                assert_eq!(found.class, class as usize, "{name}");
                let theirs = &original.boxes[4 * anchor as usize..];
                let theirs = violet::model::Rect {
                    top: theirs[0],
                    left: theirs[1],
                    bottom: theirs[2],
                    right: theirs[3],
                };
                let overlap = found.rect.overlap(theirs);
                println!(
                    "{name}, {weights}: class {class}, {:.4} for {score:.4}, overlap {overlap:.4}",
                    found.score
                );
                assert!(overlap >= 0.98, "{name}: {overlap}");
            }
        }
    }
}

#[test]
fn a_boxs_attributions_do_not_depend_on_the_chunks() -> Result<()> {
    let Some(model) = model_json() else {
        common::skip("scripts/weights.sh has not fetched the detector");
        return Ok(());
    };
    let explainer = Explainer::load(
        ARCHITECTURE,
        ARCHITECTURE.preprocessing(),
        common::shipped(ARCHITECTURE, &checkpoint(&model))?,
        &Device::flex(),
    )?;
    let (_, photo) = photos().swap_remove(2);
    let prepared = pollster::block_on(explainer.prepare(&photo, Baseline::default()))?;
    let target = Target::output(prepared.detections[0].output);
    let quadrature = Rule::Midpoint.quadrature(12)?;
    let run = |size: usize| -> Result<Vec<f32>> {
        let (input, baseline) = (&prepared.input, &prepared.baseline);
        let mut sum = violet::attribution::Accumulator::new(input.len());
        let mut walk = explainer.walk(input, baseline, target)?;
        for nodes in quadrature.order().chunks(size) {
            let partial = pollster::block_on(walk.sum(&quadrature.pick(nodes)))?;
            sum.add(&partial)?;
        }
        Ok(sum.attributions(input, baseline)?.values)
    };
    let attributions = run(1)?;
    assert!(relative_error(&run(7)?, &attributions) < 1e-4);
    assert!(attributions.iter().any(|&v| v != 0.0));
    Ok(())
}

#[test]
fn one_output_is_that_of_all_outputs() -> Result<()> {
    let network = common::random(ARCHITECTURE, &Device::flex())?;
    let input: Vec<f32> = common::noise("x", 3 * 300 * 300).collect();
    let logits = common::logits_of(&network, &input, 300);
    // The first and last cell of every feature map.
    for output in [
        0,
        1082 * 91 + 5,
        1083 * 91,
        1700 * 91 + 90,
        1911 * 91 + 7,
        1917 * 91 - 1,
    ] {
        let x = common::tensor(&network, &input, 300);
        let one = network.output(x, Target::output(output));
        let one = pollster::block_on(read(one.inner()))?[0];
        assert!(
            (one - logits[output]).abs() < 1e-4,
            "{output}: {one} for {}",
            logits[output]
        );
    }
    Ok(())
}

#[test]
fn a_damaged_graph_is_refused() {
    let short = r#"{"weightsManifest": [{"paths": ["a"], "weights": [
        {"name": "Postprocessor/ExpandDims", "shape": [1, 1917, 4], "dtype": "float32"}]}]}"#;
    let refused = tensorflow::import(short, &[0; 100]);
    assert!(
        matches!(refused, Err(Error::UnreadableCheckpoint { reason }) if reason.contains("end before"))
    );
    let other = tensorflow::import(short, &[0; 1917 * 16]);
    assert!(
        matches!(other, Err(Error::UnreadableCheckpoint { reason }) if reason.contains("anchors"))
    );
    assert!(tensorflow::shards("<html>").is_err());
}
