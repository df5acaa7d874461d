//! Studies on a function whose gradient is known, so that what they must find is too.

use std::cell::{Cell, RefCell};

use super::*;
use crate::attribution::{PathSample, Slopes, interpolate};
use crate::model::{ModelSpec, Target};
use crate::page::{Brush, OpenLedger, PictureId, Settings, WhatIf};
use crate::shapes::{SIZE, Shape};
use pollster::block_on;

const AREA: usize = SIZE * SIZE;
/// How much more an answer is worth where it is light, and what both halves come to only together.
const SLOPE: f64 = 4.0;
const TOGETHER: f64 = 0.5;

fn is_left(k: usize) -> bool {
    k % SIZE < SIZE / 2
}

/// The mean of a half of an input.
fn mean(input: &[f32], left: bool) -> f64 {
    let values = input
        .iter()
        .enumerate()
        .filter(|(k, _)| is_left(*k) == left);
    values.map(|(_, &v)| f64::from(v)).sum::<f64>() / (3 * AREA / 2) as f64
}

/// A network: how light the left half is, and both together; how light the right half is; and
/// nothing.
fn logits(input: &[f32], forgot: bool) -> Vec<f32> {
    let [left, right] = [true, false].map(|half| mean(input, half != forgot));
    let both = TOGETHER * left * right;
    [SLOPE * left + both, SLOPE * right, -SLOPE]
        .map(|v| v as f32)
        .to_vec()
}

/// What an output's gradient is for every value.
fn gradient(input: &[f32], output: usize, forgot: bool) -> Vec<f32> {
    let [left, right] = [true, false].map(|half| mean(input, half != forgot));
    let of = |k: usize| match (output, is_left(k) != forgot) {
        (0, true) => SLOPE + TOGETHER * right,
        (0, false) => TOGETHER * left,
        (1, false) => SLOPE,
        _ => 0.0,
    };
    let each = (3 * AREA / 2) as f64;
    (0..3 * AREA).map(|k| (of(k) / each) as f32).collect()
}

/// Who answers for that network, and writes down what was asked and shown.
#[derive(Default)]
struct Function {
    ends: RefCell<[Vec<f32>; 2]>,
    forgot: Cell<bool>,
    shown: RefCell<Panel>,
    said: RefCell<Vec<String>>,
    asked: RefCell<Vec<String>>,
    /// How many questions are wanted; all, where nothing is said.
    wanted: Option<usize>,
    /// The question that fails.
    fails: Option<usize>,
    late: Cell<usize>,
}

impl Function {
    fn ask(&self, what: &str) -> Result<(), Failure> {
        self.asked.borrow_mut().push(what.into());
        let asked = self.asked.borrow().len();
        if self.wanted.is_some_and(|wanted| asked > wanted) {
            self.late.set(self.late.get() + 1);
        }
        match self.fails == Some(asked) {
            true => Err(Failure::internal("it fails here")),
            false => Ok(()),
        }
    }

    fn f(&self, input: &[f32], target: Target) -> f32 {
        target.of(&logits(input, self.forgot.get()), false)
    }

    fn note_late(&self) {
        if !self.is_wanted() {
            self.late.set(self.late.get() + 1);
        }
    }
}

impl Oracle for Function {
    fn is_wanted(&self) -> bool {
        let asked = self.asked.borrow().len();
        self.wanted.is_none_or(|wanted| asked < wanted)
    }

    fn put(&self, panel: &Panel) {
        self.note_late();
        self.shown.borrow_mut().append(panel.clone());
    }

    fn open(&self, _: &str, _: &Rc<Explanation>) {
        self.note_late();
    }

    fn wait(&self, _: Phrase) {}

    fn start_clock(&self) {}

    fn progress(&self, done: usize, all: usize, what: Phrase) {
        assert!(done <= all, "{done} of {all}");
        let said = crate::page::part::tests::english(&what);
        self.said.borrow_mut().push(said);
    }

    async fn load(&self, network: &str, forgot: Option<Randomised>) -> Result<(), Failure> {
        self.ask(&format!("load {network}"))?;
        self.forgot.set(forgot.is_some());
        Ok(())
    }

    async fn take_back(&self, of: &Explanation) -> Result<(), Failure> {
        self.ask("take back")?;
        self.forgot.set(false);
        let prepared = &of.prepared;
        self.ends
            .replace([prepared.input.clone(), prepared.baseline.clone()]);
        Ok(())
    }

    async fn keep(&self, ends: [&[f32]; 2]) -> Result<(), Failure> {
        self.ask("keep")?;
        self.ends.replace(ends.map(<[f32]>::to_vec));
        Ok(())
    }

