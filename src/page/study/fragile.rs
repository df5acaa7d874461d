//! Fragile: a step that turns the answer, steps that move the mask, another zero, and noise.

use std::rc::Rc;

use super::{Desk, Studied, Study};
use crate::attribution::{
    Bisection, PixelRange, Pull, Quadrature, Rule, rank_correlation, relative_change, shifted,
};
use crate::mask::reduce_absolute;
use crate::page::fragile::{Answer, pixel_range, step_picture, weakest_quarter};
use crate::page::titles;
use crate::page::{Explanation, Panel, Picture, plated};
use crate::words::{Phrase, Value, decimal, percent, phrase};

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
struct Shaken<'a, D> {
    study: &'a Study<D>,
    explanation: &'a Explanation,
    range: PixelRange,
    answer: Answer,
    /// The photo's map, by as many secants as the others.
    map: Vec<f32>,
}

/// All four parts of the chapter, one after the other; what is said at the end.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn shake<D: Desk>(study: &Study<D>, explanation: &Rc<Explanation>) -> Studied<Phrase> {
    let mut cleared = Panel::new();
    for part in ["turn", "move", "shift", "noise"] {
        cleared
            .holds(format!("fragile-{part}"), [])
            .says(format!("fragile-{part}-note"), Phrase::nothing());
    }
    study.desk.put(&cleared);
    study.desk.open("fragile", explanation);
    let spec = &explanation.spec;
    let independent = spec.independent || spec.architecture.is_detector();
    let logits = &explanation.prepared.logits_input;
    let mut shaken = Shaken {
        study,
        explanation,
        range: pixel_range(&spec.preprocessing),
        answer: Answer::of(logits, independent, explanation.target.output),
        map: Vec::new(),
    };
    let what = phrase!("The mask of the photo");
    shaken.map = shaken.map_of(shaken.ends(), &what).await?;
    shaken.turn_answer().await?;
    shaken.move_mask().await?;
    shaken.shift_zero().await?;
    shaken.add_noise().await?;
    Ok(phrase!(
        "Done: what moves answer and mask is below the photo."
    ))
}

impl<'a, D: Desk> Shaken<'a, D> {
    /// The photo and its baseline.
    fn ends(&self) -> [&'a [f32]; 2] {
        let prepared = &self.explanation.prepared;
        [&prepared.input, &prepared.baseline]
    }

    /// The smallest step along the sign of one gradient that turns the answer, and the mask there.
    async fn turn_answer(&self) -> Studied {
        let (range, answer, explanation) = (&self.range, self.answer, self.explanation);
        let ends @ [input, baseline] = self.ends();
        let end = Quadrature::points(&[1.0]);
        let uphill = self.path_sum(ends, answer.lead(), &end).await?;
        let downhill: Vec<f32> = uphill.iter().map(|&g| -g as f32).collect();
        let holds = answer.holds(&explanation.prepared.logits_input);
        let mut search = Bisection::new();
        let mut found = None;
        while let Some(levels) = search.next().filter(|_| holds) {
            self.study.desk.wait(phrase!(
                "Trying a step of {levels} levels",
                levels = decimal(levels, 2)
            ));
            let there = range.step(input, &downhill, levels);
            let logits = self.study.look(&there).await?;
            let turned = !answer.holds(&logits);
            search.take(levels, turned);
            if turned {
                found = Some((there, logits));
            }
        }
        let from = titles::output_name(explanation, answer.output);
        let quoted = phrase!("“{class}”", class = from.clone());
        self.plate("turn", input, &self.map, quoted);
        let (Some(levels), Some((there, logits))) = (search.smallest(), found) else {
            self.note(
                "turn",
                phrase!(
                    "No step of up to {levels} levels of 255 along this sign turns “{class}”.",
                    levels = decimal(Bisection::MOST, 0),
                    class = from,
                ),
            );
            return Ok(());
        };
        self.step_plate("turn", &there);
        let what = phrase!("The mask after the step");
        let map = self.map_of([&there, baseline], &what).await?;
        let now = match answer.rival {
            Some(_) => {
                let turned = Answer::of(&logits, false, answer.output);
                let class = titles::output_name(explanation, turned.output);
                phrase!("“{class}”", class = class)
            }
            None => phrase!("less than 50% “{class}”", class = from.clone()),
        };
        self.plate("turn", &there, &map, now.clone());
        let turned = phrase!(
            "A step of {levels} levels of 255, {size}, turns “{from}” into {now}.",
            levels = Value::Power(levels),
            size = how_small(levels),
            from = from,
            now = now,
        );
        let likeness = rank_correlation(&self.map, &map);
        self.note(
            "turn",
            followed(turned, titles::label(explanation), likeness),
        );
        Ok(())
    }

