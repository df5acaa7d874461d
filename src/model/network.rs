//! A network with its weights on a device.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Tensor};
use violet_graph::{Graph, Head, ValueId};

use super::arrangement::Arrangement;
use super::definition::Detector;
use super::graphs::{BOXES, LOGITS};
use super::probability::{sigmoid_slopes, softmax_slopes};
use super::{Architecture, Checkpoint, Detection, Randomised, Scale, Target, Trace, decoded};
use crate::engine::{self, Machine, Probe, Route};
use crate::error::{Error, Result};
use crate::kernel::Geometry;

/// What a detector says of places.
#[derive(Debug, Clone, Copy)]
enum Boxes {
    /// How far they are from [anchors](super::anchors()).
    Encoded(ValueId),
    /// The boxes themselves, in pixels of an input of that height and width, for so many classes.
    Decoded {
        value: ValueId,
        size: [usize; 2],
        classes: usize,
        /// Whether the first of these is that there is nothing.
        background: bool,
    },
}

impl Boxes {
    fn value(self) -> ValueId {
        match self {
            Boxes::Encoded(value) | Boxes::Decoded { value, .. } => value,
        }
    }
}

/// A network with its weights on a device.
#[derive(Debug)]
pub struct Network {
    machine: Arc<Machine>,
    logits: ValueId,
    /// A detector's boxes.
    boxes: Option<Boxes>,
    /// Whether each output is a probability by itself, instead of all together.
    independent: bool,
    /// Ways to what was asked for; nothing named: to all logits.
    routes: Mutex<BTreeMap<Vec<usize>, Arc<Route>>>,
    arrangement: Arrangement,
    device: Device,
}

impl Network {
    /// The network of that architecture with the checkpoint's weights. BatchNorm, where the
    /// checkpoint still has it, is folded into the convolutions first.
    ///
    /// # Errors
    ///
    /// Those of [`Architecture::graph`].
    pub fn load(
        architecture: Architecture,
        checkpoint: Checkpoint,
        device: &Device,
    ) -> Result<Self> {
        let size = architecture.preprocessing().size();
        Self::load_for(architecture, checkpoint, size, device)
    }

