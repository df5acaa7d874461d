//! The guided tour: what it points at, one thing after the other, and how it notices that something
//! was done.

use super::part::Panel;
use super::settings::View;
use crate::attribution::Baseline;
use crate::words::phrase;

/// What the tour can see of the page.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Whether there is a photo.
    pub photo: bool,
    /// Whether its mask is finished.
    pub mask: bool,
    /// The output that is explained.
    pub output: Option<usize>,
    /// What is drawn.
    pub view: View,
    /// Where the path starts.
    pub baseline: Baseline,
    /// Whether the note about the sum is open.
    pub about_sum: bool,
    /// Which chapters are open.
    pub chapters: Vec<&'static str>,
    /// How often the link was copied.
    pub copied: usize,
}

/// A step of the tour. What it says stands in index.html, under its name.
pub struct Step {
    /// Its name: in index.html, and where the browser keeps how far someone has come.
    pub name: &'static str,
    /// What it points at: the first element that this selector finds.
    pub anchor: &'static str,
    /// Whether it was done, given what was to be seen when it began and what is now.
    pub done: fn(&Facts, &Facts) -> bool,
}

/// Every step, in order.
pub const STEPS: [Step; 8] = [
    Step {
        name: "photo",
        anchor: ".samples",
        done: |_, now| now.photo,
    },
    Step {
        name: "mask",
        anchor: ".dock",
        done: |_, now| now.mask,
    },
    Step {
        name: "view",
        anchor: "#views",
        done: |before, now| now.view != before.view,
    },
    Step {
        name: "answer",
        anchor: "#predictions",
        done: |before, now| now.mask && now.output != before.output,
    },
    Step {
        name: "sum",
        anchor: ".completeness",
        done: |_, now| now.about_sum,
    },
    Step {
        name: "baseline",
        anchor: "#how",
        done: |before, now| now.mask && now.baseline != before.baseline,
    },
    Step {
        name: "chapter",
        anchor: ".chapters",
        done: |before, now| {
            now.chapters
                .iter()
                .any(|name| !before.chapters.contains(name))
        },
    },
    Step {
        name: "link",
        anchor: "#copy-link",
        done: |before, now| now.copied > before.copied,
    },
];

/// A tour that someone is on.
#[derive(Debug, Clone, PartialEq)]
pub struct Tour {
    at: usize,
    before: Facts,
    /// Whether what the step asks for was done before it began: then it waits to be read.
    already: bool,
}

impl Tour {
    /// From the step of that name on, as far as the page shows what it points at; from the first
    /// one, if there is no such step. Nothing, if nothing is left to point at.
    pub fn begin(name: Option<&str>, facts: &Facts, there: impl Fn(&Step) -> bool) -> Option<Self> {
        let named = name.and_then(|name| STEPS.iter().position(|step| step.name == name));
        let at = (named.unwrap_or(0)..STEPS.len()).find(|&at| there(&STEPS[at]))?;
        Some(Self::at(at, facts))
    }

    fn at(at: usize, facts: &Facts) -> Self {
        Self {
            at,
            before: facts.clone(),
            already: (STEPS[at].done)(facts, facts),
        }
    }

