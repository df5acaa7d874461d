//! GoogLeNet and Inception v3. Their helpers in training, `aux…`, are left out.
//!
//! # Source
//!
//! torchvision's `googlenet.py` and `inception.py`.

use violet_graph::ValueId;

use super::head::head;
use super::layers::{Act, Layers, MINUS_ONE_TO_ONE, Pad};
use crate::error::Result;

/// BatchNorm's ε in both.
const EPSILON: f32 = 1e-3;

fn basic(layers: &mut Layers, x: ValueId, name: &str, stride: usize, pad: Pad) -> Result<ValueId> {
    let names = [format!("{name}.conv"), format!("{name}.bn")];
    layers.conv_norm_padded(x, [&names[0], &names[1]], stride, pad, Act::Relu)
}

/// Layers one after the other.
fn chain(layers: &mut Layers, x: ValueId, module: &str, names: &[&str]) -> Result<ValueId> {
    names.iter().try_fold(x, |x, name| {
        basic(layers, x, &format!("{module}.{name}"), 1, Pad::Half)
    })
}

/// A chain whose last layer halves the image and pads nothing.
fn halved(layers: &mut Layers, x: ValueId, module: &str, names: &[&str]) -> Result<ValueId> {
    let (last, before) = names.split_last().unwrap_or((&"", &[]));
    let x = chain(layers, x, module, before)?;
    basic(layers, x, &format!("{module}.{last}"), 2, Pad::None)
}

pub(super) fn googlenet(layers: &mut Layers) -> Result<ValueId> {
    layers.epsilon = EPSILON;
    // Whose weights are torchvision's turn ImageNet's normalisation into this.
    layers.scaling = Some(MINUS_ONE_TO_ONE);
    let mut x = basic(layers, layers.input(), "conv1", 2, Pad::Half)?;
    x = layers.max_pool(x, "maxpool1", 3, 2, 0, true)?;
    x = basic(layers, x, "conv2", 1, Pad::Half)?;
    x = basic(layers, x, "conv3", 1, Pad::Half)?;
    x = layers.max_pool(x, "maxpool2", 3, 2, 0, true)?;
    for name in ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"] {
        match name {
            "4a" => x = layers.max_pool(x, "maxpool3", 3, 2, 0, true)?,
            "5a" => x = layers.max_pool(x, "maxpool4", 2, 2, 0, true)?,
            _ => {}
        }
        let name = format!("inception{name}");
        let pooled = layers.max_pool(x, &format!("{name}.branch4.0"), 3, 1, 1, true)?;
        let branches = [
            chain(layers, x, &name, &["branch1"])?,
            chain(layers, x, &name, &["branch2.0", "branch2.1"])?,
            chain(layers, x, &name, &["branch3.0", "branch3.1"])?,
            chain(layers, pooled, &name, &["branch4.1"])?,
        ];
        x = layers.concat(&branches)?;
    }
    let x = layers.pooled(x)?;
    head(layers, x, "fc")
}

pub(super) fn inception_v3(layers: &mut Layers) -> Result<ValueId> {
    layers.epsilon = EPSILON;
    // Whose weights are torchvision's turn ImageNet's normalisation into this.
    layers.scaling = Some(MINUS_ONE_TO_ONE);
    let mut x = basic(layers, layers.input(), "Conv2d_1a_3x3", 2, Pad::None)?;
    x = basic(layers, x, "Conv2d_2a_3x3", 1, Pad::None)?;
    x = basic(layers, x, "Conv2d_2b_3x3", 1, Pad::Half)?;
    x = layers.max_pool(x, "maxpool1", 3, 2, 0, false)?;
    x = basic(layers, x, "Conv2d_3b_1x1", 1, Pad::None)?;
    x = basic(layers, x, "Conv2d_4a_3x3", 1, Pad::None)?;
    x = layers.max_pool(x, "maxpool2", 3, 2, 0, false)?;
    for name in ["5b", "5c", "5d"] {
        let name = format!("Mixed_{name}");
        let mean = layers.average_pool(x, 3, 1, 1, false)?;
        let double = ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"];
        let branches = [
            chain(layers, x, &name, &["branch1x1"])?,
            chain(layers, x, &name, &["branch5x5_1", "branch5x5_2"])?,
            chain(layers, x, &name, &double)?,
            chain(layers, mean, &name, &["branch_pool"])?,
        ];
        x = layers.concat(&branches)?;
    }
    let double = ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"];
    let branches = [
        halved(layers, x, "Mixed_6a", &["branch3x3"])?,
        halved(layers, x, "Mixed_6a", &double)?,
        layers.max_pool(x, "Mixed_6a.pool", 3, 2, 0, false)?,
    ];
    x = layers.concat(&branches)?;
    for name in ["6b", "6c", "6d", "6e"] {
        let name = format!("Mixed_{name}");
        let mean = layers.average_pool(x, 3, 1, 1, false)?;
        let double = [1, 2, 3, 4, 5].map(|k| format!("branch7x7dbl_{k}"));
        let double = double.each_ref().map(String::as_str);
        let branches = [
            chain(layers, x, &name, &["branch1x1"])?,
            chain(
                layers,
                x,
                &name,
                &["branch7x7_1", "branch7x7_2", "branch7x7_3"],
            )?,
            chain(layers, x, &name, &double)?,
            chain(layers, mean, &name, &["branch_pool"])?,
        ];
        x = layers.concat(&branches)?;
    }
    let long = [1, 2, 3, 4].map(|k| format!("branch7x7x3_{k}"));
    let branches = [
        halved(layers, x, "Mixed_7a", &["branch3x3_1", "branch3x3_2"])?,
        halved(layers, x, "Mixed_7a", &long.each_ref().map(String::as_str))?,
        layers.max_pool(x, "Mixed_7a.pool", 3, 2, 0, false)?,
    ];
    x = layers.concat(&branches)?;
    for name in ["7b", "7c"] {
        let name = format!("Mixed_{name}");
        let mean = layers.average_pool(x, 3, 1, 1, false)?;
        let forked = |layers: &mut Layers, before: &[&str], fork: [&str; 2]| {
            let x = chain(layers, x, &name, before)?;
            let parts = [
                chain(layers, x, &name, &[fork[0]])?,
                chain(layers, x, &name, &[fork[1]])?,
            ];
            layers.concat(&parts)
        };
        let double = ["branch3x3dbl_1", "branch3x3dbl_2"];
        let branches = [
            chain(layers, x, &name, &["branch1x1"])?,
            forked(layers, &["branch3x3_1"], ["branch3x3_2a", "branch3x3_2b"])?,
            forked(layers, &double, ["branch3x3dbl_3a", "branch3x3dbl_3b"])?,
            chain(layers, mean, &name, &["branch_pool"])?,
        ];
        x = layers.concat(&branches)?;
    }
    let x = layers.pooled(x)?;
    head(layers, x, "fc")
}
