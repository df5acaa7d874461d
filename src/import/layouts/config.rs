//! What Hugging Face's files beside weights say: `config.json` of the network, and `preprocessor_config.json` of what
//! its pictures are made of; timm's `config.json` says both.
//!
//! # Source
//!
//! transformers' `configuration_utils.py`, `image_processing_*.py` and, of before 2023, `feature_extraction_*.py`;
//! timm's `models/_hub.py`.

use serde_json::Value;

use super::layers::{Act, Pad};
use crate::error::{Error, Result};
use crate::files::File;
use crate::imported::{ChannelOrder, Filter, Framing, Scaling};

/// From here on ConvNeXt's pictures are squashed and not cropped.
const SQUASHED_FROM: f64 = 384.0;
/// The largest side that is believed.
const MOST: usize = 1 << 12;

/// What both files say, as far as they are there.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    network: Value,
    pictures: Value,
}

/// How pictures are made, as far as it is said.
#[derive(Debug, Clone, Default)]
pub(super) struct Pictures {
    pub(super) size: Option<[usize; 2]>,
    pub(super) scaling: Option<Scaling>,
    pub(super) framing: Option<Framing>,
    pub(super) filter: Option<Filter>,
    pub(super) channel_order: Option<ChannelOrder>,
}

impl Config {
    /// What lies beside weights. Where several folders came together, that of the outermost.
    pub(super) fn beside(files: &[File]) -> Self {
        let read = |name: &str| {
            let named = files.iter().filter(|file| file.is_named(name));
            let file = named.min_by_key(|file| file.depth());
            file.and_then(|file| serde_json::from_slice(&file.bytes).ok())
                .unwrap_or_default()
        };
        Self {
            network: read("config.json"),
            pictures: read("preprocessor_config.json"),
        }
    }

    /// What is said of the network; of one that sees and reads, of the part that sees.
    fn said(&self, key: &str) -> &Value {
        match &self.network[key] {
            Value::Null => &self.network["vision_config"][key],
            said => said,
        }
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.said(key).as_u64().map(|number| number as usize)
    }

    /// In how many parts the channels attend.
    pub(super) fn heads(&self) -> Option<usize> {
        self.number("num_attention_heads")
            .filter(|&heads| heads > 0)
    }

    /// ε of layer normalisation.
    pub(super) fn epsilon(&self) -> Option<f32> {
        let epsilon = self.said("layer_norm_eps").as_f64();
        epsilon.map(|epsilon| epsilon as f32)
    }

    /// How a network that came from TensorFlow is padded.
    pub(super) fn pad(&self) -> Pad {
        match self.network["tf_padding"] == false {
            true => Pad::Half,
            false => Pad::Tensorflow,
        }
    }

    /// The side of windows.
    pub(super) fn window(&self) -> Option<usize> {
        self.number("window_size")
    }

    /// The side of windows that the weights of one of its stages came from, if it is not its own.
    pub(super) fn pretrained_window(&self, stage: usize) -> Option<usize> {
        let side = self.network["pretrained_window_sizes"][stage].as_u64();
        side.filter(|&side| side > 0).map(|side| side as usize)
    }

    /// As timm calls the network.
    pub(super) fn architecture(&self) -> Option<&str> {
        self.network["architecture"].as_str()
    }

    /// Whether each class is by itself.
    pub(super) fn is_multi_label(&self) -> bool {
        self.network["problem_type"] == "multi_label_classification"
    }

    /// Whether what comes out are numbers and no scores.
    pub(super) fn is_regression(&self) -> bool {
        self.network["problem_type"] == "regression"
    }

    /// The function within the layers.
    ///
    /// # Errors
    ///
    /// [`Error::ChangedLayer`] if it is not known.
    pub(super) fn act(&self) -> Result<Option<Act>> {
        let Some(name) = self.said("hidden_act").as_str() else {
            return Ok(None);
        };
        Ok(Some(match name {
            "gelu" | "gelu_python" => Act::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Act::GeluTanh,
            "relu" => Act::Relu,
            "relu6" => Act::Relu6,
            "silu" | "swish" => Act::Silu,
            "quick_gelu" => Act::QuickGelu,
            "tanh" => Act::Tanh,
            "sigmoid" => Act::Sigmoid,
            "leaky_relu" => Act::LeakyRelu(0.01),
            _ => return Err(changed("hidden_act", format!("“{name}”"))),
        }))
    }

