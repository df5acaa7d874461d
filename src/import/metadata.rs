//! What a file's `metadata_props` say about pictures and classes.
//!
//! Two writers say something: Ultralytics (`names`, `imgsz`, `task`, `stride`) and Windows ML
//! (`Image.BitmapPixelFormat`, `Image.NominalPixelRange`). Lists of class names are found under a
//! few names that people use.
//!
//! Sources: `ultralytics/engine/exporter.py`; Windows ML, “Image feature descriptor”, and
//! `docs/MetadataProps.md` of ONNX.

use violet_labels::{Literal, yaml};

use crate::imported::{ChannelOrder, Framing, InputKind, Note, Scaling};

/// Keys under which people put the names of classes.
const LABELS: [&str; 6] = [
    "names",
    "labels",
    "classes",
    "class_names",
    "categories",
    "id2label",
];

/// What was said.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) labels: Vec<String>,
    /// Height and width.
    pub(crate) size: Option<[usize; 2]>,
    channel_order: Option<ChannelOrder>,
    scaling: Option<Scaling>,
    framing: Option<Framing>,
    pub(crate) notes: Vec<Note>,
}

impl Metadata {
    /// Reads the properties of a file.
    pub(crate) fn read(properties: &[(&str, &str)]) -> Self {
        let mut metadata = Self::default();
        // YOLOv5 writes no author, but nobody else writes a stride beside names.
        let has = |key: &str| properties.iter().any(|&(name, _)| name == key);
        let mut is_ultralytics = has("stride") && has("names");
        let mut task = "";
        for &(key, value) in properties {
            let understood = match key {
                _ if LABELS.contains(&key.to_ascii_lowercase().as_str()) => metadata.labels(value),
                "imgsz" => metadata.size(value),
                "task" => {
                    task = value;
                    true
                }
                "author" => {
                    is_ultralytics |= value.eq_ignore_ascii_case("ultralytics");
                    true
                }
                "Image.BitmapPixelFormat" => metadata.pixel_format(value),
                "Image.NominalPixelRange" => metadata.pixel_range(value),
                // Colours of photos are sRGB everywhere here.
                "Image.ColorSpaceGamma" => value.eq_ignore_ascii_case("SRGB"),
                _ => true,
            };
            if !understood {
                let note = Note::NotUnderstood {
                    key: key.into(),
                    value: shortened(value),
                };
                metadata.notes.push(note);
            }
        }
        if is_ultralytics {
            // Its predictors feed RGB from 0 to 1; detectors get bars, classifiers a crop.
            metadata.channel_order = Some(ChannelOrder::Rgb);
            metadata.scaling = Some(Scaling::uniform(1.0 / 255.0, 0.0));
            metadata.framing = match task {
                "classify" => Some(Framing::Crop),
                _ => Some(Framing::Pad),
            };
        }
        metadata
    }

    /// Reads the properties of a dictionary, in JSON or as Python's `str()` writes it; of anything else, none.
    pub(crate) fn of_dictionary(text: &str) -> Self {
        Self::of(Literal::parse(text))
    }

    /// Reads the properties of a dictionary in YAML; of anything else, none.
    pub(crate) fn of_yaml(text: &str) -> Self {
        Self::of(yaml::parse(text))
    }

    fn of(dictionary: Option<Literal>) -> Self {
        let said = dictionary.as_ref().map(Literal::entries);
        let said = said.unwrap_or_default();
        let said: Vec<(&str, &str)> = said.iter().map(|(key, value)| (*key, &**value)).collect();
        Self::read(&said)
    }

    /// Says of an input what the file says; what is known of it already stays.
    pub(crate) fn apply(&self, input: &mut InputKind) {
        if input.channels == 3 {
            input.channel_order = input.channel_order.or(self.channel_order);
        }
        input.framing = input.framing.or(self.framing);
        if input.scaling.is_none() {
            input.scaling.clone_from(&self.scaling);
        }
    }

    fn labels(&mut self, value: &str) -> bool {
        let plain = || {
            let lines = value.split(['\n', ',']).map(|name| name.trim().to_owned());
            let names: Vec<String> = lines.filter(|name| !name.is_empty()).collect();
            (names.len() > 1).then_some(names)
        };
        let literal = Literal::parse(value);
        // What begins like a list and is none is no text either.
        let labels = match &literal {
            Some(literal) => literal.labels(),
            None if value.trim_start().starts_with(['[', '{', '(']) => None,
            None => plain(),
        };
        let found = labels.is_some();
        if let Some(labels) = labels {
            self.labels = labels;
        }
        found
    }

