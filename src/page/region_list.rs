//! What regions come to, one under the other: a number, a bar and an amount each.

use super::amounts::{adding_up, printed_change};
use super::part::{Panel, Part, Sign, button, part};
use crate::mask::Palette;
use crate::regions::Partition;
use crate::words::{Phrase, Value, decimal, percent, phrase};

/// An amount with its sign.
pub fn signed(amount: f64) -> Value {
    let number = decimal(amount, 2);
    let nothing = (amount.abs() * 100.0).round() == 0.0;
    if amount < 0.0 || nothing {
        number
    } else {
        Phrase::new("+{number}", vec![("number", number)]).into()
    }
}

/// A button with a number, an amount, and a bar that goes to the right for what speaks for the answer, to the left for
/// what speaks against it.
pub fn row(number: usize, amount: f64, most: f64, palette: Palette) -> Part {
    button().with([
        part("span").class("badge").says(Phrase::of(number)),
        bar(amount, most, palette),
        part("span")
            .class("amount")
            .says(Phrase::of(signed(amount))),
    ])
}

/// A bar from the middle: to the right for, to the left against.
pub fn bar(amount: f64, most: f64, palette: Palette) -> Part {
    let share = if most > 0.0 {
        (amount / most).clamp(-1.0, 1.0)
    } else {
        0.0
    };
    let [r, g, b] = palette.colour(share as f32);
    let left = 50.0 + 50.0 * share.min(0.0);
    let fill = part("span")
        .style("left", format!("{left:.1}%"))
        .style("width", format!("{:.1}%", 50.0 * share.abs()))
        .style("background-color", format!("rgb({r} {g} {b})"));
    part("span").class("two-way").with([fill])
}

/// Which region of the list is pointed out, and which someone holds.
pub fn pointed(pointed: Option<usize>, held: Option<usize>) -> Panel {
    let [pointed, held] = [pointed, held].map(|region| region.map(|region| region.to_string()));
    let mut panel = Panel::new();
    panel
        .choose(
            "regions-list",
            "data-region",
            Sign::Class("pointed"),
            pointed,
        )
        .choose("regions-list", "data-region", Sign::Pressed, held);
    panel
}

/// The regions of a picture, ranked, and what they come to together; beside what F changes by between its ends, once
/// these are known. Printed amounts add up to what is printed as their sum.
pub fn regions(
    partition: &Partition,
    sums: &[f64],
    ends: Option<[f32; 2]>,
    palette: Palette,
) -> Panel {
    let sizes = partition.sizes();
    let all = partition.labels().len().max(1) as f64;
    let together: f64 = sums.iter().sum();
    let change = ends.map(|ends| printed_change(ends, 2));
    let amounts = adding_up(sums, change.unwrap_or(together), 2);
    let most = sums.iter().fold(0.0f64, |most, sum| most.max(sum.abs()));
    let ranked = Partition::ranked(sums).into_iter().enumerate();
    let rows = ranked.map(|(rank, region)| {
        let number = rank + 1;
        let area = percent(sizes[region] as f64 / all, 1);
        let words = phrase!(
            "Region {number}: {amount}, {area}% of the picture",
            number = number,
            amount = signed(amounts[region]),
            area = area.clone(),
        );
        let area = phrase!("{area}% of the picture", area = area);
        let row = row(number, amounts[region], most, palette)
            .set("data-region", region)
            .set("data-rank", number)
            .spoken("aria-label", words)
            .with([part("span").class("area").says(area)]);
        part("li").with([row])
    });
    let together: f64 = amounts.iter().sum();
    let sentence = match change {
        Some(change) => phrase!(
            "{n} regions, cut by colour alone. Together they come to {sum}; F changes by {change}.",
            n = partition.count(),
            sum = decimal(together, 2),
            change = decimal(change, 2),
        ),
        None => phrase!(
            "{n} regions, cut by colour alone. Together they come to {sum}.",
            n = partition.count(),
            sum = decimal(together, 2),
        ),
    };
    let mut panel = Panel::new();
    panel
        .holds("regions-list", rows)
        .says("regions-sum", sentence);
    panel
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::english;
    use super::*;

    #[test]
    fn regions_are_ranked_from_what_speaks_for_the_answer_to_what_speaks_against_it() {
        let partition = Partition::of_labels([0, 0, 0, 1, 2, 2].into_iter(), 3);
        let panel = regions(
            &partition,
            &[0.5, -2.0, 1.0],
            Some([0.5, 0.0]),
            Palette::Violet,
        );
        let rows = panel.held("regions-list").unwrap();
        let order: Vec<_> = rows
            .iter()
            .map(|row| {
                row.find("data-region")
                    .unwrap()
                    .attribute("data-region")
                    .unwrap()
            })
            .collect();
        assert_eq!(order, ["2", "0", "1"]);
        assert_eq!(rows[2].text(), "3 -2.00 16.7% of the picture");
        assert_eq!(rows[0].text(), "1 +1.00 33.3% of the picture");
        let sum = panel.said("regions-sum").unwrap();
        assert!(sum.contains("come to -0.50; F changes by -0.50"), "{sum}");
        let forming = regions(&partition, &[0.0; 3], None, Palette::Violet);
        assert!(
            forming
                .said("regions-sum")
                .unwrap()
                .ends_with("come to 0.00.")
        );
    }

    #[test]
    fn bars_go_from_the_middle_as_far_as_the_amount() {
        let style = |amount: f64, most: f64| {
            let bar = bar(amount, most, Palette::Violet);
            let [left, width] = ["left", "width"].map(|wanted| {
                let styles = bar.parts[0].styles.iter();
                let mut styles = styles.filter(|(name, _)| *name == wanted);
                styles.next().unwrap().1.clone()
            });
            (left, width)
        };
        assert_eq!(style(1.0, 2.0), ("50.0%".into(), "25.0%".into()));
        assert_eq!(style(-2.0, 2.0), ("0.0%".into(), "50.0%".into()));
        assert_eq!(style(1.0, 0.0), ("50.0%".into(), "0.0%".into()));
    }

    #[test]
    fn amounts_have_signs_and_nothing_has_none() {
        let said = |amount| english(&Phrase::of(signed(amount)));
        assert_eq!((said(1.25), said(-1.25)), ("+1.25".into(), "-1.25".into()));
        assert_eq!(said(0.001), "0.00");
    }
}
