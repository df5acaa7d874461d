//! Several photos: a strip to choose from, and a queue that explains them all.

use std::rc::Rc;

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Element, Event, HtmlButtonElement, HtmlElement, HtmlImageElement, Url};

use super::open::Opened;
use super::{Page, append, create};
use crate::protocol::Failure;
use crate::web::dom::{document, element, on, sleep};
use crate::web::words::{Phrase, name, phrase, say_as, say_in};

/// Photos kept at once; the oldest goes when another comes.
const MOST: usize = 24;
/// How often the queue looks whether a photo is done.
const LOOK_MS: i32 = 40;

/// The photos of the strip.
#[derive(Default)]
pub(super) struct Strip {
    photos: Vec<Photo>,
    /// How many there ever were; the next one's number.
    numbered: usize,
    /// The number of the one that is shown.
    shown: Option<usize>,
    /// What was cleared last.
    cleared: Vec<Photo>,
}

struct Photo {
    number: usize,
    file: String,
    bytes: ArrayBuffer,
    /// For its thumbnail.
    url: String,
    /// What the network said.
    answer: Option<Phrase>,
}

impl Drop for Photo {
    fn drop(&mut self) {
        // Refused for what is no address; then there is nothing to let go.
        Url::revoke_object_url(&self.url).unwrap_or(());
    }
}

