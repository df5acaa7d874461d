//! Some axes of a value against all others: what reductions, softmax and normalisation work on.

use burn::backend::TensorMetadata;
use burn::tensor::IndexingUpdateOp;
use violet_graph::Reduction;

use super::array::{Array, Ends, Executor, add, dims, div, full, mul, reshape, sub, sum};
use crate::kernel::{Function, Rows};

/// Values \[N, …\] as \[N, groups, members\].
#[derive(Debug, Clone)]
pub(super) struct Groups {
    /// All axes, those of the members last; the first is that of the images.
    order: Vec<usize>,
    /// Lengths in that order.
    lengths: Vec<usize>,
    groups: usize,
    members: usize,
}

impl Groups {
    /// Of a shape without images, and the axes of the members.
    pub(super) fn new(shape: &[usize], axes: &[usize]) -> Self {
        let others = (0..shape.len()).filter(|axis| !axes.contains(axis));
        let order: Vec<usize> = std::iter::once(0)
            .chain(others.chain(axes.iter().copied()).map(|axis| axis + 1))
            .collect();
        let members = axes.iter().map(|&axis| shape[axis]).product();
        Self {
            lengths: order[1..].iter().map(|&axis| shape[axis - 1]).collect(),
            order,
            groups: shape.iter().product::<usize>() / members,
            members,
        }
    }

    /// \[N, …\] → \[N, groups, members\].
    pub(super) fn gather<B: Executor>(&self, x: Array<B>) -> Array<B> {
        let images = x.shape()[0];
        let x = if self.order.is_sorted() {
            x
        } else {
            B::float_permute(x, &self.order)
        };
        reshape::<B>(x, &[images, self.groups, self.members])
    }

    /// The way back.
    pub(super) fn spread<B: Executor>(&self, x: Array<B>) -> Array<B> {
        let images = x.shape()[0];
        let shape: Vec<usize> = std::iter::once(images)
            .chain(self.lengths.iter().copied())
            .collect();
        let x = reshape::<B>(x, &shape);
        if self.order.is_sorted() {
            return x;
        }
        let mut back = vec![0; self.order.len()];
        for (place, &axis) in self.order.iter().enumerate() {
            back[axis] = place;
        }
        B::float_permute(x, &back)
    }

    fn mean<B: Executor>(&self, x: Array<B>) -> Array<B> {
        B::float_mean_dim(x, 2)
    }
}

/// One number of each group: \[N, groups, members\] → \[N, groups, 1\].
pub(super) fn reduce<B: Executor>(reduction: Reduction, x: Array<B>) -> Array<B> {
    match reduction {
        Reduction::Sum => sum::<B>(x, 2),
        Reduction::Mean => B::float_mean_dim(x, 2),
        Reduction::Max => B::float_max_dim(x, 2),
        Reduction::L2 => {
            let squares = mul::<B>(x.clone(), x);
            B::map(sum::<B>(squares, 2), Function::Sqrt)
        }
        Reduction::LogSumExp => {
            let highest = B::float_max_dim(x.clone(), 2);
            let terms = B::map(sub::<B>(x, highest.clone()), Function::Exp);
            add::<B>(highest, B::map(sum::<B>(terms, 2), Function::Log))
        }
    }
}

/// The mean gradient of [`reduce`]'s input, given that of its result, \[N, groups, 1\]; of those that are not linear.
pub(super) fn reduce_gradient<B: Executor>(
    reduction: Reduction,
    ends: Ends<B>,
    gradient: Array<B>,
) -> Array<B> {
    match reduction {
        Reduction::Max => max_gradient::<B>(ends, gradient),
        Reduction::L2 => {
            let norms = ends.clone().map(|x| reduce::<B>(Reduction::L2, x)).mean();
            // Where both are nothing but zeros, so is what they divide.
            let norms = B::map(norms, Function::Clamp(f32::MIN_POSITIVE, f32::MAX));
            mul::<B>(ends.mean(), div::<B>(gradient, norms))
        }
        _ => mul::<B>(log_sum_exp_weights::<B>(ends), gradient),
    }
}

