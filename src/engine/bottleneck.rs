//! Which nodes of a graph run in one go: expand – depthwise – project, or the last two of them.

use std::sync::Arc;

use violet_graph::{Convolution, Graph, Node, Operation, ValueId};

use super::layer::activation;
use crate::kernel::{self, Activation, Filter, Geometry, Weights};

/// Nodes whose values between nothing else takes.
#[derive(Debug, Clone)]
pub(super) struct Bottleneck {
    /// The nodes of the two activations within, whose slots they use, and the projection.
    pub expand: Option<usize>,
    pub depthwise: usize,
    pub project: usize,
    /// What follows the projection.
    pub activation: Activation,
    pub layers: Arc<kernel::Bottleneck>,
}

impl Bottleneck {
    /// All of a graph's.
    pub(super) fn all(graph: &Graph) -> Vec<Self> {
        let mut uses = vec![0; graph.values().len()];
        let inputs = graph.nodes().iter().flat_map(Node::inputs);
        let outputs = graph.outputs().iter().map(|output| &output.value);
        inputs.chain(outputs).for_each(|id| uses[id.index()] += 1);
        let mut producers = vec![None; graph.values().len()];
        for (index, node) in graph.nodes().iter().enumerate() {
            producers[node.output().index()] = Some(index);
        }
        // The node that makes a value, if it does so for one other only.
        let maker = |id: ValueId| producers[id.index()].filter(|_| uses[id.index()] == 1);
        let found = (0..graph.nodes().len()).filter_map(|project| {
            let last = pointwise(graph, project)?;
            let depthwise = maker(graph.nodes()[project].inputs()[0])?;
            let (middle, geometry) = depthwise_of(graph, depthwise)?;
            let expand = maker(graph.nodes()[depthwise].inputs()[0]);
            let expand = expand.filter(|&node| {
                pointwise(graph, node).is_some() && graph.nodes()[node].inputs().len() == 3
            });
            let first = expand.and_then(|node| pointwise(graph, node));
            let layers = kernel::Bottleneck::new(&geometry, first, middle, last);
            Some(Self {
                expand,
                depthwise,
                project,
                activation: last.activation,
                layers: Arc::new(layers),
            })
        });
        found.collect()
    }

    /// Its nodes but the last.
    pub(super) fn inner(&self) -> impl Iterator<Item = usize> {
        self.expand.into_iter().chain([self.depthwise])
    }

    /// The node that takes its input.
    pub(super) fn first(&self) -> usize {
        self.expand.unwrap_or(self.depthwise)
    }
}

/// Channels, rows and columns of a shape that is one image, whatever axes of length 1 stand before.
fn one_image(shape: &[usize]) -> Option<[usize; 3]> {
    let (outer, image) = shape.split_last_chunk()?;
    outer.iter().all(|&length| length == 1).then_some(*image)
}

/// A convolution of single images, its weights, and what follows it.
fn convolution(graph: &Graph, node: usize) -> Option<(&Convolution, Weights<'_>)> {
    let node = &graph.nodes()[node];
    let Operation::Convolution(convolution) = node.operation() else {
        return None;
    };
    let constant = |k: usize| graph.constant(node.inputs()[k]);
    let weights = Weights {
        weight: constant(1)?,
        bias: constant(2)?,
        activation: activation(convolution.clamp)?,
    };
    one_image(graph.shape(node.inputs()[0]))
        .is_some()
        .then_some((convolution, weights))
}

/// 1×1 filters over all channels.
fn pointwise(graph: &Graph, node: usize) -> Option<Weights<'_>> {
    let (convolution, weights) = convolution(graph, node)?;
    let window = &convolution.window;
    let plain = window.kernel == [1; 2]
        && window.stride == [1; 2]
        && window.padding_before == [0; 2]
        && window.padding_after == [0; 2]
        && convolution.groups == 1;
    plain.then_some(weights)
}

/// Filters over each channel by itself, without a residual.
fn depthwise_of(graph: &Graph, node: usize) -> Option<(Weights<'_>, Geometry)> {
    let (convolution, weights) = convolution(graph, node)?;
    let node = &graph.nodes()[node];
    let [given, made] = [node.inputs()[0], node.output()].map(|id| one_image(graph.shape(id)));
    let (given, made) = (given?, made?);
    let window = &convolution.window;
    let [kernel, stride] = [window.kernel, window.stride].map(|[a, b]| (a == b).then_some(a));
    let geometry = Geometry {
        filter: Filter::depthwise(given[0], kernel?, stride?),
        padding_before: window.padding_before,
        input: [given[1], given[2]],
        output: [made[1], made[2]],
    };
    let plain = node.inputs().len() == 3
        && convolution.groups == given[0]
        && made[0] == given[0]
        && (window.dilation == [1; 2] || kernel == Some(1))
        && window
            .padding_before
            .iter()
            .all(|&zeros| Some(zeros) < kernel)
        && kernel::Bottleneck::suits(&geometry);
    plain.then_some((weights, geometry))
}
