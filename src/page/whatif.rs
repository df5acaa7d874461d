//! What if? A part of the photo is covered; the answers follow while one paints, the mask when one
//! stops. And: which regions are enough, and which would change the answer.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::brush::Brush;
use super::covering::{Covering, covered_by};
use super::explanation::Explanation;
use super::paint::tint;
use super::part::{Panel, Part, Picture, part};
use super::titles;
use crate::mask::reduce_absolute;
use crate::model::top_predictions;
use crate::words::{Phrase, name, percent, phrase};

/// Answers that are listed.
const ANSWERS: usize = 4;
/// What is being covered, where it shows no mask: grey, and so much of it.
const COVERED: ([u8; 3], f64) = ([128; 3], 0.25);

/// A photo of which a part is covered.
#[derive(Debug)]
pub struct WhatIf {
    /// What is covered in part.
    pub explanation: Rc<Explanation>,
    brush: Rc<RefCell<Brush>>,
    /// What shows where it is covered.
    other: Vec<f32>,
    /// Every output, as it is covered now.
    outputs: Vec<f32>,
    /// The map of the photo as it is covered now; nothing while someone paints.
    map: Option<Vec<f32>>,
    /// Whether a question is under way, and whether there is something new to ask.
    asking: bool,
    changed: bool,
}

impl WhatIf {
    /// Nothing is covered yet.
    pub fn new(
        explanation: &Rc<Explanation>,
        brush: &Rc<RefCell<Brush>>,
        covering: Covering,
    ) -> Self {
        let mut whatif = Self {
            explanation: Rc::clone(explanation),
            brush: Rc::clone(brush),
            other: Vec::new(),
            outputs: explanation.prepared.logits_input.clone(),
            map: Some(reduce_absolute(&explanation.attributions.values)),
            asking: false,
            changed: false,
        };
        whatif.cover_with(covering);
        whatif
    }

    /// What shows where it is covered, from now on.
    pub fn cover_with(&mut self, covering: Covering) {
        let prepared = &self.explanation.prepared;
        let preprocessing = &self.explanation.spec.preprocessing;
        self.other = covering.picture(&prepared.input, &prepared.baseline, preprocessing);
    }

    /// Regions are covered by the baseline, whose pixels the workers have: just these, of a picture
    /// that is cut like that. What came of it.
    pub fn cover_regions(&mut self, labels: &[u16], covered: &[u16], outputs: Vec<f32>) -> Panel {
        let cells: Vec<bool> = labels.iter().map(|label| covered.contains(label)).collect();
        let mut panel = self
            .brush
            .borrow_mut()
            .fill(self.explanation.width(), &cells);
        self.map = None;
        self.outputs = outputs;
        panel.append(self.panel());
        panel
    }

    /// More is covered, or less.
    pub fn change(&mut self) {
        self.map = None;
        self.changed = true;
    }

    /// The photo as it is covered now, to ask what the network says of it, if that is not known;
    /// one question at a time. Whoever asks says what was [`answered`](Self::answered).
    pub fn ask(&mut self) -> Option<Vec<f32>> {
        let ask = !self.asking && std::mem::take(&mut self.changed);
        self.asking |= ask;
        ask.then(|| self.input())
    }

    /// An answer has come, or there will be none. What is listed then.
    pub fn answered(&mut self, outputs: Option<Vec<f32>>) -> Panel {
        self.asking = false;
        if let Some(outputs) = outputs {
            self.outputs = outputs;
        }
        self.answers()
    }

    /// What the network says of the photo as it is covered now, asked by itself.
    pub fn settled(&mut self, outputs: Vec<f32>) -> Panel {
        self.changed = false;
        self.outputs = outputs;
        self.answers()
    }

    /// The mask of the photo as it is covered now.
    pub fn masked(&mut self, map: Vec<f32>) -> Panel {
        self.map = Some(map);
        self.panel()
    }

    /// The photo as it is covered now.
    pub fn input(&self) -> Vec<f32> {
        let input = &self.explanation.prepared.input;
        covered_by(input, &self.other, self.brush.borrow().cells())
    }

    /// Whether there is an answer that regions can keep or change.
    pub fn decides(&self) -> bool {
        !self.is_alone()
    }

    /// Whether the output is a probability by itself, that no other answer competes with.
    fn is_alone(&self) -> bool {
        let detector = self.explanation.spec.architecture.is_detector();
        detector || self.explanation.prepared.logits_input.len() == 1
    }

    /// Before and after, side by side, and the answers.
    pub fn panel(&self) -> Panel {
        let explanation = &self.explanation;
        let preprocessing = &explanation.spec.preprocessing;
        let width = explanation.width();
        let glow = |photo: Vec<u8>, map: Vec<f32>| Picture::Glow { photo, map, width };
        let photo = preprocessing.rgba(&explanation.prepared.input);
        let before = glow(photo, reduce_absolute(&explanation.attributions.values));
        let mut covered = preprocessing.rgba(&self.input());
        let after = match &self.map {
            Some(map) => glow(covered, map.clone()),
            // What is being covered shows even where the photo is as dark as the baseline.
            None => {
                let (colour, opacity) = COVERED;
                tint(&mut covered, self.brush.borrow().cells(), colour, opacity);
                Picture::Plain {
                    rgba: covered,
                    width,
                }
            }
        };
        let mut panel = Panel::new();
        panel
            .picture("whatif-before", before)
            .picture("whatif-canvas", after)
            .append(self.answers());
        panel
    }

