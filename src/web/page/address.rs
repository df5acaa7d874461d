//! The page's address says what is set, so that a link restores it; and Back goes to the picture before.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{PopStateEvent, Url, UrlSearchParams};

use super::Page;
use super::settings::kept;
use crate::page::{PictureId, Settings};
use crate::web::dom::{on, window};
use crate::web::words::phrase;

fn query() -> Option<UrlSearchParams> {
    let query = window().location().search().ok()?;
    UrlSearchParams::new_with_str(&query).ok()
}

/// A parameter of the page's address.
pub(in crate::web) fn parameter(name: &str) -> Option<String> {
    query()?.get(name)
}

/// Writes a parameter into the page's address, or takes it out.
pub(super) fn write_parameter(name: &str, text: Option<&str>) {
    let Some(query) = query() else { return };
    match text {
        Some(text) => query.set(name, text),
        None => query.delete(name),
    }
    let state = window().history().and_then(|history| history.state());
    let own = state.ok().and_then(|state| state.as_f64());
    write(&query, own.map(|number| number as u64), false);
}

/// The page's address, as one can send it: which device computes is the affair of the machine that it comes to.
pub(super) fn address() -> String {
    let here = window().location().href().unwrap_or_default();
    let Ok(url) = Url::new(&here) else {
        return here;
    };
    url.search_params().delete("device");
    url.href()
}

/// Writes an address, of another picture or of the same; `own` is the number of a photo that no address holds.
fn write(query: &UrlSearchParams, own: Option<u64>, another: bool) {
    let url = format!("?{}", query.to_string().as_string().unwrap_or_default());
    let state = own.map_or(JsValue::NULL, |number| JsValue::from(number as f64));
    // Refused only by documents that have no address of their own.
    let _written = window().history().map(|history| match another {
        true => history.push_state_with_url(&state, "", Some(&url)),
        false => history.replace_state_with_url(&state, "", Some(&url)),
    });
}

impl Page {
    /// Copies the address, which restores all that it can.
    pub(super) async fn copy_link(&self) {
        let url = address();
        let copied = JsFuture::from(window().navigator().clipboard().write_text(&url)).await;
        self.copied.update(|copied| copied + 1);
        self.notice_tour();
        match copied {
            Ok(_) => self.say_status(self.latest().copied()),
            Err(_) => self.note(
                phrase!("The link could not be copied."),
                phrase!("Copy it from the browser's address bar."),
            ),
        }
    }

    /// Back, and forth again: the picture of that address, with the settings that it was left with.
    pub(super) fn listen_to_address(self: &Rc<Self>) {
        let page = Rc::clone(self);
        on(&window(), "popstate", move |event: PopStateEvent| {
            let (latest, mut there) = (page.latest(), Settings::read(parameter, kept));
            there.device = latest.device;
            // One's own is in no address.
            if page.networks.borrow().spec(&there.model).is_none() {
                there.model = latest.model;
            }
            let own = event.state().as_f64().map(|number| number as u64);
            let known = |number: &u64| page.strip.borrow().get(*number).is_some();
            if let Some(number) = own.filter(known) {
                page.addressed.replace(Some(PictureId::Photo(number)));
                there.picture = latest.picture;
                page.work.borrow_mut().change(|settings| *settings = there);
                page.start(async move |page| {
                    page.choose_photo(number).await;
                });
            } else if there.picture.is_some() {
                page.addressed.replace(there.picture.clone());
                page.change(|settings| *settings = there);
            } else {
                // A photo that was cleared away: nothing is lost by staying.
                page.addressed.replace(latest.picture);
                page.write_address();
            }
        });
    }

    /// Writes what is set into the address, and what is pinned beside it. Parameters of other names stay. Another
    /// picture has an address of its own, so that Back leads to the one before.
    pub(super) fn write_address(&self) {
        // Until all of the link has been restored, it stays as it is.
        if self.lesson.borrow().pinned.is_some() {
            return;
        }
        let Some(query) = query() else { return };
        let latest = self.latest();
        let pinned = self.pinned.borrow().clone();
        for (name, text) in latest.address_with(pinned.as_deref().map(|pinned| &pinned.settings)) {
            match text {
                Some(text) => query.set(name, &text),
                None => query.delete(name),
            }
        }
        let before = self.addressed.replace(latest.picture.clone());
        let another = latest.is_of_another(before.as_ref());
        write(&query, latest.own_photo(), another);
    }
}
