//! Both passes through a graph.

use std::sync::PoisonError;

use burn::backend::{DispatchTensor, TensorMetadata};
use violet_graph::{Clamp, Node, Operation, Reduction, Unary, ValueId};

use super::array::{
    Array, Ends, Executor, add, dims, expand, full, part, placed, reshape, scale, shaped,
    with_images,
};
use super::bottleneck::Bottleneck;
use super::elementwise::{self, Operand};
use super::filters::as_images;
use super::groups;
use super::layer::{Layer, Sums, as_channels, clamp_function, share};
use super::left::Left;
use super::machine::{Backward, Machine, Pass, Probe, Step, Wanted};
use super::matrix;
use super::moves;
use crate::kernel::{Activation, Function, Geometry, Slopes};

/// What the backward pass of a node needs.
#[derive(Debug, Clone)]
pub(super) enum Memory<B: Executor> {
    /// Nothing: it is linear.
    Nothing,
    /// Which sums a fused activation lets gradients through.
    Gate(B::Gate),
    /// The sums of a fused activation along a path, and that of the point before.
    Sums {
        sums: Array<B>,
        before: Array<B>,
        activation: Activation,
    },
    /// Where the largest values of windows stand; along a path, inputs and that of the point before.
    Pool(B::Indices, Option<[Array<B>; 2]>),
    /// Sums that are clamped by themselves.
    Clamped(Ends<B>),
    /// Its inputs, those that it needs.
    Inputs(Vec<Option<Ends<B>>>),
    /// The derivatives of a function at a point.
    Slopes(Array<B>),
    /// What a softmax made at a point.
    Made(Array<B>),
    /// The slopes within a bottleneck, and what a clamp after it needs.
    Bottleneck(Slopes<B>, Box<Memory<B>>),
}

/// What a node makes, and what it leaves for the way back.
type Ran<B> = (Array<B>, Memory<B>);

/// The values of a pass that are still needed.
struct Values<'a, B: Executor> {
    machine: &'a Machine,
    values: Vec<Option<Array<B>>>,
    uses: Vec<u32>,
}

impl<B: Executor> Values<'_, B> {
    /// A value for one of those that take it; for the last of them, without a copy of it left.
    fn take(&mut self, id: ValueId) -> Array<B> {
        let index = id.index();
        if let Some(constant) = &self.machine.constants[index] {
            return B::take(constant.clone());
        }
        self.uses[index] -= 1;
        let value = if self.uses[index] == 0 {
            self.values[index].take()
        } else {
            self.values[index].clone()
        };
        value.unwrap_or_else(|| unreachable!("nodes come after those whose values they take"))
    }
}

/// What a route leads to, \[N, elements\], and what the backward pass needs, if that is to be kept.
pub(super) fn forward<B: Executor>(
    pass: &Pass,
    input: Array<B>,
    mut left: Option<&mut Left>,
    keep: bool,
) -> (Array<B>, Vec<Memory<B>>) {
    let (machine, route) = (&*pass.machine, &*pass.route);
    let graph = machine.graph();
    let images = input.shape()[0];
    if let Some(left) = left.as_deref_mut() {
        left.let_go::<B>();
    }
    let mut values = Values {
        machine,
        values: vec![None; graph.values().len()],
        uses: route.uses.clone(),
    };
    values.values[graph.input().index()] = Some(shaped::<B>(input, graph.shape(graph.input())));
    let mut memories = Vec::new();
    for &step in pass.steps() {
        let left = left.as_deref_mut();
        let (index, (output, memory)) = match step {
            Step::Node(index) => {
                let node = Forward {
                    machine,
                    index,
                    node: &graph.nodes()[index],
                    images,
                    keep,
                };
                (index, node.run(&mut values, left))
            }
            Step::Bottleneck(which) => {
                let bottleneck = &machine.bottlenecks[which];
                let run = self::bottleneck(bottleneck, &mut values, left, keep);
                (bottleneck.project, run)
            }
        };
        let made = graph.nodes()[index].output();
        look::<B>(pass, made, |probe| &mut probe.value, &output);
        values.values[made.index()] = Some(output);
        if keep {
            memories.push(memory);
        }
    }
    let parts = route.wanted.iter().map(|wanted| {
        let value = values.take(wanted.value);
        let elements = graph.value(wanted.value).elements();
        let flat = reshape::<B>(value, &[images, elements]);
        match wanted.element {
            None => flat,
            Some(element) => part::<B>(flat, &[0, element], &[images, 1]),
        }
    });
    let mut parts: Vec<Array<B>> = parts.collect();
    let output = match parts.len() {
        1 => parts.swap_remove(0),
        _ => B::float_cat(parts, 1),
    };
    (output, memories)
}