    /// That nothing is otherwise than usual which weights do not show: whether the first stage halves the image as
    /// RegNet's does, ResNet's does not.
    ///
    /// # Errors
    ///
    /// [`Error::ChangedLayer`] if something is.
    pub(super) fn check(&self, first_stage_halves: bool) -> Result<()> {
        for (key, usual) in [
            ("downsample_in_first_stage", first_stage_halves),
            ("downsample_in_bottleneck", false),
        ] {
            if self.network[key] == !usual {
                return Err(changed(key, (!usual).to_string()));
            }
        }
        Ok(())
    }

    /// How pictures are made.
    pub(super) fn pictures(&self) -> Pictures {
        let mut pictures = match &self.network["pretrained_cfg"] {
            timm @ Value::Object(_) => of_timm(timm),
            _ => of_processor(&self.pictures),
        };
        let fits = |size: &[usize; 2]| size.iter().all(|side| (1..=MOST).contains(side));
        pictures.size = pictures.size.filter(fits);
        pictures
    }
}

fn changed(layer: &str, found: String) -> Error {
    Error::ChangedLayer {
        layer: layer.into(),
        found,
    }
}

/// Three numbers, or fewer of a grey picture.
fn channels(value: &Value) -> Option<Vec<f64>> {
    let list = value.as_array()?.iter().map(Value::as_f64);
    let list: Vec<f64> = list.collect::<Option<_>>()?;
    (matches!(list.len(), 1 | 3) && list.iter().all(|v| v.is_finite())).then_some(list)
}

/// (factor · value − mean) / std.
fn scaling(factor: f64, mean: &[f64], std: &[f64]) -> Option<Scaling> {
    let fits = mean.len() == std.len() && std.iter().all(|&std| std > 0.0);
    let pairs = || mean.iter().zip(std);
    fits.then(|| Scaling {
        scale: std.iter().map(|std| (factor / std) as f32).collect(),
        offset: pairs().map(|(mean, std)| (-mean / std) as f32).collect(),
    })
}

fn filter(resample: &Value) -> Option<Filter> {
    // Pillow's numbers; timm's words.
    match (resample.as_u64(), resample.as_str()) {
        (Some(2), _) | (_, Some("bilinear")) => Some(Filter::Bilinear),
        (Some(3), _) | (_, Some("bicubic")) => Some(Filter::Bicubic),
        _ => None,
    }
}

fn of_timm(timm: &Value) -> Pictures {
    let both = channels(&timm["mean"]).zip(channels(&timm["std"]));
    let side = |axis: usize| timm["input_size"][axis].as_u64().map(|n| n as usize);
    let size = side(1).zip(side(2)).map(|(height, width)| [height, width]);
    let share = timm["crop_pct"].as_f64().filter(|&share| share > 0.0);
    let framing =
        size.zip(share).map(
            |([height, width], share)| match timm["crop_mode"] == "squash" {
                true => Framing::Squash,
                false => Framing::ResizeThenCrop((height.min(width) as f64 / share).floor() as u32),
            },
        );
    Pictures {
        size,
        scaling: both.and_then(|(mean, std)| scaling(1.0 / 255.0, &mean, &std)),
        framing,
        filter: filter(&timm["interpolation"]),
        channel_order: None,
    }
}

