//! Products of two values that both may depend on the image.

use super::array::{Array, Ends, Executor, dims, expand, with_images};
use super::elementwise::{Operand, aligned, summed_to};

/// Matrices \[…, M, K\] × \[…, K, L\]; `shape`: that of the product, without images.
pub(super) fn product<B: Executor>(
    a: Array<B>,
    b: Array<B>,
    shape: &[usize],
    images: usize,
) -> Array<B> {
    let outer = &shape[..shape.len() - 2];
    let [a, b] = [a, b].map(|x| stacked::<B>(x, outer, images));
    B::product(a, b)
}

/// The mean gradients of both factors.
pub(super) fn product_gradient<B: Executor>(
    operands: [Operand<B>; 2],
    shape: &[usize],
    gradient: Array<B>,
) -> [Option<Array<B>>; 2] {
    let images = dims::<B>(&gradient)[0];
    let outer = &shape[..shape.len() - 2];
    let [a, b] = operands;
    let gradient = stacked::<B>(gradient, outer, images);
    let of_a = of_factor::<B>(
        &a,
        |gradient, b| B::product(gradient, turned::<B>(b)),
        &b,
        outer,
        gradient.clone(),
        images,
    );
    let of_b = of_factor::<B>(
        &b,
        |gradient, a| B::product(turned::<B>(a), gradient),
        &a,
        outer,
        gradient,
        images,
    );
    [of_a, of_b]
}

/// The gradient of one factor, of that of the product and the other factor.
fn of_factor<B: Executor>(
    factor: &Operand<B>,
    product: impl Fn(Array<B>, Array<B>) -> Array<B>,
    other: &Operand<B>,
    outer: &[usize],
    gradient: Array<B>,
    images: usize,
) -> Option<Array<B>> {
    let Operand::Varies(_, shape) = factor else {
        return None;
    };
    let other = match other {
        Operand::Constant(value) => value.clone(),
        Operand::Varies(ends, _) => ends.clone().map(Ends::mean)?,
    };
    let made = product(gradient, stacked::<B>(other, outer, images));
    Some(summed_to::<B>(made, shape))
}

/// Matrices \[…, M, K\] → \[…, K, M\], for a product: they stay where they lie.
fn turned<B: Executor>(x: Array<B>) -> Array<B> {
    let rank = dims::<B>(&x).len();
    B::float_swap_dims(x, rank - 2, rank - 1)
}

/// \[N, …, M, K\] → \[N, outer…, M, K\], repeated where there is one for several.
fn stacked<B: Executor>(x: Array<B>, outer: &[usize], images: usize) -> Array<B> {
    let x = aligned::<B>(x, outer.len() + 3);
    let shape = dims::<B>(&x);
    let matrix = &shape[shape.len() - 2..];
    expand::<B>(x, &with_images(images, &[outer, matrix].concat()))
}
