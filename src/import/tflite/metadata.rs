//! What a TensorFlow Lite file says of pictures and classes: the metadata inside of it, and the
//! files that are appended to it as a zip archive.
//!
//! # Source
//!
//! `tflite-support`'s `metadata_schema.fbs`, identifier M001.

use super::flatbuffer::{Buffer, Table};
use crate::error::Result;

/// What is said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metadata {
    /// The network's name.
    pub(super) name: String,
    /// Mean and standard deviation of each channel, or of all: (value − mean) / deviation.
    pub(super) normalisation: Option<[Vec<f32>; 2]>,
    /// What the input is, if it is no picture.
    pub(super) input: Content,
    /// Names of the files that label the outputs.
    pub(super) label_files: Vec<String>,
}

/// What an input is (`ContentProperties`, `ColorSpaceType`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// It does not say.
    #[default]
    Unknown,
    /// A picture in colour.
    Rgb,
    /// A picture in grey.
    Grey,
    /// Sound.
    Audio,
}

/// Labels of an axis (`TENSOR_AXIS_LABELS`), and of values (`TENSOR_VALUE_LABELS`).
const LABELS: [i8; 2] = [2, 3];
/// `ProcessUnitOptions::NormalizationOptions`.
const NORMALISATION: u8 = 1;
/// `ContentProperties`: `ImageProperties` and `AudioProperties`.
const IMAGE: u8 = 2;
const AUDIO: u8 = 4;

impl Metadata {
    /// Reads the buffer that is called `TFLITE_METADATA`.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub(super) fn read<'a>(buffer: &'a Buffer<'a>) -> Result<Self> {
        let root = buffer.root()?;
        let mut metadata = Self {
            name: root.text(0)?,
            ..Self::default()
        };
        let graphs = root.tables(3)?;
        if graphs.len() == 0 {
            return Ok(metadata);
        }
        let graph = graphs.table(0)?;
        if let Some(input) = graph.tables(2)?.iter().next() {
            metadata.read_input(input?)?;
        }
        for output in graph.tables(3)?.iter().take(16) {
            for file in output?.tables(6)?.iter().take(16) {
                let file = file?;
                if LABELS.contains(&file.number::<i8>(2, 0)?) {
                    metadata.label_files.push(file.text(0)?);
                }
            }
        }
        Ok(metadata)
    }

    fn read_input(&mut self, input: Table<'_>) -> Result<()> {
        if let Some(content) = input.table(3)? {
            self.input = match content.number::<u8>(0, 0)? {
                IMAGE => match content.table(1)? {
                    Some(image) if image.number::<i8>(0, 0)? == 2 => Content::Grey,
                    Some(image) if image.number::<i8>(0, 0)? == 1 => Content::Rgb,
                    _ => Content::Unknown,
                },
                AUDIO => Content::Audio,
                _ => Content::Unknown,
            };
        }
        for unit in input.tables(4)?.iter().take(16) {
            let unit = unit?;
            if unit.number::<u8>(0, 0)? == NORMALISATION
                && let Some(options) = unit.table(1)?
            {
                let (mean, deviation) = (options.numbers(0)?, options.numbers(1)?);
                let usable = !mean.is_empty()
                    && mean.len() == deviation.len()
                    && deviation.iter().all(|&d: &f32| d.is_finite() && d != 0.0)
                    && mean.iter().all(|m: &f32| m.is_finite());
                if usable {
                    self.normalisation = Some([mean, deviation]);
                }
            }
        }
        Ok(())
    }
}
