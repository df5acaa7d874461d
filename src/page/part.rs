//! Parts of the page as data: what stands where, what it says, and what can be done with it. `web` makes and changes
//! elements as it is told here, and decides nothing.

use super::plot::Plot;
use super::strokes::Stroke;
use crate::mask::{Mask, Palette, glow, lay_over, pale, soften};
use crate::words::Phrase;

/// Pixels on a canvas.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// RGBA, 4 bytes a pixel, so many pixels a row.
    Plain {
        /// Row by row.
        rgba: Vec<u8>,
        /// Pixels a row.
        width: usize,
    },
    /// A map, which changes its colours with the page.
    Map {
        /// What it lies over, RGBA, of as many pixels.
        photo: Option<Vec<u8>>,
        /// A value for each pixel.
        map: Vec<f32>,
        /// Pixels a row.
        width: usize,
    },
    /// A map as the stage shows it at first: its places, over the photo in its own colours; they change with the page.
    Glow {
        /// What it lies over, RGBA, of as many pixels.
        photo: Vec<u8>,
        /// A value for each pixel.
        map: Vec<f32>,
        /// Pixels a row.
        width: usize,
    },
    /// Pixels with something drawn over them.
    Drawn {
        /// RGBA, row by row.
        rgba: Vec<u8>,
        /// Pixels a row.
        width: usize,
        /// What is drawn, in pixels.
        strokes: Vec<Stroke>,
    },
}

impl Picture {
    /// Pixels a row.
    pub fn width(&self) -> usize {
        match self {
            Self::Plain { width, .. }
            | Self::Map { width, .. }
            | Self::Glow { width, .. }
            | Self::Drawn { width, .. } => *width,
        }
    }

    /// Whether its colours are the page's, and change with them.
    pub fn is_of_palette(&self) -> bool {
        matches!(self, Self::Map { .. } | Self::Glow { .. })
    }

    /// What is drawn over it.
    pub fn strokes(&self) -> &[Stroke] {
        match self {
            Self::Drawn { strokes, .. } => strokes,
            _ => &[],
        }
    }

    /// As it is drawn in these colours, RGBA: a map over its photo, which turns pale behind it.
    pub fn rgba(&self, palette: Palette) -> Vec<u8> {
        match self {
            Self::Plain { rgba, .. } | Self::Drawn { rgba, .. } => rgba.clone(),
            Self::Glow { photo, map, width } => {
                let mut rgba = photo.clone();
                let mask = Mask::of_map(&soften(map, *width));
                lay_over(&mut rgba, &glow(&mask, palette));
                rgba
            }
            Self::Map { photo, map, .. } => {
                let mask = Mask::of_map(map).to_rgba(palette);
                let [r, g, b] = palette.ground();
                let mut under = match photo {
                    Some(photo) => pale(photo),
                    None => [r, g, b, 255].repeat(map.len()),
                };
                lay_over(&mut under, &mask);
                under
            }
        }
    }
}