    async fn prepare(&self, baseline: Baseline) -> Result<Prepared, Failure> {
        self.ask("prepare")?;
        Ok(prepared(baseline.colour().unwrap_or([9, 8, 7])))
    }

    async fn look(&self, input: &[f32]) -> Result<Vec<f32>, Failure> {
        self.ask("look")?;
        Ok(logits(input, self.forgot.get()))
    }

    async fn gradients(
        &self,
        target: Target,
        nodes: &Quadrature,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        let ends = self.ends.borrow().clone();
        let [input, baseline] = &ends;
        for (&alpha, &weight) in nodes.alphas.iter().zip(&nodes.step_sizes) {
            self.ask("gradient")?;
            if !self.is_wanted() {
                return Ok(());
            }
            // F is quadratic: its mean gradient over an interval is the one in its middle.
            let back = match nodes.slopes {
                Slopes::Secant => weight / 2.0,
                _ => 0.0,
            };
            let there = interpolate(input, baseline, alpha - back);
            let own = gradient(&there, target.output, self.forgot.get());
            let minus = target
                .minus
                .map(|minus| gradient(&there, minus, self.forgot.get()));
            let value = |k: usize| own[k] - minus.as_ref().map_or(0.0, |minus| minus[k]);
            let gradient: Vec<f32> = (0..own.len()).map(value).collect();
            let slope = gradient.iter().zip(input.iter().zip(baseline));
            take(PartialSum {
                samples: vec![PathSample {
                    alpha,
                    output: self.f(&interpolate(input, baseline, alpha), target),
                    slope: slope.map(|(g, (x, x0))| g * (x - x0)).sum(),
                }],
                gradient_sum: gradient.iter().map(|g| g * weight as f32).collect(),
                starts: 0,
            });
        }
        Ok(())
    }

    async fn cover(
        &self,
        target: Option<Target>,
        regions: &[u16],
        covered: &[Vec<u16>],
        take: impl Fn(usize, &[f32]),
    ) -> Result<(), Failure> {
        for (k, covered) in covered.iter().enumerate() {
            self.ask("cover")?;
            if !self.is_wanted() {
                return Ok(());
            }
            let ends = self.ends.borrow();
            let there = crate::regions::cover(regions, covered, &ends[0], &ends[1]);
            match target {
                Some(target) => take(k, &[self.f(&there, target)]),
                None => take(k, &logits(&there, self.forgot.get())),
            }
        }
        Ok(())
    }

    async fn perturb(
        &self,
        target: Target,
        way: Perturbation,
        order: &[u32],
        counts: &[usize],
        take: impl Fn(usize, f32),
    ) -> Result<(), Failure> {
        for (k, &count) in counts.iter().enumerate() {
            self.ask("perturb")?;
            if !self.is_wanted() {
                return Ok(());
            }
            let ends = self.ends.borrow();
            let (from, to) = match way {
                Perturbation::Deletion => (&ends[0], &ends[1]),
                Perturbation::Insertion => (&ends[1], &ends[0]),
            };
            let mut there = from.clone();
            for &pixel in &order[..count] {
                for at in (0..3).map(|c| c * AREA + pixel as usize) {
                    there[at] = to[at];
                }
            }
            take(k, self.f(&there, target));
        }
        Ok(())
    }

    async fn class_activation(&self, _: Target) -> Result<Option<Places>, Failure> {
        self.ask("class activation")?;
        Ok(Some((1, 2, vec![1.0, 0.0])))
    }

    async fn scene(&self, seed: u64, _: Tag) -> Result<(Vec<u8>, Truth), Failure> {
        self.ask(&format!("scene {seed}"))?;
        let truth = Truth {
            shape: Shape::Disc,
            inside: (0..AREA).map(is_left).collect(),
            tagged: (0..AREA).map(|k| !is_left(k)).collect(),
        };
        Ok((vec![200; 3 * AREA], truth))
    }
}

fn spec() -> ModelSpec {
    ModelSpec::from_name("shapesnet").unwrap().clone()
}

/// A picture that is a little lighter on its left, with a texture, from a baseline of one colour.
fn prepared(baseline: [u8; 3]) -> Prepared {
    let preprocessing = spec().preprocessing;
    let pixel = |k: usize| {
        let light = if is_left(k) { 140 } else { 120 };
        [(light + k / SIZE % 3) as f32; 3]
    };
    let input = preprocessing.planes((0..AREA).map(pixel));
    let baseline = crate::page::plain_picture(baseline, &preprocessing);
    Prepared {
        logits_input: logits(&input, false),
        logits_baseline: logits(&baseline, false),
        input,
        baseline,
        ..Prepared::default()
    }
}

