//! Studies of a function whose gradient is known, so that what they must find is too.

mod function;

use std::cell::RefCell;

use pollster::block_on;

pub(in crate::page) use self::function::explanation;
use self::function::{AREA, Function, Paper, SLOPE, TOGETHER, is_left, logits, mean, spec, study};
use super::*;
use crate::page::{Brush, OpenLedger, WhatIf};
use crate::shapes::SIZE;

fn whatif(of: &Rc<Explanation>) -> RefCell<WhatIf> {
    let brush = Rc::new(RefCell::new(Brush::new("whatif")));
    brush.borrow_mut().reset(of.width());
    RefCell::new(WhatIf::new(of, &brush, Default::default()))
}

/// Runs the study of that name from its beginning to its end.
fn run(name: &str, of: &Rc<Explanation>, study: &Study<Paper>) -> Studied {
    let question = crate::page::Quiz::new(7).question().copied().unwrap();
    let whatif = whatif(of);
    let guess: Vec<bool> = (0..AREA).map(is_left).collect();
    block_on(async {
        match name {
            "fragile" => shake(study, of).await.map(drop),
            "trust" => put_to_the_test(study, of).await.map(drop),
            "methods" => compare_methods(study, of, Some(&guess)).await.map(drop),
            "steps" => compare_steps(study, of).await.map(drop),
            "baselines" => try_baselines(study, of).await.map(drop),
            "walk" => take_walk(study, of).await.map(drop),
            "ledger" => experiment(study, of, &of.regions()).await.map(drop),
            "quiz" => masks(study, question).await.map(drop),
            "whatif" => mask_covered(study, &whatif).await.map(drop),
            "keep" => decide(study, &whatif, false).await.map(drop),
            _ => decide(study, &whatif, true).await.map(drop),
        }
    })
}

const STUDIES: [&str; 11] = [
    "fragile",
    "trust",
    "methods",
    "steps",
    "baselines",
    "walk",
    "ledger",
    "quiz",
    "whatif",
    "keep",
    "flip",
];

/// How many questions a study asks, and what comes of one that is cut short by such a function.
fn cut_short(name: &str, of: &Rc<Explanation>, function: Function) -> (Study<Paper>, Studied) {
    let cut = study(of, function);
    let ended = run(name, of, &cut);
    (cut, ended)
}

#[test]
fn a_study_that_nobody_wants_any_more_or_whose_question_fails_goes_no_further() {
    let of = Rc::new(explanation());
    for name in STUDIES {
        let (whole, ended) = cut_short(name, &of, Function::default());
        assert_eq!(ended, Ok(()), "{name}");
        let all = whole.desk.function.asked.borrow().len();
        // Wherever it is cancelled: at the first question, at the last, and between.
        for wanted in [1, all / 3, all - 1].map(|wanted| wanted.max(1)) {
            let function = Function {
                wanted: Some(wanted),
                ..Function::default()
            };
            let (cut, ended) = cut_short(name, &of, function);
            assert_eq!(ended, Err(Ended::Superseded), "{name} at {wanted}");
            assert_eq!(
                cut.desk.function.late.get(),
                0,
                "{name} goes on after {wanted}"
            );
        }
        for fails in [1, all / 2] {
            let function = Function {
                fails: Some(fails),
                ..Function::default()
            };
            let (failed, ended) = cut_short(name, &of, function);
            assert!(
                matches!(ended, Err(Ended::Failed(_))),
                "{name} at {fails}: {ended:?}"
            );
            assert_eq!(failed.desk.function.asked.borrow().len(), fails, "{name}");
        }
    }
}

#[test]
fn the_smallest_step_that_turns_an_answer_is_found_where_algebra_says() {
    let of = Rc::new(explanation());
    let study = study(&of, Function::default());
    block_on(shake(&study, &of)).unwrap();
    let shown = study.desk.shown.borrow();
    // Each level darkens the left half and lightens the right one; what both come to only together
    // hardly changes.
    let input = &of.prepared.input;
    let lead = f64::from(of.prepared.logits_input[0] - of.prepared.logits_input[1]);
    let level = f64::from(
        spec().preprocessing.normalise([1.0; 3])[0] - spec().preprocessing.normalise([0.0; 3])[0],
    );
    let own = TOGETHER * (mean(input, false) - mean(input, true));
    let expected = lead / (level * (2.0 * SLOPE + own));
    let note = shown.said("fragile-turn-note").unwrap();
    let found: f64 = note
        .strip_prefix("A step of ")
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{note}"));
    assert!(
        (found - expected).abs() < 0.05 * expected,
        "{note} and not {expected}"
    );
    assert!(
        note.contains("turns “disc” into “ring”") || note.contains(" into “"),
        "{note}"
    );
    assert!(
        note.contains("has hardly moved"),
        "the gradient is next to constant: {note}"
    );
    // The same network with another zero: from the same colour the same mask, to the digit.
    let note = shown.said("fragile-shift-note").unwrap();
    assert!(note.contains("from the same colour, of 1.00"), "{note}");
    let note = shown.said("fragile-move-note").unwrap();
    assert!(note.contains("No value has moved by more than"), "{note}");
    let note = shown.said("fragile-noise-note").unwrap();
    assert!(note.starts_with("Max-sensitivity: of 8 photos"), "{note}");
    for part in ["turn", "move", "shift", "noise"] {
        let added = shown.changes().filter(|(id, change)| {
            let own = format!("fragile-{part}");
            *id == own && matches!(change, crate::page::Change::Adds(_))
        });
        assert_eq!(added.count(), if part == "noise" { 2 } else { 3 }, "{part}");
    }
}

