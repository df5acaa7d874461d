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

use futures_util::future::join;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    CustomEvent, CustomEventInit, Element, HtmlButtonElement, HtmlElement, HtmlFieldSetElement,
    HtmlSelectElement,
};

pub(super) use self::address::parameter;
use self::job::{Forming, PageJob};
use self::live::Camera;
use self::open::Looked;
use self::own_model::OwnModel;
use self::status::Status;
use self::strip::Photo;
use self::teach::Teaching;
use super::dom::{document, element, window};
use super::dropped::Dropped;
use super::files::Program;
use super::parts::made;
use super::pool::{Pool, Weights};
use super::stage::Stage;
use super::words::{self, Phrase, decimal, name, phrase, say, say_as};
use super::{files, gpu, pool};
use crate::device::DeviceKind;
use crate::model::{
    ModelSpec,
    catalog::{CATALOG, Manifest},
};
use crate::page::walk::Walk;
use crate::page::{
    Awaiting, Begin, Board, Brush, Devices, Explanation, Game, Guess, Jobs, Lesson, MadeOf,
    OpenLedger, PictureId, Prepared, Settings, Shelf, Tour, WhatIf, Work, option,
};
use crate::protocol::{Failure, FailureCode};
use crate::words::sentences;
use crate::words::titles;

/// Longest side of the picture that the canvas is drawn from, in pixels.
const PREVIEW_SIDE: u32 = 1600;
/// The most workers that an address can ask for.
const MOST_WORKERS: usize = 16;

/// Starts the page.
pub(super) fn start() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        tell_window("violet-failed", &panic.to_string().into());
    }));
    words::read_page();
    let page = Rc::new(Page::new());
    page.read_settings();
    page.listen();
    tell_window("violet-started", &JsValue::UNDEFINED);
    spawn_local(async move { page.begin_page().await });
}

/// The page. What is wanted and what is shown is `work`'s affair; the rest is what it takes to get from one to
/// the other, and to draw.
struct Page {
    work: RefCell<Work>,
    /// Masks and chapters; pictures that are opened.
    jobs: Jobs<Status>,
    openings: Jobs<Status>,
    stage: RefCell<Stage>,
    pool: RefCell<Option<Rc<Pool>>>,
    /// Why it is that one, and whether another may take its place.
    devices: RefCell<Devices<Rc<Pool>>>,
    manifest: RefCell<Manifest>,
    /// Weights fetched so far, by model.
    fetched: RefCell<HashMap<String, Weights>>,
    /// Networks that someone brought, the newest last.
    own: RefCell<Vec<OwnModel>>,
    /// Engines and what reads networks' files, by their names, as they were needed.
    programs: RefCell<HashMap<&'static str, Program>>,
    /// Files of one that lacks another still.
    awaiting: RefCell<Option<Awaiting<Dropped>>>,
    /// What is looked at.
    looked: RefCell<Option<Rc<Looked>>>,
    /// What a network says of it: the answers that are listed.
    seen: RefCell<Option<Seen>>,
    /// What the current job sums, while the mask forms.
    forming: RefCell<Option<Forming>>,
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

/// What a network says of a picture.
#[derive(Clone)]
struct Seen {
    spec: ModelSpec,
    prepared: Rc<Prepared>,
    /// The output that is explained, or will be.
    output: Option<usize>,
}

impl Page {
    fn new() -> Self {
        let status = Rc::new(Status);
        Self {
            work: RefCell::default(),
            jobs: Jobs::new(Rc::clone(&status)),
            openings: Jobs::new(status),
            stage: RefCell::new(Stage::new()),
            pool: RefCell::default(),
            devices: RefCell::default(),
            manifest: RefCell::default(),
            fetched: RefCell::default(),
            own: RefCell::default(),
            programs: RefCell::default(),
            awaiting: RefCell::default(),
            looked: RefCell::default(),
            seen: RefCell::default(),
            forming: RefCell::default(),
            pinned: RefCell::default(),
            made_of: RefCell::default(),
            guess: RefCell::default(),
            guess_brush: OnceCell::new(),
            whatif: RefCell::default(),
            whatif_brush: OnceCell::new(),
            ledger: RefCell::default(),
            ledger_brush: OnceCell::new(),
            game: RefCell::default(),
            trail: RefCell::default(),
            playing: Cell::default(),
            picking: Cell::default(),
            lesson: RefCell::default(),
            held_region: Cell::default(),
            strip: RefCell::default(),
            addressed: RefCell::default(),
            tour: RefCell::default(),
            copied: Cell::default(),
            queueing: Cell::default(),
            free_work: Cell::default(),
            camera: RefCell::default(),
            teaching: RefCell::default(),
        }
    }

