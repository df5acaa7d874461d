//! The card of a network of one's own: what was read, what is assumed, what it sees, and how all of it is changed.

use std::rc::Rc;

use web_sys::{
    Element, Event, HtmlCanvasElement, HtmlElement, HtmlInputElement, HtmlSelectElement,
};

use super::own_model::OwnModel;
use super::{Page, Seen, add_option, append, create, show};
use crate::model::{Assumed, Card, Channels, Order, Usual, Wishes, top_predictions};
use crate::page::Values;
use crate::preprocessing::Framing;
use crate::web::dom::{all, element, on};
use crate::web::picture;
use crate::web::words::{Phrase, decimal, detail, name, percent, phrase, say, say_as, say_in};

/// Answers beside what the network sees.
const ANSWERS: usize = 5;
/// What Auto takes for most masks.
const USUAL_GRADIENTS: f64 = 40.0;
/// ITU-R BT.601, as grey is made where a file does not say how.
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

impl Page {
    pub(super) fn listen_to_card(self: &Rc<Self>) {
        on(&element::<Element>("own"), "click", |_: Event| {
            element::<HtmlInputElement>("own-file").click();
        });
        for control in all("#network-input select, #network-input input") {
            let page = Rc::clone(self);
            let id = control.id();
            on(&control, "change", move |_: Event| page.take_control(&id));
        }
        let page = Rc::clone(self);
        on(&element::<Element>("own-undo"), "click", move |_: Event| {
            page.wish(|wishes, _| {
                *wishes = Wishes {
                    labels: wishes.labels.take(),
                    ..Wishes::default()
                };
            });
            // The button goes; what it belongs to stays.
            if let Ok(Some(summary)) = element::<Element>("network-input").query_selector("summary")
            {
                let summary: HtmlElement = wasm_bindgen::JsCast::unchecked_into(summary);
                summary.focus().unwrap_or(());
            }
        });
    }

    /// Someone set one of the card's controls.
    fn take_control(self: &Rc<Self>, id: &str) {
        let chosen = |id: &str| element::<HtmlSelectElement>(id).value();
        let typed = |id: &str| element::<HtmlInputElement>(id).value_as_number();
        match id {
            "own-framing" => {
                let framing = framing_of(&chosen(id));
                self.wish(move |wishes, _| wishes.framing = framing);
            }
            "own-channels" => {
                let channels = Channels::from_name(&chosen(id));
                self.wish(move |wishes, _| wishes.channels = channels);
            }
            "own-output" => {
                let output = chosen(id);
                self.wish(move |wishes, _| {
                    wishes.output = Some(output);
                    wishes.classes = None;
                });
            }
            "own-values" => match Values::from_name(&chosen(id)).and_then(Values::numbers) {
                Some([mean, std]) => self.wish(move |wishes, _| {
                    (wishes.mean, wishes.std) = (Some(mean), Some(std));
                }),
                // Whoever wants other numbers types them.
                None => show("own-numbers", true),
            },
            "own-width" | "own-height" => {
                let size = [typed("own-height"), typed("own-width")].map(|side| side as usize);
                self.wish(move |wishes, _| wishes.size = Some(size));
            }
            "own-classes" => {
                // What is no number is 0 then, and refused.
                let classes = typed(id) as usize;
                self.wish(move |wishes, card| {
                    wishes.classes = (classes != card.found).then_some(classes);
                });
            }
            _ => {
                // On PyTorch's scale, 0..=1.
                let numbers = |part: &str| {
                    [0, 1, 2].map(|c| (typed(&format!("own-{part}-{c}")) * 255.0) as f32)
                };
                let (mean, std) = (numbers("mean"), numbers("std"));
                let means = mean.iter().all(|v| v.is_finite());
                if means && std.iter().all(|&v| v.is_finite() && v > 0.0) {
                    self.wish(move |wishes, _| {
                        (wishes.mean, wishes.std) = (Some(mean), Some(std));
                    });
                } else {
                    self.show_card();
                }
            }
        }
    }

