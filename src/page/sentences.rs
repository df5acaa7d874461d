//! What people read when something did not work: what happened, and what to do next.

use super::{Explanation, Verdict};
use crate::protocol::{Failure, FailureCode};
use crate::words::{Phrase, detail, percent, phrase};

/// (what happened, what to do next)
pub fn failure(failure: &Failure) -> (Phrase, Phrase) {
    let detail = || detail(failure.detail.as_str());
    match failure.code {
        FailureCode::EmptyFile => (
            phrase!("That file is empty."),
            phrase!("Choose another photo, or copy this one again from where it came."),
        ),
        FailureCode::FileUnreadable => (
            phrase!("That file could not be read: {detail}.", detail = detail()),
            phrase!("Choose it again, or another one."),
        ),
        FailureCode::NotAPhoto => (
            phrase!("That cannot be opened: {detail}.", detail = detail()),
            phrase!("Choose a PNG, JPEG, WebP, GIF or BMP; most programs can save one of these."),
        ),
        FailureCode::DamagedPhoto => (
            phrase!("That photo is damaged: {detail}.", detail = detail()),
            phrase!("Copy it again from where it came, or open and save it in an image program."),
        ),
        FailureCode::PhotoTooLarge => (
            phrase!("That photo is too large: {detail}.", detail = detail()),
            phrase!("Make it smaller in an image program and drop it again."),
        ),
        FailureCode::WeightsElsewhere => (
            phrase!("This network's weights are not on this site."),
            phrase!(
                "Get {file} from PyTorch's site (torchvision saves it under that name) and drop it here, or choose another network.",
                file = detail()
            ),
        ),
        FailureCode::WeightsMissing => (
            phrase!(
                "The network's weights could not be fetched ({detail}).",
                detail = detail()
            ),
            phrase!(
                "Run ./scripts/weights.sh where the page is served, then reload, or choose another network."
            ),
        ),
        FailureCode::WeightsDamaged => (
            phrase!("The network cannot be used: {detail}.", detail = detail()),
            phrase!(
                "Reload without cache; if it stays, run ./scripts/weights.sh again where the page is served."
            ),
        ),
        FailureCode::UnknownNetwork => (
            phrase!("Those weights do not fit: {detail}.", detail = detail()),
            phrase!(
                "Drop weights of one of torchvision's, timm's or Hugging Face's classifiers, with any number of classes, or export the network as ONNX."
            ),
        ),
        FailureCode::NetworkRefused => (
            phrase!("That network cannot be opened. {detail}", detail = detail()),
            phrase!("What was there before stays."),
        ),
        FailureCode::NetworkMissing => (
            phrase!(
                "“{name}” is not a photo, and came without a network.",
                name = detail()
            ),
            phrase!(
                "Drop labels, or a network's second file, together with the network. Photos are PNG, JPEG, WebP, GIF or BMP."
            ),
        ),
        FailureCode::FileMissing => (
            phrase!(
                "This network keeps its weights in a second file, “{file}”.",
                file = failure.detail.as_str()
            ),
            phrase!("Drop that one too; the first need not come again."),
        ),
        FailureCode::NetworkTooLarge => (
            phrase!(
                "That network is too large for this device: {detail}.",
                detail = detail()
            ),
            phrase!(
                "Try a smaller one, or a device with more memory; the command line takes it too."
            ),
        ),
        FailureCode::WishRefused => (
            phrase!("That is not possible: {detail}.", detail = detail()),
            phrase!("What was there before stays."),
        ),
        FailureCode::LabelsDoNotFit => (
            phrase!("Those labels do not fit: {detail}.", detail = detail()),
            phrase!(
                "Drop a text file with one label a line, or a JSON list, in the order of the network's outputs; if only the first outputs were trained, set the number of classes first."
            ),
        ),
        FailureCode::ClassesDoNotFit => (
            phrase!(
                "That number of classes does not fit: {detail}.",
                detail = detail()
            ),
            phrase!("Keep at least one class, and no more than the weights have."),
        ),
        FailureCode::UnreadableWeights => (
            phrase!(
                "That file holds no weights that can be read: {detail}.",
                detail = detail()
            ),
            phrase!(
                "Save model.state_dict() with torch.save, or the same with safetensors, and drop that file."
            ),
        ),
        FailureCode::NoGpu => (
            phrase!("The GPU is not used: {detail}.", detail = detail()),
            phrase!("Violet computes on the CPU instead."),
        ),
        FailureCode::DeviceFailed => (
            phrase!("The computation broke off: {detail}.", detail = detail()),
            phrase!("Press Explain to try again, or compute on the CPU (below)."),
        ),
        FailureCode::WorkerLost => (
            phrase!("The engine stopped ({detail}).", detail = detail()),
            phrase!(
                "Press Explain to start it again; other tabs closed, there is more memory for it."
            ),
        ),
        FailureCode::EngineMissing => (
            phrase!(
                "The engine could not be loaded ({detail}).",
                detail = detail()
            ),
            phrase!(
                "Reload the page; if that does not help, use a current Chrome, Edge, Firefox or Safari."
            ),
        ),
        FailureCode::OtherBuild => (
            phrase!("The page and its engine are of different versions."),
            phrase!("Reload the page, so that both are of the newest."),
        ),
        FailureCode::NoCamera => (
            phrase!("The camera cannot be used: {detail}.", detail = detail()),
            phrase!("Allow it beside the page's address, or choose a photo instead."),
        ),
        FailureCode::Internal => (
            phrase!(
                "Something went wrong that should not: {detail}.",
                detail = detail()
            ),
            phrase!("Reload the page and try again."),
        ),
    }
}

