//! What is set is what the controls show; and what is said where what is shown was made otherwise.

use super::explanation::Explanation;
use super::part::Panel;
use super::settings::{FIELDS, Field, PictureId, Settings, differing};
use super::titles;
use super::work::Work;
use crate::words::{decimal, phrase};

/// The page's body.
const BODY: &str = "page";

/// Controls beside those that carry a field's own id: they show and set the same field.
pub const TWINS: [(&str, &str); 1] = [("steps-range", "steps")];

/// Every control that is a single field of index.html, with the field that it shows: all but the views, which are
/// several, and the answers, which are a list.
pub fn controls() -> impl Iterator<Item = (&'static str, &'static Field)> {
    let own = FIELDS.iter().map(|field| (field.id, field));
    let twins = TWINS.into_iter();
    let twins = twins.filter_map(|(id, of)| Some((id, Field::of_control(of)?)));
    own.chain(twins)
        .filter(|(id, _)| !["", "predictions", "view"].contains(id))
}

/// What all controls show. A number that is being `typed`, by its control's id, is not taken out of someone's hands.
pub fn set(settings: &Settings, typed: Option<&str>) -> Panel {
    let mut panel = Panel::new();
    for (id, field) in controls().filter(|(id, _)| Some(*id) != typed) {
        panel.value(id, (field.text)(settings));
    }
    for id in ["steps", "steps-range", "rule"] {
        panel.enable(id, !settings.auto);
    }
    // Colours and what is clipped are the chapters' too, whatever the view.
    panel.enable("opacity", settings.view.is_seen_through());
    // What only some baselines have: a colour, a seed.
    let baseline = Field::of_control("baseline").map(|field| (field.text)(settings));
    for (id, of) in [
        ("baseline-colour", "colour"),
        ("pick-colour", "colour"),
        ("baseline-seed", "noise"),
    ] {
        panel.show(id, baseline.as_deref() == Some(of));
    }
    for (id, share) in [
        ("clip-value", settings.clip),
        ("threshold-value", settings.threshold),
    ] {
        let share = decimal(f64::from(share), 0);
        panel.says(id, phrase!("{share}%", share = share));
    }
    let split = settings.split > 0;
    panel.show("split", split).press("split-toggle", split);
    panel
}

/// Buttons and what surrounds them, where a picture is there or not, and something is being done or
/// not.
pub fn buttons(settings: &Settings, picture: bool, working: bool) -> Panel {
    let scene = matches!(settings.picture, Some(PictureId::Scene { .. }));
    let mut panel = Panel::new();
    panel
        .enable("explain", picture)
        .enable("views", picture)
        .show("cancel", working)
        .class(BODY, "with-photo", picture)
        .class(BODY, "working", working)
        .class(BODY, "with-scene", scene);
    panel
}

/// Where what is shown was made with other settings than those that are set, or is unfinished, that is said, with how to
/// mend it. `empty`: no picture is there.
pub fn stale(work: &Work, empty: bool) -> Panel {
    let stale = work.stale().is_some() && !empty;
    let before = work.before().is_some() && !work.is_busy();
    let shown = work.shown().filter(|_| !work.is_busy());
    let unfinished = shown.filter(|shown| !shown.is_finished());
    let sentence = match (unfinished, shown) {
        (Some(unfinished), _) => phrase!(
            "Unfinished: {done} of {all} gradients.",
            done = unfinished.progress.gradients,
            all = unfinished.progress.expected,
        ),
        (None, Some(shown)) => made_otherwise(work.latest(), shown),
        _ => phrase!("Made with other settings."),
    };
    let mut panel = Panel::new();
    panel
        .show("stale", stale || unfinished.is_some() || before)
        .show("back", before)
        .says("stale-what", sentence)
        .class(BODY, "superseded", work.is_superseded())
        .class("explain", "due", stale);
    panel
}

