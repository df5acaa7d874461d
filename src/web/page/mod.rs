//! The page: what it shows, and what happens when someone touches it.

mod address;
mod answers;
mod baselines;
mod brush;
mod camera;
mod canvas;
mod card;
mod chapters;
mod controls;
mod desk;
mod drop;
mod export;
mod guess;
mod handout;
mod job;
mod ledger;
mod lesson;
mod listen;
mod live;
mod open;
mod own_model;
mod quiz;
mod race;
mod regions;
mod results;
mod scenes;
mod settings;
mod status;
mod strip;
mod teach;
mod tour;
mod walk;
mod whatif;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, HtmlElement};

pub(super) use self::address::parameter;
use self::job::PageJob;
use self::live::Camera;
use self::open::Looked;
use self::status::Status;
use self::strip::Photo;
use self::teach::Teaching;
use super::dom::{document, element, on, tell_window};
use super::dropped::Dropped;
use super::files;
use super::files::Program;
use super::parts::put;
use super::pool::Pool;
use super::stage::Stage;
use super::words::{self, Phrase, say, say_as};
use crate::model::ModelSpec;
use crate::page::controls::buttons;
use crate::page::sentences;
use crate::page::titles;
use crate::page::walk::Walk;
use crate::page::{
    Board, Brush, Devices, Explanation, Forming, Game, Guess, Jobs, Lesson, MadeOf, OpenLedger,
    PictureId, Seen, Settings, Shelf, Tour, WhatIf, Work, missing_weights,
};
use crate::protocol::Failure;

/// Networks of files that were dropped, with their weights in the browser's own memory.
type Networks = crate::page::Networks<Dropped, ArrayBuffer>;

/// Longest side of the picture that the canvas is drawn from, in pixels.
const PREVIEW_SIDE: u32 = 1600;

/// Starts the page.
pub(super) fn start() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        tell_window("violet-failed", &panic.to_string().into());
    }));
    words::read_page();
    let page = Rc::new(Page::default());
    page.read_settings();
    page.listen();
    tell_window("violet-started", &JsValue::UNDEFINED);
    spawn_local(async move { page.begin_page().await });
}

/// The page. What is wanted and what is shown is `work`'s affair; the rest is what it takes to get from one to
/// the other, and to draw.
#[derive(Default)]
struct Page {
    work: RefCell<Work>,
    /// Masks and chapters; pictures that are opened.
    jobs: Jobs<Status>,
    openings: Jobs<Status>,
    stage: RefCell<Stage>,
    pool: RefCell<Option<Rc<Pool>>>,
    /// What started it, or does now.
    starting: RefCell<Option<PageJob>>,
    /// Why it is that one, and whether another may take its place.
    devices: RefCell<Devices<Rc<Pool>>>,
    /// The networks that there are, and their weights.
    networks: RefCell<Networks>,
    /// Engines and what reads networks' files, by their names, as they were needed.
    programs: RefCell<HashMap<&'static str, Program>>,
    /// What is looked at.
    looked: RefCell<Option<Rc<Looked>>>,
    /// What a network says of it: the answers that are listed.
    seen: RefCell<Option<Seen>>,
    /// What the current job sums, while the mask forms.
    forming: RefCell<Option<Rc<Forming>>>,
    /// The explanation that others are compared with.
    pinned: RefCell<Option<Rc<Explanation>>>,
    /// Whose results each chapter shows.
    made_of: RefCell<MadeOf>,
    /// A round of guesses, and what they are painted with.
    guess: RefCell<Option<Guess>>,
    guess_brush: OnceCell<Rc<RefCell<Brush>>>,
    /// A photo of which a part is covered, and what it is covered with.
    whatif: RefCell<Option<Rc<RefCell<WhatIf>>>>,
    whatif_brush: OnceCell<Rc<RefCell<Brush>>>,
    /// Regions and what they come to, by secants and by experiment.
    ledger: RefCell<Option<OpenLedger>>,
    ledger_brush: OnceCell<Rc<RefCell<Brush>>>,
    /// A game of questions about masks.
    game: RefCell<Option<Game>>,
    /// The walk through the path, and whether it is playing.
    trail: RefCell<Option<Walk>>,
    playing: Cell<bool>,
    /// Whether the next click on the photo chooses the baseline's colour.
    picking: Cell<bool>,
    /// What the link asks for and has not got yet.
    lesson: RefCell<Lesson>,
    /// The region that someone chose in the list.
    held_region: Cell<Option<usize>>,
    /// Several photos at once.
    strip: RefCell<Shelf<Photo>>,
    /// Which picture the address is of.
    addressed: RefCell<Option<PictureId>>,
    /// The guided tour that someone is on, and how often the link was copied.
    tour: RefCell<Option<Tour>>,
    copied: Cell<usize>,
    /// Whether the strip's photos are being explained one after the other.
    queueing: Cell<bool>,
    /// Whether the job that is under way is of a chapter that needs no photo.
    free_work: Cell<bool>,
    /// The camera, while it is explained as it runs.
    camera: RefCell<Option<Rc<Camera>>>,
    /// Classes that a last layer is taught, and their pictures.
    teaching: RefCell<Teaching>,
}

