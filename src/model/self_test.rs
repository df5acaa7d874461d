//! Proof that a device computes what the CPU computes, before anything it says is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use violet_graph::{
    Binary, Builder, Clamp, Constant, Graph, Node, Operation, Padding, Reduction, Sliding, Unary,
    ValueId,
};

use crate::attribution::read;
use crate::engine::{Left, Machine, run};
use crate::error::{Error, Result};

/// Largest relative difference allowed between two devices, in f32.
const TOLERANCE: f32 = 1e-3;
/// Elements of an operation's inputs at most, where the network has a smaller one of its kind.
const LARGE: usize = 1 << 21;

/// Runs one operation of each kind that a network has, with its own shapes, on `device` and on the CPU:
/// forward, backward at points, and between them.
///
/// Some drivers drop a wrong shader in silence and answer with zeros; this is where it shows.
///
/// # Errors
///
/// [`Error::SelfTest`] if results or gradients differ by more than a thousandth of their largest value,
/// [`Error::Device`] if the device fails.
pub async fn self_test(device: &Device, graph: &Graph) -> Result<()> {
    for node in samples(graph) {
        let sample = sample(graph, node)?;
        let expected = compute(&sample, &Device::flex()).await?;
        let found = compute(&sample, device).await?;
        let operation = node.operation().name();
        for ((what, expected), (_, found)) in expected.iter().zip(&found) {
            let difference = difference(expected, found);
            if difference.is_nan() || difference > TOLERANCE {
                return Err(Error::SelfTest {
                    what: format!("{what} of {operation}"),
                    difference,
                    tolerance: TOLERANCE,
                });
            }
        }
    }
    Ok(())
}

/// A graph with a layer of each kind that the shipped networks have, for a device that is tested before
/// any of them is there. Odd sizes on purpose: kernels go wrong at the edges first.
///
/// # Errors
///
/// None, unless the builder's limits change.
pub fn usual_layers() -> Result<Graph> {
    const RELU6: Clamp = Clamp { min: 0.0, max: 6.0 };
    let mut builder = Builder::new(&[3, 37, 37])?;
    let mut noise = Noise(2);
    let mut layer =
        |builder: &mut Builder, x: ValueId, [out, kernel, stride]: [usize; 3], groups| {
            let each = builder.shape(x)[0] / groups;
            let scale = (2.0 / (each * kernel * kernel) as f32).sqrt();
            let shape = [out, each, kernel, kernel];
            let values: Vec<f32> = noise
                .take(shape.iter().product())
                .map(|v| v * scale)
                .collect();
            let weight = builder.constant(Constant::f32(&shape, values)?)?;
            let bias: Vec<f32> = noise.take(out).map(|v| v * 0.1).collect();
            let bias = builder.constant(Constant::f32(&[out], bias)?)?;
            let padding = Padding::SameUpper;
            let sliding = Sliding {
                stride: [stride; 2],
                padding,
                ..Sliding::default()
            };
            builder.convolution(x, weight, Some(bias), &sliding, groups)
        };
    let b = &mut builder;
    let input = b.input();
    let x = layer(b, input, [8, 7, 2], 1)?;
    let x = b.relu(x)?;
    let windows = Sliding {
        stride: [2; 2],
        padding: Padding::SameLower,
        ..Sliding::default()
    };
    let x = b.max_pool(x, [3; 2], &windows)?;
    let shortcut = layer(b, x, [64, 1, 2], 1)?;
    let x = layer(b, x, [64, 3, 2], 1)?;
    let x = b.binary(Binary::Add, x, shortcut)?;
    let x = b.relu(x)?;
    let x = layer(b, x, [64, 3, 1], 1)?;
    let x = b.relu(x)?;
    let x = layer(b, x, [64, 5, 2], 64)?;
    let x = b.unary(Unary::Clip(RELU6), x)?;
    let x = layer(b, x, [24, 1, 1], 1)?;
    let x = b.unary(Unary::Clip(RELU6), x)?;
    let pooled = [Reduction::Mean, Reduction::Max].map(|reduction| b.global_pool(reduction, x));
    let [mean, max] = pooled;
    let x = b.binary(Binary::Add, mean?, max?)?;
    let x = b.reshape(x, &[-1])?;
    let weight: Vec<f32> = noise.take(240).map(|v| v * 0.3).collect();
    let weight = b.constant(Constant::f32(&[10, 24], weight)?)?;
    let x = b.linear(x, weight, None)?;
    b.output("logits", x);
    Ok(builder.finish()?.prepared()?)
}

/// The largest difference, as a share of the largest value expected.
fn difference(expected: &[f32], found: &[f32]) -> f32 {
    let scale = expected
        .iter()
        .fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
    let pairs = expected.iter().zip(found);
    let largest = pairs.fold(0.0f32, |m, (e, f)| {
        let d = (e - f).abs();
        if d.is_nan() { f32::INFINITY } else { m.max(d) }
    });
    largest / scale
}

/// One node of each kind: of equal ones the largest that is not too large.
fn samples(graph: &Graph) -> Vec<&Node> {
    let mut samples: BTreeMap<String, &Node> = BTreeMap::new();
    let size = |node: &Node| {
        let inputs = node.inputs().iter().copied().chain([node.output()]);
        inputs.map(|id| graph.value(id).elements()).sum::<usize>()
    };
    for node in graph.nodes() {
        let place = samples.entry(kind(graph, node)).or_insert(node);
        let better = match (size(place) > LARGE, size(node) > LARGE) {
            (true, _) => size(node) < size(place),
            (false, true) => false,
            (false, false) => size(node) > size(place),
        };
        if better {
            *place = node;
        }
    }
    samples.into_values().collect()
}

