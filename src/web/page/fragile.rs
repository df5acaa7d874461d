//! Fragile: a step that turns the answer, steps that move the mask, another zero, and noise.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::Element;

use super::chapters::add_plate;
use super::job::PageJob;
use super::{Page, titles};
use crate::attribution::{
    Bisection, PartialSum, PixelRange, Pull, Quadrature, Rule, rank_correlation, relative_change,
    shifted,
};
use crate::mask::{Mask, glow, lay_over, reduce_absolute, soften};
use crate::model::Target;
use crate::page::{Answer, Explanation, pixel_range, step_picture, weakest_quarter};
use crate::protocol::Failure;
use crate::web::dom::{element, now};
use crate::web::pool::Pool;
use crate::web::words::{Phrase, Value, decimal, percent, phrase, say};

/// Secants of each map: they add up, whatever their number.
const SECANTS: usize = 12;
/// Steps towards a mask that lies elsewhere, each so many levels, no value farther than that from
/// the photo's; and the points on each path that such a step's way is taken from, with how far
/// beside them gradients are taken.
const ROUNDS: usize = 4;
const STEP: f64 = 2.0;
const FARTHEST: f64 = 8.0;
const POINTS: usize = 8;
const BESIDE: f64 = 4.0;
/// Pictures with noise, and how far they are from the photo, in levels a value.
const NOISY: usize = 8;
const NOISE: f64 = 4.0;
/// Likenesses from which a mask is said to have hardly moved.
const ALIKE: f64 = 0.8;

/// What the parts of the chapter work with.
struct Shaken<'a> {
    page: &'a Page,
    job: &'a PageJob,
    pool: &'a Pool,
    explanation: &'a Explanation,
    range: PixelRange,
    answer: Answer,
    /// The photo's map, by as many secants as the others.
    map: Vec<f32>,
}

impl Page {
    pub(super) fn listen_to_fragile(self: &Rc<Self>) {
        self.on_start("fragile-start", |page, job| async move {
            page.shake(&job).await
        });
    }

    async fn shake(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let Some((pool, explanation)) = self.explained(job).await? else {
            return Ok(());
        };
        for part in ["turn", "move", "shift", "noise"] {
            element::<Element>(&format!("fragile-{part}")).set_inner_html("");
            say(&format!("fragile-{part}-note"), Phrase::nothing());
        }
        self.open_chapter("fragile", &explanation);
        if self.shake_all(job, &pool, &explanation).await?.is_none() {
            return Ok(());
        }
        self.take_back(job, &pool, &explanation).await?;
        if job.is_current() {
            self.say_status(phrase!(
                "Done: what moves answer and mask is below the photo."
            ));
        }
        Ok(())
    }

