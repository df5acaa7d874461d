//! Networks of PyTorch's own tutorials and examples, which many notebooks begin with: told by the shape of every layer, and
//! built as their pages have them.
//!
//! # Source
//!
//! “Training a Classifier” (`cifar_net.pth`), “Quickstart” (`model.pth`), and `mnist/main.py` of pytorch/examples
//! (`mnist_cnn.pt`), today's and those of before 2020.

use violet_graph::ValueId;

use super::catalogue::View;
use super::head::head;
use super::layers::{Act, Assumed, Layers, Pad};
use crate::error::Result;

const AUTHOR: &str = "PyTorch's tutorials";
const CIFAR: Assumed = Assumed {
    exporter: AUTHOR,
    rule: "value / 127.5 − 1",
    mean: 127.5,
    std: 127.5,
};
const MNIST: Assumed = Assumed {
    exporter: AUTHOR,
    rule: "(value / 255 − 0.1307) / 0.3081",
    mean: 0.1307 * 255.0,
    std: 0.3081 * 255.0,
};
const QUICKSTART: Assumed = Assumed {
    exporter: AUTHOR,
    rule: "value / 255",
    mean: 0.0,
    std: 255.0,
};

/// Shapes of the MNIST example's two convolutions and first layer; the last are of before 2020 and of before 2018.
const MNIST_SHAPES: [[&[usize]; 3]; 3] = [
    [&[32, 1, 3, 3], &[64, 32, 3, 3], &[128, 9216]],
    [&[20, 1, 5, 5], &[50, 20, 5, 5], &[500, 800]],
    [&[10, 1, 5, 5], &[20, 10, 5, 5], &[50, 320]],
];

fn shapes<const N: usize>(view: &View<'_>, names: [&str; N], shapes: [&[usize]; N]) -> bool {
    let pairs = names.into_iter().zip(shapes);
    pairs
        .into_iter()
        .all(|(name, shape)| view.dims(&format!("{name}.weight")) == shape)
}

pub(super) fn is_cifar(view: &View<'_>) -> bool {
    let layers = ["conv1", "conv2", "fc1", "fc2"];
    shapes(
        view,
        layers,
        [&[6, 3, 5, 5], &[16, 6, 5, 5], &[120, 400], &[84, 120]],
    ) && view.dim("fc3.weight", 1) == 84
}

pub(super) fn is_mnist(view: &View<'_>) -> bool {
    let layers = ["conv1", "conv2", "fc1"];
    let known = MNIST_SHAPES.into_iter();
    let is = known.into_iter().any(|known| shapes(view, layers, known));
    is && view.dim("fc2.weight", 1) == view.dim("fc1.weight", 0) && !view.has("fc3.weight")
}

pub(super) fn is_quickstart(view: &View<'_>) -> bool {
    let layers = ["linear_relu_stack.0", "linear_relu_stack.2"];
    shapes(view, layers, [&[512, 784], &[512, 512]])
        && view.dim("linear_relu_stack.4.weight", 1) == 512
}

/// A convolution without padding, and its rectifier.
fn conv(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let x = layers.conv_padded(x, name, 1, Pad::None)?;
    layers.act(x, Act::Relu)
}

fn halved(layers: &mut Layers, x: ValueId) -> Result<ValueId> {
    layers.max_pool(x, "pool", 2, 2, 0, false)
}

/// Layers in a row, a rectifier after each but the last.
fn rows(layers: &mut Layers, x: ValueId, names: &[&str]) -> Result<ValueId> {
    let mut x = layers.flat(x)?;
    let Some((last, before)) = names.split_last() else {
        return Ok(x);
    };
    for name in before {
        x = layers.linear(x, name)?;
        x = layers.act(x, Act::Relu)?;
    }
    head(layers, x, last)
}

pub(super) fn cifar(layers: &mut Layers) -> Result<ValueId> {
    layers.scaling = Some(CIFAR);
    let mut x = layers.input();
    for name in ["conv1", "conv2"] {
        x = conv(layers, x, name)?;
        x = halved(layers, x)?;
    }
    rows(layers, x, &["fc1", "fc2", "fc3"])
}

pub(super) fn mnist(layers: &mut Layers) -> Result<ValueId> {
    layers.scaling = Some(MNIST);
    // Before 2020 each convolution was halved, and its kernel was of 5×5.
    let each = layers.dims("conv1.weight").last() == Some(&5);
    let mut x = layers.input();
    for (name, last) in [("conv1", false), ("conv2", true)] {
        x = conv(layers, x, name)?;
        if each || last {
            x = halved(layers, x)?;
        }
    }
    rows(layers, x, &["fc1", "fc2"])
}

pub(super) fn quickstart(layers: &mut Layers) -> Result<ValueId> {
    layers.scaling = Some(QUICKSTART);
    let names = [0, 2, 4].map(|number| format!("linear_relu_stack.{number}"));
    rows(
        layers,
        layers.input(),
        &names.each_ref().map(String::as_str),
    )
}
