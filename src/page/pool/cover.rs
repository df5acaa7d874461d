//! Questions about pictures that no photo is: with a part covered, changed by the page, or drawn.

use std::ops::Range;

use super::{Host, Pool, outputs, unexpected};
use crate::model::Target;
use crate::protocol::{Failure, Request, Response, Truth};
use crate::shapes::Tag;

impl<H: Host> Pool<H> {
    /// Runs the model on the kept path's input with some regions' pixels taken from its baseline,
    /// for each list of regions in `covered`, and hands in what it says, by the list's index, as it
    /// comes: F, or, without a target, every output.
    ///
    /// # Errors
    ///
    /// See [`sum`](Self::sum).
    pub async fn cover(
        &self,
        target: Option<Target>,
        regions: &[u16],
        covered: &[Vec<u16>],
        wanted: impl Fn() -> bool,
        take: impl Fn(usize, &[f32]),
    ) -> Result<(), Failure> {
        let request = |images: Range<usize>| Request::Cover {
            target,
            regions: regions.to_vec(),
            covered: covered[images].to_vec(),
        };
        self.share_rows(covered.len(), request, wanted, take).await
    }

    /// Every output of the model for an input, normalised and flat.
    ///
    /// # Errors
    ///
    /// See [`time_gradient`](Self::time_gradient).
    pub async fn look(&self, input: &[f32]) -> Result<Vec<f32>, Failure> {
        let input = input.to_vec();
        outputs(self.ask_first(&Request::Look { input }).await?)
    }

    /// A drawn scene's pixels, RGB, 3 bytes each, and what is known of it. What the workers keep
    /// stays.
    ///
    /// # Errors
    ///
    /// See [`time_gradient`](Self::time_gradient).
    pub async fn scene(&self, seed: u64, tag: Tag) -> Result<(Vec<u8>, Truth), Failure> {
        match self.ask_first(&Request::Scene { seed, tag }).await? {
            Response::Scene { rgb, truth } => Ok((rgb, truth)),
            other => Err(unexpected(&other).failure()),
        }
    }

    /// Grad-CAM of the kept path's input: rows, columns and the map; nothing, if the network has no
    /// layer of places.
    ///
    /// # Errors
    ///
    /// See [`time_gradient`](Self::time_gradient).
    pub async fn class_activation(
        &self,
        target: Target,
    ) -> Result<Option<(usize, usize, Vec<f32>)>, Failure> {
        match self.ask_first(&Request::ClassActivation { target }).await? {
            Response::Map {
                height,
                width,
                values,
            } => Ok((!values.is_empty()).then_some((height, width, values))),
            other => Err(unexpected(&other).failure()),
        }
    }
}