/// Several nodes in one go.
fn bottleneck<B: Executor>(
    bottleneck: &Bottleneck,
    values: &mut Values<'_, B>,
    left: Option<&mut Left>,
    keep: bool,
) -> (Array<B>, Memory<B>) {
    let machine = values.machine;
    let (layers, activation) = (&*bottleneck.layers, bottleneck.activation);
    let inputs = |node: usize| machine.graph().nodes()[node].inputs();
    let x = values.take(inputs(bottleneck.first)[0]);
    let residual = inputs(bottleneck.project).get(3);
    let residual = residual.map(|&id| as_images::<B>(values.take(id)));
    let (images, x) = (x.shape()[0], as_images::<B>(x));
    let made_shape = machine
        .graph()
        .shape(machine.graph().nodes()[bottleneck.project].output());
    let whole = |made| reshape::<B>(made, &with_images(images, made_shape));
    let Some(left) = left else {
        let (made, kept) = B::bottleneck(x, residual, layers, activation, keep);
        let made = whole(made);
        let Some(kept) = kept else {
            return (made, Memory::Nothing);
        };
        let last = match activation {
            Activation::Identity => Memory::Nothing,
            activation => Memory::Gate(B::gate(&made, activation)),
        };
        return (made, Memory::Bottleneck(Slopes::At(kept), last.into()));
    };
    let (made, [first, second]) = B::bottleneck_along(x, residual, layers);
    let made = whole(made);
    let mut along = |node: usize, sums: Array<B>| {
        let before = left.exchange::<B>(machine.slot(node), &sums);
        [before, sums]
    };
    let first = match bottleneck.expand {
        Some(node) => along(node, first),
        None => [first.clone(), first],
    };
    let slopes = Slopes::Secants([first, along(bottleneck.depthwise, second)]);
    if activation == Activation::Identity {
        return (made, Memory::Bottleneck(slopes, Memory::Nothing.into()));
    }
    let [before, sums] = along(bottleneck.project, made);
    let made = B::activate(sums.clone(), before.clone(), activation);
    let last = Memory::Sums {
        sums,
        before,
        activation,
    };
    (made, Memory::Bottleneck(slopes, last.into()))
}

/// The gradients of a bottleneck's input and residual.
fn bottleneck_backward<B: Executor>(
    bottleneck: &Bottleneck,
    memory: Memory<B>,
    gradient: Array<B>,
) -> [Array<B>; 2] {
    let Memory::Bottleneck(slopes, last) = memory else {
        unreachable!("it left what it needs")
    };
    let gradient = through_activation::<B>(*last, gradient);
    let of_sums = as_images::<B>(gradient.clone());
    let of_x = B::bottleneck_gradient(of_sums, &bottleneck.layers, slopes);
    [of_x, gradient]
}

/// A node that runs.
struct Forward<'a> {
    machine: &'a Machine,
    index: usize,
    node: &'a Node,
    images: usize,
    keep: bool,
}