impl Page {
    pub(super) fn listen_to_strip(self: &Rc<Self>) {
        on(&element::<Element>("strip-all"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let page = Rc::clone(&page);
                spawn_local(async move { page.explain_all().await });
            }
        });
        on(&element::<Element>("strip-clear"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let mut strip = page.strip.borrow_mut();
                strip.shown = None;
                strip.cleared = std::mem::take(&mut strip.photos);
                drop(strip);
                page.show_strip();
            }
        });
        on(&element::<Element>("strip-undo"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let mut strip = page.strip.borrow_mut();
                let mut cleared = std::mem::take(&mut strip.cleared);
                cleared.append(&mut strip.photos);
                strip.photos = cleared;
                drop(strip);
                page.show_strip();
            }
        });
    }

    /// Takes photos into the strip and shows the first of them. What cannot be read is told, and left
    /// out.
    pub(super) async fn take_photos(
        self: Rc<Self>,
        photos: Vec<(String, Result<ArrayBuffer, Failure>)>,
    ) {
        let mut first = None;
        for (file, bytes) in photos {
            match bytes {
                Ok(bytes) => {
                    let mut strip = self.strip.borrow_mut();
                    if strip.photos.len() == MOST {
                        strip.photos.remove(0);
                    }
                    let number = strip.numbered;
                    strip.numbered += 1;
                    let url = thumbnail(&bytes).unwrap_or_default();
                    strip.photos.push(Photo {
                        number,
                        file,
                        bytes,
                        url,
                        answer: None,
                    });
                    first = first.or(Some(number));
                }
                Err(failure) => self.tell(&failure),
            }
        }
        if let Some(first) = first {
            self.choose_photo(first).await;
        }
    }

    async fn choose_photo(self: &Rc<Self>, number: usize) -> Opened {
        let bytes = {
            let strip = self.strip.borrow();
            let mut photos = strip.photos.iter();
            let photo = photos.find(|photo| photo.number == number);
            photo.map(|photo| photo.bytes.clone())
        };
        let Some(bytes) = bytes else {
            return Opened::Refused;
        };
        let opened = self.open_photo(async { Ok(bytes) }, Some(number)).await;
        if opened == Opened::Refused {
            self.drop_photo(number);
        }
        opened
    }

    /// Takes a photo that is none out of the strip.
    fn drop_photo(&self, number: usize) {
        let mut strip = self.strip.borrow_mut();
        strip.photos.retain(|photo| photo.number != number);
        if strip.shown == Some(number) {
            strip.shown = None;
        }
        drop(strip);
        self.show_strip();
    }

    /// The photo that is shown turned out to be none.
    pub(super) fn drop_shown_photo(&self) {
        let shown = self.strip.borrow().shown;
        if let Some(number) = shown {
            self.drop_photo(number);
        }
    }

    /// The photo of that number is shown, or, with none, what is not of the strip.
    pub(super) fn show_in_strip(&self, number: Option<usize>) {
        self.strip.borrow_mut().shown = number;
        self.show_strip();
    }

    fn photo_numbers(&self) -> Vec<usize> {
        let strip = self.strip.borrow();
        strip.photos.iter().map(|photo| photo.number).collect()
    }

    /// Explains one photo after the other, until all are done or someone interferes.
    async fn explain_all(self: Rc<Self>) {
        for number in self.photo_numbers() {
            match self.choose_photo(number).await {
                Opened::Shown => {}
                Opened::Refused => continue,
                Opened::Dropped => return,
            }
            let now = || (self.job.get(), self.opening.get());
            let own = now();
            while self.busy.get() && now() == own {
                sleep(LOOK_MS).await;
            }
            if now() != own || self.pool.borrow().is_none() {
                return;
            }
        }
    }

    /// Notes what the network said of the photo that is shown.
    pub(super) fn note_answer(&self, label: &str) {
        let mut strip = self.strip.borrow_mut();
        let shown = strip.shown;
        let mut photos = strip.photos.iter_mut();
        if let Some(photo) = photos.find(|photo| Some(photo.number) == shown) {
            photo.answer = Some(Phrase::of(name(label)));
        }
        drop(strip);
        self.show_strip();
    }

    fn show_strip(&self) {
        let strip = self.strip.borrow();
        let there = strip.photos.len() > 1 || !strip.cleared.is_empty();
        element::<HtmlElement>("strip").set_hidden(!there);
        element::<HtmlElement>("strip-undo").set_hidden(strip.cleared.is_empty());
        for id in ["strip-all", "strip-clear"] {
            element::<HtmlElement>(id).set_hidden(strip.photos.is_empty());
        }
        let list: Element = element("strip-list");
        let focused = document().active_element();
        let focused = focused.and_then(|focused| focused.get_attribute("data-photo"));
        list.set_inner_html("");
        for photo in &strip.photos {
            let number = photo.number;
            let item: Element = create("li");
            let button: HtmlButtonElement = create("button");
            button.set_type("button");
            button
                .set_attribute("data-photo", &number.to_string())
                .unwrap_or(());
            let pressed = if strip.shown == Some(number) {
                "true"
            } else {
                "false"
            };
            button.set_attribute("aria-pressed", pressed).unwrap_or(());
            let image: HtmlImageElement = create("img");
            image.set_src(&photo.url);
            say_as(
                &image,
                "alt",
                phrase!("Photo {file}", file = photo.file.as_str()),
            );
            append(&button, &image);
            if let Some(answer) = &photo.answer {
                let badge: Element = create("span");
                badge.set_class_name("done");
                say_in(&badge, answer.clone());
                append(&button, &badge);
            }
            append(&item, &button);
            append(&list, &item);
            if focused == Some(number.to_string()) {
                button.focus().unwrap_or(());
            }
        }
    }

    /// Listens for all of the strip's photos at once.
    pub(super) fn listen_to_strip_photos(self: &Rc<Self>) {
        let page = Rc::clone(self);
        on(
            &element::<Element>("strip-list"),
            "click",
            move |event: Event| {
                let target = event.target();
                let element =
                    target.and_then(|t| wasm_bindgen::JsCast::dyn_into::<Element>(t).ok());
                let button = element.and_then(|e| e.closest("[data-photo]").ok()?);
                let number = button.and_then(|b| b.get_attribute("data-photo")?.parse().ok());
                if let Some(number) = number {
                    let page = Rc::clone(&page);
                    spawn_local(async move {
                        page.choose_photo(number).await;
                    });
                }
            },
        );
    }
}

/// An address under which the page finds a photo's bytes.
fn thumbnail(bytes: &ArrayBuffer) -> Result<String, JsValue> {
    let part: &JsValue = bytes;
    let blob = Blob::new_with_buffer_source_sequence(&Array::of1(part))?;
    Url::create_object_url_with_blob(&blob)
}