#[test]
fn an_experiment_adds_up_and_finds_what_both_halves_come_to_only_together() {
    let of = Rc::new(explanation());
    let study = study(&of, Function::default());
    let halves =
        crate::regions::Partition::of_labels((0..AREA).map(|k| u32::from(!is_left(k))), SIZE);
    let found = block_on(experiment(&study, &of, &halves)).unwrap().unwrap();
    let change = of.change();
    assert!((found.values.iter().sum::<f64>() - change).abs() < 1e-5);
    // Of the product's change, halves share evenly what they do together; secants along a straight
    // path do too.
    let prepared = &of.prepared;
    let moved =
        [true, false].map(|half| mean(&prepared.input, half) - mean(&prepared.baseline, half));
    let together = TOGETHER * moved[0] * moved[1];
    let pair = found.pairs.first().unwrap();
    assert!(
        (pair.value - together).abs() < 1e-5,
        "{} and not {together}",
        pair.value
    );
    let sums = halves.sums(&of.attributions.values);
    for (value, sum) in found.values.iter().zip(sums) {
        assert!((value - sum).abs() < 1e-4, "{value} and {sum}");
    }
}

#[test]
fn what_is_left_of_a_photo_is_explained_and_regions_decide() {
    let of = Rc::new(explanation());
    for (covers, expected) in [(true, "gives the answer to"), (false, "are enough for")] {
        let study = study(&of, Function::default());
        let whatif = whatif(&of);
        block_on(decide(&study, &whatif, covers)).unwrap();
        let shown = study.desk.shown.borrow();
        let said = shown.said("whatif-decided").unwrap();
        assert!(said.contains(expected), "{said}");
        assert_eq!(shown.field("whatif-covering").as_deref(), Some("baseline"));
        // What is covered in the end does what is said.
        let after = logits(&whatif.borrow().input(), false);
        assert_eq!(after[1] > after[0], covers, "{after:?}");
        let note = shown.said("whatif-note").unwrap();
        assert_eq!(note.contains("The network now says"), covers, "{note}");
        let listed = shown.held("whatif-answers").unwrap();
        assert_eq!(listed.len(), 3);
    }
}

#[test]
fn painting_asks_one_question_at_a_time_and_none_twice() {
    let of = Rc::new(explanation());
    let whatif = whatif(&of);
    let mut whatif = whatif.borrow_mut();
    assert_eq!(whatif.ask(), None, "nothing has changed");
    whatif.change();
    let asked = whatif.ask().unwrap();
    assert_eq!(asked, of.prepared.input);
    whatif.change();
    assert_eq!(whatif.ask(), None, "one is under way");
    let panel = whatif.answered(Some(vec![0.0, 5.0, 0.0]));
    assert_eq!(
        panel.said("whatif-note").as_deref(),
        Some("Nothing is covered yet.")
    );
    assert!(whatif.ask().is_some(), "what changed meanwhile is asked");
    whatif.answered(None);
    assert_eq!(whatif.ask(), None);
}

#[test]
fn a_walk_ends_in_the_mask_and_fifty_steps_in_five_hundred() {
    let mut of = explanation();
    of.quadrature = Rule::Midpoint.quadrature(8).unwrap();
    let of = Rc::new(of);
    let walking = study(&of, Function::default());
    let walk = block_on(take_walk(&walking, &of)).unwrap();
    let prepared = &of.prepared;
    let last = walk.trail.last();
    let gathered = walk
        .trail
        .gathered(last, &prepared.input, &prepared.baseline)
        .unwrap();
    assert!((gathered.sum - of.attributions.sum).abs() < 1e-4);
    assert_eq!(
        walking.desk.said.borrow().last().unwrap(),
        "Walking: 8 of 8 gradients"
    );
    let comparing = study(&of, Function::default());
    block_on(compare_steps(&comparing, &of)).unwrap();
    let shown = comparing.desk.shown.borrow();
    let said = shown.said("steps-compared").unwrap();
    assert!(
        said.contains("to 1.00 after 5 steps and to 1.00 after 50"),
        "{said}"
    );
    // Each number of steps takes only the gradients that were lacking.
    let gradients = comparing.desk.function.asked.borrow();
    assert_eq!(
        gradients
            .iter()
            .filter(|asked| *asked == "gradient")
            .count(),
        501
    );
}

