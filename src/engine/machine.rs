//! A graph with its weights on a device, and the ways through it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use burn::backend::{Dispatch, DispatchTensor, DispatchTensorKind};
use burn::tensor::{Device, Tensor};
use violet_graph::{Graph, Needs, Node, Origin, Plan, ValueId};

use super::bottleneck::Bottleneck;
use super::differentiable::Run;
use super::layer::{Layer, on_device};
use super::left::Left;
use crate::error::Result;
use crate::kernel::Geometry;

/// A graph, ready to run on a device.
#[derive(Debug)]
pub struct Machine {
    /// Without the weights that layers have as their kernels want them.
    graph: Graph,
    device: Device,
    /// By node. Of nodes that run together with others, not before they have to run by themselves.
    layers: Vec<OnceLock<Layer>>,
    pub(super) bottlenecks: Vec<Bottleneck>,
    pub(super) needs: Vec<Needs>,
    /// By value: those that operations take which have no weights, \[1, …\].
    pub(super) constants: Vec<Option<DispatchTensor>>,
}

/// A way through a graph: to some of its values, or to some of their elements.
#[derive(Debug)]
pub struct Route {
    /// What runs, one after the other.
    pub(super) steps: Vec<Step>,
    /// The same, where each node has to run by itself.
    pub(super) apart: Vec<Step>,
    pub(super) wanted: Vec<Wanted>,
    /// By value: how often it is taken.
    pub(super) uses: Vec<u32>,
}

/// What runs in one go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A node.
    Node(usize),
    /// One of the machine's bottlenecks.
    Bottleneck(usize),
}

/// What a route leads to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub value: ValueId,
    /// One element; or nothing, for all.
    pub element: Option<usize>,
}

impl Pass {
    /// At points, with nobody looking on.
    fn new(machine: &Arc<Machine>, route: &Arc<Route>) -> Self {
        Self {
            machine: machine.clone(),
            route: route.clone(),
            left: None,
            backward: Backward::Gradient,
            probe: None,
        }
    }

    /// What runs, one after the other: nodes by themselves, where something is done or looked at between them.
    pub(super) fn steps(&self) -> &[Step] {
        match (self.backward, &self.probe) {
            (Backward::Gradient, None) => &self.route.steps,
            _ => &self.route.apart,
        }
    }
}

/// What a backward pass does at rectifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backward {
    /// The chain rule.
    Gradient,
    /// Besides, each lets through only what is positive: guided backpropagation.
    Guided,
}

/// One pass through a machine.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    pub(super) machine: Arc<Machine>,
    pub(super) route: Arc<Route>,
    /// Along a path, what its last point left.
    pub(super) left: Option<Arc<Mutex<Left>>>,
    pub(super) backward: Backward,
    /// What is looked at on the way.
    pub(super) probe: Option<Arc<Mutex<Probe>>>,
}

/// A value inside a graph that is looked at while a pass runs: what it is, and its gradient.
#[derive(Debug, Clone)]
pub struct Probe {
    pub(super) at: ValueId,
    pub(super) value: Option<DispatchTensor>,
    pub(super) gradient: Option<DispatchTensor>,
}

impl Probe {
    /// The last value of a route that is a map: channels, rows and columns of which there are
    /// several. Nothing, if it has none.
    pub fn of_last_map(machine: &Machine, route: &Route) -> Option<Self> {
        let graph = machine.graph();
        let mut outputs = route.apart.iter().rev().map(|step| match *step {
            Step::Node(node) => graph.nodes()[node].output(),
            Step::Bottleneck(_) => unreachable!("each runs by itself"),
        });
        let at = outputs.find(|&id| matches!(graph.shape(id), &[_, h, w] if h > 1 && w > 1))?;
        Some(Self {
            at,
            value: None,
            gradient: None,
        })
    }

    /// What it was and its gradient, \[N, C, H, W\] each, once the pass has run backward.
    pub fn taken(self) -> Option<[Tensor<4>; 2]> {
        Some([self.value?, self.gradient?].map(Tensor::from_dispatch))
    }
}

