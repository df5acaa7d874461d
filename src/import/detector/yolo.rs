//! Detectors as Ultralytics exports them: boxes, and the raw scores of their classes.
//!
//! YOLOv8, 9, 11 and 12 (and v5 of today) give \[4 + classes, candidates\], YOLOv5 of its own repository
//! \[candidates, 5 + classes\]; in both, boxes are decoded to pixels, for TensorFlow Lite to
//! shares of the picture, and scores went through a sigmoid.
//! They are told by the number of candidates, one or three for each cell of the grids 8, 16, 32 (and
//! 64) pixels wide. The raw scores stand before the sigmoid: it is taken out of the way from output to
//! scores, which otherwise only moves numbers. A suppression of boxes that overlap, or what picks the best
//! in YOLOv10 and 26, stands behind all this and is cut off; whoever shows boxes does it. Where there is one,
//! boxes are given by their corners. Coefficients of masks and keypoints that lie behind the scores are left out; one
//! number is an angle, by which boxes are turned.
//!
//! # Source
//!
//! Ultralytics' `nn/modules/head.py` (`Detect`), `engine/exporter.py`; YOLOv5's `models/yolo.py`.

use violet_graph::{Binary, Builder, Constant, Operation, Unary, ValueId};

use super::{DEEPEST, corners, long, middles, units, unsquashed};
use crate::boxes::{BOXES, SCORES, upright};
use crate::error::Result;
use crate::imported::Detector;

/// Makes boxes and scores the outputs of a detector; of another network, nothing.
pub(super) fn find(
    builder: &mut Builder,
    outputs: &[(String, ValueId)],
    boundary: &[(String, ValueId)],
) -> Result<Option<Detector>> {
    for &(_, id) in outputs {
        if let Some(found) = detector(builder, id)? {
            return Ok(Some(found));
        }
    }
    // What is cut off takes boxes and scores apart; before it they lie side by side.
    for &(_, id) in boundary {
        let mut id = id;
        for _ in 0..DEEPEST {
            if let Some(found) = detector(builder, id)? {
                return Ok(Some(found));
            }
            let inputs = builder.made_by(id).map(|(_, inputs)| inputs);
            let before = inputs.and_then(|inputs| inputs.first());
            match before {
                Some(&before) if builder.known(before).is_none() => id = before,
                _ => break,
            }
        }
    }
    Ok(None)
}

/// Whether a value is a detector's, by its shape, and what it consists of.
fn detector(b: &mut Builder, id: ValueId) -> Result<Option<Detector>> {
    let &[first, second] = long(b, id).as_slice() else {
        return Ok(None);
    };
    let &[.., height, width] = b.shape(b.input()) else {
        return Ok(None);
    };
    // Their inputs are multiples of the widest cell; a handful of candidates would prove nothing.
    if !height.is_multiple_of(32) || !width.is_multiple_of(32) {
        return Ok(None);
    }
    // The image may be [C, H, W] or [H, W, C]; exporters of these make only the first.
    let cells = |last: u32| -> usize {
        let grid = |stride: usize| height.div_ceil(stride) * width.div_ceil(stride);
        (3..=last).map(|power| grid(1 << power)).sum()
    };
    let is = |candidates: usize, each: usize| {
        [5, 6]
            .into_iter()
            .any(|last| candidates == each * cells(last))
    };
    let (columns, places) = match () {
        () if first > 4 && is(second, 1) => (true, 4),
        () if second > 5 && is(first, 3) => (false, 5),
        () => return Ok(None),
    };
    let (raw, found) = unsquashed(b, id, 0)?;
    if !found {
        return Ok(None);
    }
    let by_corners = columns && corners(b, id).is_some();
    let squashed = squashed(b, id);
    let mut rows = b.reshape(raw, &[first as i64, second as i64])?;
    if columns {
        rows = b.transpose(rows, &[1, 0])?;
    }
    let &[_, length] = b.shape(rows) else {
        return Ok(None);
    };
    let most = length - places as usize;
    // Among the five, the logit of there being a thing is squashed with the scores.
    let squashed = squashed.and_then(|count| count.checked_sub(places as usize - 4));
    let classes = squashed
        .filter(|classes| (1..=most).contains(classes))
        .unwrap_or(most);
    let mut boxes = b.slice(rows, &[0], &[places], &[1], &[])?;
    if units::are_shares(b, boxes) {
        let [width, height] = [width as f32, height as f32];
        let sides = Constant::f32(&[4], [width, height, width, height])?;
        let sides = b.constant(sides)?;
        boxes = match places {
            4 => b.binary(Binary::Mul, boxes, sides)?,
            _ => {
                let parts = b.split(boxes, 1, &[4, places - 4])?;
                let pixels = b.binary(Binary::Mul, parts[0], sides)?;
                b.concat(&[pixels, parts[1]], 1)?
            }
        };
    }
    if by_corners {
        boxes = middles(b, boxes, [1.0; 2])?;
    }
    let end = places + classes as i64;
    if columns && length as i64 == end + 1 {
        let angle = b.slice(rows, &[end], &[end + 1], &[1], &[])?;
        let parts = b.split(boxes, 1, &[2, 2])?;
        let size = upright(b, parts[1], angle, 1)?;
        boxes = b.concat(&[parts[0], size], 1)?;
    }
    let scores = b.slice(rows, &[places], &[end], &[1], &[])?;
    b.output(SCORES, scores);
    b.output(BOXES, boxes);
    Ok(Some(Detector {
        boxes: BOXES.into(),
        scores: SCORES.into(),
        classes,
        background: false,
    }))
}

