//! The workers of this browser, among whom [`page::pool`](crate::page::pool) shares the work out.

use js_sys::{ArrayBuffer, Reflect};

use super::client::Client;
use super::dom::{now, window};
use super::files::{self, Program};
use crate::device::DeviceKind;
use crate::page::pool::{self, Host, NoAnswer};
use crate::protocol::Failure;

pub(super) use crate::page::pool::Examples;
pub(super) type Pool = pool::Pool<Browser>;
pub(super) type Weights = pool::Weights<ArrayBuffer>;
pub(super) type Picture = pool::Picture<ArrayBuffer>;
pub(super) type Frame = pool::Frame<ArrayBuffer>;

/// Starts workers of a program.
pub(super) struct Browser {
    engine: Program,
    /// Told of each worker that died and was replaced, and what it said last.
    replaced: Box<dyn Fn(&str)>,
}

impl Host for Browser {
    type Worker = Client;

    fn start(&self) -> Result<Client, NoAnswer> {
        Client::spawn(&self.engine)
    }

    fn memory_gib(&self) -> Option<f64> {
        memory_gib()
    }

    fn now(&self) -> f64 {
        now()
    }

    fn replaced(&self, epitaph: &str) {
        (self.replaced)(epitaph);
    }

    async fn decode(&self, photo: &ArrayBuffer) -> Result<ArrayBuffer, Failure> {
        files::decoded_by_browser(photo).await
    }
}

/// Starts workers on a device: on the CPU so many, or as many as cores and memory allow, or one on
/// the GPU, which is called so.
pub(super) async fn start(
    engine: Program,
    (device, adapter): (DeviceKind, String),
    workers: Option<usize>,
    replaced: impl Fn(&str) + 'static,
) -> Result<Pool, Failure> {
    let host = Browser {
        engine,
        replaced: Box::new(replaced),
    };
    Pool::start(host, device, adapter, worker_count(workers)).await
}

/// As many workers as this machine is good for, or as many of those that are asked for.
fn worker_count(asked: Option<usize>) -> usize {
    let in_hand = window().match_media("(pointer: coarse)").ok().flatten();
    crate::page::worker_count(
        asked,
        window().navigator().hardware_concurrency() as usize,
        memory_gib(),
        in_hand.is_some_and(|query| query.matches()),
    )
}

/// The device's memory: browsers tell 8 at most, or nothing.
fn memory_gib() -> Option<f64> {
    let gib = Reflect::get(&window().navigator(), &"deviceMemory".into());
    gib.ok()?.as_f64()
}

/// How many workers can hold a model that takes so many bytes in each.
///
/// # Errors
///
/// [`FailureCode::NetworkTooLarge`](crate::protocol::FailureCode::NetworkTooLarge), if none can.
pub(super) fn fitting(memory: u64) -> Result<usize, Failure> {
    crate::page::fitting(memory, memory_gib())
}
