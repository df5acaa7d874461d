//! The page: what it shows, and what happens when someone touches it.

mod address;
mod answers;
mod baselines;
mod camera;
mod export;
mod handout;
mod job;
mod listen;
mod open;
mod own_model;
mod results;
mod scenes;
mod settings;
mod steps;
mod strip;
mod trust;
mod walk;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Element, HtmlButtonElement, HtmlElement, HtmlFieldSetElement, HtmlInputElement,
    HtmlProgressElement, HtmlSelectElement,
};

use self::address::parameter;
use self::export::Finished;
use self::own_model::OwnModel;
use self::strip::Strip;
use self::walk::Walk;
use super::dom::{document, element};
use super::pool::{Picture, Pool, Prepared, Weights};
use super::stage::Stage;
use super::words::{self, Phrase, decimal, detail, name, phrase, say, say_as, say_in};
use super::{files, sentences};
use crate::attribution::{Baseline, Integration, PathSample, Rule};
use crate::device::DeviceKind;
use crate::model::{
    ModelSpec,
    catalog::{CATALOG, Manifest},
};
use crate::protocol::{Failure, FailureCode, Truth};

/// Longest side of the picture that the canvas is drawn from, in pixels.
const PREVIEW_SIDE: u32 = 1600;
/// What "Auto" takes, in its usual number of steps.
const AUTO: Rule = Rule::Secant;
/// The most steps the page offers.
const MOST_STEPS: f64 = 500.0;

/// Starts the page.
pub fn start() {
    words::read_page();
    let page = Rc::new(Page::new());
    page.read_settings();
    page.listen();
    spawn_local(async move { page.begin().await });
}

/// The page and everything it knows.
struct Page {
    stage: RefCell<Stage>,
    pool: RefCell<Option<Rc<Pool>>>,
    manifest: RefCell<Manifest>,
    /// Weights fetched so far, by model.
    fetched: RefCell<HashMap<String, Weights>>,
    /// Networks that someone brought, the newest last.
    own: RefCell<Vec<OwnModel>>,
    /// What is looked at, and, of a drawn scene, what is known.
    picture: RefCell<Option<Picture>>,
    truth: RefCell<Option<Truth>>,
    /// The model that the pool has loaded, and what it says of the picture.
    model: RefCell<Option<ModelSpec>>,
    prepared: RefCell<Option<Rc<Prepared>>>,
    /// Whether a test has the pool, or left it, with another network or path than these.
    lent: Cell<bool>,
    /// Whether that was said of another photo or baseline than the chosen one.
    stale: Cell<bool>,
    /// The output that someone chose, or that is explained because nobody did.
    output: Cell<Option<usize>>,
    /// The last explanation, when it was finished.
    finished: RefCell<Option<Finished>>,
    /// What the address asked for, until there is a picture.
    wanted_output: Cell<Option<usize>>,
    wanted_against: RefCell<Option<String>>,
    /// What the current mask shows, in words, and the value it is drawn at full strength from.
    title: RefCell<Phrase>,
    full_scale: Cell<f32>,
    /// The attributions that it shows, as far as they are summed, flat \[3, size, size\].
    values: RefCell<Vec<f32>>,
    /// What the current job sums, while the mask forms.
    forming: RefCell<Option<Rc<RefCell<Integration>>>>,
    /// Counts the jobs; what belongs to an older one than this is dropped.
    job: Cell<u64>,
    /// Whether the current job is still at work, and since when.
    busy: Cell<bool>,
    started: Cell<f64>,
    /// Counts the pictures that are opened; an older one than this is dropped.
    opening: Cell<u64>,
    /// Whether the newest is still being decoded.
    decoding: Cell<bool>,
    /// F along the path of the last explanation.
    samples: RefCell<Vec<PathSample>>,
    /// The walk through the path, and whether it is playing.
    trail: RefCell<Option<Walk>>,
    playing: Cell<bool>,
    /// Whether the next click on the photo chooses the baseline's colour.
    picking: Cell<bool>,
    /// Share of the mask from black that lies on pixels near black.
    mass_of_black: Cell<f64>,
    /// Several photos at once.
    strip: RefCell<Strip>,
}

/// How much of the way from photo to mask has to be walked again.
#[derive(Clone, Copy, PartialEq)]
enum From {
    /// Another device or model: load, look, sum.
    Model,
    /// Another photo: look, sum.
    Photo,
    /// Another baseline: look again, at what was chosen before.
    Baseline,
    /// Another class or number of steps: sum.
    Target,
}

