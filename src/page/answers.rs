//! What the network says: a classifier's likeliest classes, or a detector's boxes.

use super::explanation::Prepared;
use super::part::{Panel, Part, button, option, part};
use super::search::matching;
use super::settings::Settings;
use crate::model::{Detection, ModelSpec, Rect, top_predictions};
use crate::words::{Phrase, decimal, name, percent, phrase};

/// How many classes are listed.
const CLASSES: usize = 5;
/// How many are listed of those that someone looks for.
const FOUND: usize = 8;
/// How many candidates are offered where nothing reaches the threshold.
const CANDIDATES: usize = 3;

/// What is explained when nobody has chosen: the likeliest class, or the best box that reaches the threshold, in
/// percent.
pub fn usual(spec: &ModelSpec, prepared: &Prepared, threshold: u8) -> Option<usize> {
    if spec.architecture.is_detector() {
        let best = prepared.detections.first();
        return best
            .filter(|best| reaches(best, threshold))
            .map(|best| best.output);
    }
    let top = top_predictions(&prepared.logits_input, 1);
    top.first().map(|top| top.target)
}

fn reaches(detection: &Detection, threshold: u8) -> bool {
    f64::from(detection.score) * 100.0 >= f64::from(threshold)
}

/// What a network says of a picture, and how it is listed.
#[derive(Clone, Copy)]
pub struct Answers<'a> {
    /// The network.
    pub spec: &'a ModelSpec,
    /// What it said.
    pub prepared: &'a Prepared,
    /// The output that is explained, or will be.
    pub output: Option<usize>,
    /// What is set.
    pub settings: &'a Settings,
    /// What someone looks for, by the classes' names in the page's language.
    pub query: &'a str,
    /// A name in the page's language.
    pub translate: &'a dyn Fn(&str) -> String,
}

/// A box to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledBox {
    /// Which of the network's outputs it is.
    pub output: usize,
    /// Edges are shares of the photo.
    pub rect: Rect,
    /// What is written on it.
    pub label: Phrase,
    /// Whether it is the one that is explained.
    pub chosen: bool,
}

/// The list of answers, the explained one marked, and the boxes on the photo; nothing, before a network has answered.
pub fn listed(answers: Option<&Answers>) -> (Panel, Vec<LabelledBox>) {
    let detector = answers.is_some_and(|a| a.spec.architecture.is_detector());
    let many = answers.is_some_and(|a| a.prepared.logits_input.len() > CLASSES);
    let mut panel = Panel::new();
    panel
        .show("answer-hint", answers.is_none())
        .show("against-field", answers.is_some() && !detector)
        .show("threshold-field", detector)
        .show("detector-hint", false)
        .show("search-field", !detector && many);
    let mut boxes = Vec::new();
    match answers {
        Some(answers) if detector => boxes = answers.detections(&mut panel),
        Some(answers) => answers.classes(&mut panel),
        None => {
            panel.holds("predictions", []);
        }
    }
    (panel, boxes)
}

