//! A ledger as it is shown: the regions on the photo, their amounts by secants and, once it was
//! made, by experiment, and what someone draws.

use std::cell::RefCell;
use std::rc::Rc;

use super::amounts::{adding_up, printed_change};
use super::brush::Brush;
use super::explanation::Explanation;
use super::guess::marked;
use super::ledger::{Experiment, Ledger, Undrawn};
use super::paint::tint;
use super::part::{Panel, Part, Picture, part};
use super::region_list::{bar, row, signed};
use super::strokes::Stroke;
use crate::mask::{Palette, lay_over};
use crate::regions::{Coalitions, Manner, Partition, patches};
use crate::words::{Phrase, decimal, phrase};

/// Digits of the amounts: those of what the stage says F is.
const DIGITS: i32 = 2;
/// The lines between regions, while someone draws one.
const LINES: [u8; 3] = [255, 255, 255];
/// Numbers on the regions: dark on light where one is chosen, else light on dark.
const INK: [&str; 2] = ["#141218", "#ffffff"];

/// See the [module](self).
#[derive(Debug)]
pub struct OpenLedger {
    /// What the ledger is of.
    pub explanation: Rc<Explanation>,
    ledger: Ledger,
    brush: Rc<RefCell<Brush>>,
    /// Whether a region is being drawn.
    drawing: bool,
}

impl OpenLedger {
    /// Of an explanation and its attributions, which add up.
    pub fn new(
        explanation: &Rc<Explanation>,
        attributions: Vec<f32>,
        brush: &Rc<RefCell<Brush>>,
    ) -> Self {
        let preprocessing = &explanation.spec.preprocessing;
        let rgba = preprocessing.rgba(&explanation.prepared.input);
        Self {
            ledger: Ledger::of(&rgba, explanation.width(), attributions),
            explanation: Rc::clone(explanation),
            brush: Rc::clone(brush),
            drawing: false,
        }
    }

    /// Which region each pixel belongs to.
    pub fn partition(&self) -> &Partition {
        self.ledger.partition()
    }

    /// What an experiment with some regions found.
    pub fn note(&mut self, of: &Partition, experiment: Experiment) {
        self.ledger.note(of, experiment);
    }

    /// Does what the button of that id says, and shows what came of it: for `ledger-draw`, an empty
    /// drawing over the regions, or none.
    pub fn press(&mut self, id: &str) -> Panel {
        match id {
            "ledger-merge" => {
                self.ledger.merge();
                Panel::new()
            }
            "ledger-anew" => {
                self.ledger.cut_anew();
                Panel::new()
            }
            "ledger-draw" => self.draw(!self.drawing),
            "ledger-keep" => self.keep(),
            _ => self.draw(false),
        }
    }

    /// Chooses a region, or lets it go.
    pub fn choose(&mut self, region: usize) {
        self.ledger.choose(region);
    }

    /// Chooses the region at a place on the picture, as shares of its sides, or lets it go.
    pub fn choose_at(&mut self, place: [f64; 2]) {
        let partition = self.ledger.partition();
        let sides = [partition.width(), partition.height()];
        let pixel = [0, 1].map(|k| (place[k] * sides[k] as f64).max(0.0) as usize);
        if let Some(region) = partition.at(pixel) {
            self.ledger.choose(region);
        }
    }

    fn draw(&mut self, drawing: bool) -> Panel {
        self.drawing = drawing;
        let mut panel = self
            .brush
            .borrow_mut()
            .reset(self.ledger.partition().width());
        panel.says("ledger-drawn", Phrase::nothing());
        panel
    }

    /// What was painted becomes a region.
    fn keep(&mut self) -> Panel {
        let drawn = self.ledger.draw(self.brush.borrow().cells());
        let refused = match drawn {
            Ok(()) => return self.draw(false),
            Err(Undrawn::Nothing) => phrase!("Nothing is painted yet: paint the region first."),
            Err(Undrawn::Full) => phrase!(
                "More than {n} regions would be too many combinations: merge two first. What you painted stays.",
                n = Ledger::MOST,
            ),
        };
        let mut panel = Panel::new();
        panel.says("ledger-drawn", refused);
        panel
    }

    /// Where whoever pressed one of the buttons goes on.
    pub fn focus(&self, id: &str) -> Option<String> {
        match (id, self.drawing) {
            ("ledger-draw" | "ledger-keep" | "ledger-leave", false) => Some("ledger-draw".into()),
            ("ledger-draw", true) => Some(self.brush.borrow().canvas()),
            _ => None,
        }
    }