impl Forward<'_> {
    fn run<B: Executor>(
        &self,
        values: &mut Values<'_, B>,
        mut left: Option<&mut Left>,
    ) -> (Array<B>, Memory<B>) {
        let layer = self.machine.layer(self.index);
        let inputs = self.node.inputs();
        match layer {
            Layer::Sums(sums) => {
                let x = values.take(inputs[0]);
                let residual = inputs.get(3).map(|&id| values.take(id));
                return self.sums(sums, x, residual, left);
            }
            Layer::Pool(windows) => {
                let x = values.take(inputs[0]);
                return self.pool(*windows, x, left);
            }
            Layer::Transposed { filters, bias } => {
                let x = as_images::<B>(values.take(inputs[0]));
                let made = add::<B>(filters.backward::<B>(x), B::take(bias.clone()));
                return (self.in_shape::<B>(made), Memory::Nothing);
            }
            Layer::Average { filters, shares } => {
                let x = as_channels::<B>(values.take(inputs[0]));
                let made = filters.forward::<B>(x, None, Activation::Identity);
                return (
                    self.in_shape::<B>(share::<B>(made, shares)),
                    Memory::Nothing,
                );
            }
            Layer::Resample { filters, image } => {
                let x = as_lines::<B>(values.take(inputs[0]), image);
                let made = filters.forward::<B>(x, None, Activation::Identity);
                return (self.in_shape::<B>(made), Memory::Nothing);
            }
            Layer::Plain | Layer::Windows(_) | Layer::Groups(_) => {}
        }
        let needs = &self.machine.needs[self.index];
        let mut arrays: Vec<Array<B>> = inputs.iter().map(|&id| values.take(id)).collect();
        if self.keep && left.is_none() {
            match self.at_a_point::<B>(layer, arrays) {
                Ok(made) => return made,
                Err(same) => arrays = same,
            }
        }
        let mut ends = vec![None; inputs.len()];
        if self.keep || left.is_some() {
            for (k, _) in needs
                .inputs
                .iter()
                .enumerate()
                .filter(|(_, needed)| **needed)
            {
                let value = arrays[k].clone();
                ends[k] = Some(match left.as_deref_mut() {
                    None => Ends::at(value),
                    Some(left) => left.ends::<B>(inputs[k].index(), value),
                });
            }
        }
        let made = self.operation::<B>(layer, &mut arrays);
        let memory = if ends.iter().any(Option::is_some) {
            Memory::Inputs(ends)
        } else {
            Memory::Nothing
        };
        (made, memory)
    }

    /// What leaves less work for the way back than its inputs would; else, these.
    fn at_a_point<B: Executor>(
        &self,
        layer: &Layer,
        mut inputs: Vec<Array<B>>,
    ) -> Result<Ran<B>, Vec<Array<B>>> {
        match (self.node.operation(), layer) {
            (Operation::Softmax { .. }, _) => {
                let made = self.operation::<B>(layer, &mut inputs);
                Ok((made.clone(), Memory::Made(made)))
            }
            (Operation::Unary(unary), _) => {
                let Some(function) = elementwise::function(*unary) else {
                    return Err(inputs);
                };
                match B::map_with_slopes(inputs.swap_remove(0), function) {
                    Ok([made, slopes]) => Ok((made, Memory::Slopes(slopes))),
                    Err(x) => Err(vec![x]),
                }
            }
            _ => Err(inputs),
        }
    }

    /// A convolution or linear layer.
    fn sums<B: Executor>(
        &self,
        layer: &Sums,
        x: Array<B>,
        residual: Option<Array<B>>,
        left: Option<&mut Left>,
    ) -> (Array<B>, Memory<B>) {
        if layer.clamp.is_none() {
            let made = layer.forward::<B>(x, residual, Activation::Identity);
            return (made, Memory::Nothing);
        }
        let slot = self.machine.slot(self.index);
        match (layer.fused(), left) {
            (Some(activation), None) => {
                let made = layer.forward::<B>(x, residual, activation);
                let memory = if self.keep {
                    Memory::Gate(B::gate(&made, activation))
                } else {
                    Memory::Nothing
                };
                (made, memory)
            }
            (Some(activation), Some(left)) => {
                let sums = layer.forward::<B>(x, residual, Activation::Identity);
                let before = left.exchange::<B>(slot, &sums);
                let made = B::activate(sums.clone(), before.clone(), activation);
                let memory = Memory::Sums {
                    sums,
                    before,
                    activation,
                };
                (made, memory)
            }
            (None, left) => {
                let sums = layer.forward::<B>(x, residual, Activation::Identity);
                let made = B::map(sums.clone(), clamp_function(layer.clamp));
                let ends = match left {
                    None => Ends::at(sums),
                    Some(left) => left.ends::<B>(slot, sums),
                };
                (made, Memory::Clamped(ends))
            }
        }
    }

    /// A max-pool that the kernels know.
    fn pool<B: Executor>(
        &self,
        windows: Geometry,
        x: Array<B>,
        left: Option<&mut Left>,
    ) -> (Array<B>, Memory<B>) {
        let x = as_channels::<B>(x);
        let before = left.map(|left| {
            let before = left.exchange::<B>(self.node.inputs()[0].index(), &x);
            as_channels::<B>(before)
        });
        if !self.keep {
            let made = B::max_pool(x, windows);
            return (self.in_shape::<B>(made), Memory::Nothing);
        }
        let along = before.map(|before| [x.clone(), before]);
        let (made, indices) = B::max_pool_with_indices(x, windows);
        (self.in_shape::<B>(made), Memory::Pool(indices, along))
    }

    /// Any other operation.
    fn operation<B: Executor>(&self, layer: &Layer, inputs: &mut Vec<Array<B>>) -> Array<B> {
        let graph = self.machine.graph();
        let shape = graph.shape(self.node.output());
        if let Operation::Concat { axis } = self.node.operation() {
            let pieces = std::mem::take(inputs).into_iter();
            let pieces = pieces.map(|piece| moves::for_all::<B>(piece, self.images));
            return B::concat(pieces.collect(), axis + 1);
        }
        let x = inputs.swap_remove(0);
        let mut other = || inputs.swap_remove(0);
        let made = match (self.node.operation(), layer) {
            (Operation::MaxPool(_), Layer::Windows(windows)) => windows.forward::<B>(x),
            (Operation::Reduce { reduction, .. }, Layer::Groups(groups)) => {
                groups::reduce::<B>(*reduction, groups.gather::<B>(x))
            }
            (Operation::Softmax { .. }, Layer::Groups(groups)) => {
                groups.spread::<B>(groups::softmax::<B>(groups.gather::<B>(x)))
            }
            (Operation::LogSoftmax { .. }, Layer::Groups(groups)) => {
                groups.spread::<B>(groups::log_softmax::<B>(groups.gather::<B>(x)))
            }
            (Operation::Normalise { epsilon, .. }, Layer::Groups(groups)) => {
                let x = groups.gather::<B>(x);
                groups.spread::<B>(groups::normalise::<B>(x, *epsilon))
            }
            (Operation::Unary(unary), _) => match elementwise::function(*unary) {
                Some(function) => B::map(x, function),
                None => x,
            },
            (Operation::PRelu, _) => elementwise::prelu::<B>(x, other()),
            (Operation::Binary(binary), _) => {
                elementwise::binary::<B>(*binary, x, other(), shape.len() + 1)
            }
            (Operation::MatMul, _) => matrix::product::<B>(x, other(), shape, self.images),
            (operation, _) => moves::forward::<B>(operation, x, shape),
        };
        self.in_shape::<B>(made)
    }

    /// In the shape of the node's output.
    fn in_shape<B: Executor>(&self, made: Array<B>) -> Array<B> {
        let shape = self.machine.graph().shape(self.node.output());
        reshape::<B>(made, &with_images(self.images, shape))
    }
}