/// An element that is made, with all that is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name in HTML, or in SVG.
    pub tag: &'static str,
    /// Its attributes.
    pub attributes: Vec<(&'static str, String)>,
    /// Its style, where that hangs on a number.
    pub styles: Vec<(&'static str, String)>,
    /// What it says.
    pub words: Option<Phrase>,
    /// What its attributes say: `title`, `aria-label`, `alt`.
    pub spoken: Vec<(&'static str, Phrase)>,
    /// What a canvas shows.
    pub picture: Option<Picture>,
    /// What is in it.
    pub parts: Vec<Part>,
}

/// An element of that name, with nothing in it.
pub fn part(tag: &'static str) -> Part {
    Part {
        tag,
        attributes: Vec::new(),
        styles: Vec::new(),
        words: None,
        spoken: Vec::new(),
        picture: None,
        parts: Vec::new(),
    }
}

/// A button that does what listens to it, and sends no form.
pub fn button() -> Part {
    part("button").set("type", "button")
}

/// An entry of a list to choose from.
pub fn option(value: &str, title: Phrase, there: bool) -> Part {
    let option = part("option").set("value", value).says(title);
    if there {
        option
    } else {
        option.set("disabled", "")
    }
}

/// A canvas that a list shows beside its words, which say what it is.
pub fn plate(picture: Picture) -> Part {
    Part {
        picture: Some(picture),
        ..part("canvas").set("aria-hidden", "true")
    }
}

/// A picture in a list, and what is said beneath it.
pub fn plated(picture: Picture, title: Phrase) -> Part {
    part("li").with([plate(picture), part("strong").says(title)])
}

impl Part {
    /// With an attribute.
    #[must_use]
    pub fn set(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// Of a class in style.css.
    #[must_use]
    pub fn class(self, name: &str) -> Self {
        self.set("class", name)
    }

    /// A button that is pressed, or not.
    #[must_use]
    pub fn pressed(self, pressed: bool) -> Self {
        self.set("aria-pressed", pressed)
    }

    /// With a property of its style.
    #[must_use]
    pub fn style(mut self, name: &'static str, value: impl ToString) -> Self {
        self.styles.push((name, value.to_string()));
        self
    }

    /// That says this.
    #[must_use]
    pub fn says(mut self, words: Phrase) -> Self {
        self.words = Some(words);
        self
    }

    /// Of which an attribute says this.
    #[must_use]
    pub fn spoken(mut self, attribute: &'static str, words: Phrase) -> Self {
        self.spoken.push((attribute, words));
        self
    }

    /// With these in it, after what is there.
    #[must_use]
    pub fn with(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.parts.extend(parts);
        self
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What tells one of several parts from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It is a button that is pressed.
    Pressed,
    /// It is of a class.
    Class(&'static str),
}

/// What becomes of an element that index.html has.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It says this.
    Says(Phrase),
    /// An attribute says this.
    Spoken(&'static str, Phrase),
    /// It is there, or hidden.
    Shown(bool),
    /// It can be used, or is disabled.
    Enabled(bool),
    /// It has a class, or not.
    Class(&'static str, bool),
    /// An attribute of it.
    Attribute(&'static str, String),
    /// A property of its style.
    Style(&'static str, String),
    /// What a field holds.
    Value(String),
    /// These are in it, and nothing else.
    Holds(Vec<Part>),
    /// This is in it, after what is there.
    Adds(Part),
    /// Of what is in it, only the first so many stay.
    Keeps(usize),
    /// Of what is in it and has an attribute, the one with that value has a sign, and no other.
    Chosen(&'static str, Sign, Option<String>),
    /// Whoever uses the keyboard is there now.
    Focus,
    /// What a canvas shows.
    Picture(Picture),
    /// What a drawing shows.
    Plot(Plot),
}

/// Changes of elements by their ids, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panel {
    changes: Vec<(String, Change)>,
}

impl Panel {
    /// Nothing changes.
    pub fn new() -> Self {
        Self::default()
    }

    fn change(&mut self, id: impl Into<String>, change: Change) -> &mut Self {
        self.changes.push((id.into(), change));
        self
    }

    /// An element says this.
    pub fn says(&mut self, id: impl Into<String>, words: Phrase) -> &mut Self {
        self.change(id, Change::Says(words))
    }

    /// An attribute of an element says this.
    pub fn spoken(
        &mut self,
        id: impl Into<String>,
        attribute: &'static str,
        words: Phrase,
    ) -> &mut Self {
        self.change(id, Change::Spoken(attribute, words))
    }

    /// An element is there, or hidden.
    pub fn show(&mut self, id: impl Into<String>, shown: bool) -> &mut Self {
        self.change(id, Change::Shown(shown))
    }

    /// A control can be used, or not.
    pub fn enable(&mut self, id: impl Into<String>, enabled: bool) -> &mut Self {
        self.change(id, Change::Enabled(enabled))
    }

    /// An element is of a class, or not.
    pub fn class(&mut self, id: impl Into<String>, name: &'static str, present: bool) -> &mut Self {
        self.change(id, Change::Class(name, present))
    }

    /// A button is pressed, or not.
    pub fn press(&mut self, id: impl Into<String>, pressed: bool) -> &mut Self {
        self.set(id, "aria-pressed", pressed)
    }

    /// A button that does nothing for a while keeps its place, and the focus of whoever pressed it.
    pub fn rest(&mut self, id: impl Into<String>, resting: bool) -> &mut Self {
        self.set(id, "aria-disabled", resting)
    }

    /// An attribute of an element.
    pub fn set(
        &mut self,
        id: impl Into<String>,
        name: &'static str,
        value: impl ToString,
    ) -> &mut Self {
        self.change(id, Change::Attribute(name, value.to_string()))
    }

    /// A property of an element's style.
    pub fn style(
        &mut self,
        id: impl Into<String>,
        name: &'static str,
        value: impl ToString,
    ) -> &mut Self {
        self.change(id, Change::Style(name, value.to_string()))
    }

    /// What a field holds.
    pub fn value(&mut self, id: impl Into<String>, value: impl ToString) -> &mut Self {
        self.change(id, Change::Value(value.to_string()))
    }

    /// What is in an element.
    pub fn holds(
        &mut self,
        id: impl Into<String>,
        parts: impl IntoIterator<Item = Part>,
    ) -> &mut Self {
        self.change(id, Change::Holds(parts.into_iter().collect()))
    }

    /// This is in an element, after what is there.
    pub fn adds(&mut self, id: impl Into<String>, part: Part) -> &mut Self {
        self.change(id, Change::Adds(part))
    }

    /// Of what is in an element, only the first so many stay.
    pub fn keeps(&mut self, id: impl Into<String>, first: usize) -> &mut Self {
        self.change(id, Change::Keeps(first))
    }

    /// Of what is in an element and has an attribute, the one with that value has a sign, and no other.
    pub fn choose(
        &mut self,
        id: impl Into<String>,
        attribute: &'static str,
        sign: Sign,
        value: Option<String>,
    ) -> &mut Self {
        self.change(id, Change::Chosen(attribute, sign, value))
    }

    /// Whoever uses the keyboard is on an element from now on.
    pub fn focus(&mut self, id: impl Into<String>) -> &mut Self {
        self.change(id, Change::Focus)
    }

    /// What a drawing shows.
    pub fn plot(&mut self, id: impl Into<String>, plot: Plot) -> &mut Self {
        self.change(id, Change::Plot(plot))
    }

    /// What a canvas shows.
    pub fn picture(&mut self, id: impl Into<String>, picture: Picture) -> &mut Self {
        self.change(id, Change::Picture(picture))
    }

    /// The changes, in their order.
    pub fn changes(&self) -> impl Iterator<Item = (&str, &Change)> {
        self.changes
            .iter()
            .map(|(id, change)| (id.as_str(), change))
    }

    /// These changes after the ones that are there.
    pub fn append(&mut self, mut others: Panel) -> &mut Self {
        self.changes.append(&mut others.changes);
        self
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::words::Language;

    /// As English has it, with plain numbers.
    pub(in crate::page) fn english(words: &Phrase) -> String {
        words.said(Language::English, &|value, decimals| {
            format!("{value:.decimals$}")
        })
    }

    impl Part {
        /// All that it says, one after the other.
        pub(in crate::page) fn text(&self) -> String {
            let own = self.words.iter().map(english);
            let inside = self.parts.iter().map(Part::text);
            let all: Vec<String> = own.chain(inside).filter(|said| !said.is_empty()).collect();
            all.join(" ")
        }

        /// The first of what is in it, however deep, that has this attribute.
        pub(in crate::page) fn find(&self, attribute: &str) -> Option<&Part> {
            if self.attribute(attribute).is_some() {
                return Some(self);
            }
            self.parts.iter().find_map(|part| part.find(attribute))
        }
    }

    impl Panel {
        fn last<T>(&self, id: &str, of: impl Fn(&Change) -> Option<T>) -> Option<T> {
            let own = self.changes().filter(|(known, _)| *known == id);
            own.filter_map(|(_, change)| of(change)).last()
        }

        /// What an element says at last.
        pub(in crate::page) fn said(&self, id: &str) -> Option<String> {
            self.last(id, |change| match change {
                Change::Says(words) => Some(english(words)),
                _ => None,
            })
        }

        /// Whether an element is there at last.
        pub(in crate::page) fn shows(&self, id: &str) -> Option<bool> {
            self.last(id, |change| match change {
                Change::Shown(shown) => Some(*shown),
                _ => None,
            })
        }

        /// Whether a control can be used at last.
        pub(in crate::page) fn enables(&self, id: &str) -> Option<bool> {
            self.last(id, |change| match change {
                Change::Enabled(enabled) => Some(*enabled),
                _ => None,
            })
        }

        /// An attribute of an element at last.
        pub(in crate::page) fn attribute(&self, id: &str, wanted: &str) -> Option<String> {
            self.last(id, |change| match change {
                Change::Attribute(name, value) if *name == wanted => Some(value.clone()),
                _ => None,
            })
        }

        /// What is in an element at last.
        pub(in crate::page) fn held(&self, id: &str) -> Option<Vec<Part>> {
            self.last(id, |change| match change {
                Change::Holds(parts) => Some(parts.clone()),
                _ => None,
            })
        }

        /// What a field holds at last.
        pub(in crate::page) fn field(&self, id: &str) -> Option<String> {
            self.last(id, |change| match change {
                Change::Value(value) => Some(value.clone()),
                _ => None,
            })
        }

        /// Whether an element is of a class at last.
        pub(in crate::page) fn is_of(&self, id: &str, class: &str) -> Option<bool> {
            self.last(id, |change| match change {
                Change::Class(name, present) if *name == class => Some(*present),
                _ => None,
            })
        }
    }

    #[test]
    fn maps_change_their_colours_and_pictures_do_not() {
        let map = Picture::Map {
            photo: None,
            map: vec![0.0, 1.0],
            width: 2,
        };
        let [violet, blue] = [Palette::Violet, Palette::Blue].map(|palette| map.rgba(palette));
        assert_ne!(violet, blue);
        assert_eq!(violet[..4], [255; 4], "nothing is seen where nothing is");
        let ground = map.rgba(Palette::Yellow)[..3].to_vec();
        assert_eq!(ground, Palette::Yellow.ground());
        let over = Picture::Map {
            photo: Some([200, 40, 40, 255].repeat(2)),
            map: vec![0.0, 1.0],
            width: 2,
        };
        let rgba = over.rgba(Palette::Violet);
        assert_eq!(rgba[3], 255);
        // The photo behind the map has no colour of its own.
        assert!(
            rgba[0].abs_diff(rgba[1]) < 3 && rgba[1].abs_diff(rgba[2]) < 3,
            "{rgba:?}"
        );
        let plain = Picture::Plain {
            rgba: vec![1, 2, 3, 4],
            width: 1,
        };
        assert_eq!(plain.rgba(Palette::Yellow), [1, 2, 3, 4]);
    }
}
