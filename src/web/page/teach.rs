//! Teach it: pictures of two to six classes, by file or by camera, and a last layer taught over
//! what EfficientNet-Lite0 makes of them. What comes of it is a network like any other.

mod pictures;

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DragEvent, Element, Event, HtmlElement, HtmlInputElement, HtmlVideoElement};

use self::pictures::Picture;
use super::job::PageJob;
use super::{Page, camera, export, show};
use crate::model::ModelSpec;
use crate::page::{Begin, Cards, Classroom, FEWEST_CLASSES, Marks, Panel};
use crate::protocol::Failure;
use crate::web::dom::{element, now, on};
use crate::web::dropped::{Dropped, dropped, listed};
use crate::web::files;
use crate::web::parts::{put, value_at};
use crate::web::pool::{Examples, Pool};
use crate::web::words::{phrase, say};

/// The network whose last layer is exchanged.
const NETWORK: &str = "efficientnet-lite0";
/// By which pictures are held out.
const SEED: u64 = 1;

/// Classes, their pictures, and what came of them.
#[derive(Default)]
pub(super) struct Teaching {
    room: Classroom<Rc<Picture>>,
    cards: Cards,
    /// The network's file, and what it is called.
    made: Option<(String, Vec<u8>)>,
    /// The class that files are chosen for.
    choosing: Cell<usize>,
    /// The picture of each class that was explained last.
    explained: Cell<usize>,
    /// Files that are still to be read, each with its class, and the job that reads them: what
    /// comes meanwhile joins them.
    files: VecDeque<(usize, Dropped)>,
    reading: Option<PageJob>,
}

fn video() -> HtmlVideoElement {
    element("teach-video")
}

/// The class in whose card something happened.
fn class_at(event: &Event) -> Option<usize> {
    value_at(event, "data-class")?.parse().ok()
}

/// Where a class' name is typed.
fn name_of(class: usize) -> HtmlInputElement {
    element(&format!("teach-name-{class}"))
}

impl Page {
    pub(super) fn listen_to_teaching(self: &Rc<Self>) {
        self.on_click("teach-start", |page| {
            page.open_free("teach");
            name_of(0).focus().unwrap_or(());
        });
        self.on_click("teach-add", |page| {
            if let Some(class) = page.add_class() {
                name_of(class).focus().unwrap_or(());
                name_of(class).select();
            }
        });
        self.on_click("teach-train", |page| {
            if page.pool.borrow().is_some() {
                page.run_free(|page, job| async move { page.teach(&job).await });
            }
        });
        self.on_click("teach-camera", Self::turn_camera);
        self.on_click("teach-save", |page| {
            let saved = match &page.teaching.borrow().made {
                Some((name, bytes)) => export::download(name, bytes),
                None => Ok(()),
            };
            if let Err(failure) = saved {
                page.tell(&failure);
            }
        });
        self.on_click("teach-live", |page| {
            camera::stop(&video());
            page.show_teaching();
            page.begin_live();
        });
        self.listen_to_classes();
        self.listen_to_class_files();
    }

    fn listen_to_classes(self: &Rc<Self>) {
        let list: Element = element("teach-classes");
        let page = Rc::clone(self);
        on(&list, "click", move |event: Event| {
            if let (Some(class), Some(what)) = (class_at(&event), value_at(&event, "data-do")) {
                page.do_with_class(class, &what);
            }
        });
        let page = Rc::clone(self);
        on(&list, "change", move |event: Event| {
            if let Some(class) = class_at(&event) {
                let name = name_of(class).value();
                page.teaching.borrow_mut().room.rename(class, &name);
                page.show_teaching();
            }
        });
    }

    fn listen_to_class_files(self: &Rc<Self>) {
        let body: Element = element("teach-body");
        // What is dropped here is for a class, and not for the stage.
        on(&body, "dragover", |event: DragEvent| {
            event.prevent_default();
            event.stop_propagation();
        });
        let page = Rc::clone(self);
        on(&body, "drop", move |event: DragEvent| {
            event.prevent_default();
            event.stop_propagation();
            if let Some(transfer) = event.data_transfer() {
                page.take_pictures(class_at(&event), dropped(&transfer));
            }
        });
        let (page, file) = (Rc::clone(self), element::<HtmlInputElement>("teach-file"));
        on(&file.clone(), "change", move |_: Event| {
            let files = listed(file.files().as_ref());
            let class = page.teaching.borrow().choosing.get();
            page.take_pictures(Some(class), async move { files });
            file.set_value(""); // the same file can be chosen again
        });
    }

    /// Everything of the chapter as it is now, with two classes to begin with.
    pub(super) fn show_teaching(&self) {
        while self.teaching.borrow().room.classes().len() < FEWEST_CLASSES {
            self.add_numbered();
        }
        let Teaching {
            room, cards, made, ..
        } = &mut *self.teaching.borrow_mut();
        put(&cards.panel(room, |picture| &picture.url, made.is_some()));
        let watching = video().src_object().is_some();
        show("teach-sees", watching);
        say(
            "teach-camera",
            match watching {
                true => phrase!("Camera off"),
                false => phrase!("Camera on"),
            },
        );
    }

    /// Another class, which is called by its number in the language that is set now. Its number, if
    /// there was room for it.
    fn add_numbered(&self) -> Option<usize> {
        let room = &mut self.teaching.borrow_mut().room;
        let name = phrase!("Class {n}", n = room.classes().len() + 1);
        room.add(&name.to_string())
    }