    /// Steps towards a mask that lies in another quarter, as long as the answer stays.
    async fn move_mask(&self) -> Studied {
        let (range, answer, explanation) = (&self.range, self.answer, self.explanation);
        let [start, baseline] = self.ends();
        let (inside, quarter) = weakest_quarter(&self.map, explanation.width());
        let mut input = start.to_vec();
        self.study.desk.start_clock();
        for round in 0..ROUNDS {
            let sentence = phrase!(
                "Moving the mask: step {n} of {all}",
                n = round + 1,
                all = ROUNDS
            );
            self.study.desk.progress(round, ROUNDS, sentence);
            let way = self.way_into(&inside, [&input, baseline]).await?;
            let next = range.near(&range.step(&input, &way, STEP), start, FARTHEST);
            let logits = self.study.look(&next).await?;
            if !answer.holds(&logits) {
                break;
            }
            input = next;
        }
        let class = titles::output_name(explanation, answer.output);
        let farthest = range.distance(start, &input);
        if farthest == 0.0 {
            self.note(
                "move",
                phrase!(
                    "Every step that was tried here turns “{class}”, whose lead is too small: no mask to compare with.",
                    class = class,
                ),
            );
            return Ok(());
        }
        let what = phrase!("The mask after the steps");
        let map = self.map_of([&input, baseline], &what).await?;
        let class = phrase!("“{class}”", class = class);
        self.plate("move", start, &self.map, class.clone());
        self.step_plate("move", &input);
        self.plate("move", &input, &map, class.clone());
        self.note(
            "move",
            phrase!(
                "No value has moved by more than {levels} levels of 255, and the answer is {class} as before. The share of the mask in the {quarter} quarter went from {before}% to {after}% (likeness {likeness}): a mask can be moved by whoever can change a photo a little.",
                levels = decimal(farthest, 0),
                class = class,
                quarter = named_quarter(quarter),
                before = percent(share_inside(&self.map, &inside), 0),
                after = percent(share_inside(&map, &inside), 0),
                likeness = decimal(rank_correlation(&self.map, &map), 2),
            ),
        );
        Ok(())
    }

    /// The direction in which the mask of a path gathers on some pixels the fastest.
    async fn way_into(&self, inside: &[bool], ends: [&[f32]; 2]) -> Studied<Vec<f32>> {
        let target = self.explanation.target;
        let nodes = Rule::Midpoint.quadrature(POINTS)?;
        let on = self.path_sum(ends, target, &nodes).await?;
        let [input, baseline] = ends;
        let pairs = input.iter().zip(baseline).zip(&on);
        let map: Vec<f32> = pairs
            .map(|((x, x0), g)| (f64::from(x - x0) * g) as f32)
            .collect();
        let pull = Pull::new(&map, inside, ends, &self.range, BESIDE);
        let mut beside = [Vec::new(), Vec::new()];
        for (sum, ahead) in beside.iter_mut().zip([true, false]) {
            let ends = ends.map(|end| pull.beside(end, ahead));
            let ends = ends.each_ref().map(Vec::as_slice);
            *sum = self.path_sum(ends, target, &Pull::nodes(&nodes)).await?;
        }
        Ok(pull.gradient(&on, &beside[0], &beside[1]))
    }

    /// The same network with other numbers for the same colours, from the same numbers and from the
    /// same colour.
    async fn shift_zero(&self) -> Studied {
        let [input, _] = self.ends();
        let area = input.len() / 3;
        let black = (0..input.len()).map(|k| self.range.black[k / area]);
        let black: Vec<f32> = black.collect();
        let constant = self.range.constant();
        let moved = shifted(input, constant);
        // What the other network does first, done to the ends of its path.
        let absorbed = |values: &[f32]| shifted(values, constant.map(|c| -c));
        let paths = [
            (
                [input.to_vec(), black.clone()],
                phrase!("0 to 1, from its zero, black"),
            ),
            (
                [absorbed(&moved), absorbed(&black)],
                phrase!("−1 to 0, from its zero, white"),
            ),
            (
                [absorbed(&moved), absorbed(&shifted(&black, constant))],
                phrase!("−1 to 0, from black, −1"),
            ),
        ];
        let mut maps: Vec<Vec<f32>> = Vec::new();
        for (ends, title) in paths {
            let what = phrase!("The mask with another zero");
            let ends = ends.each_ref().map(Vec::as_slice);
            let map = self.map_of(ends, &what).await?;
            self.plate("shift", input, &map, title);
            maps.push(map);
        }
        let likeness = |k: usize| decimal(rank_correlation(&maps[0], &maps[k]), 2);
        self.note(
            "shift",
            phrase!(
                "From the zero of each, the two masks have a likeness of {zero}; from the same colour, of {colour}. Both networks compute the same; only what is called zero differs. So a baseline is to be chosen for what it shows, not for its number.",
                zero = likeness(1),
                colour = likeness(2),
            ),
        );
        Ok(())
    }