#[test]
fn a_network_that_forgot_is_another_one_and_the_mask_passes() {
    let of = Rc::new(explanation());
    let study = study(&of, Function::default());
    block_on(put_to_the_test(&study, &of)).unwrap();
    let shown = study.desk.shown.borrow();
    for note in ["deletion-note", "insertion-note"] {
        let said = shown.said(note).unwrap();
        assert!(said.starts_with("Passed"), "{said}");
    }
    let said = shown.said("oblivion-note").unwrap();
    assert!(said.starts_with("Passed"), "its halves are swapped: {said}");
}

#[test]
fn every_method_is_judged_by_every_score_and_the_network_is_whole_again() {
    let of = Rc::new(explanation());
    let study = study(&of, Function::default());
    let guess: Vec<bool> = (0..AREA).map(is_left).collect();
    block_on(compare_methods(&study, &of, Some(&guess))).unwrap();
    assert!(!study.desk.function.forgot.get());
    let shown = study.desk.shown.borrow();
    let cards = shown.changes().filter_map(|(id, change)| match change {
        crate::page::Change::Adds(part) if id == "methods-list" => Some(part.text()),
        _ => None,
    });
    let cards: Vec<String> = cards.collect();
    let names = [
        "Integrated Gradients",
        "Integrated Gradients from",
        "Integrated Gradients from",
        "Expected Gradients",
        "IDGI",
        "Gradient",
        "Gradient × input",
        "SmoothGrad",
        "Guided backpropagation",
        "Grad-CAM",
        "Occlusion",
        "An edge detector",
        "The class's own guess",
    ];
    assert_eq!(cards.len(), names.len(), "{cards:#?}");
    for (card, name) in cards.iter().zip(names) {
        assert!(card.starts_with(name), "{card}");
        for score in [
            "deletion",
            "insertion",
            "single deletions",
            "sparseness",
            "forgot",
        ] {
            assert!(card.contains(score), "{card}");
        }
    }
    assert!(
        shown
            .said("methods-note")
            .unwrap()
            .contains("Best by deletion")
            || shown
                .said("methods-note")
                .unwrap()
                .contains("On this photo")
    );
}

#[test]
fn a_question_of_the_quiz_is_asked_of_its_two_networks() {
    let of = Rc::new(explanation());
    let questions = (0..6).map(crate::page::Quiz::new);
    let questions = questions.filter_map(|quiz| quiz.question().copied());
    for question in questions {
        let study = study(&of, Function::default());
        let sight = block_on(masks(&study, question)).unwrap();
        let asked = study.desk.function.asked.borrow();
        let loads: Vec<&String> = asked
            .iter()
            .filter(|asked| asked.starts_with("load"))
            .collect();
        let wanted = question.masks.map(|mask| format!("load {}", mask.model));
        assert_eq!(loads, wanted.iter().collect::<Vec<_>>());
        let scenes = asked
            .iter()
            .filter(|asked| asked.starts_with("scene"))
            .count();
        assert_eq!(scenes, 1 + usize::from(question.beside.is_some()));
        assert_eq!(sight.rgba.len(), 4 * AREA);
        assert!(
            sight
                .evidence
                .iter()
                .all(|share| (0.0..=1.0).contains(share))
        );
    }
}

#[test]
fn a_ledger_takes_the_masks_own_amounts_only_if_they_add_up() {
    let mut of = explanation();
    let secants = Rc::new(of.clone());
    let asking = study(&secants, Function::default());
    let own = block_on(attributions_by_secants(&asking, &secants)).unwrap();
    of.settings.auto = false;
    let other = Rc::new(of);
    assert!(secants.is_by_secants() && !other.is_by_secants());
    assert!(asking.desk.function.asked.borrow().is_empty());
    let asking = study(&other, Function::default());
    let made = block_on(attributions_by_secants(&asking, &other)).unwrap();
    assert_eq!(asking.desk.function.asked.borrow().len(), 1 + 24);
    let sum: f64 = made.iter().map(|&v| f64::from(v)).sum();
    assert!((sum - other.change()).abs() < 1e-4, "{sum}");
    assert_eq!(own.len(), made.len());
    let brush = Rc::new(RefCell::new(Brush::new("ledger-draw")));
    let ledger = OpenLedger::new(&other, made, &brush);
    assert!(ledger.partition().count() >= 1);
}
