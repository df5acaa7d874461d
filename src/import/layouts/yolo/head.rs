//! Boxes, and the scores of their classes before the sigmoid, of images whose cells are of several sizes.
//!
//! # Source
//!
//! Boxes about the middles of cells: Ultralytics' `nn/modules/head.py` and `utils/tal.py` (`make_anchors`, `dist2bbox`,
//! `dist2rbox`). Boxes about anchors: `models/yolo.py` of ultralytics/yolov5 (`Detect`) and WongKinYiu/yolov7 (`IDetect`).
//! Two heads of which the second counts: WongKinYiu/yolov9 (`DualDDetect`, `detect_dual.py`).

use std::f32::consts::PI;

use violet_graph::{Binary, Constant, Unary, ValueId};
use violet_weights::{Attribute, Module};

use super::part::part;
use crate::boxes::{BOXES, SCORES, upright};
use crate::error::Result;
use crate::imported::Detector;
use crate::layouts::layers::Layers;
use crate::layouts::modules;

/// Anchors of a cell, at most.
const MOST_ANCHORS: usize = 64;

/// A head's outputs as a detector's, \[candidates, …\] each; returns the scores. Nothing of another part.
pub(super) fn detect(
    layers: &mut Layers,
    module: &Module,
    given: &[ValueId],
    name: &str,
) -> Result<Option<ValueId>> {
    let [boxes, scores] = match modules::class(module) {
        "Detect" | "Segment" | "IDetect" | "IAuxDetect" if layers.any(&format!("{name}.m.")) => {
            about_anchors(layers, module, given, name)?
        }
        "Detect" | "Segment" | "Segment26" | "Pose" | "Pose26" | "OBB" | "OBB26" | "v10Detect"
        | "DDetect" | "DualDetect" | "DualDDetect" => about_middles(layers, module, given, name)?,
        _ => return Ok(None),
    };
    // The other heads, those of masks and keypoints, and what was kept from the last image.
    layers.leave(&format!("{name}."));
    layers.b.output(SCORES, scores);
    layers.b.output(BOXES, boxes);
    layers.detector = Some(Detector {
        boxes: BOXES.into(),
        scores: SCORES.into(),
        classes: layers.b.shape(scores)[1],
        background: false,
    });
    Ok(Some(scores))
}

/// The cells of an image, \[C, rows, columns\]: middles of their columns, of their rows, and how many pixels wide they are.
fn cells(layers: &Layers, x: ValueId) -> Result<[Vec<f32>; 3]> {
    let [_, height, _] = *layers.b.shape(layers.input()) else {
        return Err(layers.differs("it is given no image".into()));
    };
    let [rows, columns] = layers.size(x);
    let stride = height as f32 / rows as f32;
    let cells = 0..rows * columns;
    Ok([
        cells
            .clone()
            .map(|cell| (cell % columns) as f32 + 0.5)
            .collect(),
        cells
            .clone()
            .map(|cell| (cell / columns) as f32 + 0.5)
            .collect(),
        cells.map(|_| stride).collect(),
    ])
}

/// Which of a head's parts make boxes and scores, and what those are given.
struct Branches<'g> {
    boxes: &'static str,
    scores: &'static str,
    /// What turns boxes, where they may be turned.
    angles: &'static str,
    /// What says how far a side is by shares of distances.
    distances: &'static str,
    given: &'g [ValueId],
}

impl<'g> Branches<'g> {
    fn of(layers: &Layers, module: &Module, given: &'g [ValueId], name: &str) -> Self {
        let class = modules::class(module);
        // Of two heads the second is trained to go without the first; each is given half.
        if class.starts_with("Dual") {
            return Self {
                boxes: "cv4",
                scores: "cv5",
                angles: "",
                distances: "dfl2",
                given: &given[given.len() / 2..],
            };
        }
        // Some have heads of their own for going without a suppression of boxes, and say if these are meant.
        let asked = module.attributes.get("_end2end") == Some(&Attribute::Bool(true));
        let [boxes, scores, angles] =
            match asked || class == "v10Detect" || !layers.any(&format!("{name}.cv2.")) {
                true => ["one2one_cv2", "one2one_cv3", "one2one_cv4"],
                false => ["cv2", "cv3", "cv4"],
            };
        Self {
            boxes,
            scores,
            angles,
            distances: "dfl",
            given,
        }
    }
}

