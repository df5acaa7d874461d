//! What follows a sum: bias, residual, activation; and where it goes.

use super::{Job, WIDEST_ROW};
use crate::Epilogue;
use crate::geometry::Activation;
use crate::machine::{self, Simd, Vector};
use crate::product::Sums;
use crate::vector::{WIDEST, clamp, lanes, load, splat, store};

/// Writes the rows of channels from a `first` one on to `targets` of each channel's plane, which
/// lie side by side or not; `done` says whether these sums are the first, and whether they are the
/// last. Once a sum is whole, bias, residual and activation follow.
#[inline(always)]
pub(super) fn finish<S: Simd, const ROWS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    from: usize,
    sums: &Sums<S, ROWS, VECTORS>,
    targets: &[usize],
    contiguous: bool,
    (first, last): (bool, bool),
    target: &mut [f32],
) {
    let lanes = lanes::<S>();
    let Epilogue {
        bias,
        residual,
        activation,
    } = job.epilogue;
    let channels = from..job.channels.min(from + ROWS);
    let mut start = channels.start * job.plane;
    for (sum, channel) in sums.iter().zip(channels) {
        if contiguous {
            let at = start + targets[0]..start + targets[0] + targets.len();
            let row = &mut target[at.clone()];
            let after = After {
                done: (first, last),
                bias: bias.map_or(0.0, |bias| bias[channel]),
                activation,
            };
            let residual = residual.map(|residual| &residual[at]);
            if row.len() == VECTORS * lanes {
                after.write::<S, VECTORS>(sum, row, residual);
            } else {
                // The last columns, by way of whole vectors.
                let mut lines = [[0.0; WIDEST_ROW * WIDEST]; 2];
                lines[0][..row.len()].copy_from_slice(row);
                if let Some(residual) = residual {
                    lines[1][..row.len()].copy_from_slice(residual);
                }
                let [line, other] = &mut lines;
                after.write::<S, VECTORS>(sum, line, residual.is_some().then_some(&other[..]));
                row.copy_from_slice(&line[..row.len()]);
            }
        } else {
            for (&sum, targets) in sum.iter().zip(targets.chunks(lanes)) {
                let mut values = [0.0; WIDEST];
                store::<S>(&mut values, sum);
                for (&value, &at) in values.iter().zip(targets) {
                    finish_value(job, channel, start + at, value, (first, last), target);
                }
            }
        }
        start += job.plane;
    }
}

/// What follows a channel's sums.
struct After {
    /// Whether these are the first, and whether they are the last.
    done: (bool, bool),
    bias: f32,
    activation: Activation,
}

impl After {
    /// Writes sums to a row of whole vectors.
    #[inline(always)]
    fn write<S: Simd, const VECTORS: usize>(
        &self,
        sums: &[Vector<S, f32>; VECTORS],
        row: &mut [f32],
        residual: Option<&[f32]>,
    ) {
        let lanes = lanes::<S>();
        let (first, last) = self.done;
        let mut sums = *sums;
        if !first {
            add::<S, VECTORS>(&mut sums, row);
        }
        if last {
            let bias = splat::<S>(self.bias);
            for sum in &mut sums {
                *sum += bias;
            }
            if let Some(residual) = residual {
                add::<S, VECTORS>(&mut sums, residual);
            }
            if self.activation != Activation::Identity {
                let range = self.activation.range();
                let range = [splat::<S>(range[0]), splat::<S>(range[1])];
                for sum in &mut sums {
                    *sum = machine::clamp::<S>(*sum, range);
                }
            }
        }
        for (v, sum) in sums.into_iter().enumerate() {
            store::<S>(&mut row[v * lanes..], sum);
        }
    }
}

/// Adds what lies in a row.
#[inline(always)]
fn add<S: Simd, const VECTORS: usize>(sums: &mut [Vector<S, f32>; VECTORS], row: &[f32]) {
    for (v, sum) in sums.iter_mut().enumerate() {
        *sum += load::<S>(&row[v * lanes::<S>()..]);
    }
}

/// The same for one value.
#[inline(always)]
fn finish_value(
    job: &Job<'_>,
    channel: usize,
    at: usize,
    mut sum: f32,
    (first, last): (bool, bool),
    target: &mut [f32],
) {
    if !first {
        sum += target[at];
    }
    if last {
        sum += job.epilogue.bias.map_or(0.0, |bias| bias[channel]);
        if let Some(residual) = job.epilogue.residual {
            sum += residual[at];
        }
        sum = clamp(sum, job.epilogue.activation.range());
    }
    target[at] = sum;
}
