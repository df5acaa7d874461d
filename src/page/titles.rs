//! What an explanation is called: all that it was made with, or what tells it from another one.

use super::{Explanation, View};
use crate::attribution::{Baseline, Method, Rule};
use crate::model::Scale;
use crate::words::{Phrase, name, percent, phrase};

/// The explained class, and the one that it is explained against.
pub fn label(explanation: &Explanation) -> Phrase {
    match explanation.against() {
        Some(other) => phrase!(
            "{class}, not {other}",
            class = name(explanation.label()),
            other = name(other),
        ),
        None => Phrase::of(name(explanation.label())),
    }
}

/// What the stage shows in a view, for who does not see it.
pub fn stage_label(explanation: &Explanation, view: View) -> Phrase {
    let class = label(explanation);
    match view {
        View::Original => phrase!(
            "Your photo by itself; “{class}” is explained",
            class = class
        ),
        View::Mask => phrase!("The mask for “{class}” by itself", class = class),
        View::Regions => phrase!(
            "Your photo in regions, by what they count for “{class}”",
            class = class,
        ),
        View::Difference => phrase!("Where the masks for “{class}” differ", class = class),
        View::Overlay | View::Pixels | View::Spotlight | View::Contours => phrase!(
            "Your photo with the pixels used for “{class}” marked",
            class = class,
        ),
    }
}

/// The class of an output.
pub fn output_name(explanation: &Explanation, output: usize) -> Phrase {
    Phrase::of(name(explanation.name_of(output)))
}

/// Network, class, and the baseline if it is not the usual one.
pub fn title(explanation: &Explanation) -> Phrase {
    let network = name(&*explanation.spec.title);
    let class = label(explanation);
    match explanation.settings.baseline() {
        Baseline::Black => phrase!("{network}: {class}", network = network, class = class),
        baseline => phrase!(
            "{network}: {class}, from {baseline}",
            network = network,
            class = class,
            baseline = baseline_name(baseline),
        ),
    }
}

/// What an explanation was made with, of the fields of these ids.
pub fn made_with(explanation: &Explanation, ids: &[&str]) -> Option<Phrase> {
    let settings = &explanation.settings;
    let any = |of: &[&str]| of.iter().any(|id| ids.contains(id));
    let mut parts = Vec::new();
    if any(&["model", ""]) {
        parts.push(Phrase::of(name(&*explanation.spec.title)));
    }
    if any(&["predictions", "against"]) {
        parts.push(label(explanation));
    }
    if any(&["baseline", "baseline-colour", "baseline-seed"]) {
        let baseline = baseline_name(settings.baseline());
        parts.push(phrase!("from {baseline}", baseline = baseline));
    }
    if any(&["scale"]) {
        parts.push(scale(settings.scale));
    }
    if any(&["auto", "rule", "steps"]) {
        parts.push(method(settings.method()));
    }
    let together = |a, b| phrase!("{a}, {b}", a = a, b = b);
    parts.into_iter().reduce(together)
}

/// A rule and its number of steps, or what settles by itself.
pub fn method(method: Method) -> Phrase {
    let Method::Steps(rule, n_steps) = method else {
        return phrase!("Auto");
    };
    match rule {
        Rule::Trapezoid => phrase!("{n} trapezoids", n = n_steps),
        Rule::Midpoint => phrase!("{n} midpoints", n = n_steps),
        Rule::Left => phrase!("{n} left rectangles", n = n_steps),
        Rule::Right => phrase!("{n} right rectangles", n = n_steps),
        Rule::GaussLegendre => phrase!("{n} Gauss-Legendre points", n = n_steps),
        Rule::Secant => phrase!("{n} secants", n = n_steps),
    }
}

/// All that one must know of a picture of an explanation: class, network, rule, baseline, output,
/// how far the sum adds up, and how far the mask is settled.
pub fn caption(explanation: &Explanation) -> Phrase {
    let made = phrase!(
        "“{class}”, {network}, {rule}, from {baseline}, {scale}",
        class = label(explanation),
        network = name(&*explanation.spec.title),
        rule = method(explanation.settings.method()),
        baseline = baseline_name(explanation.settings.baseline()),
        scale = scale(explanation.target.scale),
    );
    if !explanation.is_finished() {
        return phrase!(
            "{made}; unfinished, {done} of {all} gradients",
            made = made,
            done = explanation.progress.gradients,
            all = explanation.progress.expected,
        );
    }
    let summed = match explanation.missed() {
        Some(missed) => phrase!(
            "{made}; the sum is {missed}% off",
            made = made,
            missed = percent(missed, 2),
        ),
        None => made,
    };
    match explanation.progress.map_error_estimate {
        Some(error) => phrase!(
            "{made}; settled to {error}%",
            made = summed,
            error = percent(error.max(0.01), 0),
        ),
        None => summed,
    }
}

fn scale(scale: Scale) -> Phrase {
    match scale {
        Scale::Logit => phrase!("of the logit"),
        Scale::Probability => phrase!("of the probability"),
    }
}

/// What two explanations that stand side by side are called: what tells them apart; where nothing
/// does, all of it.
pub fn side_by_side(pinned: &Explanation, current: &Explanation) -> [Phrase; 2] {
    let ids = current.differing(pinned);
    [pinned, current].map(|one| made_with(one, &ids).unwrap_or_else(|| title(one)))
}

/// A baseline, for people.
pub fn baseline_name(baseline: Baseline) -> Phrase {
    match baseline {
        Baseline::Black => phrase!("black"),
        Baseline::White => phrase!("white"),
        Baseline::Grey => phrase!("grey"),
        Baseline::Blurred => phrase!("the photo, blurred"),
        Baseline::Noise(_) => phrase!("noise"),
        Baseline::Colour(_) => Phrase::of(baseline.to_string()),
    }
}