    /// Where it is.
    pub fn step(&self) -> &'static Step {
        &STEPS[self.at]
    }

    /// Its number, from 1.
    pub fn number(&self) -> usize {
        self.at + 1
    }

    /// A step that began before there was a mask, as where someone comes back, begins with the
    /// first one: nobody has chosen what it shows. And what had been done before a step can be
    /// undone, and done again.
    pub fn settle(&mut self, facts: &Facts) {
        if facts.mask && !self.before.mask {
            self.before = facts.clone();
        }
        self.already &= (self.step().done)(&self.before, facts);
    }

    /// Whether what the step asks for had been done before it began, and still is.
    pub fn was_done(&self) -> bool {
        self.already
    }

    /// Whether the step was done since it began.
    pub fn is_done(&self, facts: &Facts) -> bool {
        !self.already && (self.step().done)(&self.before, facts)
    }

    /// What the step says, after another one that was `done`, and where one can go from there.
    pub fn panel(&self, done: bool, facts: &Facts, there: impl Fn(&Step) -> bool) -> Panel {
        let mut panel = Panel::new();
        for step in &STEPS {
            let says = format!("tour-step-{}", step.name);
            panel.show(says, step.name == self.step().name);
        }
        panel
            .show("tour-done", done || self.was_done())
            .says(
                "tour-done",
                match self.was_done() {
                    true => phrase!("This is done already. Go on when you have read it:"),
                    false => phrase!("Done. And now:"),
                },
            )
            .says(
                "tour-count",
                phrase!("{n} of {all}", n = self.number(), all = STEPS.len()),
            )
            .rest("tour-back", self.back(facts, &there).is_none())
            .says(
                "tour-next",
                match self.next(facts, &there) {
                    Some(_) => phrase!("Next"),
                    None => phrase!("Finish"),
                },
            );
        panel
    }

    /// The next step that the page can show; nothing, after the last.
    pub fn next(&self, facts: &Facts, there: impl Fn(&Step) -> bool) -> Option<Self> {
        let name = STEPS.get(self.at + 1)?.name;
        Self::begin(Some(name), facts, there)
    }

    /// The step before that the page can show.
    pub fn back(&self, facts: &Facts, there: impl Fn(&Step) -> bool) -> Option<Self> {
        let at = (0..self.at).rev().find(|&at| there(&STEPS[at]))?;
        Some(Self::at(at, facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything(_: &Step) -> bool {
        true
    }

    #[test]
    fn whoever_does_what_is_asked_comes_to_the_end() {
        let mut now = Facts::default();
        let mut tour = Tour::begin(None, &now, everything).expect("a first step");
        loop {
            assert!(!tour.is_done(&now), "{}", tour.step().name);
            match tour.step().name {
                "photo" => now.photo = true,
                "mask" => (now.mask, now.output) = (true, Some(281)),
                "view" => now.view = View::Regions,
                "answer" => now.output = Some(282),
                "sum" => now.about_sum = true,
                "baseline" => now.baseline = Baseline::White,
                "chapter" => now.chapters.push("walk"),
                "link" => now.copied += 1,
                other => panic!("{other} is new"),
            }
            assert!(tour.is_done(&now), "{}", tour.step().name);
            match tour.next(&now, everything) {
                Some(next) => tour = next,
                None => break,
            }
        }
        assert_eq!(tour.number(), STEPS.len());
        let last = tour.panel(true, &now, everything);
        assert_eq!(last.said("tour-next").as_deref(), Some("Finish"));
        assert_eq!(last.said("tour-done").as_deref(), Some("Done. And now:"));
        let shown = STEPS.map(|step| last.shows(&format!("tour-step-{}", step.name)).unwrap());
        assert_eq!(shown.iter().filter(|&&shown| shown).count(), 1);
        assert!(shown[STEPS.len() - 1]);
    }

    #[test]
    fn what_was_so_before_a_step_is_not_taken_for_doing_it() {
        let before = Facts {
            photo: true,
            mask: true,
            output: Some(1),
            view: View::Regions,
            chapters: vec!["walk"],
            copied: 3,
            ..Facts::default()
        };
        for name in ["view", "answer", "baseline", "chapter", "link"] {
            let tour = Tour::begin(Some(name), &before, everything).expect("the step");
            assert!(!tour.is_done(&before), "{name}");
        }
        // Another baseline is not yet another mask.
        let tour = Tour::begin(Some("baseline"), &before, everything).expect("the step");
        let at_work = Facts {
            mask: false,
            baseline: Baseline::White,
            ..before
        };
        assert!(!tour.is_done(&at_work));
    }

    #[test]
    fn a_tour_that_begins_beside_a_finished_mask_begins_with_its_first_step() {
        // What happened: it said “Done. And now:” of what nobody had been asked for.
        let mut now = Facts {
            photo: true,
            mask: true,
            ..Facts::default()
        };
        let mut tour = Tour::begin(None, &now, everything).expect("a first step");
        tour.settle(&now);
        assert_eq!(tour.number(), 1);
        assert!(tour.was_done() && !tour.is_done(&now));
        let panel = tour.panel(false, &now, everything);
        assert_eq!(panel.shows("tour-done"), Some(true));
        assert!(
            panel
                .said("tour-done")
                .unwrap()
                .starts_with("This is done already")
        );
        assert_eq!(
            panel.attribute("tour-back", "aria-disabled").as_deref(),
            Some("true")
        );
        let mut second = tour.next(&now, everything).expect("the mask");
        assert!(second.was_done() && !second.is_done(&now));
        // Another photo: its mask is to be waited for.
        now.mask = false;
        second.settle(&now);
        assert!(!second.was_done());
        now.mask = true;
        second.settle(&now);
        assert!(second.is_done(&now));
        let third = second.next(&now, everything).expect("the view");
        assert!(!third.was_done());
        assert!(third.back(&now, everything).expect("the mask").was_done());
    }

    #[test]
    fn the_first_mask_after_coming_back_is_nobodys_choice() {
        let mut now = Facts::default();
        let mut tour = Tour::begin(Some("answer"), &now, everything).expect("the step");
        (now.photo, now.mask, now.output) = (true, true, Some(281));
        tour.settle(&now);
        assert!(!tour.is_done(&now));
        now.output = Some(282);
        tour.settle(&now);
        assert!(tour.is_done(&now));
    }

    #[test]
    fn steps_that_a_link_hides_are_passed_over_both_ways() {
        let facts = Facts::default();
        let without = |step: &Step| !["view", "answer", "link"].contains(&step.name);
        let tour = Tour::begin(Some("mask"), &facts, without).expect("the mask");
        let next = tour.next(&facts, without).expect("the sum");
        assert_eq!(next.step().name, "sum");
        assert_eq!(next.back(&facts, without), Some(tour));
        let last = Tour::begin(Some("chapter"), &facts, without).expect("chapters");
        assert_eq!(last.next(&facts, without), None);
        assert_eq!(Tour::begin(None, &facts, |_| false), None);
        // A step that an older page has kept, and that is no more.
        let unknown = Tour::begin(Some("dance"), &facts, everything).expect("the first");
        assert_eq!(unknown.number(), 1);
    }
}