    fn add_class(&self) -> Option<usize> {
        let added = self.add_numbered();
        self.show_teaching();
        added
    }

    fn do_with_class(self: &Rc<Self>, class: usize, what: &str) {
        match what {
            "files" => {
                self.teaching.borrow().choosing.set(class);
                element::<HtmlElement>("teach-file").click();
            }
            "photograph" => {
                self.gather_pictures(
                    move |page, job| async move { page.photograph(&job, class).await },
                );
            }
            "explain" => self.explain_one(class),
            "clear" => {
                self.teaching.borrow_mut().room.clear(class);
                self.show_teaching();
            }
            _ => {
                self.teaching.borrow_mut().room.remove(class);
                self.show_teaching();
                put(Panel::new().focus("teach-add"));
            }
        }
    }

    /// Teaches a last layer, and sets the network that comes of it.
    async fn teach(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let lack = self.teaching.borrow().room.lack();
        if let Some(lack) = lack {
            say("teach-verdict", lack);
            return Ok(());
        }
        let Some(pool) = self.pool.borrow().clone() else {
            return Ok(());
        };
        let started = now();
        let spec = ModelSpec::from_name(NETWORK)?;
        let mut settings = self.latest();
        settings.set_model(NETWORK);
        if self.work.borrow().missing(&settings) == Some(Begin::Model) {
            self.load(job, &pool, spec, &settings).await?;
        }
        // Whatever is added or taken away meanwhile is not taught with.
        let (pictures, labels, file): (Vec<(usize, Rc<Picture>)>, _, _) = {
            let room = &self.teaching.borrow().room;
            let pictures = room.pictures();
            let pictures = pictures.map(|(class, picture)| (class, Rc::clone(picture)));
            (pictures.collect(), room.labels(), room.file_name())
        };
        if !job.is_current() || !look_at_pictures(job, &pool, &pictures).await? {
            return Ok(());
        }
        job.wait(phrase!("Teaching the last layer…"));
        let weights = self.weights(job, spec).await?;
        let classes: Vec<usize> = pictures.iter().map(|&(class, _)| class).collect();
        let features = pictures.iter();
        let features = features.filter_map(|(_, picture)| picture.features.borrow().clone());
        let examples = Examples {
            features: features.flatten().collect(),
            classes: classes.iter().map(|&class| class as u16).collect(),
            labels: labels.clone(),
            seed: SEED,
        };
        let taught = pool
            .teach(spec.architecture, &weights.bytes, examples)
            .await?;
        if !job.is_current() {
            return Ok(());
        }
        let marks = Marks::of(&classes, labels.len(), &taught.held_out);
        let made = Dropped {
            path: file.clone(),
            file: files::made(&file, &taught.file)?,
        };
        self.take_made(job, made).await?;
        if !job.is_current() {
            return Ok(());
        }
        self.teaching.borrow_mut().made = Some((file, taught.file));
        put(&marks.panel(&labels, (now() - started) / 1000.0));
        self.show_teaching();
        // What it has not seen is explained at once: something that it gets wrong, if there is such
        // a thing.
        let wrong = marks.wrong.first().map(|&(place, _)| place);
        let place = wrong.or(taught.held_out.first().map(|&(place, _)| place));
        if let Some((_, picture)) = pictures.get(place.unwrap_or(0)) {
            self.explain_picture(picture);
        }
        Ok(())
    }

    /// Explains a picture of a class, another one each time.
    fn explain_one(self: &Rc<Self>, class: usize) {
        let picture = {
            let teaching = self.teaching.borrow();
            let pictures = teaching.room.classes().get(class);
            let pictures = pictures.map_or(&[][..], |class| &class.pictures);
            let next = teaching.explained.get();
            teaching.explained.set(next + 1);
            pictures.get(next % pictures.len().max(1)).cloned()
        };
        if let Some(picture) = picture {
            element::<Element>("drop").scroll_into_view();
            self.explain_picture(&picture);
        }
    }

    fn explain_picture(self: &Rc<Self>, picture: &Picture) {
        let (page, bytes) = (Rc::clone(self), picture.bytes.clone());
        spawn_local(async move {
            page.open_photo(async { Ok(bytes) }, None, false).await;
        });
    }
}

/// Has the network look at every picture that it has not seen; whether the job is still wanted.
async fn look_at_pictures(
    job: &PageJob,
    pool: &Pool,
    pictures: &[(usize, Rc<Picture>)],
) -> Result<bool, Failure> {
    let pictures = pictures.iter().map(|(_, picture)| picture);
    let unseen: Vec<&Rc<Picture>> = pictures
        .filter(|picture| picture.features.borrow().is_none())
        .collect();
    let bytes = unseen.iter();
    let bytes: Vec<Vec<u8>> = bytes
        .map(|picture| Uint8Array::new(&picture.bytes).to_vec())
        .collect();
    let (done, all) = (Cell::new(0), unseen.len());
    job.start_clock(now());
    let take = |k: usize, features: &[f32]| {
        unseen[k].features.replace(Some(features.to_vec()));
        done.set(done.get() + 1);
        let done = done.get();
        let sentence = phrase!(
            "Looking at the pictures: {done} of {all}",
            done = done,
            all = all
        );
        job.progress(done, all, now(), sentence);
    };
    pool.features(&bytes, || job.is_current(), take).await?;
    Ok(job.is_current())
}
