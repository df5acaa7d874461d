//! A network as data, before it is on a device: what reads files makes it, what runs networks takes it.

use std::sync::Arc;

#[cfg(feature = "engine")]
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use violet_graph::{Graph, Head, Outline, ValueId};

use super::arrangement::Arrangement;
#[cfg(feature = "engine")]
use super::{Network, Randomised};
use crate::error::Result;
use crate::preprocessing::Preprocessing;

/// All that is needed to run a network and to give it photos. With an [`Outline`] for its graph it is without
/// weights, and can be handed on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Definition<G = Graph> {
    /// What it computes, for one picture.
    pub graph: G,
    /// From photo to input.
    pub preprocessing: Preprocessing,
    /// How the input's numbers lie.
    pub arrangement: Arrangement,
    /// The output that is explained.
    pub output: String,
    /// How its outputs are boxes, if it is a detector whose scores are explained.
    pub detector: Option<Detector>,
}

/// How a detector that someone brought says where things are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// Name of the output of places, \[candidates, 4 or 5\]: the box's middle, x and y, its width and
    /// its height in pixels of the input; and, where there are five, the logit of there being a thing.
    pub boxes: String,
    /// How many classes each candidate has a score for.
    pub classes: usize,
    /// Whether the first of them is that there is nothing.
    pub background: bool,
}

impl Definition {
    /// The same without weights, which are [`Graph::elements`].
    pub fn outline(&self) -> Definition<Outline> {
        Definition {
            graph: self.graph.outline(),
            preprocessing: self.preprocessing,
            arrangement: self.arrangement.clone(),
            output: self.output.clone(),
            detector: self.detector.clone(),
        }
    }

    /// How many outputs there are to explain; of a detector, for each candidate.
    pub fn classes(&self) -> usize {
        let (value, _) = self.explained();
        match &self.detector {
            Some(detector) => detector.classes,
            None => self.graph.value(value).elements(),
        }
    }

    /// What is explained, and what was taken off its end.
    pub fn explained(&self) -> (ValueId, Head) {
        let mut outputs = self.graph.outputs().iter();
        let output = outputs.find(|output| output.name == self.output);
        let output = output.unwrap_or_else(|| unreachable!("it was chosen among them"));
        (output.value, output.head)
    }

    /// The same network with the weights of some layers shuffled, each array by itself. The same seed
    /// shuffles the same way.
    ///
    /// # Errors
    ///
    /// Those of [`Randomised::forget`].
    #[cfg(feature = "engine")]
    pub fn randomise(&mut self, extent: Randomised, seed: u64) -> Result<()> {
        let (value, _) = self.explained();
        self.graph = extent.forget(self.graph.clone(), value, seed)?;
        Ok(())
    }

    /// On a device.
    ///
    /// # Errors
    ///
    /// Those of [`Network::of_graph`].
    #[cfg(feature = "engine")]
    pub fn network(self, device: &Device) -> Result<Network> {
        let size = self.preprocessing.size();
        let network = Network::of_graph(self.graph, &self.output, self.arrangement, device)?;
        match &self.detector {
            Some(detector) => network.detecting(detector, size),
            None => Ok(network),
        }
    }
}

impl Definition<Outline> {
    /// With the elements of its graph's constants, in their order.
    ///
    /// # Errors
    ///
    /// [`Error::Graph`](crate::Error::Graph) if they are not as many.
    pub fn with_elements(
        self,
        elements: impl IntoIterator<Item = Arc<[f32]>>,
    ) -> Result<Definition> {
        Ok(Definition {
            graph: self.graph.with_elements(elements)?,
            preprocessing: self.preprocessing,
            arrangement: self.arrangement,
            output: self.output,
            detector: self.detector,
        })
    }
}
