//! What people read when something did not work: what happened, and what to do next.

use crate::protocol::{Failure, FailureCode};

/// (what happened, what to do next)
pub(super) fn failure(failure: &Failure) -> (String, &'static str) {
    let detail = &failure.detail;
    match failure.code {
        FailureCode::EmptyFile => (
            "That file is empty.".into(),
            "Choose another photo, or copy this one again from where it came.",
        ),
        FailureCode::FileUnreadable => (
            format!("That file could not be read: {detail}."),
            "Choose it again, or another one.",
        ),
        FailureCode::NotAPhoto => (
            format!("{}.", capitalised(detail)),
            "Choose a PNG, JPEG, WebP, GIF or BMP; most programs can save one of these.",
        ),
        FailureCode::DamagedPhoto => (
            format!("{}.", capitalised(detail)),
            "Copy it again from where it came, or open and save it in an image program.",
        ),
        FailureCode::PhotoTooLarge => (
            format!("{}.", capitalised(detail)),
            "Make it smaller in an image program and drop it again.",
        ),
        FailureCode::WeightsMissing => (
            format!("The network's weights could not be fetched ({detail})."),
            "Run ./scripts/weights.sh where the page is served, then reload, or choose another network.",
        ),
        FailureCode::WeightsDamaged => (
            format!("The network cannot be used: {detail}."),
            "Reload without cache; if it stays, run ./scripts/weights.sh again where the page is served.",
        ),
        FailureCode::UnknownNetwork => (
            format!("{}.", capitalised(detail)),
            "Drop a ResNet-18, 34 or 50 as torchvision names its layers, or an EfficientNet-Lite0; any number of classes will do.",
        ),
        FailureCode::LabelsDoNotFit => (
            format!("{}.", capitalised(detail)),
            "Drop a text file with one label a line, or a JSON list, in the order of the network's outputs.",
        ),
        FailureCode::UnreadableWeights => (
            format!("That file holds no weights that can be read: {detail}."),
            "Save model.state_dict() with torch.save, or the same with safetensors, and drop that file.",
        ),
        FailureCode::NoGpu => (
            format!("The GPU is not used: {detail}."),
            "Violet computes on the CPU instead.",
        ),
        FailureCode::DeviceFailed => (
            format!("The computation broke off: {detail}."),
            "Press Explain to try again, or compute on the CPU (below).",
        ),
        FailureCode::WorkerLost => (
            format!("The engine stopped ({detail})."),
            "Press Explain to start it again; other tabs closed, there is more memory for it.",
        ),
        FailureCode::EngineMissing => (
            format!("The engine could not be loaded ({detail})."),
            "Reload the page; if that does not help, use a current Chrome, Edge, Firefox or Safari.",
        ),
        FailureCode::Internal => (
            format!("Something went wrong that should not: {detail}."),
            "Reload the page and try again.",
        ),
    }
}

/// Whether the sum of the attributions adds up, in a sentence. `share` is the convergence delta
/// relative to F(x) − F(x'): 0.05 for 5 %.
pub(super) fn verdict(share: f64) -> &'static str {
    match share.abs() {
        s if s <= 0.05 => "It adds up: the mask accounts for the network's answer.",
        s if s <= 0.2 => "Nearly: more steps would bring the two closer.",
        _ => "Not yet: the sum is far from what it should be. Take more steps.",
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
