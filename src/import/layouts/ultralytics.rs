//! Ultralytics' networks as its training saves them, in `best.pt`: detectors YOLOv8, 11 and 26, and classifiers.
//! Of those that find outlines or keypoints, too, only the boxes.
//!
//! The file holds the whole module: which parts there are and what each of them is given. Boxes are decoded as its
//! exporter does it; a part of a class that is not here is refused.
//!
//! # Source
//!
//! Ultralytics' `nn/tasks.py` (`parse_model`), `nn/modules/conv.py`, `block.py` and `head.py`, `utils/tal.py`
//! (`make_anchors`, `dist2bbox`).

use violet_graph::{
    Binary, Constant, Coordinates, Extent, Interpolation, Resize, Rounding, ValueId,
};
use violet_weights::{Attribute, Module};

use super::layers::{Act, Assumed, Layers};
use super::modules;
use crate::error::Result;
use crate::imported::Detector;

/// Names of a detector's two outputs.
const BOXES: &str = "boxes";
const SCORES: &str = "scores";
/// Channels that attend, at most.
const WIDEST: f64 = 65536.0;
/// Parts of one kind within a part, at most.
const MOST_PARTS: usize = 64;

/// As its training makes numbers of pixels.
const ZERO_TO_ONE: Assumed = Assumed {
    exporter: "Ultralytics' networks",
    rule: "value / 255",
    mean: 0.0,
    std: 255.0,
};

/// Parts in their order, each given what the one before made, or what it names.
pub(super) fn network(layers: &mut Layers) -> Result<ValueId> {
    layers.scaling = Some(ZERO_TO_ONE);
    let outer = layers.around();
    // How many pixels wide its cells are, which shapes tell.
    layers.elsewhere(&outer, |layers| {
        layers.leave("stride");
        Ok(())
    })?;
    let mut made = Vec::new();
    loop {
        let name = made.len().to_string();
        let Some(module) = layers.module(&name).cloned() else {
            let reason = match made.is_empty() {
                true => "only its weights were saved; open best.pt as the training wrote it",
                false => "it ends in no part that detects or classifies",
            };
            return Err(layers.differs(reason.into()));
        };
        let given = given(layers, &module, &made, &name)?;
        match modules::class(&module) {
            "Detect" | "Segment" | "Segment26" | "Pose" | "Pose26" => {
                return detect(layers, &given, &name);
            }
            "Classify" => {
                let x = layers.concat(&given)?;
                let x = convolution(layers, x, &format!("{name}.conv"))?;
                let x = layers.pooled(x)?;
                return layers.linear(x, &format!("{name}.linear"));
            }
            _ => made.push(part(layers, &given, &name)?),
        }
    }
}

/// What a part is given: its `f` counts parts from the first, or from itself if it is negative.
fn given(layers: &Layers, module: &Module, made: &[ValueId], name: &str) -> Result<Vec<ValueId>> {
    let from = match module.attributes.get("f") {
        Some(Attribute::Number(from)) => vec![*from],
        Some(Attribute::Numbers(from)) => from.clone(),
        _ => vec![-1.0],
    };
    let value = |from: f64| match (from, made.len()) {
        (-1.0, 0) => Some(layers.input()),
        (from, count) if from < 0.0 => made.get(count.checked_sub(-from as usize)?).copied(),
        (from, _) => made.get(from as usize).copied(),
    };
    let given: Option<Vec<ValueId>> = from.into_iter().map(value).collect();
    given
        .filter(|given| !given.is_empty())
        .ok_or_else(|| layers.differs(format!("part {name} is given what there is not")))
}

