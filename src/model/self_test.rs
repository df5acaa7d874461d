//! Proof that a device computes what the CPU computes, before anything it says is shown.

use burn::tensor::{Device, Tensor, TensorData};

use super::Trace;
use super::checkpoint::Checkpoint;
use super::layer::{
    Convolution, Kernels, Linear, MaxPool, Padding, Part, Source, global_average_pool,
};
use crate::attribution::read;
use crate::error::{Error, Result};
use crate::kernel::{Activation, Filter};

/// Largest relative difference allowed between two devices, in f32.
const TOLERANCE: f32 = 1e-3;
/// Odd on purpose: kernels go wrong at the edges first.
const SIZE: usize = 37;

/// Runs a small network with every kind of layer that the shipped ones have, the 1×1
/// convolution of stride 2 included, forward and backward on `device` and on the CPU.
///
/// Some drivers drop a wrong shader in silence and answer with zeros; this is where it shows.
///
/// # Errors
///
/// [`Error::SelfTest`] if logits or input gradient differ by more than a thousandth of their
/// largest value, [`Error::Device`] if the device fails.
pub async fn self_test(device: &Device) -> Result<()> {
    let expected = run(&Device::flex()).await?;
    let found = run(device).await?;
    for ((what, expected), (_, found)) in expected.iter().zip(&found) {
        let scale = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let difference =
            expected
                .iter()
                .zip(found)
                .map(|(e, f)| (e - f).abs())
                .fold(
                    0.0f32,
                    |m, d| if d.is_nan() { f32::INFINITY } else { m.max(d) },
                )
                / scale;
        if difference.is_nan() || difference > TOLERANCE {
            return Err(Error::SelfTest {
                what,
                difference,
                tolerance: TOLERANCE,
            });
        }
    }
    Ok(())
}

/// Logits of the test network for a batch of two, their input gradient, and that between the two.
async fn run(device: &Device) -> Result<[(&'static str, Vec<f32>); 3]> {
    let device = device.clone().autodiff();
    let mut noise = Noise(1);
    let mut checkpoint = Checkpoint::default();
    let mut conv = |filter: Filter, padding: Padding| -> Result<Convolution> {
        let dims = filter.weight_dims();
        let scale = (2.0 / (dims[1] * filter.taps()) as f32).sqrt();
        let weight = noise.take(dims.iter().product(), scale);
        checkpoint.insert("c.weight", dims.to_vec(), weight)?;
        let bias = noise.take(dims[0], 0.1);
        checkpoint.insert("c.bias", vec![dims[0]], bias)?;
        let source = &mut Source {
            checkpoint: &mut checkpoint,
            device: &device,
            kernels: Kernels::Own,
        };
        Convolution::load(source, &Part::new("c", None, filter), padding)
    };
    let stem = Filter::dense(3, 8, 7, 2);
    let wide = Filter::dense(8, 64, 3, 2);
    let shortcut = Filter::dense(8, 64, 1, 2);
    let deep = Filter::dense(64, 64, 3, 1);
    let depthwise = Filter::depthwise(64, 5, 2);
    let pointwise = Filter::dense(64, 24, 1, 1);
    let stem = conv(stem, Padding::Even(3))?;
    let wide = conv(wide, Padding::Even(1))?;
    let shortcut = conv(shortcut, Padding::Even(0))?;
    let deep = conv(deep, Padding::Even(1))?;
    let depthwise = conv(depthwise, Padding::Same)?;
    let pointwise = conv(pointwise, Padding::Same)?;
    checkpoint.insert("fc.weight", vec![10, 24], noise.take(240, 0.3))?;
    checkpoint.insert("fc.bias", vec![10], noise.take(10, 0.1))?;
    let source = &mut Source {
        checkpoint: &mut checkpoint,
        device: &device,
        kernels: Kernels::Own,
    };
    let fc = Linear::load(source, "fc", 24)?;
    let max_pool = MaxPool::new(source);

    let input = noise.take(2 * 3 * SIZE * SIZE, 1.0);
    let forward = |input: Tensor<4>, trace: &mut Trace| {
        let x = stem.forward(input, Activation::Relu, trace);
        let x = max_pool.three_by_three(x, trace);
        let residual = shortcut.forward(x.clone(), Activation::Identity, trace);
        let x = wide.forward_add(x, residual, Activation::Relu, trace);
        let x = deep.forward(x, Activation::Relu, trace);
        let x = depthwise.forward(x, Activation::Relu6, trace);
        let x = pointwise.forward(x, Activation::Relu6, trace);
        fc.forward(global_average_pool(x.clone()) + max_pool.global(x, trace))
    };
    let gradient = |mut trace: Trace| {
        let input = TensorData::new(input.clone(), [2, 3, SIZE, SIZE]);
        let input = Tensor::<4>::from_data(input, &device).require_grad();
        let logits = forward(input.clone(), &mut trace);
        let gradients = logits.clone().slice([0..2, 3..4]).sum().backward();
        let gradient = input.grad(&gradients).ok_or_else(|| Error::Device {
            device: "backend",
            reason: "no gradient reached the input".into(),
        })?;
        Ok::<_, Error>((logits.inner(), gradient))
    };
    let (logits, at_points) = gradient(Trace::none())?;
    let (_, between_points) = gradient(Trace::secants())?;
    Ok([
        ("the output", read(logits).await?),
        ("the input gradient", read(at_points).await?),
        ("the gradient along a path", read(between_points).await?),
    ])
}

/// Reproducible values, spread evenly over −1..1 (Steele et al. 2014, splitmix64).
struct Noise(u64);

impl Noise {
    fn take(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.next() * scale).collect()
    }

    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}
