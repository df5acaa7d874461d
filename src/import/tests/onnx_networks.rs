//! Networks with an input and what another run time makes of it, if `VIOLET_NETWORKS` names a
//! folder of them: torchvision's classifiers with PyTorch's logits (`torchvision_networks.py` makes
//! them), or any file with ONNX Runtime's first output (`onnx_peers.py`). Logits as read and as
//! run, and what the attributions of one secant sum to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;

use violet_graph::{Graph, Head, Reference};
use violet_import::{Detector, Options, onnx};

fn floats(path: PathBuf) -> Vec<f64> {
    let bytes = fs::read(path).unwrap();
    let (chunks, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    chunks
        .iter()
        .map(|&chunk| f32::from_le_bytes(chunk).into())
        .collect()
}

/// The first output, with what was taken off its end; of a detector, boxes and squashed scores as they
/// lie in its file.
fn first_output(graph: &Graph, picture: &[f64], detector: Option<&Detector>) -> Vec<f64> {
    let mut outputs = Reference::new(graph).outputs(picture).unwrap();
    if let Some(detector) = detector {
        let (scores, boxes) = (&outputs[0], &outputs[1]);
        let candidates = scores.len() / detector.classes;
        let places = boxes.len() / candidates;
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let at = |candidate: usize, k: usize| match k {
            0..4 => boxes[candidate * places + k],
            _ if k < places => sigmoid(boxes[candidate * places + k]),
            _ => sigmoid(scores[candidate * detector.classes + k - places]),
        };
        let length = places + detector.classes;
        return match places {
            4 => (0..length * candidates)
                .map(|i| at(i % candidates, i / candidates))
                .collect(),
            _ => (0..length * candidates)
                .map(|i| at(i / length, i % length))
                .collect(),
        };
    }
    let logits = outputs.remove(0);
    let output = &graph.outputs()[0];
    let row = graph.shape(output.value).last().copied().unwrap_or(1);
    let head = |logits: &[f64]| -> Vec<f64> {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|x| (x - largest).exp()).sum();
        match output.head {
            Head::Softmax => logits.iter().map(|x| (x - largest).exp() / sum).collect(),
            Head::Sigmoid => logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
            _ => logits.to_vec(),
        }
    };
    logits.chunks(row).flat_map(head).collect()
}

/// The largest difference, relative to the largest logit. ONNX Runtime's sigmoid is exact to some
/// 1e-8 only: smaller probabilities are all the same.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected
        .iter()
        .fold(1e-2, |largest: f64, x| largest.max(x.abs()));
    let pairs = found.iter().zip(expected);
    pairs
        .map(|(a, b)| (a - b).abs() / scale)
        .fold(0.0, f64::max)
}

/// How far the attributions of one secant from black to the picture are from the change of F,
/// relative to it or to 1e-3 of the largest logit.
fn incompleteness(graph: &Graph, picture: &[f64]) -> f64 {
    let reference = Reference::new(graph);
    let black = vec![-2.0; picture.len()];
    let value = graph.outputs()[0].value;
    let [from, to] = [&black[..], picture].map(|input| reference.run(input).unwrap());
    let (before, after) = (from.value(value), to.value(value));
    let index = (0..after.len())
        .max_by(|&a, &b| after[a].total_cmp(&after[b]))
        .unwrap();
    let mut seed = vec![0.0; after.len()];
    seed[index] = 1.0;
    let slopes = reference.secant(&from, &to, &[(value, &seed)]).unwrap();
    let steps = picture.iter().zip(&black).map(|(a, b)| a - b);
    let sum: f64 = slopes
        .iter()
        .zip(steps)
        .map(|(slope, step)| slope * step)
        .sum();
    let change = after[index] - before[index];
    (sum - change).abs() / change.abs().max(1e-3 * after[index].abs())
}