    /// The regions on the photo, or what is drawn there, and the ledger beside it.
    pub fn panel(&self, palette: Palette) -> Panel {
        let (explanation, ledger) = (&self.explanation, &self.ledger);
        let partition = ledger.partition();
        let change = printed_change(explanation.ends, DIGITS);
        let amounts = adding_up(ledger.sums(), change, DIGITS);
        let found = ledger.experiment();
        let found = found.map(|found| adding_up(&found.values, change, DIGITS));
        let rows = ledger.order().into_iter().enumerate();
        let rows = rows.map(|(rank, region)| {
            let found = found.as_ref().map(|values| values[region]);
            part("li").with([self.entry(rank + 1, region, amounts[region], found, palette)])
        });
        let sum = phrase!(
            "Together: {sum}. F(x) − F(x′) = {photo} − {baseline} = {change}.",
            sum = decimal(amounts.iter().sum(), 2),
            photo = decimal(f64::from(explanation.ends[1]), 2),
            baseline = decimal(f64::from(explanation.ends[0]), 2),
            change = decimal(change, 2),
        );
        let combinations = 1usize << partition.count().min(Coalitions::MOST_PLAYERS);
        let experiment = phrase!("Try all {n} combinations", n = combinations);
        let mut panel = Panel::new();
        panel
            // Who paints does so on a square.
            .show("ledger-draw", partition.width() == partition.height())
            .show("ledger-canvas", !self.drawing)
            .show("ledger-drawing", self.drawing)
            .press("ledger-draw", self.drawing)
            .picture("ledger-canvas", self.numbered(palette))
            .holds("ledger-list", rows)
            .class("ledger-list", "with-experiment", found.is_some())
            .show("ledger-columns", found.is_some())
            .says("ledger-sum", sum)
            .says("ledger-experiment", experiment)
            .rest("ledger-merge", ledger.chosen().len() != 2)
            .append(self.drawn())
            .append(self.found(found.as_deref()));
        panel
    }

    /// The photo with the lines between its regions, and what is painted on it, while someone
    /// draws.
    pub fn drawn(&self) -> Panel {
        let mut panel = Panel::new();
        if self.drawing {
            let mut rgba = self.photo();
            tint(&mut rgba, &self.ledger.partition().lines(), LINES, 0.8);
            let brush = self.brush.borrow();
            let picture = Picture::Plain {
                rgba: marked(&rgba, brush.cells()),
                width: self.explanation.width(),
            };
            panel.picture(brush.canvas(), picture);
        }
        panel
    }

    fn photo(&self) -> Vec<u8> {
        let preprocessing = &self.explanation.spec.preprocessing;
        preprocessing.rgba(&self.explanation.prepared.input)
    }

    /// A row of the ledger: a region's amount by secants and, if it is known, by experiment.
    fn entry(
        &self,
        number: usize,
        region: usize,
        amount: f64,
        found: Option<f64>,
        palette: Palette,
    ) -> Part {
        let most = self.ledger.largest();
        let chosen = self.ledger.chosen().contains(&region);
        let entry = row(number, amount, most, palette)
            .set("data-entry", region)
            .pressed(chosen);
        let Some(other) = found else {
            let words = phrase!(
                "Region {number}: {amount} by secants",
                number = number,
                amount = signed(amount),
            );
            return entry.spoken("aria-label", words);
        };
        let words = phrase!(
            "Region {number}: {amount} by secants, {other} by experiment",
            number = number,
            amount = signed(amount),
            other = signed(other),
        );
        // A row that the two agree on has nothing to say.
        let (class, mark) = match self.ledger.is_apart(region) {
            true => ("apart", "≠"),
            false => ("", ""),
        };
        let printed = part("span").class("amount").says(Phrase::of(signed(other)));
        entry
            .class(class)
            .set("data-mark", mark)
            .spoken("aria-label", words)
            .with([bar(other, most, palette), printed])
    }

    /// Where the two disagree, and which pairs count only together, or for one another.
    fn found(&self, found: Option<&[f64]>) -> Panel {
        let mut panel = Panel::new();
        let Some(values) = found else {
            panel
                .holds("ledger-pairs", [])
                .says("ledger-note", Phrase::nothing());
            return panel;
        };
        let order = self.ledger.order().into_iter().enumerate();
        let apart = order.filter(|&(_, region)| self.ledger.is_apart(region));
        let apart: Vec<String> = apart.map(|(rank, _)| (rank + 1).to_string()).collect();
        let sum = decimal(values.iter().sum(), 2);
        let note = if apart.is_empty() {
            phrase!(
                "By experiment the regions come to {sum} together, too, and no amount is far from that by secants.",
                sum = sum,
            )
        } else {
            phrase!(
                "By experiment the regions come to {sum} together, too, but the two disagree on {regions}: what a region is worth depends on which others are there. Pixels interact, and there is more than one fair way to share out what they do together.",
                sum = sum,
                regions = apart.join(", "),
            )
        };
        let pairs = self.ledger.pairs().into_iter().map(|pair| {
            let [a, b] = pair.pair;
            let value = decimal(pair.value.abs(), 2);
            part("li").says(match pair.value > 0.0 {
                true => phrase!(
                    "{a} and {b} count together: {value} more than each without the other.",
                    a = a,
                    b = b,
                    value = value,
                ),
                false => phrase!(
                    "{a} and {b} say the same: together {value} less than each by itself.",
                    a = a,
                    b = b,
                    value = value,
                ),
            })
        });
        panel.says("ledger-note", note).holds("ledger-pairs", pairs);
        panel
    }

