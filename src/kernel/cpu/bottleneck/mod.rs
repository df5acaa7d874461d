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
mod frame;
mod groups;
mod planes;
mod products;
mod stencil;

use std::cell::RefCell;
use std::ops::Range;

pub use after::{Keep, Kept, Slopes};

use crate::Epilogue;
use crate::activation::Gate;
use crate::geometry::{Activation, Geometry};
use crate::machine::AutoArch;
use crate::spare;
use crate::walk::Direction;
use after::{After, Keeping};
use frame::Frame;
use groups::{Aligned, Groups, Matrix};
use planes::{from_planes, to_planes};
use products::{FromGroups, FromPlanes};
use stencil::Stencil;

/// Values between the layers that are held at once: half of what a small second cache has.
const HELD: usize = 96 * 1024;
/// Channels at least between the depthwise filters and the last ones, so that sums are rarely written and read again.
const LEAST_CHANNELS: usize = 32;
/// Strides that the depthwise filters may have.
const STRIDES: Range<usize> = 1..3;

/// 1×1 filters \[out, in\], or depthwise ones \[channels, k·k\].
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a> {
    /// The filters.
    pub weight: &'a [f32],
    /// One for each channel that they make.
    pub bias: &'a [f32],
    /// What follows.
    pub activation: Activation,
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
    activations: [Option<Activation>; 2],
    forward: Way,
    backward: Way,
}

/// One direction.
#[derive(Debug, Clone)]
struct Way {
    /// To the channels between. Where there is none, they are what is given.
    first: Option<Matrix>,
    frame: Frame,
    /// \[group, tap, channel\].
    filters: Aligned,
    /// \[group, channel\].
    bias: Aligned,
    /// From the channels between. Where there is none, they are the result.
    last: Option<Matrix>,
}

#[derive(Default)]
struct Scratch {
    /// Of one group: what the depthwise filters read.
    wide: Aligned,
    /// Of a batch of groups: what they make.
    narrow: Aligned,
    sums: Aligned,
    places: Vec<usize>,
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

