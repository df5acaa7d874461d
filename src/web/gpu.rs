//! Which GPU the workers of this browser have.

use std::pin::pin;

use futures_util::future::{Either, select};
use js_sys::{Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Worker;

use super::dom::{message, sleep, window};
use super::files::script;
use crate::page::Found;
use crate::protocol::Failure;

/// How long a driver may take to say what it has, in milliseconds.
const PATIENCE_MS: i32 = 5_000;

/// What the GPU is called, if it can be used.
///
/// # Errors
///
/// [`FailureCode::NoGpu`](crate::protocol::FailureCode::NoGpu), with one sentence why not.
pub(super) async fn check(accept_software: bool) -> Result<String, Failure> {
    let gpu = Reflect::get(&window().navigator(), &"gpu".into());
    let in_pages = gpu.is_ok_and(|gpu| gpu.is_truthy());
    let found = if in_pages {
        let found = match select(pin!(ask()), pin!(sleep(PATIENCE_MS))).await {
            Either::Left((found, _)) => found,
            Either::Right(_) => Err("it does not answer".into()),
        };
        found.unwrap_or_else(|error| Found {
            failed: Some(message(&error)),
            ..Found::default()
        })
    } else {
        Found::default()
    };
    found.usable(in_pages, accept_software)
}

/// Has a worker look.
async fn ask() -> Result<Found, JsValue> {
    let worker = Worker::new(&script(&["adapter.js"]).await?)?;
    let answer = Promise::new(&mut |resolve, reject| {
        worker.set_onmessage(Some(&resolve));
        worker.set_onerror(Some(&reject));
    });
    let answer = JsFuture::from(answer).await;
    worker.terminate();
    let text = Reflect::get(&answer?, &"data".into())?.as_string();
    let found = serde_json::from_str(&text.unwrap_or_default());
    found.map_err(|error| error.to_string().into())
}