/// Whether the attributions add up, and how far the mask is settled, where its relative error is
/// estimated.
pub fn verdict(explanation: &Explanation) -> Phrase {
    let verdict = match explanation.verdict() {
        Verdict::SameImage => {
            return phrase!(
                "Photo and baseline are one image: there is nothing to attribute. Take another baseline."
            );
        }
        Verdict::Still => {
            return phrase!(
                "No pixel moves this output: it is the same all the way. Take another class, or another baseline."
            );
        }
        Verdict::NoChange => {
            return phrase!(
                "The output ends where it began: what speaks for it and what speaks against it cancel."
            );
        }
        Verdict::Unfinished => {
            return phrase!("This sum was cancelled on the way: not all gradients are in.");
        }
        Verdict::AddsUp => phrase!("It adds up: the mask accounts for the network's answer."),
        // Secants miss nothing but what single precision rounds away.
        Verdict::Nearly | Verdict::NotYet if explanation.is_by_secants() => phrase!(
            "The output moves so little that rounding shows: attributions are single precision."
        ),
        Verdict::Nearly => phrase!("Nearly: more steps, or “Auto”, would bring the two closer."),
        Verdict::NotYet => {
            phrase!("Not yet: the sum is far from what it should be. Take more steps, or “Auto”.")
        }
    };
    let error = |error: f64| percent(error.max(0.01), 0);
    match explanation.progress.map_error_estimate {
        Some(estimate) if explanation.progress.cut_short => phrase!(
            "{verdict} The mask is settled to {error}% only.",
            verdict = verdict,
            error = error(estimate),
        ),
        Some(estimate) => phrase!(
            "{verdict} The mask is settled to {error}%.",
            verdict = verdict,
            error = error(estimate),
        ),
        None => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Settings;
    use crate::words::Language;

    #[test]
    fn every_failure_says_what_happened_and_what_to_do() {
        let codes = [
            FailureCode::EmptyFile,
            FailureCode::FileUnreadable,
            FailureCode::NotAPhoto,
            FailureCode::DamagedPhoto,
            FailureCode::PhotoTooLarge,
            FailureCode::WeightsElsewhere,
            FailureCode::WeightsMissing,
            FailureCode::WeightsDamaged,
            FailureCode::UnreadableWeights,
            FailureCode::UnknownNetwork,
            FailureCode::NetworkRefused,
            FailureCode::FileMissing,
            FailureCode::NetworkMissing,
            FailureCode::NetworkTooLarge,
            FailureCode::WishRefused,
            FailureCode::LabelsDoNotFit,
            FailureCode::ClassesDoNotFit,
            FailureCode::NoGpu,
            FailureCode::DeviceFailed,
            FailureCode::WorkerLost,
            FailureCode::EngineMissing,
            FailureCode::NoCamera,
            FailureCode::Internal,
            FailureCode::OtherBuild,
        ];
        let mut seen = std::collections::BTreeSet::new();
        for code in codes {
            let (what, next) = failure(&Failure {
                code,
                detail: "x.onnx".into(),
            });
            for language in [Language::English, Language::French] {
                let [what, next] = [&what, &next].map(|p| p.said(language, &|v, _| v.to_string()));
                assert!(
                    what.len() > 10 && next.len() > 10,
                    "{code:?}: {what} {next}"
                );
                assert!(!what.contains('{') && !next.contains('{'), "{what} {next}");
                assert!(seen.insert(what.clone()), "said of two failures: {what}");
            }
        }
    }

    #[test]
    fn whom_auto_could_not_help_is_not_sent_to_it() {
        let said = |steps: &str| {
            let address = |name: &str| (name == "steps").then(|| steps.to_owned());
            let settings = Settings::read(address, |_| None);
            let mut explanation = Explanation::for_tests(settings, 51);
            explanation.attributions.sum = 0.5;
            verdict(&explanation).said(Language::English, &|v, _| v.to_string())
        };
        assert!(said("50").contains("Auto"), "{}", said("50"));
        assert!(said("auto").contains("rounding"));
    }

    #[test]
    fn where_the_budget_ended_it_the_mask_is_settled_to_so_much_only() {
        let said = |cut_short| {
            let settings = Settings::read(|_| None, |_| None);
            let mut explanation = Explanation::for_tests(settings, 51);
            explanation.progress.map_error_estimate = Some(0.07);
            explanation.progress.cut_short = cut_short;
            [Language::English, Language::French]
                .map(|language| verdict(&explanation).said(language, &|v, _| v.to_string()))
        };
        let [english, french] = said(true);
        assert!(english.contains("% only") && french.contains("n’est stabilisé qu’à"));
        assert!(
            said(false)
                .iter()
                .all(|said| !said.contains("only") && !said.contains("qu’à"))
        );
    }
}