    fn size(&mut self, value: &str) -> bool {
        let sides = match Literal::parse(value) {
            Some(Literal::Number(side)) => Some(vec![side as usize; 2]),
            literal => literal.and_then(|literal| literal.integers()),
        };
        self.size = sides.and_then(|sides| match sides[..] {
            [height, width] if height > 0 && width > 0 => Some([height, width]),
            _ => None,
        });
        self.size.is_some()
    }

    fn pixel_format(&mut self, value: &str) -> bool {
        self.channel_order = match value.to_ascii_lowercase().as_str() {
            "rgb8" | "rgba8" => Some(ChannelOrder::Rgb),
            "bgr8" | "bgra8" => Some(ChannelOrder::Bgr),
            "gray8" => return true,
            _ => return false,
        };
        true
    }

    fn pixel_range(&mut self, value: &str) -> bool {
        let (scale, offset) = match value.to_ascii_lowercase().as_str() {
            "nominalrange_0_255" => (1.0, 0.0),
            "normalized_0_1" => (1.0 / 255.0, 0.0),
            "normalized_1_1" => (2.0 / 255.0, -1.0),
            "nominalrange_16_235" => (219.0 / 255.0, 16.0),
            _ => return false,
        };
        self.scaling = Some(Scaling::uniform(scale, offset));
        true
    }
}

/// The beginning of a long value, for a sentence.
fn shortened(value: &str) -> String {
    const LENGTH: usize = 60;
    match value.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imported::Layout;

    fn input() -> InputKind {
        InputKind::new("images", Layout::Planes, [3, 640, 640])
    }

    #[test]
    fn ultralytics_says_names_size_and_framing() {
        let metadata = Metadata::read(&[
            ("author", "Ultralytics"),
            ("task", "detect"),
            ("stride", "32"),
            ("imgsz", "[480, 640]"),
            ("names", "{0: 'person', 1: 'bicycle'}"),
        ]);
        assert_eq!(metadata.labels, ["person", "bicycle"]);
        assert_eq!(metadata.size, Some([480, 640]));
        let mut input = input();
        metadata.apply(&mut input);
        assert_eq!(input.channel_order, Some(ChannelOrder::Rgb));
        assert_eq!(input.framing, Some(Framing::Pad));
        assert_eq!(input.scaling, Some(Scaling::uniform(1.0 / 255.0, 0.0)));
        assert_eq!(metadata.notes, []);
    }

    #[test]
    fn windows_ml_says_order_and_range() {
        let metadata = Metadata::read(&[
            ("Image.BitmapPixelFormat", "Bgr8"),
            ("Image.ColorSpaceGamma", "SRGB"),
            ("Image.NominalPixelRange", "NominalRange_0_255"),
        ]);
        let mut input = input();
        metadata.apply(&mut input);
        assert_eq!(input.channel_order, Some(ChannelOrder::Bgr));
        assert_eq!(input.scaling, Some(Scaling::uniform(1.0, 0.0)));
        assert_eq!(input.framing, None);
        assert_eq!(metadata.notes, []);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let metadata = Metadata::read(&[
            ("Image.NominalPixelRange", "Infinite"),
            ("names", "{0: 'a', 7: 'b'}"),
            ("whatever", "…"),
        ]);
        let keys: Vec<&str> = metadata
            .notes
            .iter()
            .map(|note| match note {
                Note::NotUnderstood { key, .. } => key.as_str(),
                _ => "",
            })
            .collect();
        assert_eq!(keys, ["Image.NominalPixelRange", "names"]);
        assert!(metadata.labels.is_empty());
    }

    #[test]
    fn lines_and_commas_are_labels_too() {
        assert_eq!(
            Metadata::read(&[("labels", "cat\ndog\n")]).labels,
            ["cat", "dog"]
        );
        assert_eq!(
            Metadata::read(&[("classes", "cat, dog")]).labels,
            ["cat", "dog"]
        );
        assert_eq!(Metadata::read(&[("Labels", r#"["cat"]"#)]).labels, ["cat"]);
    }
}
