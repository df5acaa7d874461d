//! Pictures of the camera: each worker explains one after the other.

use std::rc::Rc;

use js_sys::ArrayBuffer;

use super::{FORGIVEN, Pool};
use crate::attribution::Baseline;
use crate::protocol::{Failure, Glimpse, Request, Response};
use crate::web::client::{NoAnswer, unexpected};

/// A picture of the camera.
pub(in crate::web) struct Frame {
    /// RGBA, 4 bytes a pixel.
    pub(in crate::web) rgba: ArrayBuffer,
    /// Width and height in pixels.
    pub(in crate::web) size: [u32; 2],
}

impl Pool {
    /// Has a worker, by its number, explain an output of a picture, or the likeliest, by so many
    /// secants. One that died is replaced, as often as that is forgiven.
    pub(in crate::web) async fn glimpse(
        &self,
        worker: usize,
        frame: &Frame,
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
            let client = Rc::clone(&self.clients.borrow()[worker]);
            let body = std::slice::from_ref(&frame.rgba);
            match client.ask(&request, body).await {
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
