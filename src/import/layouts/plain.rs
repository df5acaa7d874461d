//! Layers in a row: AlexNet, VGG, SqueezeNet.
//!
//! # Source
//!
//! torchvision's `alexnet.py`, `vgg.py`, `squeezenet.py`. In their `features`, a number that no
//! tensor has is a rectifier or a pool: which one follows from how many are left out.

use violet_graph::{Reduction, ValueId};

use super::head::head_from;
use super::layers::{Act, Layers, Pad};
use crate::error::Result;

pub(super) fn alexnet(layers: &mut Layers) -> Result<ValueId> {
    let mut x = layers.input();
    // The first filter's padding and stride are its own.
    for (number, stride, pool) in [
        (0, 4, Some(2)),
        (3, 1, Some(5)),
        (6, 1, None),
        (8, 1, None),
        (10, 1, Some(12)),
    ] {
        let name = format!("features.{number}");
        if number == 0 {
            let pads = [2; 2];
            x = layers.conv_explicit(x, &name, stride, pads)?;
        } else {
            x = layers.conv(x, &name, stride)?;
        }
        x = layers.act_named(x, &format!("features.{}", number + 1), Act::Relu)?;
        if let Some(pool) = pool {
            x = layers.max_pool(x, &format!("features.{pool}"), 3, 2, 0, false)?;
        }
    }
    let x = pooled(layers, x, 6)?;
    head_from(layers, x, "classifier", &[1, 4])
}

pub(super) fn vgg(layers: &mut Layers) -> Result<ValueId> {
    let numbers = layers.numbers("features.");
    let normed =
        |layers: &Layers, number: usize| layers.has(&format!("features.{number}.running_var"));
    let convolutions: Vec<usize> = numbers
        .iter()
        .copied()
        .filter(|&number| !normed(layers, number))
        .collect();
    let mut x = layers.input();
    for (k, &number) in convolutions.iter().enumerate() {
        x = layers.conv(x, &format!("features.{number}"), 1)?;
        let mut next = number + 1;
        if normed(layers, next) {
            x = layers.norm(x, &format!("features.{next}"))?;
            next += 1;
        }
        x = layers.act_named(x, &format!("features.{next}"), Act::Relu)?;
        next += 1;
        // A pool stands where one more number is left out, and at the end.
        if convolutions.get(k + 1) != Some(&next) {
            x = layers.max_pool(x, &format!("features.{next}"), 2, 2, 0, false)?;
        }
    }
    // Of how many pixels the first layer after them takes every channel: of 7 × 7 as torchvision's do, or of one.
    let inputs = layers.names("classifier.").into_iter().find_map(|name| {
        let &[_, inputs] = layers.dims(&name) else {
            return None;
        };
        Some(inputs)
    });
    let channels = layers.channels(x).max(1);
    let side = inputs.map_or(7, |inputs| (inputs / channels).isqrt().max(1));
    let x = pooled(layers, x, side)?;
    head_from(layers, x, "classifier", &[0, 3])
}

/// So many means of rows and columns, in a row.
fn pooled(layers: &mut Layers, x: ValueId, side: usize) -> Result<ValueId> {
    if layers.ends_as_fastai {
        return layers.pooled(x);
    }
    let x = layers.adaptive_pool(x, side)?;
    layers.flat(x)
}

pub(super) fn squeezenet(layers: &mut Layers) -> Result<ValueId> {
    let numbers = layers.numbers_from("features.", 1);
    let mut x = layers.conv_padded(layers.input(), "features.0", 2, Pad::None)?;
    x = layers.act_named(x, "features.1", Act::Relu)?;
    let mut next = 2;
    for &number in &numbers {
        for pool in next..number {
            x = layers.max_pool(x, &format!("features.{pool}"), 3, 2, 0, true)?;
        }
        next = number + 1;
        let fire = format!("features.{number}");
        let narrow = layers.conv(x, &format!("{fire}.squeeze"), 1)?;
        let narrow = layers.act(narrow, Act::Relu)?;
        let mut wide = Vec::new();
        for expand in ["expand1x1", "expand3x3"] {
            let x = layers.conv(narrow, &format!("{fire}.{expand}"), 1)?;
            wide.push(layers.act(x, Act::Relu)?);
        }
        x = layers.concat(&wide)?;
    }
    if layers.ends_as_fastai {
        let x = layers.pooled(x)?;
        return head_from(layers, x, "classifier", &[]);
    }
    // The last layer is a convolution; a rectifier follows, and then the mean.
    let x = layers.conv(x, "classifier.1", 1)?;
    let x = layers.act_named(x, "classifier.2", Act::Relu)?;
    let x = layers.b.global_pool(Reduction::Mean, x)?;
    layers.flat(x)
}
