//! A picture comes in: it is decoded, and takes the place of the one before.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::ArrayBuffer;
use web_sys::HtmlElement;

use super::{PREVIEW_SIDE, Page, show};
use crate::page::{Begin, Opened, PictureId};
use crate::protocol::{Failure, Truth};
use crate::web::dom::{element, now};
use crate::web::files;
use crate::web::pool::Picture;
use crate::web::words::{Phrase, phrase};

/// The shorter side that a photo should have where no network is chosen, in pixels.
const SMALLEST: u32 = 96;

/// What is looked at.
pub(super) struct Looked {
    pub(super) picture: Picture,
    /// Whether someone painted it here.
    pub(super) painted: bool,
    /// What is known of a drawn scene, once it is drawn.
    pub(super) truth: RefCell<Option<Rc<Truth>>>,
}

/// A picture that is to be opened.
struct Coming {
    id: PictureId,
    /// Its number in the strip, if it is there.
    number: Option<u64>,
    painted: bool,
}

/// What became of a picture that was to be opened.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Came {
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
        if let Some(id) = self.latest().picture {
            self.open_known(id);
        }
    }

    /// Opens a picture that the page can fetch or draw by itself.
    pub(super) fn open_known(self: &Rc<Self>, id: PictureId) {
        let coming = Coming {
            id: id.clone(),
            number: None,
            painted: false,
        };
        self.start(async move |page| match id {
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
        });
    }

    /// Opens a photo's bytes, as [`Page::open`] does.
    pub(super) async fn open_photo(
        self: &Rc<Self>,
        bytes: impl Future<Output = Result<ArrayBuffer, Failure>>,
        number: Option<u64>,
        painted: bool,
    ) -> Came {
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
    async fn open(
        self: &Rc<Self>,
        picture: impl Future<Output = Result<Picture, Failure>>,
        coming: Coming,
    ) -> Came {
        let opening = self.openings.begin(now());
        self.show_controls();
        let decoded = async {
            let picture = picture.await?;
            let pool = self.pool.borrow().clone();
            let opened = match pool {
                Some(pool) if opening.is_current() => {
                    opening.wait(phrase!("Opening the photo…"));
                    Some(pool.open(&picture, PREVIEW_SIDE).await?)
                }
                _ => None,
            };
            Ok((picture, opened))
        };
        let decoded = decoded.await;
        if !opening.end() {
            return Came::Dropped;
        }
        match decoded {
            Ok((picture, opened)) => {
                self.take_picture(picture, coming, opened);
                Came::Shown
            }
            Err(failure) => {
                self.show_controls();
                self.tell(&failure);
                if !self.jobs.is_busy() {
                    self.say_status(Phrase::nothing());
                }
                match failure.code.is_of_photo() {
                    true => Came::Refused,
                    false => Came::Dropped,
                }
            }
        }
    }

    /// A picture is looked at from now on; if it is not opened yet, that comes with the engine.
    fn take_picture(self: &Rc<Self>, picture: Picture, coming: Coming, opened: Option<Opened>) {
        self.show_in_strip(coming.number);
        self.looked.replace(Some(Rc::new(Looked {
            picture,
            painted: coming.painted,
            truth: RefCell::default(),
        })));
        let mut work = self.work.borrow_mut();
        work.forget();
        work.change(|settings| settings.set_picture(Some(coming.id)));
        drop(work);
        self.show_settings();
        self.write_address();
        if let Some(opened) = opened {
            self.show_photo(opened);
            self.begin(Begin::Model);
        } else {
            self.show_controls();
            self.say_status(phrase!("The photo waits for the engine…"));
            if self.lacks_engine() {
                self.begin(Begin::Engine);
            }
        }
    }

    /// Puts a decoded picture on the page, and takes off what was said of the one before.
    pub(super) fn show_photo(self: &Rc<Self>, opened: Opened) {
        let mut made_here = opened.truth.is_some();
        if let Some(looked) = &*self.looked.borrow() {
            looked.truth.replace(opened.truth.clone().map(Rc::new));
            made_here |= looked.painted;
        }
        self.seen.replace(None);
        forget_notice();
        show("empty", false);
        // A mask of another picture is nothing to compare with.
        let unpinned = self.unpin();
        self.close_chapters();
        self.stage.borrow_mut().set_photo(&opened);
        self.present();
        self.label_canvas(phrase!("Your photo, not explained yet"));
        let spec = self.spec(&self.latest().model);
        let smallest = spec.map_or(SMALLEST, |spec| {
            spec.preprocessing.width.min(spec.preprocessing.height)
        });
        if let Some((what, next)) = opened.note(smallest, made_here, unpinned) {
            self.note(what, next);
        }
    }
}

/// What was told of something that failed goes when something else is taken; what concerns the whole page stays.
pub(super) fn forget_notice() {
    let notice = element::<HtmlElement>("notice").class_list();
    if !notice.contains("lasting") {
        show("notice", false);
    }
}
