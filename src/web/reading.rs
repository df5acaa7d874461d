//! Has a network's files read, by a worker that ends with it: what that took comes back.

use js_sys::ArrayBuffer;

use super::client::Client;
use super::files::Program;
use crate::model::{Card, Wishes};
use crate::page::pool::{NoAnswer, unexpected};
use crate::protocol::{Failure, Request, Response, Source};

/// A network that was read.
pub(super) struct Read {
    pub(super) card: Card,
    /// For workers,
    pub(super) source: Source,
    /// with its weights.
    pub(super) weights: ArrayBuffer,
}

/// Reads the network among files, by their names and their bytes.
pub(super) async fn read(
    reader: &Program,
    files: Vec<String>,
    bytes: &[ArrayBuffer],
    wishes: Wishes,
) -> Result<Read, Failure> {
    let client = Client::spawn(reader).map_err(NoAnswer::failure)?;
    let request = Request::Read { files, wishes };
    match client.ask_for_body(&request, bytes).await {
        Ok((Response::Read { card, definition }, Some(weights))) => Ok(Read {
            card: *card,
            source: Source::Own { definition },
            weights,
        }),
        Ok((other, _)) => Err(unexpected(&other).failure()),
        Err(no_answer) => Err(no_answer.failure()),
    }
}
