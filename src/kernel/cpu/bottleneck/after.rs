//! What follows the sums between the layers: an activation forward, its slope backward.

use std::ops::Range;

use super::groups::WHOLE;
use crate::activation;
use crate::function::{self, Function};
use crate::machine::{self, Simd, Vector};
use crate::vector::{lanes, load_at, splat, store};

/// What is done with the sums of one image, or of a part of its channels.
#[derive(Debug)]
pub(super) enum After<'a> {
    Nothing,
    /// Clamps to a range.
    Activate([f32; 2], Keeping<'a>),
    Gate(&'a [bool]),
    Secant([f32; 2], [&'a [f32]; 2]),
    // These take so long for each value that nothing is gained while sums are in registers: they are for lines.
    Curve(Function, Keeping<'a>),
    Slopes(&'a [f32]),
    CurveSecant(Function, [&'a [f32]; 2]),
}

/// Where something is kept.
#[derive(Debug)]
pub(super) enum Keeping<'a> {
    Nothing,
    Gates(&'a mut [bool]),
    Slopes(&'a mut [f32]),
    Sums(&'a mut [f32]),
}

impl Keeping<'_> {
    fn part(&mut self, part: Range<usize>) -> Keeping<'_> {
        match self {
            Keeping::Nothing => Keeping::Nothing,
            Keeping::Gates(gates) => Keeping::Gates(&mut gates[part]),
            Keeping::Slopes(slopes) => Keeping::Slopes(&mut slopes[part]),
            Keeping::Sums(sums) => Keeping::Sums(&mut sums[part]),
        }
    }
}

impl After<'_> {
    /// For values in a part of what this is for.
    pub(super) fn part(&mut self, first: usize, length: usize) -> After<'_> {
        let part = first..first + length;
        match self {
            After::Nothing => After::Nothing,
            After::Gate(open) => After::Gate(&open[part]),
            After::Slopes(slopes) => After::Slopes(&slopes[part]),
            After::Secant(range, ends) => After::Secant(*range, ends.map(|end| &end[part.clone()])),
            After::CurveSecant(function, ends) => {
                After::CurveSecant(*function, ends.map(|end| &end[part.clone()]))
            }
            After::Activate(range, keeping) => After::Activate(*range, keeping.part(part)),
            After::Curve(function, keeping) => After::Curve(*function, keeping.part(part)),
        }
    }

    /// What can be done while sums are in registers, and what is for lines.
    pub(super) fn split(self) -> [Self; 2] {
        match self {
            After::Curve(..) | After::Slopes(_) | After::CurveSecant(..) => [After::Nothing, self],
            _ => [self, After::Nothing],
        }
    }

    /// Does it with values that lie in order, from a part's value `at` on.
    pub(super) fn line(&mut self, line: &mut [f32], at: usize) {
        let part = at..at + line.len();
        match self {
            After::Nothing => {}
            After::Activate(..) => unreachable!("it is done while sums are in registers"),
            After::Gate(open) => activation::close(&open[part], line),
            After::Secant(range, ends) => {
                let ends = ends.map(|end| &end[part.clone()]);
                activation::multiply_by_slopes(line, ends, *range);
            }
            After::Curve(function, keeping) => match keeping.part(part) {
                Keeping::Slopes(slopes) => function::change_with_slopes(line, slopes, *function),
                Keeping::Sums(sums) => {
                    sums.copy_from_slice(line);
                    function::change(line, *function);
                }
                Keeping::Nothing | Keeping::Gates(_) => function::change(line, *function),
            },
            After::Slopes(slopes) => function::multiply(line, &slopes[part]),
            After::CurveSecant(function, ends) => {
                let ends = ends.map(|end| &end[part.clone()]);
                function::map_gradient(line, ends, *function);
            }
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
            After::Nothing | After::Curve(..) | After::Slopes(_) | After::CurveSecant(..) => {}
            After::Activate(range, keeping) => {
                let ends = range.map(splat::<S>);
                let clamp = |sums: [_; WHOLE]| sums.map(|sums| machine::clamp::<S>(sums, ends));
                match keeping {
                    Keeping::Nothing | Keeping::Slopes(_) => {
                        each.run::<S, PIXELS>(|sums, _| clamp(sums))
                    }
                    Keeping::Gates(gates) => each.run::<S, PIXELS>(|sums, at| {
                        machine::store_inside::<S>(&mut gates[at..], sums, ends);
                        clamp(sums)
                    }),
                    Keeping::Sums(kept) => each.run::<S, PIXELS>(|sums, at| {
                        for (v, sums) in sums.iter().enumerate() {
                            store::<S>(&mut kept[at + v * lanes::<S>()..], *sums);
                        }
                        clamp(sums)
                    }),
                }
            }
            After::Gate(open) => {
                each.run::<S, PIXELS>(|sums, at| machine::gated::<S>(sums, &open[at..]));
            }
            After::Secant(range, [before, sums]) => {
                let ends = range.map(splat::<S>);
                let [zero, one] = [0.0, 1.0].map(splat::<S>);
                each.run::<S, PIXELS>(|gradients, at| {
                    let mut gradients = gradients;
                    for (v, gradient) in gradients.iter_mut().enumerate() {
                        let at = at + v * lanes::<S>();
                        let (from, to) = (load_at::<S>(before, at), load_at::<S>(sums, at));
                        let run = to - from;
                        let rise = machine::clamp::<S>(to, ends) - machine::clamp::<S>(from, ends);
                        let inside = to.gt(ends[0]) & to.lt(ends[1]);
                        let derivative = inside.select(one, zero);
                        *gradient *= run.eq(zero).select(derivative, rise / run);
                    }
                    gradients
                });
            }
        }
    }
}

/// Some pixels, one after another.
struct Each<'a, F, G> {
    target: &'a mut [f32],
    places: F,
    parts: G,
}

impl<F: Fn(usize) -> usize, G: Fn(usize) -> usize> Each<'_, F, G> {
    #[inline(always)]
    fn run<S: Simd, const PIXELS: usize>(
        &mut self,
        mut change: impl FnMut([Vector<S, f32>; WHOLE], usize) -> [Vector<S, f32>; WHOLE],
    ) {
        let lanes = lanes::<S>();
        for pixel in 0..PIXELS {
            let target = &mut self.target[(self.places)(pixel)..][..WHOLE * lanes];
            let values = std::array::from_fn(|v| load_at::<S>(target, v * lanes));
            let values = change(values, (self.parts)(pixel));
            for (v, value) in values.into_iter().enumerate() {
                store::<S>(&mut target[v * lanes..], value);
            }
        }
    }
}