/// How many classes there are: as many as the first part laid side by side that sigmoids make; behind it
/// there may be something else.
fn squashed(b: &Builder, id: ValueId) -> Option<usize> {
    let mut id = id;
    for _ in 0..DEEPEST {
        let (operation, inputs) = b.made_by(id)?;
        if let Operation::Concat { axis } = operation {
            let sigmoid = |&&id: &&ValueId| {
                matches!(b.made_by(id), Some((Operation::Unary(Unary::Sigmoid), _)))
            };
            if let Some(&scores) = inputs.iter().find(sigmoid) {
                return Some(b.shape(scores)[*axis]);
            }
        } else if !matches!(
            operation,
            Operation::Reshape { .. } | Operation::Transpose { .. }
        ) {
            return None;
        }
        id = *inputs.first()?;
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;
    use violet_graph::{Graph, Padding, Reference, Sliding};

    const SIDE: usize = 64;
    const CLASSES: usize = 3;

    /// A grid of cells so wide, each with so many numbers: \[channels, cells\].
    fn grid(b: &mut Builder, stride: usize, channels: usize) -> ValueId {
        let values = (0..3 * channels).map(|k| (k as f32 * 0.7 + stride as f32).sin());
        let weight = Constant::f32(&[channels, 3, 1, 1], values.collect::<Vec<_>>()).unwrap();
        let weight = b.constant(weight).unwrap();
        let sliding = Sliding {
            stride: [stride; 2],
            padding: Padding::Valid,
            ..Sliding::default()
        };
        let x = b.convolution(b.input(), weight, None, &sliding, 1).unwrap();
        b.reshape(x, &[1, channels as i64, -1]).unwrap()
    }

    fn sigmoid(b: &mut Builder, x: ValueId) -> ValueId {
        b.unary(Unary::Sigmoid, x).unwrap()
    }

    /// About a place, in pixels.
    fn placed(b: &mut Builder, x: ValueId) -> ValueId {
        let place = b.number(SIDE as f32 / 2.0).unwrap();
        b.binary(Binary::Add, x, place).unwrap()
    }

    /// Pixels as shares of the picture.
    fn shares(b: &mut Builder, x: ValueId) -> ValueId {
        let side = b.number(1.0 / SIDE as f32).unwrap();
        b.binary(Binary::Mul, x, side).unwrap()
    }

    /// As YOLOv8: \[1, 4 + classes, candidates\].
    fn columns(b: &mut Builder) -> ValueId {
        columns_in(b, |_, boxes| boxes)
    }

    /// As it is for TensorFlow Lite.
    fn columns_of_shares(b: &mut Builder) -> ValueId {
        columns_in(b, shares)
    }

    fn columns_in(b: &mut Builder, unit: fn(&mut Builder, ValueId) -> ValueId) -> ValueId {
        let grids: Vec<ValueId> = [8, 16, 32]
            .map(|stride| grid(b, stride, 4 + CLASSES))
            .into();
        let all = b.concat(&grids, 2).unwrap();
        let parts = b.split(all, 1, &[4, CLASSES as i64]).unwrap();
        let (boxes, scores) = (placed(b, parts[0]), sigmoid(b, parts[1]));
        let boxes = unit(b, boxes);
        b.concat(&[boxes, scores], 1).unwrap()
    }

    /// As YOLOv5: \[1, candidates, 5 + classes\].
    fn rows(b: &mut Builder) -> ValueId {
        let all: Vec<ValueId> = [8, 16, 32]
            .map(|stride| {
                let each = 5 + CLASSES as i64;
                let x = grid(b, stride, 3 * each as usize);
                let x = b.reshape(x, &[1, 3, each, -1]).unwrap();
                let x = b.transpose(x, &[0, 1, 3, 2]).unwrap();
                let x = sigmoid(b, x);
                let parts = b.split(x, 3, &[2, 2, each - 4]).unwrap();
                let middle = placed(b, parts[0]);
                let size = placed(b, parts[1]);
                let x = b.concat(&[middle, size, parts[2]], 3).unwrap();
                b.reshape(x, &[1, -1, each]).unwrap()
            })
            .into();
        b.concat(&all, 1).unwrap()
    }

    /// Outputs by name on one picture, \[candidates, n\].
    fn computed(graph: &Graph) -> Vec<(String, Vec<f64>)> {
        let picture: Vec<f64> = (0..3 * SIDE * SIDE).map(|k| (k as f64).cos()).collect();
        let values = Reference::new(graph).outputs(&picture).unwrap();
        let names = graph.outputs().iter().map(|output| output.name.clone());
        names.zip(values).collect()
    }

    #[test]
    fn boxes_are_in_pixels_and_scores_raw_in_both_forms_and_behind_a_suppression() {
        for (form, places, cut, unit) in [
            (columns as fn(&mut Builder) -> ValueId, 4, false, 1.0),
            (columns_of_shares, 4, false, SIDE as f64),
            (columns, 4, true, 1.0),
            (rows, 5, false, 1.0),
        ] {
            let mut b = Builder::new(&[1, 3, SIDE, SIDE]).unwrap();
            let whole = form(&mut b);
            let (mut outputs, mut boundary) = (vec![("output0".into(), whole)], Vec::new());
            if cut {
                // A suppression is given the scores' largest and turned boxes.
                let turned = b.transpose(whole, &[0, 2, 1]).unwrap();
                let scores = b.slice(turned, &[4], &[99], &[2], &[]).unwrap();
                boundary = vec![("scores".into(), scores)];
                outputs.clear();
            }
            let found = find(&mut b, &outputs, &boundary).unwrap().unwrap();
            assert_eq!(found.classes, CLASSES);
            b.output("output0", whole);
            let computed = computed(&b.finish().unwrap());
            let of = |name: &str| &computed.iter().find(|(n, _)| n == name).unwrap().1;
            let (scores, boxes, whole) = (of("scores"), of("boxes"), of("output0"));
            let candidates = scores.len() / CLASSES;
            for candidate in 0..candidates {
                let length = 4 + CLASSES + (places - 4);
                let at = |k: usize| match places {
                    4 => whole[k * candidates + candidate],
                    _ => whole[candidate * length + k],
                };
                for k in 0..4 {
                    assert_eq!(boxes[candidate * places + k], unit * at(k));
                }
                for class in 0..CLASSES {
                    let raw = scores[candidate * CLASSES + class];
                    let squashed = 1.0 / (1.0 + (-raw).exp());
                    assert!((squashed - at(places + class)).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn turned_boxes_become_the_upright_ones_about_them() {
        let mut b = Builder::new(&[1, 3, SIDE, SIDE]).unwrap();
        let upright = columns(&mut b);
        let grids: Vec<ValueId> = [8, 16, 32].map(|stride| grid(&mut b, stride, 1)).into();
        let angle = b.concat(&grids, 2).unwrap();
        let whole = b.concat(&[upright, angle], 1).unwrap();
        let outputs = [("output0".to_owned(), whole)];
        let found = find(&mut b, &outputs, &[]).unwrap().unwrap();
        assert_eq!(found.classes, CLASSES);
        b.output("output0", whole);
        let computed = computed(&b.finish().unwrap());
        let of = |name: &str| &computed.iter().find(|(n, _)| n == name).unwrap().1;
        let (boxes, whole) = (of("boxes"), of("output0"));
        let candidates = boxes.len() / 4;
        let mut boxes_seen = 0;
        for (candidate, found) in boxes.chunks(4).enumerate() {
            let at = |k: usize| whole[k * candidates + candidate];
            let [x, y, width, height] = [0, 1, 2, 3].map(at);
            // These numbers are no network's: some sides are shorter than nothing.
            if width <= 0.0 || height <= 0.0 {
                continue;
            }
            boxes_seen += 1;
            // The four corners, turned about the middle.
            let (sin, cos) = at(4 + CLASSES).sin_cos();
            let sides = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
            let corners = sides.map(|(u, v)| (u * width / 2.0, v * height / 2.0));
            let across = corners.map(|(u, v)| u * cos - v * sin);
            let down = corners.map(|(u, v)| u * sin + v * cos);
            let reach = |places: [f64; 4]| 2.0 * places.into_iter().fold(0.0, f64::max);
            let expected = [x, y, reach(across), reach(down)];
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        }
        assert!(boxes_seen > 3);
    }

    #[test]
    fn what_only_has_the_shape_is_no_detector() {
        let mut b = Builder::new(&[1, 3, SIDE, SIDE]).unwrap();
        let grids: Vec<ValueId> = [8, 16, 32].map(|stride| grid(&mut b, stride, 7)).into();
        let all = b.concat(&grids, 2).unwrap();
        assert_eq!(find(&mut b, &[("x".into(), all)], &[]).unwrap(), None);
        let features = grid(&mut b, 8, 7);
        assert_eq!(find(&mut b, &[("x".into(), features)], &[]).unwrap(), None);
    }
}
