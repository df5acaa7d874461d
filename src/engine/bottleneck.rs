//! Which nodes of a graph run in one go: expand – depthwise – project, or the last two of them, with gates of the channels
//! before the projection or without.

use std::sync::Arc;

use violet_graph::{Binary, Clamp, Convolution, Graph, Node, Operation, Reduction, ValueId};

use super::elementwise;
use super::layer::activation;
use crate::kernel::{self, Activation, Filter, Function, Geometry, Weights};

/// Nodes whose values between nothing else takes.
#[derive(Debug, Clone)]
pub(super) struct Bottleneck {
    /// The convolutions before the activations within, whose slots they use.
    pub expand: Option<usize>,
    pub depthwise: usize,
    /// The node that takes its input.
    pub first: usize,
    /// All of its nodes but the last.
    pub inner: Vec<usize>,
    /// The last one.
    pub project: usize,
    /// What follows the projection.
    pub activation: Activation,
    pub layers: Arc<kernel::Bottleneck>,
}

impl Bottleneck {
    /// All of a graph's.
    pub(super) fn all(graph: &Graph) -> Vec<Self> {
        let links = Links::new(graph);
        // Whether another one has it.
        let mut taken = vec![false; graph.nodes().len()];
        let mut found = Vec::new();
        for project in 0..graph.nodes().len() {
            if let Some(bottleneck) = links.ending_with(project, &taken) {
                let nodes = bottleneck.inner.iter().chain([&bottleneck.project]);
                nodes.for_each(|&node| taken[node] = true);
                found.push(bottleneck);
            }
        }
        found
    }
}

/// Who makes and who takes the values of a graph.
struct Links<'a> {
    graph: &'a Graph,
    /// By value.
    uses: Vec<u32>,
    producers: Vec<Option<usize>>,
}

/// A convolution, and a function of what it makes.
struct Sought {
    convolution: usize,
    function: Function,
    /// Both of these, or one that is both.
    nodes: Vec<usize>,
}

