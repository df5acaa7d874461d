//! Teachable Machine's own export: a TensorFlow.js model with a `metadata.json` beside it.
//!
//! # Source
//!
//! `@teachablemachine/image` 0.8 (`custom-mobilenet.ts`, `utils/tf.ts`, `utils/canvas.ts`): the
//! middle square of the picture, value / 127 − 1, grey as 0.2989 R + 0.587 G + 0.114 B.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::File;
use crate::imported::{ChannelOrder, Framing, Imported, Note, Options, Scaling};
use crate::tfjs;

/// Weights of red, green and blue in grey.
const GREY: [f32; 3] = [0.2989, 0.5870, 0.1140];

/// The `metadata.json` of a Teachable Machine export among files.
pub(crate) fn metadata(files: &[File]) -> Option<Value> {
    let file = files.iter().find(|file| file.is_named("metadata.json"))?;
    let metadata: Value = serde_json::from_slice(&file.bytes).ok()?;
    let ours = |name: &str| !metadata[name].is_null();
    let own = ours("tmVersion") || ours("packageName") && ours("labels");
    // Sounds have a metadata.json of their own kind.
    (own || ours("wordLabels")).then_some(metadata)
}

/// Reads an export: `model.json`, and `metadata` as it was found beside it with the weights.
///
/// # Errors
///
/// [`Error::NotAPicture`] of a model of poses or sounds; else any [`Error`].
pub(crate) fn import(
    model_json: &[u8],
    metadata: &Value,
    beside: &[File],
    options: &Options,
) -> Result<Imported> {
    let json = tfjs::read(model_json)?;
    check_kind(metadata, &json)?;
    let mut imported = tfjs::layers(&json, beside, options)?;
    let labels = metadata["labels"].as_array().into_iter().flatten();
    imported.labels = labels
        .filter_map(|label| label.as_str().map(str::to_owned))
        .collect();
    let input = &mut imported.input;
    input.scaling = Some(Scaling::uniform(1.0 / 127.0, -1.0));
    input.framing = Some(Framing::Crop);
    match input.channels {
        1 => input.grey_weights = Some(GREY),
        _ => input.channel_order = Some(ChannelOrder::Rgb),
    }
    if let Some(version) = metadata["tmVersion"].as_str() {
        imported.producer = format!("Teachable Machine {version}");
    }
    Ok(imported)
}

/// Takes what the Keras and TensorFlow Lite files of Teachable Machine do not say from the code
/// that the site shows beside their download: `(image / 127.5) - 1`, of the middle square
/// (`ImageOps.fit`).
pub(crate) fn assume(imported: &mut Imported) {
    let input = &mut imported.input;
    input.scaling = Some(Scaling::uniform(1.0 / 127.5, -1.0));
    input.framing = Some(Framing::Crop);
    input.channel_order = (input.channels == 3).then_some(ChannelOrder::Rgb);
    imported.notes.push(Note::AssumedScaling {
        exporter: "Teachable Machine",
        rule: "value / 127.5 − 1, of the middle square",
    });
}

/// Refuses a project that does not take pictures, before its weights are asked for.
fn check_kind(metadata: &Value, json: &Value) -> Result<()> {
    let package = metadata["packageName"].as_str().unwrap_or_default();
    let settings = &metadata["modelSettings"];
    let found = if package.contains("pose") || !settings["posenet"].is_null() {
        "what another network (PoseNet) says of a person's joints: this is a pose project of \
         Teachable Machine"
    } else if package.contains("speech")
        || package.contains("audio")
        || !json["wordLabels"].is_null()
        || !metadata["wordLabels"].is_null()
    {
        "the spectrum of a sound: this is an audio project of Teachable Machine"
    } else {
        return Ok(());
    };
    Err(Error::NotAPicture {
        input: "input".into(),
        found: found.into(),
        advice: "Train an image project and export that, “Tensorflow.js”, “Download”.",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As the three kinds of project are exported.
    #[test]
    fn poses_and_sounds_are_refused_with_what_to_do() {
        let pose = json!({
            "tmVersion": "2.4.5", "packageName": "@teachablemachine/pose", "labels": ["up", "down"],
            "modelSettings": { "posenet": { "architecture": "MobileNetV1" } },
        });
        let sound = json!({
            "tfjsSpeechCommandsVersion": "0.4.0", "modelName": "TMv2", "wordLabels": ["Background Noise", "clap"],
        });
        for (metadata, kind) in [(pose, "pose project"), (sound, "audio project")] {
            let file = File::new("metadata.json", metadata.to_string());
            let Some(found) = super::metadata(&[file]) else {
                panic!("{kind}: no export of Teachable Machine");
            };
            let sentence = match check_kind(&found, &json!({})) {
                Err(error) => error.to_string(),
                Ok(()) => String::new(),
            };
            assert!(
                sentence.contains(kind) && sentence.contains("Train an image project"),
                "{kind}: {sentence}"
            );
        }
        let image = json!({ "tmVersion": "2.4.5", "packageName": "@teachablemachine/image", "labels": ["a"] });
        assert_eq!(check_kind(&image, &json!({})), Ok(()));
    }
}
