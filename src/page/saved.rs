//! What can be saved of an explanation, by the names that index.html has for it.

use super::explanation::Explanation;
use super::settings::View;
use crate::protocol::Failure;
use crate::report::npy;

/// A file, or a page to print.
#[derive(Debug, Clone, PartialEq)]
pub enum Saved {
    /// Views of the photo beside each other, a PNG.
    Picture(&'static str, &'static [View]),
    /// These bytes.
    Bytes(&'static str, Vec<u8>),
    /// A handout, which is printed.
    Handout,
}

impl Explanation {
    /// What is saved under that name.
    ///
    /// # Errors
    ///
    /// Only where numbers cannot be written as JSON.
    pub fn saved(&self, what: &str) -> Result<Saved, Failure> {
        Ok(match what {
            "mask" => Saved::Picture("mask.png", &[View::Mask]),
            "overlay" => Saved::Picture("overlay.png", &[View::Overlay]),
            "both" => Saved::Picture("photo-and-overlay.png", &[View::Original, View::Overlay]),
            "handout" => Saved::Handout,
            "attributions" => {
                let bytes = npy(&self.attributions.values, self.spec.preprocessing.size());
                Saved::Bytes("attributions.npy", bytes)
            }
            _ => {
                let text = serde_json::to_string_pretty(&self.report());
                let text = text.map_err(|error| Failure::internal(&error.to_string()))?;
                Saved::Bytes("report.json", (text + "\n").into_bytes())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn numbers_are_saved_as_numpy_and_json_read_them() {
        let explanation = Explanation::for_tests(Settings::default(), 51);
        let bytes = |what| match explanation.saved(what) {
            Ok(Saved::Bytes(_, bytes)) => bytes,
            other => panic!("{what}: {other:?}"),
        };
        assert!(bytes("attributions").starts_with(b"\x93NUMPY"));
        let report: serde_json::Value = serde_json::from_slice(&bytes("report")).expect("JSON");
        assert_eq!(report["model"], explanation.spec.name.as_ref());
        let both = explanation.saved("both");
        assert!(matches!(
            both,
            Ok(Saved::Picture(_, [View::Original, View::Overlay]))
        ));
    }
}