    /// The photo with noise: how far its map moves, and how far its gradient does.
    async fn add_noise(&self) -> Studied {
        let [input, baseline] = self.ends();
        let gradient = self.gradient_map([input, baseline]).await?;
        let (mut farthest, mut gradient_moved) = (None, 0.0f64);
        for seed in 0..NOISY {
            let noisy = self.range.on_sphere(input, NOISE, seed as u64);
            let what = phrase!("Noise {n} of {all}", n = seed + 1, all = NOISY);
            let map = self.map_of([&noisy, baseline], &what).await?;
            let other = self.gradient_map([&noisy, baseline]).await?;
            gradient_moved = gradient_moved.max(relative_change(&gradient, &other));
            let change = relative_change(&self.map, &map);
            if farthest.as_ref().is_none_or(|(most, _, _)| change > *most) {
                farthest = Some((change, noisy, map));
            }
        }
        self.plate("noise", input, &self.map, phrase!("The mask"));
        if let Some((change, noisy, map)) = farthest {
            let title = phrase!("The one that moved farthest");
            self.plate("noise", &noisy, &map, title);
            self.note(
                "noise",
                phrase!(
                    "Max-sensitivity: of {n} photos with noise of {levels} levels of 255, the farthest moved the map by {map}% of its length. The plain gradient moved by {gradient}%.",
                    n = NOISY,
                    levels = decimal(NOISE, 0),
                    map = percent(change, 0),
                    gradient = percent(gradient_moved, 0),
                ),
            );
        }
        Ok(())
    }

    /// The map of a path.
    async fn map_of(&self, ends: [&[f32]; 2], what: &Phrase) -> Studied<Vec<f32>> {
        let target = self.explanation.target;
        let few = self.study.attributions(target, ends, SECANTS, what);
        Ok(reduce_absolute(&few.await?.values))
    }

    /// The map of the gradient at the end of a path.
    async fn gradient_map(&self, ends: [&[f32]; 2]) -> Studied<Vec<f32>> {
        let end = Quadrature::points(&[1.0]);
        let gradient = self.path_sum(ends, self.explanation.target, &end).await?;
        let gradient: Vec<f32> = gradient.into_iter().map(|g| g as f32).collect();
        Ok(reduce_absolute(&gradient))
    }

    /// The weighted sum of gradients on a path.
    async fn path_sum(
        &self,
        ends: [&[f32]; 2],
        target: crate::model::Target,
        nodes: &Quadrature,
    ) -> Studied<Vec<f64>> {
        self.study.keep(ends).await?;
        self.study.sum(target, nodes, |_| ()).await
    }

    /// A picture with its mask over it, and what is said beneath.
    fn plate(&self, part: &str, input: &[f32], map: &[f32], title: Phrase) {
        let picture = Picture::Glow {
            photo: self.explanation.spec.preprocessing.rgba(input),
            map: map.to_vec(),
            width: self.explanation.width(),
        };
        self.add(part, picture, title);
    }

    /// What a step adds to the photo, enlarged until it can be seen.
    fn step_plate(&self, part: &str, to: &[f32]) {
        let (rgba, times) = step_picture(&self.range, self.ends()[0], to);
        let title = phrase!(
            "what is added, {times} times enlarged",
            times = decimal(times, 0)
        );
        let width = self.explanation.width();
        self.add(part, Picture::Plain { rgba, width }, title);
    }

    fn add(&self, part: &str, picture: Picture, title: Phrase) {
        let mut panel = Panel::new();
        let plate = plated(picture, title);
        self.study
            .desk
            .put(panel.adds(format!("fragile-{part}"), plate));
    }

    fn note(&self, part: &str, note: Phrase) {
        let mut panel = Panel::new();
        self.study
            .desk
            .put(panel.says(format!("fragile-{part}-note"), note));
    }
}

/// How many levels look like.
fn how_small(levels: f64) -> Phrase {
    match levels {
        ..1.0 => phrase!("less than a picture file can hold"),
        ..4.0 => phrase!("too little to see"),
        _ => phrase!("a grain that one hardly sees"),
    }
}

/// Whether the mask has gone with an answer that was turned.
fn followed(turned: Phrase, class: Phrase, likeness: f64) -> Phrase {
    let shown = decimal(likeness, 2);
    if likeness >= ALIKE {
        phrase!(
            "{turned} The mask of “{class}” has hardly moved (likeness {likeness}; 1 would be the same order of pixels): it does not tell how near an answer is to turning.",
            turned = turned,
            class = class,
            likeness = shown,
        )
    } else {
        phrase!(
            "{turned} The mask of “{class}” has moved with it (likeness {likeness}; 1 would be the same order of pixels).",
            turned = turned,
            class = class,
            likeness = shown,
        )
    }
}

/// A quarter of a picture, from the upper left row by row.
fn named_quarter(quarter: usize) -> Phrase {
    match quarter {
        0 => phrase!("upper left"),
        1 => phrase!("upper right"),
        2 => phrase!("lower left"),
        _ => phrase!("lower right"),
    }
}

/// The share of a map on some pixels.
fn share_inside(map: &[f32], inside: &[bool]) -> f64 {
    let all: f64 = map.iter().map(|&v| f64::from(v)).sum();
    let within = map.iter().zip(inside).filter(|(_, inside)| **inside);
    within.map(|(&v, _)| f64::from(v)).sum::<f64>() / all.max(f64::MIN_POSITIVE)
}
