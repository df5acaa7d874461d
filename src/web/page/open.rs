//! A picture comes in: it is decoded, and takes the place of the one before.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::{PREVIEW_SIDE, Page, show};
use crate::page::PictureId;
use crate::protocol::{Failure, Response, Truth};
use crate::web::dom::{element, now};
use crate::web::files;
use crate::web::pool::Picture;
use crate::web::words::{Phrase, phrase};

/// What is looked at.
pub(super) struct Looked {
    pub(super) picture: Picture,
    /// Whether someone painted it here.
    pub(super) painted: bool,
    /// What is known of a drawn scene, once it is drawn.
    pub(super) truth: RefCell<Option<Rc<Truth>>>,
}

impl Looked {
    fn new(picture: Picture, painted: bool) -> Rc<Self> {
        Rc::new(Self {
            picture,
            painted,
            truth: RefCell::default(),
        })
    }
}

/// A picture that is to be opened.
pub(super) struct Coming {
    pub(super) id: PictureId,
    /// Its number in the strip, if it is there.
    pub(super) number: Option<u64>,
    pub(super) painted: bool,
}

/// What became of a picture that was to be opened.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Opened {
    /// It is on the page, or will be once the engine runs.
    Shown,
    /// It is no picture that can be opened, which was said.
    Refused,
    /// Nothing: someone asked for another or cancelled, or the engine failed, which was said.
    Dropped,
}

impl Page {
    /// Opens the picture that is set, if it is one that the page can fetch or draw by itself.
    pub(super) fn open_set_picture(self: &Rc<Self>) {
        let Some(id) = self.latest().picture else {
            return;
        };
        let page = Rc::clone(self);
        let coming = Coming {
            id: id.clone(),
            number: None,
            painted: false,
        };
        spawn_local(async move {
            match id {
                PictureId::Scene { seed, tag } => {
                    let scene = async { Ok(Picture::Scene { seed, tag }) };
                    page.open(scene, coming).await;
                }
                PictureId::Sample(name) => {
                    let path = format!("samples/{name}.jpg");
                    let photo = async { Ok(Picture::Photo(files::file(&path).await?)) };
                    page.open(photo, coming).await;
                }
                PictureId::Photo(_) => {}
            }
        });
    }

    /// Opens a photo's bytes, as [`Page::open`] does.
    pub(super) async fn open_photo(
        self: &Rc<Self>,
        bytes: impl Future<Output = Result<ArrayBuffer, Failure>>,
        number: Option<u64>,
        painted: bool,
    ) -> Opened {
        let id = number.unwrap_or_else(|| self.strip.borrow_mut().number());
        let coming = Coming {
            id: PictureId::Photo(id),
            number,
            painted,
        };
        let photo = async { Ok(Picture::Photo(bytes.await?)) };
        self.open(photo, coming).await
    }

    /// Opens a picture. Until it is decoded, and if it cannot be, the old one stays.
    pub(super) async fn open(
        self: &Rc<Self>,
        picture: impl Future<Output = Result<Picture, Failure>>,
        coming: Coming,
    ) -> Opened {
        let opening = self.openings.begin(now());
        self.show_controls();
        let decoded = async {
            let picture = picture.await?;
            let pool = self.pool.borrow().clone();
            let response = match pool {
                Some(pool) if opening.is_current() => {
                    opening.wait(phrase!("Opening the photo…"));
                    Some(pool.open(&picture, PREVIEW_SIDE).await?)
                }
                _ => None,
            };
            Ok((picture, response))
        };
        let decoded = decoded.await;
        if !opening.end() {
            return Opened::Dropped;
        }
        match decoded {
            Ok((picture, response)) => {
                self.show_in_strip(coming.number);
                self.looked
                    .replace(Some(Looked::new(picture, coming.painted)));
                let mut work = self.work.borrow_mut();
                work.forget();
                work.change(|settings| settings.set_picture(Some(coming.id)));
                drop(work);
                self.show_settings();
                self.write_address();
                if let Some(response) = response {
                    self.show_photo(response);
                    self.run(|page, job| async move { page.make_mask(&job).await });
                } else {
                    // Dropped before the engine runs: the picture is opened with it.
                    self.show_controls();
                    self.say_status(phrase!("The photo waits for the engine…"));
                }
                Opened::Shown
            }
            Err(failure) => {
                self.show_controls();
                self.tell(&failure);
                if !self.jobs.is_busy() {
                    self.say_status(Phrase::nothing());
                }
                if failure.code.is_of_photo() {
                    Opened::Refused
                } else {
                    Opened::Dropped
                }
            }
        }
    }

    /// Puts a decoded picture on the page, and takes off what was said of the one before.
    pub(super) fn show_photo(self: &Rc<Self>, response: Response) {
        let Response::Opened {
            width,
            height,
            animated,
            incomplete,
            preview_width,
            preview,
            truth,
            ..
        } = response
        else {
            return;
        };
        let painted = match &*self.looked.borrow() {
            Some(looked) => {
                looked.truth.replace(truth.map(Rc::new));
                looked.painted || looked.truth.borrow().is_some()
            }
            None => false,
        };
        self.seen.replace(None);
        if !element::<HtmlElement>("notice")
            .class_list()
            .contains("lasting")
        {
            show("notice", false);
        }
        show("empty", false);
        // A mask of another picture is nothing to compare with.
        let unpinned = self.unpin();
        self.close_chapters();
        self.stage
            .borrow_mut()
            .set_photo(&preview, preview_width, (width, height));
        self.present();
        self.label_canvas(phrase!("Your photo, not explained yet"));
        let spec = self.spec(&self.latest().model);
        let smallest = spec.map_or(96, |spec| {
            let preprocessing = &spec.preprocessing;
            preprocessing.width.min(preprocessing.height)
        });
        if incomplete {
            self.note(
                phrase!("This photo ends early or is damaged: what is there is explained, the rest is grey."),
                phrase!("Copy it again from where it came, if you need all of it."),
            );
        } else if animated {
            self.note(
                phrase!("This picture moves; its first frame is explained."),
                Phrase::nothing(),
            );
        } else if width.min(height) < smallest && !painted {
            self.note(
                phrase!(
                    "This photo is small ({width} × {height}); it was enlarged to the {side} pixels that the network sees.",
                    width = width,
                    height = height,
                    side = smallest,
                ),
                phrase!("A larger one gives a finer mask."),
            );
        } else if unpinned {
            self.note(
                phrase!("The pinned mask was let go: it is of another photo."),
                phrase!("Pin one of this photo to compare."),
            );
        }
    }
}
