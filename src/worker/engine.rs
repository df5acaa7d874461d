//! A worker: it opens its device, and computes what it is asked for.

use js_sys::{ArrayBuffer, Float32Array};

use super::listen::{Message, Reply, bytes, listen, scope};
use crate::device::{self, DeviceKind};
use crate::explain::{Answering, Body};
use crate::model::{self_test, usual_layers};
use crate::protocol::{Failure, Request, Response};

/// Bytes of an f32.
const FLOAT: usize = 4;

impl Body for ArrayBuffer {
    fn bytes(&self) -> Vec<u8> {
        bytes(self)
    }

    fn floats(&self, from: usize, length: usize) -> Vec<f32> {
        let [from, length] = [from * FLOAT, length].map(|v| v as u32);
        Float32Array::new_with_byte_offset_and_length(self, from, length).to_vec()
    }
}

/// Starts answering messages.
pub fn start() {
    let mut engine = Answering::default();
    listen(async move |Message { request, bodies }| {
        let response = match request {
            Request::Start { device } => open(&mut engine, device).await,
            request => engine.answer(request, &bodies, now).await,
        };
        response.map(Reply::from)
    });
}

async fn open(engine: &mut Answering, kind: DeviceKind) -> Result<Response, Failure> {
    let device = device::open(kind).await?;
    if kind == DeviceKind::Gpu {
        self_test(&device, &usual_layers()?).await?;
    }
    engine.start(device);
    Ok(Response::Ready)
}

/// Milliseconds since the worker began.
fn now() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}
