//! A worker's end of the wire: messages come one after the other, and each is answered.

use futures_channel::mpsc;
use futures_util::StreamExt;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::protocol::{Failure, Request, Response};

/// What a worker was asked.
pub(super) struct Message {
    pub(super) request: Request,
    /// In the browser's own memory: whoever needs one copies it, once.
    pub(super) bodies: Vec<ArrayBuffer>,
}

/// What it answers.
pub(super) struct Reply {
    pub(super) response: Response,
    /// Bytes that are handed over, not copied.
    pub(super) body: Option<ArrayBuffer>,
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        let body = None;
        Self { response, body }
    }
}

/// Has every message answered.
pub(super) fn listen(mut answer: impl AsyncFnMut(Message) -> Result<Reply, Failure> + 'static) {
    construct();
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        send(Response::Panicked(panic.to_string()).into());
    }));
    let (sender, mut receiver) = mpsc::unbounded::<MessageEvent>();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event| {
        // The receiver lives as long as the worker.
        sender.unbounded_send(event).unwrap_or(());
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    spawn_local(async move {
        while let Some(event) = receiver.next().await {
            let reply = match message(&event) {
                Ok(message) => answer(message).await,
                Err(failure) => Err(failure),
            };
            send(reply.unwrap_or_else(|failure| Response::Failed(failure).into()));
        }
    });
}

/// Runs what the crates below do before `main`, once.
///
/// The linker has every function that a module exports do it, each time one is called, unless the
/// module does it by itself.
#[allow(unsafe_code)]
fn construct() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: the linker provides it, and nothing else has run yet.
    unsafe {
        __wasm_call_ctors();
    }
}

fn message(event: &MessageEvent) -> Result<Message, Failure> {
    let envelope = event.data();
    let part = |name: &str| Reflect::get(&envelope, &name.into()).unwrap_or_default();
    let head = Uint8Array::new(&part("head")).to_vec();
    let bodies = part("bodies").dyn_into::<Array>().unwrap_or_default();
    Ok(Message {
        request: decoded(&head)?,
        bodies: bodies.into_iter().map(JsCast::unchecked_into).collect(),
    })
}

/// A message's plain data.
fn decoded<'a, T: Deserialize<'a>>(head: &'a [u8]) -> Result<T, Failure> {
    postcard::from_bytes(head).map_err(|error| Failure::internal(&error.to_string()))
}

/// The bytes of a body.
pub(super) fn bytes(body: &ArrayBuffer) -> Vec<u8> {
    Uint8Array::new(body).to_vec()
}

/// Sends a reply; its bytes are handed over, not copied.
fn send(Reply { response, body }: Reply) {
    // Serialising plain data into memory cannot fail, and the page that listens owns the worker.
    let head = postcard::to_stdvec(&response).unwrap_or_default();
    let head = Uint8Array::from(head.as_slice());
    let envelope = Object::new();
    Reflect::set(&envelope, &"head".into(), &head).unwrap_or_default();
    let transferred = Array::of1(&head.buffer());
    if let Some(body) = body {
        Reflect::set(&envelope, &"body".into(), &body).unwrap_or_default();
        transferred.push(&body);
    }
    scope()
        .post_message_with_transfer(&envelope, &transferred)
        .unwrap_or(());
}

pub(super) fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
