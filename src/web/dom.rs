//! Short words for what the page does with its elements.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    AddEventListenerOptions, CustomEvent, CustomEventInit, Document, Element, EventTarget,
    HtmlElement, Window,
};

/// The page's window.
pub(super) fn window() -> Window {
    // The page's module runs in a page; workers never come here.
    web_sys::window().unwrap_or_else(|| unreachable!("the page has a window"))
}

/// The page's document.
pub(super) fn document() -> Document {
    window()
        .document()
        .unwrap_or_else(|| unreachable!("a window has a document"))
}

/// Milliseconds since the page was opened.
pub(super) fn now() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}

/// The element of that id in index.html, as the type it has there.
pub(super) fn element<T: JsCast>(id: &str) -> T {
    document()
        .get_element_by_id(id)
        .and_then(|element| element.dyn_into().ok())
        .unwrap_or_else(|| unreachable!("index.html has #{id} of that type"))
}

/// Takes the keyboard to the element of that id.
pub(super) fn focus(id: &str) {
    // Refused by what is hidden: then it stays where it was.
    element::<HtmlElement>(id).focus().unwrap_or(());
}

/// All elements a selector finds.
pub(super) fn all(selector: &str) -> Vec<Element> {
    let Ok(list) = document().query_selector_all(selector) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|k| list.get(k)?.dyn_into().ok())
        .collect()
}

/// Calls `handler` at every event of that kind, for as long as there is a target.
pub(super) fn on<E: JsCast + 'static>(
    target: &EventTarget,
    kind: &str,
    handler: impl FnMut(E) + 'static,
) {
    listen(target, kind, handler, &AddEventListenerOptions::new());
}

/// As [`on`], for a handler that keeps the browser from scrolling.
pub(super) fn on_active<E: JsCast + 'static>(
    target: &EventTarget,
    kind: &str,
    handler: impl FnMut(E) + 'static,
) {
    let options = AddEventListenerOptions::new();
    options.set_passive(false);
    listen(target, kind, handler, &options);
}

fn listen<E: JsCast + 'static>(
    target: &EventTarget,
    kind: &str,
    mut handler: impl FnMut(E) + 'static,
    options: &AddEventListenerOptions,
) {
    let closure = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
        handler(event.unchecked_into());
    });
    // The browser has it now, and with the target it goes: lists are made anew with every mask.
    let closure = closure.into_js_value();
    let listened = target.add_event_listener_with_callback_and_add_event_listener_options(
        kind,
        closure.unchecked_ref(),
        options,
    );
    debug_assert!(listened.is_ok(), "listening cannot fail on an element");
}

/// Waits.
pub(super) async fn sleep(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let asked =
            window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
        debug_assert!(asked.is_ok(), "a window has timeouts");
    });
    // A promise that is never rejected.
    wasm_bindgen_futures::JsFuture::from(promise)
        .await
        .unwrap_or_default();
}

/// The message of a JavaScript exception, for people.
pub(super) fn message(error: &wasm_bindgen::JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| format!("{error:?}"))
}

/// Tells the page's scripts, which do without this module, that something happened.
pub(super) fn tell_window(event: &str, detail: &JsValue) {
    let init = CustomEventInit::new();
    init.set_detail(detail);
    if let Ok(event) = CustomEvent::new_with_event_init_dict(event, &init) {
        window().dispatch_event(&event).unwrap_or_default();
    }
}
