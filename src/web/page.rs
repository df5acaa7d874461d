//! The page: what it shows, and what happens when someone touches it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Blob, ClipboardEvent, DragEvent, Element, Event, HtmlButtonElement, HtmlElement,
    HtmlFieldSetElement, HtmlInputElement, HtmlProgressElement, HtmlSelectElement, UrlSearchParams,
};

use super::dom::{all, document, element, now, on, window};
use super::pool::{Pool, Prepared, Weights};
use super::stage::{Stage, View};
use super::{files, sentences};
use crate::attribution::{Attributions, Baseline, Integration, Method, Rule};
use crate::device::DeviceKind;
use crate::mask::{MASS_SHOWN, Mask};
use crate::model::{ModelSpec, catalog::Manifest, top_predictions};
use crate::protocol::{Failure, FailureCode, Response};

/// Longest side of the picture that the canvas is drawn from, in pixels.
const PREVIEW_SIDE: u32 = 1600;
/// What "Auto" aims at: the largest convergence delta, as a share of F(x) − F(x').
const AUTO_TOLERANCE: f64 = 0.05;
/// What "Auto" may spend: no more gradients than 50 steps take.
const AUTO_BUDGET: usize = 48;
/// The most steps the page offers.
const MOST_STEPS: f64 = 500.0;
/// How many answers of the network are listed.
const ANSWERS: usize = 5;

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
    photo: RefCell<Option<ArrayBuffer>>,
    /// The model that the pool has loaded, and what it says of the photo.
    model: Cell<Option<&'static ModelSpec>>,
    prepared: RefCell<Option<Rc<Prepared>>>,
    target: Cell<Option<usize>>,
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
            photo: RefCell::default(),
            model: Cell::default(),
            prepared: RefCell::default(),
            target: Cell::default(),
            job: Cell::default(),
            busy: Cell::default(),
        }
    }

    // ---- Listening -------------------------------------------------------------------------

    fn listen(self: &Rc<Self>) {
        let body = document()
            .body()
            .unwrap_or_else(|| unreachable!("index.html has a body"));
        let drop: HtmlElement = element("drop");
        on(&body, "dragover", {
            let drop = drop.clone();
            move |event: DragEvent| {
                event.prevent_default();
                class(&drop, "dragging", true);
            }
        });
        on(&body, "dragleave", {
            let drop = drop.clone();
            move |event: DragEvent| {
                if event.related_target().is_none() {
                    class(&drop, "dragging", false);
                }
            }
        });
        on(&body, "drop", {
            let page = Rc::clone(self);
            move |event: DragEvent| {
                event.prevent_default();
                class(&drop, "dragging", false);
                if let Some(transfer) = event.data_transfer() {
                    page.take_files(transfer.files().as_ref());
                }
            }
        });
        on(&body, "paste", {
            let page = Rc::clone(self);
            move |event: ClipboardEvent| {
                let files = event.clipboard_data().and_then(|data| data.files());
                page.take_files(files.as_ref());
            }
        });

        let file: HtmlInputElement = element("file");
        for id in ["pick", "another", "empty"] {
            let file = file.clone();
            on(&element::<Element>(id), "click", move |event: Event| {
                event.stop_propagation();
                file.click();
            });
        }
        on(&file, "change", {
            let (page, file) = (Rc::clone(self), file.clone());
            move |_: Event| {
                page.take_files(file.files().as_ref());
                file.set_value(""); // the same file can be chosen again
            }
        });
        for button in all("[data-sample]") {
            let page = Rc::clone(self);
            let path = button.get_attribute("data-sample").unwrap_or_default();
            on(&button, "click", move |_: Event| {
                let (page, path) = (Rc::clone(&page), path.clone());
                spawn_local(async move { page.open(files::file(&path).await).await });
            });
        }

        for radio in all("input[name=view]") {
            let page = Rc::clone(self);
            on(&radio.clone(), "change", move |_: Event| {
                let value = radio.unchecked_ref::<HtmlInputElement>().value();
                page.stage.borrow_mut().view = match value.as_str() {
                    "original" => View::Original,
                    "mask" => View::Mask,
                    _ => View::Overlay,
                };
                page.stage.borrow().draw();
            });
        }
        let opacity: HtmlInputElement = element("opacity");
        on(&opacity.clone(), "input", {
            let page = Rc::clone(self);
            move |_: Event| {
                page.stage.borrow_mut().opacity = opacity.value_as_number() / 100.0;
                page.stage.borrow().draw();
            }
        });
        on(&window(), "resize", {
            let page = Rc::clone(self);
            move |_: Event| page.stage.borrow().draw()
        });

        let (slider, number): (HtmlInputElement, HtmlInputElement) =
            (element("steps-range"), element("steps"));
        on(&slider, "input", {
            let (slider, number) = (slider.clone(), number.clone());
            move |_: Event| number.set_value(&slider.value())
        });
        on(&number, "change", {
            let (slider, number) = (slider.clone(), number.clone());
            move |_: Event| {
                let steps = number.value_as_number();
                let steps = if steps.is_nan() { 50.0 } else { steps };
                number.set_value(&steps.round().clamp(1.0, MOST_STEPS).to_string());
                slider.set_value(&number.value());
            }
        });
        let auto: HtmlInputElement = element("auto");
        on(&auto.clone(), "change", move |_: Event| {
            slider.set_disabled(auto.checked());
            number.set_disabled(auto.checked());
        });
        for (id, from) in [("explain", From::Target), ("model", From::Model)] {
            let page = Rc::clone(self);
            let kind = if from == From::Model {
                "change"
            } else {
                "click"
            };
            on(&element::<Element>(id), kind, move |_: Event| {
                page.run(from)
            });
        }
        on(&element::<Element>("cancel"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.cancel()
        });
        on(&element::<Element>("device"), "change", {
            let page = Rc::clone(self);
            move |_: Event| {
                let page = Rc::clone(&page);
                spawn_local(async move { page.change_device().await });
            }
        });
        on(&element::<Element>("notice-close"), "click", |_: Event| {
            element::<HtmlElement>("notice").set_hidden(true);
        });
    }

    /// Opens the first of the files that were dropped, pasted or picked.
    fn take_files(self: &Rc<Self>, files: Option<&web_sys::FileList>) {
        let Some(file) = files.and_then(|files| files.get(0)) else {
            return;
        };
        let page = Rc::clone(self);
        spawn_local(async move {
            let blob: &Blob = &file;
            page.open(files::blob(blob).await).await;
        });
    }

    // ---- The way from photo to mask --------------------------------------------------------

    /// Everything up to the first photo: what models there are, which device, the first model.
    async fn begin(self: Rc<Self>) {
        match files::manifest().await {
            Ok(manifest) => {
                let models: HtmlSelectElement = element("model");
                let wanted = parameter("model");
                for spec in &crate::model::catalog::CATALOG {
                    let there = manifest.entry(spec.name).is_some();
                    add_option(&models, spec.name, spec.title, there);
                    if there && (models.value().is_empty() || wanted.as_deref() == Some(spec.name))
                    {
                        models.set_value(spec.name);
                    }
                }
                models.set_disabled(false);
                *self.manifest.borrow_mut() = manifest;
            }
            Err(failure) => self.tell(&failure),
        }
        if parameter("steps").as_deref() == Some("auto") {
            element::<HtmlInputElement>("auto").click();
        } else if let Some(steps) = parameter("steps").and_then(|text| text.parse::<f64>().ok()) {
            let steps = steps.round().clamp(1.0, MOST_STEPS).to_string();
            element::<HtmlInputElement>("steps").set_value(&steps);
            element::<HtmlInputElement>("steps-range").set_value(&steps);
        }
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
        self.model.set(None);
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

    /// Opens a photo. Until it is decoded, and if it cannot be, the old one stays.
    async fn open(self: Rc<Self>, bytes: Result<ArrayBuffer, Failure>) {
        let opened = async {
            let bytes = bytes?;
            let pool = self.pool.borrow().clone();
            let pool = match pool {
                Some(pool) => pool,
                None => {
                    // Dropped before the engine runs: the photo waits, and is opened with it.
                    *self.photo.borrow_mut() = Some(bytes);
                    self.status("The photo waits for the engine…");
                    return Ok(None);
                }
            };
            self.status("Opening the photo…");
            let response = pool.open(&bytes, PREVIEW_SIDE).await?;
            Ok(Some((bytes, response)))
        };
        match opened.await {
            Ok(None) => {}
            Ok(Some((bytes, response))) => {
                self.show_photo(&response);
                *self.photo.borrow_mut() = Some(bytes);
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

    fn show_photo(&self, response: &Response) {
        let Response::Opened {
            width,
            height,
            animated,
            preview_width,
            preview,
            ..
        } = response
        else {
            return;
        };
        self.prepared.replace(None);
        self.target.set(None);
        element::<HtmlElement>("notice").set_hidden(true);
        element::<HtmlElement>("empty").set_hidden(true);
        // Nothing said of the photo before stands beside the new one.
        element::<Element>("predictions").set_inner_html("");
        for (id, hidden) in [
            ("caption", true),
            ("meter", true),
            ("answer-hint", false),
            ("completeness-hint", false),
        ] {
            element::<HtmlElement>(id).set_hidden(hidden);
        }
        self.stage
            .borrow_mut()
            .set_photo(preview, *preview_width, (*width, *height));
        self.label_canvas("Your photo, not explained yet");
        let smallest = self.model.get().map_or(224, |spec| spec.preprocessing.size);
        if *animated {
            self.note("This picture moves; its first frame is explained.", "");
        } else if (*width).min(*height) < smallest {
            self.note(
                &format!("This photo is small ({width} × {height}); it was enlarged to the {smallest} pixels that the network sees."),
                "A larger one gives a finer mask.",
            );
        }
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
        let spec = ModelSpec::from_name(&name)?;

        if self.model.get().map(|model| model.name) != Some(spec.name) {
            self.model.set(None);
            self.prepared.replace(None);
            self.target.set(None);
            let weights = self.fetch_weights(spec).await?;
            if !current() {
                return Ok(());
            }
            self.status(&format!("Loading {}…", spec.title));
            pool.load(&weights).await?;
            if !current() {
                return Ok(());
            }
            self.model.set(Some(spec));
        }
        let Some(photo) = self.photo.borrow().clone() else {
            self.status(&format!("{} is ready. Give it a photo.", spec.title));
            return Ok(());
        };

        if self.prepared.borrow().is_none() || from != From::Target {
            self.status("Looking at the photo…");
            if from == From::Model {
                // A new pool has not seen the photo yet.
                let opened = pool.open(&photo, PREVIEW_SIDE).await;
                if !current() {
                    return Ok(());
                }
                if opened.is_err() && self.stage.borrow().is_empty() {
                    // It waited for the engine and was no photo: nothing is there to explain.
                    *self.photo.borrow_mut() = None;
                }
                self.show_photo(&opened?);
            }
            let prepared = pool.prepare(&photo, Baseline::Black).await?;
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
        let target = self.target.get().unwrap_or_else(|| {
            top_predictions(&prepared.logits_input, 1)
                .first()
                .map_or(0, |top| top.target)
        });
        self.target.set(Some(target));
        self.show_predictions(spec, &prepared, target);
        self.sum(job, &pool, spec, &prepared, target).await
    }

    /// The part that takes time: the mask forms.
    async fn sum(
        self: &Rc<Self>,
        job: u64,
        pool: &Pool,
        spec: &'static ModelSpec,
        prepared: &Prepared,
        target: usize,
    ) -> Result<(), Failure> {
        let integration = Integration::new(chosen_method(), prepared.input.len())?;
        let all = integration.most_gradients();
        let most = match chosen_method() {
            Method::Fixed { .. } => format!("{all}"),
            Method::Adaptive { .. } => format!("at most {all}"),
        };
        let label = spec.labels().get(target).copied().unwrap_or_default();
        let sum = RefCell::new(integration);
        let failed = RefCell::new(None);
        let start = now();
        self.stage.borrow_mut().set_mask(None);
        self.show_controls();
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
                    let mask = Mask::of(&attributions.values);
                    self.stage.borrow_mut().set_mask(Some(&mask));
                    self.show_caption(&mask);
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
            let all = sum.borrow().gradients();
            set_progress(1.0);
            self.show_completeness(prepared, target, &finished);
            let seconds = (now() - start) / 1000.0;
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

    async fn fetch_weights(&self, spec: &ModelSpec) -> Result<Weights, Failure> {
        if let Some(weights) = self.fetched.borrow().get(spec.name) {
            return Ok(weights.clone());
        }
        let entry = self.manifest.borrow().entry(spec.name).cloned();
        let entry = entry.ok_or_else(|| Failure {
            code: FailureCode::WeightsMissing,
            detail: format!("{} is not in weights/manifest.json", spec.name),
        })?;
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
            model: entry.name,
            sha256: entry.sha256,
            bytes,
        };
        self.fetched
            .borrow_mut()
            .insert(spec.name.into(), weights.clone());
        Ok(weights)
    }

    // ---- Showing ---------------------------------------------------------------------------

    fn show_predictions(
        self: &Rc<Self>,
        spec: &'static ModelSpec,
        prepared: &Prepared,
        target: usize,
    ) {
        element::<HtmlElement>("answer-hint").set_hidden(true);
        let list: Element = element("predictions");
        list.set_inner_html("");
        let labels = spec.labels();
        for answer in top_predictions(&prepared.logits_input, ANSWERS) {
            let percent = f64::from(answer.probability) * 100.0;
            let button: HtmlButtonElement = create("button");
            button.set_type("button");
            let pressed = if answer.target == target {
                "true"
            } else {
                "false"
            };
            button.set_attribute("aria-pressed", pressed).unwrap_or(());
            let name: Element = create("span");
            name.set_text_content(Some(labels.get(answer.target).copied().unwrap_or("?")));
            let share: Element = create("span");
            share.set_class_name("share");
            share.set_text_content(Some(&format!("{percent:.1} %")));
            let track: Element = create("span");
            track.set_class_name("track");
            let fill: HtmlElement = create("span");
            fill.style()
                .set_property("width", &format!("{percent:.1}%"))
                .unwrap_or(());
            append(&track, &fill);
            for part in [&name, &share, &track] {
                append(&button, part);
            }
            let item: Element = create("li");
            append(&item, &button);
            append(&list, &item);
            let page = Rc::clone(self);
            on(&button, "click", move |_: Event| {
                page.target.set(Some(answer.target));
                page.run(From::Target);
            });
        }
    }

    fn show_completeness(&self, prepared: &Prepared, target: usize, attributions: &Attributions) {
        let (input, baseline) = (
            prepared.logits_input[target],
            prepared.logits_baseline[target],
        );
        let delta = attributions.convergence_delta(input, baseline);
        let change = f64::from(input) - f64::from(baseline);
        let share = if change == 0.0 { 0.0 } else { delta / change };
        text("output-input", &number(f64::from(input), ""));
        text("output-baseline", &number(f64::from(baseline), ""));
        text("attribution-sum", &number(attributions.sum, ""));
        text("delta", &number(share * 100.0, " %"));
        text("verdict", sentences::verdict(share));
        // The goal stands at 80 % of the meter, so that a sum that is too large shows too.
        let width = ((1.0 + share) * 80.0).clamp(0.0, 100.0);
        element::<HtmlElement>("meter-sum")
            .style()
            .set_property("width", &format!("{width:.1}%"))
            .unwrap_or(());
        element::<HtmlElement>("meter").set_hidden(false);
        element::<HtmlElement>("completeness-hint").set_hidden(true);
    }

    /// What the colours stand for.
    fn show_caption(&self, mask: &Mask) {
        text(
            "caption",
            &format!(
                "The network sees the square. Purple: how much each pixel changed its answer, linearly; \
                 full from {:.1e} on, below which lies {:.0} % of the sum of absolute values.",
                mask.full_scale,
                MASS_SHOWN * 100.0
            ),
        );
        element::<HtmlElement>("caption").set_hidden(false);
    }

    /// Buttons as the current state has them.
    fn show_controls(&self) {
        let photo = self.photo.borrow().is_some();
        let busy = self.busy.get();
        element::<HtmlButtonElement>("explain").set_disabled(!photo || busy);
        element::<HtmlElement>("cancel").set_hidden(!busy || !photo);
        element::<HtmlFieldSetElement>("views").set_disabled(!photo);
        element::<HtmlInputElement>("opacity").set_disabled(!photo);
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

/// A parameter of the page's address.
fn parameter(name: &str) -> Option<String> {
    let query = window().location().search().ok()?;
    UrlSearchParams::new_with_str(&query).ok()?.get(name)
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