fn of_processor(processor: &Value) -> Pictures {
    if !processor.is_object() {
        return Pictures::default();
    }
    let says = |key: &str, usual: bool| processor[key].as_bool().unwrap_or(usual);
    // EfficientNet's, for a network with its head, divides by the deviation twice.
    let named = processor["image_processor_type"].as_str();
    let of_efficientnet = named.is_some_and(|name| name.starts_with("EfficientNet"));
    let deviation = |std: Vec<f64>| -> Vec<f64> {
        let twice = of_efficientnet && says("include_top", true);
        let power = if twice { 2 } else { 1 };
        std.into_iter().map(|std| std.powi(power)).collect()
    };
    let factor = match says("do_rescale", true) {
        true => processor["rescale_factor"].as_f64().unwrap_or(1.0 / 255.0),
        false => 1.0,
    };
    let scaling = match says("do_normalize", true) {
        true => {
            let both = channels(&processor["image_mean"]).zip(channels(&processor["image_std"]));
            both.and_then(|(mean, std)| scaling(factor, &mean, &deviation(std)))
        }
        false => Some(Scaling::uniform(factor as f32, 0.0)),
    };
    let rectangle = |value: &Value| {
        let side = |name: &str| value[name].as_u64().map(|side| side as usize);
        let both = side("height").zip(side("width"));
        let square = value.as_u64().map(|side| (side as usize, side as usize));
        both.or(square).map(|(height, width)| [height, width])
    };
    let size = &processor["size"];
    let cropped = says("do_center_crop", false).then(|| rectangle(&processor["crop_size"]));
    let shortest = size["shortest_edge"].as_u64().map(|side| side as f64);
    // ConvNeXt's takes more than it keeps.
    let share = processor["crop_pct"].as_f64().filter(|&share| share > 0.0);
    let shortest = match (shortest, share) {
        (None, Some(_)) => size.as_u64().map(|side| side as f64),
        (shortest, _) => shortest,
    };
    let square = shortest.map(|side| [side as usize; 2]);
    let (size, framing) = match (shortest, share, cropped.flatten()) {
        _ if !says("do_resize", true) => (cropped.flatten(), None),
        (Some(side), Some(_), _) if side >= SQUASHED_FROM => (square, Some(Framing::Squash)),
        (Some(side), Some(share), _) => {
            let resized = (side / share).floor() as u32;
            (square, Some(Framing::ResizeThenCrop(resized)))
        }
        (Some(side), None, Some(cropped)) => {
            (Some(cropped), Some(Framing::ResizeThenCrop(side as u32)))
        }
        (Some(_), None, None) => (square, None),
        // Squashed, and the middle of that taken: all of it where nothing is cut away.
        (None, _, Some(cropped)) => {
            let whole = rectangle(size) == Some(cropped);
            (Some(cropped), whole.then_some(Framing::Squash))
        }
        (None, _, None) => {
            let size = rectangle(size);
            (size, size.map(|_| Framing::Squash))
        }
    };
    Pictures {
        size,
        scaling,
        framing,
        filter: filter(&processor["resample"]),
        channel_order: match processor["do_flip_channel_order"].as_bool() {
            Some(true) => Some(ChannelOrder::Bgr),
            Some(false) => Some(ChannelOrder::Rgb),
            None => None,
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    fn pictures(name: &str, json: &str) -> Pictures {
        let files = [File::new(name, json), File::new("x/config.json", "{}")];
        Config::beside(&files).pictures()
    }

    #[test]
    fn every_processor_says_how_pictures_are_framed() {
        let processor = |json: &str| {
            let pictures = pictures("preprocessor_config.json", json);
            (pictures.size.unwrap_or_default(), pictures.framing)
        };
        for (json, side, framing) in [
            // ViT, now and before 2023.
            (
                r#"{"size": {"height": 224, "width": 224}}"#,
                224,
                Some(Framing::Squash),
            ),
            (
                r#"{"size": 224, "resample": 2}"#,
                224,
                Some(Framing::Squash),
            ),
            // ConvNeXt.
            (
                r#"{"size": {"shortest_edge": 224}, "crop_pct": 0.875}"#,
                224,
                Some(Framing::ResizeThenCrop(256)),
            ),
            (
                r#"{"size": {"shortest_edge": 384}, "crop_pct": 0.875}"#,
                384,
                Some(Framing::Squash),
            ),
            // CLIP, DINOv2.
            (
                r#"{"size": {"shortest_edge": 256}, "do_center_crop": true,
                    "crop_size": {"height": 224, "width": 224}}"#,
                224,
                Some(Framing::ResizeThenCrop(256)),
            ),
            // DeiT squashes to 256 and cuts that off again, which none of Violet's framings does.
            (
                r#"{"size": {"height": 256, "width": 256}, "do_center_crop": true, "crop_size": 224}"#,
                224,
                None,
            ),
        ] {
            assert_eq!(processor(json), ([side; 2], framing), "{json}");
        }
    }

    #[test]
    fn values_are_those_of_the_processor() {
        let twice = r#"{"image_processor_type": "EfficientNetImageProcessor",
            "image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.2]}"#;
        let scaling = self::pictures("preprocessor_config.json", twice)
            .scaling
            .unwrap();
        assert!((scaling.scale[1] - 16.0 / 255.0).abs() < 1e-6);
        assert!((scaling.offset[2] + 7.5).abs() < 1e-5);
        let json =
            r#"{"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.2], "resample": 3}"#;
        let pictures = pictures("preprocessor_config.json", json);
        assert_eq!(pictures.filter, Some(Filter::Bicubic));
        let scaling = pictures.scaling.unwrap();
        assert!((scaling.scale[1] - 4.0 / 255.0).abs() < 1e-7);
        assert!((scaling.offset[2] + 1.5).abs() < 1e-6);
        let timm = r#"{"architecture": "vit", "pretrained_cfg": {"mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5], "input_size": [3, 224, 224], "crop_pct": 0.9, "interpolation": "bicubic"}}"#;
        let pictures = self::pictures("config.json", timm);
        assert_eq!(pictures.size, Some([224; 2]));
        assert_eq!(pictures.framing, Some(Framing::ResizeThenCrop(248)));
        assert!((pictures.scaling.unwrap().scale[0] - 2.0 / 255.0).abs() < 1e-7);
    }
}