    /// Shows what is known of the network that is set, if someone brought it.
    pub(super) fn show_card(&self) {
        let own = self.own_model();
        show("network", own.is_some());
        let Some(own) = own else { return };
        say("network-file", Phrase::of(own.title.as_str()));
        self.show_facts(&own);
        show_fields(&own);
        let list: Element = element("network-notes");
        list.set_inner_html("");
        for note in &own.card.notes {
            let item: Element = create("li");
            say_in(&item, Phrase::of(detail(note.as_str())));
            append(&list, &item);
        }
        show("network-left-out", !own.card.notes.is_empty());
        self.show_what_it_sees();
    }

    /// In short: what was read.
    fn show_facts(&self, own: &OwnModel) {
        let card = &own.card;
        let preprocessing = &card.preprocessing;
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
        let (width, height) = (preprocessing.width, preprocessing.height);
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
        if let Some(gradient_ms) = own.gradient_ms {
            facts.push(self.mask_time(gradient_ms));
        }
        let list: Element = element("network-facts");
        list.set_inner_html("");
        for fact in facts {
            let item: Element = create("li");
            say_in(&item, fact);
            append(&list, &item);
        }
    }

    /// How long a mask takes here, where a gradient takes so long.
    fn mask_time(&self, gradient_ms: f64) -> Phrase {
        let workers = self.pool.borrow().as_ref().map_or(1, |pool| pool.size());
        let gradients = match self.latest().method() {
            crate::attribution::Method::Auto(_) => USUAL_GRADIENTS,
            crate::attribution::Method::Steps(_, steps) => steps as f64 + 1.0,
        };
        let seconds = gradients * gradient_ms / 1000.0 / workers.max(1) as f64;
        if seconds < 1.0 {
            phrase!("less than a second a mask here")
        } else {
            phrase!(
                "about {seconds} s a mask here",
                seconds = decimal(seconds, if seconds < 10.0 { 1 } else { 0 }),
            )
        }
    }

    /// What goes into the network, drawn small, and what it says first.
    pub(super) fn show_what_it_sees(&self) {
        let Some(own) = self.own_model() else { return };
        let seen = self.seen.borrow().clone();
        let seen = seen.filter(|seen| seen.spec.name == own.spec.name);
        show("network-look", seen.is_some());
        show("network-no-photo", seen.is_none());
        let Some(Seen { spec, prepared, .. }) = seen else {
            return;
        };
        let mut rgba = spec.preprocessing.rgba(&prepared.input);
        if own.card.channels == Channels::Grey {
            let (pixels, _) = rgba.as_chunks_mut::<4>();
            for [r, g, b, _] in pixels {
                let colours = [*r, *g, *b].into_iter().map(f32::from);
                let grey: f32 = colours
                    .zip(GREY)
                    .map(|(value, weight)| value * weight)
                    .sum();
                [*r, *g, *b] = [grey.round() as u8; 3];
            }
        }
        let canvas: HtmlCanvasElement = element("network-sees");
        picture::show(&canvas, &rgba, spec.preprocessing.width as usize);
        let (low, high) = prepared
            .input
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| {
                (low.min(v), high.max(v))
            });
        say(
            "network-range",
            phrase!(
                "as numbers from {low} to {high}",
                low = decimal(low.into(), 2),
                high = decimal(high.into(), 2),
            ),
        );
        let list: Element = element("network-answers");
        list.set_inner_html("");
        let labels = spec.labels();
        // A detector's answers are boxes, of which several may be of one class.
        let found = prepared.detections.iter();
        let found = found.map(|found| (found.class, found.score));
        let classes = top_predictions(&prepared.logits_input, ANSWERS).into_iter();
        let classes = classes.map(|c| (c.target, prepared.probability(&spec, c.target)));
        let answers: Vec<(usize, f32)> = match spec.architecture.is_detector() {
            true => found.take(ANSWERS).collect(),
            false => classes.collect(),
        };
        for (class, share) in answers {
            let item: Element = create("li");
            let label = labels.get(class).copied().unwrap_or("?");
            let share = f64::from(share);
            let [class, number]: [Element; 2] = [create("span"), create("span")];
            say_in(&class, Phrase::of(name(label)));
            say_in(&number, phrase!("{share}%", share = percent(share, 1)));
            append(&item, &class);
            append(&item, &number);
            append(&list, &item);
        }
    }
}

