//! What a detector says → boxes, scores, and none twice.

use super::{Detection, Rect};

/// Classes of COCO as TensorFlow numbers them, with the background (0) and unused numbers.
pub const CLASSES: usize = 91;
/// Anchors of SSDLite at 300 × 300 pixels.
pub const ANCHORS: usize = 1917;

/// Boxes overlapping more than this count as the same thing: TensorFlow.js' `coco-ssd` uses its
/// smallest score for it, which is ½ unless told otherwise.
const LARGEST_OVERLAP: f32 = 0.5;

/// One feature map's anchors.
#[derive(Debug)]
pub(super) struct Grid {
    /// Cells along each side.
    pub side: usize,
    /// Anchors in each cell.
    pub anchors: usize,
}

impl Grid {
    pub(super) const fn cells(&self) -> usize {
        self.side * self.side
    }
}

const fn grid(side: usize, anchors: usize) -> Grid {
    Grid { side, anchors }
}

pub(super) const GRIDS: [Grid; 6] = [
    grid(19, 3),
    grid(10, 6),
    grid(5, 6),
    grid(3, 6),
    grid(2, 6),
    grid(1, 6),
];

/// Smallest and largest anchor as a share of the image: `ssdlite_mobilenet_v2_coco`'s
/// `ssd_anchor_generator`.
const SCALES: [f32; 2] = [0.2, 0.95];

/// Centre y, centre x, height and width of every anchor, in the order of the outputs.
///
/// # Source
///
/// Liu et al. 2016 (arXiv 1512.02325), section 2.2; TensorFlow's `multiple_grid_anchor_generator`
/// with `reduce_boxes_in_lowest_layer`.
pub fn anchors() -> Vec<[f32; 4]> {
    let last = GRIDS.len() - 1;
    let scale = |k: usize| match k {
        k if k > last => 1.0,
        k => SCALES[0] + (SCALES[1] - SCALES[0]) * k as f32 / last as f32,
    };
    let mut anchors = Vec::with_capacity(ANCHORS);
    for (k, grid) in GRIDS.iter().enumerate() {
        let shapes = if k == 0 {
            vec![(0.1, 1.0), (scale(0), 2.0), (scale(0), 0.5)]
        } else {
            let ratios = [1.0, 2.0, 0.5, 3.0, 0.333_3];
            let between = (scale(k) * scale(k + 1)).sqrt();
            let ratios = ratios.iter().map(|&ratio| (scale(k), ratio));
            ratios.chain([(between, 1.0)]).collect()
        };
        for cell in 0..grid.cells() {
            let centre = |k: usize| (k as f32 + 0.5) / grid.side as f32;
            let (y, x) = (centre(cell / grid.side), centre(cell % grid.side));
            anchors.extend(shapes.iter().map(|&(scale, ratio): &(f32, f32)| {
                [y, x, scale / ratio.sqrt(), scale * ratio.sqrt()]
            }));
        }
    }
    anchors
}

/// A box encoding (dy, dx, dh, dw) around its anchor.
///
/// # Source
///
/// Ren et al. 2015 (arXiv 1506.01497), equation 2; scale factors 10, 10, 5, 5 as in TensorFlow's
/// `faster_rcnn_box_coder`.
fn decode([dy, dx, dh, dw]: [f32; 4], [y, x, height, width]: [f32; 4]) -> Rect {
    let (y, x) = (y + dy / 10.0 * height, x + dx / 10.0 * width);
    let half_height = height * (dh / 5.0).exp() / 2.0;
    let half_width = width * (dw / 5.0).exp() / 2.0;
    Rect {
        left: x - half_width,
        top: y - half_height,
        right: x + half_width,
        bottom: y + half_height,
    }
}

/// Every anchor's box, from flat encodings \[anchors · 4\].
pub fn decode_boxes(encodings: &[f32]) -> Vec<Rect> {
    let (encodings, _) = encodings.as_chunks::<4>();
    let pairs = encodings.iter().zip(anchors());
    pairs
        .map(|(&encoding, anchor)| decode(encoding, anchor))
        .collect()
}