impl Page {
    fn new() -> Self {
        Self {
            stage: RefCell::new(Stage::new()),
            pool: RefCell::default(),
            manifest: RefCell::default(),
            fetched: RefCell::default(),
            own: RefCell::default(),
            picture: RefCell::default(),
            truth: RefCell::default(),
            model: RefCell::default(),
            prepared: RefCell::default(),
            lent: Cell::default(),
            stale: Cell::default(),
            output: Cell::default(),
            finished: RefCell::default(),
            wanted_output: Cell::default(),
            wanted_against: RefCell::default(),
            title: RefCell::new(Phrase::nothing()),
            full_scale: Cell::default(),
            values: RefCell::default(),
            forming: RefCell::default(),
            job: Cell::default(),
            busy: Cell::default(),
            started: Cell::default(),
            opening: Cell::default(),
            decoding: Cell::default(),
            samples: RefCell::default(),
            trail: RefCell::default(),
            playing: Cell::default(),
            picking: Cell::default(),
            mass_of_black: Cell::default(),
            strip: RefCell::default(),
        }
    }

    // ---- The way from photo to mask --------------------------------------------------------

    /// Everything up to the first photo: what models there are, which device, the first model.
    async fn begin(self: Rc<Self>) {
        // Without a manifest nothing was fetched; the networks that come with the page are there.
        let manifest = files::manifest().await.unwrap_or_default().with_shipped();
        let models: HtmlSelectElement = element("model");
        let wanted = parameter("model");
        for spec in &CATALOG {
            let entry = manifest.entry(&spec.name);
            let there = entry.is_some();
            let title = match entry {
                Some(entry) => phrase!(
                    "{network}, {size} MB",
                    network = name(&*spec.title),
                    size = decimal(entry.bytes as f64 / 1e6, 1),
                ),
                None => Phrase::of(name(&*spec.title)),
            };
            add_option(&models, &spec.name, title, there);
            if there && (models.value().is_empty() || wanted.as_deref() == Some(&spec.name)) {
                models.set_value(&spec.name);
            }
        }
        models.set_disabled(false);
        *self.manifest.borrow_mut() = manifest;
        self.read_address();
        self.show_view();
        let device = parameter("device").unwrap_or_else(|| "auto".into());
        let devices: HtmlSelectElement = element("device");
        if ["cpu", "gpu"].contains(&device.as_str()) {
            devices.set_value(&device);
        }
        self.change_device().await;
    }

    /// Starts the pool that the device selector asks for, and goes on with it.
    async fn change_device(self: Rc<Self>) {
        self.stop();
        *self.pool.borrow_mut() = None;
        *self.model.borrow_mut() = None;
        self.wait(phrase!("Starting the engine…"));
        match self.start_pool().await {
            Ok((pool, why)) => {
                let workers = match (pool.device, pool.size()) {
                    (DeviceKind::Gpu, _) => {
                        phrase!(
                            "Now on the GPU ({adapter}).",
                            adapter = pool.adapter.as_str()
                        )
                    }
                    (DeviceKind::Cpu, 1) => phrase!("Now on the CPU, one worker."),
                    (DeviceKind::Cpu, n) => phrase!("Now on the CPU, {n} workers.", n = n),
                };
                let why = match why {
                    Some(why) => phrase!("No GPU: {why}.", why = detail(why)),
                    None => Phrase::nothing(),
                };
                say(
                    "engine",
                    phrase!("{workers} {why}", workers = workers, why = why),
                );
                document()
                    .document_element()
                    .map_or(Ok(()), |root| {
                        root.set_attribute("data-device", pool.device.name())
                    })
                    .unwrap_or(());
                *self.pool.borrow_mut() = Some(Rc::new(pool));
                self.status(phrase!("Ready."));
                self.run(From::Model);
            }
            Err(failure) => {
                self.tell(&failure);
                self.status(phrase!("The engine is not running."));
                self.show_controls();
            }
        }
    }

