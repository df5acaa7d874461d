//! What the network says: a classifier's likeliest classes, or a detector's boxes. Choosing one
//! explains it.

use std::rc::Rc;

use web_sys::{
    Element, Event, HtmlButtonElement, HtmlElement, HtmlInputElement, HtmlSelectElement,
};

use super::{Page, Seen, append, class, create, show};
use crate::model::{Detection, ModelSpec, top_predictions};
use crate::page::{Prepared, matching};
use crate::web::dom::{document, element, on};
use crate::web::stage::LabelledBox;
use crate::web::words::{self, Phrase, decimal, name, phrase, say_in};

/// How many classes are listed.
const CLASSES: usize = 5;
/// How many are listed of those that someone looks for.
const FOUND: usize = 8;
/// How many candidates are offered where nothing reaches the threshold.
const CANDIDATES: usize = 3;

impl Page {
    /// What is explained when nobody has chosen: the likeliest class, or the best box.
    pub(super) fn default_target(
        spec: &ModelSpec,
        prepared: &Prepared,
        threshold: u8,
    ) -> Option<usize> {
        if spec.architecture.is_detector() {
            let best = prepared.detections.first();
            return best
                .filter(|best| f64::from(best.score) * 100.0 >= f64::from(threshold))
                .map(|d| d.output);
        }
        let top = top_predictions(&prepared.logits_input, 1);
        top.first().map(|top| top.target)
    }

    /// Lists the answers, with the explained one marked.
    pub(super) fn show_answers(self: &Rc<Self>) {
        let seen = self.seen.borrow().clone();
        let detector = seen
            .as_ref()
            .is_some_and(|seen| seen.spec.architecture.is_detector());
        show("answer-hint", seen.is_none());
        show("against-field", seen.is_some() && !detector);
        show("threshold-field", detector);
        show("detector-hint", false);
        let many = |seen: &Seen| seen.prepared.logits_input.len() > CLASSES;
        show("search-field", !detector && seen.as_ref().is_some_and(many));
        let focused = document().active_element();
        let focused = focused.and_then(|button| button.get_attribute("data-output"));
        // A list of its own, which takes the old one's place at once: with none, the page would shrink and jump.
        let fresh: Element = create("ol");
        let mut boxes = Vec::new();
        match &seen {
            Some(seen) if detector => boxes = self.show_detections(&fresh, seen),
            Some(seen) => self.show_classes(&fresh, seen),
            None => {}
        }
        let list: Element = element("predictions");
        let answers = fresh.child_nodes();
        let answers: js_sys::Array = (0..answers.length())
            .filter_map(|k| answers.get(k))
            .collect();
        list.replace_children_with_node(&answers);
        self.stage.borrow_mut().set_boxes(boxes);
        self.show_what_it_sees();
        // Whoever chose one by the keyboard is still there.
        if let Some(output) = focused
            && let Ok(Some(button)) = list.query_selector(&format!("[data-output='{output}']"))
        {
            let button: HtmlElement = wasm_bindgen::JsCast::unchecked_into(button);
            button.focus().unwrap_or(());
        }
    }

