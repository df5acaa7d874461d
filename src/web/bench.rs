//! bench.html: how fast this machine explains, on the CPU and on the GPU.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, HtmlButtonElement, HtmlElement};

use super::dom::{element, now, on, window};
use super::files::{self, Program};
use super::gpu;
use super::pool::{self, Pool, Weights};
use super::words::{self, Language, decimal, detail, name, phrase, say};
use crate::attribution::Rule;
use crate::device::DeviceKind;
use crate::model::{ModelSpec, Target, catalog::CATALOG};
use crate::page::{Measured, report};
use crate::protocol::{Failure, Source};

/// Gradients of a mask: how many secants “Auto” begins with.
const GRADIENTS: usize = 24;
/// Masks of each network on each device, of which the fastest counts; the first one warms up.
const RUNS: usize = 3;
/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// Each network is measured with one worker, with as many as the page takes, and on the GPU.
const SETTINGS: [(DeviceKind, Option<usize>); 3] = [
    (DeviceKind::Cpu, Some(1)),
    (DeviceKind::Cpu, None),
    (DeviceKind::Gpu, None),
];

#[derive(Default)]
struct Bench {
    measured: RefCell<Vec<Measured>>,
    running: Cell<bool>,
}

/// Starts the page.
pub(super) fn start() {
    words::read_page();
    let code = super::page::parameter("lang");
    let language = code.and_then(|code| Language::from_code(&code));
    words::speak(language.unwrap_or_default());
    let bench = Rc::new(Bench::default());
    let clicked = Rc::clone(&bench);
    on(&element::<HtmlElement>("run"), "click", move |_: Event| {
        let bench = Rc::clone(&clicked);
        if bench.running.replace(true) {
            // Asked before every gradient.
            bench.running.set(false);
            return;
        }
        spawn_local(async move { bench.run().await });
    });
    on(&element::<HtmlElement>("copy"), "click", |_: Event| {
        let text = element::<Element>("result").text_content();
        let clipboard = window().navigator().clipboard();
        let copied = clipboard.write_text(&text.unwrap_or_default());
        spawn_local(async move {
            if wasm_bindgen_futures::JsFuture::from(copied).await.is_ok() {
                say("status", phrase!("Copied."));
            }
        });
    });
    element::<HtmlButtonElement>("run").set_disabled(false);
    say("status", phrase!("Nothing has been measured yet."));
}

impl Bench {
    async fn run(self: Rc<Self>) {
        self.measured.borrow_mut().clear();
        say("run", phrase!("Stop"));
        let done = self.measure().await;
        let finished = self.running.replace(false);
        say("run", phrase!("Measure"));
        match done {
            Ok(()) if finished => say("status", phrase!("Done.")),
            Ok(()) => say("status", phrase!("Stopped.")),
            Err(failure) => say("status", phrase!("{why}", why = detail(failure.detail))),
        }
    }

    async fn measure(&self) -> Result<(), Failure> {
        say("status", phrase!("Loading the engine…"));
        let engine = files::program(files::engine(DeviceKind::Cpu, None), |_, _| {}).await?;
        let manifest = files::manifest().await.unwrap_or_default().with_shipped();
        for spec in &CATALOG {
            let Some(entry) = manifest.entry(&spec.name) else {
                continue;
            };
            say(
                "status",
                phrase!("Fetching {network}…", network = name(&*spec.title)),
            );
            let weights = Weights {
                source: Source::Published {
                    architecture: spec.architecture,
                    preprocessing: spec.preprocessing,
                    sha256: entry.sha256.clone(),
                },
                bytes: files::weights(entry, |_| {}).await?,
                memory: 0,
                randomised: None,
            };
            for (device, workers) in SETTINGS {
                if !self.running.get() {
                    return Ok(());
                }
                say(
                    "status",
                    phrase!(
                        "Measuring {network} on the {device}…",
                        network = name(&*spec.title),
                        device = device.name().to_uppercase(),
                    ),
                );
                self.device(&engine, spec, &weights, device, workers).await;
            }
        }
        Ok(())
    }

    /// One network on one device; what fails is a row too.
    async fn device(
        &self,
        engine: &Program,
        spec: &ModelSpec,
        weights: &Weights,
        device: DeviceKind,
        workers: Option<usize>,
    ) {
        let pool = match device {
            DeviceKind::Cpu => pool::on_cpu(engine.clone(), workers, |_| {}).await,
            DeviceKind::Gpu => on_gpu().await,
        };
        let (named, workers, seconds) = match pool {
            Err(failure) => (format!("GPU: {}", failure.detail), 0, None),
            Ok(pool) => {
                let named = match device {
                    DeviceKind::Cpu => "CPU".into(),
                    DeviceKind::Gpu => format!("GPU ({})", pool.adapter),
                };
                let seconds = self.masks(&pool, spec, weights).await;
                (named, pool.size(), seconds.ok().flatten())
            }
        };
        if self.running.get() {
            self.measured.borrow_mut().push(Measured {
                network: spec.title.to_string(),
                device: named,
                workers,
                seconds,
            });
            let text = report(&machine(), &self.measured.borrow());
            element::<Element>("result").set_text_content(Some(&text));
            element::<HtmlButtonElement>("copy").set_disabled(false);
        }
    }

    /// Seconds a gradient of a few masks, at least; nothing, if it was stopped.
    async fn masks(
        &self,
        pool: &Pool,
        spec: &ModelSpec,
        weights: &Weights,
    ) -> Result<Option<f64>, Failure> {
        pool.load(weights).await?;
        let zeros = vec![0.0; spec.preprocessing.input_len()];
        let quadrature = Rule::Secant.quadrature(GRADIENTS)?;
        let gradients = quadrature.alphas.len();
        let mut least = None;
        for run in 0..RUNS {
            // A path of its own each time, and none that all activations are zero on.
            let input = vec![1.0 + run as f32; zeros.len()];
            pool.keep(&input, &zeros).await?;
            let start = now();
            let part = |pieces| quadrature.slice(pieces);
            pool.sum(
                Target::output(0),
                gradients,
                part,
                || self.running.get(),
                |_| {},
            )
            .await?;
            if !self.running.get() {
                return Ok(None);
            }
            let seconds = (now() - start) / SECOND / gradients as f64;
            if run > 0 {
                least = Some(least.map_or(seconds, |least: f64| least.min(seconds)));
                let so_far = phrase!(
                    "{network}: {seconds} s a gradient",
                    network = name(&*spec.title),
                    seconds = decimal(seconds, 4),
                );
                say("status", so_far);
            }
        }
        Ok(least)
    }
}

/// Software adapters too: this page is to find out what they are worth.
async fn on_gpu() -> Result<Pool, Failure> {
    let adapter = gpu::check(true).await?;
    let engine = files::program(files::engine(DeviceKind::Gpu, None), |_, _| {}).await?;
    pool::on_gpu(engine, adapter, |_| {}).await
}

/// What a browser tells of itself and its machine.
fn machine() -> Vec<String> {
    let navigator = window().navigator();
    let agent = navigator.user_agent().unwrap_or_default();
    let memory = Reflect::get(&navigator, &"deviceMemory".into()).ok();
    let memory = match memory.and_then(|gib| gib.as_f64()) {
        Some(gib) => format!("{gib} GiB or more"),
        None => "memory not told".into(),
    };
    let build = files::built("");
    let build = build.trim_end_matches('/').rsplit('/').next();
    vec![
        format!("Violet, {}", build.unwrap_or_default()),
        agent,
        format!("{} cores, {memory}", navigator.hardware_concurrency()),
    ]
}
