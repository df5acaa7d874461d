//! What follows the sums between the layers: an activation forward, its slope backward.

use std::ops::Range;

use super::groups::WHOLE;
use super::products::Sums;
use crate::activation;
use crate::function::{self, Function};
use crate::machine::{self, Simd, Vector};
use crate::vector::{lanes, load_at, splat, store};

/// Does something for each of so many pixels, written out: in a loop that is not unrolled, for whatever reason, an index
/// would keep sums in memory, and not in registers, for as long as they are summed up.
macro_rules! each {
    ($count:expr, $pixel:ident, $body:block) => {
        each!($count, $pixel, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    ($count:expr, $pixel:ident, $body:block, $($each:literal)*) => {{
        $(if $each < $count {
            let $pixel: usize = $each;
            $body
        })*
    }};
}

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

    /// Asks for what is read for so many pixels, every so many from one on, to be there when it is.
    #[inline(always)]
    pub(super) fn prefetch<S: Simd>(&self, pixels: usize, (first, step): (usize, usize)) {
        let lanes = lanes::<S>();
        let each = |values: &[f32]| {
            for pixel in 0..pixels {
                let at = (first + pixel * step) * WHOLE * lanes;
                machine::prefetch(values, at);
                machine::prefetch(values, at + lanes);
            }
        };
        match self {
            After::Secant(_, ends) => ends.iter().for_each(|end| each(end)),
            After::Activate(_, Keeping::Sums(kept)) => each(kept),
            _ => {}
        }
    }

    /// Writes sums of some pixels, which begin at `places` of the target, and does it with them; of a part they are every
    /// so many pixels from one on.
    ///
    /// What is done is chosen once for all of them.
    #[inline(always)]
    pub(super) fn write<S: Simd, const PIXELS: usize>(
        &mut self,
        sums: &Sums<S, PIXELS, WHOLE>,
        target: &mut [f32],
        places: impl Fn(usize) -> usize,
        (first, step): (usize, usize),
    ) {
        let width = WHOLE * lanes::<S>();
        match self {
            After::Activate(range, keeping) => {
                let ends = range.map(splat::<S>);
                // What is made forward lies side by side.
                let part = first * width..(first + PIXELS) * width;
                match keeping {
                    Keeping::Gates(gates) => {
                        let gates = &mut gates[part];
                        each!(PIXELS, pixel, {
                            let gates = &mut gates[pixel * width..];
                            machine::store_inside::<S>(gates, sums[pixel], ends);
                        });
                    }
                    Keeping::Sums(kept) => {
                        let kept = &mut kept[part];
                        each!(PIXELS, pixel, {
                            write::<S>(kept, pixel * width, sums[pixel]);
                        });
                    }
                    Keeping::Nothing | Keeping::Slopes(_) => {}
                }
                each!(PIXELS, pixel, {
                    let [first, second] = sums[pixel];
                    let clamp = |sum| machine::clamp::<S>(sum, ends);
                    write::<S>(target, places(pixel), [clamp(first), clamp(second)]);
                });
            }
            After::Gate(open) if step == 1 => {
                let open = &open[first * width..][..PIXELS * width];
                each!(PIXELS, pixel, {
                    let gated = machine::gated::<S>(sums[pixel], &open[pixel * width..]);
                    write::<S>(target, places(pixel), gated);
                });
            }
            After::Gate(open) => each!(PIXELS, pixel, {
                let open = &open[(first + pixel * step) * width..];
                let gated = machine::gated::<S>(sums[pixel], open);
                write::<S>(target, places(pixel), gated);
            }),
            After::Secant(range, [from, to]) => {
                let range = range.map(splat::<S>);
                each!(PIXELS, pixel, {
                    let at = (first + pixel * step) * width;
                    let part = at..at + width;
                    let [from, to] = [&from[part.clone()], &to[part]];
                    let secants = secants::<S>(sums[pixel], from, to, range);
                    write::<S>(target, places(pixel), secants);
                });
            }
            After::Nothing | After::Curve(..) | After::Slopes(_) | After::CurveSecant(..) => {
                each!(PIXELS, pixel, {
                    write::<S>(target, places(pixel), sums[pixel]);
                });
            }
        }
    }
}

/// A pixel's gradients times the slopes of the secants of a clamp. All of it is written out: what a vector is loaded in
/// must be part of what is compiled for the machine's vectors, and a closure that an array maps with may be none.
#[inline(always)]
fn secants<S: Simd>(
    [first, second]: [Vector<S, f32>; WHOLE],
    from: &[f32],
    to: &[f32],
    range: [Vector<S, f32>; 2],
) -> [Vector<S, f32>; WHOLE] {
    let lanes = lanes::<S>();
    [
        first * slope::<S>(load_at::<S>(from, 0), load_at::<S>(to, 0), range),
        second * slope::<S>(load_at::<S>(from, lanes), load_at::<S>(to, lanes), range),
    ]
}

#[inline(always)]
fn slope<S: Simd>(
    from: Vector<S, f32>,
    to: Vector<S, f32>,
    range: [Vector<S, f32>; 2],
) -> Vector<S, f32> {
    let [zero, one] = [splat::<S>(0.0), splat::<S>(1.0)];
    let run = to - from;
    let rise = machine::clamp::<S>(to, range) - machine::clamp::<S>(from, range);
    let inside = to.gt(range[0]) & to.lt(range[1]);
    run.eq(zero).select(inside.select(one, zero), rise / run)
}

/// Writes a pixel's values.
#[inline(always)]
fn write<S: Simd>(target: &mut [f32], place: usize, values: [Vector<S, f32>; WHOLE]) {
    let lanes = lanes::<S>();
    let target = &mut target[place..][..WHOLE * lanes];
    for (v, value) in values.into_iter().enumerate() {
        store::<S>(&mut target[v * lanes..], value);
    }
}
