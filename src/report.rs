//! Results as files that other programs read: the same from the page and from the command line.

use serde::Serialize;

use crate::attribution::Scores;
use crate::mask::reduce_absolute;
use crate::model::{Detection, Rect, Scale};

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
    /// Steps from baseline to photo.
    pub n_steps: usize,
    /// Positions on the path.
    pub alphas: Vec<f64>,
    /// Their weights; they sum to 1.
    pub step_sizes: Vec<f64>,
    /// Backward passes.
    pub gradient_evaluations: usize,
    /// Forward passes besides.
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
    /// Of a detection, and the attributions for it, flat \[3, side, side\].
    pub fn of(detection: &Detection, attributions: &[f32], side: usize) -> Self {
        let inside = detection.rect.covers(side);
        Self {
            score: detection.score,
            rect: detection.rect,
            mass_inside: Scores::of(&reduce_absolute(attributions), &inside).mass_inside,
        }
    }
}

/// A float32 array \[3, side, side\] as the bytes of NumPy's format.
///
/// # Errors
///
/// None in memory; the writer's signature has one.
pub fn npy(values: &[f32]) -> std::io::Result<Vec<u8>> {
    use npyz::WriterBuilder;
    let side = (values.len() / 3).isqrt() as u64;
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[3, side, side])
        .writer(&mut bytes)
        .begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npy_says_shape_and_type_and_holds_the_values() -> std::io::Result<()> {
        let bytes = npy(&[1.0; 12])?;
        assert!(bytes.starts_with(b"\x93NUMPY"));
        let head = String::from_utf8_lossy(&bytes);
        assert!(
            head.contains("'<f4'") && head.contains("(3, 2, 2"),
            "{head}"
        );
        assert_eq!(bytes[bytes.len() - 4..], 1.0f32.to_le_bytes());
        Ok(())
    }
}