    /// One part after the other; nothing, if the job is no longer wanted.
    async fn shake_all(
        self: &Rc<Self>,
        job: &PageJob,
        pool: &Pool,
        explanation: &Explanation,
    ) -> Result<Option<()>, Failure> {
        let prepared = &explanation.prepared;
        let spec = &explanation.spec;
        let independent = spec.independent || spec.architecture.is_detector();
        let logits = &prepared.logits_input;
        let mut shaken = Shaken {
            page: self,
            job,
            pool,
            explanation,
            range: pixel_range(&spec.preprocessing),
            answer: Answer::of(logits, independent, explanation.target.output),
            map: Vec::new(),
        };
        // From here on the pool holds another path than that of the stage.
        let mut held = explanation.settings.clone();
        held.picture = None;
        self.work.borrow_mut().hold(Some(held));
        let what = phrase!("The mask of the photo");
        let map = shaken.map_of(&prepared.input, &prepared.baseline, &what);
        let Some(map) = map.await? else {
            return Ok(None);
        };
        shaken.map = map;
        for part in 0..4 {
            let done = match part {
                0 => shaken.turn_answer().await?,
                1 => shaken.move_mask().await?,
                2 => shaken.shift_zero().await?,
                _ => shaken.add_noise().await?,
            };
            if done.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }
}

impl Shaken<'_> {
    /// The smallest step along the sign of one gradient that turns the answer, and the mask there.
    async fn turn_answer(&self) -> Result<Option<()>, Failure> {
        let (range, answer, explanation) = (&self.range, self.answer, self.explanation);
        let prepared = &explanation.prepared;
        let input = &prepared.input;
        let ends = [input.as_slice(), &prepared.baseline];
        let end = Quadrature::points(&[1.0]);
        let uphill = self.path_sum(ends, answer.lead(), &end).await?;
        let Some(uphill) = uphill else {
            return Ok(None);
        };
        let downhill: Vec<f32> = uphill.iter().map(|&g| -g as f32).collect();
        let mut search = Bisection::new();
        let mut found = None;
        while let Some(levels) = search
            .next()
            .filter(|_| answer.holds(&prepared.logits_input))
        {
            self.job.wait(phrase!(
                "Trying a step of {levels} levels",
                levels = decimal(levels, 2)
            ));
            let there = range.step(input, &downhill, levels);
            let logits = self.pool.look(&there).await?;
            if !self.job.is_current() {
                return Ok(None);
            }
            let turned = !answer.holds(&logits);
            search.take(levels, turned);
            if turned {
                found = Some((there, logits));
            }
        }
        let from = titles::output_name(explanation, answer.output);
        self.plate(
            "turn",
            input,
            &self.map,
            phrase!("“{class}”", class = from.clone()),
        );
        let (Some(levels), Some((there, logits))) = (search.smallest(), found) else {
            say(
                "fragile-turn-note",
                phrase!(
                    "No step of up to {levels} levels of 255 along this sign turns “{class}”.",
                    levels = decimal(Bisection::MOST, 0),
                    class = from,
                ),
            );
            return Ok(Some(()));
        };
        self.step_plate("turn", &there);
        let what = phrase!("The mask after the step");
        let map = self.map_of(&there, &prepared.baseline, &what).await?;
        let Some(map) = map else { return Ok(None) };
        let now = match answer.rival {
            Some(_) => {
                let turned = Answer::of(&logits, false, answer.output);
                phrase!(
                    "“{class}”",
                    class = titles::output_name(explanation, turned.output)
                )
            }
            None => phrase!("less than 50% “{class}”", class = from.clone()),
        };
        self.plate("turn", &there, &map, now.clone());
        let likeness = rank_correlation(&self.map, &map);
        let size = match levels {
            ..1.0 => phrase!("less than a picture file can hold"),
            ..4.0 => phrase!("too little to see"),
            _ => phrase!("a grain that one hardly sees"),
        };
        let turned = phrase!(
            "A step of {levels} levels of 255, {size}, turns “{from}” into {now}.",
            levels = Value::Power(levels),
            size = size,
            from = from,
            now = now,
        );
        let class = titles::label(explanation);
        let note = if likeness >= ALIKE {
            phrase!(
                "{turned} The mask of “{class}” has hardly moved (likeness {likeness}; 1 would be the same order of pixels): it does not tell how near an answer is to turning.",
                turned = turned,
                class = class,
                likeness = decimal(likeness, 2),
            )
        } else {
            phrase!(
                "{turned} The mask of “{class}” has moved with it (likeness {likeness}; 1 would be the same order of pixels).",
                turned = turned,
                class = class,
                likeness = decimal(likeness, 2),
            )
        };
        say("fragile-turn-note", note);
        Ok(Some(()))
    }