    /// What is set.
    fn latest(&self) -> Settings {
        self.work.borrow().latest().clone()
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
        let models: HtmlSelectElement = element("model");
        let wanted = self.latest().model;
        let mut chosen = String::new();
        for spec in &CATALOG {
            let entry = manifest.entry(&spec.name);
            let there = entry.is_some();
            let title = match entry {
                Some(entry) => phrase!(
                    "{network}, {size} MB",
                    network = name(&*spec.title),
                    size = decimal(entry.bytes as f64 / 1e6, 1),
                ),
                // One sentence from here to the network: which file, and what to do with it.
                None => match spec.source_file {
                    Some(file) => phrase!(
                        "{network} (drop {file} here)",
                        network = name(&*spec.title),
                        file = file,
                    ),
                    None => phrase!(
                        "{network} (weights not fetched)",
                        network = name(&*spec.title),
                    ),
                },
            };
            append(&models, &made(&option(&spec.name, title, there)));
            if !there && wanted == spec.name {
                self.tell(&missing_weights(&spec.name));
            }
            if there && (chosen.is_empty() || wanted == spec.name) {
                chosen = spec.name.to_string();
            }
        }
        models.set_disabled(false);
        *self.manifest.borrow_mut() = manifest;
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

    /// Starts the pool that the device selector asks for, and goes on with it.
    async fn change_device(self: Rc<Self>) {
        let job = self.begin_job();
        self.pool.replace(None);
        self.devices.replace(Devices::default());
        self.work.borrow_mut().hold(None);
        job.wait(phrase!("Starting the engine…"));
        let started = self.start_pool(&job).await;
        if !job.end() {
            return; // another device was chosen meanwhile
        }
        match started {
            Ok((pool, devices)) => {
                self.say_device(&pool, devices.why());
                self.pool.replace(Some(Rc::new(pool)));
                self.devices.replace(devices);
                self.say_status(phrase!("Ready."));
                self.begin(Begin::Model);
            }
            Err(failure) => {
                self.work.borrow_mut().stop();
                self.tell(&failure);
                self.say_status(phrase!("The engine is not running."));
                self.show_controls();
            }
        }
    }

    /// The pool that computes first, and what is known of the other device.
    async fn start_pool(
        self: &Rc<Self>,
        job: &PageJob,
    ) -> Result<(Pool, Devices<Rc<Pool>>), Failure> {
        let wanted = self.latest().device;
        let gpu = gpu::check(parameter("adapter").as_deref() == Some("software"));
        let mut devices = match &*wanted {
            "cpu" => Devices::default(),
            "gpu" => Devices::new(&wanted, Some(gpu.await)),
            _ => {
                let (cpu, gpu) = join(self.start_on_cpu(job), gpu).await;
                return Ok((cpu?, Devices::new(&wanted, Some(gpu))));
            }
        };
        if let Some(adapter) = devices.first() {
            let told = job.clone();
            let progress = move |megabytes, all| tell_megabytes(&told, megabytes, all);
            match self.start_on_gpu(adapter, progress).await {
                Ok(pool) => return Ok((pool, devices)),
                Err(failure) => devices.refuse(&failure),
            }
        }
        if let Some(refusal) = devices.refusal() {
            self.tell(refusal);
        }
        Ok((self.start_on_cpu(job).await?, devices))
    }

    async fn start_on_cpu(self: &Rc<Self>, job: &PageJob) -> Result<Pool, Failure> {
        let workers = parameter("workers").and_then(|text| text.parse::<usize>().ok());
        let workers = workers.map(|workers| workers.clamp(1, MOST_WORKERS));
        let name = files::engine(DeviceKind::Cpu, parameter("engine").as_deref());
        let told = job.clone();
        let progress = move |megabytes, all| tell_megabytes(&told, megabytes, all);
        let engine = self.program(name, progress).await?;
        pool::on_cpu(engine, workers, self.replaced()).await
    }

    /// A pool on the GPU, which is called so.
    async fn start_on_gpu(
        self: &Rc<Self>,
        adapter: String,
        progress: impl Fn(f64, f64) + 'static,
    ) -> Result<Pool, Failure> {
        let name = files::engine(DeviceKind::Gpu, None);
        let engine = self.program(name, progress).await?;
        pool::on_gpu(engine, adapter, self.replaced()).await
    }

    /// A module of the build by its name, fetched once.
    async fn program(
        &self,
        name: &'static str,
        progress: impl Fn(f64, f64) + 'static,
    ) -> Result<Program, Failure> {
        let known = self.programs.borrow().get(name).cloned();
        if let Some(program) = known {
            return Ok(program);
        }
        let program = files::program(name, progress).await?;
        self.programs.borrow_mut().insert(name, program.clone());
        Ok(program)
    }

    /// Says that a worker died and was replaced.
    fn replaced(self: &Rc<Self>) -> impl Fn(&str) + 'static {
        let page = Rc::downgrade(self);
        move |epitaph| {
            if let Some(page) = page.upgrade() {
                page.note(
                    phrase!("A worker stopped and was replaced ({why}).", why = epitaph),
                    phrase!("Nothing is lost; the work goes on."),
                );
            }
        }
    }

