//! Teach it: pictures of two to six classes, by file or by camera, and a last layer taught over
//! what EfficientNet-Lite0 makes of them. What comes of it is a network like any other.

mod cards;
mod pictures;

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DragEvent, Element, Event, HtmlElement, HtmlInputElement, HtmlVideoElement};

use self::cards::{class_of, name_of};
use self::pictures::Picture;
use super::job::PageJob;
use super::{Page, append, camera, create, export};
use crate::model::ModelSpec;
use crate::page::{Begin, Classroom, FEWEST_PICTURES, Marks};
use crate::protocol::Failure;
use crate::web::dom::{element, now, on};
use crate::web::dropped::{Dropped, dropped, listed};
use crate::web::files;
use crate::web::pool::{Examples, Pool};
use crate::web::words::{decimal, percent, phrase, say, say_in};

/// The network whose last layer is exchanged.
const NETWORK: &str = "efficientnet-lite0";
/// By which pictures are held out.
const SEED: u64 = 1;

/// Classes, their pictures, and what came of them.
#[derive(Default)]
pub(super) struct Teaching {
    room: Classroom<Rc<Picture>>,
    /// The network's file, and what it is called.
    made: Option<(String, Vec<u8>)>,
    /// The class that files are chosen for.
    choosing: Cell<usize>,
    /// The picture of each class that was explained last.
    explained: Cell<usize>,
    /// Files that are still to be read, each with its class, and the job that reads them: what comes
    /// meanwhile joins them.
    files: VecDeque<(usize, Dropped)>,
    reading: Option<PageJob>,
}

fn video() -> HtmlVideoElement {
    element("teach-video")
}

impl Page {
    pub(super) fn listen_to_teaching(self: &Rc<Self>) {
        on(&element::<Element>("teach-start"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.begin_teaching()
        });
        on(&element::<Element>("teach-add"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let added = page.add_class(None);
                if let Some(name) = added.and_then(name_of) {
                    name.focus().unwrap_or(());
                    name.select();
                }
            }
        });
        on(&element::<Element>("teach-train"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                if page.pool.borrow().is_some() {
                    page.run_free(|page, job| async move { page.teach(&job).await });
                }
            }
        });
        on(&element::<Element>("teach-camera"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.turn_camera()
        });
        on(&element::<Element>("teach-save"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let saved = match &page.teaching.borrow().made {
                    Some((name, bytes)) => export::download(name, bytes),
                    None => Ok(()),
                };
                if let Err(failure) = saved {
                    page.tell(&failure);
                }
            }
        });
        on(&element::<Element>("teach-live"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                camera::stop(&video());
                page.show_teaching();
                page.begin_live();
            }
        });
        self.listen_to_classes();
        self.listen_to_class_files();
    }

    fn listen_to_classes(self: &Rc<Self>) {
        let list: Element = element("teach-classes");
        on(&list, "click", {
            let page = Rc::clone(self);
            move |event: Event| {
                let Some((class, button)) = class_of(&event, "[data-do]") else {
                    return;
                };
                let what = button.get_attribute("data-do").unwrap_or_default();
                page.do_with_class(class, &what);
            }
        });
        on(&list, "change", {
            let page = Rc::clone(self);
            move |event: Event| {
                if let Some((class, input)) = class_of(&event, "input") {
                    let name = input.unchecked_into::<HtmlInputElement>().value();
                    page.teaching.borrow_mut().room.rename(class, &name);
                    page.show_teaching();
                }
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
        on(&body, "drop", {
            let page = Rc::clone(self);
            move |event: DragEvent| {
                event.prevent_default();
                event.stop_propagation();
                let class = class_of(&event, "[data-class]").map(|(class, _)| class);
                if let Some(transfer) = event.data_transfer() {
                    page.take_pictures(class, dropped(&transfer));
                }
            }
        });
        let file: HtmlInputElement = element("teach-file");
        on(&file.clone(), "change", {
            let page = Rc::clone(self);
            move |_: Event| {
                let files = listed(file.files().as_ref());
                let class = page.teaching.borrow().choosing.get();
                page.take_pictures(Some(class), async move { files });
                file.set_value(""); // the same file can be chosen again
            }
        });
    }

    /// Opens the chapter, with two classes to begin with.
    fn begin_teaching(self: &Rc<Self>) {
        self.open_free("teach");
        if let Some(name) = name_of(0) {
            name.focus().unwrap_or(());
        }
    }

    /// Another class, of that name or a number. Its number, if there was room for it.
    fn add_class(&self, name: Option<&str>) -> Option<usize> {
        let number = self.teaching.borrow().room.classes().len() + 1;
        let name = name.map(str::to_owned);
        let name = name.unwrap_or_else(|| phrase!("Class {n}", n = number).to_string());
        let added = self.teaching.borrow_mut().room.add(&name);
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
                element::<HtmlElement>("teach-add").focus().unwrap_or(());
            }
        }
    }

    /// Teaches a last layer, and sets the network that comes of it.
    async fn teach(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let lack = self.teaching.borrow().room.lack();
        if let Some(lack) = lack {
            let label = self.teaching.borrow().room.labels().swap_remove(lack.class);
            say(
                "teach-verdict",
                phrase!(
                    "“{class}” has {n} of the {least} pictures that it needs at least; thirty do well.",
                    class = label,
                    n = lack.pictures,
                    least = FEWEST_PICTURES,
                ),
            );
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
        self.show_marks(&labels, &marks, (now() - started) / 1000.0);
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

    fn show_marks(&self, labels: &[String], marks: &Marks, seconds: f64) {
        let (right, all) = (marks.right(), marks.all());
        say(
            "teach-verdict",
            phrase!(
                "Of {all} pictures that were held out, {right} are named right: {share}%. It took {seconds} s.",
                all = all,
                right = right,
                share = percent(right as f64 / all.max(1) as f64, 0),
                seconds = decimal(seconds, 1),
            ),
        );
        let list: Element = element("teach-marks");
        list.set_inner_html("");
        for (label, (all, right)) in labels.iter().zip(&marks.classes) {
            let item: Element = create("li");
            let sentence = phrase!(
                "{class}: {right} of {all}",
                class = label.as_str(),
                right = *right,
                all = *all,
            );
            say_in(&item, sentence);
            append(&list, &item);
        }
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
