//! The idea, step by step: one slow walk from baseline to photo whose every stop can be looked at.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Element, Event, HtmlButtonElement, HtmlCanvasElement, HtmlElement, HtmlInputElement,
};

use super::steps::show_missed;
use super::{Page, append, class, create};
use crate::attribution::{PartialSum, PathSample, Trail, interpolate, rise};
use crate::mask::Mask;
use crate::preprocessing::Preprocessing;
use crate::protocol::Failure;
use crate::web::dom::{all, element, on, sleep};
use crate::web::picture;
use crate::web::plot::{Axis, Line, Plot};
use crate::web::pool::Prepared;
use crate::web::words::{Phrase, decimal, phrase, say, say_as};

/// Steps of the walk: few enough to keep every gradient.
const STEPS: usize = 20;
/// Frames of the filmstrip.
const FRAMES: usize = 6;
/// How long each stop is shown while playing.
const STOP_MS: i32 = 220;

/// A walk, as far as it has come.
pub(super) struct Walk {
    trail: Trail,
    prepared: Rc<Prepared>,
    preprocessing: Preprocessing,
    /// F at the ends, of which completeness speaks.
    ends: [f32; 2],
    /// What is drawn at full strength of all that is gathered, so that colours compare along the way.
    full_scale: Cell<f32>,
    /// The samples of the explanation that the walk explains.
    explained: Vec<PathSample>,
}

