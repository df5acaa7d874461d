//! Burn's primitives as the engine uses them: arrays whose first axis is that of the images.

#[cfg(feature = "gpu")]
use burn::backend::Cube;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{
    BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, Flex,
    TensorMetadata,
};
use burn::tensor::{FloatDType, IndexingUpdateOp, Shape, Slice, TensorData};

use crate::kernel::Derivatives;

/// \[N, …\], a value of N images side by side.
pub(super) type Array<B> = FloatTensor<B>;

/// A backend that graphs run on.
pub(super) trait Executor: Derivatives {
    /// A tensor of this backend.
    fn take(tensor: DispatchTensor) -> Array<Self>;

    /// The tensor for keeping.
    fn give(array: Array<Self>) -> DispatchTensor;
}

macro_rules! executor {
    ($backend:ident) => {
        impl Executor for $backend {
            fn take(tensor: DispatchTensor) -> Array<Self> {
                match tensor.kind {
                    DispatchTensorKind::$backend(tensor) => tensor.float(),
                    other => unreachable!("a network's tensors are on its device: {other:?}"),
                }
            }

            fn give(array: Array<Self>) -> DispatchTensor {
                DispatchTensor {
                    kind: DispatchTensorKind::$backend(BackendTensor::Float(array)),
                    autodiff: DispatchAutodiffContext::Disabled,
                }
            }
        }
    };
}
executor!(Flex);
#[cfg(feature = "gpu")]
executor!(Cube);

pub(super) fn dims<B: Executor>(x: &Array<B>) -> Vec<usize> {
    x.shape().to_vec()
}

/// The same elements in another shape.
pub(super) fn reshape<B: Executor>(x: Array<B>, shape: &[usize]) -> Array<B> {
    if x.shape().as_slice() == shape {
        return x;
    }
    B::reshape(x, Shape::from(shape.to_vec()))
}

/// The same elements for each image in a shape without the images.
pub(super) fn shaped<B: Executor>(x: Array<B>, shape: &[usize]) -> Array<B> {
    let images = x.shape()[0];
    reshape::<B>(x, &with_images(images, shape))
}

/// \[N, shape…\].
pub(super) fn with_images(images: usize, shape: &[usize]) -> Vec<usize> {
    std::iter::once(images)
        .chain(shape.iter().copied())
        .collect()
}

/// An array of one number, on the device of another one.
pub(super) fn full<B: Executor>(like: &Array<B>, shape: &[usize], value: f32) -> Array<B> {
    let shape = Shape::from(shape.to_vec());
    B::float_full(shape, value.into(), &like.device(), FloatDType::F32)
}

/// Indices, on the device of an array.
pub(super) fn indices<B: Executor>(like: &Array<B>, indices: &[usize]) -> IntTensor<B> {
    let indices: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
    let length = indices.len();
    B::int_from_data(TensorData::new(indices, [length]), &like.device())
}

/// Expanded along axes of length 1.
pub(super) fn expand<B: Executor>(x: Array<B>, shape: &[usize]) -> Array<B> {
    if x.shape().as_slice() == shape {
        return x;
    }
    B::float_expand(x, Shape::from(shape.to_vec()))
}

/// A part: from `starts` on, `counts` along each axis.
pub(super) fn part<B: Executor>(x: Array<B>, starts: &[usize], counts: &[usize]) -> Array<B> {
    if x.shape().as_slice() == counts {
        return x;
    }
    B::float_slice(x, &slices(starts, counts))
}

/// Zeros but for a part.
pub(super) fn placed<B: Executor>(x: Array<B>, starts: &[usize], shape: &[usize]) -> Array<B> {
    placed_in::<B>(x, starts, shape, 0.0)
}

/// One number but for a part.
pub(super) fn placed_in<B: Executor>(
    x: Array<B>,
    starts: &[usize],
    shape: &[usize],
    value: f32,
) -> Array<B> {
    let counts = dims::<B>(&x);
    if counts == shape {
        return x;
    }
    let whole = full::<B>(&x, shape, value);
    B::float_slice_assign(whole, &slices(starts, &counts), x)
}

fn slices(starts: &[usize], counts: &[usize]) -> Vec<Slice> {
    let ranges = starts.iter().zip(counts);
    ranges
        .map(|(&start, &count)| Slice::from(start..start + count))
        .collect()
}

/// Elements along one axis, in any order.
pub(super) fn select<B: Executor>(x: Array<B>, axis: usize, chosen: &[usize]) -> Array<B> {
    let chosen = indices::<B>(&x, chosen);
    B::float_select(x, axis, chosen)
}

/// The adjoint of [`select`]: adds elements up where they were taken from.
pub(super) fn select_adjoint<B: Executor>(
    gradient: Array<B>,
    axis: usize,
    chosen: &[usize],
    length: usize,
) -> Array<B> {
    let mut shape = dims::<B>(&gradient);
    shape[axis] = length;
    let zeros = full::<B>(&gradient, &shape, 0.0);
    let chosen = indices::<B>(&gradient, chosen);
    B::float_select_assign(zeros, axis, chosen, gradient, IndexingUpdateOp::Add)
}

pub(super) fn add<B: Executor>(a: Array<B>, b: Array<B>) -> Array<B> {
    B::add(a, b)
}

pub(super) fn sub<B: Executor>(a: Array<B>, b: Array<B>) -> Array<B> {
    B::float_sub(a, b)
}

pub(super) fn mul<B: Executor>(a: Array<B>, b: Array<B>) -> Array<B> {
    B::multiply(a, b)
}

pub(super) fn div<B: Executor>(a: Array<B>, b: Array<B>) -> Array<B> {
    B::float_div(a, b)
}

pub(super) fn scale<B: Executor>(x: Array<B>, factor: f32) -> Array<B> {
    B::float_mul_scalar(x, factor.into())
}

/// Σ along one axis, which stays with length 1.
pub(super) fn sum<B: Executor>(x: Array<B>, axis: usize) -> Array<B> {
    B::float_sum_dim(x, axis)
}

/// A value at the two points that a gradient is taken between.
#[derive(Debug, Clone)]
pub(super) struct Ends<B: Executor> {
    /// At the point before; nothing, where the gradient is that at a point.
    pub from: Option<Array<B>>,
    /// At the point itself.
    pub to: Array<B>,
}

impl<B: Executor> Ends<B> {
    /// The value at a point.
    pub(super) fn at(to: Array<B>) -> Self {
        Self { from: None, to }
    }

    /// At both.
    pub(super) fn both(self) -> [Array<B>; 2] {
        let Self { from, to } = self;
        [from.unwrap_or_else(|| to.clone()), to]
    }

    /// What an operation makes of both.
    pub(super) fn map(self, operation: impl Fn(Array<B>) -> Array<B>) -> Self {
        Self {
            from: self.from.map(&operation),
            to: operation(self.to),
        }
    }

    /// The mean of both.
    pub(super) fn mean(self) -> Array<B> {
        match self.from {
            Some(from) => scale::<B>(add::<B>(from, self.to), 0.5),
            None => self.to,
        }
    }
}