/// What decides which kernels run: not how many channels or pixels there are, unless they are one.
fn kind(graph: &Graph, node: &Node) -> String {
    let attributes = match node.operation() {
        Operation::Convolution(convolution) => {
            let window = convolution.window;
            let each = graph.shape(node.inputs()[1])[1];
            let depthwise = each == 1 && convolution.groups > 1;
            let (kernel, stride, dilation) = (window.kernel, window.stride, window.dilation);
            let clamp = convolution.clamp;
            format!("{kernel:?} {stride:?} {dilation:?} {depthwise} {clamp:?}")
        }
        Operation::Linear { clamp } => format!("{clamp:?}"),
        Operation::Unary(unary) => format!("{unary:?}"),
        Operation::MaxPool(window) => format!("{:?} {:?}", window.kernel, window.stride),
        _ => String::new(),
    };
    let inputs = node.inputs().iter();
    let constant: Vec<bool> = inputs.map(|&id| graph.constant(id).is_some()).collect();
    format!("{} {attributes} {constant:?}", node.operation().name())
}

/// A graph of one node, on an input that all its inputs are cut from. Constants are noise: a network that is on a
/// device keeps them as its kernels want them, and what is proven does not depend on them.
fn sample(graph: &Graph, node: &Node) -> Result<Graph> {
    let varying = |id: &&ValueId| graph.constant(**id).is_none();
    let elements = |id: &ValueId| graph.value(*id).elements();
    let length: usize = node.inputs().iter().filter(varying).map(elements).sum();
    let mut builder = Builder::new(&[length])?;
    let (whole, mut offset) = (builder.input(), 0);
    let (mut inputs, mut noise) = (Vec::new(), Noise(3));
    for (k, id) in node.inputs().iter().enumerate() {
        let shape = graph.shape(*id);
        inputs.push(match graph.constant(*id) {
            Some(_) => {
                let values = noise.take(elements(id));
                let values: Vec<f32> = match fan_in(node, k, shape) {
                    Some(fan_in) => values.map(|v| v * (2.0 / fan_in as f32).sqrt()).collect(),
                    // Above 0, as the input is.
                    None => values.map(|v| v + 1.5).collect(),
                };
                builder.constant(Constant::f32(shape, values)?)?
            }
            None => {
                let (start, end) = (offset as i64, (offset + elements(id)) as i64);
                offset += elements(id);
                let part = builder.slice(whole, &[start], &[end], &[0], &[1])?;
                let dims: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
                builder.reshape(part, &dims)?
            }
        });
    }
    builder.at(node.name());
    let made = builder.push(node.operation().clone(), &inputs)?;
    builder.output("sample", made);
    Ok(builder.finish()?)
}

/// How many products each of a layer's sums has, if that input is its weights.
fn fan_in(node: &Node, input: usize, shape: &[usize]) -> Option<usize> {
    let all = shape.iter().product::<usize>();
    match node.operation() {
        Operation::Convolution(_) | Operation::Linear { .. } if input == 1 => Some(all / shape[0]),
        Operation::ConvolutionTranspose(_) if input == 1 => Some(shape[0]),
        Operation::MatMul => Some(all / shape[shape.len() - 1]),
        _ => None,
    }
}

/// What is compared, by what it is.
type Results = [(&'static str, Vec<f32>); 3];

/// Results of a batch of two, their input's gradient, and that between the two.
async fn compute(graph: &Graph, device: &Device) -> Result<Results> {
    let machine = Arc::new(Machine::load(graph.clone(), device)?);
    let made = graph.outputs()[0].value;
    let route = Arc::new(machine.to_values(&[made]));
    let device = &device.clone().autodiff();
    let length = graph.value(graph.input()).elements();
    let mut noise = Noise(1);
    // Above 0: roots and logarithms have no values below.
    let input: Vec<f32> = noise.take(2 * length).map(|v| v + 1.5).collect();
    let weights: Vec<f32> = noise.take(2 * graph.value(made).elements()).collect();
    let tensor = |values: &[f32]| {
        let data = TensorData::new(values.to_vec(), [2, values.len() / 2]);
        Tensor::<2>::from_data(data, device)
    };
    let gradient = |left: Option<&mut Left>| {
        let input = tensor(&input).require_grad();
        let made = run(&machine, &route, input.clone(), left);
        let mut gradients = (made.clone() * tensor(&weights)).sum().backward();
        let gradient = input
            .grad_remove(&mut gradients)
            .ok_or_else(|| Error::Device {
                device: "backend",
                reason: "no gradient reached the input".into(),
            })?;
        Ok::<_, Error>((made.inner(), gradient))
    };
    let (made, at_points) = gradient(None)?;
    let (_, between_points) = gradient(Some(&mut Left::default()))?;
    Ok([
        ("the result", read(made).await?),
        ("the input gradient", read(at_points).await?),
        ("the gradient along a path", read(between_points).await?),
    ])
}

/// Reproducible values, spread evenly over −1..1 (Steele et al. 2014, splitmix64).
struct Noise(u64);

impl Noise {
    fn take(&mut self, count: usize) -> impl Iterator<Item = f32> + '_ {
        (0..count).map(|_| self.next())
    }

    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}