    /// A pool on the wanted device; with the reason, if it became another than the best.
    async fn start_pool(self: &Rc<Self>) -> Result<(Pool, Option<String>), Failure> {
        let engine = files::engine(parameter("engine")).await?;
        let accept_software = parameter("adapter").as_deref() == Some("software");
        let workers = parameter("workers").and_then(|text| text.parse().ok());
        let wanted = element::<HtmlSelectElement>("device").value();
        let mut why = None;
        if wanted == "cpu" {
            // Chosen so: nothing to excuse.
        } else {
            let pool = Pool::start(
                &engine,
                DeviceKind::Gpu,
                accept_software,
                None,
                self.replaced(),
            );
            match pool.await {
                Ok(pool) => return Ok((pool, None)),
                Err(failure) => {
                    if wanted == "gpu" {
                        let failure = Failure {
                            code: FailureCode::NoGpu,
                            detail: failure.detail.clone(),
                        };
                        self.tell(&failure);
                    }
                    why.get_or_insert(failure.detail);
                }
            }
        }
        let pool = Pool::start(
            &engine,
            DeviceKind::Cpu,
            accept_software,
            workers,
            self.replaced(),
        );
        Ok((pool.await?, why))
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

    /// Buttons as the current state has them.
    fn show_controls(&self) {
        let photo = self.picture.borrow().is_some();
        let (busy, decoding) = (self.busy.get(), self.decoding.get());
        element::<HtmlButtonElement>("explain").set_disabled(!photo || busy);
        element::<HtmlElement>("cancel").set_hidden(!(busy && photo || decoding));
        element::<HtmlFieldSetElement>("views").set_disabled(!photo);
        element::<HtmlInputElement>("opacity").set_disabled(!photo);
        element::<HtmlInputElement>("clip").set_disabled(!photo);
        element::<HtmlSelectElement>("reduction").set_disabled(!photo);
        element::<HtmlSelectElement>("palette").set_disabled(!photo);
        for id in [
            "walk-start",
            "trust-start",
            "baselines-start",
            "steps-start",
        ] {
            element::<HtmlButtonElement>(id).set_disabled(busy);
        }
        if !busy {
            set_progress(0.0);
            class(&element("progress"), "idle", true);
            say("left", Phrase::nothing());
        }
    }

    fn label_canvas(&self, label: Phrase) {
        say_as(&element("canvas"), "aria-label", label);
    }

    fn status(&self, sentence: Phrase) {
        say("status", sentence);
    }

    /// Says what is being done, where nobody knows how far it has come.
    fn wait(&self, sentence: Phrase) {
        self.status(sentence);
        let bar: Element = element("progress");
        bar.remove_attribute("value").unwrap_or(());
        class(&bar, "idle", false);
    }

    /// Says what went wrong and what to do.
    fn tell(&self, failure: &Failure) {
        let (what, next) = sentences::failure(failure);
        self.note(what, next);
    }

    fn note(&self, what: Phrase, next: Phrase) {
        say("notice-what", what);
        say("notice-next", next);
        element::<HtmlElement>("notice").set_hidden(false);
    }
}

fn missing_weights(name: &str) -> Failure {
    Failure {
        code: FailureCode::WeightsMissing,
        detail: format!("{name} is not in weights/manifest.json"),
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

/// A baseline, for people.
fn baseline_name(baseline: Baseline) -> Phrase {
    match baseline {
        Baseline::Black => phrase!("black"),
        Baseline::White => phrase!("white"),
        Baseline::Grey => phrase!("grey"),
        Baseline::Blurred => phrase!("the photo, blurred"),
        Baseline::Noise(_) => phrase!("noise"),
        Baseline::Colour(_) => Phrase::of(baseline.to_string()),
    }
}

/// The rule and the number of steps that are set.
fn chosen_rule() -> (Rule, usize) {
    let rule = Rule::from_name(&element::<HtmlSelectElement>("rule").value());
    let n_steps = element::<HtmlInputElement>("steps").value_as_number() as usize;
    (rule.unwrap_or_default(), n_steps)
}

/// Sets them.
fn show_rule(rule: Rule, n_steps: usize) {
    element::<HtmlSelectElement>("rule").set_value(rule.name());
    for id in ["steps", "steps-range"] {
        element::<HtmlInputElement>(id).set_value(&n_steps.to_string());
    }
}

/// Where the path starts.
fn chosen_baseline() -> Baseline {
    let name = match &*element::<HtmlSelectElement>("baseline").value() {
        "colour" => element::<HtmlInputElement>("baseline-colour").value(),
        "noise" => format!(
            "noise:{}",
            element::<HtmlInputElement>("baseline-seed").value()
        ),
        name => name.to_owned(),
    };
    Baseline::from_name(&name).unwrap_or_default()
}

fn set_progress(share: f64) {
    let bar: HtmlProgressElement = element("progress");
    bar.set_value(share);
    class(&bar, "idle", false);
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

fn add_option(select: &HtmlSelectElement, value: &str, title: Phrase, there: bool) {
    let option: Element = create("option");
    option.set_attribute("value", value).unwrap_or(());
    let title = if there {
        title
    } else {
        phrase!("{network} (weights not fetched)", network = title)
    };
    say_in(&option, title);
    if !there {
        option.set_attribute("disabled", "").unwrap_or(());
    }
    append(select, &option);
}
