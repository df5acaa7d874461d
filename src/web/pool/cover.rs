//! Questions about pictures that no photo is: with a part covered, changed by the page, or drawn.

use super::{Pool, unexpected};
use crate::model::Target;
use crate::protocol::{Failure, Request, Response, Truth};
use crate::shapes::Tag;
use crate::web::client::NoAnswer;

impl Pool {
    /// Runs the model on the kept path's input with some regions' pixels taken from its baseline, for each list of
    /// regions in `covered`, and hands in what it says, by the list's index, as it comes: F, or, without a target,
    /// every output.
    pub(in crate::web) async fn cover(
        &self,
        target: Option<Target>,
        regions: &[u16],
        covered: &[Vec<u16>],
        wanted: impl Fn() -> bool,
        take: impl Fn(usize, &[f32]),
    ) -> Result<(), Failure> {
        let request = |images: std::ops::Range<usize>| Request::Cover {
            target,
            regions: regions.to_vec(),
            covered: covered[images].to_vec(),
        };
        let take = |images: std::ops::Range<usize>, response| match response {
            Response::Outputs(outputs) => {
                let each = outputs.len() / images.len().max(1);
                let of_images = outputs.chunks_exact(each.max(1));
                images
                    .zip(of_images)
                    .for_each(|(k, outputs)| take(k, outputs));
                Ok(())
            }
            other => Err(unexpected(&other).failure()),
        };
        self.share(covered.len(), usize::MAX, request, wanted, take)
            .await
    }

    /// Every output of the model for an input, normalised and flat.
    pub(in crate::web) async fn look(&self, input: &[f32]) -> Result<Vec<f32>, Failure> {
        let request = Request::Look {
            input: input.to_vec(),
        };
        let client = self.first().await?;
        match client.ask(&request, &[]).await.map_err(NoAnswer::failure)? {
            Response::Outputs(outputs) => Ok(outputs),
            other => Err(unexpected(&other).failure()),
        }
    }

    /// A drawn scene's pixels, RGB, 3 bytes each, and what is known of it. What the workers keep stays.
    pub(in crate::web) async fn scene(
        &self,
        seed: u64,
        tag: Tag,
    ) -> Result<(Vec<u8>, Truth), Failure> {
        let client = self.first().await?;
        let answer = client.ask(&Request::Scene { seed, tag }, &[]).await;
        match answer.map_err(NoAnswer::failure)? {
            Response::Scene { rgb, truth } => Ok((rgb, truth)),
            other => Err(unexpected(&other).failure()),
        }
    }

    /// Grad-CAM of the kept path's input: rows, columns and the map; nothing, if the network has no layer of places.
    pub(in crate::web) async fn class_activation(
        &self,
        target: Target,
    ) -> Result<Option<(usize, usize, Vec<f32>)>, Failure> {
        let client = self.first().await?;
        let answer = client.ask(&Request::ClassActivation { target }, &[]).await;
        match answer.map_err(NoAnswer::failure)? {
            Response::Map {
                height,
                width,
                values,
            } => Ok((!values.is_empty()).then_some((height, width, values))),
            other => Err(unexpected(&other).failure()),
        }
    }
}
