//! Expand, filter each channel by itself, project, in one go: 1×1 filters to more channels, depthwise filters over
//! those, and 1×1 filters to fewer, as MobileNetV2 and EfficientNet are made of.
//!
//! What lies between them is the largest of all values and is never written as a whole: a few rows of a few channels at
//! a time stay in the second cache from one layer to the next. There, channels lie side by side, so that vectors are
//! full whatever the size of the image. The way back is the same, from the last layer to the first.
//!
//! # Source
//!
//! Sandler, Howard, Zhu, Zhmoginov, Chen: *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, CVPR 2018,
//! [arXiv 1801.04381](https://arxiv.org/abs/1801.04381), sections 3 and 5.1.

mod after;
mod channels;
mod frame;
mod groups;
mod kept;
mod planes;
mod products;
mod squeeze;
mod stencil;
mod strip;

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

pub(crate) use groups::Groups;
pub use kept::{Derivatives, Keep, Kept, Slopes};

use crate::Epilogue;
use crate::function::{Function, Gating, map};
use crate::geometry::{Activation, Geometry};
use crate::spare;
use crate::walk::Direction;
use frame::Frame;
use groups::{Aligned, Matrix};
use squeeze::Squeeze;
pub use squeeze::State;
use strip::{Begin, End, Scratch, Way};

/// Strides that the depthwise filters may have.
const STRIDES: Range<usize> = 1..3;

/// 1×1 filters \[out, in\], or depthwise ones \[channels, k·k\].
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a> {
    /// The filters.
    pub weight: &'a [f32],
    /// One for each channel that they make.
    pub bias: &'a [f32],
    /// What follows: what [suits](Bottleneck::suits_after).
    pub function: Function,
}

/// See the [module](self).
#[derive(Debug, Clone)]
pub struct Bottleneck {
    /// Of the depthwise filters.
    geometry: Geometry,
    /// Channels of the input and of the output.
    ends: [usize; 2],
    /// Channels between.
    middle: Groups,
    /// After expanding, if anything is expanded, and after the depthwise filters.
    functions: [Option<Function>; 2],
    /// What makes gates of what the depthwise filters make, if there are any.
    squeeze: Option<Squeeze>,
    forward: Way,
    backward: Way,
}

