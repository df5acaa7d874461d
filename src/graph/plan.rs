//! In which order a graph runs, what of it can be forgotten when, and what the backward pass needs.

use crate::graph::{Graph, Head, Node, Origin, ValueId};
use crate::operation::{Binary, Clamp, Convolution, Operation, Reduction, Unary};

/// How a part of a graph runs: the nodes that lead to some values.
///
/// # Example
///
/// ```
/// use violet_graph::{Builder, Plan, Unary};
///
/// let mut b = Builder::new(&[8])?;
/// let x = b.unary(Unary::Tanh, b.input())?;
/// let y = b.unary(Unary::Neg, x)?;
/// b.output("y", y);
/// let graph = b.finish()?;
/// let plan = Plan::new(&graph, &[graph.outputs()[0].value]);
/// // The backward pass needs what tanh was taken of, which nothing takes any more after it.
/// assert!(plan.is_kept(graph.input()));
/// assert_eq!(plan.steps()[1].freed, [graph.nodes()[0].output()]);
/// # Ok::<(), violet_graph::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    steps: Vec<Step>,
    /// By value.
    kept: Vec<bool>,
    memory: Memory,
}

/// A node that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its index among the graph's nodes.
    pub node: usize,
    /// Whether the backward pass needs the sums that it clamps.
    pub keeps_pre_activation: bool,
    /// Values that nothing takes after it, neither forward nor backward.
    pub freed: Vec<ValueId>,
}

/// How many elements of one image are held at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// At most during a forward pass after which none follows backward.
    pub forward: u64,
    /// What a forward pass leaves for the backward one.
    pub kept: u64,
    /// At most during both passes of a secant, from what the point before has left to the input's
    /// gradient.
    pub secant: u64,
}

/// What the backward pass of one node needs of the points that it is between.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Which of its inputs; none of them are constants.
    pub inputs: Vec<bool>,
    /// The sums that it clamps.
    pub pre_activation: bool,
}

impl Graph {
    /// What a node's backward pass needs, of a derivative and of a secant alike.
    pub fn needs(&self, node: &Node) -> Needs {
        let varies = |k: usize| !self.is_constant(node.inputs[k]);
        let mut needs = Needs {
            inputs: vec![false; node.inputs.len()],
            pre_activation: false,
        };
        match &node.operation {
            Operation::Convolution(Convolution { clamp, .. }) | Operation::Linear { clamp } => {
                needs.pre_activation = !clamp.is_none();
            }
            // Each factor is the other one's slope.
            Operation::MatMul | Operation::Binary(Binary::Mul) if varies(0) && varies(1) => {
                needs.inputs = vec![true; 2];
            }
            Operation::Binary(Binary::Div) if varies(1) => needs.inputs = vec![varies(0), true],
            Operation::Binary(Binary::Max | Binary::Min) => {
                needs.inputs = vec![varies(0), varies(1)];
            }
            Operation::Unary(Unary::Neg) | Operation::Unary(Unary::Clip(Clamp::NONE)) => {}
            Operation::Unary(_)
            | Operation::PRelu
            | Operation::MaxPool(_)
            | Operation::Softmax { .. }
            | Operation::LogSoftmax { .. }
            | Operation::Normalise { .. }
            | Operation::Reduce {
                reduction: Reduction::Max | Reduction::L2 | Reduction::LogSumExp,
                ..
            } => needs.inputs[0] = true,
            _ => {}
        }
        needs
    }

    /// The element that another one is a copy of, further back: of what is only moved to its place.
    /// To explain one logit of a detector, no layers need to run but those that lead to it.
    pub fn source_of(&self, mut id: ValueId, mut element: usize) -> (ValueId, usize) {
        while let Some((source, index)) = self.moved_from(id, element) {
            (id, element) = (source, index);
        }
        (id, element)
    }

    /// The logit of an element, and what is made of it: its [source](Self::source_of), and if that is
    /// a sigmoid or softmax, what it is of. Detectors put sigmoids before boxes are laid side by
    /// side; the raw score is what is explained.
    pub fn logit_of(&self, id: ValueId, element: usize) -> (ValueId, usize, Head) {
        let (id, element) = self.source_of(id, element);
        let node = self.producer(id);
        let head = match node.map(|node| &node.operation) {
            Some(Operation::Unary(Unary::Sigmoid)) => Head::Sigmoid,
            Some(Operation::Softmax { .. }) => Head::Softmax,
            Some(Operation::LogSoftmax { .. }) => Head::LogSoftmax,
            _ => Head::None,
        };
        match node {
            Some(node) if head != Head::None => {
                let (id, element) = self.source_of(node.inputs[0], element);
                (id, element, head)
            }
            _ => (id, element, Head::None),
        }
    }

    /// One node further back.
    fn moved_from(&self, id: ValueId, element: usize) -> Option<(ValueId, usize)> {
        let node = self.producer(id)?;
        let x = *node.inputs.first()?;
        let (from, to) = (self.shape(x), self.shape(id));
        match &node.operation {
            Operation::Reshape { .. } => Some((x, element)),
            Operation::Concat { axis } => {
                let inner: usize = to[axis + 1..].iter().product();
                let (outer, inside) = (element / inner / to[*axis], element % inner);
                let mut place = element / inner % to[*axis];
                for &piece in &node.inputs {
                    let length = self.shape(piece)[*axis];
                    if place < length {
                        let index = (outer * length + place) * inner + inside;
                        return (!self.is_constant(piece)).then_some((piece, index));
                    }
                    place -= length;
                }
                None
            }
            Operation::Transpose { .. }
            | Operation::Slice { .. }
            | Operation::Gather { .. }
            | Operation::Expand { .. }
            | Operation::Pad { .. } => {
                let source = crate::reference::source(&node.operation, from, to, element)?;
                Some((x, source))
            }
            _ => None,
        }
    }

