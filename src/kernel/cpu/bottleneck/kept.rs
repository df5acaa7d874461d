//! What a forward pass leaves for the way back.

use super::Bottleneck;
use super::after::{After, Keeping};
use super::squeeze::State;
use crate::activation::Gate;
use crate::function::Function;
use crate::spare;

/// What a forward pass leaves of the activations, for the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// Their derivatives.
    Derivatives,
    /// Their arguments.
    Sums,
}

/// What was [kept](Keep) of the activations after expanding and after the depthwise filters, of all images. In an order
/// of its own: of two points, the same.
#[derive(Debug, Clone)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// Their derivatives.
    Derivatives {
        /// Of both.
        of: [Derivatives; 2],
        /// What the depthwise filters made, if it is squeezed, and what came of it; else nothing.
        made: Vec<f32>,
        /// Of each image.
        squeezed: Vec<State>,
    },
    /// Their arguments.
    Sums([Vec<f32>; 2]),
}

/// Derivatives of an activation.
#[derive(Debug, Clone)]
pub enum Derivatives {
    /// Which values it lets gradients through.
    Gate(Gate),
    /// What it multiplies them by.
    Slopes(Vec<f32>),
}

/// The slopes of both activations.
#[derive(Debug, Clone, Copy)]
pub enum Slopes<'a> {
    /// Derivatives at points: what was [kept](Kept::Derivatives).
    At {
        /// Of both.
        of: &'a [Derivatives; 2],
        /// What is squeezed, and what came of it.
        made: &'a [f32],
        /// Of each image.
        squeezed: &'a [State],
    },
    /// Those of the secants to each image's arguments from those of the image before: of the first, from the others, which
    /// are those of one image. Of each activation, these first.
    Secants([[&'a [f32]; 2]; 2]),
}

impl Kept {
    /// The same as slopes.
    pub fn slopes(&self) -> Option<Slopes<'_>> {
        match self {
            Kept::Derivatives { of, made, squeezed } => Some(Slopes::At { of, made, squeezed }),
            _ => None,
        }
    }

    /// Takes what nobody needs any more.
    pub fn give_back(self) {
        match self {
            Kept::Nothing => {}
            Kept::Derivatives { of, made, .. } => {
                spare::give_back(made);
                for of in of {
                    if let Derivatives::Slopes(slopes) = of {
                        spare::give_back(slopes);
                    }
                }
            }
            Kept::Sums(sums) => sums.into_iter().for_each(spare::give_back),
        }
    }
}

/// The arguments before those of an image.
pub(super) fn before<'a>(
    before: &'a [f32],
    sums: &'a [f32],
    length: usize,
    image: usize,
) -> &'a [f32] {
    match image {
        0 => &before[..length],
        _ => &sums[(image - 1) * length..image * length],
    }
}

impl Bottleneck {
    /// Room for what is to be kept of so many images.
    pub(super) fn unkept(&self, images: usize, keep: Keep) -> Kept {
        let lengths = self.kept().map(|kept| images * kept);
        // What no strip makes is multiplied with gradients of nothing.
        let values = |length| match self.covers() {
            true => spare::values(length),
            false => vec![0.0; length],
        };
        match keep {
            Keep::Nothing => Kept::Nothing,
            Keep::Derivatives => Kept::Derivatives {
                of: [0, 1].map(|k| match self.functions[k] {
                    Some(Function::Gated(_)) => Derivatives::Slopes(values(lengths[k])),
                    _ if self.covers() => Derivatives::Gate(Gate::unsaid(lengths[k])),
                    _ => Derivatives::Gate(Gate::closed(lengths[k])),
                }),
                made: match &self.squeeze {
                    Some(_) => spare::values(lengths[1]),
                    None => Vec::new(),
                },
                squeezed: Vec::new(),
            },
            Keep::Sums => Kept::Sums(lengths.map(values)),
        }
    }

    /// What is done after each of the first two layers of an image, and where what is squeezed is kept.
    pub(super) fn keeping<'a>(
        &self,
        kept: &'a mut Kept,
        image: usize,
    ) -> ([After<'a>; 2], Option<&'a mut [f32]>) {
        let [first, second] = self
            .kept()
            .map(|length| image * length..(image + 1) * length);
        let (keeping, made) = match kept {
            Kept::Nothing => ([Keeping::Nothing, Keeping::Nothing], None),
            Kept::Derivatives {
                of: [a, b], made, ..
            } => {
                let made = self.squeeze.as_ref().map(|_| &mut made[second.clone()]);
                let [a, b] = [(a, first), (b, second)].map(|(of, part)| match of {
                    Derivatives::Gate(gate) => Keeping::Gates(&mut gate.open_mut()[part]),
                    Derivatives::Slopes(slopes) => Keeping::Slopes(&mut slopes[part]),
                });
                ([a, b], made)
            }
            Kept::Sums([a, b]) => {
                let keeping = [Keeping::Sums(&mut a[first]), Keeping::Sums(&mut b[second])];
                (keeping, None)
            }
        };
        let [a, b] = self.functions;
        let after = |function: Option<Function>, keeping| match function {
            None => After::Nothing,
            Some(Function::Clamp(low, high)) => After::Activate([low, high], keeping),
            Some(function) => After::Curve(function, keeping),
        };
        let [first, second] = keeping;
        ([after(a, first), after(b, second)], made)
    }

    /// What is done on an image's way back through an activation.
    pub(super) fn after<'a>(&self, slopes: Slopes<'a>, which: usize, image: usize) -> After<'a> {
        let length = self.kept()[which];
        let part = image * length..(image + 1) * length;
        let Some(function) = self.functions[which] else {
            return After::Nothing;
        };
        match slopes {
            Slopes::At { of, .. } => match &of[which] {
                Derivatives::Gate(gate) => After::Gate(&gate.open()[part]),
                Derivatives::Slopes(slopes) => After::Slopes(&slopes[part]),
            },
            Slopes::Secants(ends) => {
                let [first, sums] = ends[which];
                let ends = [before(first, sums, length, image), &sums[part]];
                match function {
                    Function::Clamp(low, high) => After::Secant([low, high], ends),
                    function => After::CurveSecant(function, ends),
                }
            }
        }
    }
}