/// The gradient of each group's largest value, shared between the two that are it at both points.
fn max_gradient<B: Executor>(ends: Ends<B>, gradient: Array<B>) -> Array<B> {
    let zeros = full::<B>(&ends.to, &dims::<B>(&ends.to), 0.0);
    let dtype = burn::backend::get_or_init_device_settings::<B>(&gradient.device()).int_dtype;
    let winner = |x: &Array<B>| B::float_argmax(x.clone(), 2, dtype);
    let new = winner(&ends.to);
    let scatter = |target, place, gradient| {
        B::float_scatter(2, target, place, gradient, IndexingUpdateOp::Add)
    };
    let Some(from) = ends.from else {
        return scatter(zeros, new, gradient);
    };
    let old = winner(&from);
    let value = |x: &Array<B>, place: &burn::backend::tensor::IntTensor<B>| {
        B::float_gather(2, x.clone(), place.clone())
    };
    // By how much the old one leads at first, and by how much the new one does in the end.
    let lead = sub::<B>(value(&from, &old), value(&from, &new));
    let loss = sub::<B>(value(&ends.to, &new), value(&ends.to, &old));
    // Where neither leads, they are one, or were equal and are: any share will do.
    let both = add::<B>(lead.clone(), loss);
    let share = div::<B>(
        lead,
        B::map(both, Function::Clamp(f32::MIN_POSITIVE, f32::MAX)),
    );
    let of_old = mul::<B>(gradient.clone(), share);
    let of_new = sub::<B>(gradient, of_old.clone());
    scatter(scatter(zeros, old, of_old), new, of_new)
}

/// What log-sum-exp changes by, per change of each of its terms: quotients of logarithmic means.
fn log_sum_exp_weights<B: Executor>(ends: Ends<B>) -> Array<B> {
    let totals = ends.clone().map(|x| reduce::<B>(Reduction::LogSumExp, x));
    let (Some(from), Some(total_from)) = (ends.from, totals.from) else {
        return B::map(sub::<B>(ends.to, totals.to), Function::Exp);
    };
    // Shifted by the larger total, so that nothing overflows.
    let rise = sub::<B>(totals.to.clone(), total_from.clone());
    let rise = B::map(rise, Function::Clamp(0.0, f32::MAX));
    let shift = add::<B>(total_from.clone(), rise);
    let mean = |from: Array<B>, to: Array<B>| {
        let ones = full::<B>(&to, &dims::<B>(&to), 1.0);
        let ends = [from, to].map(|x| sub::<B>(x, shift.clone()));
        B::map_gradient(ones, ends, Function::Exp)
    };
    let of_totals = mean(total_from, totals.to);
    div::<B>(mean(from, ends.to), of_totals)
}

/// `x − log Σ exp(x)` of each group.
pub(super) fn log_softmax<B: Executor>(x: Array<B>) -> Array<B> {
    let total = reduce::<B>(Reduction::LogSumExp, x.clone());
    sub::<B>(x, total)
}

/// The mean gradient of [`log_softmax`]'s input.
pub(super) fn log_softmax_gradient<B: Executor>(ends: Ends<B>, gradient: Array<B>) -> Array<B> {
    let whole = sum::<B>(gradient.clone(), 2);
    let of_total = mul::<B>(log_sum_exp_weights::<B>(ends), whole);
    sub::<B>(gradient, of_total)
}

/// `exp(x) / Σ exp(x)` of each group.
pub(super) fn softmax<B: Executor>(x: Array<B>) -> Array<B> {
    if let Some(made) = B::rows(x.clone(), Rows::Softmax) {
        return made;
    }
    let highest = B::float_max_dim(x.clone(), 2);
    let terms = B::map(sub::<B>(x, highest), Function::Exp);
    let total = sum::<B>(terms.clone(), 2);
    div::<B>(terms, total)
}

