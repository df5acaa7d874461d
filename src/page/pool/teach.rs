//! A last layer that is taught: features of pictures, and a network made of them.

use std::ops::Range;

use serde_bytes::ByteBuf;

use super::{BytesOf, Host, NoAnswer, Pool, Worker, unexpected};
use crate::model::Architecture;
use crate::protocol::{Failure, Request, Response};

/// What a layer is taught with.
pub struct Examples {
    /// Flat \[pictures, features\].
    pub features: Vec<f32>,
    /// The class of each picture.
    pub classes: Vec<u16>,
    /// What the classes are called.
    pub labels: Vec<String>,
    /// By which some are held out.
    pub seed: u64,
}

/// A network whose last layer was taught.
pub struct Taught {
    /// A file of weights.
    pub file: Vec<u8>,
    /// The pictures that were held out, and the class that is named for each.
    pub held_out: Vec<(usize, usize)>,
}

impl<H: Host> Pool<H> {
    /// What the loaded model's last layer is given for each picture, a file of bytes, by its
    /// number, as it comes.
    ///
    /// # Errors
    ///
    /// See [`sum`](Self::sum).
    pub async fn features(
        &self,
        pictures: &[Vec<u8>],
        wanted: impl Fn() -> bool,
        take: impl Fn(usize, &[f32]),
    ) -> Result<(), Failure> {
        let request = |some: Range<usize>| Request::Features {
            pictures: pictures[some].iter().cloned().map(ByteBuf::from).collect(),
        };
        self.share_rows(pictures.len(), request, wanted, take).await
    }

    /// Teaches a last layer, and puts it into the place of the one in a file of weights.
    ///
    /// # Errors
    ///
    /// See [`time_gradient`](Self::time_gradient).
    pub async fn teach(
        &self,
        architecture: Architecture,
        weights: &BytesOf<H>,
        examples: Examples,
    ) -> Result<Taught, Failure> {
        let request = Request::Teach {
            architecture,
            features: examples.features,
            classes: examples.classes,
            labels: examples.labels,
            seed: examples.seed,
        };
        let body = std::slice::from_ref(weights);
        let answer = self.first().await?.ask(&request, body).await;
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