    /// Steps towards a mask that lies in another quarter, as long as the answer stays.
    async fn move_mask(&self) -> Result<Option<()>, Failure> {
        let (range, answer, explanation) = (&self.range, self.answer, self.explanation);
        let prepared = &explanation.prepared;
        let (start, baseline) = (&prepared.input, prepared.baseline.as_slice());
        let target = explanation.target;
        let nodes = Rule::Midpoint.quadrature(POINTS)?;
        let (inside, quarter) = weakest_quarter(&self.map, explanation.width());
        let mut input = start.clone();
        self.job.start_clock(now());
        for round in 0..ROUNDS {
            let sentence = phrase!(
                "Moving the mask: step {n} of {all}",
                n = round + 1,
                all = ROUNDS
            );
            self.job.progress(round, ROUNDS, now(), sentence);
            let ends = [input.as_slice(), baseline];
            let Some(on) = self.path_sum(ends, target, &nodes).await? else {
                return Ok(None);
            };
            let pairs = input.iter().zip(baseline).zip(&on);
            let map: Vec<f32> = pairs
                .map(|((x, x0), g)| (f64::from(x - x0) * g) as f32)
                .collect();
            let pull = Pull::new(&map, &inside, ends, range, BESIDE);
            let mut beside = Vec::new();
            for ahead in [true, false] {
                let ends = [pull.beside(&input, ahead), pull.beside(baseline, ahead)];
                let ends = [ends[0].as_slice(), &ends[1]];
                let sum = self.path_sum(ends, target, &Pull::nodes(&nodes)).await?;
                let Some(sum) = sum else { return Ok(None) };
                beside.push(sum);
            }
            let way = pull.gradient(&on, &beside[0], &beside[1]);
            let next = range.near(&range.step(&input, &way, STEP), start, FARTHEST);
            let logits = self.pool.look(&next).await?;
            if !self.job.is_current() {
                return Ok(None);
            }
            if !answer.holds(&logits) {
                break;
            }
            input = next;
        }
        let farthest = range.distance(start, &input);
        if farthest == 0.0 {
            let answer = titles::output_name(explanation, answer.output);
            say(
                "fragile-move-note",
                phrase!(
                    "Every step that was tried here turns “{class}”, whose lead is too small: no mask to compare with.",
                    class = answer,
                ),
            );
            return Ok(Some(()));
        }
        let what = phrase!("The mask after the steps");
        let map = self.map_of(&input, baseline, &what).await?;
        let Some(map) = map else { return Ok(None) };
        let class = phrase!(
            "“{class}”",
            class = titles::output_name(explanation, answer.output)
        );
        self.plate("move", start, &self.map, class.clone());
        self.step_plate("move", &input);
        self.plate("move", &input, &map, class.clone());
        let share = |map: &[f32]| {
            let all: f64 = map.iter().map(|&v| f64::from(v)).sum();
            let within = map.iter().zip(&inside).filter(|(_, inside)| **inside);
            within.map(|(&v, _)| f64::from(v)).sum::<f64>() / all.max(f64::MIN_POSITIVE)
        };
        let quarter = match quarter {
            0 => phrase!("upper left"),
            1 => phrase!("upper right"),
            2 => phrase!("lower left"),
            _ => phrase!("lower right"),
        };
        say(
            "fragile-move-note",
            phrase!(
                "No value has moved by more than {levels} levels of 255, and the answer is {class} as before. The share of the mask in the {quarter} quarter went from {before}% to {after}% (likeness {likeness}): a mask can be moved by whoever can change a photo a little.",
                levels = decimal(farthest, 0),
                class = class,
                quarter = quarter,
                before = percent(share(&self.map), 0),
                after = percent(share(&map), 0),
                likeness = decimal(rank_correlation(&self.map, &map), 2),
            ),
        );
        Ok(Some(()))
    }

    /// The same network with other numbers for the same colours, from the same numbers and from the
    /// same colour.
    async fn shift_zero(&self) -> Result<Option<()>, Failure> {
        let (range, explanation) = (&self.range, self.explanation);
        let input = &explanation.prepared.input;
        let area = input.len() / 3;
        let black: Vec<f32> = (0..input.len()).map(|k| range.black[k / area]).collect();
        let constant = range.constant();
        let moved = shifted(input, constant);
        // What the other network does first, done to the ends of its path.
        let absorbed = |values: &[f32]| shifted(values, constant.map(|c| -c));
        let paths = [
            (
                input.clone(),
                black.clone(),
                phrase!("0 to 1, from its zero, black"),
            ),
            (
                absorbed(&moved),
                absorbed(&black),
                phrase!("−1 to 0, from its zero, white"),
            ),
            (
                absorbed(&moved),
                absorbed(&shifted(&black, constant)),
                phrase!("−1 to 0, from black, −1"),
            ),
        ];
        let mut maps: Vec<Vec<f32>> = Vec::new();
        for (x, x0, title) in paths {
            let what = phrase!("The mask with another zero");
            let Some(map) = self.map_of(&x, &x0, &what).await? else {
                return Ok(None);
            };
            self.plate("shift", input, &map, title);
            maps.push(map);
        }
        let likeness = |k: usize| decimal(rank_correlation(&maps[0], &maps[k]), 2);
        say(
            "fragile-shift-note",
            phrase!(
                "From the zero of each, the two masks have a likeness of {zero}; from the same colour, of {colour}. Both networks compute the same; only what is called zero differs. So a baseline is to be chosen for what it shows, not for its number.",
                zero = likeness(1),
                colour = likeness(2),
            ),
        );
        Ok(Some(()))
    }