/// \[N, …\] as images \[N · outer, axis, 1, inner\].
fn as_lines<B: Executor>(x: Array<B>, &[outer, length, _, inner]: &[usize; 4]) -> Array<B> {
    let images = x.shape()[0] * outer;
    reshape::<B>(x, &[images, length, 1, inner])
}

/// The gradient of the input \[N, …\], given that of what a route leads to.
pub(super) fn backward<B: Executor>(
    pass: &Pass,
    memories: Vec<Memory<B>>,
    gradient: Array<B>,
) -> Array<B> {
    let (machine, route) = (&*pass.machine, &*pass.route);
    let graph = machine.graph();
    let images = gradient.shape()[0];
    let mut gradients: Vec<Option<Array<B>>> = vec![None; graph.values().len()];
    let mut offset = 0;
    for &Wanted { value, element } in &route.wanted {
        let elements = graph.value(value).elements();
        let count = element.map_or(elements, |_| 1);
        let seed = part::<B>(gradient.clone(), &[0, offset], &[images, count]);
        let seed = match element {
            Some(element) => placed::<B>(seed, &[0, element], &[images, elements]),
            None => seed,
        };
        offset += count;
        accumulate::<B>(
            &mut gradients[value.index()],
            shaped::<B>(seed, graph.shape(value)),
        );
    }
    drop(gradient);
    for (&step, memory) in pass.steps().iter().zip(memories).rev() {
        let (index, together) = match step {
            Step::Node(index) => (index, None),
            Step::Bottleneck(which) => {
                let bottleneck = &machine.bottlenecks[which];
                (bottleneck.project, Some(bottleneck))
            }
        };
        let node = &graph.nodes()[index];
        let Some(gradient) = gradients[node.output().index()].take() else {
            continue;
        };
        if let Some(bottleneck) = together {
            let x = graph.nodes()[bottleneck.first].inputs()[0];
            let [of_x, of_residual] = bottleneck_backward::<B>(bottleneck, memory, gradient);
            let of_x = reshape::<B>(of_x, &with_images(images, graph.shape(x)));
            accumulate::<B>(&mut gradients[x.index()], of_x);
            if let Some(residual) = node.inputs().get(3) {
                accumulate::<B>(&mut gradients[residual.index()], of_residual);
            }
            continue;
        }
        look::<B>(pass, node.output(), |probe| &mut probe.gradient, &gradient);
        let of_part = &mut gradients[node.inputs()[0].index()];
        let rank = graph.shape(node.inputs()[0]).len();
        if of_part.is_some()
            && let Some(starts) = moves::part_of(node.operation(), rank)
        {
            // Parts of one value: no more than each of them is touched.
            *of_part = of_part
                .take()
                .map(|sum| B::add_part(sum, &starts, gradient));
            continue;
        }
        // What is known of the first input's gradient, to which sums add theirs.
        let other = match machine.layer(index) {
            Layer::Sums(_) => of_part.take(),
            _ => None,
        };
        let of_inputs = node_backward::<B>(machine, index, memory, gradient, other, pass.backward);
        for (&id, gradient) in node.inputs().iter().zip(of_inputs) {
            if let Some(gradient) = gradient {
                accumulate::<B>(&mut gradients[id.index()], gradient);
            }
        }
    }
    let input = graph.input();
    let gradient = gradients[input.index()].take();
    gradient.unwrap_or_else(|| {
        unreachable!("outputs that do not depend on the input are not in a graph")
    })
}

