//! Detectors that give boxes and scores apart: SSD as PyTorch's users export it, UltraFace, and what came
//! from them.
//!
//! Boxes \[candidates, 4\] are two corners, about a middle that is some constant place and a little more,
//! and so told from any other four numbers; whether they are shares of the image or pixels is told by
//! how far those places reach. Scores \[candidates, classes\] end in a softmax, whose first class is that
//! there is nothing, or in sigmoids.
//!
//! A softmax is one sigmoid for each class: of z_c − log Σ_{k≠c} exp z_k, the logarithm of its odds. With that
//! as score nobody needs to know what stood there.
//!
//! # Source
//!
//! UltraFace's and `pytorch-ssd`'s `vision/ssd/ssd.py` and `vision/utils/box_utils.py`.

use violet_graph::{Binary, Builder, Operation, Reduction, ValueId};

use super::{DEEPEST, corners, largest, long, middles, unsquashed};
use crate::boxes::{BOXES, SCORES};
use crate::error::Result;
use crate::imported::Detector;

/// Fewer are no candidates.
const FEWEST: usize = 32;
/// Numbers that the odds of all classes are made of, at most.
const MOST: usize = 1 << 22;
/// Places within the image that are shares of it reach so far at most.
const SHARES: f32 = 2.0;

pub(super) fn find(b: &mut Builder, outputs: &[(String, ValueId)]) -> Result<Option<Detector>> {
    for &(_, boxes) in outputs {
        let &[candidates @ (FEWEST..), 4] = long(b, boxes).as_slice() else {
            continue;
        };
        let Some(reach) = corners(b, boxes)
            .and_then(|found| Some(found.scale * reach(b, found.middle, candidates, 0)?))
        else {
            continue;
        };
        for &(_, scores) in outputs {
            if let Some(scores) = odds(b, scores, candidates)? {
                return Ok(Some(detector(
                    b,
                    outputs,
                    [boxes, scores.value],
                    reach,
                    scores,
                )?));
            }
        }
    }
    Ok(None)
}

/// Logarithms of odds, \[candidates, classes\].
struct Odds {
    value: ValueId,
    classes: usize,
    background: bool,
}

fn detector(
    b: &mut Builder,
    outputs: &[(String, ValueId)],
    [boxes, scores]: [ValueId; 2],
    reach: f32,
    odds: Odds,
) -> Result<Detector> {
    let unit = match reach <= SHARES {
        true => size(b),
        false => [1.0; 2],
    };
    let rows = b.reshape(boxes, &[-1, 4])?;
    let boxes = middles(b, rows, unit)?;
    let name = |usual: &str| match outputs.iter().any(|(name, _)| name == usual) {
        true => format!("{usual} found"),
        false => usual.to_owned(),
    };
    let found = Detector {
        boxes: name(BOXES),
        scores: name(SCORES),
        classes: odds.classes,
        background: odds.background,
    };
    b.output(&found.scores, scores);
    b.output(&found.boxes, boxes);
    // What the file has stays to choose from.
    for (name, id) in outputs {
        b.output(name, *id);
    }
    Ok(found)
}

/// Width and height of the image.
fn size(b: &Builder) -> [f32; 2] {
    match *b.shape(b.input()) {
        [.., height, width, 1 | 3] | [.., height, width] => [width as f32, height as f32],
        _ => [1.0; 2],
    }
}

/// How far the constant places reach that a middle is told from: the largest of as many numbers that
/// something is added to.
fn reach(b: &Builder, id: ValueId, candidates: usize, depth: usize) -> Option<f32> {
    let (operation, inputs) = b.made_by(id).filter(|_| depth < DEEPEST)?;
    if let Operation::Binary(Binary::Add) = operation {
        let known = inputs.iter().filter_map(|&id| b.known(id));
        let places = known.into_iter().find(|k| k.elements() >= 2 * candidates);
        if let Some(places) = places {
            return Some(largest(places));
        }
    }
    let mut inputs = inputs.iter();
    inputs.find_map(|&id| reach(b, id, candidates, depth + 1))
}

