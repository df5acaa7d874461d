//! What follows the sums between the layers: an activation forward, its slope backward.

use super::groups::WHOLE;
use crate::activation::Gate;
use crate::geometry::Activation;
use crate::machine::{self, Simd, Vector};
use crate::vector::{lanes, load_at, splat, store};

/// What a forward pass leaves of the activations, for the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// Which values they let gradients through.
    Gates,
    /// Their arguments.
    Sums,
}

/// What was [kept](Keep) of the activations after expanding and after the depthwise filters, of all images. In an order
/// of its own: of two points, the same.
#[derive(Debug, Clone)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// Which values they let gradients through.
    Gates([Gate; 2]),
    /// Their arguments.
    Sums([Vec<f32>; 2]),
}

/// The slopes of an activation.
#[derive(Debug, Clone, Copy)]
pub enum Slopes<'a> {
    /// Derivatives.
    Gates(&'a Gate),
    /// Those of the secants to each image's `sums` from those of the image before: of the first, `before`.
    Secants {
        /// Of one image.
        before: &'a [f32],
        /// Of all.
        sums: &'a [f32],
    },
}

/// What is done with the sums of one image, or of a part of its channels.
pub(super) enum After<'a> {
    Nothing,
    Activate(Activation, Keeping<'a>),
    Gate(&'a [bool]),
    Secant(Activation, [&'a [f32]; 2]),
}

/// Where something is kept.
pub(super) enum Keeping<'a> {
    Nothing,
    Gates(&'a mut [bool]),
    Sums(&'a mut [f32]),
}

impl After<'_> {
    /// For values in a part of what this is for.
    pub(super) fn part(&mut self, first: usize, length: usize) -> After<'_> {
        let part = first..first + length;
        match self {
            After::Nothing => After::Nothing,
            After::Gate(open) => After::Gate(&open[part]),
            After::Secant(activation, ends) => {
                After::Secant(*activation, ends.map(|end| &end[part.clone()]))
            }
            After::Activate(activation, keeping) => After::Activate(
                *activation,
                match keeping {
                    Keeping::Nothing => Keeping::Nothing,
                    Keeping::Gates(gates) => Keeping::Gates(&mut gates[part]),
                    Keeping::Sums(sums) => Keeping::Sums(&mut sums[part]),
                },
            ),
        }
    }

    /// Does it with some pixels of `target`, which begin at `places`, and are of this what begins at `parts`.
    ///
    /// What is done is chosen once for all of them.
    #[inline(always)]
    pub(super) fn apply<S: Simd, const PIXELS: usize>(
        &mut self,
        target: &mut [f32],
        places: impl Fn(usize) -> usize,
        parts: impl Fn(usize) -> usize,
    ) {
        let mut each = Each {
            target,
            places,
            parts,
        };
        match self {
            After::Nothing => {}
            After::Activate(activation, keeping) => {
                let ends = activation.range().map(splat::<S>);
                let clamp = |sums| machine::clamp::<S>(sums, ends);
                match keeping {
                    Keeping::Nothing => each.run::<S, PIXELS>(|sums, _| clamp(sums)),
                    Keeping::Gates(gates) => each.run::<S, PIXELS>(|sums, at| {
                        let activated = clamp(sums);
                        let inside = inside::<S>(activated, ends);
                        machine::store_positive::<S>(&mut gates[at..at + lanes::<S>()], inside);
                        activated
                    }),
                    Keeping::Sums(kept) => each.run::<S, PIXELS>(|sums, at| {
                        store::<S>(&mut kept[at..at + lanes::<S>()], sums);
                        clamp(sums)
                    }),
                }
            }
            After::Gate(open) => each.run::<S, PIXELS>(|sums, at| {
                machine::gated::<S>(sums, &open[at..at + lanes::<S>()])
            }),
            After::Secant(activation, [before, sums]) => {
                let ends = activation.range().map(splat::<S>);
                let [zero, one] = [0.0, 1.0].map(splat::<S>);
                each.run::<S, PIXELS>(|gradient, at| {
                    let (from, to) = (load_at::<S>(before, at), load_at::<S>(sums, at));
                    let run = to - from;
                    let rise = machine::clamp::<S>(to, ends) - machine::clamp::<S>(from, ends);
                    let derivative = inside::<S>(to, ends).gt(zero).select(one, zero);
                    gradient * run.eq(zero).select(derivative, rise / run)
                });
            }
        }
    }
}

/// Some pixels, vector by vector.
struct Each<'a, F, G> {
    target: &'a mut [f32],
    places: F,
    parts: G,
}

impl<F: Fn(usize) -> usize, G: Fn(usize) -> usize> Each<'_, F, G> {
    #[inline(always)]
    fn run<S: Simd, const PIXELS: usize>(
        &mut self,
        mut change: impl FnMut(Vector<S, f32>, usize) -> Vector<S, f32>,
    ) {
        let lanes = lanes::<S>();
        for pixel in 0..PIXELS {
            let target = &mut self.target[(self.places)(pixel)..][..WHOLE * lanes];
            let part = (self.parts)(pixel);
            for v in 0..WHOLE {
                let value = load_at::<S>(target, v * lanes);
                store::<S>(&mut target[v * lanes..], change(value, part + v * lanes));
            }
        }
    }
}

/// How far values are from the nearer end of a range: positive, where they are strictly within it.
#[inline(always)]
fn inside<S: Simd>(values: Vector<S, f32>, [low, high]: [Vector<S, f32>; 2]) -> Vector<S, f32> {
    (values - low).min(high - values)
}
