//! The largest value of each window, and the way back to where it stands, plain or along a path.

use burn::backend::TensorMetadata;
use burn::tensor::{DType, Shape};
use burn_wgpu::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::empty;
use crate::kernel::Geometry;

/// Threads of a workgroup.
const THREADS: u32 = 256;

/// Windows on one axis: window `k` covers `side` positions from `k · stride − padding` on, where they are within
/// the input.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
struct Windows {
    input: usize,
    count: usize,
    side: usize,
    stride: usize,
    padding: usize,
}

#[cube]
impl Windows {
    /// The first position within a window.
    fn start(&self, window: usize) -> usize {
        max(window * self.stride, self.padding) - self.padding
    }

    /// The one after its last.
    fn end(&self, window: usize) -> usize {
        min(window * self.stride + self.side - self.padding, self.input)
    }

    /// The first window that covers a position.
    fn first(&self, position: usize) -> usize {
        let beyond = position + self.padding + self.stride;
        (max(beyond, self.side + self.stride - 1) - self.side) / self.stride
    }

    /// The one after the last.
    fn after(&self, position: usize) -> usize {
        min((position + self.padding) / self.stride + 1, self.count)
    }
}

fn windows(g: &Geometry, axis: usize) -> WindowsLaunch {
    let filter = g.filter;
    WindowsLaunch::new(
        g.input[axis],
        g.output[axis],
        filter.kernel,
        filter.stride,
        g.padding_before[axis],
    )
}

/// The largest values, and their indices in their planes.
pub(super) fn largest(input: &CubeTensor, g: &Geometry) -> (CubeTensor, CubeTensor) {
    let images = input.shape()[0];
    let [height, width] = g.output;
    let shape = Shape::from([images, g.filter.channels_out, height, width]);
    let values = empty(input, shape.clone());
    let indices = CubeTensor {
        dtype: DType::U32,
        ..empty(input, shape.clone())
    };
    let (client, length) = (input.client.clone(), shape.num_elements());
    let dim = CubeDim::new_1d(THREADS);
    // SAFETY: the kernel checks its position against `length`, which both targets have, and reads within its
    // plane of the input.
    #[allow(unsafe_code)]
    unsafe {
        pool::launch_unchecked(
            &client,
            calculate_cube_count_elemwise(&client, length, dim),
            dim,
            input.clone().into_buffer_arg(),
            values.clone().into_buffer_arg(),
            indices.clone().into_buffer_arg(),
            length,
            windows(g, 0),
            windows(g, 1),
        );
    }
    (values, indices)
}

/// The gradient of the input. `along`: the inputs and that of the point before.
pub(super) fn gradient(
    gradient: CubeTensor,
    indices: CubeTensor,
    along: Option<[CubeTensor; 2]>,
    g: &Geometry,
) -> CubeTensor {
    let images = gradient.shape()[0];
    let [height, width] = g.input;
    let shape = Shape::from([images, g.filter.channels_in, height, width]);
    let length = shape.num_elements();
    let target = empty(&gradient, shape);
    let client = gradient.client.clone();
    let dim = CubeDim::new_1d(THREADS);
    let is_along = along.is_some();
    // What the kernel does not read still has to be bound to something.
    let (input, before, old) = match along {
        Some([input, before]) => {
            let (_, old) = largest(&before, g);
            (input, before, old)
        }
        None => (gradient.clone(), gradient.clone(), indices.clone()),
    };
    // SAFETY: the kernel checks its position against `length`, which the target has, and reads what the windows
    // over its position have; indices are within their planes.
    #[allow(unsafe_code)]
    unsafe {
        spread::launch_unchecked(
            &client,
            calculate_cube_count_elemwise(&client, length, dim),
            dim,
            gradient.into_buffer_arg(),
            indices.into_buffer_arg(),
            input.into_buffer_arg(),
            before.into_buffer_arg(),
            old.into_buffer_arg(),
            target.clone().into_buffer_arg(),
            length,
            g.filter.channels_in,
            windows(g, 0),
            windows(g, 1),
            is_along,
        );
    }
    target
}

/// A thread for each window.
#[cube(launch_unchecked)]
fn pool(
    input: &[f32],
    values: &mut [f32],
    indices: &mut [u32],
    length: usize,
    vertical: Windows,
    horizontal: Windows,
) {
    if ABSOLUTE_POS >= length {
        terminate!();
    }
    let windows = vertical.count * horizontal.count;
    let plane = ABSOLUTE_POS / windows * vertical.input * horizontal.input;
    let row = ABSOLUTE_POS % windows / horizontal.count;
    let column = ABSOLUTE_POS % horizontal.count;
    let left = horizontal.start(column);
    let right = horizontal.end(column);
    let mut index = vertical.start(row) * horizontal.input + left;
    let mut largest = input[plane + index];
    for y in vertical.start(row)..vertical.end(row) {
        for x in left..right {
            let at = y * horizontal.input + x;
            let value = input[plane + at];
            if value > largest {
                largest = value;
                index = at;
            }
        }
    }
    values[ABSOLUTE_POS] = largest;
    indices[ABSOLUTE_POS] = index as u32;
}

/// A thread for each value of the input gathers from the windows over it.
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
fn spread(
    gradient: &[f32],
    indices: &[u32],
    input: &[f32],
    before: &[f32],
    old: &[u32],
    target: &mut [f32],
    length: usize,
    channels: usize,
    vertical: Windows,
    horizontal: Windows,
    #[comptime] along: bool,
) {
    if ABSOLUTE_POS >= length {
        terminate!();
    }
    let area = vertical.input * horizontal.input;
    let windows = vertical.count * horizontal.count;
    let plane = ABSOLUTE_POS / area;
    let pixel = ABSOLUTE_POS % area;
    let y = pixel / horizontal.input;
    let x = pixel % horizontal.input;
    let mut sum = 0.0f32;
    for row in vertical.first(y)..vertical.after(y) {
        for column in horizontal.first(x)..horizontal.after(x) {
            let window = plane * windows + row * horizontal.count + column;
            let new = indices[window] as usize;
            if comptime![along] {
                let first = plane < channels;
                let was = if first {
                    old[window] as usize
                } else {
                    indices[window - channels * windows] as usize
                };
                if was == pixel || new == pixel {
                    // By how much the old one leads at first, and by how much the new one does in the end.
                    let start = plane * area;
                    let loss = input[start + new] - input[start + was];
                    let lead = if first {
                        before[start + was] - before[start + new]
                    } else {
                        let start = start - channels * area;
                        input[start + was] - input[start + new]
                    };
                    let mut share = 0.0f32;
                    // Adapters may take numbers below the smallest normal one for 0.
                    if lead >= f32::MIN_POSITIVE {
                        share = lead / (lead + loss);
                    }
                    if was == pixel {
                        sum += gradient[window] * share;
                    }
                    if new == pixel {
                        sum += gradient[window] * (1.0 - share);
                    }
                }
            } else if new == pixel {
                sum += gradient[window];
            }
        }
    }
    target[ABSOLUTE_POS] = sum;
}