impl Machine {
    /// Brings a graph's weights to a device. The graph should be
    /// [prepared](violet_graph::Graph::prepared).
    ///
    /// # Errors
    ///
    /// [`Error::Operation`](crate::Error::Operation) if it has an operation that does not run here.
    pub fn load(graph: Graph, device: &Device) -> Result<Self> {
        let bottlenecks = if is_cpu(device) {
            Bottleneck::all(&graph)
        } else {
            Vec::new()
        };
        let mut together = vec![false; graph.nodes().len()];
        for bottleneck in &bottlenecks {
            let nodes = bottleneck.inner.iter().copied().chain([bottleneck.project]);
            nodes.for_each(|node| together[node] = true);
        }
        let mut kept = vec![false; graph.values().len()];
        for (node, _) in graph
            .nodes()
            .iter()
            .zip(&together)
            .filter(|(_, together)| **together)
        {
            node.inputs().iter().for_each(|id| kept[id.index()] = true);
        }
        let layer = |(node, &together): (&Node, &bool)| {
            Ok(match together {
                true => OnceLock::new(),
                false => Layer::new(&graph, node, device)?.into(),
            })
        };
        let layers = graph.nodes().iter().zip(&together).map(layer);
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let needs = graph.nodes().iter().map(|node| graph.needs(node)).collect();
        let mut constants: Vec<Option<DispatchTensor>> = vec![None; graph.values().len()];
        for (node, layer) in graph.nodes().iter().zip(&layers) {
            if layer.get().is_none_or(|layer| layer.filters().is_some()) {
                continue;
            }
            for &id in node.inputs() {
                let index = id.index();
                if let (Origin::Constant(_), None) = (graph.value(id).origin(), &constants[index]) {
                    let values = graph.constant(id).map(|values| &values[..]);
                    let values = values.unwrap_or_default();
                    let flat = on_device(values, [values.len()], device);
                    let shape = super::array::with_images(1, graph.shape(id));
                    constants[index] = Some(reshaped(flat, shape));
                }
            }
        }
        Ok(Self {
            // Those that run together may have to run by themselves.
            graph: graph.without_elements(|id| kept[id.index()]),
            device: device.clone(),
            layers,
            bottlenecks,
            needs,
            constants,
        })
    }

    /// The graph, without the elements of most of its constants.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// A node's.
    pub(super) fn layer(&self, node: usize) -> &Layer {
        self.layers[node].get_or_init(|| {
            let layer = Layer::new(&self.graph, &self.graph.nodes()[node], &self.device);
            layer.unwrap_or_else(|_| unreachable!("convolutions run everywhere"))
        })
    }

    /// Every node's.
    fn every_layer(&self) -> impl Iterator<Item = &Layer> {
        (0..self.layers.len()).map(|node| self.layer(node))
    }

    /// The way to all elements of some values.
    pub fn to_values(&self, values: &[ValueId]) -> Route {
        let wanted = values.iter().map(|&value| Wanted {
            value,
            element: None,
        });
        self.route(wanted.collect())
    }

    /// The way to some elements of a value, with nothing but what leads to them.
    pub fn to_elements(&self, value: ValueId, elements: &[usize]) -> Route {
        let wanted = elements.iter().map(|&element| {
            let (value, element) = self.graph.source_of(value, element);
            Wanted {
                value,
                element: Some(element),
            }
        });
        self.route(wanted.collect())
    }

    fn route(&self, wanted: Vec<Wanted>) -> Route {
        let values: Vec<ValueId> = wanted.iter().map(|wanted| wanted.value).collect();
        let plan = Plan::new(&self.graph, &values);
        let mut uses = vec![0; self.graph.values().len()];
        values.iter().for_each(|id| uses[id.index()] += 1);
        for step in plan.steps() {
            let inputs = self.graph.nodes()[step.node].inputs();
            inputs.iter().for_each(|id| uses[id.index()] += 1);
        }
        let apart = plan.steps().iter().map(|step| Step::Node(step.node));
        Route {
            steps: self.steps(&plan, &values),
            apart: apart.collect(),
            wanted,
            uses,
        }
    }

    /// What runs, one after the other.
    fn steps(&self, plan: &Plan, wanted: &[ValueId]) -> Vec<Step> {
        // By node: nothing, if it runs by itself; else what runs when its turn comes.
        let mut together: Vec<Option<Option<Step>>> = vec![None; self.layers.len()];
        for (index, bottleneck) in self.bottlenecks.iter().enumerate() {
            let output = |node: usize| self.graph.nodes()[node].output();
            let mut inner = bottleneck.inner.iter();
            if inner.all(|&node| !wanted.contains(&output(node))) {
                let inner = bottleneck.inner.iter();
                inner.for_each(|&node| together[node] = Some(None));
                together[bottleneck.project] = Some(Some(Step::Bottleneck(index)));
            }
        }
        let steps = plan.steps().iter().filter_map(|step| {
            let alone = Some(Step::Node(step.node));
            together[step.node].unwrap_or(alone)
        });
        steps.collect()
    }

