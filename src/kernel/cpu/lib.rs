//! Convolutions, activations and max-pools on the CPU: one thread, vectors as wide as the machine has them.
//!
//! The same code runs natively (AVX-512, AVX2, SSE, NEON, chosen at run time) and in the browser
//! (128-bit SIMD of WebAssembly).
#![allow(
    clippy::extra_unused_type_parameters,
    clippy::needless_lifetimes,
    reason = "`with_simd` compiles a function for each width of vectors, and wants its lifetimes named"
)]

mod activation;
mod bottleneck;
mod concat;
mod dense;
mod depthwise;
mod function;
mod geometry;
mod linear;
mod lines;
mod machine;
mod matrix;
mod max_pool;
mod pair;
mod product;
mod rows;
mod single;
mod spare;
mod strided;
pub mod training;
mod transpose;
mod vector;
mod walk;
mod winograd;

use std::cell::RefCell;

pub use activation::{Gate, activate, secant_gradient};
pub use bottleneck::{Bottleneck, Derivatives, Keep, Kept, Slopes, State, Weights};
pub use concat::concat;
pub use function::{Function, Gating, has_slopes, map, map_gradient, map_with_slopes};
pub use geometry::{Activation, Filter, Geometry, Phase, Size, Used};
pub use linear::{is_linear, linear, linear_gradient, pack_linear};
pub use matrix::matrix_products;
pub use max_pool::{max_pool, max_pool_gradient, max_pool_secant_gradient};
pub use pair::{Pairing, Spread, multiply_by_mean, pair, paired, weighted_sums};
pub use rows::{Rows, rows, rows_gradient, softmax_gradient_at};
pub use spare::{copy, give_back};
pub use strided::{Strided, add_part, in_order};
pub use transpose::transpose;
use walk::{Direction, Walk};

/// What is added to the sums, and what they are clamped to.
#[derive(Clone, Copy)]
struct Epilogue<'a> {
    /// One value for each target channel.
    bias: Option<&'a [f32]>,
    /// As long as the target.
    residual: Option<&'a [f32]>,
    activation: Activation,
}

#[derive(Default)]
struct Scratch {
    /// Of dense filters, and a plane of depthwise ones.
    source: walk::Planes,
    plane: Vec<f32>,
    panel: Vec<f32>,
    apart: Vec<f32>,
    winograd: winograd::Scratch,
}

thread_local! {
    /// Kept from call to call: the largest layer decides.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Brings weights \[out, in / groups, k, k\] into the order that [`forward`] and [`backward`] read.
pub fn pack(weight: &[f32], filter: &Filter) -> Vec<f32> {
    if filter.groups > 1 {
        let groups = weight.chunks_exact(weight.len() / filter.groups);
        groups
            .flat_map(|weight| pack(weight, &filter.of_group()))
            .collect()
    } else if filter.depthwise {
        weight.to_vec()
    } else if winograd::suits(filter) {
        winograd::pack(weight, filter)
    } else {
        dense::pack(weight, filter)
    }
}

/// `activation(convolution(input) + bias + residual)` for a batch of images \[N, C, H, W\].
pub fn forward(
    g: &Geometry,
    input: &[f32],
    packed: &[f32],
    bias: &[f32],
    residual: Option<&[f32]>,
    activation: Activation,
) -> Vec<f32> {
    let [given, made] = g.values();
    let images = input.len() / given;
    let mut output = spare::values(images * made);
    let walk = Walk::new(g, Direction::Forward);
    for (k, (input, output)) in input
        .chunks_exact(given)
        .zip(output.chunks_exact_mut(made))
        .enumerate()
    {
        let epilogue = Epilogue {
            bias: Some(bias),
            residual: residual.map(|r| &r[k * made..][..made]),
            activation,
        };
        groups(
            g,
            Direction::Forward,
            &walk,
            input,
            packed,
            epilogue,
            output,
        );
    }
    output
}

/// The gradient of the input, given that of the convolution's sums: \[N, out, H', W'\] to
/// \[N, in, H, W\]; added to `others`, if there are any.
pub fn backward(
    g: &Geometry,
    gradient: &[f32],
    packed: &[f32],
    others: Option<&[f32]>,
) -> Vec<f32> {
    let [made, given] = g.values();
    // What goes by the stride's remainders is written by nothing that adds.
    let (inside, after) = match g.filter.stride {
        1 => (others, None),
        _ => (None, others),
    };
    let images = gradient.len() / given;
    let walk = Walk::new(g, Direction::Backward);
    // Where the stride steps over pixels, nothing is written.
    let mut input = match walk.reaches_all(g.filter.stride) {
        true => spare::values(images * made),
        false => vec![0.0; images * made],
    };
    for (k, (gradient, input)) in gradient
        .chunks_exact(given)
        .zip(input.chunks_exact_mut(made))
        .enumerate()
    {
        let epilogue = Epilogue {
            bias: None,
            residual: inside.map(|others| &others[k * made..][..made]),
            activation: Activation::Identity,
        };
        groups(
            g,
            Direction::Backward,
            &walk,
            gradient,
            packed,
            epilogue,
            input,
        );
    }
    if let Some(others) = after {
        strided::add_all(&mut input, others);
    }
    input
}

/// An image, whose groups of channels lie behind each other: each is read and written where it lies.
#[allow(clippy::too_many_arguments)]
fn groups(
    g: &Geometry,
    direction: Direction,
    walk: &Walk,
    given: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    target: &mut [f32],
) {
    let groups = g.filter.groups;
    let one = Geometry {
        filter: g.filter.of_group(),
        ..*g
    };
    let one_of = |values: &'_ [f32]| values.len() / groups;
    let (made, sources) = (target.len() / groups, given.chunks_exact(one_of(given)));
    let weights = packed.chunks_exact(one_of(packed));
    let targets = target.chunks_exact_mut(made);
    for (k, ((given, packed), target)) in sources.zip(weights).zip(targets).enumerate() {
        let part = |values: &'_ [f32]| k * one_of(values)..(k + 1) * one_of(values);
        let epilogue = Epilogue {
            bias: epilogue.bias.map(|values| &values[part(values)]),
            residual: epilogue.residual.map(|values| &values[part(values)]),
            ..epilogue
        };
        image(&one, direction, walk, given, packed, epilogue, target);
    }
}

fn image(
    g: &Geometry,
    direction: Direction,
    walk: &Walk,
    given: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    target: &mut [f32],
) {
    SCRATCH.with_borrow_mut(
        |Scratch {
             source,
             plane,
             panel,
             apart,
             winograd,
         }| {
            if winograd::suits(&g.filter) {
                winograd::run(g, direction, given, packed, epilogue, target, winograd);
            } else if g.filter.depthwise {
                depthwise::run(
                    walk,
                    given,
                    packed,
                    g.filter.channels_in,
                    epilogue,
                    target,
                    plane,
                );
            } else {
                dense::run(
                    &g.filter, direction, walk, given, packed, epilogue, target, source, panel,
                    apart,
                );
            }
        },
    );
}

/// Keeps the vectors busy with multiply-adds and nothing else, for benchmarks that want to know
/// what the machine can do at most. The number of floating-point operations done.
pub fn busy(times: usize) -> usize {
    vector::busy(times)
}
