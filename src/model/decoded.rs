//! Boxes of detectors that decode them themselves, as the YOLO networks do.

use std::ops::Range;

use super::anchors::suppressed;
use super::{Detection, Rect};

/// The detections that score at least `threshold`, the best first, at most `most`: of each candidate the
/// likeliest class, and of boxes that overlap by more than half the best one, whatever the class.
///
/// A score is the sigmoid of the class logit, times that of there being a thing where the network says
/// so. Of `classes`, those before its start are none to be found, as that there is nothing.
///
/// # Shapes
///
/// `boxes` \[candidates, 4 or 5\]: middle x, y, width and height in pixels of an input of that `size`,
/// \[height, width\], and perhaps the logit of there being a thing; `logits` \[candidates, classes.end\].
pub(super) fn detections(
    boxes: &[f32],
    logits: &[f32],
    classes: Range<usize>,
    size: [usize; 2],
    threshold: f32,
    most: usize,
) -> Vec<Detection> {
    let all = classes.end;
    let candidates = logits.len() / all.max(1);
    let columns = boxes.len() / candidates.max(1);
    if candidates == 0 || columns < 4 || classes.is_empty() {
        return Vec::new();
    }
    let [height, width] = size.map(|side| side as f32);
    let each = boxes.chunks(columns).zip(logits.chunks(all));
    let best = each.enumerate().map(|(candidate, (place, logits))| {
        // Of equal ones the first.
        let likelier = |a: &usize, b: &usize| logits[*a].total_cmp(&logits[*b]);
        let class = classes.clone().rev().max_by(likelier).unwrap_or(0);
        let thing = place.get(4).map_or(1.0, |&logit| sigmoid(logit));
        let [x, y, w, h] = [place[0], place[1], place[2], place[3]];
        Detection {
            output: candidate * all + class,
            class,
            score: thing * sigmoid(logits[class]),
            rect: Rect {
                left: (x - w / 2.0) / width,
                top: (y - h / 2.0) / height,
                right: (x + w / 2.0) / width,
                bottom: (y + h / 2.0) / height,
            },
        }
    });
    suppressed(best, threshold, most)
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_shares_of_the_input_and_scores_products() {
        // Two candidates of which the second is the likelier thing, and a copy of it.
        let boxes = [
            32.0, 16.0, 8.0, 8.0, 0.0, //
            64.0, 48.0, 64.0, 32.0, 2.0, //
            65.0, 48.0, 64.0, 32.0, 1.0,
        ];
        let logits = [1.0, -1.0, 0.5, 3.0, 0.5, 3.0];
        let found = detections(&boxes, &logits, 0..2, [64, 128], 0.1, 9);
        let classes: Vec<_> = found.iter().map(|d| (d.output, d.class)).collect();
        assert_eq!(classes, [(3, 1), (0, 0)]);
        assert!((found[0].score - 0.880_797 * 0.952_574).abs() < 1e-5);
        let whole = Rect {
            left: 0.25,
            top: 0.5,
            right: 0.75,
            bottom: 1.0,
        };
        assert_eq!(found[0].rect, whole);
        // Where the first class is that there is nothing.
        let found = detections(&boxes, &logits, 1..2, [64, 128], 0.1, 9);
        let classes: Vec<_> = found.iter().map(|d| (d.output, d.class)).collect();
        assert_eq!(classes, [(3, 1), (1, 1)]);
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        assert!(detections(&[], &[], 0..3, [64; 2], 0.1, 9).is_empty());
        assert!(detections(&[1.0; 3], &[1.0; 3], 0..3, [64; 2], 0.1, 9).is_empty());
    }
}