/// Boxes by the distances of their sides from a cell's middle.
fn about_middles(
    layers: &mut Layers,
    module: &Module,
    given: &[ValueId],
    name: &str,
) -> Result<[ValueId; 2]> {
    let Branches {
        boxes,
        scores,
        angles,
        distances,
        given,
    } = Branches::of(layers, module, given, name);
    let turns = modules::class(module).starts_with("OBB");
    let heads = [boxes, scores, angles];
    let heads = &heads[..if turns { 3 } else { 2 }];
    let mut parts = vec![Vec::new(); heads.len()];
    let (mut middles, mut strides) = ([vec![], vec![]], vec![]);
    for (level, &x) in given.iter().enumerate() {
        let [columns, rows, widths] = cells(layers, x)?;
        for (head, parts) in heads.iter().zip(&mut parts) {
            let y = part(layers, &[x], &format!("{name}.{head}.{level}"))?;
            let channels = layers.channels(y) as i64;
            parts.push(layers.b.reshape(y, &[channels, -1])?);
        }
        middles[0].extend(columns);
        middles[1].extend(rows);
        strides.extend(widths);
    }
    let count = strides.len();
    let mut joined = Vec::new();
    for parts in &parts {
        joined.push(layers.b.concat(parts, 1)?);
    }
    let sides = expected(
        layers,
        joined[0],
        &format!("{name}.{distances}.conv.weight"),
        count as i64,
    )?;
    let b = &mut layers.b;
    let middles = b.constant(Constant::f32(&[2, count], middles.concat())?)?;
    let strides = b.constant(Constant::f32(&[1, count], strides)?)?;
    // Left and top, right and bottom.
    let sides = b.split(sides, 0, &[2, 2])?;
    let apart = b.binary(Binary::Sub, sides[1], sides[0])?;
    let mut apart = b.affine(apart, 0.5, 0.0)?;
    let mut size = b.binary(Binary::Add, sides[0], sides[1])?;
    if let Some(&angle) = joined.get(2) {
        [apart, size] = turned(layers, module, angle, [apart, size])?;
    }
    let b = &mut layers.b;
    let middle = b.binary(Binary::Add, middles, apart)?;
    let boxes = b.concat(&[middle, size], 0)?;
    let boxes = b.binary(Binary::Mul, boxes, strides)?;
    Ok([
        b.transpose(boxes, &[1, 0])?,
        b.transpose(joined[1], &[1, 0])?,
    ])
}

/// Distances, \[4, cells\], each the mean of a distribution if there is one.
fn expected(layers: &mut Layers, distances: ValueId, weights: &str, cells: i64) -> Result<ValueId> {
    if !layers.has(weights) {
        return Ok(distances);
    }
    let bins = layers.value(weights)?;
    let bins = layers.b.reshape(bins, &[1, -1])?;
    let count = layers.b.shape(bins)[1] as i64;
    let y = layers.b.reshape(distances, &[4, count, cells])?;
    let y = layers.b.transpose(y, &[0, 2, 1])?;
    let y = layers.b.softmax(y, -1)?;
    let y = layers.b.linear(y, bins, None)?;
    Ok(layers.b.reshape(y, &[4, cells])?)
}

