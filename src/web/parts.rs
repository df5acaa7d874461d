//! Elements as [`Part`] and [`Panel`] have them: made, changed, and listened to.

use std::cell::{Cell, RefCell};

use wasm_bindgen::JsCast;
use web_sys::{
    Element, Event, HtmlCanvasElement, HtmlElement, HtmlInputElement, HtmlSelectElement,
};

use super::dom::{all, document, element, on};
use super::picture;
use super::stage::put_strokes;
use super::words::{say_as, say_in};
use crate::mask::Palette;
use crate::page::{Change, Panel, Part, Picture, Plot, Sign};

thread_local! {
    static PALETTE: Cell<Palette> = Cell::default();
    /// What canvases show that changes its colours with the page.
    static MAPS: RefCell<Vec<(HtmlCanvasElement, Picture)>> = const { RefCell::new(Vec::new()) };
    /// What drawings show, which hangs on how wide they are.
    static PLOTS: RefCell<Vec<(Element, Plot)>> = const { RefCell::new(Vec::new()) };
}

/// Makes an element, and all that is in it, for a place in HTML or in a drawing.
fn build(part: &Part, of: Option<&str>) -> Element {
    let made = document().create_element_ns(of, part.tag);
    let made = made.unwrap_or_else(|_| unreachable!("there is a <{}>", part.tag));
    for (name, value) in &part.attributes {
        set(&made, name, value);
    }
    for (name, value) in &part.styles {
        style(&made, name, value);
    }
    for (name, words) in &part.spoken {
        say_as(&made, name, words.clone());
    }
    if let Some(words) = &part.words {
        say_in(&made, words.clone());
    }
    if let Some(picture) = &part.picture {
        show_picture(made.unchecked_ref(), picture);
    }
    for inside in &part.parts {
        // Only a cycle could make this fail.
        let _same = made.append_child(&build(inside, of));
    }
    made
}

/// Changes the page.
pub(super) fn put(panel: &Panel) {
    for (id, change) in panel.changes() {
        let target: Element = element(id);
        match change {
            Change::Says(words) => say_in(&target, words.clone()),
            Change::Spoken(attribute, words) => say_as(&target, attribute, words.clone()),
            // Drawings have the attribute, but not the property.
            Change::Shown(shown) => switch(&target, "hidden", !shown),
            Change::Enabled(enabled) => switch(&target, "disabled", !enabled),
            Change::Class(name, present) => {
                let list = target.class_list();
                list.toggle_with_force(name, *present).unwrap_or_default();
            }
            Change::Attribute(name, value) => set(&target, name, value),
            Change::Style(name, value) => style(&target, name, value),
            Change::Value(value) => fill(&target, value),
            Change::Holds(parts) => hold(&target, parts),
            Change::Adds(part) => {
                let of = target.namespace_uri();
                // Only a cycle could make this fail.
                let _same = target.append_child(&build(part, of.as_deref()));
            }
            Change::Keeps(first) => {
                while target.child_element_count() > *first as u32 {
                    target.last_element_child().iter().for_each(Element::remove);
                }
            }
            Change::Chosen(attribute, sign, value) => {
                for part in all(&format!("#{id} [{attribute}]")) {
                    let chosen = value.is_some() && part.get_attribute(attribute) == *value;
                    match sign {
                        Sign::Pressed => set(&part, "aria-pressed", &chosen.to_string()),
                        Sign::Class(name) => {
                            let list = part.class_list();
                            list.toggle_with_force(name, chosen).unwrap_or_default();
                        }
                    }
                }
            }
            Change::Focus => target.unchecked_ref::<HtmlElement>().focus().unwrap_or(()),
            Change::Plot(plot) => {
                draw(&target, plot);
                PLOTS.with_borrow_mut(|plots| {
                    plots.retain(|(known, _)| known != &target);
                    plots.push((target, plot.clone()));
                });
            }
            Change::Picture(picture) => show_picture(target.unchecked_ref(), picture),
        }
    }
}

/// The page has another width: drawings are drawn anew, so that their words stay as large as others.
pub(super) fn refit() {
    PLOTS.with_borrow(|plots| {
        for (svg, plot) in plots {
            if svg.has_child_nodes() && svg.get_bounding_client_rect().width() > 0.0 {
                draw(svg, plot);
            }
        }
    });
}

