//! The idea, step by step: the explanation that is shown, taken apart along its path. Its stops, its numbers and its
//! mask are those of the stage.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, HtmlButtonElement, HtmlCanvasElement, HtmlInputElement};

use super::job::PageJob;
use super::steps::show_missed;
use super::{Page, append, class, create};
use crate::attribution::{PartialSum, PathSample, Slopes, Trail, interpolate, output_at, rise};
use crate::mask::{Mask, normalise};
use crate::page::Explanation;
use crate::protocol::Failure;
use crate::web::dom::{all, element, now, on, sleep};
use crate::web::picture;
use crate::web::plot::{Axis, Line, Plot};
use crate::web::words::{Phrase, decimal, phrase, say, say_as};

/// Stops of the walk after its first: few enough to keep what leads to each.
const STOPS: usize = 24;
/// Frames of the filmstrip.
const FRAMES: usize = 6;
/// How long each stop is shown while playing.
const STOP_MS: i32 = 220;

/// A walk, once it is taken.
pub(super) struct Walk {
    trail: Trail,
    explanation: Rc<Explanation>,
}

impl Page {
    pub(super) fn listen_to_walk(self: &Rc<Self>) {
        self.on_start("walk-start", |page, job| async move {
            page.take_walk(&job).await
        });
        on(&element::<HtmlInputElement>("walk-alpha"), "input", {
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

    /// Every gradient of the explanation once more, one by one.
    async fn take_walk(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        let trail = RefCell::new(Trail::new(explanation.quadrature.clone(), STOPS));
        let all = explanation.quadrature.alphas.len();
        let take = |gradient: PartialSum| {
            trail.borrow_mut().add(gradient)?;
            let done = trail.borrow().gradients();
            let sentence = phrase!("Walking: {done} of {all} gradients", done = done, all = all);
            job.progress(done, all, now(), sentence);
            Ok(())
        };
        let quadrature = &explanation.quadrature;
        job.start_clock(now());
        if !self
            .gather(job, &pool, explanation.target, quadrature, take)
            .await?
        {
            return Ok(());
        }
        let slider: HtmlInputElement = element("walk-alpha");
        let trail = trail.into_inner();
        slider.set_max(&trail.last().to_string());
        let place = self.place_of_lesson(&trail).unwrap_or(trail.last() / 2);
        slider.set_value(&place.to_string());
        self.playing.set(false);
        self.trail.replace(Some(Walk {
            trail,
            explanation: Rc::clone(&explanation),
        }));
        self.forget_steps();
        self.open_chapter("walk", &explanation);
        self.show_walk();
        select("image");
        self.say_status(phrase!("Done: drag α, or press Play."));
        slider.focus().unwrap_or(());
        Ok(())
    }

    /// What does not change with α.
    pub(super) fn show_walk(self: &Rc<Self>) {
        let walk = self.trail.borrow();
        let Some(walk) = walk.as_ref() else { return };
        let explanation = &walk.explanation;
        let (prepared, preprocessing) = (&explanation.prepared, &explanation.spec.preprocessing);
        let width = explanation.width();
        picture::show(
            &element("walk-baseline"),
            &preprocessing.rgba(&prepared.baseline),
            width,
        );
        let strip: Element = element("walk-strip");
        strip.set_inner_html("");
        let last = walk.trail.last();
        let frames: std::collections::BTreeSet<usize> =
            (0..FRAMES).map(|k| k * last / (FRAMES - 1)).collect();
        for stop in frames {
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
            picture::show(&canvas, &preprocessing.rgba(&image), width);
            append(&button, &canvas);
            append(&strip, &button);
            let page = Rc::clone(self);
            on(&button, "click", move |_: Event| {
                element::<HtmlInputElement>("walk-alpha").set_value(&stop.to_string());
                page.show_stop();
            });
        }
        // The mask of the stage, as it is: the same values, of the same kind, on the same scale.
        let settings = self.latest();
        let map = settings.reduction.reduce(&explanation.attributions.values);
        let mask = normalise(&map, f64::from(settings.clip) / 100.0);
        let canvas: HtmlCanvasElement = element("walk-mask");
        picture::show(&canvas, &preprocessing.rgba(&prepared.input), width);
        picture::lay_over(&canvas, &mask.to_rgba(settings.palette), width);
        let samples = walk.trail.samples();
        let along = with_ends(&samples, explanation.ends);
        let risen = match rise(&along) {
            Some([from, to]) => phrase!(
                "F makes eight tenths of its way between α = {from} and α = {to}. Outside, the network is settled: F saturates, and the gradient says little. A probability saturates sooner than a logit.",
                from = decimal(from, 2),
                to = decimal(to, 2),
            ),
            None => Phrase::nothing(),
        };
        say("walk-rise", risen);
        let tangents = explanation.quadrature.slopes == Slopes::Tangent;
        show_missed(if tangents { &explanation.samples } else { &[] });
        self.show_stop();
    }

    /// Where the walk stands, if one was taken.
    pub(super) fn alpha(&self) -> Option<f64> {
        let walk = self.trail.borrow();
        let slider: HtmlInputElement = element("walk-alpha");
        Some(
            walk.as_ref()?
                .trail
                .alpha(slider.value_as_number() as usize),
        )
    }

    /// What changes with α.
    fn show_stop(&self) {
        let walk = self.trail.borrow();
        let Some(Walk { trail, explanation }) = walk.as_ref() else {
            return;
        };
        let settings = self.latest();
        let slider: HtmlInputElement = element("walk-alpha");
        let stop = slider.value_as_number().clamp(0.0, trail.last() as f64) as usize;
        let alpha = trail.alpha(stop);
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
        let prepared = &explanation.prepared;
        let (input, baseline) = (&prepared.input, &prepared.baseline);
        let image = interpolate(input, baseline, alpha);
        picture::show(
            &element("walk-image"),
            &explanation.spec.preprocessing.rgba(&image),
            explanation.width(),
        );
        if let Some(gradient) = trail.gradient(stop) {
            picture::show(
                &element("walk-gradient"),
                &Mask::of(&gradient).to_rgba(settings.palette),
                explanation.width(),
            );
        }
        let samples = trail.samples();
        let output = output_at(&samples, explanation.ends, alpha);
        draw_output(&with_ends(&samples, explanation.ends), [alpha, output]);
        say(
            "walk-output",
            phrase!(
                "F = {value} at α = {alpha}.",
                value = decimal(output, 2),
                alpha = decimal(alpha, 2)
            ),
        );
        let before = trail.alpha(stop.saturating_sub(1));
        let after = trail.alpha(stop.max(1));
        say(
            "walk-slope",
            phrase!(
                "Which pixels F reacts to between α = {from} and α = {to}.",
                from = decimal(before, 2),
                to = decimal(after, 2),
            ),
        );
        let scale = Mask::of(&explanation.attributions.values).full_scale;
        let all = explanation.change();
        let (values, sum) = if stop == trail.last() {
            // All of it is the explanation.
            (
                explanation.attributions.values.clone(),
                explanation.attributions.sum,
            )
        } else {
            match trail.gathered(stop, input, baseline) {
                Ok(gathered) => (gathered.values, gathered.sum),
                Err(_) => return,
            }
        };
        let mask = Mask::of_scale(&values, scale);
        picture::show(
            &element("walk-gathered"),
            &mask.to_rgba(settings.palette),
            explanation.width(),
        );
        say(
            "walk-sum",
            phrase!(
                "Together {sum}; F has changed by {change} so far. At the end it has changed by {all}.",
                sum = decimal(sum, 2),
                change = decimal(output - f64::from(explanation.ends[0]), 2),
                all = decimal(all, 2),
            ),
        );
    }

    /// From the stop that is shown to the end; from the end, all of it again.
    async fn play(self: Rc<Self>) {
        say("walk-play", phrase!("Pause"));
        let slider: HtmlInputElement = element("walk-alpha");
        let last = || {
            let walk = self.trail.borrow();
            walk.as_ref().map_or(0, |walk| walk.trail.last())
        };
        if slider.value_as_number() as usize >= last() {
            slider.set_value("0");
            self.show_stop();
        }
        while self.playing.get() {
            sleep(STOP_MS).await;
            let stop = slider.value_as_number() as usize + 1;
            if !self.playing.get() || stop > last() {
                break;
            }
            slider.set_value(&stop.to_string());
            self.show_stop();
        }
        self.playing.set(false);
        say("walk-play", phrase!("Play"));
    }
}

/// F along the path, its ends included.
fn with_ends(samples: &[PathSample], ends: [f32; 2]) -> Vec<PathSample> {
    let end = |alpha: f64, output: f32| PathSample {
        alpha,
        output,
        slope: 0.0,
    };
    let inner = samples
        .iter()
        .filter(|s| s.alpha > 1e-9 && s.alpha < 1.0 - 1e-9);
    let mut along = vec![end(0.0, ends[0])];
    along.extend(inner.copied());
    along.push(end(1.0, ends[1]));
    along
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
            "The gradients up to here, each times one step, added up. At the end they are the mask, and their sum is what F has changed by, up to what the steps miss: this is called completeness."
        ),
        _ => phrase!(
            "The sum, times how far each pixel went. Its absolute values over the three colours are the purple of the mask."
        ),
    };
    say("walk-lesson", lesson);
}

/// F along the path, with a dot where one is.
fn draw_output(samples: &[PathSample], here: [f64; 2]) {
    let points: Vec<[f64; 2]> = samples
        .iter()
        .map(|sample| [sample.alpha, f64::from(sample.output)])
        .collect();
    let plot = Plot {
        lines: vec![Line::dotted(&points)],
        logarithmic: false,
        x: Axis::unit(Phrase::of("α")),
        y: Axis::around(points.iter().map(|p| p[1]), Phrase::of("F(α)")),
        here: Some(here),
        summary: phrase!("F along the path"),
    };
    plot.draw(&element("walk-plot"));
}