    /// The model of that name: one of ours, or one that someone brought.
    fn spec(&self, name: &str) -> Option<ModelSpec> {
        let own = self.own.borrow();
        let own = own.iter().map(|own| &own.spec);
        CATALOG
            .iter()
            .chain(own)
            .find(|spec| spec.name == name)
            .cloned()
    }

    // ---- Showing ---------------------------------------------------------------------------

    /// Buttons as the current state has them. What is at work keeps its place among them, so that nobody who
    /// tabs to a button finds it gone.
    fn show_controls(&self) {
        let photo = self.looked.borrow().is_some();
        let (busy, decoding) = (self.jobs.is_busy(), self.openings.is_busy());
        let working = busy && (photo || self.free_work.get()) || decoding;
        let explain: HtmlButtonElement = element("explain");
        explain.set_disabled(!photo);
        let cancel: HtmlElement = element("cancel");
        let was_focused = document()
            .active_element()
            .is_some_and(|e| e.id() == "cancel");
        cancel.set_hidden(!working);
        if was_focused && !working {
            explain.focus().unwrap_or(());
        }
        element::<HtmlFieldSetElement>("views").set_disabled(!photo);
        class(&body(), "with-photo", photo);
        class(&body(), "working", working);
        let scene = matches!(self.latest().picture, Some(PictureId::Scene { .. }));
        class(&body(), "with-scene", scene);
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

fn missing_weights(name: &str) -> Failure {
    let spec = ModelSpec::from_name(name).ok();
    match spec.and_then(|spec| spec.source_file) {
        Some(file) => Failure {
            code: FailureCode::WeightsElsewhere,
            detail: file.into(),
        },
        None => Failure {
            code: FailureCode::WeightsMissing,
            detail: format!("{name} is not in weights/manifest.json"),
        },
    }
}

/// Time left, in words short enough to sit beside a button.
fn duration(milliseconds: f64) -> Phrase {
    let seconds = (milliseconds / 1000.0).ceil();
    if seconds < 90.0 {
        phrase!("{seconds} s left", seconds = decimal(seconds, 0))
    } else {
        let minutes = (seconds / 60.0).ceil();
        phrase!("{minutes} min left", minutes = decimal(minutes, 0))
    }
}

/// Tells www/early.js, which does without this module, that it has started, or cannot go on.
fn tell_window(event: &str, detail: &JsValue) {
    let init = CustomEventInit::new();
    init.set_detail(detail);
    if let Ok(event) = CustomEvent::new_with_event_init_dict(event, &init) {
        window().dispatch_event(&event).unwrap_or_default();
    }
}

/// Shows an element of the page, or hides it.
fn show(id: &str, shown: bool) {
    // Drawings have the attribute, but not the property.
    let element: Element = element(id);
    let changed = if shown {
        element.remove_attribute("hidden")
    } else {
        element.set_attribute("hidden", "")
    };
    changed.unwrap_or(());
}

fn body() -> HtmlElement {
    document()
        .body()
        .unwrap_or_else(|| unreachable!("index.html has a body"))
}

fn class(element: &Element, name: &str, present: bool) {
    let list = element.class_list();
    let changed = if present {
        list.add_1(name)
    } else {
        list.remove_1(name)
    };
    changed.unwrap_or(());
}

fn create<T: JsCast>(name: &str) -> T {
    document()
        .create_element(name)
        .ok()
        .and_then(|element| element.dyn_into().ok())
        .unwrap_or_else(|| unreachable!("<{name}> is such an element"))
}

fn append(parent: &Element, child: &Element) {
    // Only a cycle could make this fail.
    let _same_child = parent.append_child(child);
}

/// A job says how much of the engine has come.
fn tell_megabytes(job: &PageJob, megabytes: f64, all: f64) {
    let done = decimal(megabytes, 1);
    if all > 0.0 {
        let all_megabytes = decimal(all, 1);
        let sentence = phrase!(
            "Loading the engine: {done} of {all} MB",
            done = done,
            all = all_megabytes,
        );
        job.share(megabytes / all, sentence);
    } else {
        job.wait(phrase!("Loading the engine: {done} MB so far", done = done));
    }
}