/// Draws a plot into an `<svg>`, as wide as it is shown.
fn draw(svg: &Element, plot: &Plot) {
    let size = Plot::size(svg.get_bounding_client_rect().width());
    let [width, height] = size;
    set(svg, "viewBox", &format!("0 0 {width:.0} {height:.0}"));
    say_as(svg, "aria-label", plot.summary.clone());
    hold(svg, &plot.parts(size));
}

/// Has these parts in an element, at once, so that the page does not shrink and jump; whoever was on one of
/// them is on the one that has taken its place.
fn hold(target: &Element, parts: &[Part]) {
    let focused = document().active_element();
    let focused = focused.filter(|focused| target.contains(Some(focused)) && focused != target);
    let focused = focused.and_then(|focused| {
        let names = focused.get_attribute_names();
        let mut names = names.iter().filter_map(|name| name.as_string());
        let name = names.find(|name| name.starts_with("data-") && !name.contains("phrase"))?;
        let value = focused.get_attribute(&name)?;
        Some(format!("[{name}='{value}']"))
    });
    let of = target.namespace_uri();
    let fresh = parts.iter().map(|part| build(part, of.as_deref()));
    let fresh: js_sys::Array = fresh.collect();
    target.replace_children_with_node(&fresh);
    if let Some(found) = focused.and_then(|same| target.query_selector(&same).ok()?) {
        found.unchecked_into::<HtmlElement>().focus().unwrap_or(());
    }
}

/// Shows a picture on a canvas, and draws it anew when the page's colours change.
fn show_picture(canvas: &HtmlCanvasElement, shown: &Picture) {
    picture::show(canvas, &shown.rgba(PALETTE.get()), shown.width());
    // Refused only where there is nothing to draw on.
    put_strokes(canvas, shown.strokes()).unwrap_or(());
    MAPS.with_borrow_mut(|maps| {
        maps.retain(|(known, _)| known.is_connected() && known != canvas);
        if shown.is_of_palette() {
            maps.push((canvas.clone(), shown.clone()));
        }
    });
}

/// The colours that maps have from now on.
pub(super) fn recolour(palette: Palette) {
    if PALETTE.replace(palette) == palette {
        return;
    }
    MAPS.with_borrow_mut(|maps| {
        maps.retain(|(canvas, _)| canvas.is_connected());
        for (canvas, map) in maps {
            picture::show(canvas, &map.rgba(palette), map.width());
        }
    });
}

/// Listens for all that is in a list, whatever will be: the `handler` gets the value of an attribute of what
/// was clicked.
pub(super) fn on_part(list: &str, attribute: &'static str, handler: impl Fn(&str) + 'static) {
    on(&element::<Element>(list), "click", move |event: Event| {
        if let Some(value) = value_at(&event, attribute) {
            handler(&value);
        }
    });
}

/// The value of an attribute of what an event happened to, or of what that is in.
pub(super) fn value_at(event: &Event, attribute: &str) -> Option<String> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let found = target.closest(&format!("[{attribute}]")).ok()??;
    found.get_attribute(attribute)
}

fn set(element: &Element, name: &str, value: &str) {
    // Refused only for names that are no attribute's.
    element.set_attribute(name, value).unwrap_or(());
}

fn switch(element: &Element, name: &str, on: bool) {
    element
        .toggle_attribute_with_force(name, on)
        .unwrap_or_default();
}

fn style(element: &Element, name: &str, value: &str) {
    let element: &HtmlElement = element.unchecked_ref();
    element.style().set_property(name, value).unwrap_or(());
}

/// Has a field hold a value, unless it does already.
fn fill(element: &Element, value: &str) {
    if let Some(select) = element.dyn_ref::<HtmlSelectElement>() {
        // A list that has no such entry yet keeps what it shows.
        let before = select.value();
        if before != value {
            select.set_value(value);
            if select.selected_index() < 0 {
                select.set_value(&before);
            }
        }
        return;
    }
    let input: &HtmlInputElement = element.unchecked_ref();
    if input.type_() == "checkbox" {
        input.set_checked(value == "on");
    } else if input.value() != value {
        input.set_value(value);
    }
}