impl<'a> Links<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut uses = vec![0; graph.values().len()];
        let inputs = graph.nodes().iter().flat_map(Node::inputs);
        let outputs = graph.outputs().iter().map(|output| &output.value);
        inputs.chain(outputs).for_each(|id| uses[id.index()] += 1);
        let mut producers = vec![None; graph.values().len()];
        for (index, node) in graph.nodes().iter().enumerate() {
            producers[node.output().index()] = Some(index);
        }
        Self {
            graph,
            uses,
            producers,
        }
    }

    /// The node that makes a value, if so many take it.
    fn maker(&self, id: ValueId, uses: u32) -> Option<usize> {
        self.producers[id.index()].filter(|_| self.uses[id.index()] == uses)
    }

    /// The first thing that a node takes.
    fn input(&self, node: usize) -> ValueId {
        self.graph.nodes()[node].inputs()[0]
    }

    /// The layer whose last node this is.
    fn layer(&self, node: usize) -> Option<Sought> {
        let of = |node: usize| match self.graph.nodes()[node].operation() {
            Operation::Convolution(convolution) => Some(convolution.clamp),
            _ => None,
        };
        if let Some(Clamp { min, max }) = of(node) {
            return Some(Sought {
                convolution: node,
                function: Function::Clamp(min, max),
                nodes: vec![node],
            });
        }
        let Operation::Unary(unary) = self.graph.nodes()[node].operation() else {
            return None;
        };
        let convolution = self.maker(self.input(node), 1)?;
        of(convolution)?.is_none().then_some(())?;
        Some(Sought {
            convolution,
            function: elementwise::function(*unary)?,
            nodes: vec![convolution, node],
        })
    }

    /// What ends with this node, of nodes that are not taken.
    fn ending_with(&self, project: usize, taken: &[bool]) -> Option<Bottleneck> {
        let graph = self.graph;
        let last = pointwise(graph, project)?;
        let clamp = convolution(graph, project)?.0.clamp;
        let of_last = activation(clamp)?;
        let mut inner = Vec::new();
        let x = self.input(project);
        let (depthwise, squeeze) = match self.squeezed(x) {
            Some(squeezed) => {
                inner.extend(squeezed.nodes);
                (self.maker(squeezed.given, 2)?, Some(squeezed.layers))
            }
            None => (self.maker(x, 1)?, None),
        };
        let depthwise = self.layer(depthwise)?;
        let (middle, geometry) = depthwise_of(graph, depthwise.convolution)?;
        let suits = |layer: &Sought| kernel::Bottleneck::suits_after(layer.function);
        let free = |layer: &Sought| layer.nodes.iter().all(|&node| !taken[node]);
        if !suits(&depthwise) || !free(&depthwise) {
            return None;
        }
        let expand = self.maker(self.input(depthwise.convolution), 1);
        let expand = expand
            .and_then(|node| self.layer(node))
            .filter(|layer| suits(layer) && free(layer) && self.plain(layer.convolution).is_some());
        let named = |weights: Weights<'a>, function| Weights {
            function,
            ..weights
        };
        let first = expand.as_ref().and_then(|layer| {
            let weights = self.plain(layer.convolution)?;
            Some(named(weights, layer.function))
        });
        let middle = named(middle, depthwise.function);
        let layers = kernel::Bottleneck::new(&geometry, first, middle, squeeze, last);
        let before = expand.iter().chain([&depthwise]);
        inner.extend(before.flat_map(|layer| layer.nodes.clone()));
        let expand = expand.map(|layer| layer.convolution);
        Some(Bottleneck {
            first: expand.unwrap_or(depthwise.convolution),
            expand,
            depthwise: depthwise.convolution,
            inner,
            project,
            activation: of_last,
            layers: Arc::new(layers),
        })
    }

    /// The weights of 1×1 filters without a residual.
    fn plain(&self, node: usize) -> Option<Weights<'a>> {
        pointwise(self.graph, node).filter(|_| self.graph.nodes()[node].inputs().len() == 3)
    }

    /// A value as the product of another one and its channels' gates.
    fn squeezed(&self, product: ValueId) -> Option<Squeezed<'a>> {
        let product = self.maker(product, 1)?;
        let node = &self.graph.nodes()[product];
        let (Operation::Binary(Binary::Mul), &[a, b]) = (node.operation(), node.inputs()) else {
            return None;
        };
        [[a, b], [b, a]].into_iter().find_map(|[given, gates]| {
            let up = self.layer(self.maker(gates, 1)?)?;
            let down = self.layer(self.maker(self.input(up.convolution), 1)?)?;
            let mean = self.maker(self.input(down.convolution), 1)?;
            let shape = self.graph.shape(given);
            let [height, width] = [2, 1].map(|behind| shape.len().wrapping_sub(behind));
            let of_image = match self.graph.nodes()[mean].operation() {
                Operation::Reduce { reduction, axes } => {
                    *reduction == Reduction::Mean && axes[..] == [height, width]
                }
                _ => false,
            };
            let layers = [&down, &up].map(|layer| {
                let weights = self.plain(layer.convolution)?;
                Some(Weights {
                    function: layer.function,
                    ..weights
                })
            });
            let [Some(of_down), Some(of_up)] = layers else {
                return None;
            };
            let fits =
                of_image && self.input(mean) == given && one_image(shape)?[0] == of_up.bias.len();
            let nodes = [down.nodes, up.nodes, vec![mean, product]].concat();
            fits.then_some(Squeezed {
                given,
                layers: [of_down, of_up],
                nodes,
            })
        })
    }
}

/// See [`Links::squeezed`].
struct Squeezed<'a> {
    /// What is multiplied.
    given: ValueId,
    layers: [Weights<'a>; 2],
    nodes: Vec<usize>,
}

/// Channels, rows and columns of a shape that is one image, whatever axes of length 1 stand before.
fn one_image(shape: &[usize]) -> Option<[usize; 3]> {
    let (outer, image) = shape.split_last_chunk()?;
    outer.iter().all(|&length| length == 1).then_some(*image)
}

/// A convolution of single images, its weights, and what it clamps to.
fn convolution(graph: &Graph, node: usize) -> Option<(&Convolution, Weights<'_>)> {
    let node = &graph.nodes()[node];
    let Operation::Convolution(convolution) = node.operation() else {
        return None;
    };
    let constant = |k: usize| graph.constant(node.inputs()[k]);
    let weights = Weights {
        weight: constant(1)?,
        bias: constant(2)?,
        function: Function::Clamp(convolution.clamp.min, convolution.clamp.max),
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