/// The detections that score at least `threshold`, the best first, at most `most`: of each anchor
/// the likeliest class, and of boxes that overlap by more than half the best one.
///
/// A higher threshold gives the same list, cut off earlier.
///
/// # Shapes
///
/// `encodings` \[anchors · 4\], `logits` \[anchors · classes\].
///
/// # Source
///
/// TensorFlow.js' `coco-ssd` 2.2.3: the best class first, then suppression whatever the class.
pub fn detections(
    encodings: &[f32],
    logits: &[f32],
    threshold: f32,
    most: usize,
) -> Vec<Detection> {
    let rects = decode_boxes(encodings);
    let (anchors, _) = logits.as_chunks::<CLASSES>();
    let best = anchors
        .iter()
        .zip(&rects)
        .enumerate()
        .map(|(anchor, (logits, &rect))| {
            let likelier = |a: &usize, b: &usize| logits[*a].total_cmp(&logits[*b]);
            // Class 0 is the background; of equals TensorFlow.js takes the first.
            let class = (1..CLASSES).rev().max_by(likelier).unwrap_or(1);
            Detection {
                output: anchor * CLASSES + class,
                class,
                score: 1.0 / (1.0 + (-logits[class]).exp()),
                rect,
            }
        });
    suppressed(best, threshold, most)
}

/// The candidates that score at least `threshold`, the best first, at most `most`, and of those that
/// overlap by more than half the best one.
pub(super) fn suppressed(
    candidates: impl Iterator<Item = Detection>,
    threshold: f32,
    most: usize,
) -> Vec<Detection> {
    let mut candidates: Vec<Detection> = candidates.filter(|d| d.score >= threshold).collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for candidate in candidates {
        if kept.len() == most {
            break;
        }
        let twice = |other: &Detection| other.rect.overlap(candidate.rect) > LARGEST_OVERLAP;
        if !kept.iter().any(twice) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of −9 everywhere but at (anchor, class).
    fn logits(high: &[(usize, usize, f32)]) -> Vec<f32> {
        let mut logits = vec![-9.0; ANCHORS * CLASSES];
        for &(anchor, class, logit) in high {
            logits[anchor * CLASSES + class] = logit;
        }
        logits
    }

    #[test]
    fn there_is_an_anchor_for_every_output() {
        let total: usize = GRIDS.iter().map(|grid| grid.cells() * grid.anchors).sum();
        assert_eq!((total, anchors().len()), (ANCHORS, ANCHORS));
    }

    #[test]
    fn no_encoding_gives_the_anchor_itself() {
        let rects = decode_boxes(&[0.0; ANCHORS * 4]);
        let [y, x, height, width] = anchors()[ANCHORS - 1];
        let rect = rects[ANCHORS - 1];
        assert!((rect.top - (y - height / 2.0)).abs() < 1e-6);
        assert!((rect.right - (x + width / 2.0)).abs() < 1e-6);
    }

    #[test]
    fn of_two_that_overlap_the_better_stays_whatever_the_class() {
        // The last cell's first and last anchors are squares of nearly the same size.
        let (first, last) = (ANCHORS - 6, ANCHORS - 1);
        let logits = logits(&[(first, 3, 1.0), (last, 5, 2.0), (0, 7, 0.5)]);
        let found = detections(&[0.0; ANCHORS * 4], &logits, 0.5, 20);
        let classes: Vec<usize> = found.iter().map(|d| d.class).collect();
        assert_eq!(classes, [5, 7]);
        assert_eq!(found[0].output, last * CLASSES + 5);
    }

    #[test]
    fn a_higher_threshold_only_cuts_the_list() {
        let high: Vec<_> = (0..60)
            .map(|k| (k * 31, 1 + k % 90, k as f32 / 10.0 - 3.0))
            .collect();
        let logits = logits(&high);
        let all = detections(&[0.0; ANCHORS * 4], &logits, 0.05, 100);
        let some = detections(&[0.0; ANCHORS * 4], &logits, 0.6, 100);
        assert!(!some.is_empty() && some.len() < all.len());
        assert_eq!(some, all[..some.len()]);
    }

    #[test]
    fn the_background_is_never_found() {
        let found = detections(&[0.0; ANCHORS * 4], &logits(&[(4, 0, 9.0)]), 0.1, 20);
        assert!(found.is_empty());
    }
}