    /// The share of an output, 0..=1: softmax, or sigmoid of one that stands by itself.
    fn share(&self, logits: &[f32], k: usize) -> f64 {
        if self.is_alone() {
            return 1.0 / (1.0 + f64::from(-logits[k]).exp());
        }
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let power = |logit: f32| f64::from(logit - most).exp();
        power(logits[k]) / logits.iter().map(|&logit| power(logit)).sum::<f64>()
    }

    /// Which outputs are listed: the explained one, and the likeliest of before and after, as they
    /// are after.
    fn listed(&self) -> Vec<usize> {
        let mut listed = vec![self.explanation.target.output];
        if !self.is_alone() {
            let ends = [&self.explanation.prepared.logits_input, &self.outputs];
            let likeliest = ends.map(|logits| top_predictions(logits, ANSWERS));
            listed.extend(likeliest.iter().flatten().map(|answer| answer.target));
            let mut seen = BTreeSet::new();
            listed.retain(|&k| seen.insert(k));
            let after = |k: usize| self.share(&self.outputs, k);
            listed[1..].sort_by(|&a, &b| after(b).total_cmp(&after(a)));
            listed.truncate(ANSWERS + 1);
        }
        listed
    }

    /// What the network says, before and after.
    fn answers(&self) -> Panel {
        let (explanation, listed) = (&self.explanation, self.listed());
        let before = &explanation.prepared.logits_input;
        let entry = |&k: &usize| {
            let [was, is] = [self.share(before, k), self.share(&self.outputs, k)];
            let tracks = [("was", was), ("is", is)].map(|(of, share)| track(of, share));
            let change = phrase!("{was}% → {is}%", was = percent(was, 1), is = percent(is, 1));
            let title = Phrase::of(name(explanation.name_of(k)));
            part("li")
                .with([part("span").says(title)])
                .with(tracks)
                .with([part("span").class("share").says(change)])
        };
        let brush = self.brush.borrow();
        let cells = brush.cells();
        let area = cells.iter().filter(|&&cell| cell).count() as f64 / cells.len().max(1) as f64;
        let likeliest = |&a: &usize, &b: &usize| self.outputs[a].total_cmp(&self.outputs[b]);
        let best = listed.iter().copied().max_by(likeliest);
        let other = best.filter(|&best| !self.is_alone() && best != explanation.target.output);
        let note = match other {
            _ if area == 0.0 => phrase!("Nothing is covered yet."),
            Some(other) => phrase!(
                "{area}% are covered. The network now says “{other}”.",
                area = percent(area, 0),
                other = name(explanation.name_of(other)),
            ),
            None => phrase!("{area}% are covered.", area = percent(area, 0)),
        };
        let mut panel = Panel::new();
        panel
            .holds("whatif-answers", listed.iter().map(entry))
            .says("whatif-note", note);
        panel
    }
}

/// A bar that is filled to a share of 0..=1.
pub(super) fn track(of: &str, share: f64) -> Part {
    let fill = part("span")
        .class(of)
        .style("width", format!("{:.1}%", 100.0 * share));
    part("span").class("track").with([fill])
}

/// The strongest answer but one.
pub(super) fn runner_up(outputs: &[f32], answer: usize) -> usize {
    let top = top_predictions(outputs, 2).into_iter().map(|p| p.target);
    top.into_iter().find(|&k| k != answer).unwrap_or(answer)
}

/// What was found: whether some regions `cover` or keep, whether that was `decided`, how many of
/// all, and their share of the picture.
pub(super) fn verdict(
    explanation: &Explanation,
    rival: usize,
    [covers, decided]: [bool; 2],
    [chosen, all]: [usize; 2],
    area: f64,
) -> Phrase {
    let rival = name(explanation.name_of(rival));
    let class = titles::label(explanation);
    let area = percent(area, 0);
    match (covers, decided) {
        (true, true) => phrase!(
            "Covering {n} of {all} regions, {area}% of the picture, gives the answer to “{other}”.",
            n = chosen,
            all = all,
            area = area,
            other = rival,
        ),
        (true, false) => phrase!(
            "Not even with everything covered does “{other}” come before “{class}”: what one sees says more than the baseline alone.",
            other = rival,
            class = class,
        ),
        (false, true) => phrase!(
            "{n} of {all} regions, {area}% of the picture, are enough for “{class}”.",
            n = chosen,
            all = all,
            area = area,
            class = class,
        ),
        (false, false) => phrase!(
            "“{class}” is not the network's first answer, not even with all regions shown.",
            class = class,
        ),
    }
}