/// The card's controls, and where each value comes from.
fn show_fields(own: &OwnModel) {
    let OwnModel { card, wishes, .. } = own;
    let preprocessing = &card.preprocessing;
    let number = |id: &str, value: &str| element::<HtmlInputElement>(id).set_value(value);
    number("own-width", &preprocessing.width.to_string());
    number("own-height", &preprocessing.height.to_string());
    for id in ["own-width", "own-height"] {
        element::<HtmlInputElement>(id).set_disabled(!card.any_size);
    }
    let select = |id: &str, value: &str| element::<HtmlSelectElement>(id).set_value(value);
    select("own-framing", framing_name(preprocessing.framing));
    let values = Values::of(preprocessing);
    select("own-values", values.name());
    show("own-numbers", values == Values::Other);
    for (part, values) in [("mean", preprocessing.mean), ("std", preprocessing.std)] {
        for (c, value) in values.iter().enumerate() {
            // On PyTorch's scale, 0..=1.
            number(&format!("own-{part}-{c}"), &format!("{:.3}", value / 255.0));
        }
    }
    select("own-channels", card.channels.name());
    element::<HtmlSelectElement>("own-channels").set_disabled(card.planes == 1);
    say(
        "own-order",
        match card.order {
            Order::Planes => phrase!("one plane after the other"),
            Order::Pixels => phrase!("pixel by pixel"),
            Order::Row => phrase!("all in one row"),
        },
    );
    let outputs: HtmlSelectElement = element("own-output");
    outputs.set_inner_html("");
    for (output, length) in &card.outputs {
        let title = phrase!(
            "{output}: {n} numbers",
            output = output.as_str(),
            n = *length
        );
        add_option(&outputs, output, title, true);
    }
    outputs.set_value(&card.output);
    show("own-output-row", card.outputs.len() > 1);
    show("own-classes-row", card.shortens);
    let classes: HtmlInputElement = element("own-classes");
    classes.set_max(&card.found.to_string());
    classes.set_value(&card.classes.to_string());
    say("own-found", phrase!("of {classes}", classes = card.found));

    let assumed = |wanted: fn(&Assumed) -> bool| card.assumed.iter().any(wanted);
    let tags = [
        (
            "size",
            wishes.size.is_some(),
            assumed(|a| *a == Assumed::Size),
        ),
        (
            "framing",
            wishes.framing.is_some(),
            assumed(|a| *a == Assumed::Framing),
        ),
        (
            "values",
            wishes.mean.is_some() || wishes.std.is_some(),
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
    for (field, wished, assumed) in tags {
        let id = format!("own-{field}-tag");
        let tag: Element = element(&id);
        super::class(&tag, "guess", assumed && !wished);
        super::class(&tag, "wished", wished);
        say_in(
            &tag,
            match (wished, assumed) {
                (true, _) => phrase!("yours"),
                (false, true) => phrase!("assumed"),
                (false, false) => phrase!("from the file"),
            },
        );
    }
    show("own-undo", wishes.any());
    let guesses = card.assumed.iter().map(|assumed| guess(card, *assumed));
    let together = |a, b| phrase!("{a}, {b}", a = a, b = b);
    say(
        "network-assumed",
        match guesses.reduce(together) {
            Some(guesses) => phrase!("Assumed: {guesses}.", guesses = guesses),
            None => phrase!("Nothing had to be assumed."),
        },
    );
    say_as(
        &element("network-sees"),
        "aria-label",
        phrase!(
            "What the network sees: {width} × {height} pixels",
            width = preprocessing.width,
            height = preprocessing.height,
        ),
    );
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