/// Keeps a value, or its gradient, if that is what is looked at.
fn look<B: Executor>(
    pass: &Pass,
    id: ValueId,
    place: impl Fn(&mut Probe) -> &mut Option<DispatchTensor>,
    array: &Array<B>,
) {
    let Some(probe) = &pass.probe else { return };
    let mut probe = probe.lock().unwrap_or_else(PoisonError::into_inner);
    if probe.at == id {
        let shape = dims::<B>(array);
        debug_assert_eq!(shape.len(), 4, "a map of each image");
        *place(&mut probe) = Some(B::give(array.clone()));
    }
}

fn accumulate<B: Executor>(sum: &mut Option<Array<B>>, gradient: Array<B>) {
    *sum = Some(match sum.take() {
        Some(sum) => add::<B>(sum, gradient),
        None => gradient,
    });
}

/// The gradients of a node's inputs; of constants, nothing.
fn node_backward<B: Executor>(
    machine: &Machine,
    index: usize,
    memory: Memory<B>,
    gradient: Array<B>,
    other: Option<Array<B>>,
    backward: Backward,
) -> Vec<Option<Array<B>>> {
    let graph = machine.graph();
    let node = &graph.nodes()[index];
    let shape = graph.shape(node.inputs()[0]);
    let whole = with_images(gradient.shape()[0], shape);
    let only = |gradient: Array<B>| vec![Some(reshape::<B>(gradient, &whole))];
    let layer = machine.layer(index);
    let mut ends = match (layer, memory) {
        (Layer::Sums(sums), memory) => {
            let gradient = through_clamp::<B>(sums, memory, gradient);
            let gradient = match backward {
                Backward::Guided if is_rectifier(sums.clamp) => positive::<B>(gradient),
                _ => gradient,
            };
            let residual = (node.inputs().len() > 3).then(|| gradient.clone());
            let of_x = sums.backward::<B>(gradient, shape, other);
            return vec![Some(of_x), None, None, residual];
        }
        (Layer::Pool(windows), Memory::Pool(indices, along)) => {
            let gradient = as_channels::<B>(gradient);
            return only(match along {
                None => B::max_pool_gradient(gradient, indices, *windows),
                Some([x, before]) => {
                    B::max_pool_secant_gradient(gradient, x, indices, before, *windows)
                }
            });
        }
        (Layer::Transposed { filters, .. }, _) => {
            let gradient = as_images::<B>(gradient);
            return only(filters.forward::<B>(gradient, None, Activation::Identity));
        }
        (Layer::Average { filters, shares }, _) => {
            let gradient = share::<B>(as_channels::<B>(gradient), shares);
            return only(filters.backward::<B>(gradient));
        }
        (Layer::Resample { filters, image }, _) => {
            let images = gradient.shape()[0] * image[0];
            let rows = graph.value(node.output()).elements() / (image[0] * image[3]);
            let gradient = reshape::<B>(gradient, &[images, rows, 1, image[3]]);
            return only(filters.backward::<B>(gradient));
        }
        (_, Memory::Slopes(slopes)) => return only(B::multiply(gradient, slopes)),
        (Layer::Groups(groups), Memory::Made(made)) => {
            let [gradient, made] = [gradient, made].map(|x| groups.gather::<B>(x));
            return only(groups.spread::<B>(B::softmax_gradient(gradient, made)));
        }
        (_, Memory::Inputs(ends)) => ends,
        _ => vec![None; node.inputs().len()],
    };
    let made = graph.shape(node.output());
    if let Operation::Concat { axis } = node.operation() {
        let pieces = node.inputs().iter();
        let pieces = pieces.map(|&id| (graph.shape(id), machine.constants[id.index()].is_none()));
        return moves::split::<B>(*axis, pieces, &gradient);
    }
    let constant = |k: usize| {
        let constant = machine.constants[node.inputs()[k].index()].clone();
        constant.map(B::take)
    };
    let mut operand = |k: usize| match constant(k) {
        Some(constant) => Operand::Constant(constant),
        None => {
            let images = gradient.shape()[0];
            let shape = with_images(images, graph.shape(node.inputs()[k]));
            Operand::Varies(ends[k].take(), shape)
        }
    };
    match (node.operation(), layer) {
        (Operation::Binary(binary), _) => {
            let operands = [operand(0), operand(1)];
            elementwise::binary_gradient::<B>(*binary, operands, gradient).into()
        }
        (Operation::MatMul, _) => {
            let operands = [operand(0), operand(1)];
            matrix::product_gradient::<B>(operands, made, gradient).into()
        }
        (Operation::PRelu, _) => {
            let (Some(ends), Some(slope)) = (ends[0].take(), constant(1)) else {
                unreachable!("it is kept, and slopes are constants")
            };
            only(elementwise::prelu_gradient::<B>(ends, slope, gradient))
        }
        (Operation::Unary(unary), _) => {
            let function = elementwise::function(*unary);
            only(match (ends[0].take(), function) {
                (Some(ends), Some(function)) => {
                    let gradient = elementwise::map_gradient::<B>(function, ends, gradient);
                    match (backward, unary) {
                        (Backward::Guided, Unary::Clip(clamp)) if is_rectifier(*clamp) => {
                            positive::<B>(gradient)
                        }
                        _ => gradient,
                    }
                }
                // Neg, and clamping to nothing.
                (None, Some(function)) => linear::<B>(function, gradient),
                (_, None) => gradient,
            })
        }
        (Operation::MaxPool(_), Layer::Windows(windows)) => {
            let Some(ends) = ends[0].take() else {
                unreachable!("a max-pool's input is kept")
            };
            only(windows.backward::<B>(ends, gradient))
        }
        (
            Operation::Reduce {
                reduction: reduction @ (Reduction::Mean | Reduction::Sum),
                ..
            },
            _,
        ) => {
            let count =
                graph.value(node.inputs()[0]).elements() / graph.value(node.output()).elements();
            let gradient = match reduction {
                Reduction::Mean => scale::<B>(gradient, 1.0 / count as f32),
                _ => gradient,
            };
            vec![Some(expand::<B>(gradient, &whole))]
        }
        (Operation::Reduce { reduction, .. }, Layer::Groups(groups)) => {
            let images = gradient.shape()[0];
            let each = graph.value(node.output()).elements();
            let gradient = reshape::<B>(gradient, &[images, each, 1]);
            let Some(ends) = ends[0].take() else {
                unreachable!("the input of what is not linear is kept")
            };
            let ends = ends.map(|x| groups.gather::<B>(x));
            let gradient = groups::reduce_gradient::<B>(*reduction, ends, gradient);
            only(groups.spread::<B>(gradient))
        }
        (operation, Layer::Groups(groups)) => {
            let gradient = groups.gather::<B>(gradient);
            let Some(ends) = ends[0].take() else {
                unreachable!("what is normalised is kept")
            };
            let ends = ends.map(|x| groups.gather::<B>(x));
            let gradient = match operation {
                Operation::Softmax { .. } => groups::softmax_gradient::<B>(ends, gradient),
                Operation::Normalise { epsilon, .. } => {
                    groups::normalise_gradient::<B>(ends, *epsilon, groups, gradient)
                }
                _ => groups::log_softmax_gradient::<B>(ends, gradient),
            };
            only(groups.spread::<B>(gradient))
        }
        (operation, _) => only(moves::backward::<B>(operation, gradient, shape)),
    }
}

