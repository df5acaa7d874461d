//! The page's address says what is shown, so that a link restores it: model, steps, baseline, view,
//! and, as far as they can be had again, scene and class.

use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlInputElement, HtmlSelectElement, UrlSearchParams};

use super::listen::show_baseline_fields;
use super::{MOST_STEPS, Page, chosen_baseline, chosen_rule, show_rule};
use crate::attribution::{Baseline, Rule};
use crate::mask::Reduction;
use crate::shapes::Tag;
use crate::web::dom::{all, element, window};
use crate::web::pool::Picture;

/// Names of the address' parameters.
const STEPS: &str = "steps";
const RULE: &str = "rule";
const CLIP: &str = "clip";
const MODEL: &str = "model";
const BASELINE: &str = "baseline";
const VIEW: &str = "view";
const SCALE: &str = "scale";
const SHOW: &str = "show";
const OUTPUT: &str = "output";
const AGAINST: &str = "against";
const SCENE: &str = "scene";
const TAG: &str = "tag";

fn query() -> Option<UrlSearchParams> {
    let query = window().location().search().ok()?;
    UrlSearchParams::new_with_str(&query).ok()
}

/// A parameter of the page's address.
pub(super) fn parameter(name: &str) -> Option<String> {
    query()?.get(name)
}

impl Page {
    /// Sets what the address asks for, before anything runs. The model is set where the models are
    /// listed.
    pub(super) fn read_address(self: &Rc<Self>) {
        if parameter(STEPS).as_deref() == Some("auto") {
            element::<HtmlInputElement>("auto").click();
        } else {
            let (usual, n_steps) = chosen_rule();
            let steps = parameter(STEPS).and_then(|text| text.parse::<f64>().ok());
            let steps = steps.map(|steps| steps.round().clamp(1.0, MOST_STEPS) as usize);
            let rule = parameter(RULE).and_then(|name| Rule::from_name(&name));
            show_rule(rule.unwrap_or(usual), steps.unwrap_or(n_steps));
        }
        if let Some(clip) = parameter(CLIP) {
            element::<HtmlInputElement>("clip").set_value(&clip);
            self.clip();
        }
        if let Some(baseline) = parameter(BASELINE).and_then(|name| Baseline::from_name(&name)) {
            let select: HtmlSelectElement = element("baseline");
            let colour: HtmlInputElement = element("baseline-colour");
            match baseline {
                Baseline::Colour(_) => {
                    select.set_value("colour");
                    colour.set_value(&baseline.to_string());
                }
                Baseline::Noise(seed) => {
                    select.set_value("noise");
                    element::<HtmlInputElement>("baseline-seed").set_value(&seed.to_string());
                }
                _ => select.set_value(&baseline.to_string()),
            }
            show_baseline_fields();
        }
        if parameter(SCALE).as_deref() == Some("probability") {
            element::<HtmlSelectElement>("scale").set_value("probability");
        }
        if let Some(reduction) = parameter(SHOW).and_then(|name| Reduction::from_name(&name)) {
            element::<HtmlSelectElement>("reduction").set_value(reduction.name());
        }
        // A difference needs a pinned mask, which no address can bring back.
        if let Some(view) = parameter(VIEW).filter(|view| view != "difference") {
            for radio in all("input[name=view]") {
                let radio: &HtmlInputElement = radio.unchecked_ref();
                if radio.value() == view {
                    radio.set_checked(true);
                }
            }
        }
        if let Some(seed) = parameter(SCENE).and_then(|text| text.parse().ok()) {
            let tag = parameter(TAG).and_then(|name| Tag::from_name(&name));
            let tag = tag.unwrap_or_default();
            element::<HtmlSelectElement>("tag").set_value(tag.name());
            *self.picture.borrow_mut() = Some(Picture::Scene { seed, tag });
        }
        self.wanted_output
            .set(parameter(OUTPUT).and_then(|text| text.parse().ok()));
        *self.wanted_against.borrow_mut() = parameter(AGAINST);
    }

    /// Writes what is shown into the address. Parameters that are none of these stay.
    pub(super) fn write_address(&self) {
        let Some(query) = query() else { return };
        let set = |name: &str, value: Option<String>| match value {
            Some(value) => query.set(name, &value),
            None => query.delete(name),
        };
        let model = element::<HtmlSelectElement>("model").value();
        set(MODEL, Some(model).filter(|name| !name.starts_with("own:")));
        let (rule, steps) = if element::<HtmlInputElement>("auto").checked() {
            (Rule::default(), "auto".into())
        } else {
            let (rule, n_steps) = chosen_rule();
            (rule, n_steps.to_string())
        };
        set(STEPS, Some(steps));
        let rule = Some(rule).filter(|&rule| rule != Rule::default());
        set(RULE, rule.map(|rule| rule.name().into()));
        let clip = element::<HtmlInputElement>("clip").value();
        set(CLIP, Some(clip).filter(|share| share != "98"));
        let baseline = Some(chosen_baseline()).filter(|&b| b != Baseline::Black);
        set(BASELINE, baseline.map(|b| b.to_string()));
        let scale = element::<HtmlSelectElement>("scale").value();
        set(SCALE, Some(scale).filter(|scale| scale != "logit"));
        let show = element::<HtmlSelectElement>("reduction").value();
        set(
            SHOW,
            Some(show).filter(|name| name != Reduction::default().name()),
        );
        let checked = all("input[name=view]:checked");
        let view = checked
            .first()
            .and_then(|radio| radio.get_attribute("value"));
        set(VIEW, view.filter(|view| view != "overlay"));
        let scene = match &*self.picture.borrow() {
            Some(Picture::Scene { seed, tag }) => Some((seed.to_string(), tag.name().to_owned())),
            _ => None,
        };
        let (seed, tag) = scene.unzip();
        set(SCENE, seed);
        set(TAG, tag);
        set(OUTPUT, self.output.get().map(|output| output.to_string()));
        let against = element::<HtmlSelectElement>("against").value();
        set(AGAINST, Some(against).filter(|class| !class.is_empty()));
        let url = format!("?{}", query.to_string().as_string().unwrap_or_default());
        // Refused only by documents that have no address of their own.
        let history = window().history();
        let _written = history.map(|h| h.replace_state_with_url(&JsValue::NULL, "", Some(&url)));
    }
}