/// The mean gradient of [`softmax`]'s input: Δp = L(p₀, p₁) · (Δz − Δlse), with the logarithmic mean
/// L of the two probabilities.
pub(super) fn softmax_gradient<B: Executor>(ends: Ends<B>, gradient: Array<B>) -> Array<B> {
    let both = (ends.from.clone(), ends.to.clone());
    let gradient = match B::rows_gradient(gradient, both, Rows::Softmax) {
        Ok(gradient) => return gradient,
        Err(gradient) => gradient,
    };
    let logs = ends.clone().map(log_softmax::<B>);
    let weighted = match logs.from {
        Some(from) => B::map_gradient(gradient, [from, logs.to], Function::Exp),
        None => mul::<B>(gradient, B::map(logs.to, Function::Exp)),
    };
    log_softmax_gradient::<B>(ends, weighted)
}

/// What is subtracted from and what divides each group that is normalised together.
struct Moments<B: Executor> {
    centred: Array<B>,
    /// √(variance + ε), \[N, groups, 1\].
    deviation: Array<B>,
}

fn moments<B: Executor>(x: Array<B>, epsilon: f32) -> Moments<B> {
    let mean = B::float_mean_dim(x.clone(), 2);
    let centred = sub::<B>(x, mean);
    let squares = mul::<B>(centred.clone(), centred.clone());
    let variance = B::float_mean_dim(squares, 2);
    let variance = B::float_add_scalar(variance, epsilon.into());
    Moments {
        centred,
        deviation: B::map(variance, Function::Sqrt),
    }
}

/// `(x − mean) / √(variance + ε)` of each group.
pub(super) fn normalise<B: Executor>(x: Array<B>, epsilon: f32) -> Array<B> {
    if let Some(made) = B::rows(x.clone(), Rows::Normalise(epsilon)) {
        return made;
    }
    let Moments { centred, deviation } = moments::<B>(x, epsilon);
    div::<B>(centred, deviation)
}

/// The mean gradient of [`normalise`]'s input: Δy = (Δc − ȳ Δs) / s̄ with c = x − mean, the variance v
/// and s = √(v + ε), Δs = Δv / (2 s̄) and Δv = 2 · mean(c̄ Δc).
pub(super) fn normalise_gradient<B: Executor>(
    ends: Ends<B>,
    epsilon: f32,
    groups: &Groups,
    gradient: Array<B>,
) -> Array<B> {
    let both = (ends.from.clone(), ends.to.clone());
    let gradient = match B::rows_gradient(gradient, both, Rows::Normalise(epsilon)) {
        Ok(gradient) => return gradient,
        Err(gradient) => gradient,
    };
    let [from, to] = [ends.from, Some(ends.to)].map(|x| x.map(|x| moments::<B>(x, epsilon)));
    let results = |m: &Moments<B>| div::<B>(m.centred.clone(), m.deviation.clone());
    let mean = |a: Option<Array<B>>, b: Array<B>| Ends::<B> { from: a, to: b }.mean();
    let Some(to) = to else { return gradient };
    let result = mean(from.as_ref().map(results), results(&to));
    let (centred, deviation) = match from {
        Some(from) => (Some(from.centred), Some(from.deviation)),
        None => (None, None),
    };
    let centred = mean(centred, to.centred);
    let deviation = mean(deviation, to.deviation);
    let scaled = div::<B>(gradient, deviation.clone());
    let of_deviation = groups.mean::<B>(mul::<B>(scaled.clone(), result));
    let of_centred = mul::<B>(centred, div::<B>(of_deviation, deviation));
    let of_centred = sub::<B>(scaled, of_centred);
    let mean = groups.mean::<B>(of_centred.clone());
    sub::<B>(of_centred, mean)
}