/// A part by its class.
fn part(layers: &mut Layers, given: &[ValueId], name: &str) -> Result<ValueId> {
    let module = layers.module(name).cloned().unwrap_or_default();
    let x = given[0];
    let inner = |part: &str| format!("{name}.{part}");
    let is = |attribute: &str| module.attributes.get(attribute) == Some(&Attribute::Bool(true));
    Ok(match modules::class(&module) {
        "Conv" | "DWConv" => convolution(layers, x, name)?,
        "Conv2d" => layers.conv(x, name, 1)?,
        "Sequential" => within(layers, x, name)?.pop().unwrap_or(x),
        "Bottleneck" => {
            let y = convolution(layers, x, &inner("cv1"))?;
            let y = convolution(layers, y, &inner("cv2"))?;
            shortcut(layers, x, y, is("add"))?
        }
        "C2f" | "C3k2" => {
            let y = convolution(layers, x, &inner("cv1"))?;
            let mut parts = layers.b.split_evenly(y, 0, 2)?;
            let more = within(layers, parts[1], &inner("m"))?;
            parts.extend(more);
            let y = layers.concat(&parts)?;
            convolution(layers, y, &inner("cv2"))?
        }
        "C3" | "C3k" => {
            let y = convolution(layers, x, &inner("cv1"))?;
            let y = part(layers, &[y], &inner("m"))?;
            let other = convolution(layers, x, &inner("cv2"))?;
            let y = layers.concat(&[y, other])?;
            convolution(layers, y, &inner("cv3"))?
        }
        "SPPF" => {
            let mut parts = vec![convolution(layers, x, &inner("cv1"))?];
            let count = modules::number(&module, "n").unwrap_or(3.0) as usize;
            for k in 0..count.min(MOST_PARTS) {
                parts.push(layers.max_pool(parts[k], &inner("m"), 5, 1, 2, false)?);
            }
            let y = layers.concat(&parts)?;
            let y = convolution(layers, y, &inner("cv2"))?;
            shortcut(layers, x, y, is("add"))?
        }
        "C2PSA" => {
            let y = convolution(layers, x, &inner("cv1"))?;
            let parts = layers.b.split_evenly(y, 0, 2)?;
            let y = part(layers, &[parts[1]], &inner("m"))?;
            let y = layers.concat(&[parts[0], y])?;
            convolution(layers, y, &inner("cv2"))?
        }
        "PSABlock" => {
            let y = attention(layers, x, &inner("attn"))?;
            let x = shortcut(layers, x, y, is("add"))?;
            let y = part(layers, &[x], &inner("ffn"))?;
            shortcut(layers, x, y, is("add"))?
        }
        "Concat" => layers.concat(given)?,
        "Upsample" => {
            let scale = modules::number(&module, "scale_factor").unwrap_or(0.0) as f32;
            let mode = module.attributes.get("mode");
            if mode != Some(&Attribute::Text("nearest".into())) {
                return Err(modules::unknown(name, "no repetition of pixels"));
            }
            let nearest = Interpolation::Nearest(Rounding::Floor);
            let resize = Resize::new(nearest, Coordinates::Asymmetric);
            let scales = [scale, scale];
            layers
                .b
                .resize(x, &[1, 2], Extent::Scales(&scales), &resize)?
        }
        _ if modules::is_identity(&module) => x,
        class => return Err(modules::unknown(name, format!("a {class}"))),
    })
}

/// What each of the parts that a list holds makes of what the one before made.
fn within(layers: &mut Layers, x: ValueId, name: &str) -> Result<Vec<ValueId>> {
    let mut made = Vec::new();
    for number in 0..MOST_PARTS {
        let inner = format!("{name}.{number}");
        if layers.module(&inner).is_none() {
            break;
        }
        let x = made.last().copied().unwrap_or(x);
        made.push(part(layers, &[x], &inner)?);
    }
    Ok(made)
}

/// A convolution, its BatchNorm unless that is folded, and its function.
fn convolution(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let names = ["conv", "bn"].map(|part| format!("{name}.{part}"));
    let x = layers.conv_norm(x, [&names[0], &names[1]], 1, Act::None)?;
    layers.act_named(x, &format!("{name}.act"), Act::Silu)
}

fn shortcut(layers: &mut Layers, x: ValueId, y: ValueId, is_there: bool) -> Result<ValueId> {
    match is_there {
        true => layers.add(x, y),
        false => Ok(y),
    }
}

/// Attention among all pixels, and a convolution that tells their places.
fn attention(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let module = layers.module(name).cloned().unwrap_or_default();
    if modules::class(&module) != "Attention" {
        return Err(modules::unknown(
            name,
            format!("a {}", modules::class(&module)),
        ));
    }
    let number = |attribute| modules::number(&module, attribute).unwrap_or(0.0);
    let [heads, key, value] =
        ["num_heads", "key_dim", "head_dim"].map(|attribute| number(attribute).min(WIDEST) as i64);
    let shape: Vec<i64> = layers.b.shape(x).iter().map(|&n| n as i64).collect();
    let qkv = convolution(layers, x, &format!("{name}.qkv"))?;
    let b = &mut layers.b;
    let rows = b.reshape(qkv, &[heads, 2 * key + value, -1])?;
    let parts = b.split(rows, 1, &[key, key, value])?;
    let q = b.affine(parts[0], number("scale") as f32, 0.0)?;
    let q = b.transpose(q, &[0, 2, 1])?;
    let scores = b.matmul(q, parts[1])?;
    let weights = b.softmax(scores, -1)?;
    let weights = b.transpose(weights, &[0, 2, 1])?;
    let mixed = b.matmul(parts[2], weights)?;
    let mixed = b.reshape(mixed, &shape)?;
    let values = b.reshape(parts[2], &shape)?;
    let places = convolution(layers, values, &format!("{name}.pe"))?;
    let sum = layers.add(mixed, places)?;
    convolution(layers, sum, &format!("{name}.proj"))
}

