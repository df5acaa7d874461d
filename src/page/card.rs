//! The card of a network of one's own: what was read, what is assumed, what it sees, and how all of it is changed.

use super::explanation::Prepared;
use super::part::{Panel, Picture, option, part};
use super::values::Values;
use crate::attribution::Method;
use crate::model::{Assumed, Card, Channels, ModelSpec, Order, Usual, Wishes, top_predictions};
use crate::preprocessing::Framing;
use crate::words::{Phrase, decimal, detail, name, percent, phrase};

/// Answers beside what the network sees.
const ANSWERS: usize = 5;
/// What Auto takes for most masks.
const USUAL_GRADIENTS: f64 = 40.0;
/// ITU-R BT.601, as grey is made where a file does not say how.
const GREY: [f32; 3] = [0.299, 0.587, 0.114];
/// Means and deviations are shown on PyTorch's scale, 0..=1.
const BRIGHTEST: f32 = 255.0;

/// A network that someone brought, as its card shows it.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// What people call it.
    pub title: &'a str,
    /// What was read.
    pub card: &'a Card,
    /// What was wished for.
    pub wishes: &'a Wishes,
    /// How long a gradient takes in one worker, once that was measured.
    pub gradient_ms: Option<f64>,
    /// How many workers there are.
    pub workers: usize,
    /// How it is explained.
    pub method: Method,
}

/// What someone wants who set one of the card's controls.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// The network, read with these.
    Of(Wishes),
    /// To type numbers of one's own.
    Numbers,
    /// What means nothing: the controls show again what is.
    Nothing,
}