impl Page {
    pub(super) fn listen_to_walk(self: &Rc<Self>) {
        on(&element::<Element>("walk-start"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.work(|page, job| async move { page.take_walk(job).await })
        });
        let alpha: HtmlInputElement = element("walk-alpha");
        alpha.set_max(&STEPS.to_string());
        on(&alpha, "input", {
            let page = Rc::clone(self);
            move |_: Event| page.show_stop()
        });
        on(&element::<Element>("walk-play"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                let playing = page.playing.get();
                page.playing.set(!playing);
                if !playing {
                    let page = Rc::clone(&page);
                    spawn_local(async move { page.play().await });
                }
            }
        });
        for station in all("[data-station]") {
            let name = station.get_attribute("data-station").unwrap_or_default();
            on(&station, "click", move |_: Event| select(&name));
        }
    }

    /// The walk belongs to one mask; another one has none yet.
    pub(super) fn forget_walk(&self) {
        self.playing.set(false);
        self.trail.replace(None);
        self.forget_steps();
        element::<HtmlElement>("walk-body").set_hidden(true);
        element::<HtmlElement>("walk-start").set_hidden(false);
    }

    /// Every gradient of the walk, one by one.
    async fn take_walk(self: &Rc<Self>, job: u64) -> Result<(), Failure> {
        let Some((pool, target, prepared, spec)) = self.explained(job).await? else {
            return Ok(());
        };
        let trail = Trail::new(STEPS);
        let alphas: Vec<f64> = (0..=STEPS).map(|stop| trail.alpha(stop)).collect();
        let detector = spec.architecture.is_detector();
        let ends = [&prepared.logits_baseline, &prepared.logits_input];
        *self.trail.borrow_mut() = Some(Walk {
            trail,
            preprocessing: spec.preprocessing,
            ends: ends.map(|logits| target.of(logits, detector)),
            full_scale: Cell::default(),
            explained: self.samples.borrow().clone(),
            prepared,
        });
        let current = || self.job.get() == job;
        let failed = RefCell::new(None);
        let take = |gradient: PartialSum| {
            if let Some(walk) = self.trail.borrow_mut().as_mut().filter(|_| current()) {
                if let Err(error) = walk.trail.add(gradient) {
                    failed.replace(Some(Failure::from(error)));
                }
                let done = walk.trail.gradients();
                self.show_share(
                    done,
                    STEPS + 1,
                    phrase!(
                        "Walking: {done} of {all} gradients",
                        done = done,
                        all = STEPS + 1
                    ),
                );
            }
        };
        pool.gradients(target, &alphas, current, take).await?;
        if let Some(failure) = failed.take() {
            return Err(failure);
        }
        if !current() {
            return Ok(());
        }
        self.status(phrase!("Done: drag α, or press Play."));
        element::<HtmlElement>("walk-body").set_hidden(false);
        element::<HtmlElement>("walk-start").set_hidden(true);
        self.show_walk();
        select("image");
        let body: Element = element("walk-body");
        body.scroll_into_view();
        Ok(())
    }

    /// What does not change with α.
    pub(super) fn show_walk(self: &Rc<Self>) {
        let walk = self.trail.borrow();
        let Some(walk) = walk.as_ref() else { return };
        let paint = |id: &str, planes: &[f32]| {
            picture::show(&element(id), &walk.preprocessing.rgba(planes));
        };
        let prepared = &walk.prepared;
        paint("walk-baseline", &prepared.baseline);
        let strip: Element = element("walk-strip");
        strip.set_inner_html("");
        for frame in 0..FRAMES {
            let stop = frame * STEPS / (FRAMES - 1);
            let alpha = walk.trail.alpha(stop);
            let button: HtmlButtonElement = create("button");
            button.set_type("button");
            say_as(
                &button,
                "aria-label",
                phrase!("α = {alpha}", alpha = decimal(alpha, 2)),
            );
            button
                .set_attribute("data-stop", &stop.to_string())
                .unwrap_or(());
            let canvas: HtmlCanvasElement = create("canvas");
            let image = interpolate(&prepared.input, &prepared.baseline, alpha);
            picture::show(&canvas, &walk.preprocessing.rgba(&image));
            append(&button, &canvas);
            append(&strip, &button);
            let page = Rc::clone(self);
            on(&button, "click", move |_: Event| {
                element::<HtmlInputElement>("walk-alpha").set_value(&stop.to_string());
                page.show_stop();
            });
        }
        let all = walk
            .trail
            .gathered(STEPS, &prepared.input, &prepared.baseline);
        if let Ok(all) = all {
            let photo = walk.preprocessing.rgba(&prepared.input);
            let mask = Mask::of(&all.values);
            walk.full_scale.set(mask.full_scale);
            let canvas: HtmlCanvasElement = element("walk-mask");
            picture::show(&canvas, &photo);
            picture::lay_over(&canvas, &mask.to_rgba(self.stage.borrow().palette()));
        }
        let samples = walk.trail.samples();
        let risen = match rise(&samples) {
            Some([from, to]) => phrase!(
                "F makes eight tenths of its way between α = {from} and α = {to}. Outside, the network is settled: F saturates, and the gradient says little. A probability saturates sooner than a logit.",
                from = decimal(from, 2),
                to = decimal(to, 2),
            ),
            None => Phrase::nothing(),
        };
        say("walk-rise", risen);
        show_missed(&walk.explained, &samples);
        self.show_stop();
    }

    /// What changes with α.
    fn show_stop(&self) {
        let walk = self.trail.borrow();
        let Some(walk) = walk.as_ref() else { return };
        let palette = self.stage.borrow().palette();
        let slider: HtmlInputElement = element("walk-alpha");
        let stop = slider.value_as_number().clamp(0.0, STEPS as f64) as usize;
        let alpha = walk.trail.alpha(stop);
        say("walk-alpha-value", Phrase::of(decimal(alpha, 2)));
        say_as(
            &slider,
            "aria-valuetext",
            phrase!("α = {alpha}", alpha = decimal(alpha, 2)),
        );
        for frame in all("[data-stop]") {
            let here = frame.get_attribute("data-stop") == Some(stop.to_string());
            let pressed = if here { "true" } else { "false" };
            frame.set_attribute("aria-pressed", pressed).unwrap_or(());
        }
        let (input, baseline) = (&walk.prepared.input, &walk.prepared.baseline);
        let image = interpolate(input, baseline, alpha);
        picture::show(&element("walk-image"), &walk.preprocessing.rgba(&image));
        if let Some(gradient) = walk.trail.gradient(stop) {
            picture::show(
                &element("walk-gradient"),
                &Mask::of(gradient).to_rgba(palette),
            );
        }
        let samples = walk.trail.samples();
        let Some(sample) = samples.get(stop) else {
            return;
        };
        draw_output(&samples, stop);
        say(
            "walk-output",
            phrase!(
                "F = {value} at α = {alpha}.",
                value = decimal(f64::from(sample.output), 2),
                alpha = decimal(alpha, 2)
            ),
        );
        say(
            "walk-slope",
            phrase!(
                "Which pixels F reacts to here. Along the path, F changes by {slope} for each whole α.",
                slope = decimal(f64::from(sample.slope), 1),
            ),
        );
        if let Ok(gathered) = walk.trail.gathered(stop, input, baseline) {
            let mask = Mask::of_scale(&gathered.values, walk.full_scale.get());
            picture::show(&element("walk-gathered"), &mask.to_rgba(palette));
            say(
                "walk-sum",
                phrase!(
                    "Together {sum}; F has changed by {change} so far. At the end it has changed by {all}.",
                    sum = decimal(gathered.sum, 2),
                    change = decimal(f64::from(sample.output) - f64::from(walk.ends[0]), 2),
                    all = decimal(f64::from(walk.ends[1]) - f64::from(walk.ends[0]), 2),
                ),
            );
        }
    }

    /// From the stop that is shown to the end; from the end, all of it again.
    async fn play(self: Rc<Self>) {
        say("walk-play", phrase!("Pause"));
        let slider: HtmlInputElement = element("walk-alpha");
        if slider.value_as_number() as usize >= STEPS {
            slider.set_value("0");
            self.show_stop();
        }
        while self.playing.get() {
            sleep(STOP_MS).await;
            let stop = slider.value_as_number() as usize + 1;
            if !self.playing.get() || stop > STEPS {
                break;
            }
            slider.set_value(&stop.to_string());
            self.show_stop();
        }
        self.playing.set(false);
        say("walk-play", phrase!("Play"));
    }
}

