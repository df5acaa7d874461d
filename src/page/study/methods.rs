//! Methods side by side, judged on one photo: what others make of it, and what several scores say
//! of each. The scores disagree, which is shown.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::rivals::{Candidate, Maker, dropped, one_by_one};
use super::{Desk, Studied, Study};
use crate::attribution::{
    Perturbation, Scores, area_under, grid, order_of, patch_sums, rank_correlation, sparseness,
};
use crate::model::Randomised;
use crate::page::{Explanation, Panel, Part, Picture, part, plate};
use crate::words::{Phrase, decimal, phrase};

/// Patches along a side whose single deletions judge the maps.
const JUDGED: usize = 4;
/// Shares of the pixels that are exchanged: this many steps from none to all.
const STEPS: usize = 10;

/// What is better.
#[derive(Clone, Copy, PartialEq)]
enum Better {
    More,
    Less,
}

/// A map's scores: what each is called, its value, and what is better.
type Scored = Vec<(Phrase, f64, Better)>;

/// Every method's map, by the network as it is and by one that has forgotten a part, and their
/// scores, of a path that is kept; `guess` is what the class has painted on the photo. What is said
/// at the end.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn compare_methods<D: Desk>(
    study: &Study<D>,
    explanation: &Rc<Explanation>,
    guess: Option<&[bool]>,
) -> Studied<Phrase> {
    let mut cleared = Panel::new();
    cleared
        .holds("methods-list", [])
        .says("methods-note", Phrase::nothing());
    study.desk.put(&cleared);
    study.desk.open("methods", explanation);
    let candidates = Maker::new(study, explanation, guess, true).all().await?;
    let forgot = Some(Randomised::LastQuarter);
    study.load(&explanation.spec.name, forgot).await?;
    let prepared = &explanation.prepared;
    study.keep([&prepared.input, &prepared.baseline]).await?;
    let forgetful = Maker::new(study, explanation, guess, false).all().await?;
    let pairs = candidates.iter().zip(&forgetful);
    let likeness = pairs.map(|(a, b)| rank_correlation(&a.map, &b.map));
    let likeness: Vec<f64> = likeness.collect();
    study.asked(study.desk.take_back(explanation)).await?;
    judge(study, explanation, &candidates, &likeness).await?;
    Ok(phrase!("Done: the methods are side by side."))
}

/// Scores every map, shows it, and says which is best by which score.
async fn judge<D: Desk>(
    study: &Study<D>,
    explanation: &Explanation,
    candidates: &[Candidate],
    forgetful: &[f64],
) -> Studied {
    let pixels = explanation.prepared.input.len() / 3;
    let target = explanation.target;
    let all = JUDGED * JUDGED + candidates.len() * 2 * (STEPS + 1);
    let done = Cell::new(0);
    let step = || {
        done.set(done.get() + 1);
        let sentence = phrase!("Judging: {done} of {all}", done = done.get(), all = all);
        study.desk.progress(done.get(), all, sentence);
    };
    study.desk.start_clock();
    let labels = grid(pixels.isqrt(), JUDGED);
    let single = one_by_one(JUDGED * JUDGED);
    let outputs = study.cover(Some(target), &labels, &single, step).await?;
    let drops = dropped(&outputs, explanation.ends[1]);
    let counts: Vec<usize> = (0..=STEPS).map(|k| k * pixels / STEPS).collect();
    let truth = explanation.truth.as_ref();
    let truth = truth.filter(|truth| truth.inside.len() == pixels);
    let mut scores = Vec::new();
    for (candidate, &likeness) in candidates.iter().zip(forgetful) {
        let order = order_of(&candidate.map);
        let mut areas = [0.0; 2];
        let ways = [Perturbation::Deletion, Perturbation::Insertion];
        for (area, way) in areas.iter_mut().zip(ways) {
            let curve = RefCell::new(vec![0.0; counts.len()]);
            let take = |k: usize, output: f32| {
                curve.borrow_mut()[k] = f64::from(output);
                step();
            };
            study.perturb(target, way, &order, &counts, take).await?;
            *area = area_under(&curve.into_inner());
        }
        let map = &candidate.map;
        let alone = rank_correlation(&patch_sums(map, &labels), &drops);
        let mut of_this = vec![
            (phrase!("deletion"), areas[0], Better::Less),
            (phrase!("insertion"), areas[1], Better::More),
            (phrase!("single deletions"), alone, Better::More),
            (phrase!("sparseness"), sparseness(map), Better::More),
            (phrase!("last quarter forgot"), likeness, Better::Less),
        ];
        if let Some(truth) = truth {
            let inside = Scores::of(map, &truth.inside).mass_inside;
            of_this.push((phrase!("on the shape"), inside, Better::More));
        }
        let card = card(explanation, candidate, scores.len(), &of_this);
        study.desk.put(Panel::new().adds("methods-list", card));
        scores.push(of_this);
    }
    let titles = candidates.iter().map(|candidate| &candidate.title);
    study
        .desk
        .put(&judged(&titles.collect::<Vec<_>>(), &scores));
    Ok(())
}