impl Own<'_> {
    /// All of the card but what the network sees.
    pub fn panel(&self) -> Panel {
        let Own { card, .. } = self;
        let mut panel = Panel::new();
        let line = |words: Phrase| part("li").says(words);
        let notes = card.notes.iter();
        let notes = notes.map(|note| line(Phrase::of(detail(note.as_str()))));
        panel
            .says("network-file", Phrase::of(self.title))
            .holds("network-facts", self.facts().into_iter().map(line))
            .holds("network-notes", notes)
            .show("network-left-out", !card.notes.is_empty())
            .append(self.fields())
            .append(self.origins());
        panel
    }

    /// In short: what was read.
    fn facts(&self) -> Vec<Phrase> {
        let Own { card, .. } = self;
        let format = match &*card.producer {
            "" => Phrase::of(&*card.format),
            producer => phrase!(
                "{format}, from {producer}",
                format = &*card.format,
                producer = producer,
            ),
        };
        let layers = match card.layers {
            1 => phrase!("1 layer with weights"),
            n => phrase!("{n} layers with weights", n = n),
        };
        let (width, height) = (card.preprocessing.width, card.preprocessing.height);
        let size = match card.planes {
            1 => phrase!(
                "{width} × {height} pixels in grey",
                width = width,
                height = height
            ),
            _ => phrase!(
                "{width} × {height} pixels in colour",
                width = width,
                height = height
            ),
        };
        let mut facts = vec![format, layers, parameters(card.parameters), size];
        facts.extend(self.gradient_ms.map(|ms| self.mask_time(ms)));
        facts
    }

    /// How long a mask takes here, where a gradient takes so long.
    fn mask_time(&self, gradient_ms: f64) -> Phrase {
        let gradients = match self.method {
            Method::Auto(_) => USUAL_GRADIENTS,
            Method::Steps(_, steps) => steps as f64 + 1.0,
        };
        let seconds = gradients * gradient_ms / 1000.0 / self.workers.max(1) as f64;
        if seconds < 1.0 {
            phrase!("less than a second a mask here")
        } else {
            phrase!(
                "about {seconds} s a mask here",
                seconds = decimal(seconds, if seconds < 10.0 { 1 } else { 0 }),
            )
        }
    }

    /// What the controls hold, and which there are.
    fn fields(&self) -> Panel {
        let Own { card, wishes, .. } = self;
        let preprocessing = &card.preprocessing;
        let values = Values::of(preprocessing);
        let mut panel = Panel::new();
        panel
            .value("own-width", preprocessing.width)
            .value("own-height", preprocessing.height)
            .enable("own-width", card.any_size)
            .enable("own-height", card.any_size)
            .value("own-framing", framing_name(preprocessing.framing))
            .value("own-values", values.name())
            .show("own-numbers", values == Values::Other);
        for (part, values) in [("mean", preprocessing.mean), ("std", preprocessing.std)] {
            for (c, value) in values.iter().enumerate() {
                panel.value(
                    format!("own-{part}-{c}"),
                    format!("{:.3}", value / BRIGHTEST),
                );
            }
        }
        let order = match card.order {
            Order::Planes => phrase!("one plane after the other"),
            Order::Pixels => phrase!("pixel by pixel"),
            Order::Row => phrase!("all in one row"),
        };
        let outputs = card.outputs.iter().map(|(output, length)| {
            let title = phrase!(
                "{output}: {n} numbers",
                output = output.as_str(),
                n = *length
            );
            option(output, title, true)
        });
        let sees = phrase!(
            "What the network sees: {width} × {height} pixels",
            width = preprocessing.width,
            height = preprocessing.height,
        );
        panel
            .value("own-channels", card.channels.name())
            .enable("own-channels", card.planes > 1)
            .says("own-order", order)
            .holds("own-output", outputs)
            .value("own-output", &card.output)
            .show("own-output-row", card.outputs.len() > 1)
            .show("own-classes-row", card.shortens)
            .set("own-classes", "max", card.found)
            .value("own-classes", card.classes)
            .says("own-found", phrase!("of {classes}", classes = card.found))
            .show("own-undo", wishes.any())
            .spoken("network-sees", "aria-label", sees);
        panel
    }

    /// Where each value comes from, and what had to be assumed.
    fn origins(&self) -> Panel {
        let Own { card, wishes, .. } = self;
        let assumed = |wanted: fn(&Assumed) -> bool| card.assumed.iter().any(wanted);
        let values = wishes.mean.is_some() || wishes.std.is_some();
        let tags = [
            (
                "size",
                wishes.size.is_some(),
                assumed(|a| *a == Assumed::Size),
            ),
            (
                "framing",
                wishes.framing.is_some(),
                assumed(|a| matches!(a, Assumed::Framing | Assumed::Bars)),
            ),
            (
                "values",
                values,
                assumed(|a| matches!(a, Assumed::Values(_))),
            ),
            (
                "channels",
                wishes.channels.is_some(),
                assumed(|a| *a == Assumed::Colours),
            ),
            (
                "output",
                wishes.output.is_some(),
                assumed(|a| *a == Assumed::Output),
            ),
        ];
        let mut panel = Panel::new();
        for (field, wished, assumed) in tags {
            let id = format!("own-{field}-tag");
            let origin = match (wished, assumed) {
                (true, _) => phrase!("yours"),
                (false, true) => phrase!("assumed"),
                (false, false) => phrase!("from the file"),
            };
            panel
                .class(&id, "guess", assumed && !wished)
                .class(&id, "wished", wished)
                .says(&id, origin);
        }
        let guesses = card.assumed.iter().map(|&assumed| guess(card, assumed));
        let together = |a, b| phrase!("{a}, {b}", a = a, b = b);
        let guesses = match guesses.reduce(together) {
            Some(guesses) => phrase!("Assumed: {guesses}.", guesses = guesses),
            None => phrase!("Nothing had to be assumed."),
        };
        panel.says("network-assumed", guesses);
        panel
    }

    /// What someone wants who set the control of that id; `typed` is what a control holds.
    pub fn wish(&self, id: &str, typed: impl Fn(&str) -> String) -> Wish {
        let mut wishes = self.wishes.clone();
        // What is no number means nothing.
        let number = |id: &str| typed(id).trim().parse().unwrap_or(f64::NAN);
        match id {
            "own-framing" => wishes.framing = framing_of(&typed(id)),
            "own-channels" => wishes.channels = Channels::from_name(&typed(id)),
            "own-output" => {
                wishes.output = Some(typed(id));
                wishes.classes = None;
            }
            "own-values" => match Values::from_name(&typed(id)).and_then(Values::numbers) {
                Some([mean, std]) => (wishes.mean, wishes.std) = (Some(mean), Some(std)),
                None => return Wish::Numbers,
            },
            "own-width" | "own-height" => {
                let size = ["own-height", "own-width"].map(|id| number(id) as usize);
                wishes.size = Some(size);
            }
            "own-classes" => {
                // What is no number is 0 then, and refused.
                let classes = number(id) as usize;
                wishes.classes = (classes != self.card.found).then_some(classes);
            }
            _ => {
                let numbers = |part: &str| {
                    let id = |c: usize| format!("own-{part}-{c}");
                    [0, 1, 2].map(|c| number(&id(c)) as f32 * BRIGHTEST)
                };
                let (mean, std) = (numbers("mean"), numbers("std"));
                let means = mean.iter().all(|v| v.is_finite());
                if !means || !std.iter().all(|v| v.is_normal()) {
                    return Wish::Nothing;
                }
                (wishes.mean, wishes.std) = (Some(mean), Some(std));
            }
        }
        Wish::Of(wishes)
    }

    /// As the file says; what names the classes stays.
    pub fn undone(&self) -> Wishes {
        Wishes {
            labels: self.wishes.labels.clone(),
            ..Wishes::default()
        }
    }
}

