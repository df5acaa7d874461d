//! The page's address says what is set, so that a link restores it.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::UrlSearchParams;

use super::Page;
use crate::web::dom::window;
use crate::web::words::phrase;

fn query() -> Option<UrlSearchParams> {
    let query = window().location().search().ok()?;
    UrlSearchParams::new_with_str(&query).ok()
}

/// A parameter of the page's address.
pub(super) fn parameter(name: &str) -> Option<String> {
    query()?.get(name)
}

/// Writes a parameter into the page's address, or takes it out.
pub(super) fn write_parameter(name: &str, text: Option<&str>) {
    let Some(query) = query() else { return };
    match text {
        Some(text) => query.set(name, text),
        None => query.delete(name),
    }
    replace(&query);
}

/// The page's address, as one can send it.
pub(super) fn address() -> String {
    window().location().href().unwrap_or_default()
}

fn replace(query: &UrlSearchParams) {
    let url = format!("?{}", query.to_string().as_string().unwrap_or_default());
    // Refused only by documents that have no address of their own.
    let history = window().history();
    let _written = history.map(|h| h.replace_state_with_url(&JsValue::NULL, "", Some(&url)));
}

impl Page {
    /// Copies the address, which restores all that it can.
    pub(super) async fn copy_link(&self) {
        let url = address();
        let copied = JsFuture::from(window().navigator().clipboard().write_text(&url)).await;
        match copied {
            Ok(_) if self.latest().picture_in_address() => {
                self.say_status(phrase!("The link is copied: it restores what you see."));
            }
            Ok(_) => self.say_status(phrase!(
                "The link is copied: it restores everything but your photo, which stays here."
            )),
            Err(_) => self.note(
                phrase!("The link could not be copied."),
                phrase!("Copy it from the browser's address bar."),
            ),
        }
    }

    /// Writes what is set into the address, and what is pinned beside it. Parameters of other names stay.
    pub(super) fn write_address(&self) {
        // Until all of the link has been restored, it stays as it is.
        if self.lesson.borrow().pinned.is_some() {
            return;
        }
        let Some(query) = query() else { return };
        let latest = self.latest();
        let pinned = self.pinned.borrow().clone();
        let pinned = pinned.filter(|_| latest.picture_in_address());
        let pinned = pinned.map(|pinned| latest.pin_text(&pinned.settings));
        for (name, text) in latest.address().into_iter().chain([("pin", pinned)]) {
            match text {
                Some(text) => query.set(name, &text),
                None => query.delete(name),
            }
        }
        replace(&query);
    }
}