impl Page {
    /// What is set.
    fn latest(&self) -> Settings {
        self.work.borrow().latest().clone()
    }

    /// Does what takes time, beside everything else.
    fn start(self: &Rc<Self>, work: impl AsyncFnOnce(Rc<Self>) + 'static) {
        let page = Rc::clone(self);
        spawn_local(async move { work(page).await });
    }

    /// Does this whenever the element of that id is clicked.
    fn on_click(self: &Rc<Self>, id: &str, act: impl Fn(&Rc<Self>) + 'static) {
        let page = Rc::clone(self);
        on(&element::<Element>(id), "click", move |_: Event| act(&page));
    }

    /// What is shown.
    fn shown(&self) -> Option<Rc<Explanation>> {
        self.work.borrow().shown().cloned()
    }

    // ---- The way from photo to mask --------------------------------------------------------

    /// Everything up to the first photo: what models there are, which device, the first model.
    async fn begin_page(self: Rc<Self>) {
        // Without a manifest nothing was fetched; the networks that come with the page are there.
        let manifest = files::manifest().await.unwrap_or_default().with_shipped();
        let wanted = self.latest().model;
        let (panel, chosen) = self.networks.borrow_mut().serve(manifest, &wanted);
        put(&panel);
        if let Err(missing) = self.networks.borrow().weights(&wanted)
            && ModelSpec::from_name(&wanted).is_ok()
        {
            self.tell(&missing);
        }
        let set = |settings: &mut Settings| match &*wanted {
            // The address names none and means the first.
            "" => settings.model = chosen,
            // Another one than it asks for: what it says of classes means nothing.
            _ => settings.set_model(&chosen),
        };
        self.work.borrow_mut().change(set);
        self.show_settings();
        self.draw();
        // What is in the address is opened with the engine.
        self.open_set_picture();
        self.change_device().await;
    }

    /// The model of that name: one of ours, or one that someone brought.
    fn spec(&self, name: &str) -> Option<ModelSpec> {
        self.networks.borrow().spec(name)
    }

    // ---- Showing ---------------------------------------------------------------------------

    /// Buttons as the current state has them. What is at work keeps its place among them, so that nobody who
    /// tabs to a button finds it gone.
    fn show_controls(&self) {
        let (busy, decoding) = (self.jobs.is_busy(), self.openings.is_busy());
        let photo = self.looked.borrow().is_some();
        let working = busy && (photo || self.free_work.get()) || decoding;
        put(&buttons(&self.latest(), photo, working));
        self.show_stale();
        self.show_chapters();
        self.notice_tour();
        if !busy && !decoding {
            Status.rest();
        }
    }

    fn label_canvas(&self, label: Phrase) {
        say_as(&element("canvas"), "aria-label", label);
    }

    /// Says where things stand, to those who see and those who listen.
    fn say_status(&self, sentence: Phrase) {
        Status.say(sentence.clone());
        Status.announce(sentence);
    }

    /// Says what went wrong and what to do.
    fn tell(&self, failure: &Failure) {
        let (what, next) = sentences::failure(failure);
        self.note(what, next);
    }

    fn note(&self, what: Phrase, next: Phrase) {
        say("notice-what", what);
        say("notice-next", next);
        class(&element("notice"), "lasting", false);
        show("notice", true);
    }
}

/// Shows an element of the page, or hides it.
fn show(id: &str, shown: bool) {
    // Drawings have the attribute, but not the property.
    let element: Element = element(id);
    let hidden = element.toggle_attribute_with_force("hidden", !shown);
    debug_assert!(hidden.is_ok(), "an attribute of every element");
}

fn body() -> HtmlElement {
    document()
        .body()
        .unwrap_or_else(|| unreachable!("index.html has a body"))
}

fn class(element: &Element, name: &str, present: bool) {
    let list = element.class_list();
    list.toggle_with_force(name, present).unwrap_or_default();
}

fn create<T: JsCast>(name: &str) -> T {
    document()
        .create_element(name)
        .ok()
        .and_then(|element| element.dyn_into().ok())
        .unwrap_or_else(|| unreachable!("<{name}> is such an element"))
}