    fn show_classes(self: &Rc<Self>, list: &Element, seen: &Seen) {
        let labels = seen.spec.labels();
        let label = |class: usize| labels.get(class).copied().unwrap_or("?");
        let (spec, prepared) = (&seen.spec, &seen.prepared);
        // The likeliest, or those that someone looks for, by their names in the page's language.
        let query = element::<HtmlInputElement>("class-search").value();
        let searched = !query.trim().is_empty();
        let mut classes: Vec<usize> = if searched {
            let names: Vec<String> = labels.iter().map(|l| words::translated_name(l)).collect();
            matching(names.iter().map(String::as_str), &query, FOUND)
        } else {
            let top = top_predictions(&prepared.logits_input, CLASSES);
            top.iter().map(|answer| answer.target).collect()
        };
        show("class-none", searched && classes.is_empty());
        // What is explained is always among them.
        classes.extend(seen.output.filter(|output| !classes.contains(output)));
        for &class in &classes {
            let share = f64::from(prepared.probability(spec, class));
            let chosen = seen.output == Some(class);
            let button = answer_button(list, class, label(class), share, chosen);
            let page = Rc::clone(self);
            on(&button, "click", move |_: Event| page.choose_output(class));
        }
        let latest = self.latest();
        let against: HtmlSelectElement = element("against");
        against.set_inner_html("");
        super::add_option(&against, "", phrase!("nothing: this class by itself"), true);
        classes.extend(latest.against.filter(|other| !classes.contains(other)));
        for class in classes
            .into_iter()
            .filter(|&class| seen.output != Some(class))
        {
            let title = phrase!("why not {class}?", class = name(label(class)));
            super::add_option(&against, &class.to_string(), title, true);
        }
        let chosen = latest.against.map(|class| class.to_string());
        against.set_value(&chosen.unwrap_or_default());
        if against.selected_index() < 0 {
            against.set_value("");
        }
    }

    /// Lists and draws the boxes that reach the threshold, and the explained one in any case; if none does, says so
    /// and lists the best candidates.
    fn show_detections(self: &Rc<Self>, list: &Element, seen: &Seen) -> Vec<LabelledBox> {
        let percent = f64::from(self.latest().threshold);
        let all = &seen.prepared.detections;
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
                    "Nothing here scores {share}% or more. These come closest; choose one, or lower the threshold.",
                    share = decimal(percent, 0),
                )
            };
            say_in(&hint, sentence);
        }
        let count = if reaching == 0 {
            CANDIDATES.min(all.len())
        } else {
            reaching
        };
        let labels = seen.spec.labels();
        let label = |d: &Detection| labels.get(d.class).copied().unwrap_or("?");
        let (listed, rest) = all.split_at(count);
        let explained = rest.iter().filter(|d| seen.output == Some(d.output));
        let mut boxes = Vec::new();
        for detection in listed.iter().chain(explained) {
            let output = detection.output;
            let chosen = seen.output == Some(output);
            let share = f64::from(detection.score);
            let button = answer_button(list, output, label(detection), share, chosen);
            let page = Rc::clone(self);
            on(&button, "click", move |_: Event| page.choose_output(output));
            boxes.push(LabelledBox {
                output,
                rect: detection.rect,
                label: phrase!(
                    "{class} {share}%",
                    class = name(label(detection)),
                    share = words::percent(share, 0)
                ),
                chosen,
            });
        }
        boxes
    }

    /// Explains that output.
    pub(super) fn choose_output(self: &Rc<Self>, output: usize) {
        let explained = self.seen.borrow().as_ref().and_then(|seen| seen.output);
        self.change(|settings| {
            settings.output = Some(output);
            // A class is not held against itself.
            settings.against = settings.against.filter(|&other| other != output);
        });
        if explained == Some(output) && !self.jobs.is_busy() {
            // What was explained as the likeliest is chosen now: the same, or begun again after it was cancelled.
            self.begin(crate::page::Begin::Sum);
        }
    }
}

/// Adds an answer to the list: a name, a share and a bar.
fn answer_button(
    list: &Element,
    output: usize,
    class_name: &str,
    share: f64,
    chosen: bool,
) -> HtmlButtonElement {
    let button: HtmlButtonElement = create("button");
    button.set_type("button");
    button
        .set_attribute("data-output", &output.to_string())
        .unwrap_or(());
    let pressed = if chosen { "true" } else { "false" };
    button.set_attribute("aria-pressed", pressed).unwrap_or(());
    let label: Element = create("span");
    say_in(&label, Phrase::of(name(class_name)));
    let percent: Element = create("span");
    percent.set_class_name("share");
    say_in(
        &percent,
        phrase!("{share}%", share = words::percent(share, 1)),
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