thread_local! {
    /// Kept from call to call: the largest one decides.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Bottleneck {
    /// Whether depthwise filters of this geometry can be run so.
    pub fn suits(depthwise: &Geometry) -> bool {
        depthwise.filter.depthwise && STRIDES.contains(&depthwise.filter.stride)
    }

    /// Whether the layers within may be followed by a function.
    pub fn suits_after(function: Function) -> bool {
        match function {
            Function::Clamp(..) => true,
            Function::Gated(gating) => matches!(gating, Gating::Sigmoid | Gating::HardSigmoid(..)),
            _ => false,
        }
    }

    /// The depthwise filters' `geometry`, which [suits](Self::suits), and the weights of the layers; what follows the last
    /// one is said by the call. `squeeze`: 1×1 filters that turn the means of what the depthwise filters make into fewer
    /// numbers, and others that turn these into what each channel is multiplied by before the last layer.
    pub fn new(
        geometry: &Geometry,
        expand: Option<Weights<'_>>,
        depthwise: Weights<'_>,
        squeeze: Option<[Weights<'_>; 2]>,
        project: Weights<'_>,
    ) -> Self {
        assert!(Self::suits(geometry));
        let channels = geometry.filter.channels_in;
        let middle = Groups::new(channels).whole();
        let made = project.bias.len();
        let given = expand.map_or(channels, |expand| expand.weight.len() / channels);
        assert_eq!(project.weight.len(), made * channels);
        let to = |groups: Groups, sources, bias: &[f32], weight: &dyn Fn(usize, usize) -> f32| {
            Matrix::new(groups, sources, bias, weight)
        };
        let way = |direction, first, bias: &[f32], last| {
            let frame = Frame::new(geometry, direction);
            Way {
                first,
                filters: filters(middle, &frame, depthwise.weight),
                frame,
                bias: biases(middle, bias),
                last,
            }
        };
        let forward = way(
            Direction::Forward,
            expand.map(|expand| {
                let weight = |target, source| expand.weight[target * given + source];
                to(middle, given, expand.bias, &weight)
            }),
            depthwise.bias,
            Some(to(
                Groups::new(made),
                channels,
                project.bias,
                &|target, source| project.weight[target * channels + source],
            )),
        );
        let backward = way(
            Direction::Backward,
            Some(to(middle, made, &[], &|target, source| {
                project.weight[source * channels + target]
            })),
            &[],
            expand.map(|expand| {
                let weight = |target, source| expand.weight[source * given + target];
                to(Groups::new(given), channels, &[], &weight)
            }),
        );
        Self {
            geometry: *geometry,
            ends: [given, made],
            middle,
            functions: [
                expand.map(|expand| expand.function),
                Some(depthwise.function),
            ],
            squeeze: squeeze.map(|layers| Squeeze::new(middle, layers)),
            forward,
            backward,
        }
    }

    /// Channels, height and width of the input and of the output.
    pub fn shapes(&self) -> [[usize; 3]; 2] {
        let sizes = [self.geometry.input, self.geometry.output];
        [0, 1].map(|k| [self.ends[k], sizes[k][0], sizes[k][1]])
    }

    /// Values of one image that are kept of each activation.
    pub fn kept(&self) -> [usize; 2] {
        let pixels = [self.geometry.input, self.geometry.output].map(|[h, w]| h * w);
        [0, 1].map(|k| match self.functions[k] {
            Some(_) => self.middle.padded() * pixels[k],
            None => 0,
        })
    }

    /// `activation(project(…) + residual)` for a batch of images \[N, C, H, W\], and what is kept.
    pub fn forward(
        &self,
        input: &[f32],
        residual: Option<&[f32]>,
        activation: Activation,
        keep: Keep,
    ) -> (Vec<f32>, Kept) {
        let [given, made] = self.shapes().map(|shape| shape.iter().product::<usize>());
        let images = input.len() / given;
        let mut output = spare::values(images * made);
        let mut kept = self.unkept(images, keep);
        for (k, (input, output)) in input
            .chunks_exact(given)
            .zip(output.chunks_exact_mut(made))
            .enumerate()
        {
            let epilogue = Epilogue {
                bias: None,
                residual: residual.map(|residual| &residual[k * made..][..made]),
                activation,
            };
            let (mut after, squeezed) = self.keeping(&mut kept, k);
            let way = &self.forward;
            let state = SCRATCH.with_borrow_mut(|scratch| {
                let Some(squeeze) = &self.squeeze else {
                    let end = End::Planes(epilogue, output);
                    self.run(way, Begin::Planes(input), end, &mut after, scratch);
                    return None;
                };
                let mut middle = std::mem::take(&mut scratch.middle);
                let length = self.kept()[1];
                let middle_values = match squeezed {
                    Some(kept) => kept,
                    None => middle.at_least(length),
                };
                let end = End::Wide(middle_values);
                self.run(way, Begin::Planes(input), end, &mut after, scratch);
                let state = squeeze.at(self.middle, middle_values);
                self.project(middle_values, &state.gates, epilogue, output, scratch);
                scratch.middle = middle;
                Some(state)
            });
            if let (Kept::Derivatives { squeezed, .. }, Some(state)) = (&mut kept, state) {
                squeezed.push(state);
            }
        }
        (output, kept)
    }

    /// Whether all pixels are made by some strip, those too that the stride steps over.
    fn covers(&self) -> bool {
        let [rows, _] = self.forward.frame.made();
        let read = self.forward.frame.window(&(0..rows)).real;
        let [height, _] = self.geometry.input;
        let filter = &self.geometry.filter;
        filter.kernel >= filter.stride && read == (0..height)
    }

    /// The gradient of the input, given that of the projection's sums, and the slopes of the activations before:
    /// \[N, out, H', W'\] to \[N, in, H, W\].
    pub fn backward(&self, gradient: &[f32], slopes: Slopes<'_>) -> Vec<f32> {
        let [made, given] = self.shapes().map(|shape| shape.iter().product::<usize>());
        let images = gradient.len() / given;
        let mut input = spare::values(images * made);
        for (k, (gradient, input)) in gradient
            .chunks_exact(given)
            .zip(input.chunks_exact_mut(made))
            .enumerate()
        {
            let epilogue = Epilogue {
                bias: None,
                residual: None,
                activation: Activation::Identity,
            };
            let end = End::Planes(epilogue, input);
            let mut after = [1, 0].map(|which| self.after(slopes, which, k));
            let way = &self.backward;
            SCRATCH.with_borrow_mut(|scratch| {
                let (Some(squeeze), Some(matrix)) = (&self.squeeze, &way.first) else {
                    return self.run(way, Begin::Planes(gradient), end, &mut after, scratch);
                };
                let Squeezed { made, states } = self.squeezed(squeeze, slopes, k);
                let [from, to] = [&states[0], &states[states.len() - 1]];
                let mut wide = std::mem::take(&mut scratch.middle);
                let values = wide.at_least(self.kept()[1]);
                let of_gates = self.gates_gradient(matrix, gradient, &made, values, scratch);
                let mut terms = squeeze.gradient([from, to], of_gates);
                let [height, width] = self.geometry.output;
                let share = 1.0 / (height * width) as f32;
                terms.iter_mut().for_each(|term| *term *= share);
                let gates: Vec<f32> = from.gates.iter().zip(&to.gates).map(mean).collect();
                let begin = Begin::Wide {
                    values,
                    factors: &gates,
                    terms: &terms,
                };
                self.run(way, begin, end, &mut after, scratch);
                scratch.middle = wide;
            });
        }
        input
    }

    /// What was squeezed of an image, and what came of it.
    fn squeezed<'a>(&self, squeeze: &Squeeze, slopes: Slopes<'a>, image: usize) -> Squeezed<'a> {
        let length = self.kept()[1];
        let part = image * length..(image + 1) * length;
        match slopes {
            Slopes::At { made, squeezed, .. } => Squeezed {
                states: squeezed[image..=image].into(),
                made: made[part].into(),
            },
            Slopes::Secants([_, [before, sums]]) => {
                let from = kept::before(before, sums, length, image);
                let function =
                    self.functions[1].unwrap_or(Function::Clamp(f32::NEG_INFINITY, f32::INFINITY));
                let [from, mut to] = [from, &sums[part]].map(|sums| map(sums, function));
                let states = [&from, &to].map(|made| squeeze.at(self.middle, made));
                let means = to.iter_mut().zip(&from);
                means.for_each(|(to, from)| *to = mean((from, &*to)));
                spare::give_back(from);
                Squeezed {
                    states: states.to_vec().into(),
                    made: to.into(),
                }
            }
        }
    }
}

/// See [`Bottleneck::squeezed`].
struct Squeezed<'a> {
    /// Of two points, the mean of both.
    made: Cow<'a, [f32]>,
    /// At one point or at both.
    states: Cow<'a, [State]>,
}

fn mean((from, to): (&f32, &f32)) -> f32 {
    0.5 * (from + to)
}

/// Depthwise weights \[channel, tap\] as \[group, tap, channel\], taps in the order in which they are read.
fn filters(groups: Groups, frame: &Frame, weight: &[f32]) -> Aligned {
    let taps = weight.len() / groups.channels;
    let mut filters = Aligned::zeros(groups.padded() * taps);
    let values = filters.values_mut();
    for group in 0..groups.count() {
        let (start, width) = (groups.start(group), groups.width(group));
        for k in 0..groups.real(group) {
            for (place, tap) in frame.order().enumerate() {
                values[start * taps + place * width + k] = weight[(start + k) * taps + tap];
            }
        }
    }
    filters
}

fn biases(groups: Groups, bias: &[f32]) -> Aligned {
    let mut biases = Aligned::zeros(groups.padded());
    biases.values_mut()[..bias.len()].copy_from_slice(bias);
    biases
}