    /// As [`load`](Self::load), for images of another height and width.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn load_for(
        architecture: Architecture,
        checkpoint: Checkpoint,
        size: [usize; 2],
        device: &Device,
    ) -> Result<Self> {
        let graph = architecture.graph(checkpoint, size)?;
        let boxes = output(&graph, BOXES).map(|(value, _)| Boxes::Encoded(value));
        let mut network = Self::of_graph(graph, LOGITS, Arrangement::default(), device)?;
        network.boxes = boxes;
        network.independent = boxes.is_some();
        Ok(network)
    }

    /// A graph that explains one of its outputs.
    ///
    /// Weights are untracked: no gradient of any of them is ever computed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownOutput`] if it has none of that name, [`Error::Operation`] if it has an
    /// operation that does not run here.
    pub fn of_graph(
        graph: Graph,
        name: &str,
        arrangement: Arrangement,
        device: &Device,
    ) -> Result<Self> {
        let (logits, head) = output(&graph, name).ok_or_else(|| unknown(&graph, name))?;
        let machine = Machine::load(graph, device)?;
        Ok(Self {
            logits,
            boxes: None,
            // Of one output by itself, softmax would say that it is certain.
            independent: head == Head::Sigmoid || machine.graph().value(logits).elements() == 1,
            routes: Mutex::default(),
            arrangement,
            machine: Arc::new(machine),
            device: device.clone().autodiff(),
        })
    }

    /// The same network as a detector, whose output that is explained is its class logits.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownOutput`] if it has no boxes of that name.
    pub fn detecting(mut self, detector: &Detector, size: [usize; 2]) -> Result<Self> {
        let graph = self.machine.graph();
        let (value, _) =
            output(graph, &detector.boxes).ok_or_else(|| unknown(graph, &detector.boxes))?;
        self.boxes = Some(Boxes::Decoded {
            value,
            size,
            classes: detector.classes,
            background: detector.background,
        });
        self.independent = true;
        Ok(self)
    }

    /// Class logits, before softmax or sigmoid; a detector's are those of all its anchors.
    ///
    /// # Shapes
    ///
    /// \[N, C, H, W\], normalised as the model's [preprocessing](crate::preprocessing::Preprocessing)
    /// says, to \[N, outputs\].
    pub fn logits(&self, input: Tensor<4>) -> Tensor<2> {
        self.run(&self.route(&[]), input, &mut Trace::none())
    }

    /// As [`logits`](Self::logits), for points in the order of a path. With [`Trace::secants`] the
    /// gradient at each is the mean one since the point before, as
    /// [`output_along`](Self::output_along) says.
    pub fn logits_along(&self, input: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        self.run(&self.route(&[]), input, trace)
    }

    /// What the last layer makes the logits of, \[N, features\].
    ///
    /// # Errors
    ///
    /// [`Error::NoLastLayer`] if the logits do not come from one layer by itself, as a detector's.
    pub fn features(&self, input: Tensor<4>) -> Result<Tensor<2>> {
        let graph = self.machine.graph();
        let last = match Randomised::LastLayer.layers(graph, self.logits)[..] {
            [last] => &graph.nodes()[last],
            _ => return Err(Error::NoLastLayer),
        };
        // What follows it, at most, lays its outputs differently.
        let moves = graph.source_of(self.logits, 0).0 == last.output();
        if self.boxes.is_some() || !moves {
            return Err(Error::NoLastLayer);
        }
        let route = Arc::new(self.machine.to_values(&last.inputs()[..1]));
        Ok(self.run(&route, input, &mut Trace::none()))
    }

    /// How many outputs there are: the classes, or those of all anchors.
    pub fn outputs(&self) -> usize {
        self.machine.graph().value(self.logits).elements()
    }

    /// Whether each output is a probability by itself, by sigmoid, instead of all together by softmax.
    pub fn is_independent(&self) -> bool {
        self.independent
    }

    /// What a detector says of places \[N, anchors · 4 or 5\] and class logits
    /// \[N, anchors · classes\]; nothing of a classifier. See [`detections`](Self::detections).
    pub fn boxes_and_logits(&self, input: Tensor<4>) -> Option<[Tensor<2>; 2]> {
        let boxes = self.boxes?.value();
        let route = Arc::new(self.machine.to_values(&[boxes, self.logits]));
        let both = self.run(&route, input, &mut Trace::none());
        let encodings = self.machine.graph().value(boxes).elements();
        Some([
            both.clone().narrow(1, 0, encodings),
            both.narrow(1, encodings, self.outputs()),
        ])
    }

    /// What is in one image, of what [`boxes_and_logits`](Self::boxes_and_logits) says of it: the best
    /// first, at most `most`, that score at least `threshold`.
    pub fn detections(
        &self,
        boxes: &[f32],
        logits: &[f32],
        threshold: f32,
        most: usize,
    ) -> Vec<Detection> {
        match self.boxes {
            None => Vec::new(),
            Some(Boxes::Encoded(_)) => super::detections(boxes, logits, threshold, most),
            Some(Boxes::Decoded {
                size,
                classes,
                background,
                ..
            }) => {
                let first = usize::from(background);
                decoded::detections(boxes, logits, first..classes, size, threshold, most)
            }
        }
    }

    /// F for each input: \[N, C, H, W\] → \[N\].
    pub fn output(&self, input: Tensor<4>, target: Target) -> Tensor<1> {
        self.output_along(input, target, &mut Trace::none())
    }

    /// As [`output`](Self::output), for points in the order of a path. With [`Trace::secants`] the gradient
    /// at each is the mean one since the point before: of the first, since the last of the call before with
    /// the same trace and target.
    pub fn output_along(&self, input: Tensor<4>, target: Target, trace: &mut Trace) -> Tensor<1> {
        // Of softmax all logits are needed, else those that the target names.
        let all = target.scale == Scale::Probability && !self.independent;
        let named: Vec<usize> = target.outputs().collect();
        let route = self.route(if all { &[] } else { &named });
        let logits = self.run(&route, input, trace);
        let columns = if all {
            named
        } else {
            (0..named.len()).collect()
        };
        if !trace.is_kept() || target.scale == Scale::Logit {
            return self.read(logits, target.scale, &columns);
        }
        let before = trace.exchange(&logits);
        let here = logits.clone().detach();
        let slopes = self.slopes(before, here.clone(), &columns);
        let [n, _] = logits.dims();
        // Nothing, but its gradient is F's.
        let still = ((logits - here.clone()) * slopes).sum_dim(1).reshape([n]);
        self.read(here, target.scale, &columns) + still
    }

    /// The mean slopes of F, a probability or the difference of two, in the logits that
    /// [`read`](Self::read) reads, \[N, outputs\] as they are at both points.
    fn slopes(&self, before: Tensor<2>, here: Tensor<2>, columns: &[usize]) -> Tensor<2> {
        if self.independent {
            let signs: Vec<f32> = columns.iter().zip([1.0, -1.0]).map(|(_, s)| s).collect();
            let signs = Tensor::<1>::from_floats(signs.as_slice(), &here.device());
            return sigmoid_slopes(before, here) * signs.unsqueeze();
        }
        let of = |&column: &usize| softmax_slopes(before.clone(), here.clone(), column);
        let difference = columns
            .iter()
            .map(of)
            .reduce(|slopes, minus| slopes - minus);
        difference.unwrap_or_else(|| unreachable!("a target has an output"))
    }

    /// F, given logits and where the target's lie among them.
    fn read(&self, logits: Tensor<2>, scale: Scale, columns: &[usize]) -> Tensor<1> {
        let outputs = match (scale, self.independent) {
            (Scale::Logit, _) => logits,
            (Scale::Probability, true) => sigmoid(logits),
            (Scale::Probability, false) => softmax(logits, 1),
        };
        let [n, _] = outputs.dims();
        let columns = columns.iter();
        let columns = columns.map(|&k| outputs.clone().narrow(1, k, 1).reshape([n]));
        let difference = columns.reduce(|output, minus| output - minus);
        difference.unwrap_or_else(|| unreachable!("a target has an output"))
    }

    fn run(&self, route: &Arc<Route>, input: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        let input = self.arrangement.of(input);
        if trace.is_guided() {
            return engine::run_guided(&self.machine, route, input);
        }
        engine::run(&self.machine, route, input, trace.left())
    }

    /// The last map of channels on the way to F, and F's gradient there, \[N, C, H, W\] each. Nothing,
    /// if there is no such map. Outputs are taken as logits.
    pub fn last_map(&self, input: Tensor<4>, target: Target) -> Option<[Tensor<4>; 2]> {
        let named: Vec<usize> = target.outputs().collect();
        let route = self.route(&named);
        let probe = Arc::new(Mutex::new(Probe::of_last_map(&self.machine, &route)?));
        let input = self.arrangement.of(input.require_grad());
        let logits = engine::run_probed(&self.machine, &route, input, &probe);
        let columns: Vec<usize> = (0..named.len()).collect();
        // Of the input nothing is asked.
        drop(self.read(logits, Scale::Logit, &columns).sum().backward());
        let probe = probe.lock().unwrap_or_else(PoisonError::into_inner);
        probe.clone().taken()
    }

    /// The way to some logits; nothing named, to all of them.
    fn route(&self, outputs: &[usize]) -> Arc<Route> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if routes.len() >= ROUTES && !routes.contains_key(outputs) {
            routes.clear();
        }
        let route = routes.entry(outputs.to_vec()).or_insert_with(|| {
            Arc::new(match outputs {
                [] => self.machine.to_values(&[self.logits]),
                outputs => self.machine.to_elements(self.logits, outputs),
            })
        });
        route.clone()
    }

    /// Every convolution's weights, in whatever order its kernels want them, for proofs about them.
    pub fn convolution_weights(&self) -> Vec<Tensor<1>> {
        self.machine.convolution_weights()
    }

    /// The geometry of each call of a convolution's kernel, the fully connected layer's included.
    pub fn geometries(&self) -> Vec<Geometry> {
        self.machine.geometries()
    }

    /// The values of one image that one buffer has to hold, at most.
    pub fn widest(&self) -> usize {
        self.machine.widest()
    }

    /// What it computes.
    pub fn graph(&self) -> &Graph {
        self.machine.graph()
    }

    /// The device that inputs must be on: an autodiff device.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

/// How many ways are kept.
const ROUTES: usize = 64;

/// An output of that name, and what was taken off its end.
fn output(graph: &Graph, name: &str) -> Option<(ValueId, Head)> {
    let mut outputs = graph.outputs().iter();
    let output = outputs.find(|output| output.name == name)?;
    Some((output.value, output.head))
}

fn unknown(graph: &Graph, name: &str) -> Error {
    let known = graph.outputs().iter().map(|output| &*output.name);
    Error::UnknownOutput {
        name: name.into(),
        known: known.collect::<Vec<_>>().join(", "),
    }
}