    /// The values of one image that one buffer has to hold, at most.
    pub fn widest(&self) -> usize {
        let values = self.graph.values().iter();
        let constant =
            |value: &&violet_graph::Value| !matches!(value.origin(), Origin::Constant(_));
        let widest = values.filter(constant).map(violet_graph::Value::elements);
        // Those that run together have no others.
        let layers = self.layers.iter().filter_map(OnceLock::get);
        widest.chain(layers.map(Layer::values)).max().unwrap_or(1)
    }

    /// The geometry of each call of a convolution's kernel, fully connected layers included.
    pub fn geometries(&self) -> Vec<Geometry> {
        self.every_layer().flat_map(Layer::geometries).collect()
    }

    /// Every convolution's weights, in whatever order its kernels want them, for proofs about them.
    pub fn convolution_weights(&self) -> Vec<Tensor<1>> {
        let filters = self.every_layer().filter_map(|layer| match layer {
            Layer::Sums(sums) if sums.rows.is_none() => Some(&sums.filters),
            _ => None,
        });
        filters
            .flat_map(|filters| filters.weights())
            .map(|weight| Tensor::from_dispatch(weight.clone()))
            .collect()
    }

    /// Where a node's pre-activation is kept along a path.
    pub(super) fn slot(&self, node: usize) -> usize {
        self.graph.values().len() + node
    }
}

/// Whether kernels of the CPU run on a device.
pub(super) fn is_cpu(device: &Device) -> bool {
    let tensor = Tensor::<1>::zeros([1], device).into_dispatch();
    matches!(tensor.kind, DispatchTensorKind::Flex(_))
}

/// A tensor of any rank in another shape.
fn reshaped(flat: DispatchTensor, shape: Vec<usize>) -> DispatchTensor {
    use burn::backend::ops::FloatTensorOps;
    Dispatch::float_reshape(flat, burn::tensor::Shape::from(shape))
}

/// What a route leads to, of N images: \[N, …\] → \[N, elements\], one after the other. One
/// operation of Burn's, with a backward step of its own.
///
/// With `left`, the gradient at each point is the mean one since the point before: of the first, since
/// the last of the pass before with the same `left` and route.
pub fn run<const D: usize>(
    machine: &Arc<Machine>,
    route: &Arc<Route>,
    input: Tensor<D>,
    left: Option<&mut Left>,
) -> Tensor<2> {
    let mut left = left;
    let shared = left.as_deref_mut().map(|left| {
        let mut left = std::mem::take(left);
        left.advance();
        Arc::new(Mutex::new(left))
    });
    let output = dispatched(
        Pass {
            left: shared.clone(),
            ..Pass::new(machine, route)
        },
        input,
    );
    if let (Some(left), Some(shared)) = (left, shared) {
        *left = std::mem::take(&mut shared.lock().unwrap_or_else(PoisonError::into_inner));
    }
    output
}

/// As [`run`] at points; but the backward pass is that of guided backpropagation, whose rectifiers let
/// through only what is positive.
pub fn run_guided<const D: usize>(
    machine: &Arc<Machine>,
    route: &Arc<Route>,
    input: Tensor<D>,
) -> Tensor<2> {
    let pass = Pass {
        backward: Backward::Guided,
        ..Pass::new(machine, route)
    };
    dispatched(pass, input)
}

/// As [`run`] at points, while a probe looks on.
pub fn run_probed<const D: usize>(
    machine: &Arc<Machine>,
    route: &Arc<Route>,
    input: Tensor<D>,
    probe: &Arc<Mutex<Probe>>,
) -> Tensor<2> {
    let pass = Pass {
        probe: Some(probe.clone()),
        ..Pass::new(machine, route)
    };
    dispatched(pass, input)
}

fn dispatched<const D: usize>(pass: Pass, input: Tensor<D>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::run(input.into_dispatch(), pass))
}
