//! What a training says beside the network, in what a pickle made: names of classes, how pictures are made.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::pickle::{Pickle, Value};
use crate::{Resize, Training};

/// Characters of a text that is kept.
const LONGEST_TEXT: usize = 64;
/// Pixels of a side that a training can have been asked for.
const SIDES: RangeInclusive<usize> = 32..=4096;
/// Where fastai keeps what it does with pictures.
const AUGMENT: &str = "fastai.vision.augment.";

/// Short texts at the root, as in timm's `{"arch": "tf_efficientnet_lite0", …}`.
pub(super) fn texts(pickle: &Pickle) -> BTreeMap<String, String> {
    let texts = pickle.entries(&pickle.root).filter_map(|(key, value)| {
        let Value::Text(text) = value else {
            return None;
        };
        let short = key.len() <= LONGEST_TEXT && text.len() <= LONGEST_TEXT;
        short.then(|| (key.to_owned(), text.to_string()))
    });
    texts.collect()
}

/// How a training made pictures and took classes, as YOLO's writes it beside the network and fastai's
/// `Learner.export` in what it keeps of its data.
pub(super) fn training(pickle: &Pickle) -> Training {
    let resize = pickle.made_by(&format!("{AUGMENT}Resize")).next();
    let attribute = |object: &Value, name: &str| {
        let mut entries = pickle.entries(object).filter(|(key, _)| *key == name);
        entries.next().map(|(_, value)| value.clone())
    };
    // What makes a batch of pictures comes after what makes one.
    let later = [
        format!("{AUGMENT}AffineCoordTfm"),
        format!("{AUGMENT}RandomResizedCropGPU"),
    ];
    let later = later.iter().flat_map(|class| pickle.made_by(class));
    let fastai = later.chain(resize.iter().cloned());
    let mut fastai = fastai.filter_map(|object| size(pickle, &attribute(&object, "size")?));
    let does = |transform: &str| {
        let class = format!("fastai.data.transforms.{transform}");
        pickle.made_by(&class).next().is_some()
    };
    Training {
        shares: does("IntToFloatTensor") && !does("Normalize"),
        image_size: asked(pickle).or_else(|| fastai.next()),
        resize: resize.and_then(|resize| match attribute(&resize, "method")? {
            Value::Text(method) if &*method == "crop" => Some(Resize::Crop),
            Value::Text(method) if &*method == "squish" => Some(Resize::Squash),
            _ => None,
        }),
        multi_label: does("MultiCategorize"),
    }
}

/// Height and width that a training was asked for: `{"train_args": {"imgsz": 640}}`; `opt` is of older ones.
fn asked(pickle: &Pickle) -> Option<[usize; 2]> {
    let mut entries = pickle.entries(&pickle.root);
    let (_, asked) = entries.find(|(key, _)| ["train_args", "opt"].contains(key))?;
    let mut asked = pickle.entries(asked);
    let (_, asked) = asked.find(|(key, _)| ["imgsz", "img_size"].contains(key))?;
    // Of two, the first is to train with and the other to test with.
    let [side, _] = size(pickle, asked)?;
    Some([side; 2])
}

/// One number for both sides, or one for each.
fn size(pickle: &Pickle, value: &Value) -> Option<[usize; 2]> {
    let side = |value: &Value| match value {
        Value::Int(side) => usize::try_from(*side)
            .ok()
            .filter(|side| SIDES.contains(side)),
        _ => None,
    };
    match pickle.items(value) {
        [] => side(value).map(|side| [side; 2]),
        [side_only] => side(side_only).map(|side| [side; 2]),
        [height, width, ..] => Some([side(height)?, side(width)?]),
    }
}

/// Names of classes at the root: `{"class_to_idx": {"cat": 0, …}}`, `{"classes": ["cat", …]}`; or, as Ultralytics has
/// them, those that the network itself keeps: `{"model": network}` with its `names`, `{0: "cat", …}` or a list.
pub(super) fn labels(pickle: &Pickle) -> Vec<String> {
    let mut networks = pickle.entries(&pickle.root);
    let kept = networks.find_map(|(key, network)| {
        let is_network = ["model", "ema"].contains(&key) && matches!(network, Value::Object(_));
        let mut entries = pickle.entries(network).filter(|_| is_network);
        let (_, names) = entries.find(|(key, _)| *key == "names")?;
        let numbered = pickle.numbered(names);
        let names = numbered.chain(pickle.items(names).iter().enumerate());
        let names = names.map(|(number, name)| match name {
            Value::Text(name) => Some((number, name.to_string())),
            _ => None,
        });
        let names: BTreeMap<usize, String> = names.collect::<Option<_>>()?;
        let whole = !names.is_empty() && names.keys().copied().eq(0..names.len());
        whole.then(|| names.into_values().collect::<Vec<_>>())
    });
    if let Some(kept) = kept.or_else(|| vocabulary(pickle)) {
        return kept;
    }
    let mut entries = pickle.entries(&pickle.root);
    let found = entries.find_map(|(key, value)| match key {
        "class_to_idx" => {
            let classes = pickle.entries(value).map(|(name, index)| match index {
                Value::Int(index) => Some((usize::try_from(*index).ok()?, name.to_owned())),
                _ => None,
            });
            let classes: BTreeMap<usize, String> = classes.collect::<Option<_>>()?;
            let whole = classes.keys().copied().eq(0..classes.len());
            whole.then(|| classes.into_values().collect::<Vec<_>>())
        }
        "classes" | "class_names" | "labels" => {
            let names = pickle.items(value).iter().map(|name| match name {
                Value::Text(name) => Some(name.to_string()),
                _ => None,
            });
            names.collect()
        }
        _ => None,
    });
    found.unwrap_or_default()
}

/// fastai's `CategoryMap`, whose `items` are names or a list of its own that holds them.
fn vocabulary(pickle: &Pickle) -> Option<Vec<String>> {
    let map = pickle
        .made_by("fastai.data.transforms.CategoryMap")
        .next()?;
    let items = |value: &Value| {
        let mut entries = pickle.entries(value).filter(|(key, _)| *key == "items");
        entries.next().map(|(_, items)| items.clone())
    };
    let list = items(&map)?;
    let names = items(&list).unwrap_or(list);
    let names = pickle.items(&names).iter().map(|name| match name {
        Value::Text(name) => Some(name.to_string()),
        _ => None,
    });
    names
        .collect::<Option<Vec<_>>>()
        .filter(|names| !names.is_empty())
}
