//! Several photos: a strip to choose from, and a queue that explains them all.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Url};

use super::Page;
use super::open::Came;
use crate::page::{Explanation, MOST_BYTES, Shelved, Thumbnail, strip_of, too_large};
use crate::web::dom::sleep;
use crate::web::files;
use crate::web::parts::{on_part, put};
use crate::web::words::{Phrase, name, phrase};

/// How often the queue looks whether a photo is done.
const LOOK_MS: i32 = 40;

/// A photo of the strip, or what may be one: its bytes are read when it is opened.
pub(super) struct Photo {
    file: String,
    blob: Blob,
    /// For its thumbnail.
    url: String,
    /// What the network said, and which.
    answer: Option<(String, Phrase)>,
}

impl Drop for Photo {
    fn drop(&mut self) {
        // Refused for what is no address; then there is nothing to let go.
        Url::revoke_object_url(&self.url).unwrap_or(());
    }
}

impl Page {
    pub(super) fn listen_to_strip(self: &Rc<Self>) {
        let page = Rc::clone(self);
        on_part("strip-list", "data-photo", move |number| {
            if let Ok(number) = number.parse() {
                let page = Rc::clone(&page);
                spawn_local(async move {
                    page.choose_photo(number).await;
                });
            }
        });
        self.on_click("strip-all", |page| {
            let page = Rc::clone(page);
            spawn_local(async move { page.explain_all().await });
        });
        self.on_click("strip-clear", |page| {
            page.strip.borrow_mut().clear();
            page.show_strip();
        });
        self.on_click("strip-undo", |page| {
            page.strip.borrow_mut().undo();
            page.show_strip();
        });
    }

    /// Takes photos into the strip and shows the first of them that is one: what became of it.
    pub(super) async fn take_photos(self: Rc<Self>, photos: Vec<(String, Blob)>) -> Came {
        let photo = |(file, blob): (String, Blob)| Photo {
            file,
            url: Url::create_object_url_with_blob(&blob).unwrap_or_default(),
            blob,
            answer: None,
        };
        let numbers = self
            .strip
            .borrow_mut()
            .take(photos.into_iter().map(photo))
            .taken;
        let mut refused = 0usize;
        for number in numbers {
            match self.choose_photo(number).await {
                Came::Refused => refused += 1,
                came => {
                    if refused > 0 && came == Came::Shown {
                        self.note(
                            phrase!("Files that are no photos were left out: {n}.", n = refused),
                            phrase!("The other ones are here."),
                        );
                    }
                    return came;
                }
            }
        }
        Came::Refused
    }

    pub(super) async fn choose_photo(self: &Rc<Self>, number: u64) -> Came {
        let photo = {
            let strip = self.strip.borrow();
            let photo = strip.get(number);
            photo.map(|photo| (photo.file.clone(), photo.blob.clone()))
        };
        let Some((file, blob)) = photo else {
            return Came::Refused;
        };
        let bytes = async {
            match blob.size() {
                size if size > MOST_BYTES => Err(too_large(&file, size)),
                _ => files::blob(&blob).await,
            }
        };
        let opened = self.open_photo(bytes, Some(number), false).await;
        if opened == Came::Refused {
            self.drop_photo(number);
        }
        opened
    }

    /// Takes a photo that is none out of the strip.
    fn drop_photo(&self, number: u64) {
        self.strip.borrow_mut().drop(number);
        self.show_strip();
    }

    /// The photo that is shown turned out to be none.
    pub(super) fn drop_shown_photo(&self) {
        let shown = self.strip.borrow().shown();
        if let Some(number) = shown {
            self.drop_photo(number);
        }
    }

    /// The photo of that number is shown, or, with none, what is not of the strip.
    pub(super) fn show_in_strip(&self, number: Option<u64>) {
        self.strip.borrow_mut().show(number);
        self.show_strip();
    }

    /// Explains one photo after the other, until all are done or someone interferes.
    async fn explain_all(self: Rc<Self>) {
        self.queueing.set(true);
        let numbers: Vec<u64> = {
            let strip = self.strip.borrow();
            strip.photos().iter().map(|photo| photo.number).collect()
        };
        for number in numbers {
            match self.choose_photo(number).await {
                Came::Shown => {}
                Came::Refused => continue,
                Came::Dropped => return,
            }
            let now = || (self.jobs.newest(), self.openings.newest());
            let own = now();
            while self.jobs.is_busy() && now() == own {
                sleep(LOOK_MS).await;
            }
            if now() != own || self.pool.borrow().is_none() || !self.queueing.get() {
                return;
            }
        }
    }

    /// Notes what the network said of the photo that is shown. What another network said of others goes.
    pub(super) fn note_answer(&self, explanation: &Explanation) {
        let network = explanation.spec.name.to_string();
        let mut strip = self.strip.borrow_mut();
        for photo in strip.all_mut() {
            photo.answer = photo.answer.take().filter(|(of, _)| *of == network);
        }
        let shown = strip.shown();
        if let Some(photo) = shown.and_then(|number| strip.get_mut(number)) {
            photo.answer = Some((network, Phrase::of(name(explanation.label()))));
        }
        drop(strip);
        self.show_strip();
    }

    fn show_strip(&self) {
        let strip = self.strip.borrow();
        let photos = strip
            .photos()
            .iter()
            .map(|Shelved { number, photo }| Thumbnail {
                number: *number,
                file: &photo.file,
                url: &photo.url,
                answer: photo.answer.as_ref().map(|(_, answer)| answer),
            });
        put(&strip_of(photos, strip.shown(), strip.can_undo()));
    }
}