    /// The depthwise filters' `geometry`, which [suits](Self::suits), and the weights of the layers; what follows the last
    /// one is said by the call.
    pub fn new(
        geometry: &Geometry,
        expand: Option<Weights<'_>>,
        depthwise: Weights<'_>,
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
        let forward = Way {
            first: expand.map(|expand| {
                let weight = |target, source| expand.weight[target * given + source];
                to(middle, given, expand.bias, &weight)
            }),
            frame: Frame::new(geometry, Direction::Forward),
            filters: filters(middle, geometry, depthwise.weight),
            bias: biases(middle, depthwise.bias),
            last: Some(to(
                Groups::new(made),
                channels,
                project.bias,
                &|target, source| project.weight[target * channels + source],
            )),
        };
        let backward = Way {
            first: Some(to(middle, made, &[], &|target, source| {
                project.weight[source * channels + target]
            })),
            frame: Frame::new(geometry, Direction::Backward),
            filters: forward.filters.clone(),
            bias: biases(middle, &[]),
            last: expand.map(|expand| {
                let weight = |target, source| expand.weight[source * given + target];
                to(Groups::new(given), channels, &[], &weight)
            }),
        };
        Self {
            geometry: *geometry,
            ends: [given, made],
            middle,
            activations: [
                expand.map(|expand| expand.activation),
                Some(depthwise.activation),
            ],
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
        [0, 1].map(|k| match self.activations[k] {
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
        let lengths = self.kept().map(|kept| images * kept);
        let mut kept = match keep {
            Keep::Nothing => Kept::Nothing,
            Keep::Gates if self.covers() => Kept::Gates(lengths.map(Gate::unsaid)),
            Keep::Gates => Kept::Gates(lengths.map(Gate::closed)),
            Keep::Sums if self.covers() => Kept::Sums(lengths.map(spare::values)),
            // Multiplied with gradients of nothing.
            Keep::Sums => Kept::Sums(lengths.map(|length| vec![0.0; length])),
        };
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
            let [first, second] = self.keeping(&mut kept, k);
            self.run(&self.forward, input, [first, second], epilogue, output);
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

    /// What is done after each of the first two layers of an image.
    fn keeping<'a>(&self, kept: &'a mut Kept, image: usize) -> [After<'a>; 2] {
        let parts = self
            .kept()
            .map(|length| image * length..(image + 1) * length);
        let [first, second] = parts;
        let keeping = match kept {
            Kept::Nothing => [Keeping::Nothing, Keeping::Nothing],
            Kept::Gates([a, b]) => [
                Keeping::Gates(&mut a.open_mut()[first]),
                Keeping::Gates(&mut b.open_mut()[second]),
            ],
            Kept::Sums([a, b]) => [Keeping::Sums(&mut a[first]), Keeping::Sums(&mut b[second])],
        };
        let [a, b] = self.activations;
        let after = |activation: Option<Activation>, keeping| match activation {
            Some(activation) => After::Activate(activation, keeping),
            None => After::Nothing,
        };
        let [first, second] = keeping;
        [after(a, first), after(b, second)]
    }

    /// The gradient of the input, given that of the projection's sums, and the slopes of the activations before:
    /// \[N, out, H', W'\] to \[N, in, H, W\].
    pub fn backward(&self, gradient: &[f32], slopes: [Slopes<'_>; 2]) -> Vec<f32> {
        let [made, given] = self.shapes().map(|shape| shape.iter().product::<usize>());
        let images = gradient.len() / given;
        let mut input = spare::values(images * made);
        let epilogue = Epilogue {
            bias: None,
            residual: None,
            activation: Activation::Identity,
        };
        for (k, (gradient, input)) in gradient
            .chunks_exact(given)
            .zip(input.chunks_exact_mut(made))
            .enumerate()
        {
            let after = |which: usize| {
                let (length, activation) = (self.kept()[which], self.activations[which]);
                let part = k * length..(k + 1) * length;
                match (activation, slopes[which]) {
                    (None, _) => After::Nothing,
                    (Some(_), Slopes::Gates(gate)) => After::Gate(&gate.open()[part]),
                    (Some(activation), Slopes::Secants { before, sums }) => {
                        let from = match k {
                            0 => &before[..length],
                            _ => &sums[part.start - length..part.start],
                        };
                        After::Secant(activation, [from, &sums[part]])
                    }
                }
            };
            let after = [after(1), after(0)];
            self.run(&self.backward, gradient, after, epilogue, input);
        }
        input
    }

    /// One image, one direction. `after`: after the first layer of this direction, and after the depthwise filters.
    fn run(
        &self,
        way: &Way,
        given: &[f32],
        mut after: [After<'_>; 2],
        epilogue: Epilogue<'_>,
        target: &mut [f32],
    ) {
        SCRATCH.with_borrow_mut(|scratch| {
            let [rows, _] = way.frame.made();
            let at_once = self.rows_at_once(way);
            for first in (0..rows).step_by(at_once) {
                let rows = first..rows.min(first + at_once);
                self.strip(way, &rows, given, &mut after, epilogue, target, scratch);
            }
        });
    }

    /// Groups that are filtered before the last layer takes them.
    fn batch(&self) -> usize {
        LEAST_CHANNELS.div_ceil(self.middle.width(0))
    }

    /// Rows of the target that are made at once: about the same number each time.
    fn rows_at_once(&self, way: &Way) -> usize {
        let [rows, columns] = way.frame.made();
        let held = |rows: usize| {
            let window = way.frame.window(&(0..rows)).rows * way.frame.pitch;
            (window + rows * columns * self.batch()) * self.middle.width(0)
        };
        let most = (1..=rows).rev().find(|&rows| held(rows) <= HELD);
        rows.div_ceil(rows.div_ceil(most.unwrap_or(1)))
    }

    /// Rows of the output that a forward pass makes at once.
    pub fn rows_a_strip(&self) -> usize {
        self.rows_at_once(&self.forward)
    }

    #[allow(clippy::too_many_arguments)]
    fn strip(
        &self,
        way: &Way,
        rows: &Range<usize>,
        given: &[f32],
        after: &mut [After<'_>; 2],
        epilogue: Epilogue<'_>,
        target: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let width = self.middle.width(0);
        let window = way.frame.window(rows);
        let [given_plane, made_plane] =
            [way.frame.given(), way.frame.made()].map(|[height, width]| height * width);
        let [given_row, made_row] = [way.frame.given(), way.frame.made()].map(|size| size[1]);
        let (given_first, made_first) = (window.real.start * given_row, rows.start * made_row);
        let (pixels, read) = (rows.len() * made_row, window.real.len() * given_row);
        let Scratch {
            wide,
            narrow,
            sums,
            places,
        } = scratch;
        way.frame.places(&window, places);
        let wide = wide.at_least(window.rows * way.frame.pitch * width);
        way.frame.clear(&window, width, wide);
        let narrow = narrow.at_least(self.batch() * pixels * width);
        let targets = way.last.as_ref().map(|last| last.targets);
        let sums = sums.at_least(targets.map_or(0, |targets| targets.padded() * pixels));
        let taps = self.geometry.filter.taps();
        let groups = self.middle.count();
        for first in (0..groups).step_by(self.batch()) {
            let batch = first..groups.min(first + self.batch());
            for (group, narrow) in batch.clone().zip(narrow.chunks_exact_mut(pixels * width)) {
                let channels = self.middle.start(group);
                match &way.first {
                    Some(matrix) => {
                        let first = (channels * given_plane) + given_first * width;
                        AutoArch::new().dispatch(FromPlanes {
                            matrix,
                            group,
                            ahead: if group + 1 < groups {
                                matrix.group(group + 1)
                            } else {
                                &[]
                            },
                            given,
                            plane: given_plane,
                            first: given_first,
                            places,
                            target: wide,
                            after: after[0].part(first, read * width),
                        });
                    }
                    None => {
                        let planes = &given[channels * given_plane..];
                        let planes = &planes[..self.middle.real(group) * given_plane];
                        from_planes(planes, given_plane, given_first, places, wide, width);
                    }
                }
                let first = channels * made_plane + made_first * width;
                AutoArch::new().dispatch(Stencil {
                    frame: &way.frame,
                    rows: rows.clone(),
                    weights: &way.filters.values()[channels * taps..][..width * taps],
                    bias: &way.bias.values()[channels..][..width],
                    given: wide,
                    target: narrow,
                    after: after[1].part(first, pixels * width),
                });
                if way.last.is_none() {
                    let planes = &mut target[channels * made_plane..];
                    let planes = &mut planes[..self.middle.real(group) * made_plane];
                    let part = made_first..made_first + pixels;
                    to_planes(narrow, width, planes, made_plane, part, channels, epilogue);
                }
            }
            if let Some(matrix) = &way.last {
                AutoArch::new().dispatch(FromGroups {
                    matrix,
                    sources: self.middle,
                    ahead: self.middle.start(self.batch()),
                    batch,
                    pixels,
                    given: narrow,
                    sums,
                });
            }
        }
        let Some(matrix) = &way.last else { return };
        for group in 0..matrix.targets.count() {
            let (start, width) = (matrix.targets.start(group), matrix.targets.width(group));
            let values = &sums[start * pixels..][..width * pixels];
            let planes = &mut target[start * made_plane..];
            let planes = &mut planes[..matrix.targets.real(group) * made_plane];
            let epilogue = Epilogue {
                bias: Some(matrix.bias(group)),
                ..epilogue
            };
            let part = made_first..made_first + pixels;
            to_planes(values, width, planes, made_plane, part, start, epilogue);
        }
    }
}

/// Depthwise weights \[channel, tap\] as \[group, tap, channel\].
fn filters(groups: Groups, geometry: &Geometry, weight: &[f32]) -> Aligned {
    let taps = geometry.filter.taps();
    let mut filters = Aligned::zeros(groups.padded() * taps);
    let values = filters.values_mut();
    for group in 0..groups.count() {
        let (start, width) = (groups.start(group), groups.width(group));
        for k in 0..groups.real(group) {
            for tap in 0..taps {
                values[start * taps + tap * width + k] = weight[(start + k) * taps + tap];
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