/// Where the middle of a turned box is, and the size of the upright one about it.
fn turned(
    layers: &mut Layers,
    module: &Module,
    angle: ValueId,
    [apart, size]: [ValueId; 2],
) -> Result<[ValueId; 2]> {
    let b = &mut layers.b;
    let angle = match modules::class(module) {
        "OBB" => {
            let share = b.unary(Unary::Sigmoid, angle)?;
            b.affine(share, PI, -0.25 * PI)?
        }
        _ => angle,
    };
    let [cos, sin] = [b.unary(Unary::Cos, angle)?, b.unary(Unary::Sin, angle)?];
    // [x cos − y sin, x sin + y cos] of [x, y].
    let rows = b.split(apart, 0, &[1, 1])?;
    let mut products = Vec::new();
    for (row, factor) in [(0, cos), (1, sin), (0, sin), (1, cos)] {
        products.push(b.binary(Binary::Mul, rows[row], factor)?);
    }
    let x = b.binary(Binary::Sub, products[0], products[1])?;
    let y = b.binary(Binary::Add, products[2], products[3])?;
    let apart = b.concat(&[x, y], 0)?;
    Ok([apart, upright(b, size, angle, 0)?])
}

/// Boxes about anchors, several in a cell, with the logit of there being a thing: \[candidates, 5\].
fn about_anchors(
    layers: &mut Layers,
    module: &Module,
    given: &[ValueId],
    name: &str,
) -> Result<[ValueId; 2]> {
    let anchors = layers.take(&format!("{name}.anchors"))?;
    let &[levels, each @ 1..=MOST_ANCHORS, 2] = anchors.shape() else {
        return Err(layers.differs(format!(
            "“{name}.anchors” is no list of sizes for each grid"
        )));
    };
    let anchors = anchors.to_f64();
    let classes = modules::number(module, "nc").unwrap_or(0.0) as i64;
    let (mut boxes, mut scores) = (Vec::new(), Vec::new());
    // Where there are more images than grids, the others are for training.
    for (level, &x) in given.iter().enumerate().take(levels) {
        let [columns, rows, strides] = cells(layers, x)?;
        let mut y = x;
        for inner in ["ia", "m", "im"] {
            let inner = format!("{name}.{inner}.{level}");
            if layers.module(&inner).is_some() {
                y = part(layers, &[y], &inner)?;
            }
        }
        let b = &mut layers.b;
        let cells = strides.len();
        let all = b.reshape(y, &[each as i64, -1, cells as i64])?;
        let rest = b.shape(all)[1] as i64 - 5 - classes;
        if classes < 1 || rest < 0 {
            let reason = format!("“{name}” has not the channels of its {classes} classes");
            return Err(layers.differs(reason));
        }
        // Behind the classes, coefficients of masks.
        let parts = b.split(all, 1, &[2, 2, 1, classes, rest])?;
        let [places, sizes] = [
            b.unary(Unary::Sigmoid, parts[0])?,
            b.unary(Unary::Sigmoid, parts[1])?,
        ];
        let strides = b.constant(Constant::f32(&[1, 1, cells], strides)?)?;
        // (2 σ − 0.5 + cell) · width; its middle is half a cell on.
        let corners = columns.iter().chain(&rows).map(|middle| middle - 1.0);
        let corners = b.constant(Constant::f32(&[1, 2, cells], corners.collect::<Vec<_>>())?)?;
        let places = b.affine(places, 2.0, 0.0)?;
        let places = b.binary(Binary::Add, places, corners)?;
        let places = b.binary(Binary::Mul, places, strides)?;
        // (2 σ)² · anchor · width.
        let of_level = anchors.iter().skip(level * each * 2).take(each * 2);
        let of_level: Vec<f32> = of_level.map(|&side| side as f32).collect();
        let of_level = b.constant(Constant::f32(&[each, 2, 1], of_level)?)?;
        let sizes = b.affine(sizes, 2.0, 0.0)?;
        let sizes = b.binary(Binary::Mul, sizes, sizes)?;
        let sizes = b.binary(Binary::Mul, sizes, of_level)?;
        let sizes = b.binary(Binary::Mul, sizes, strides)?;
        let joined = b.concat(&[places, sizes, parts[2]], 1)?;
        for (value, made) in [(joined, &mut boxes), (parts[3], &mut scores)] {
            let columns = b.shape(value)[1] as i64;
            let value = b.transpose(value, &[0, 2, 1])?;
            made.push(b.reshape(value, &[-1, columns])?);
        }
    }
    Ok([layers.b.concat(&boxes, 0)?, layers.b.concat(&scores, 0)?])
}
