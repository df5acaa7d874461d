//! bench.html: how fast this machine explains, on the CPU and on the GPU.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, HtmlButtonElement, HtmlElement};

use super::dom::{element, on, window};
use super::files::{self, Program};
use super::gpu;
use super::pool::{self, Pool, Weights};
use super::words::{self, Language, detail, name, phrase, say};
use crate::device::DeviceKind;
use crate::model::catalog::CATALOG;
use crate::page::bench::{Measured, SETTINGS, measure, report};
use crate::protocol::Failure;

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
            let bytes = files::weights(entry, |_| {}).await?;
            let weights = Weights::published(spec, entry, bytes);
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
                let pool = start_on(device, &engine, workers).await;
                let running = || self.running.get();
                let told = |words| say("status", words);
                if let Some(row) = measure(pool, spec, &weights, running, told).await {
                    self.measured.borrow_mut().push(row);
                    self.show();
                }
            }
        }
        Ok(())
    }

    fn show(&self) {
        let text = report(&machine(), &self.measured.borrow());
        element::<Element>("result").set_text_content(Some(&text));
        element::<HtmlButtonElement>("copy").set_disabled(false);
    }
}

/// Software adapters too: this page is to find out what they are worth.
async fn start_on(
    device: DeviceKind,
    on_cpu: &Program,
    workers: Option<usize>,
) -> Result<Pool, Failure> {
    if device == DeviceKind::Cpu {
        let device = (device, String::new());
        return pool::start(on_cpu.clone(), device, workers, |_| {}).await;
    }
    let adapter = gpu::check(true).await?;
    let engine = files::program(files::engine(device, None), |_, _| {}).await?;
    pool::start(engine, (device, adapter), None, |_| {}).await
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
