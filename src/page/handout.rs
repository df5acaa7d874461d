//! One page to print: how a mask came about.

use super::explanation::Explanation;
use super::part::{Panel, part};
use super::reading::decimals;
use super::titles::{self, baseline_name};
use crate::words::{Phrase, decimal, name, percent, phrase};

/// What stands beside photo and mask.
pub fn facts(shown: &Explanation) -> Panel {
    let report = shown.report();
    let probability = percent(f64::from(report.probability), 1);
    let rule = phrase!(
        "{rule}, {gradients} gradients",
        rule = name(report.rule.as_str()),
        gradients = report.gradient_evaluations,
    );
    let places = decimals(shown.change());
    let ends = phrase!(
        "{baseline}, {photo}",
        baseline = decimal(f64::from(report.output_baseline), places),
        photo = decimal(f64::from(report.output_input), places),
    );
    let sum = phrase!(
        "{sum} ({share}% off)",
        sum = decimal(report.attribution_sum, places),
        share = percent(shown.missed().unwrap_or_default(), 1),
    );
    let facts = [
        (phrase!("Network"), Phrase::of(name(&*shown.spec.title))),
        (phrase!("Class"), titles::label(shown)),
        (
            phrase!("Probability"),
            phrase!("{share}%", share = probability),
        ),
        (
            phrase!("Baseline"),
            baseline_name(shown.settings.baseline()),
        ),
        (phrase!("Rule"), rule),
        (phrase!("F(x′), F(x)"), ends),
        (phrase!("Sum of the attributions"), sum),
    ];
    let facts = facts.into_iter();
    let mut panel = Panel::new();
    panel.says("handout-title", titles::title(shown)).holds(
        "handout-facts",
        facts.flat_map(|(what, value)| [part("dt").says(what), part("dd").says(value)]),
    );
    panel
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn a_handout_says_how_its_mask_came_about() {
        let mut shown = Explanation::for_tests(Settings::default(), 51);
        shown.attributions.sum = 0.5;
        let panel = facts(&shown);
        let parts = panel.held("handout-facts").unwrap();
        let said: Vec<String> = parts.iter().map(|part| part.text()).collect();
        assert_eq!(said.len(), 14);
        for pair in [["Network", "EfficientNet-Lite0"], ["Baseline", "black"]] {
            assert!(said.windows(2).any(|two| two == pair), "{said:?}");
        }
        assert_eq!(said[13], "0.50 (-50.0% off)");
    }
}