/// What goes into a network that takes such colours, drawn small, and what it says first; nothing, without a photo.
pub fn sees(channels: Channels, seen: Option<(&ModelSpec, &Prepared)>) -> Panel {
    let mut panel = Panel::new();
    panel
        .show("network-look", seen.is_some())
        .show("network-no-photo", seen.is_none());
    let Some((spec, prepared)) = seen else {
        return panel;
    };
    let mut rgba = spec.preprocessing.rgba(&prepared.input);
    if channels == Channels::Grey {
        let (pixels, _) = rgba.as_chunks_mut::<4>();
        for [r, g, b, _] in pixels {
            let colours = [*r, *g, *b].into_iter().map(f32::from).zip(GREY);
            let grey: f32 = colours.map(|(value, weight)| value * weight).sum();
            [*r, *g, *b] = [grey.round() as u8; 3];
        }
    }
    let none = (f32::INFINITY, f32::NEG_INFINITY);
    let wider = |(low, high): (f32, f32), &v: &f32| (low.min(v), high.max(v));
    let (low, high) = prepared.input.iter().fold(none, wider);
    let range = phrase!(
        "as numbers from {low} to {high}",
        low = decimal(low.into(), 2),
        high = decimal(high.into(), 2),
    );
    let labels = spec.labels();
    // A detector's answers are boxes, of which several may be of one class.
    let answers: Vec<(usize, f32)> = if spec.architecture.is_detector() {
        let found = prepared.detections.iter().take(ANSWERS);
        found.map(|found| (found.class, found.score)).collect()
    } else {
        let classes = top_predictions(&prepared.logits_input, ANSWERS).into_iter();
        classes
            .map(|c| (c.target, prepared.probability(spec, c.target)))
            .collect()
    };
    let answers = answers.into_iter().map(|(class, share)| {
        let label = labels.get(class).copied().unwrap_or("?");
        let share = phrase!("{share}%", share = percent(f64::from(share), 1));
        part("li").with([
            part("span").says(Phrase::of(name(label))),
            part("span").says(share),
        ])
    });
    let picture = Picture::Plain {
        rgba,
        width: spec.preprocessing.width as usize,
    };
    panel
        .picture("network-sees", picture)
        .says("network-range", range)
        .holds("network-answers", answers);
    panel
}

/// What was assumed, in a few words.
fn guess(card: &Card, assumed: Assumed) -> Phrase {
    let preprocessing = &card.preprocessing;
    match assumed {
        Assumed::Size => phrase!(
            "{width} × {height} pixels",
            width = preprocessing.width,
            height = preprocessing.height,
        ),
        Assumed::Framing => phrase!("the middle of the photo"),
        Assumed::Bars => phrase!("all of the photo, with bars"),
        Assumed::Colours => phrase!("red before blue"),
        Assumed::Output => phrase!("which output is explained"),
        Assumed::Labels => phrase!("the names of ImageNet's classes"),
        Assumed::Values(Usual::ImageNet) => phrase!("ImageNet's mean and deviation"),
        Assumed::Values(Usual::BytesInside) => phrase!("values from 0 to 255"),
        Assumed::Values(Usual::Shares | Usual::SharesInside) => phrase!("values from 0 to 1"),
        Assumed::Values(Usual::Layout) => phrase!("values as this kind of network is trained on"),
        Assumed::Values(Usual::Exporter) => phrase!("values as its exporter has them"),
    }
}

