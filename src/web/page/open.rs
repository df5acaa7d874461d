//! A picture comes in: it is decoded, and takes the place of the one before.

use std::rc::Rc;

use js_sys::ArrayBuffer;
use web_sys::{Element, HtmlElement};

use super::{From, PREVIEW_SIDE, Page};
use crate::protocol::{Failure, Response};
use crate::web::dom::element;
use crate::web::pool::Picture;
use crate::web::words::{Phrase, phrase};

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
    /// Opens a photo's bytes, as [`Page::open`] does.
    pub(super) async fn open_photo(
        self: &Rc<Self>,
        bytes: impl Future<Output = Result<ArrayBuffer, Failure>>,
        number: Option<usize>,
    ) -> Opened {
        let photo = async { Ok(Picture::Photo(bytes.await?)) };
        self.open(photo, number).await
    }

    /// Opens a picture; in the strip, if it is there, it has a number. Until it is decoded, and if it
    /// cannot be, the old one stays.
    pub(super) async fn open(
        self: &Rc<Self>,
        picture: impl Future<Output = Result<Picture, Failure>>,
        number: Option<usize>,
    ) -> Opened {
        let opening = self.opening.get() + 1;
        self.opening.set(opening);
        self.decoding.set(true);
        self.show_controls();
        let decoded = async {
            let picture = picture.await?;
            let pool = self.pool.borrow().clone();
            let response = match pool {
                Some(pool) if self.opening.get() == opening => {
                    self.wait(phrase!("Opening the photo…"));
                    Some(pool.open(&picture, PREVIEW_SIDE).await?)
                }
                _ => None,
            };
            Ok((picture, response))
        };
        let decoded = decoded.await;
        if self.opening.get() != opening {
            return Opened::Dropped;
        }
        self.decoding.set(false);
        self.show_controls();
        match decoded {
            Ok((picture, response)) => {
                self.show_in_strip(number);
                if let Some(response) = response {
                    // A mask of another picture is nothing to compare with.
                    self.stage.borrow_mut().unpin();
                    self.show_photo(response);
                    *self.picture.borrow_mut() = Some(picture);
                    self.run(From::Photo);
                } else {
                    // Dropped before the engine runs: the picture is opened with it.
                    *self.picture.borrow_mut() = Some(picture);
                    self.status(phrase!("The photo waits for the engine…"));
                }
                Opened::Shown
            }
            Err(failure) => {
                self.tell(&failure);
                if !self.busy.get() {
                    self.status(Phrase::nothing());
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
    pub(super) fn show_photo(&self, response: Response) {
        let Response::Opened {
            width,
            height,
            animated,
            preview_width,
            preview,
            truth,
            ..
        } = response
        else {
            return;
        };
        let drawn = truth.is_some();
        self.prepared.replace(None);
        self.truth.replace(truth);
        self.show_chapters(false);
        self.output.set(None);
        self.finished.replace(None);
        self.show_exports();
        element::<HtmlElement>("notice").set_hidden(true);
        element::<HtmlElement>("empty").set_hidden(true);
        // Nothing said of the photo before stands beside the new one.
        element::<Element>("predictions").set_inner_html("");
        for (id, hidden) in [
            ("caption", true),
            ("legend", true),
            ("meter", true),
            ("truth", true),
            ("against-field", true),
            ("threshold-field", true),
            ("detector-hint", true),
            ("answer-hint", false),
            ("completeness-hint", false),
        ] {
            element::<HtmlElement>(id).set_hidden(hidden);
        }
        self.stage
            .borrow_mut()
            .set_photo(&preview, preview_width, (width, height));
        self.show_pin();
        self.label_canvas(phrase!("Your photo, not explained yet"));
        let smallest = self
            .model
            .borrow()
            .as_ref()
            .map_or(96, |spec| spec.preprocessing.size);
        if animated {
            self.note(
                phrase!("This picture moves; its first frame is explained."),
                Phrase::nothing(),
            );
        } else if width.min(height) < smallest && !drawn {
            self.note(
                phrase!(
                    "This photo is small ({width} × {height}); it was enlarged to the {side} pixels that the network sees.",
                    width = width,
                    height = height,
                    side = smallest,
                ),
                phrase!("A larger one gives a finer mask."),
            );
        }
    }
}
