//! The page: what it shows, and what happens when someone touches it.

mod address;
mod answers;
mod export;
mod listen;
mod own_model;
mod results;
mod scenes;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Element, HtmlButtonElement, HtmlElement, HtmlFieldSetElement, HtmlInputElement,
    HtmlProgressElement, HtmlSelectElement,
};

use self::address::parameter;
use self::export::Finished;
use self::own_model::OwnModel;
use self::results::{found_box, probability};
use super::dom::{document, element, now};
use super::pool::{Picture, Pool, Prepared, Weights};
use super::stage::Stage;
use super::{files, sentences};
use crate::attribution::{Baseline, Integration, Method, Rule};
use crate::device::DeviceKind;
use crate::mask::Mask;
use crate::model::{
    ModelSpec,
    catalog::{CATALOG, Manifest},
};
use crate::protocol::{Failure, FailureCode, Response, Truth};
use crate::report::Report;

/// Longest side of the picture that the canvas is drawn from, in pixels.
const PREVIEW_SIDE: u32 = 1600;
/// What "Auto" aims at: the largest convergence delta, as a share of F(x) − F(x').
const AUTO_TOLERANCE: f64 = 0.05;
/// What "Auto" may spend: no more gradients than 50 steps take.
const AUTO_BUDGET: usize = 48;
/// The most steps the page offers.
const MOST_STEPS: f64 = 500.0;

