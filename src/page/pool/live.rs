//! Pictures of the camera: each worker explains one after the other.

use super::{BytesOf, FORGIVEN, Host, NoAnswer, Pool, Worker, unexpected};
use crate::attribution::Baseline;
use crate::protocol::{Failure, Glimpse, Request, Response};

/// A picture of the camera.
pub struct Frame<B> {
    /// RGBA, 4 bytes a pixel.
    pub rgba: B,
    /// Width and height in pixels.
    pub size: [u32; 2],
}

impl<H: Host> Pool<H> {
    /// Has a worker, by its number, explain an output of a picture, or the likeliest, by so many
    /// secants. One that died is replaced, as often as that is forgiven.
    ///
    /// # Errors
    ///
    /// See [`sum`](Self::sum).
    pub async fn glimpse(
        &self,
        worker: usize,
        frame: &Frame<BytesOf<H>>,
        baseline: Baseline,
        secants: usize,
        output: Option<usize>,
    ) -> Result<Glimpse, Failure> {
        let request = Request::Glimpse {
            size: frame.size,
            baseline,
            secants: secants as u32,
            output: output.map(|output| output as u32),
        };
        let mut deaths = 0;
        loop {
            let body = std::slice::from_ref(&frame.rgba);
            match self.worker(worker).ask(&request, body).await {
                Ok(Response::Glimpsed(glimpse)) => return Ok(glimpse),
                Ok(other) => return Err(unexpected(&other).failure()),
                Err(NoAnswer::Failed(failure)) => return Err(failure),
                Err(lost) => {
                    deaths += 1;
                    if deaths > FORGIVEN {
                        return Err(lost.failure());
                    }
                    self.replace(worker).await?;
                }
            }
        }
    }
}
