//! What the network says: a classifier's likeliest classes, or a detector's boxes. Choosing one
//! explains it.

use std::rc::Rc;

use web_sys::{
    Element, Event, HtmlButtonElement, HtmlElement, HtmlInputElement, HtmlSelectElement,
};

use super::{From, Page, append, class, create};
use crate::model::{Detection, ModelSpec, Scale, Target, top_predictions};
use crate::web::dom::{element, on};
use crate::web::pool::Prepared;
use crate::web::stage::LabelledBox;
use crate::web::words::{self, Phrase, decimal, name, phrase, say, say_in};

/// How many classes are listed.
const CLASSES: usize = 5;
/// How many candidates are offered where nothing reaches the threshold.
const CANDIDATES: usize = 3;
/// Detections scoring less are drawn only if the threshold asks for it; TensorFlow's default.
const THRESHOLD: f64 = 50.0;

impl Page {
    /// What is explained when nobody has chosen: the likeliest class, or the best box.
    pub(super) fn default_target(spec: &ModelSpec, prepared: &Prepared) -> Option<usize> {
        if spec.architecture.is_detector() {
            let best = prepared.detections.first();
            return best
                .filter(|best| f64::from(best.score) * 100.0 >= threshold())
                .map(|d| d.output);
        }
        let top = top_predictions(&prepared.logits_input, 1);
        top.first().map(|top| top.target)
    }

    /// The chosen output, and the class that it is explained against.
    pub(super) fn target(&self, spec: &ModelSpec, output: usize) -> Target {
        let against = element::<HtmlSelectElement>("against").value().parse().ok();
        Target {
            output,
            minus: against.filter(|&class| !spec.architecture.is_detector() && class != output),
            scale: chosen_scale(),
        }
    }

    /// Lists the answers, with the chosen one marked.
    pub(super) fn show_answers(self: &Rc<Self>, spec: &ModelSpec, prepared: &Prepared) {
        let detector = spec.architecture.is_detector();
        element::<HtmlElement>("answer-hint").set_hidden(true);
        element::<HtmlElement>("against-field").set_hidden(detector);
        element::<HtmlElement>("threshold-field").set_hidden(!detector);
        if detector {
            self.show_detections();
            return;
        }
        element::<HtmlElement>("detector-hint").set_hidden(true);
        let labels = spec.labels();
        let label = |class: usize| labels.get(class).copied().unwrap_or("?");
        let answers = top_predictions(&prepared.logits_input, CLASSES);
        let list = empty_list();
        for answer in &answers {
            let chosen = self.output.get() == Some(answer.target);
            let share = f64::from(answer.probability);
            let button = answer_button(&list, label(answer.target), share, chosen);
            let (page, output) = (Rc::clone(self), answer.target);
            on(&button, "click", move |_: Event| {
                page.output.set(Some(output));
                page.run(From::Target);
            });
        }
        let against: HtmlSelectElement = element("against");
        let kept = self
            .wanted_against
            .take()
            .unwrap_or_else(|| against.value());
        against.set_inner_html("");
        super::add_option(&against, "", phrase!("nothing: this class by itself"), true);
        for answer in &answers {
            let value = answer.target.to_string();
            let title = phrase!("why not {class}?", class = name(label(answer.target)));
            super::add_option(&against, &value, title, true);
        }
        against.set_value(&kept);
        if against.selected_index() < 0 {
            against.set_value("");
        }
    }

    /// Lists and draws the boxes that reach the threshold; if none does, says so and lists the best
    /// candidates.
    pub(super) fn show_detections(self: &Rc<Self>) {
        let prepared = self.prepared.borrow().clone();
        let spec = self.model.borrow().clone();
        let (Some(prepared), Some(spec)) = (prepared, spec) else {
            return;
        };
        if !spec.architecture.is_detector() {
            return;
        }
        let percent = threshold();
        say(
            "threshold-value",
            phrase!("{share} %", share = decimal(percent, 0)),
        );
        let all = &prepared.detections;
        let reaching = all
            .iter()
            .take_while(|d| f64::from(d.score) * 100.0 >= percent);
        let reaching = reaching.count();
        let hint: HtmlElement = element("detector-hint");
        hint.set_hidden(reaching > 0);
        if reaching == 0 {
            let sentence = if all.is_empty() {
                phrase!(
                    "Nothing was found in this photo, not even with a low score. Try another one."
                )
            } else {
                phrase!(
                    "Nothing here scores {share} % or more. These come closest; choose one, or lower the threshold.",
                    share = decimal(percent, 0),
                )
            };
            say_in(&hint, sentence);
        }
        let shown = if reaching == 0 {
            CANDIDATES.min(all.len())
        } else {
            reaching
        };
        let labels = spec.labels();
        let label = |d: &Detection| labels.get(d.class).copied().unwrap_or("?");
        let list = empty_list();
        let mut boxes = Vec::new();
        for detection in &all[..shown] {
            let chosen = self.output.get() == Some(detection.output);
            let share = f64::from(detection.score);
            let button = answer_button(&list, label(detection), share, chosen);
            let (page, output) = (Rc::clone(self), detection.output);
            on(&button, "click", move |_: Event| page.choose_output(output));
            boxes.push(LabelledBox {
                rect: detection.rect,
                label: phrase!(
                    "{class} {share} %",
                    class = name(label(detection)),
                    share = words::percent(share, 0)
                ),
                chosen,
            });
        }
        self.stage.borrow_mut().set_boxes(boxes);
    }

    /// Explains the box of that number among those that are drawn.
    pub(super) fn choose_box(self: &Rc<Self>, number: usize) {
        let prepared = self.prepared.borrow().clone();
        let output = prepared.and_then(|p| Some(p.detections.get(number)?.output));
        if let Some(output) = output {
            self.choose_output(output);
        }
    }

    fn choose_output(self: &Rc<Self>, output: usize) {
        self.output.set(Some(output));
        self.run(From::Target);
    }
}

/// Whether logits or probabilities are explained.
fn chosen_scale() -> Scale {
    match &*element::<HtmlSelectElement>("scale").value() {
        "probability" => Scale::Probability,
        _ => Scale::Logit,
    }
}

/// The detector's threshold, in percent.
fn threshold() -> f64 {
    let value = element::<HtmlInputElement>("threshold").value_as_number();
    if value.is_nan() { THRESHOLD } else { value }
}

fn empty_list() -> Element {
    let list: Element = element("predictions");
    list.set_inner_html("");
    list
}

/// Adds an answer to the list: a name, a share and a bar.
fn answer_button(list: &Element, class_name: &str, share: f64, chosen: bool) -> HtmlButtonElement {
    let button: HtmlButtonElement = create("button");
    button.set_type("button");
    let pressed = if chosen { "true" } else { "false" };
    button.set_attribute("aria-pressed", pressed).unwrap_or(());
    let label: Element = create("span");
    say_in(&label, Phrase::of(name(class_name)));
    let percent: Element = create("span");
    percent.set_class_name("share");
    say_in(
        &percent,
        phrase!("{share} %", share = words::percent(share, 1)),
    );
    let track: Element = create("span");
    class(&track, "track", true);
    let fill: HtmlElement = create("span");
    fill.style()
        .set_property("width", &format!("{:.1}%", share * 100.0))
        .unwrap_or(());
    append(&track, &fill);
    for part in [&label, &percent, &track] {
        append(&button, part);
    }
    let item: Element = create("li");
    append(&item, &button);
    append(list, &item);
    button
}