/// The logarithm of the odds of each class, if a value is probabilities of as many candidates.
fn odds(b: &mut Builder, id: ValueId, candidates: usize) -> Result<Option<Odds>> {
    let classes = match *long(b, id).as_slice() {
        [rows] if rows == candidates => 1,
        [rows, classes] if rows == candidates => classes,
        _ => return Ok(None),
    };
    let rows = [candidates as i64, classes as i64];
    let mut end = id;
    while let Some((Operation::Reshape { .. }, &[before])) = b.made_by(end) {
        end = before;
    }
    if let Some((&Operation::Softmax { axis }, &[logits])) = b.made_by(end) {
        let shape = b.shape(logits);
        let last = axis + 1 == shape.len() && shape[axis] == classes;
        let few = candidates.saturating_mul(classes * classes) <= MOST;
        if !last || !few || classes < 2 {
            return Ok(None);
        }
        let logits = b.reshape(logits, &rows)?;
        // Of each class all the others.
        let others: Vec<i64> = (0..classes)
            .flat_map(|class| (0..classes).filter(move |&other| other != class))
            .map(|other| other as i64)
            .collect();
        let others = b.gather(logits, 1, &others, &[classes, classes - 1])?;
        let others = match classes {
            2 => b.reshape(others, &rows)?,
            _ => b.reduce(Reduction::LogSumExp, others, &[2], false)?,
        };
        let value = b.binary(Binary::Sub, logits, others)?;
        return Ok(Some(Odds {
            value,
            classes,
            background: true,
        }));
    }
    let (raw, squashed) = unsquashed(b, id, 0)?;
    if !squashed {
        return Ok(None);
    }
    let value = b.reshape(raw, &rows)?;
    Ok(Some(Odds {
        value,
        classes,
        background: false,
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;
    use violet_graph::{Constant, Padding, Reference, Sliding, Unary};

    const SIDE: usize = 48;
    const CANDIDATES: usize = 36;

    /// A convolution whose windows are 8 pixels wide: rows of so many numbers, one for each of 36 places.
    fn rows(b: &mut Builder, numbers: usize) -> ValueId {
        let weights = (0..numbers * 192).map(|k| (0.37 * k as f32).sin() / 4.0);
        let weight = Constant::f32(&[numbers, 3, 8, 8], weights.collect::<Vec<_>>()).unwrap();
        let weight = b.constant(weight).unwrap();
        let sliding = Sliding {
            stride: [8; 2],
            padding: Padding::Valid,
            ..Sliding::default()
        };
        let x = b.convolution(b.input(), weight, None, &sliding, 1).unwrap();
        let x = b.transpose(x, &[0, 2, 3, 1]).unwrap();
        b.reshape(x, &[1, -1, numbers as i64]).unwrap()
    }

    /// Corners about places that are shares of the image or pixels, as `box_utils.py` makes them.
    fn boxes(b: &mut Builder, unit: f32) -> ValueId {
        let places = (0..2 * CANDIDATES).map(|k| unit * (k / 2 * (k % 2 + 1) % 37) as f32 / 37.0);
        let places = Constant::f32(&[1, CANDIDATES, 2], places.collect::<Vec<_>>()).unwrap();
        let places = b.constant(places).unwrap();
        let x = rows(b, 4);
        let x = b.affine(x, 0.1 * unit, 0.0).unwrap();
        let parts = b.split(x, 2, &[2, 2]).unwrap();
        let middle = b.binary(Binary::Add, parts[0], places).unwrap();
        let size = b.unary(Unary::Exp, parts[1]).unwrap();
        let whole = b.concat(&[middle, size], 2).unwrap();
        let corner = |b: &mut Builder, binary| {
            let middle = b.slice(whole, &[0], &[2], &[2], &[]).unwrap();
            let size = b.slice(whole, &[2], &[4], &[2], &[]).unwrap();
            let half = b.affine(size, 0.5, 0.0).unwrap();
            b.binary(binary, middle, half).unwrap()
        };
        let corners = [corner(b, Binary::Sub), corner(b, Binary::Add)];
        b.concat(&corners, 2).unwrap()
    }

    fn values(b: Builder, names: &[&str]) -> Vec<Vec<f64>> {
        let graph = b.finish().unwrap();
        let picture: Vec<f64> = (0..3 * SIDE * SIDE).map(|k| (k as f64).cos()).collect();
        let run = Reference::new(&graph).outputs(&picture).unwrap();
        let at = |name: &&str| {
            graph
                .outputs()
                .iter()
                .position(|o| o.name == *name)
                .unwrap()
        };
        names.iter().map(|name| run[at(name)].clone()).collect()
    }

    #[test]
    fn corners_become_middles_and_a_softmax_the_sigmoids_of_its_odds() {
        for (classes, unit) in [(2, 1.0), (4, 1.0), (3, SIDE as f32)] {
            let mut b = Builder::new(&[1, 3, SIDE, SIDE]).unwrap();
            let logits = rows(&mut b, classes);
            let scores = b.softmax(logits, 2).unwrap();
            let boxes = boxes(&mut b, unit);
            let outputs = [("scores".to_owned(), scores), ("places".to_owned(), boxes)];
            let found = find(&mut b, &outputs).unwrap().unwrap();
            assert_eq!((found.classes, found.background), (classes, true));
            // The file's own keep their names.
            assert_eq!([&*found.scores, &*found.boxes], ["scores found", "boxes"]);
            let made = values(b, &["scores found", "boxes", "scores", "places"]);
            for (odds, probability) in made[0].iter().zip(&made[2]) {
                assert!((1.0 / (1.0 + (-odds).exp()) - probability).abs() < 1e-12);
            }
            let pixels = SIDE as f64 / f64::from(unit);
            let ((middles, _), (corners, _)) = (made[1].as_chunks::<4>(), made[3].as_chunks::<4>());
            for ([x, y, width, height], [left, top, right, bottom]) in middles.iter().zip(corners) {
                for (found, expected) in [
                    (x - width / 2.0, left),
                    (y - height / 2.0, top),
                    (x + width / 2.0, right),
                    (y + height / 2.0, bottom),
                ] {
                    assert!(
                        (found - expected * pixels).abs() < 1e-9,
                        "{found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn sigmoids_are_taken_off_and_four_other_numbers_are_no_boxes() {
        let mut b = Builder::new(&[1, 3, SIDE, SIDE]).unwrap();
        let logits = rows(&mut b, 1);
        let scores = b.unary(Unary::Sigmoid, logits).unwrap();
        let boxes = boxes(&mut b, 1.0);
        let others = rows(&mut b, 4);
        let outputs = |boxes| [("s".to_owned(), scores), ("b".to_owned(), boxes)];
        assert_eq!(find(&mut b, &outputs(others)).unwrap(), None);
        let found = find(&mut b, &outputs(boxes)).unwrap().unwrap();
        assert_eq!((found.classes, found.background), (1, false));
        b.output("raw", logits);
        let made = values(b, &["scores", "raw"]);
        assert_eq!(made[0], made[1]);
    }
}
