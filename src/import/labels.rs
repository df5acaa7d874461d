//! Names of classes that lie beside a network.

use serde_json::Value;
use violet_labels::Literal;
pub use violet_labels::of_file;
pub(crate) use violet_labels::read;

use crate::files::File;

/// The names in the first of these files that looks as if it named classes.
pub fn beside(files: &[File]) -> Option<Vec<String>> {
    let is_text = |file: &&File| {
        let name = file.base_name().to_ascii_lowercase();
        let text = [".txt", ".names", ".labels", ".csv"]
            .iter()
            .any(|end| name.ends_with(end));
        let json = name.ends_with(".json")
            && ["label", "class", "index", "categor"]
                .iter()
                .any(|part| name.contains(part));
        text || json || violet_labels::is_yaml(&name)
    };
    let mut texts: Vec<&File> = files.iter().filter(is_text).collect();
    // Of several, the one that says what it is.
    texts.sort_by_key(|file| {
        let name = file.base_name().to_ascii_lowercase();
        !(name.contains("label") || name.contains("class"))
    });
    let named = texts
        .into_iter()
        .find_map(|file| of_file(&file.name, &file.bytes));
    named.or_else(|| configured(files))
}

/// Those that Hugging Face's or timm's description of a network has.
fn configured(files: &[File]) -> Option<Vec<String>> {
    let config = files.iter().filter(|file| file.is_named("config.json"));
    let config = config.min_by_key(|file| file.depth())?;
    let config: Value = serde_json::from_slice(&config.bytes).ok()?;
    let named = ["id2label", "label2id", "label_names"].iter();
    let mut named = named
        .map(|key| &config[key])
        .filter(|value| !value.is_null());
    named.find_map(|value| Literal::parse(&value.to_string())?.labels())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_says_so_is_taken() {
        let files = [
            File::new("requirements.txt", "numpy"),
            File::new("folder/Labels.txt", "0 a\n1 b"),
            File::new("model.json", "[]"),
        ];
        assert_eq!(beside(&files).unwrap(), ["a", "b"]);
        assert!(beside(&files[2..]).is_none());
        let files = [
            File::new("args.yaml", "task: detect\nnames: null\n"),
            File::new("data.yaml", "nc: 2\nnames:\n  0: a\n  1: b\n"),
        ];
        assert_eq!(beside(&files).unwrap(), ["a", "b"]);
        for config in [
            r#"{"id2label": {"1": "b", "0": "a"}, "label2id": {"x": 0}}"#,
            r#"{"architecture": "resnet18", "label_names": ["a", "b"]}"#,
        ] {
            let files = [File::new("config.json", config)];
            assert_eq!(beside(&files).unwrap(), ["a", "b"]);
        }
    }
}
