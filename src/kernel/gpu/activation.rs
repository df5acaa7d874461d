//! Activations by themselves, and the two ways back through them, value by value. All of them begin at 0.

use burn::backend::TensorMetadata;
use burn_wgpu::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::empty;
use crate::kernel::Activation;

/// Threads of a workgroup.
const THREADS: u32 = 256;

/// Sums, clamped.
pub(super) fn activate(sums: CubeTensor, activation: Activation) -> CubeTensor {
    let (target, grid) = target_like(&sums);
    // SAFETY: the kernel checks its position against `length`, which both buffers have.
    #[allow(unsafe_code)]
    unsafe {
        clamp::launch_unchecked(
            &grid.client,
            grid.count,
            grid.dim,
            sums.into_buffer_arg(),
            target.clone().into_buffer_arg(),
            grid.length,
            high(activation),
        );
    }
    target
}

/// The gradient of the sums, given that of the results and the results.
pub(super) fn gradient(
    gradient: CubeTensor,
    output: CubeTensor,
    activation: Activation,
) -> CubeTensor {
    let (target, grid) = target_like(&gradient);
    // SAFETY: the kernel checks its position against `length`, which all three buffers have.
    #[allow(unsafe_code)]
    unsafe {
        mask::launch_unchecked(
            &grid.client,
            grid.count,
            grid.dim,
            gradient.into_buffer_arg(),
            output.into_buffer_arg(),
            target.clone().into_buffer_arg(),
            grid.length,
            high(activation),
        );
    }
    target
}

/// The gradient of the sums, given that of the results, by secants from the image before.
pub(super) fn secant_gradient(
    gradient: CubeTensor,
    sums: CubeTensor,
    before: CubeTensor,
    activation: Activation,
) -> CubeTensor {
    let (target, grid) = target_like(&gradient);
    let image = before.shape().num_elements();
    // SAFETY: the kernel checks its position against `length`, which gradient, sums and target have, and
    // reads `before` only at the first `image` positions, which it has.
    #[allow(unsafe_code)]
    unsafe {
        secant::launch_unchecked(
            &grid.client,
            grid.count,
            grid.dim,
            gradient.into_buffer_arg(),
            sums.into_buffer_arg(),
            before.into_buffer_arg(),
            target.clone().into_buffer_arg(),
            grid.length,
            image,
            high(activation),
        );
    }
    target
}

/// A thread for each value.
pub(super) struct Grid {
    pub(super) client: Client,
    pub(super) count: CubeCount,
    pub(super) dim: CubeDim,
    pub(super) length: usize,
}

/// A new tensor of the same shape, and the threads that fill it.
pub(super) fn target_like(tensor: &CubeTensor) -> (CubeTensor, Grid) {
    let shape = tensor.shape();
    let length = shape.num_elements();
    let client = tensor.client.clone();
    let dim = CubeDim::new_1d(THREADS);
    let grid = Grid {
        count: calculate_cube_count_elemwise(&client, length, dim),
        client,
        dim,
        length,
    };
    (empty(tensor, shape), grid)
}

fn high(activation: Activation) -> f32 {
    activation.range()[1].min(f32::MAX)
}

/// Values clamped to between 0 and `high`.
#[cube(launch_unchecked)]
fn clamp(sums: &[f32], target: &mut [f32], length: usize, high: f32) {
    if ABSOLUTE_POS >= length {
        terminate!();
    }
    target[ABSOLUTE_POS] = min(max(sums[ABSOLUTE_POS], 0.0), high);
}

/// The gradient where an output is strictly between 0 and `high`, else 0.
#[cube(launch_unchecked)]
fn mask(gradient: &[f32], output: &[f32], target: &mut [f32], length: usize, high: f32) {
    if ABSOLUTE_POS >= length {
        terminate!();
    }
    let mut value = 0.0f32;
    if output[ABSOLUTE_POS] > 0.0 && output[ABSOLUTE_POS] < high {
        value = gradient[ABSOLUTE_POS];
    }
    target[ABSOLUTE_POS] = value;
}

/// The gradient times the slope from the sum of the image before to this one's; where both are equal, as
/// [`mask`].
#[cube(launch_unchecked)]
fn secant(
    gradient: &[f32],
    sums: &[f32],
    before: &[f32],
    target: &mut [f32],
    length: usize,
    image: usize,
    high: f32,
) {
    if ABSOLUTE_POS >= length {
        terminate!();
    }
    let to = sums[ABSOLUTE_POS];
    let mut from = before[ABSOLUTE_POS % image];
    if ABSOLUTE_POS >= image {
        from = sums[ABSOLUTE_POS - image];
    }
    let run = to - from;
    let mut slope = 0.0f32;
    // Adapters may take numbers below the smallest normal one for 0, and not all in the same place.
    if run >= f32::MIN_POSITIVE || run <= -f32::MIN_POSITIVE {
        slope = (min(max(to, 0.0), high) - min(max(from, 0.0), high)) / run;
    } else if to > 0.0 && to < high {
        slope = 1.0f32;
    }
    target[ABSOLUTE_POS] = gradient[ABSOLUTE_POS] * slope;
}