/// Starts the page.
pub fn start() {
    let page = Rc::new(Page::new());
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
    /// The output that someone chose, or that is explained because nobody did.
    output: Cell<Option<usize>>,
    /// The last explanation, when it was finished.
    finished: RefCell<Option<Finished>>,
    /// What the address asked for, until there is a picture.
    wanted_output: Cell<Option<usize>>,
    wanted_against: RefCell<Option<String>>,
    /// What the current mask shows, in words, and the value it is drawn at full strength from.
    title: RefCell<String>,
    full_scale: Cell<f32>,
    /// The attributions that it shows, as far as they are summed, flat \[3, size, size\].
    values: RefCell<Vec<f32>>,
    /// Counts the jobs; what belongs to an older one than this is dropped.
    job: Cell<u64>,
    /// Whether the current job is still at work.
    busy: Cell<bool>,
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
            output: Cell::default(),
            finished: RefCell::default(),
            wanted_output: Cell::default(),
            wanted_against: RefCell::default(),
            title: RefCell::default(),
            full_scale: Cell::default(),
            values: RefCell::default(),
            job: Cell::default(),
            busy: Cell::default(),
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
            let there = manifest.entry(&spec.name).is_some();
            add_option(&models, &spec.name, &spec.title, there);
            if there && (models.value().is_empty() || wanted.as_deref() == Some(&spec.name)) {
                models.set_value(&spec.name);
            }
        }
        models.set_disabled(false);
        *self.manifest.borrow_mut() = manifest;
        self.read_address();
        let device = parameter("device").unwrap_or_else(|| "auto".into());
        let devices: HtmlSelectElement = element("device");
        if ["cpu", "gpu"].contains(&device.as_str()) {
            devices.set_value(&device);
        }
        self.change_device().await;
    }

    /// Starts the pool that the device selector asks for, and goes on with it.
    async fn change_device(self: Rc<Self>) {
        self.cancel();
        *self.pool.borrow_mut() = None;
        *self.model.borrow_mut() = None;
        self.status("Starting the engine…");
        match self.start_pool().await {
            Ok((pool, why)) => {
                let workers = match (pool.device, pool.size()) {
                    (DeviceKind::Gpu, _) => format!("on the GPU ({})", pool.adapter),
                    (DeviceKind::Cpu, 1) => "on the CPU, one worker".into(),
                    (DeviceKind::Cpu, n) => format!("on the CPU, {n} workers"),
                };
                let why = why.map_or(String::new(), |why| format!(": {why}"));
                text("engine", &format!("Now {workers}{why}."));
                document()
                    .document_element()
                    .map_or(Ok(()), |root| {
                        root.set_attribute("data-device", pool.device.name())
                    })
                    .unwrap_or(());
                *self.pool.borrow_mut() = Some(Rc::new(pool));
                self.status("Ready.");
                self.run(From::Model);
            }
            Err(failure) => {
                self.tell(&failure);
                self.status("The engine is not running.");
            }
        }
    }

    /// A pool on the wanted device; with the reason, if it became another than the best.
    async fn start_pool(self: &Rc<Self>) -> Result<(Pool, Option<String>), Failure> {
        let engine = files::engine().await?;
        let accept_software = parameter("adapter").as_deref() == Some("software");
        let workers = parameter("workers").and_then(|text| text.parse().ok());
        let wanted = element::<HtmlSelectElement>("device").value();
        let mut why = None;
        if wanted == "cpu" {
            why = Some("as you chose".into());
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
                let what = format!("A worker stopped and was replaced ({epitaph}).");
                page.note(&what, "Nothing is lost; the work goes on.");
            }
        }
    }

    /// Opens a photo's bytes.
    async fn open_photo(self: Rc<Self>, bytes: Result<ArrayBuffer, Failure>) {
        self.open(bytes.map(Picture::Photo)).await;
    }

    /// Opens a picture. Until it is decoded, and if it cannot be, the old one stays.
    async fn open(self: Rc<Self>, picture: Result<Picture, Failure>) {
        let opened = async {
            let picture = picture?;
            let pool = self.pool.borrow().clone();
            let pool = match pool {
                Some(pool) => pool,
                None => {
                    // Dropped before the engine runs: the picture waits, and is opened with it.
                    *self.picture.borrow_mut() = Some(picture);
                    self.status("The photo waits for the engine…");
                    return Ok(None);
                }
            };
            self.status("Opening the photo…");
            let response = pool.open(&picture, PREVIEW_SIDE).await?;
            Ok(Some((picture, response)))
        };
        match opened.await {
            Ok(None) => {}
            Ok(Some((picture, response))) => {
                // A mask of another picture is nothing to compare with.
                self.stage.borrow_mut().unpin();
                self.show_photo(response);
                *self.picture.borrow_mut() = Some(picture);
                self.run(From::Photo);
            }
            Err(failure) => {
                self.tell(&failure);
                if !self.busy.get() {
                    self.status("");
                }
            }
        }
    }

    fn show_photo(&self, response: Response) {
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
        self.output.set(None);
        element::<HtmlElement>("notice").set_hidden(true);
        element::<HtmlElement>("empty").set_hidden(true);
        // Nothing said of the photo before stands beside the new one.
        element::<Element>("predictions").set_inner_html("");
        for (id, hidden) in [
            ("caption", true),
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
        self.label_canvas("Your photo, not explained yet");
        let smallest = self
            .model
            .borrow()
            .as_ref()
            .map_or(96, |spec| spec.preprocessing.size);
        if animated {
            self.note("This picture moves; its first frame is explained.", "");
        } else if width.min(height) < smallest && !drawn {
            self.note(
                &format!("This photo is small ({width} × {height}); it was enlarged to the {smallest} pixels that the network sees."),
                "A larger one gives a finer mask.",
            );
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

    /// Starts a job and forgets the one before.
    fn run(self: &Rc<Self>, from: From) {
        let job = self.job.get() + 1;
        self.job.set(job);
        self.busy.set(true);
        let page = Rc::clone(self);
        spawn_local(async move {
            let done = page.walk(job, from).await;
            if page.job.get() != job {
                return;
            }
            page.busy.set(false);
            page.show_controls();
            if let Err(failure) = done {
                page.give_up(failure).await;
            }
        });
    }

    /// A job failed: on the GPU, the CPU goes on in its place; else people are told.
    async fn give_up(self: Rc<Self>, failure: Failure) {
        let on_gpu = self
            .pool
            .borrow()
            .as_ref()
            .is_some_and(|pool| pool.device == DeviceKind::Gpu);
        let of_device = matches!(
            failure.code,
            FailureCode::WorkerLost | FailureCode::DeviceFailed | FailureCode::NoGpu
        );
        if on_gpu && of_device {
            element::<HtmlSelectElement>("device").set_value("cpu");
            self.clone().change_device().await;
            self.tell(&Failure {
                code: FailureCode::NoGpu,
                detail: format!("it failed ({})", failure.detail),
            });
        } else {
            self.tell(&failure);
            self.status("Stopped.");
        }
    }

    /// Walks the way from model to mask, from `from` on, as long as no newer job has begun.
    async fn walk(self: &Rc<Self>, job: u64, from: From) -> Result<(), Failure> {
        let current = || self.job.get() == job;
        let Some(pool) = self.pool.borrow().clone() else {
            return Ok(());
        };
        let name = element::<HtmlSelectElement>("model").value();
        if name.is_empty() {
            self.status("No network's weights are here.");
            return Ok(());
        }
        let spec = self.spec(&name).ok_or_else(|| missing_weights(&name))?;
        self.show_own_model(&name);

        let loaded = self.model.borrow().as_ref() == Some(&spec);
        if !loaded {
            *self.model.borrow_mut() = None;
            self.prepared.replace(None);
            self.output.set(None);
            let weights = self.weights(&spec).await?;
            if !current() {
                return Ok(());
            }
            self.status(&format!("Loading {}…", spec.title));
            pool.load(&weights).await?;
            if !current() {
                return Ok(());
            }
            *self.model.borrow_mut() = Some(spec.clone());
        }
        let Some(picture) = self.picture.borrow().clone() else {
            self.status(&format!("{} is ready. Give it a photo.", spec.title));
            return Ok(());
        };

        if self.prepared.borrow().is_none() || from != From::Target {
            self.status("Looking at the photo…");
            if from == From::Model {
                // A new pool has not seen the photo yet.
                let opened = pool.open(&picture, PREVIEW_SIDE).await;
                if !current() {
                    return Ok(());
                }
                if opened.is_err() && self.stage.borrow().is_empty() {
                    // It waited for the engine and was no photo: nothing is there to explain.
                    *self.picture.borrow_mut() = None;
                }
                self.show_photo(opened?);
            }
            let prepared = pool.prepare(&picture, chosen_baseline()).await?;
            if !current() {
                return Ok(());
            }
            pool.keep(&prepared.input, &prepared.baseline).await?;
            if !current() {
                return Ok(());
            }
            self.stage.borrow_mut().set_crop(prepared.crop);
            self.prepared.replace(Some(Rc::new(prepared)));
        }
        let prepared = self.prepared.borrow().clone();
        let Some(prepared) = prepared else {
            return Ok(());
        };
        if self.output.get().is_none() {
            let outputs = prepared.logits_input.len();
            let wanted = self.wanted_output.take().filter(|&output| output < outputs);
            let output = wanted.or_else(|| Self::default_target(&spec, &prepared));
            self.output.set(output);
        }
        self.show_answers(&spec, &prepared);
        self.write_address();
        match self.output.get() {
            Some(output) => self.sum(job, &pool, &spec, &prepared, output).await,
            None => {
                self.status("Nothing to explain yet: choose a box.");
                Ok(())
            }
        }
    }

    /// The part that takes time: the mask forms.
    async fn sum(
        self: &Rc<Self>,
        job: u64,
        pool: &Pool,
        spec: &ModelSpec,
        prepared: &Prepared,
        output: usize,
    ) -> Result<(), Failure> {
        let integration = Integration::new(chosen_method(), prepared.input.len())?;
        let all = integration.most_gradients();
        let most = match chosen_method() {
            Method::Fixed { .. } => format!("{all}"),
            Method::Adaptive { .. } => format!("at most {all}"),
        };
        let target = self.target(spec, output);
        let labels = spec.labels();
        let name = |output| labels.get(spec.class_of(output)).copied().unwrap_or("?");
        let label = match target.minus {
            Some(minus) => format!("{}, not {}", name(output), name(minus)),
            None => name(output).to_owned(),
        };
        let label = &label;
        let baseline = chosen_baseline();
        *self.title.borrow_mut() = match baseline {
            Baseline::Black => format!("{}: {label}", spec.title),
            _ => format!("{}: {label}, from {baseline}", spec.title),
        };
        let sum = RefCell::new(integration);
        let failed = RefCell::new(None);
        let start = now();
        self.stage.borrow_mut().set_map(None);
        self.finished.replace(None);
        self.show_exports();
        self.show_controls();
        self.show_pin();
        element::<HtmlElement>("truth").set_hidden(true);
        self.status(&format!("Explaining “{label}”: 0 of {most} gradients"));
        element::<HtmlElement>("meter").set_hidden(true);
        element::<HtmlElement>("completeness-hint").set_hidden(false);
        set_progress(0.0);

        let current = || self.job.get() == job;
        let attributions = || {
            sum.borrow()
                .attributions(&prepared.input, &prepared.baseline)
        };
        let take = &|partial| {
            if !current() {
                return;
            }
            let added = sum.borrow_mut().add(partial);
            match added.and_then(|()| attributions()) {
                Ok(attributions) => {
                    let done = sum.borrow().gradients();
                    self.show_map(attributions.values);
                    self.status(&format!("Explaining “{label}”: {done} of {most} gradients"));
                    set_progress(done as f64 / all as f64);
                    let left = (now() - start) / done as f64 * (all - done) as f64;
                    text("left", &duration(left));
                }
                Err(error) => *failed.borrow_mut() = Some(Failure::from(error)),
            }
        };
        loop {
            let round = sum.borrow_mut().next_round();
            let Some(round) = round.filter(|_| current()) else {
                break;
            };
            let step_sizes = round.step_sizes.as_deref();
            pool.sum(target, &round.alphas, step_sizes, current, take)
                .await?;
            if let Some(failure) = failed.take() {
                return Err(failure);
            }
        }
        if current() {
            let finished = attributions()?;
            let elapsed_ms = now() - start;
            let all = sum.borrow().gradients();
            set_progress(1.0);
            let detector = spec.architecture.is_detector();
            let input = target.of(&prepared.logits_input, detector);
            let base = target.of(&prepared.logits_baseline, detector);
            self.show_completeness(input, base, &finished);
            self.show_scores(spec, prepared, target, &finished);
            self.show_pin();
            let quadrature = sum.borrow().quadrature();
            let report = Report {
                photo: match &*self.picture.borrow() {
                    Some(Picture::Scene { seed, tag }) => {
                        format!("scene {seed}, tag: {}", tag.name())
                    }
                    _ => "a photo".into(),
                },
                model: spec.name.to_string(),
                target: output,
                label: name(output).into(),
                scale: target.scale,
                against: target.minus.map(|minus| name(minus).into()),
                r#box: found_box(spec, prepared, target, &finished.values),
                probability: probability(spec, prepared, output),
                output_input: input,
                output_baseline: base,
                attribution_sum: finished.sum,
                convergence_delta: finished.convergence_delta(input, base),
                rule: match chosen_method() {
                    Method::Fixed { rule, .. } => rule.name().into(),
                    Method::Adaptive { .. } => "adaptive".into(),
                },
                baseline: baseline.to_string(),
                n_steps: match chosen_method() {
                    Method::Fixed { n_steps, .. } => n_steps,
                    Method::Adaptive { .. } => quadrature.alphas.len().saturating_sub(1),
                },
                alphas: quadrature.alphas,
                step_sizes: quadrature.step_sizes,
                gradient_evaluations: all,
                forward_evaluations: 2,
                mask_full_scale: Mask::of(&finished.values).full_scale,
                elapsed_ms: elapsed_ms as u64,
                device: pool.device.name().into(),
                threads: pool.size(),
            };
            *self.finished.borrow_mut() = Some(Finished {
                attributions: finished.values,
                report,
            });
            self.show_exports();
            let seconds = elapsed_ms / 1000.0;
            self.status(&format!("Done: {all} gradients in {seconds:.1} s."));
            self.label_canvas(&format!(
                "Your photo with the pixels used for “{label}” in purple"
            ));
        }
        Ok(())
    }

    /// Stops the current job; what is on the page stays.
    fn cancel(&self) {
        if self.busy.get() {
            self.job.set(self.job.get() + 1);
            self.busy.set(false);
            self.show_controls();
            self.status("Cancelled. The mask shows what was summed so far.");
        }
    }

    /// A model's weights: someone's own, fetched before, or fetched now.
    async fn weights(&self, spec: &ModelSpec) -> Result<Weights, Failure> {
        if let Some(weights) = self.own_weights(&spec.name) {
            return Ok(weights);
        }
        if let Some(weights) = self.fetched.borrow().get(&*spec.name) {
            return Ok(weights.clone());
        }
        let entry = self.manifest.borrow().entry(&spec.name).cloned();
        let entry = entry.ok_or_else(|| missing_weights(&spec.name))?;
        let megabytes = entry.bytes as f64 / 1e6;
        let bytes = files::weights(&entry, |share| {
            self.status(&format!(
                "Fetching {}: {:.1} of {megabytes:.1} MB",
                spec.title,
                share * megabytes
            ));
            set_progress(share);
        })
        .await?;
        set_progress(0.0);
        let weights = Weights {
            architecture: spec.architecture,
            preprocessing: spec.preprocessing,
            sha256: Some(entry.sha256),
            bytes,
        };
        self.fetched
            .borrow_mut()
            .insert(spec.name.to_string(), weights.clone());
        Ok(weights)
    }

    // ---- Showing ---------------------------------------------------------------------------

    /// Buttons as the current state has them.
    fn show_controls(&self) {
        let photo = self.picture.borrow().is_some();
        let busy = self.busy.get();
        element::<HtmlButtonElement>("explain").set_disabled(!photo || busy);
        element::<HtmlElement>("cancel").set_hidden(!busy || !photo);
        element::<HtmlFieldSetElement>("views").set_disabled(!photo);
        element::<HtmlInputElement>("opacity").set_disabled(!photo);
        element::<HtmlSelectElement>("reduction").set_disabled(!photo);
        if !busy {
            set_progress(0.0);
            class(&element("progress"), "idle", true);
            text("left", "");
        }
    }

    fn label_canvas(&self, label: &str) {
        let canvas: Element = element("canvas");
        canvas.set_attribute("aria-label", label).unwrap_or(());
    }

    fn status(&self, sentence: &str) {
        text("status", sentence);
    }

    /// Says what went wrong and what to do.
    fn tell(&self, failure: &Failure) {
        let (what, next) = sentences::failure(failure);
        self.note(&what, next);
    }

    fn note(&self, what: &str, next: &str) {
        text("notice-what", what);
        text("notice-next", next);
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
fn duration(milliseconds: f64) -> String {
    let seconds = (milliseconds / 1000.0).ceil();
    if seconds < 90.0 {
        format!("{seconds:.0} s left")
    } else {
        format!("{:.0} min left", (seconds / 60.0).ceil())
    }
}

/// Two decimals, with a typographic minus.
fn number(value: f64, unit: &str) -> String {
    format!("{value:.2}{unit}").replace('-', "−")
}

fn text(id: &str, content: &str) {
    element::<Element>(id).set_text_content(Some(content));
}

/// The number of steps that is set, or as many gradients as it takes.
fn chosen_method() -> Method {
    if element::<HtmlInputElement>("auto").checked() {
        Method::Adaptive {
            tolerance: AUTO_TOLERANCE,
            budget: AUTO_BUDGET,
        }
    } else {
        Method::Fixed {
            rule: Rule::default(),
            n_steps: element::<HtmlInputElement>("steps").value_as_number() as usize,
        }
    }
}

/// Where the path starts.
fn chosen_baseline() -> Baseline {
    let name = match &*element::<HtmlSelectElement>("baseline").value() {
        "colour" => element::<HtmlInputElement>("baseline-colour").value(),
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

fn add_option(select: &HtmlSelectElement, value: &str, title: &str, there: bool) {
    let option: Element = create("option");
    option.set_attribute("value", value).unwrap_or(());
    let title = if there {
        title.to_owned()
    } else {
        format!("{title} (weights not fetched)")
    };
    option.set_text_content(Some(&title));
    if !there {
        option.set_attribute("disabled", "").unwrap_or(());
    }
    append(select, &option);
}
