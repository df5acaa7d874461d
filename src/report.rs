//! Results as files that other programs read: the same from the page and from the command line.

use serde::Serialize;

use crate::attribution::Scores;
use crate::mask::reduce_absolute;
use crate::model::{Detection, Rect, Scale};
use crate::regions::RegionReport;

/// `report.json`. Outputs and attributions are on the explained class' `scale`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was explained: a path, or what the page knows of it.
    pub photo: String,
    /// The model's name.
    pub model: String,
    /// The explained output's index.
    pub target: usize,
    /// Its class.
    pub label: String,
    /// Logit or probability.
    pub scale: Scale,
    /// The class that it is explained against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The detector's box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#box: Option<FoundBox>,
    /// Softmax of a classifier's logits, or sigmoid of a detector's, 0..=1.
    pub probability: f32,
    /// F(x).
    pub output_input: f32,
    /// F(x').
    pub output_baseline: f32,
    /// Sum of all attributions.
    pub attribution_sum: f64,
    /// Σ attributions − (F(x) − F(x')).
    pub convergence_delta: f64,
    /// The integration rule's name.
    pub rule: String,
    /// The baseline's name.
    pub baseline: String,
    /// Steps from baseline to photo: of auto, the secants that count.
    pub n_steps: usize,
    /// Positions on the path: of secants, where they end.
    pub alphas: Vec<f64>,
    /// Their weights; they sum to 1.
    pub step_sizes: Vec<f64>,
    /// The estimated relative L2 error of the attributions; nothing, where the rule has no estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_error_estimate: Option<f64>,
    /// What the network saw, cut into regions by colour, and what the attributions of each come to, signs included.
    /// Together they are the attributions' sum.
    pub regions: Vec<RegionReport>,
    /// Passes forward and back.
    pub gradient_evaluations: usize,
    /// Passes only forward: of photo and baseline, and wherever secants began that none had led to.
    pub forward_evaluations: usize,
    /// The attribution that the mask shows at full strength.
    pub mask_full_scale: f32,
    /// From photo to mask.
    pub elapsed_ms: u64,
    /// "cpu" or "gpu".
    pub device: String,
    /// Threads or workers.
    pub threads: usize,
}

/// A detector's box in the report.
#[derive(Debug, Serialize)]
pub struct FoundBox {
    /// Sigmoid of its logit, 0..=1.
    pub score: f32,
    /// Edges as shares of the photo's width and height.
    pub rect: Rect,
    /// Share of the attributions' absolute values inside the box.
    pub mass_inside: f64,
}

impl FoundBox {
    /// Of a detection, and the attributions for it, flat \[3, H, W\].
    pub fn of(detection: &Detection, attributions: &[f32], size: [usize; 2]) -> Self {
        let inside = detection.rect.covers(size);
        Self {
            score: detection.score,
            rect: detection.rect,
            mass_inside: Scores::of(&reduce_absolute(attributions), &inside).mass_inside,
        }
    }
}

/// A float32 array \[C, H, W\] as the bytes of NumPy's format; `size` is H and W.
///
/// # Source
///
/// NumPy's `numpy.lib.format`, version 1.0: magic, version, length of the header, and a header in Python's
/// notation, filled with spaces to a multiple of 64 bytes.
pub fn npy(values: &[f32], size: [usize; 2]) -> Vec<u8> {
    const BEFORE_HEADER: usize = 10;
    let [height, width] = size;
    let channels = values.len() / (height * width);
    let shape = format!("({channels}, {height}, {width})");
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (BEFORE_HEADER + header.len() + 1).next_multiple_of(64) - BEFORE_HEADER;
    header += &" ".repeat(length - 1 - header.len());
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    // Two numbers of at most twenty digits keep it far below 65536.
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npy_says_shape_and_type_and_holds_the_values() {
        let bytes = npy(&[1.0; 12], [2, 2]);
        // `numpy.save(file, numpy.ones((3, 2, 2), "float32"))`
        let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        expected.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 2), }");
        expected.resize(127, b' ');
        expected.push(b'\n');
        expected.extend([1.0f32; 12].iter().flat_map(|v| v.to_le_bytes()));
        assert_eq!(bytes, expected);
        let wide = npy(&[1.0; 12], [1, 4]);
        assert!(String::from_utf8_lossy(&wide).contains("'shape': (3, 1, 4)"));
    }
}