/// Boxes, \[cells, 4\], and the scores of their classes before the sigmoid, \[cells, classes\], of images whose cells
/// are of several sizes. Returns the scores.
fn detect(layers: &mut Layers, given: &[ValueId], name: &str) -> Result<ValueId> {
    // Some have heads of their own for going without a suppression of boxes, and say if these are meant.
    let module = layers.module(name).cloned().unwrap_or_default();
    let asked = module.attributes.get("_end2end") == Some(&Attribute::Bool(true));
    let alone = asked || !layers.any(&format!("{name}.cv2."));
    if alone && !layers.any(&format!("{name}.one2one_cv2.")) {
        return Err(layers.differs("its boxes are laid about anchors, as in YOLOv5".into()));
    }
    let heads = match alone {
        true => ["one2one_cv2", "one2one_cv3"],
        false => ["cv2", "cv3"],
    };
    let [_, height, _] = *layers.b.shape(layers.input()) else {
        return Err(layers.differs("it is given no image".into()));
    };
    let (mut parts, mut anchors, mut strides) =
        ([Vec::new(), Vec::new()], [vec![], vec![]], vec![]);
    for (level, &x) in given.iter().enumerate() {
        let [rows, columns] = layers.size(x);
        for (head, parts) in heads.iter().zip(&mut parts) {
            let y = part(layers, &[x], &format!("{name}.{head}.{level}"))?;
            let channels = layers.channels(y) as i64;
            parts.push(layers.b.reshape(y, &[channels, -1])?);
        }
        for cell in 0..rows * columns {
            anchors[0].push((cell % columns) as f32 + 0.5);
            anchors[1].push((cell / columns) as f32 + 0.5);
            strides.push(height as f32 / rows as f32);
        }
    }
    let [distances, scores] = parts;
    let distances = layers.b.concat(&distances, 1)?;
    let scores = layers.b.concat(&scores, 1)?;
    let cells = strides.len();
    // Left, top, right and bottom of a cell's middle, each as the mean of a distribution if there is one.
    let expected = format!("{name}.dfl.conv.weight");
    let distances = match layers.has(&expected) {
        true => {
            let bins = layers.value(&expected)?;
            let bins = layers.b.reshape(bins, &[1, -1])?;
            let count = layers.b.shape(bins)[1] as i64;
            let y = layers.b.reshape(distances, &[4, count, cells as i64])?;
            let y = layers.b.transpose(y, &[0, 2, 1])?;
            let y = layers.b.softmax(y, -1)?;
            let y = layers.b.linear(y, bins, None)?;
            layers.b.reshape(y, &[4, cells as i64])?
        }
        false => distances,
    };
    // The other heads, and those of masks and keypoints.
    layers.leave(&format!("{name}."));
    let b = &mut layers.b;
    let anchors = b.constant(Constant::f32(&[2, cells], anchors.concat())?)?;
    let strides = b.constant(Constant::f32(&[1, cells], strides)?)?;
    let sides = b.split(distances, 0, &[2, 2])?;
    let apart = b.binary(Binary::Sub, sides[1], sides[0])?;
    let apart = b.affine(apart, 0.5, 0.0)?;
    let middle = b.binary(Binary::Add, anchors, apart)?;
    let size = b.binary(Binary::Add, sides[0], sides[1])?;
    let boxes = b.concat(&[middle, size], 0)?;
    let boxes = b.binary(Binary::Mul, boxes, strides)?;
    let boxes = b.transpose(boxes, &[1, 0])?;
    let scores = b.transpose(scores, &[1, 0])?;
    b.output(SCORES, scores);
    b.output(BOXES, boxes);
    layers.detector = Some(Detector {
        boxes: BOXES.into(),
        scores: SCORES.into(),
        classes: layers.b.shape(scores)[1],
        background: false,
    });
    Ok(scores)
}
