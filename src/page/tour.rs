//! The guided tour: what it points at, one thing after the other, and how it notices that something
//! was done.

use super::settings::View;
use crate::attribution::Baseline;

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
}

impl Tour {
    /// From the step of that name on, as far as the page shows what it points at; from the first
    /// one, if there is no such step. Nothing, if nothing is left to point at.
    pub fn begin(name: Option<&str>, facts: &Facts, there: impl Fn(&Step) -> bool) -> Option<Self> {
        let named = name.and_then(|name| STEPS.iter().position(|step| step.name == name));
        let at = (named.unwrap_or(0)..STEPS.len()).find(|&at| there(&STEPS[at]))?;
        Some(Self {
            at,
            before: facts.clone(),
        })
    }

    /// Where it is.
    pub fn step(&self) -> &'static Step {
        &STEPS[self.at]
    }

    /// Its number, from 1.
    pub fn number(&self) -> usize {
        self.at + 1
    }

    /// A step that began before there was a mask, as where someone comes back, begins with the first
    /// one: nobody has chosen what it shows.
    pub fn settle(&mut self, facts: &Facts) {
        if facts.mask && !self.before.mask {
            self.before = facts.clone();
        }
    }

    /// Whether the step was done.
    pub fn is_done(&self, facts: &Facts) -> bool {
        (self.step().done)(&self.before, facts)
    }

    /// The next step that the page can show; nothing, after the last.
    pub fn next(&self, facts: &Facts, there: impl Fn(&Step) -> bool) -> Option<Self> {
        let name = STEPS.get(self.at + 1)?.name;
        Self::begin(Some(name), facts, there)
    }

    /// The step before that the page can show.
    pub fn back(&self, facts: &Facts, there: impl Fn(&Step) -> bool) -> Option<Self> {
        let at = (0..self.at).rev().find(|&at| there(&STEPS[at]))?;
        Some(Self {
            at,
            before: facts.clone(),
        })
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