/// Puts a station in the light, with its part of the formula and what is to be seen there.
fn select(name: &str) {
    for station in all("[data-station]") {
        let here = station.get_attribute("data-station").as_deref() == Some(name);
        let changed = if here {
            station.set_attribute("aria-current", "step")
        } else {
            station.remove_attribute("aria-current")
        };
        changed.unwrap_or(());
    }
    for part in all("#formula [data-part]") {
        let of = part.get_attribute("data-part").unwrap_or_default();
        let lit = of == name || (name == "baseline" && of == "difference");
        class(&part, "lit", lit);
    }
    let lesson = match name {
        "baseline" => phrase!(
            "Everything is measured from here. A pixel that is the same in baseline and photo does not move, so that its difference, and with it its attribution, is zero."
        ),
        "image" => phrase!(
            "The network looks at every image on the way, not only at the photo: where it is sure, it hardly reacts any more, and the gradient there alone would say nothing."
        ),
        "output" => phrase!(
            "How sure the network is on the way. Where the curve is steep, pixels matter; where it is flat, the answer is settled."
        ),
        "gradient" => phrase!(
            "For each pixel, how much F would change if the pixel changed a little, here and now. Drag α: it is another picture at every stop."
        ),
        "integral" => phrase!(
            "The gradients up to here, each times one step, added up. What is gathered equals what F has changed by, up to what so few steps miss where the curve is steep: this is called completeness."
        ),
        _ => phrase!(
            "The sum, times how far each pixel went. Its absolute values over the three colours are the purple of the mask."
        ),
    };
    say("walk-lesson", lesson);
}

/// F along the path, with a dot where one is.
fn draw_output(samples: &[PathSample], stop: usize) {
    let points: Vec<[f64; 2]> = samples
        .iter()
        .map(|sample| [sample.alpha, f64::from(sample.output)])
        .collect();
    let here = points.get(stop).copied();
    let plot = Plot {
        lines: vec![Line::dotted(&points)],
        logarithmic: false,
        x: Axis::unit(Phrase::of("α")),
        y: Axis::around(points.iter().map(|p| p[1]), Phrase::of("F(α)")),
        here,
        summary: phrase!("F along the path"),
    };
    plot.draw(&element("walk-plot"));
}