/// The explanation of “the left half is light”, whose attributions add up.
pub(in crate::page) fn explanation() -> Explanation {
    let mut settings = Settings::default();
    settings.set_picture(Some(PictureId::Scene {
        seed: 1,
        tag: Tag::None,
    }));
    settings.output = Some(0);
    let prepared = prepared([0; 3]);
    let ends = [&prepared.logits_baseline, &prepared.logits_input];
    let ends = ends.map(|logits| logits[0]);
    // The gradient is linear along the path: the midpoint's is its mean.
    let middle = interpolate(&prepared.input, &prepared.baseline, 0.5);
    let gradient = gradient(&middle, 0, false);
    let ways = prepared.input.iter().zip(&prepared.baseline).zip(gradient);
    let values: Vec<f32> = ways.map(|((x, x0), g)| (x - x0) * g).collect();
    let sum = values.iter().map(|&v| f64::from(v)).sum();
    Explanation {
        spec: spec(),
        prepared: Rc::new(prepared),
        attributions: Attributions { values, sum },
        ends,
        ..Explanation::for_tests(settings, 51)
    }
}

fn study(of: &Explanation, function: Function) -> Study<Function> {
    let prepared = &of.prepared;
    function
        .ends
        .replace([prepared.input.clone(), prepared.baseline.clone()]);
    Study { oracle: function }
}

fn whatif(of: &Rc<Explanation>) -> RefCell<WhatIf> {
    let brush = Rc::new(RefCell::new(Brush::new("whatif")));
    brush.borrow_mut().reset(of.width());
    RefCell::new(WhatIf::new(of, &brush, Default::default()))
}

/// Runs the study of that name from its beginning to its end.
fn run(name: &str, of: &Rc<Explanation>, study: &Study<Function>) -> Studied {
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
fn cut_short(name: &str, of: &Rc<Explanation>, function: Function) -> (Study<Function>, Studied) {
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
        let all = whole.oracle.asked.borrow().len();
        // Wherever it is cancelled: at the first question, at the last, and between.
        for wanted in [1, all / 3, all - 1].map(|wanted| wanted.max(1)) {
            let function = Function {
                wanted: Some(wanted),
                ..Function::default()
            };
            let (cut, ended) = cut_short(name, &of, function);
            assert_eq!(ended, Err(Ended::Superseded), "{name} at {wanted}");
            assert_eq!(cut.oracle.late.get(), 0, "{name} goes on after {wanted}");
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
            assert_eq!(failed.oracle.asked.borrow().len(), fails, "{name}");
        }
    }
}

#[test]
fn the_smallest_step_that_turns_an_answer_is_found_where_algebra_says() {
    let of = Rc::new(explanation());
    let study = study(&of, Function::default());
    block_on(shake(&study, &of)).unwrap();
    let shown = study.oracle.shown.borrow();
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
        let shown = study.oracle.shown.borrow();
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
        walking.oracle.said.borrow().last().unwrap(),
        "Walking: 8 of 8 gradients"
    );
    let comparing = study(&of, Function::default());
    block_on(compare_steps(&comparing, &of)).unwrap();
    let shown = comparing.oracle.shown.borrow();
    let said = shown.said("steps-compared").unwrap();
    assert!(
        said.contains("to 1.00 after 5 steps and to 1.00 after 50"),
        "{said}"
    );
    // Each number of steps takes only the gradients that were lacking.
    let gradients = comparing.oracle.asked.borrow();
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
    let shown = study.oracle.shown.borrow();
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
    assert!(!study.oracle.forgot.get());
    let shown = study.oracle.shown.borrow();
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
        let asked = study.oracle.asked.borrow();
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
    assert!(asking.oracle.asked.borrow().is_empty());
    let asking = study(&other, Function::default());
    let made = block_on(attributions_by_secants(&asking, &other)).unwrap();
    assert_eq!(asking.oracle.asked.borrow().len(), 1 + 24);
    let sum: f64 = made.iter().map(|&v| f64::from(v)).sum();
    assert!((sum - other.change()).abs() < 1e-4, "{sum}");
    assert_eq!(own.len(), made.len());
    let brush = Rc::new(RefCell::new(Brush::new("ledger-draw")));
    let ledger = OpenLedger::new(&other, made, &brush);
    assert!(ledger.partition().count() >= 1);
}
