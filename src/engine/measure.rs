//! What a network does with one image, in numbers to compare with other run times.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use violet_graph::{Graph, ValueId};

use super::{Left, Machine, Route, run};
use crate::attribution::read;
use crate::error::{Error, Result};

/// A graph on a device, ready to be measured.
#[derive(Debug)]
pub struct Measured {
    machine: Arc<Machine>,
    explained: ValueId,
    device: Device,
}

impl Measured {
    /// Brings the weights to a device.
    ///
    /// # Errors
    ///
    /// Those of [`Machine::load`].
    pub fn load(graph: Graph, explained: ValueId, device: &Device) -> Result<Self> {
        Ok(Self {
            machine: Arc::new(Machine::load(graph, device)?),
            explained,
            device: device.clone().autodiff(),
        })
    }

    /// Every element of the output that is explained.
    ///
    /// # Errors
    ///
    /// [`Error::Device`].
    pub async fn outputs(&self, image: &[f32]) -> Result<Vec<f32>> {
        let route = Arc::new(self.machine.to_values(&[self.explained]));
        read(run(&self.machine, &route, self.tensor(image), None).inner()).await
    }

    /// The way to one element, for [`gradient`](Self::gradient) and [`secant`](Self::secant).
    pub fn way(&self, element: usize) -> Arc<Route> {
        Arc::new(self.machine.to_elements(self.explained, &[element]))
    }

    /// The gradient at an image.
    ///
    /// # Errors
    ///
    /// [`Error::Device`].
    pub async fn gradient(&self, way: &Arc<Route>, image: &[f32]) -> Result<Vec<f32>> {
        let image = self.tensor(image).require_grad();
        let output = run(&self.machine, way, image.clone(), None);
        self.backward(image, output).await
    }

    /// The mean gradient between two images.
    ///
    /// # Errors
    ///
    /// [`Error::Device`].
    pub async fn secant(&self, way: &Arc<Route>, [from, to]: [&[f32]; 2]) -> Result<Vec<f32>> {
        let mut left = Left::default();
        run(&self.machine, way, self.tensor(from), Some(&mut left));
        let image = self.tensor(to).require_grad();
        let output = run(&self.machine, way, image.clone(), Some(&mut left));
        self.backward(image, output).await
    }

    async fn backward(&self, image: Tensor<2>, output: Tensor<2>) -> Result<Vec<f32>> {
        let mut gradients = output.sum().backward();
        let gradient = image.grad_remove(&mut gradients);
        let gradient = gradient.ok_or_else(|| Error::Device {
            device: "network",
            reason: "its output does not depend on its input".into(),
        })?;
        read(gradient).await
    }

    fn tensor(&self, image: &[f32]) -> Tensor<2> {
        let data = TensorData::new(image.to_vec(), [1, image.len()]);
        Tensor::from_data(data, &self.device)
    }
}