    /// Whether a value is a constant.
    pub(crate) fn is_constant(&self, id: ValueId) -> bool {
        matches!(self.value(id).origin, Origin::Constant(_))
    }
}

impl Plan {
    /// The nodes that lead to these values.
    pub fn new(graph: &Graph, wanted: &[ValueId]) -> Self {
        let mut runs = vec![false; graph.values.len()];
        wanted.iter().for_each(|id| runs[id.index()] = true);
        for node in graph.nodes.iter().rev() {
            if runs[node.output.index()] {
                node.inputs.iter().for_each(|id| runs[id.index()] = true);
            }
        }
        let order: Vec<usize> = (0..graph.nodes.len())
            .filter(|&index| runs[graph.nodes[index].output.index()])
            .collect();
        let mut kept = vec![false; graph.values.len()];
        let mut steps: Vec<Step> = Vec::new();
        for &index in &order {
            let node = &graph.nodes[index];
            let needs = graph.needs(node);
            for (&id, needed) in node.inputs.iter().zip(&needs.inputs) {
                kept[id.index()] |= needed;
            }
            steps.push(Step {
                node: index,
                keeps_pre_activation: needs.pre_activation,
                freed: Vec::new(),
            });
        }
        let mut plan = Self {
            steps,
            kept,
            memory: Memory::default(),
        };
        plan.free(graph, wanted);
        plan.memory = plan.measured(graph, wanted);
        plan
    }

    /// What runs, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether the backward pass needs a value.
    pub fn is_kept(&self, id: ValueId) -> bool {
        self.kept[id.index()]
    }

    /// How much is held at once.
    pub fn memory(&self) -> Memory {
        self.memory
    }

    /// Says after which step each value is freed.
    fn free(&mut self, graph: &Graph, wanted: &[ValueId]) {
        let last = last_uses(graph, &self.steps);
        for (index, last) in last.into_iter().enumerate() {
            let id = ValueId(index as u32);
            if let Some(last) = last
                && !self.kept[index]
                && !wanted.contains(&id)
                && !graph.is_constant(id)
            {
                self.steps[last].freed.push(id);
            }
        }
    }

    /// Runs both passes in numbers.
    fn measured(&self, graph: &Graph, wanted: &[ValueId]) -> Memory {
        let elements = |id: ValueId| graph.value(id).elements() as u64;
        let last = last_uses(graph, &self.steps);
        // Forward without and with what is kept.
        let (mut alone, mut with_kept) = (elements(graph.input), elements(graph.input));
        let mut memory = Memory {
            forward: alone,
            ..Memory::default()
        };
        let mut forward = with_kept;
        for (k, step) in self.steps.iter().enumerate() {
            let node = &graph.nodes[step.node];
            let made = elements(node.output);
            alone += made;
            with_kept += made * (1 + u64::from(step.keeps_pre_activation));
            memory.forward = memory.forward.max(alone);
            forward = forward.max(with_kept);
            let done = distinct(&node.inputs).filter(|&id| {
                last[id.index()] == Some(k) && !wanted.contains(&id) && !graph.is_constant(id)
            });
            alone -= done.map(elements).sum::<u64>();
            with_kept -= step.freed.iter().map(|&id| elements(id)).sum::<u64>();
            if step.keeps_pre_activation {
                memory.kept += made;
            }
        }
        let kept = (0..graph.values.len() as u32)
            .map(ValueId)
            .filter(|&id| self.is_kept(id));
        memory.kept += kept.map(elements).sum::<u64>();
        // Backward, gradients come and go in the opposite order.
        let mut present = vec![false; graph.values.len()];
        wanted.iter().for_each(|id| present[id.index()] = true);
        let mut gradients: u64 = distinct(wanted).map(elements).sum();
        let mut backward = gradients;
        for step in self.steps.iter().rev() {
            let node = &graph.nodes[step.node];
            for id in distinct(&node.inputs) {
                if !graph.is_constant(id) && !present[id.index()] {
                    present[id.index()] = true;
                    gradients += elements(id);
                }
            }
            backward = backward.max(gradients);
            gradients -= elements(node.output);
        }
        // The point before has left as much as this one leaves.
        memory.secant = memory.kept + forward.max(memory.kept + backward);
        memory
    }
}

/// By value: the last step that takes it.
fn last_uses(graph: &Graph, steps: &[Step]) -> Vec<Option<usize>> {
    let mut last = vec![None; graph.values.len()];
    for (k, step) in steps.iter().enumerate() {
        let inputs = &graph.nodes[step.node].inputs;
        inputs.iter().for_each(|id| last[id.index()] = Some(k));
    }
    last
}

/// Each value once.
fn distinct(ids: &[ValueId]) -> impl Iterator<Item = ValueId> + '_ {
    let first = |&(k, id): &(usize, &ValueId)| !ids[..k].contains(id);
    ids.iter().enumerate().filter(first).map(|(_, &id)| id)
}