    /// The photo, its regions over it, and their numbers.
    fn numbered(&self, palette: Palette) -> Picture {
        let ledger = &self.ledger;
        let partition = ledger.partition();
        let manner = Manner {
            palette,
            full_scale: ledger.largest(),
            pointed: None,
        };
        let (patches, width) = patches(partition, ledger.sums(), manner);
        // Enlarged, so that lines and numbers are sharp.
        let small = partition.width().max(1);
        let finer = width / small;
        let at = |k: usize| (k / width / finer) * small + k % width / finer;
        let photo = self.photo();
        let pixels = (0..patches.len() / 4).flat_map(|k| photo[4 * at(k)..][..4].to_vec());
        let mut rgba: Vec<u8> = pixels.collect();
        lay_over(&mut rgba, &patches);
        let size = width as f64 / 26.0;
        let centres = partition.centres();
        let numbers = ledger
            .order()
            .into_iter()
            .enumerate()
            .map(|(rank, region)| {
                let centre = centres[region].map(|v| (v as f64 + 0.5) * finer as f64);
                let [dark, light] = INK;
                let colours = match ledger.chosen().contains(&region) {
                    true => [light, dark],
                    false => [dark, light],
                };
                Stroke::Number(centre, size, rank + 1, colours)
            });
        Picture::Drawn {
            rgba,
            width,
            strokes: numbers.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::study::tests::explanation;
    use super::*;

    fn opened() -> (OpenLedger, Rc<RefCell<Brush>>) {
        let brush = Rc::new(RefCell::new(Brush::new("ledger-draw")));
        let explanation = Rc::new(explanation());
        let values = explanation.attributions.values.clone();
        (OpenLedger::new(&explanation, values, &brush), brush)
    }

    fn panel(open: &OpenLedger) -> Panel {
        open.panel(Palette::default())
    }

    #[test]
    fn a_region_is_drawn_chosen_and_merged_and_the_sum_stays() {
        let (mut open, brush) = opened();
        let before = panel(&open);
        let sum = before.said("ledger-sum");
        let rows = before.held("ledger-list").unwrap().len();
        assert_eq!(before.shows("ledger-drawing"), Some(false));
        let drawing = open.press("ledger-draw");
        assert_eq!(drawing.said("ledger-drawn").as_deref(), Some(""));
        assert_eq!(
            open.focus("ledger-draw").as_deref(),
            Some("ledger-draw-canvas")
        );
        assert_eq!(panel(&open).shows("ledger-drawing"), Some(true));
        // Nothing is painted.
        let refused = open.press("ledger-keep").said("ledger-drawn").unwrap();
        assert!(refused.starts_with("Nothing is painted yet"), "{refused}");
        assert_eq!(open.focus("ledger-keep"), None, "it goes on");
        brush.borrow_mut().press([0.5; 2], 30.0);
        open.press("ledger-keep");
        assert_eq!(open.focus("ledger-keep").as_deref(), Some("ledger-draw"));
        let drawn = panel(&open);
        assert_eq!(drawn.said("ledger-sum"), sum);
        let held = drawn.held("ledger-list").unwrap();
        assert_eq!(held.len(), rows + 1);
        let pressed = |held: &[Part]| {
            let pressed = held
                .iter()
                .filter(|li| li.parts[0].attribute("aria-pressed") == Some("true"));
            pressed.count()
        };
        assert_eq!(pressed(&held), 1, "what was drawn is chosen");
        assert_eq!(
            drawn.attribute("ledger-merge", "aria-disabled").as_deref(),
            Some("true")
        );
        open.choose_at([0.02, 0.02]);
        assert_eq!(
            panel(&open)
                .attribute("ledger-merge", "aria-disabled")
                .as_deref(),
            Some("false")
        );
        open.press("ledger-merge");
        assert_eq!(panel(&open).held("ledger-list").unwrap().len(), rows);
        assert_eq!(panel(&open).said("ledger-sum"), sum);
    }

    #[test]
    fn where_an_experiment_disagrees_is_marked_and_said() {
        let (mut open, _) = opened();
        let of = open.partition().clone();
        let mut values = open.ledger.sums().to_vec();
        let largest = open.ledger.largest();
        let first = open.ledger.order()[0];
        values[first] += largest;
        open.note(
            &of,
            Experiment {
                values,
                pairs: Vec::new(),
            },
        );
        let panel = panel(&open);
        assert_eq!(panel.shows("ledger-columns"), Some(true));
        let entry = &panel.held("ledger-list").unwrap()[0].parts[0];
        assert_eq!(entry.attribute("data-mark"), Some("≠"));
        let note = panel.said("ledger-note").unwrap();
        assert!(note.contains("the two disagree on 1:"), "{note}");
    }
}