fn made_otherwise(latest: &Settings, shown: &Explanation) -> crate::words::Phrase {
    let ids = differing(latest, &shown.settings).map(|field| field.id);
    match titles::made_with(shown, &ids.collect::<Vec<_>>()) {
        Some(made) => phrase!("Made with other settings: {made}.", made = made),
        None => phrase!("Made with other settings."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::Baseline;
    use std::rc::Rc;

    #[test]
    fn controls_show_what_is_set_but_for_what_is_being_typed() {
        let mut settings = Settings::default();
        (settings.auto, settings.clip, settings.split) = (true, 90, 0);
        let panel = set(&settings, None);
        for (id, field) in controls() {
            assert_eq!(panel.field(id), Some((field.text)(&settings)), "{id}");
        }
        assert_eq!(panel.field("steps-range"), panel.field("steps"));
        assert_eq!(panel.enables("rule"), Some(false));
        assert_eq!(panel.said("clip-value").as_deref(), Some("90%"));
        assert_eq!(panel.shows("split"), Some(false));
        let typing = set(&settings, Some("steps"));
        assert_eq!(typing.field("steps"), None);
        assert!(typing.field("steps-range").is_some());
    }

    #[test]
    fn cancel_is_there_while_something_is_done_and_explain_with_a_picture() {
        let mut settings = Settings::default();
        let panel = buttons(&settings, false, true);
        assert_eq!(
            (panel.enables("explain"), panel.shows("cancel")),
            (Some(false), Some(true))
        );
        assert_eq!(panel.is_of(BODY, "with-scene"), Some(false));
        settings.picture = Some(PictureId::Scene {
            seed: 5,
            tag: Default::default(),
        });
        let panel = buttons(&settings, true, false);
        assert_eq!(
            (panel.enables("views"), panel.shows("cancel")),
            (Some(true), Some(false))
        );
        assert_eq!(panel.is_of(BODY, "with-scene"), Some(true));
    }

    #[test]
    fn a_colour_or_a_seed_is_there_for_the_baseline_that_has_one() {
        for (baseline, shown) in [
            (Baseline::Black, [false, false]),
            (Baseline::Colour([1, 2, 3]), [true, false]),
            (Baseline::Noise(4), [false, true]),
        ] {
            let mut settings = Settings::default();
            settings.set_baseline(baseline);
            let panel = set(&settings, None);
            let found = ["pick-colour", "baseline-seed"].map(|id| panel.shows(id).unwrap());
            assert_eq!(found, shown, "{baseline}");
        }
    }

    #[test]
    fn what_was_made_otherwise_is_marked_and_what_was_not_is_not() {
        let mut work = Work::default();
        assert_eq!(stale(&work, false).shows("stale"), Some(false));
        work.show(Rc::new(Explanation::for_tests(work.latest().clone(), 51)));
        assert_eq!(stale(&work, false).shows("stale"), Some(false));
        work.change(|settings| settings.scale = crate::model::Scale::Probability);
        let panel = stale(&work, false);
        assert_eq!(
            (panel.shows("stale"), panel.shows("back")),
            (Some(true), Some(false))
        );
        assert_eq!(panel.is_of("explain", "due"), Some(true));
        let what = panel.said("stale-what").unwrap();
        assert_eq!(what, "Made with other settings: of the logit.");
        assert_eq!(
            stale(&work, true).shows("stale"),
            Some(false),
            "no picture is there"
        );
        let latest = work.latest().clone();
        work.show(Rc::new(Explanation::for_tests(latest, 7)));
        let panel = stale(&work, false);
        assert_eq!(
            panel.said("stale-what").as_deref(),
            Some("Unfinished: 7 of 51 gradients.")
        );
        assert_eq!(
            panel.shows("back"),
            Some(true),
            "the finished one can be had again"
        );
        work.begin();
        assert_eq!(
            stale(&work, false).shows("stale"),
            Some(false),
            "it is being made"
        );
        let superseded = |work: &Work| stale(work, false).is_of(BODY, "superseded");
        assert_eq!(superseded(&work), Some(false), "the same once more");
        work.change(|settings| settings.scale = crate::model::Scale::Logit);
        work.begin();
        assert_eq!(superseded(&work), Some(true), "another output");
        work.stop();
        assert_eq!(superseded(&work), Some(false), "that is marked");
    }
}