/// What is linear although it is a function of each element.
fn linear<B: Executor>(function: crate::kernel::Function, gradient: Array<B>) -> Array<B> {
    let zeros = full::<B>(&gradient, &dims::<B>(&gradient), 0.0);
    B::map_gradient(gradient, [zeros.clone(), zeros], function)
}

/// Whether a clamp is a ReLU, or one with an upper end.
fn is_rectifier(clamp: Clamp) -> bool {
    clamp.min == 0.0 && clamp.max > 0.0
}

fn positive<B: Executor>(gradient: Array<B>) -> Array<B> {
    B::map(gradient, Function::Clamp(0.0, f32::INFINITY))
}

fn through_clamp<B: Executor>(sums: &Sums, memory: Memory<B>, gradient: Array<B>) -> Array<B> {
    match memory {
        Memory::Clamped(ends) => {
            elementwise::map_gradient::<B>(clamp_function(sums.clamp), ends, gradient)
        }
        memory => through_activation::<B>(memory, gradient),
    }
}

fn through_activation<B: Executor>(memory: Memory<B>, gradient: Array<B>) -> Array<B> {
    match memory {
        Memory::Gate(gate) => B::activation_gradient(gradient, gate),
        Memory::Sums {
            sums,
            before,
            activation,
        } => B::secant_gradient(gradient, sums, before, activation),
        _ => gradient,
    }
}