    /// The photo with noise: how far its map moves, and how far its gradient does.
    async fn add_noise(&self) -> Result<Option<()>, Failure> {
        let (range, explanation) = (&self.range, self.explanation);
        let prepared = &explanation.prepared;
        let baseline = prepared.baseline.as_slice();
        let target = explanation.target;
        let end = Quadrature::points(&[1.0]);
        let gradient_map = |gradient: Vec<f64>| {
            let gradient: Vec<f32> = gradient.into_iter().map(|g| g as f32).collect();
            reduce_absolute(&gradient)
        };
        let ends = [prepared.input.as_slice(), baseline];
        let Some(gradient) = self.path_sum(ends, target, &end).await? else {
            return Ok(None);
        };
        let gradient = gradient_map(gradient);
        let mut farthest = (0.0, 0.0, None);
        for seed in 0..NOISY {
            let noisy = range.on_sphere(&prepared.input, NOISE, seed as u64);
            let what = phrase!("Noise {n} of {all}", n = seed + 1, all = NOISY);
            let Some(map) = self.map_of(&noisy, baseline, &what).await? else {
                return Ok(None);
            };
            let ends = [noisy.as_slice(), baseline];
            let Some(other) = self.path_sum(ends, target, &end).await? else {
                return Ok(None);
            };
            farthest.1 = f64::max(farthest.1, relative_change(&gradient, &gradient_map(other)));
            let change = relative_change(&self.map, &map);
            if farthest.2.is_none() || change > farthest.0 {
                (farthest.0, farthest.2) = (change, Some((noisy, map)));
            }
        }
        self.plate("noise", &prepared.input, &self.map, phrase!("The mask"));
        if let Some((noisy, map)) = &farthest.2 {
            self.plate("noise", noisy, map, phrase!("The one that moved farthest"));
        }
        say(
            "fragile-noise-note",
            phrase!(
                "Max-sensitivity: of {n} photos with noise of {levels} levels of 255, the farthest moved the map by {map}% of its length. The plain gradient moved by {gradient}%.",
                n = NOISY,
                levels = decimal(NOISE, 0),
                map = percent(farthest.0, 0),
                gradient = percent(farthest.1, 0),
            ),
        );
        Ok(Some(()))
    }

    /// The map of an image from a baseline.
    async fn map_of(
        &self,
        input: &[f32],
        baseline: &[f32],
        what: &Phrase,
    ) -> Result<Option<Vec<f32>>, Failure> {
        if !self.job.is_current() {
            return Ok(None);
        }
        self.pool.keep(input, baseline).await?;
        let (ends, target) = ([input, baseline], self.explanation.target);
        let few = self
            .page
            .sum_few(self.job, self.pool, target, ends, SECANTS, what);
        let summed = few.await?;
        Ok(summed.map(|attributions| reduce_absolute(&attributions.values)))
    }

    /// The weighted sum of gradients on a path.
    async fn path_sum(
        &self,
        [input, baseline]: [&[f32]; 2],
        target: Target,
        nodes: &Quadrature,
    ) -> Result<Option<Vec<f64>>, Failure> {
        if !self.job.is_current() {
            return Ok(None);
        }
        self.pool.keep(input, baseline).await?;
        let sum = RefCell::new(vec![0.0f64; input.len()]);
        let take = |partial: PartialSum| {
            let mut sum = sum.borrow_mut();
            let pairs = sum.iter_mut().zip(&partial.gradient_sum);
            pairs.for_each(|(sum, &g)| *sum += f64::from(g));
            Ok(())
        };
        let whole = self.page.gather(self.job, self.pool, target, nodes, take);
        Ok(whole.await?.then(|| sum.into_inner()))
    }

    /// A picture with its mask over it, and what is said beneath.
    fn plate(&self, part: &str, input: &[f32], map: &[f32], title: Phrase) {
        let width = self.explanation.width();
        let mut rgba = self.explanation.spec.preprocessing.rgba(input);
        let mask = Mask::of_map(&soften(map, width));
        lay_over(&mut rgba, &glow(&mask, self.page.latest().palette));
        add_plate(&format!("fragile-{part}"), &rgba, width, title);
    }

    /// What a step adds to the photo, enlarged until it can be seen.
    fn step_plate(&self, part: &str, to: &[f32]) {
        let (rgba, times) = step_picture(&self.range, &self.explanation.prepared.input, to);
        let title = phrase!(
            "what is added, {times} times enlarged",
            times = decimal(times, 0)
        );
        let width = self.explanation.width();
        add_plate(&format!("fragile-{part}"), &rgba, width, title);
    }
}