/// Where the score of a method stands.
fn place(method: usize, score: usize) -> String {
    format!("methods-{method}-{score}")
}

/// A card: the map over the photo, and its scores.
fn card(explanation: &Explanation, candidate: &Candidate, number: usize, scores: &Scored) -> Part {
    let preprocessing = &explanation.spec.preprocessing;
    let picture = Picture::Glow {
        photo: preprocessing.rgba(&explanation.prepared.input),
        map: candidate.map.clone(),
        width: explanation.width(),
    };
    let line = |(k, (name, score, _)): (usize, &(Phrase, f64, Better))| {
        let words = phrase!(
            "{name} {score}",
            name = name.clone(),
            score = decimal(*score, 2)
        );
        let id = place(number, k);
        part("span").class("score").set("id", id).says(words)
    };
    let title = part("strong").says(candidate.title.clone());
    part("li")
        .with([plate(picture), title])
        .with(scores.iter().enumerate().map(line))
}

/// Which method is best by a score: of several, the first.
fn best(scores: &[Scored], score: usize) -> Option<usize> {
    let value = |k: usize| {
        let (_, value, better) = &scores[k][score];
        if *better == Better::More {
            *value
        } else {
            -value
        }
    };
    (0..scores.len()).max_by(|&a, &b| value(a).total_cmp(&value(b)).then(b.cmp(&a)))
}

/// The best of each score is marked, and which they are is said: that they disagree is the lesson.
fn judged(titles: &[&Phrase], scores: &[Scored]) -> Panel {
    let mut panel = Panel::new();
    for score in 0..scores.first().map_or(0, Vec::len) {
        if let Some(winner) = best(scores, score) {
            panel.class(place(winner, score), "best", true);
        }
    }
    let title = |score: usize| {
        let winner = best(scores, score).and_then(|k| titles.get(k));
        winner.map_or_else(Phrase::nothing, |title| (*title).clone())
    };
    let winners = [0, 1, 2].map(title);
    let verdict = if winners.windows(2).all(|pair| pair[0] == pair[1]) {
        phrase!(
            "On this photo {method} is best by deletion, by insertion and by single deletions. On another photo it need not be.",
            method = winners[0].clone(),
        )
    } else {
        phrase!(
            "Best by deletion: {a}. By insertion: {b}. By single deletions: {c}. The scores disagree: each asks another question, and none is the truth.",
            a = winners[0].clone(),
            b = winners[1].clone(),
            c = winners[2].clone(),
        )
    };
    panel.says("methods-note", verdict);
    panel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::part::tests::english;

    fn scores(deletion: f64, insertion: f64, alone: f64) -> Scored {
        vec![
            (phrase!("deletion"), deletion, Better::Less),
            (phrase!("insertion"), insertion, Better::More),
            (phrase!("single deletions"), alone, Better::More),
        ]
    }

    #[test]
    fn scores_that_disagree_are_said_to() {
        let (a, b) = (phrase!("IDGI"), phrase!("Occlusion"));
        let said = |scores: &[Scored]| judged(&[&a, &b], scores).said("methods-note").unwrap();
        let apart = [scores(1.0, 2.0, 0.1), scores(2.0, 3.0, 0.2)];
        assert!(
            said(&apart).starts_with("Best by deletion: IDGI. By insertion: Occlusion."),
            "{}",
            said(&apart)
        );
        let one = [scores(2.0, 2.0, 0.1), scores(1.0, 3.0, 0.2)];
        assert!(said(&one).starts_with("On this photo Occlusion is best"));
        let panel = judged(&[&a, &b], &apart);
        assert_eq!(panel.is_of("methods-0-0", "best"), Some(true));
        assert_eq!(panel.is_of("methods-1-1", "best"), Some(true));
        assert_eq!(panel.is_of("methods-0-1", "best"), None);
        assert_eq!(english(&a), "IDGI");
        // Of equals the first.
        assert_eq!(
            best(&[scores(1.0, 1.0, 1.0), scores(1.0, 1.0, 1.0)], 1),
            Some(0)
        );
    }
}
