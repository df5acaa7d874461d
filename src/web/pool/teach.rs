//! A last layer that is taught: features of pictures, and a network made of them.

use std::ops::Range;

use js_sys::ArrayBuffer;
use serde_bytes::ByteBuf;

use super::Pool;
use crate::model::Architecture;
use crate::protocol::{Failure, Request, Response};
use crate::web::client::{NoAnswer, unexpected};

/// What a layer is taught with.
pub(in crate::web) struct Examples {
    /// Flat \[pictures, features\].
    pub(in crate::web) features: Vec<f32>,
    /// The class of each picture.
    pub(in crate::web) classes: Vec<u16>,
    /// What the classes are called.
    pub(in crate::web) labels: Vec<String>,
    /// By which some are held out.
    pub(in crate::web) seed: u64,
}

/// A network whose last layer was taught.
pub(in crate::web) struct Taught {
    /// A file of weights.
    pub(in crate::web) file: Vec<u8>,
    /// The pictures that were held out, and the class that is named for each.
    pub(in crate::web) held_out: Vec<(usize, usize)>,
}

impl Pool {
    /// What the loaded model's last layer is given for each picture, a file of bytes, by its
    /// number, as it comes.
    pub(in crate::web) async fn features(
        &self,
        pictures: &[Vec<u8>],
        wanted: impl Fn() -> bool,
        take: impl Fn(usize, &[f32]),
    ) -> Result<(), Failure> {
        let request = |some: Range<usize>| Request::Features {
            pictures: pictures[some].iter().cloned().map(ByteBuf::from).collect(),
        };
        let take = |some: Range<usize>, response| match response {
            Response::Outputs(features) => {
                let each = (features.len() / some.len().max(1)).max(1);
                let of_pictures = some.zip(features.chunks_exact(each));
                of_pictures.for_each(|(k, features)| take(k, features));
                Ok(())
            }
            other => Err(unexpected(&other).failure()),
        };
        self.share(pictures.len(), usize::MAX, request, wanted, take)
            .await
    }

    /// Teaches a last layer, and puts it into the place of the one in a file of weights.
    pub(in crate::web) async fn teach(
        &self,
        architecture: Architecture,
        weights: &ArrayBuffer,
        examples: Examples,
    ) -> Result<Taught, Failure> {
        let request = Request::Teach {
            architecture,
            features: examples.features,
            classes: examples.classes,
            labels: examples.labels,
            seed: examples.seed,
        };
        let client = self.first().await?;
        let answer = client.ask(&request, std::slice::from_ref(weights)).await;
        match answer.map_err(NoAnswer::failure)? {
            Response::Taught { file, held_out } => Ok(Taught {
                file: file.into_vec(),
                held_out: held_out
                    .into_iter()
                    .map(|(k, class)| (k as usize, usize::from(class)))
                    .collect(),
            }),
            other => Err(unexpected(&other).failure()),
        }
    }
}