/// A number of parameters, as one says it.
fn parameters(count: u64) -> Phrase {
    const MILLION: f64 = 1e6;
    const THOUSAND: f64 = 1e3;
    let number = count as f64;
    if number >= MILLION {
        let millions = number / MILLION;
        let decimals = if millions < 100.0 { 1 } else { 0 };
        phrase!("{n} million parameters", n = decimal(millions, decimals))
    } else if number >= 10.0 * THOUSAND {
        phrase!("{n} thousand parameters", n = decimal(number / THOUSAND, 0))
    } else {
        phrase!("{n} parameters", n = decimal(number, 0))
    }
}

fn framing_name(framing: Framing) -> &'static str {
    match framing {
        Framing::ResizeThenCrop(_) | Framing::CropThenResize(_) => "crop",
        Framing::Squash | Framing::Stretch => "squash",
        Framing::Pad => "pad",
    }
}

fn framing_of(name: &str) -> Option<Framing> {
    match name {
        "crop" => Some(Framing::CropThenResize(1.0)),
        "squash" => Some(Framing::Squash),
        "pad" => Some(Framing::Pad),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::attribution::Rule;
    use crate::model::Architecture;

    /// An ONNX file's, of a few classes.
    pub(in crate::page) fn card() -> Card {
        Card {
            format: "ONNX".into(),
            producer: "pytorch 2.9".into(),
            published: None,
            architecture: Architecture::Imported,
            layers: 12,
            parameters: 3_250_000,
            memory: 1,
            outputs: vec![("logits".into(), 10), ("features".into(), 64)],
            output: "logits".into(),
            found: 10,
            classes: 10,
            shortens: true,
            labels: None,
            independent: false,
            preprocessing: Architecture::ShapesNet.preprocessing(),
            channels: Channels::Rgb,
            planes: 3,
            order: Order::Planes,
            any_size: false,
            assumed: vec![Assumed::Framing, Assumed::Values(Usual::ImageNet)],
            notes: vec!["the dropout was left out".into()],
        }
    }

    fn own<'a>(card: &'a Card, wishes: &'a Wishes) -> Own<'a> {
        Own {
            title: "cats.onnx",
            card,
            wishes,
            gradient_ms: Some(30.0),
            workers: 2,
            method: Method::Steps(Rule::Secant, 24),
        }
    }

    #[test]
    fn a_card_says_what_was_read_and_what_was_assumed() {
        let (card, wishes) = (card(), Wishes::default());
        let panel = own(&card, &wishes).panel();
        let facts: Vec<String> = panel
            .held("network-facts")
            .unwrap()
            .iter()
            .map(|part| part.text())
            .collect();
        assert_eq!(facts[0], "ONNX, from pytorch 2.9");
        assert_eq!(facts[2], "3.2 million parameters");
        assert_eq!(facts[4], "less than a second a mask here");
        assert_eq!(
            panel.said("network-assumed").as_deref(),
            Some("Assumed: the middle of the photo, ImageNet's mean and deviation.")
        );
        assert_eq!(panel.said("own-framing-tag").as_deref(), Some("assumed"));
        assert_eq!(panel.said("own-size-tag").as_deref(), Some("from the file"));
        assert_eq!(panel.enables("own-width"), Some(false));
        assert_eq!(panel.shows("own-output-row"), Some(true));
        assert_eq!(panel.shows("own-undo"), Some(false));
        assert_eq!(panel.shows("network-left-out"), Some(true));
        assert_eq!(panel.held("own-output").unwrap().len(), 2);
        assert_eq!(panel.field("own-output").as_deref(), Some("logits"));
    }

    #[test]
    fn what_is_wished_for_is_marked_and_can_be_undone() {
        let card = card();
        let wishes = Wishes {
            framing: Some(Framing::Pad),
            labels: Some("names.txt".into()),
            ..Wishes::default()
        };
        let own = own(&card, &wishes);
        let panel = own.panel();
        assert_eq!(panel.said("own-framing-tag").as_deref(), Some("yours"));
        assert_eq!(panel.is_of("own-framing-tag", "guess"), Some(false));
        assert_eq!(panel.shows("own-undo"), Some(true));
        let undone = own.undone();
        assert!(!undone.any());
        assert_eq!(undone.labels, wishes.labels);
    }

    #[test]
    fn each_control_wishes_for_what_it_holds() {
        let (card, none) = (card(), Wishes::default());
        let wish = |id: &str, held: &[(&str, &str)]| {
            own(&card, &none).wish(id, |id| {
                let held = held.iter().find(|(known, _)| *known == id);
                held.map(|(_, value)| (*value).into()).unwrap_or_default()
            })
        };
        let of = |wishes: Wishes| Wish::Of(wishes);
        let framing = of(Wishes {
            framing: Some(Framing::Squash),
            ..none.clone()
        });
        assert_eq!(wish("own-framing", &[("own-framing", "squash")]), framing);
        let size = of(Wishes {
            size: Some([96, 128]),
            ..none.clone()
        });
        let held = [("own-width", "128"), ("own-height", "96")];
        assert_eq!(wish("own-width", &held), size);
        let classes = |text: &str| wish("own-classes", &[("own-classes", text)]);
        assert_eq!(classes("10"), of(none.clone()), "all of them");
        let no_number = of(Wishes {
            classes: Some(0),
            ..none.clone()
        });
        assert_eq!(classes("ten"), no_number, "which the reader refuses");
        assert_eq!(
            wish("own-values", &[("own-values", "numbers")]),
            Wish::Numbers
        );
        let Wish::Of(signed) = wish("own-values", &[("own-values", "signed")]) else {
            panic!("numbers that are known")
        };
        assert_eq!(
            (signed.mean, signed.std),
            (Some([127.5; 3]), Some([127.5; 3]))
        );
        let typed = |std: &'static str| {
            let ids = ["mean-0", "mean-1", "mean-2", "std-0", "std-1", "std-2"];
            own(&card, &none).wish("own-std-1", move |id| match id {
                "own-std-1" => std.into(),
                id if ids.iter().any(|known| id.ends_with(known)) => "0.5".into(),
                _ => String::new(),
            })
        };
        assert_eq!(typed("0"), Wish::Nothing, "nothing can be divided by it");
        assert_eq!(typed(""), Wish::Nothing);
        let Wish::Of(numbers) = typed("0.2") else {
            panic!("numbers")
        };
        assert_eq!(numbers.std, Some([127.5, 51.0, 127.5]));
        let Wish::Of(inverted) = typed("-0.2") else {
            panic!("light and dark change places")
        };
        assert_eq!(inverted.std, Some([127.5, -51.0, 127.5]));
    }

    #[test]
    fn what_a_grey_network_sees_is_grey_and_its_answers_are_beside_it() {
        let spec = ModelSpec::from_name("shapesnet").unwrap();
        let preprocessing = &spec.preprocessing;
        let red = (0..preprocessing.input_len() / 3).map(|_| [255.0, 0.0, 0.0]);
        let prepared = Prepared {
            input: preprocessing.planes(red),
            logits_input: vec![0.0, 2.0, 1.0],
            ..Prepared::default()
        };
        let shown = |channels| {
            let panel = sees(channels, Some((spec, &prepared)));
            let picture = panel.changes().find_map(|(_, change)| match change {
                super::super::Change::Picture(picture) => Some(picture.clone()),
                _ => None,
            });
            let rgba = picture.unwrap().rgba(crate::mask::Palette::Violet);
            ([rgba[0], rgba[1], rgba[2]], panel)
        };
        assert_eq!(shown(Channels::Grey).0, [76; 3]);
        let (pixel, panel) = shown(Channels::Rgb);
        assert_eq!(pixel, [255, 0, 0]);
        let answers = panel.held("network-answers").unwrap();
        assert_eq!(answers.len(), 3);
        assert!(answers[0].text().contains("66.5%"), "{}", answers[0].text());
        assert_eq!(
            sees(Channels::Rgb, None).shows("network-no-photo"),
            Some(true)
        );
    }

    #[test]
    fn numbers_of_parameters_are_rounded_as_one_says_them() {
        let said = |count| super::super::part::tests::english(&parameters(count));
        assert_eq!(said(987), "987 parameters");
        assert_eq!(said(98_700), "99 thousand parameters");
        assert_eq!(said(25_600_000), "25.6 million parameters");
        assert_eq!(said(138_000_000), "138 million parameters");
    }
}