/// How far a row that a suppression left, corners, score and class, is from the nearest candidate.
fn nearest(row: &[f64], scores: &[f64], boxes: &[f64], classes: usize) -> f64 {
    let (row_box, score, class) = (&row[..4], row[4], row[5] as usize);
    let candidates = boxes.chunks_exact(4).zip(scores.chunks_exact(classes));
    let off = |(place, scores): (&[f64], &[f64])| {
        let [x, y, width, height] = [place[0], place[1], place[2] / 2.0, place[3] / 2.0];
        let corners = [x - width, y - height, x + width, y + height];
        let pixels = corners.iter().zip(row_box).map(|(a, b)| (a - b).abs());
        let probability = 1.0 / (1.0 + (-scores[class]).exp());
        pixels.fold(100.0 * (probability - score).abs(), f64::max)
    };
    candidates.map(off).fold(f64::INFINITY, f64::min)
}

#[test]
fn what_a_suppression_leaves_are_candidates() {
    let Some(folder) = std::env::var_os("VIOLET_NETWORKS").map(PathBuf::from) else {
        eprintln!("skipped: VIOLET_NETWORKS names no folder");
        return;
    };
    let paths = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|ending| ending == "rows")) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let bytes = fs::read(path.with_extension("onnx")).unwrap();
        let imported = onnx::import(&bytes, &[], &Options::default()).unwrap();
        let detector = imported
            .detector
            .unwrap_or_else(|| panic!("{name} is no detector"));
        let graph = imported.graph.prepared().unwrap();
        let picture = floats(path.with_extension("input"));
        let outputs = Reference::new(&graph).outputs(&picture).unwrap();
        let rows = floats(path.clone());
        let found = rows.chunks_exact(6).filter(|row| row[4] > 0.25);
        let off = found.map(|row| nearest(row, &outputs[0], &outputs[1], detector.classes));
        let off: Vec<f64> = off.collect();
        let worst = off.iter().copied().fold(0.0, f64::max);
        println!(
            "{name:<22} {} rows, {worst:.1e} pixels or hundredths of a score",
            off.len()
        );
        assert!(!off.is_empty() && worst < 1e-2, "{name}: {worst}");
    }
}

#[test]
fn logits_are_those_of_others() {
    let Some(folder) = std::env::var_os("VIOLET_NETWORKS").map(PathBuf::from) else {
        eprintln!("skipped: VIOLET_NETWORKS names no folder");
        return;
    };
    let only = std::env::var("VIOLET_ONLY").unwrap_or_default();
    let mut files: Vec<(u64, PathBuf)> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.with_extension("logits").exists())
        .filter(|path| path.extension().is_some_and(|ending| ending == "onnx"))
        .filter(|path| path.to_str().unwrap().contains(&only))
        .map(|path| (fs::metadata(&path).unwrap().len(), path))
        .collect();
    files.sort();
    println!("network                nodes  run as  logits    prepared  sum       seconds");
    let mut wrong = Vec::new();
    for (_, path) in &files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let started = std::time::Instant::now();
        let mut options = Options::default();
        if let Ok(size) = fs::read_to_string(path.with_extension("size")) {
            let mut sides = size.split(' ').map(|side| side.trim().parse().unwrap());
            options = options.with_size([sides.next().unwrap(), sides.next().unwrap()]);
        }
        let imported = match onnx::import(&fs::read(path).unwrap(), &[], &options) {
            Ok(imported) => imported,
            Err(error) => {
                println!("{name:<22} {error}");
                wrong.push(name);
                continue;
            }
        };
        let picture = floats(path.with_extension("input"));
        let expected = floats(path.with_extension("logits"));
        let off = difference(
            &first_output(&imported.graph, &picture, imported.detector.as_ref()),
            &expected,
        );
        let nodes = imported.graph.nodes().len();
        let detector = imported.detector.clone();
        let graph = imported.graph.prepared().unwrap();
        let prepared = difference(
            &first_output(&graph, &picture, detector.as_ref()),
            &expected,
        );
        let sum = incompleteness(&graph, &picture);
        println!(
            "{name:<22} {nodes:>5}  {:>6}  {off:.1e}   {prepared:.1e}   {sum:.1e}   {:.1}",
            graph.nodes().len(),
            started.elapsed().as_secs_f64()
        );
        if off.max(prepared) > 1e-4
            || off.is_nan()
            || prepared.is_nan()
            || sum.is_nan()
            || sum >= 1e-6
        {
            wrong.push(name);
        }
    }
    assert!(!files.is_empty(), "no network was found");
    assert!(wrong.is_empty(), "wrong: {wrong:?}");
}
