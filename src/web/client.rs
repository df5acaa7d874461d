//! The page's end of one worker: its life, its queue of questions, its death.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, MessageEvent};

use super::dom::message;
use super::files::Program;
use crate::page::pool::{NoAnswer, Worker};
use crate::protocol::{Request, Response};

/// What a worker says, and bytes that may come with it.
type Answer = (Response, Option<ArrayBuffer>);

/// A worker and the questions it has not answered yet.
pub(super) struct Client {
    worker: web_sys::Worker,
    state: Rc<RefCell<State>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<oneshot::Sender<Answer>>,
    /// What the worker said when it died.
    epitaph: Option<String>,
}

impl State {
    /// Whoever waits learns that nothing will come.
    fn bury(&mut self, epitaph: String) {
        self.epitaph.get_or_insert(epitaph);
        self.waiting.clear();
    }
}

impl Client {
    /// Starts a worker.
    pub(super) fn spawn(program: &Program) -> Result<Self, NoAnswer> {
        let lost = |error: JsValue| NoAnswer::Lost(message(&error));
        let worker = web_sys::Worker::new(&program.script).map_err(lost)?;
        let state = Rc::new(RefCell::new(State::default()));

        let shared = Rc::clone(&state);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let envelope = event.data();
            let part = |name: &str| Reflect::get(&envelope, &name.into()).unwrap_or_default();
            let head = Uint8Array::new(&part("head")).to_vec();
            match postcard::from_bytes::<Response>(&head) {
                Ok(Response::Panicked(detail)) => shared.borrow_mut().bury(detail),
                Ok(response) => {
                    let sender = shared.borrow_mut().waiting.pop_front();
                    if let Some(sender) = sender {
                        // Whoever asked may have moved on: then nobody needs the answer.
                        let body = part("body").dyn_into().ok();
                        sender.send((response, body)).unwrap_or(());
                    }
                }
                Err(error) => shared.borrow_mut().bury(error.to_string()),
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));

        let shared = Rc::clone(&state);
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            event.prevent_default();
            // A script that cannot be loaded comes as a plain Event, without a message.
            let detail = Reflect::get(&event, &"message".into())
                .ok()
                .and_then(|detail| detail.as_string())
                .unwrap_or_else(|| "its script could not be started".into());
            shared.borrow_mut().bury(detail);
        });
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));

        worker.post_message(&program.module).map_err(lost)?;
        Ok(Self {
            worker,
            state,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    /// As [`ask`](Worker::ask), with the bytes that come with the answer.
    pub(super) async fn ask_for_body(
        &self,
        request: &Request,
        bodies: &[ArrayBuffer],
    ) -> Result<Answer, NoAnswer> {
        let receiver = {
            let mut state = self.state.borrow_mut();
            if let Some(epitaph) = &state.epitaph {
                return Err(NoAnswer::Lost(epitaph.clone()));
            }
            self.post(request, bodies)
                .map_err(|error| NoAnswer::Lost(message(&error)))?;
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            receiver
        };
        match receiver.await {
            Ok((Response::Failed(failure), _)) => Err(NoAnswer::Failed(failure)),
            Ok(answer) => Ok(answer),
            Err(oneshot::Canceled) => Err(NoAnswer::Lost(self.epitaph().unwrap_or_default())),
        }
    }

    fn post(&self, request: &Request, bodies: &[ArrayBuffer]) -> Result<(), JsValue> {
        let head = postcard::to_stdvec(request).map_err(|e| JsValue::from(e.to_string()))?;
        let head = Uint8Array::from(head.as_slice());
        let envelope = Object::new();
        Reflect::set(&envelope, &"head".into(), &head)?;
        let bodies: Array = bodies.iter().collect();
        Reflect::set(&envelope, &"bodies".into(), &bodies)?;
        self.worker
            .post_message_with_transfer(&envelope, &Array::of1(&head.buffer()))
    }
}

impl Worker for Client {
    type Bytes = ArrayBuffer;

    async fn ask(&self, request: &Request, bodies: &[ArrayBuffer]) -> Result<Response, NoAnswer> {
        let (response, _) = self.ask_for_body(request, bodies).await?;
        Ok(response)
    }

    fn epitaph(&self) -> Option<String> {
        self.state.borrow().epitaph.clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}