impl Answers<'_> {
    fn label(&self, class: usize) -> &str {
        self.spec.labels().get(class).copied().unwrap_or("?")
    }

    /// The likeliest classes, or those that someone looks for; what is explained is always among them.
    fn classes(&self, panel: &mut Panel) {
        let searched = !self.query.trim().is_empty();
        let logits = &self.prepared.logits_input;
        let mut classes: Vec<usize> = if searched {
            let names = self.spec.labels().into_iter();
            let names: Vec<String> = names.map(self.translate).collect();
            matching(names.iter().map(String::as_str), self.query, FOUND)
        } else {
            let top = top_predictions(logits, CLASSES);
            top.iter().map(|answer| answer.target).collect()
        };
        panel.show("class-none", searched && classes.is_empty());
        classes.extend(self.output.filter(|output| !classes.contains(output)));
        let rows = classes.iter().map(|&class| {
            let share = self.prepared.probability(self.spec, class);
            self.row(class, self.label(class), share)
        });
        panel.holds("predictions", rows);
        let against = self.settings.against;
        classes.extend(against.filter(|other| !classes.contains(other)));
        let others = classes.iter().filter(|&&class| self.output != Some(class));
        let others = others.map(|&class| {
            let title = phrase!("why not {class}?", class = name(self.label(class)));
            option(&class.to_string(), title, true)
        });
        let nothing = option("", phrase!("nothing: this class by itself"), true);
        let held = against.filter(|&other| self.output != Some(other));
        let held = held.map(|class| class.to_string());
        panel
            .holds("against", [nothing].into_iter().chain(others))
            .value("against", held.unwrap_or_default());
    }

    /// The boxes that reach the threshold, and the explained one in any case; if none does, the best candidates.
    fn detections(&self, panel: &mut Panel) -> Vec<LabelledBox> {
        let all = &self.prepared.detections;
        let threshold = self.settings.threshold;
        let reaching = all.iter().take_while(|d| reaches(d, threshold)).count();
        if reaching == 0 {
            let sentence = if all.is_empty() {
                phrase!(
                    "Nothing was found in this photo, not even with a low score. Try another one."
                )
            } else {
                phrase!(
                    "Nothing here scores {share}% or more. These come closest; choose one, or lower the threshold.",
                    share = decimal(f64::from(threshold), 0),
                )
            };
            panel
                .says("detector-hint", sentence)
                .show("detector-hint", true);
        }
        let count = match reaching {
            0 => CANDIDATES.min(all.len()),
            some => some,
        };
        let (listed, rest) = all.split_at(count);
        let explained = rest.iter().filter(|d| self.output == Some(d.output));
        let listed: Vec<&Detection> = listed.iter().chain(explained).collect();
        let row = |d: &&Detection| self.row(d.output, self.label(d.class), d.score);
        panel.holds("predictions", listed.iter().map(row));
        let labelled = |d: &Detection| LabelledBox {
            output: d.output,
            rect: d.rect,
            label: phrase!(
                "{class} {share}%",
                class = name(self.label(d.class)),
                share = percent(f64::from(d.score), 0),
            ),
            chosen: self.output == Some(d.output),
        };
        listed.into_iter().map(labelled).collect()
    }

    /// An answer: a name, a share and a bar.
    fn row(&self, output: usize, label: &str, share: f32) -> Part {
        let share = f64::from(share);
        let fill = part("span").style("width", format!("{:.1}%", share * 100.0));
        let words = phrase!("{share}%", share = percent(share, 1));
        let choice = button()
            .set("data-output", output)
            .pressed(self.output == Some(output));
        part("li").with([choice.with([
            part("span").says(Phrase::of(name(label))),
            part("span").class("share").says(words),
            part("span").class("track").with([fill]),
        ])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::CATALOG;

    fn detector() -> ModelSpec {
        let found = CATALOG.iter().find(|s| s.architecture.is_detector());
        found.unwrap().clone()
    }

    fn detections(scores: &[f32]) -> Prepared {
        let rect = Rect {
            left: 0.1,
            top: 0.1,
            right: 0.5,
            bottom: 0.5,
        };
        let detection = |(k, &score): (usize, &f32)| Detection {
            output: 100 + k,
            class: k,
            score,
            rect,
        };
        Prepared {
            detections: scores.iter().enumerate().map(detection).collect(),
            ..Prepared::default()
        }
    }

    fn logits(likely: &[usize]) -> Prepared {
        let mut logits = vec![0.0; 1000];
        for (k, &class) in likely.iter().enumerate() {
            logits[class] = 20.0 - k as f32;
        }
        Prepared {
            logits_input: logits,
            ..Prepared::default()
        }
    }

    fn shown(
        (spec, prepared): (&ModelSpec, &Prepared),
        output: Option<usize>,
        query: &str,
        set: impl FnOnce(&mut Settings),
    ) -> (Panel, Vec<LabelledBox>) {
        let mut settings = Settings::default();
        set(&mut settings);
        listed(Some(&Answers {
            spec,
            prepared,
            output,
            settings: &settings,
            query,
            translate: &|name| crate::words::translated_name(name, crate::words::Language::French),
        }))
    }

    fn outputs(panel: &Panel) -> Vec<(String, bool)> {
        let rows = panel.held("predictions").unwrap();
        let of = |row: &Part| {
            let button = row.find("data-output").unwrap();
            let pressed = button.attribute("aria-pressed") == Some("true");
            (button.attribute("data-output").unwrap().to_owned(), pressed)
        };
        rows.iter().map(of).collect()
    }

    #[test]
    fn the_likeliest_are_listed_and_what_is_explained_always_is() {
        let (spec, prepared) = (&CATALOG[0], logits(&[7, 3, 1, 9, 4, 6]));
        assert_eq!(usual(spec, &prepared, 50), Some(7));
        let (panel, boxes) = shown((spec, &prepared), Some(8), "", |_| {});
        let listed = outputs(&panel);
        let names: Vec<&str> = listed.iter().map(|(output, _)| &**output).collect();
        assert_eq!(names, ["7", "3", "1", "9", "4", "8"]);
        assert!(
            listed
                .iter()
                .all(|(output, pressed)| *pressed == (output == "8"))
        );
        assert!(boxes.is_empty());
        assert_eq!(panel.shows("search-field"), Some(true));
        assert_eq!(panel.shows("threshold-field"), Some(false));
        // It is held against nothing, and could be against any of the others.
        assert_eq!(panel.field("against").as_deref(), Some(""));
        assert_eq!(panel.held("against").unwrap().len(), 6);
    }

    #[test]
    fn a_class_is_found_by_its_name_in_the_pages_language() {
        let (spec, prepared) = (&CATALOG[0], logits(&[7]));
        let (panel, _) = shown((spec, &prepared), Some(7), "poisson rouge", |_| {});
        assert!(outputs(&panel).contains(&("1".into(), false)), "goldfish");
        assert_eq!(panel.shows("class-none"), Some(false));
        let (none, _) = shown((spec, &prepared), Some(7), "zzz", |_| {});
        assert_eq!(none.shows("class-none"), Some(true));
        assert_eq!(outputs(&none), [("7".into(), true)]);
    }

    #[test]
    fn a_class_is_not_held_against_itself() {
        let (spec, prepared) = (&CATALOG[0], logits(&[7, 3]));
        let (panel, _) = shown((spec, &prepared), Some(7), "", |s| s.against = Some(500));
        assert_eq!(panel.field("against").as_deref(), Some("500"));
        let (same, _) = shown((spec, &prepared), Some(7), "", |s| s.against = Some(7));
        assert_eq!(same.field("against").as_deref(), Some(""));
        let others = same.held("against").unwrap();
        assert!(
            others
                .iter()
                .all(|other| other.attribute("value") != Some("7"))
        );
    }

    #[test]
    fn boxes_that_reach_the_threshold_are_listed_and_drawn() {
        let (spec, prepared) = (detector(), detections(&[0.9, 0.6, 0.3, 0.2]));
        let of = |threshold: u8, output| {
            shown((&spec, &prepared), output, "", |s| s.threshold = threshold)
        };
        let (panel, boxes) = of(50, Some(100));
        assert_eq!(
            outputs(&panel),
            [("100".into(), true), ("101".into(), false)]
        );
        assert_eq!(boxes.len(), 2);
        assert_eq!(panel.shows("detector-hint"), Some(false));
        // The explained one stays, whatever the threshold.
        let (panel, boxes) = of(80, Some(102));
        assert_eq!(outputs(&panel).len(), 2);
        assert!(boxes[1].chosen);
        assert_eq!(usual(&spec, &prepared, 95), None);
        let (panel, _) = of(95, None);
        assert_eq!(outputs(&panel).len(), CANDIDATES);
        assert!(panel.said("detector-hint").unwrap().contains("95% or more"));
        let (empty, _) = shown((&spec, &detections(&[])), None, "", |_| {});
        assert!(empty.said("detector-hint").unwrap().contains("not even"));
    }

    #[test]
    fn before_a_network_has_answered_only_a_hint_is_there() {
        let (panel, boxes) = listed(None);
        assert!(boxes.is_empty() && panel.held("predictions") == Some(Vec::new()));
        assert_eq!(panel.shows("answer-hint"), Some(true));
        assert_eq!(panel.shows("against-field"), Some(false));
    }
}
