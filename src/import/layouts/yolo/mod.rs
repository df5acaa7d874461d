//! YOLO as a training saves it, in `best.pt`: Ultralytics' detectors and classifiers from YOLOv3 to 26, and YOLOv5, 7 and 9
//! of their authors' own repositories. Of networks that find outlines or keypoints, too, only the boxes.
//!
//! The file holds the whole module: which parts there are, what each of them is given, and how it is set. A part of a
//! class that is not here is refused.
//!
//! # Source
//!
//! Ultralytics' `nn/tasks.py` (`parse_model`) and `nn/modules`; `models/yolo.py`, `common.py` of ultralytics/yolov5,
//! WongKinYiu/yolov7 and WongKinYiu/yolov9.

mod attention;
mod convolution;
mod head;
mod part;

use violet_graph::{Extent, ValueId};
use violet_weights::{Attribute, Module};

use self::part::part;
use super::catalogue::View;
use super::layers::Layers;
use super::modules;
use crate::error::Result;

/// Pixels of a cell of its widest grid, which its images' sides are multiples of.
const STRIDE: usize = 32;

/// The layer that sees the image, by what stands before it: nothing, a part that moves pixels and has weights, one that
/// has none.
pub(super) const FIRST: [&str; 3] = ["0.conv.weight", "0.conv.conv.weight", "1.conv.weight"];

/// Whether it is YOLO, from which other networks have such a first layer, too: its head, or the blocks after two
/// convolutions.
fn is_yolo(view: &View<'_>) -> bool {
    let blocks = ["1.conv.weight", "2.cv1.conv.weight"];
    [".anchors", ".dfl.conv.weight"]
        .into_iter()
        .any(|end| ends(view, end))
        || blocks.iter().all(|name| view.has(name))
}

/// Whether a name of the network ends so.
fn ends(view: &View<'_>, end: &str) -> bool {
    let mut names = view.shapes.keys();
    names.any(|name| name.starts_with(view.prefix) && name.ends_with(end))
}

pub(super) fn starts_with_convolution(view: &View<'_>) -> bool {
    is_yolo(view)
}

pub(super) fn starts_with_focus(view: &View<'_>) -> bool {
    view.dim(FIRST[1], 1) == 12 && is_yolo(view)
}

pub(super) fn starts_without_weights(view: &View<'_>) -> bool {
    let first = format!("{}0.", view.prefix);
    let mut names = view.shapes.keys();
    !names.any(|name| name.starts_with(&first)) && is_yolo(view)
}

/// Height and width as it is trained, if the file says nothing: what ends in one linear layer classifies.
pub(super) fn usual_size(view: &View<'_>) -> usize {
    match ends(view, ".linear.weight") {
        true => 224,
        false => 640,
    }
}

/// Height and width as its training rounds them.
pub(super) fn rounded(size: [usize; 2]) -> [usize; 2] {
    size.map(|side| side.next_multiple_of(STRIDE))
}

/// Parts in their order, each given what the one before made, or what it names.
pub(super) fn network(layers: &mut Layers) -> Result<ValueId> {
    layers.shares = true;
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
        let from = from(&module, made.len());
        let given = given(layers, &from, &made, &name)?;
        if modules::class(&module) == "Classify" {
            return classes(layers, &module, &given, &name);
        }
        if let Some(scores) = head::detect(layers, &module, &given, &name)? {
            return Ok(scores);
        }
        let value = match modules::class(&module) {
            "CBFuse" => fused(layers, &module, &given, &from)?,
            _ => part(layers, &given, &name)?,
        };
        made.push(value);
    }
}

/// Numbers of the parts that make what a part is given, −1 for the image: its `f` counts them from the first, or from
/// itself if it is negative.
fn from(module: &Module, number: usize) -> Vec<i64> {
    let from = match module.attributes.get("f") {
        Some(Attribute::Number(from)) => vec![*from],
        Some(Attribute::Numbers(from)) => from.clone(),
        _ => vec![-1.0],
    };
    let absolute = |from: f64| match from as i64 {
        from if from < 0 => number as i64 + from,
        from => from,
    };
    from.into_iter().map(absolute).collect()
}

fn given(layers: &Layers, from: &[i64], made: &[ValueId], name: &str) -> Result<Vec<ValueId>> {
    let value = |&from: &i64| match from {
        -1 => Some(layers.input()),
        from => made.get(usize::try_from(from).ok()?).copied(),
    };
    let given: Option<Vec<ValueId>> = from.iter().map(value).collect();
    given
        .filter(|given| !given.is_empty())
        .ok_or_else(|| layers.differs(format!("part {name} is given what there is not")))
}

/// Scores of classes.
fn classes(layers: &mut Layers, module: &Module, given: &[ValueId], name: &str) -> Result<ValueId> {
    // YOLOv5's own repository gives its classifiers what most are given.
    if module.class.starts_with("models.") {
        layers.shares = false;
    }
    let x = layers.concat(given)?;
    let x = part(layers, &[x], &format!("{name}.conv"))?;
    let x = layers.pooled(x)?;
    layers.linear(x, &format!("{name}.linear"))
}

/// The sum of images: of each of those given but the last, which CBLinear made, the channels that `idx` names, enlarged
/// to the last one's size.
fn fused(layers: &mut Layers, module: &Module, given: &[ValueId], from: &[i64]) -> Result<ValueId> {
    let numbers = |module: &Module, name: &str| match module.attributes.get(name) {
        Some(Attribute::Numbers(numbers)) => numbers.iter().map(|&n| n as usize).collect(),
        _ => Vec::new(),
    };
    let chosen = numbers(module, "idx");
    let Some((&(mut sum), before)) = given.split_last() else {
        return Err(layers.differs("a sum of nothing".into()));
    };
    let size = layers.size(sum).map(|side| side as i64);
    for (k, &x) in before.iter().enumerate() {
        let source = layers
            .module(&from[k].to_string())
            .cloned()
            .unwrap_or_default();
        let channels = numbers(&source, "c2s");
        let (Some(&index), true) = (
            chosen.get(k),
            channels.iter().sum::<usize>() == layers.channels(x),
        ) else {
            return Err(layers.differs("what is summed has not the channels that it names".into()));
        };
        let start: usize = channels.iter().take(index).sum();
        let end = start + channels.get(index).copied().unwrap_or(0);
        let x = layers
            .b
            .slice(x, &[start as i64], &[end as i64], &[0], &[])?;
        let x = part::repeated(layers, x, Extent::Sizes(&size))?;
        sum = layers.add(sum, x)?;
    }
    Ok(sum)
}
