//! Everything that can be set on the page, as one table: which control shows it, what it is called in the
//! address and where the browser keeps it, and how much of an explanation a change makes worthless.

use super::lesson::OWN_NETWORK;
use super::networks::OWN;
use crate::attribution::{Baseline, Method, Rule};
use crate::mask::{MASS_SHOWN, Palette, Reduction};
use crate::model::Scale;
use crate::shapes::Tag;
use crate::words::{Phrase, phrase};

/// The paper's rule: what the page offers first without Auto, and what a number of steps without a rule means in a link.
const BY_HAND: Rule = Rule::Trapezoid;
/// The most steps the page offers.
pub const MOST_STEPS: usize = 500;
/// Detections scoring less are drawn only if someone asks for them, in percent; TensorFlow's default.
const THRESHOLD: u8 = 50;

/// How much of the way from engine to picture is to be gone again. What comes later includes less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Begin {
    /// Other workers: start them, and all the rest.
    Engine,
    /// Another network: load it, look at the photo, sum.
    Model,
    /// Another photo: look at it, sum.
    Photo,
    /// Another baseline: look again, sum.
    Baseline,
    /// Another output or other steps: sum.
    Sum,
    /// Nothing but the drawing.
    Drawing,
}

/// When a change is acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At once.
    AtOnce,
    /// When someone says so: a number that is being typed is not yet what is meant.
    Asked,
}

/// What the canvases show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// The photo.
    Original,
    /// The mask alone, pixel by pixel.
    Mask,
    /// The photo in its own colours, with the mask over it, smoothed: where.
    #[default]
    Overlay,
    /// The photo in grey, with the mask over it, pixel by pixel.
    Pixels,
    /// The photo where the mask is strong, and darkness elsewhere.
    Spotlight,
    /// The photo, with lines around where the mask is strong.
    Contours,
    /// The photo in pieces, each in the colour of what its attributions come to.
    Regions,
    /// Of the current mask and the pinned one.
    Difference,
}

impl View {
    /// Every view, in the order in which they are offered.
    pub const ALL: [View; 8] = [
        View::Original,
        View::Mask,
        View::Overlay,
        View::Pixels,
        View::Spotlight,
        View::Contours,
        View::Regions,
        View::Difference,
    ];

    /// Name in addresses, and of its control.
    pub fn name(self) -> &'static str {
        match self {
            View::Original => "original",
            View::Mask => "mask",
            View::Overlay => "overlay",
            View::Pixels => "pixels",
            View::Spotlight => "spotlight",
            View::Contours => "contours",
            View::Regions => "regions",
            View::Difference => "difference",
        }
    }

    /// Whether something of the photo is seen through the mask, so that its opacity changes what is drawn.
    pub fn is_seen_through(self) -> bool {
        !matches!(self, View::Original | View::Mask | View::Contours)
    }

    /// The view of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }
}

/// Which picture is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PictureId {
    /// A photo that someone brought, by a number of its own.
    Photo(u64),
    /// A photo that comes with the page, by its name there.
    Sample(String),
    /// A drawn scene.
    Scene {
        /// Which one.
        seed: u64,
        /// What stands in its corner.
        tag: Tag,
    },
}

/// What is set. See [`FIELDS`] for where each is seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// "auto", "gpu" or "cpu".
    pub device: String,
    /// The network's name; empty until it is known which there are.
    pub model: String,
    /// Counts what was changed about a network of one's own.
    pub revision: u64,
    /// What is looked at.
    pub picture: Option<PictureId>,
    /// The tag of the scenes to come.
    pub tag: Tag,
    /// Where the path starts: "colour", "noise", or a baseline's name.
    baseline: String,
    colour: [u8; 3],
    seed: u64,
    /// The output that someone chose; nothing, for the likeliest.
    pub output: Option<usize>,
    /// The class that it is explained against.
    pub against: Option<usize>,
    /// Logits or probabilities.
    pub scale: Scale,
    /// Whether rule and steps are left to the page.
    pub auto: bool,
    rule: Rule,
    n_steps: usize,
    /// What is drawn.
    pub view: View,
    /// What of each pixel.
    pub reduction: Reduction,
    /// In which colours.
    pub palette: Palette,
    /// How opaque the mask is, in percent.
    pub opacity: u8,
    /// The share of the mask that the colours span, in percent.
    pub clip: u8,
    /// How much of the picture, from its left, is shown without the mask, in percent.
    pub split: u8,
    /// A detector's threshold, in percent.
    pub threshold: u8,
}

impl Default for Settings {
    fn default() -> Self {
        let rule = BY_HAND;
        Self {
            device: "auto".into(),
            model: String::new(),
            revision: 0,
            picture: None,
            tag: Tag::default(),
            baseline: Baseline::default().to_string(),
            colour: [127; 3],
            seed: 1,
            output: None,
            against: None,
            scale: Scale::default(),
            auto: true,
            rule,
            n_steps: rule.usual_steps(),
            view: View::default(),
            reduction: Reduction::default(),
            palette: Palette::default(),
            opacity: 85,
            clip: (MASS_SHOWN * 100.0) as u8,
            split: 0,
            threshold: THRESHOLD,
        }
    }
}

impl Settings {
    /// How the integral is taken.
    pub fn method(&self) -> Method {
        if self.auto {
            Method::default()
        } else {
            Method::Steps(self.rule, self.n_steps)
        }
    }

    /// Where the path starts.
    pub fn baseline(&self) -> Baseline {
        match &*self.baseline {
            "colour" => Baseline::Colour(self.colour),
            "noise" => Baseline::Noise(self.seed),
            name => Baseline::from_name(name).unwrap_or_default(),
        }
    }

    /// Starts the path elsewhere.
    pub fn set_baseline(&mut self, baseline: Baseline) {
        match baseline {
            Baseline::Colour(rgb) => (self.baseline, self.colour) = ("colour".into(), rgb),
            Baseline::Noise(seed) => (self.baseline, self.seed) = ("noise".into(), seed),
            other => self.baseline = other.to_string(),
        }
    }

    /// Another network: what was chosen among the outputs of the one before means nothing.
    pub fn set_model(&mut self, name: &str) {
        if self.model != name {
            self.model = name.into();
            (self.output, self.against) = (None, None);
        }
    }

    /// Another picture: what was chosen among the answers to the one before means nothing.
    pub fn set_picture(&mut self, picture: Option<PictureId>) {
        if self.picture != picture {
            if let Some(PictureId::Scene { tag, .. }) = picture {
                self.tag = tag;
            }
            self.picture = picture;
            (self.output, self.against) = (None, None);
        }
    }

    /// The settings that an address and the browser's store describe. `address` and `kept` have the text
    /// under a name. What they do not name, or name wrongly, is as by default.
    pub fn read(
        address: impl Fn(&str) -> Option<String>,
        kept: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut settings = Self::default();
        for field in &FIELDS {
            let stored = field.storage.and_then(&kept);
            let named = field.key.and_then(&address);
            for text in stored.into_iter().chain(named) {
                (field.restore)(&mut settings, &text);
            }
        }
        // A choice among answers belongs to a picture and to a network; one's own are in no address.
        if settings.picture.is_none() || settings.model == OWN_NETWORK {
            (settings.output, settings.against) = (None, None);
        }
        settings
    }

    /// What an address has to say, (name, text); no text, where nothing needs to be said.
    pub fn address(&self) -> Vec<(&'static str, Option<String>)> {
        let usual = Self::default();
        let mut said: Vec<(&'static str, Option<String>)> = Vec::new();
        for field in &FIELDS {
            let Some(key) = field.key else { continue };
            let text = (field.save)(self);
            let text =
                text.filter(|text| field.always || Some(text) != (field.save)(&usual).as_ref());
            match said.iter_mut().find(|(name, _)| *name == key) {
                // Two fields may speak under one name; one of them has something to say.
                Some((_, before)) if before.is_none() => *before = text,
                Some(_) => {}
                None => said.push((key, text)),
            }
        }
        said
    }
}

impl Settings {
    /// All that an address has to say, with what is `pinned`, as long as it can be had again by the
    /// address.
    pub fn address_with(&self, pinned: Option<&Self>) -> Vec<(&'static str, Option<String>)> {
        let pinned = pinned.filter(|_| self.picture_in_address());
        let pinned = pinned.map(|pinned| self.pin_text(pinned));
        let mut said = self.address();
        said.push(("pin", pinned));
        said
    }

    /// The number of the photo of one's own that is set, if it is one.
    pub fn own_photo(&self) -> Option<u64> {
        match self.picture {
            Some(PictureId::Photo(number)) => Some(number),
            _ => None,
        }
    }

    /// Whether the address is of another picture than the one `before`, so that Back shall lead to
    /// that.
    pub fn is_of_another(&self, before: Option<&PictureId>) -> bool {
        before.is_some() && self.picture.is_some() && before != self.picture.as_ref()
    }

    /// Whether a photo and a network of one's own are set, which no address holds.
    pub fn kept_here(&self) -> [bool; 2] {
        [!self.picture_in_address(), self.model.starts_with(OWN)]
    }

    /// What is said where the address was copied.
    pub fn copied(&self) -> Phrase {
        match self.kept_here() {
            [false, false] => phrase!("The link is copied: it restores what you see."),
            [true, false] => phrase!(
                "The link is copied: it restores everything but your photo, which stays here."
            ),
            [false, true] => phrase!(
                "The link is copied: it restores everything but your network, which stays here."
            ),
            [true, true] => phrase!(
                "The link is copied: it restores everything but your photo and your network, which stay here."
            ),
        }
    }

    /// What an address says of a pinned explanation of the same picture: what it was made with, where that is another
    /// thing than what is set; `name:text` pairs, apart by spaces.
    pub fn pin_text(&self, pinned: &Self) -> String {
        let (shown, pinned) = (self.address(), pinned.address());
        let differs = |pair: &&(&str, Option<String>)| !shown.contains(pair);
        let say = |(name, text): &(&str, Option<String>)| {
            // A space is in no setting's text; nothing is said by an empty one.
            format!("{name}:{}", text.as_deref().unwrap_or_default())
        };
        pinned
            .iter()
            .filter(differs)
            .map(say)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The settings of a pinned explanation, given those of what is shown.
    pub(super) fn with_pin(&self, text: &str) -> Self {
        let mut said: Vec<(String, Option<String>)> = Vec::new();
        for (name, text) in self.address() {
            said.push((name.into(), text));
        }
        for pair in text.split_whitespace() {
            let Some((name, text)) = pair.split_once(':') else {
                continue;
            };
            if let Some((_, before)) = said.iter_mut().find(|(known, _)| known == name) {
                *before = Some(text.to_owned()).filter(|text| !text.is_empty());
            }
        }
        let find = |name: &str| said.iter().find(|(known, _)| known == name)?.1.clone();
        let mut pinned = Self::read(find, |_| None);
        // The same picture, whatever the text says.
        if pinned.picture != self.picture {
            pinned.picture = self.picture.clone();
        }
        pinned
    }
}

/// One thing that can be set.
pub struct Field {
    /// The id of its control in index.html, or the name of its radio buttons; empty, where it has none.
    pub id: &'static str,
    /// Its name in the address.
    pub key: Option<&'static str>,
    /// Whether the address names it even if it is as by default.
    always: bool,
    /// The name under which the browser keeps it.
    pub storage: Option<&'static str>,
    /// What a change of it makes worthless.
    pub invalidates: Begin,
    /// When a change is acted upon.
    pub start: Start,
    /// The text of its control.
    pub text: fn(&Settings) -> String,
    /// Takes a control's text. Texts that mean nothing change nothing.
    pub set: fn(&mut Settings, &str),
    /// The text that address and store have; none, where there is nothing to keep.
    pub save: fn(&Settings) -> Option<String>,
    /// Takes the address' or the store's text.
    restore: fn(&mut Settings, &str),
}

impl Field {
    /// A field that control, address and store write alike.
    const fn new(
        id: &'static str,
        invalidates: Begin,
        text: fn(&Settings) -> String,
        set: fn(&mut Settings, &str),
    ) -> Self {
        Self {
            id,
            key: None,
            always: false,
            storage: None,
            invalidates,
            start: Start::AtOnce,
            text,
            set,
            save: |_| None,
            restore: |_, _| {},
        }
    }

    const fn in_address(
        self,
        key: &'static str,
        save: fn(&Settings) -> Option<String>,
        restore: fn(&mut Settings, &str),
    ) -> Self {
        Self {
            key: Some(key),
            save,
            restore,
            ..self
        }
    }

    const fn always(self) -> Self {
        Self {
            always: true,
            ..self
        }
    }

    const fn kept_as(
        self,
        storage: &'static str,
        save: fn(&Settings) -> Option<String>,
        restore: fn(&mut Settings, &str),
    ) -> Self {
        Self {
            storage: Some(storage),
            save,
            restore,
            ..self
        }
    }

    const fn when_asked(self) -> Self {
        Self {
            start: Start::Asked,
            ..self
        }
    }

    /// The field whose control has that id.
    pub fn of_control(id: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.id == id)
    }
}

/// Takes a text's value, if it has one.
fn take<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn number(text: &str, least: usize, most: usize) -> Option<usize> {
    let number: f64 = text.trim().parse().ok().filter(|n: &f64| n.is_finite())?;
    Some(number.round().clamp(least as f64, most as f64) as usize)
}

fn percent(text: &str) -> Option<u8> {
    number(text, 0, 100).map(|share| share as u8)
}

fn set_rule(settings: &mut Settings, text: &str) {
    if !settings.auto {
        take(&mut settings.rule, Rule::from_name(text));
    }
}

fn set_steps(settings: &mut Settings, text: &str) {
    if !settings.auto {
        take(&mut settings.n_steps, number(text, 1, MOST_STEPS));
    }
}

fn steps(settings: &Settings) -> String {
    settings.n_steps.to_string()
}

fn set_view(settings: &mut Settings, text: &str) {
    take(&mut settings.view, View::from_name(text));
}

fn set_model(settings: &mut Settings, text: &str) {
    if !text.is_empty() {
        settings.set_model(text);
    }
}

fn set_reduction(settings: &mut Settings, text: &str) {
    take(&mut settings.reduction, Reduction::from_name(text));
}

fn set_palette(settings: &mut Settings, text: &str) {
    take(&mut settings.palette, Palette::from_name(text));
}

fn set_scale(settings: &mut Settings, text: &str) {
    let scale = match text {
        "logit" => Some(Scale::Logit),
        "probability" => Some(Scale::Probability),
        _ => None,
    };
    take(&mut settings.scale, scale);
}

fn scale(settings: &Settings) -> String {
    match settings.scale {
        Scale::Logit => "logit".into(),
        Scale::Probability => "probability".into(),
    }
}

fn set_device(settings: &mut Settings, text: &str) {
    if ["auto", "gpu", "cpu"].contains(&text) {
        settings.device = text.into();
    }
}

fn set_clip(settings: &mut Settings, text: &str) {
    take(&mut settings.clip, percent(text));
}

/// An index, or nothing.
fn index(place: Option<usize>) -> String {
    place.map_or_else(String::new, |index| index.to_string())
}

/// What can be set. Where two fields share a name in the address, each takes what it understands. The picture
/// comes before what is chosen among the answers to it, and the network before both.
pub static FIELDS: [Field; 22] = [
    // Which device computes is the machine's affair: the page's own address keeps it, one that is sent does not.
    Field::new("device", Begin::Engine, |s| s.device.clone(), set_device).in_address(
        "device",
        |s| Some(s.device.clone()),
        set_device,
    ),
    Field::new("model", Begin::Model, |s| s.model.clone(), set_model)
        .in_address(
            "model",
            |s| match s.model.starts_with(OWN) {
                true => Some(OWN_NETWORK.into()),
                false => Some(s.model.clone()).filter(|name| !name.is_empty()),
            },
            set_model,
        )
        .always(),
    Field::new(
        "",
        Begin::Model,
        |s| s.revision.to_string(),
        |s, text| take(&mut s.revision, text.parse().ok()),
    ),
    Field::new(
        "tag",
        Begin::Photo,
        |s| s.tag.name().into(),
        |s, text| {
            take(&mut s.tag, Tag::from_name(text));
            if let Some(PictureId::Scene { seed, .. }) = s.picture {
                let tag = s.tag;
                s.set_picture(Some(PictureId::Scene { seed, tag }));
            }
        },
    )
    .in_address(
        "tag",
        |s| matches!(s.picture, Some(PictureId::Scene { .. })).then(|| s.tag.name().into()),
        |s, text| take(&mut s.tag, Tag::from_name(text)),
    ),
    Field::new(
        "",
        Begin::Photo,
        |s| match &s.picture {
            Some(PictureId::Scene { seed, .. }) => seed.to_string(),
            _ => String::new(),
        },
        |_, _| {},
    )
    .in_address(
        "scene",
        |s| match &s.picture {
            Some(PictureId::Scene { seed, .. }) => Some(seed.to_string()),
            _ => None,
        },
        |s, text| {
            if let Ok(seed) = text.parse() {
                let tag = s.tag;
                s.set_picture(Some(PictureId::Scene { seed, tag }));
            }
        },
    ),
    Field::new(
        "",
        Begin::Photo,
        |s| match &s.picture {
            Some(PictureId::Sample(name)) => name.clone(),
            Some(PictureId::Photo(number)) => format!("#{number}"),
            _ => String::new(),
        },
        |_, _| {},
    )
    .in_address(
        "photo",
        |s| match &s.picture {
            Some(PictureId::Sample(name)) => Some(name.clone()),
            // The photo stays here; whoever opens the link is told that it lacks one.
            Some(PictureId::Photo(_)) => Some(super::lesson::OWN_PHOTO.into()),
            _ => None,
        },
        |s, text| {
            // A name, never a way to another place.
            let name = !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase());
            if name && text != super::lesson::OWN_PHOTO {
                s.set_picture(Some(PictureId::Sample(text.into())));
            }
        },
    ),
    Field::new(
        "baseline",
        Begin::Baseline,
        |s| s.baseline.clone(),
        |s, text| {
            if ["colour", "noise"].contains(&text) || Baseline::from_name(text).is_some() {
                s.baseline = text.into();
            }
        },
    )
    .in_address(
        "baseline",
        |s| Some(s.baseline().to_string()),
        |s, text| {
            if let Some(baseline) = Baseline::from_name(text) {
                s.set_baseline(baseline);
            }
        },
    ),
    Field::new(
        "baseline-colour",
        Begin::Baseline,
        |s| Baseline::Colour(s.colour).to_string(),
        |s, text| {
            take(
                &mut s.colour,
                Baseline::from_name(text).and_then(Baseline::colour),
            )
        },
    ),
    Field::new(
        "baseline-seed",
        Begin::Baseline,
        |s| s.seed.to_string(),
        |s, text| take(&mut s.seed, number(text, 1, 9999).map(|seed| seed as u64)),
    ),
    Field::new(
        "predictions",
        Begin::Sum,
        |s| index(s.output),
        |s, text| s.output = text.parse().ok(),
    )
    .in_address(
        "output",
        |s| {
            s.picture_in_address()
                .then_some(s.output)?
                .map(|o| o.to_string())
        },
        |s, text| s.output = text.parse().ok(),
    ),
    Field::new(
        "against",
        Begin::Sum,
        |s| index(s.against),
        |s, text| s.against = text.parse().ok(),
    )
    .in_address(
        "against",
        |s| {
            s.picture_in_address()
                .then_some(s.against)?
                .map(|o| o.to_string())
        },
        |s, text| s.against = text.parse().ok(),
    ),
    Field::new("scale", Begin::Sum, scale, set_scale).in_address(
        "scale",
        |s| Some(scale(s)),
        set_scale,
    ),
    Field::new(
        "auto",
        Begin::Sum,
        |s| if s.auto { "on" } else { "" }.into(),
        |s, text| s.auto = text == "on",
    )
    .in_address(
        "steps",
        |s| s.auto.then(|| "auto".into()),
        |s, text| s.auto = text == "auto" || text.parse::<f64>().is_err(),
    )
    .always(),
    Field::new("rule", Begin::Sum, |s| s.rule.name().into(), set_rule).in_address(
        "rule",
        |s| (!s.auto && s.rule != BY_HAND).then(|| s.rule.name().into()),
        |s, text| {
            if let Some(rule) = Rule::from_name(text) {
                (s.auto, s.rule, s.n_steps) = (false, rule, rule.usual_steps());
            }
        },
    ),
    Field::new("steps", Begin::Sum, steps, set_steps)
        .in_address("steps", |s| (!s.auto).then(|| steps(s)), set_steps)
        .always()
        .when_asked(),
    Field::new(
        "reduction",
        Begin::Drawing,
        |s| s.reduction.name().into(),
        set_reduction,
    )
    .in_address("show", |s| Some(s.reduction.name().into()), set_reduction),
    Field::new("view", Begin::Drawing, |s| s.view.name().into(), set_view).in_address(
        "view",
        |s| Some(s.view.name().into()),
        |s, text| {
            // A difference needs a pinned mask, which no address can bring back.
            set_view(
                s,
                Some(text)
                    .filter(|&text| text != "difference")
                    .unwrap_or_default(),
            );
        },
    ),
    Field::new(
        "palette",
        Begin::Drawing,
        |s| s.palette.name().into(),
        set_palette,
    )
    .kept_as(
        "violet.palette",
        |s| Some(s.palette.name().into()),
        set_palette,
    ),
    Field::new(
        "opacity",
        Begin::Drawing,
        |s| s.opacity.to_string(),
        |s, text| take(&mut s.opacity, percent(text)),
    ),
    Field::new("clip", Begin::Drawing, |s| s.clip.to_string(), set_clip).in_address(
        "clip",
        |s| Some(s.clip.to_string()),
        set_clip,
    ),
    Field::new(
        "split",
        Begin::Drawing,
        |s| s.split.to_string(),
        |s, text| take(&mut s.split, percent(text)),
    )
    .in_address(
        "split",
        |s| Some(s.split.to_string()),
        |s, text| take(&mut s.split, percent(text)),
    ),
    Field::new(
        "threshold",
        Begin::Drawing,
        |s| s.threshold.to_string(),
        |s, text| take(&mut s.threshold, percent(text)),
    ),
];

impl Settings {
    /// Whether an address brings the picture back.
    pub fn picture_in_address(&self) -> bool {
        matches!(
            self.picture,
            Some(PictureId::Scene { .. } | PictureId::Sample(_))
        )
    }
}

/// The fields in which two settings differ, as far as it matters: what is set for another baseline or
/// Auto is not to take does not.
pub fn differing<'a>(a: &'a Settings, b: &'a Settings) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(move |field| match field.id {
        "baseline-colour" => [a, b].iter().all(|s| s.baseline == "colour") && a.colour != b.colour,
        "baseline-seed" => [a, b].iter().all(|s| s.baseline == "noise") && a.seed != b.seed,
        // Auto takes neither.
        "rule" | "steps" => !a.auto && !b.auto && (field.text)(a) != (field.text)(b),
        // Of the scenes to come.
        "tag" => a.scene_tag() != b.scene_tag(),
        _ => (field.text)(a) != (field.text)(b),
    })
}

impl Settings {
    fn scene_tag(&self) -> Option<Tag> {
        match self.picture {
            Some(PictureId::Scene { tag, .. }) => Some(tag),
            _ => None,
        }
    }
}

/// From where to begin again, so that what was made with `made` becomes what `wanted` asks for; nothing,
/// if it is that already.
pub fn first_difference(wanted: &Settings, made: &Settings) -> Option<Begin> {
    differing(wanted, made).map(|field| field.invalidates).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashMap};

    #[test]
    fn the_readme_names_all_that_an_address_says() {
        let readme = include_str!("../../README.md");
        for key in FIELDS.iter().filter_map(|field| field.key).chain(["pin"]) {
            assert!(readme.contains(&format!("`{key}=")), "{key}");
        }
    }

    /// Texts that each control can have, besides what it has by default.
    fn texts(id: &str) -> &'static [&'static str] {
        match id {
            "device" => &["cpu", "gpu"],
            "model" => &["shapesnet", "own:mine.pth"],
            "tag" => &["telling", "misleading"],
            "baseline" => &["white", "blurred", "colour", "noise"],
            "baseline-colour" => &["#00ff00"],
            "baseline-seed" => &["42"],
            "predictions" | "against" => &["3", "0"],
            "scale" => &["probability"],
            "auto" => &["", "on"],
            "rule" => &["gauss-legendre"],
            "steps" => &["7", "500"],
            "reduction" => &["signed"],
            "view" => &["mask", "pixels"],
            "palette" => &["yellow"],
            "opacity" | "clip" | "threshold" | "split" => &["90"],
            _ => &[],
        }
    }

    fn set(settings: &mut Settings, id: &str, text: &str) {
        let field = Field::of_control(id).expect("a control of that id");
        (field.set)(settings, text);
    }

    #[test]
    fn every_control_says_what_was_set_and_every_one_is_tried() {
        for field in FIELDS.iter().filter(|field| !field.id.is_empty()) {
            assert!(!texts(field.id).is_empty(), "{}", field.id);
            for text in texts(field.id) {
                let mut settings = Settings {
                    auto: !matches!(field.id, "rule" | "steps"),
                    ..Settings::default()
                };
                settings.auto &= field.id != "auto" || text.is_empty();
                (field.set)(&mut settings, text);
                assert_eq!((field.text)(&settings), *text, "{}", field.id);
            }
        }
    }

    #[test]
    fn no_two_fields_have_one_control() {
        let ids = FIELDS
            .iter()
            .map(|field| field.id)
            .filter(|id| !id.is_empty());
        assert_eq!(ids.clone().collect::<BTreeSet<_>>().len(), ids.count());
    }

    #[test]
    fn an_address_brings_back_what_it_was_written_from() {
        let mut settings = Settings::default();
        let sample = PictureId::Sample("cat".into());
        let scene = PictureId::Scene {
            seed: 5,
            tag: Tag::Telling,
        };
        for picture in [sample, scene] {
            settings.set_picture(Some(picture));
            for (id, text) in [
                ("model", "shapesnet"),
                ("baseline", "noise"),
                ("baseline-seed", "42"),
                ("auto", ""),
                ("rule", "midpoint"),
                ("steps", "12"),
                ("predictions", "3"),
                ("against", "1"),
                ("scale", "probability"),
                ("view", "pixels"),
                ("reduction", "signed"),
                ("clip", "90"),
            ] {
                set(&mut settings, id, text);
                let said: HashMap<_, _> = settings.address().into_iter().collect();
                let read = Settings::read(|name| said.get(name).cloned().flatten(), |_| None);
                // The seed and the colour of other baselines are not said.
                assert_eq!(
                    first_difference(&read, &settings),
                    None,
                    "after {id} {said:?}"
                );
            }
        }
    }

    #[test]
    fn an_address_says_the_steps_and_nothing_usual_besides() {
        let said = |settings: &Settings| {
            let said = settings.address().into_iter();
            said.filter_map(|(name, text)| Some(format!("{name}={}", text?)))
                .collect::<Vec<_>>()
        };
        let mut settings = Settings::default();
        assert_eq!(said(&settings), ["steps=auto"]);
        set(&mut settings, "auto", "");
        assert_eq!(said(&settings), ["steps=50"]);
        set(&mut settings, "rule", "secant");
        assert_eq!(said(&settings), ["steps=50", "rule=secant"]);
    }

    #[test]
    fn steps_without_a_rule_are_trapezoids_and_a_rule_without_steps_takes_its_usual_ones() {
        let method = |steps: Option<&str>, rule: Option<&str>| {
            let link = |name: &str| match name {
                "steps" => steps.map(Into::into),
                "rule" => rule.map(Into::into),
                _ => None,
            };
            Settings::read(link, |_| None).method()
        };
        assert_eq!(method(None, None), Method::default());
        assert_eq!(method(Some("auto"), None), Method::default());
        let trapezoids = |n_steps| Method::Steps(Rule::Trapezoid, n_steps);
        assert_eq!(method(Some("50"), None), trapezoids(50));
        assert_eq!(method(Some("7"), None), trapezoids(7));
        let secants = |n_steps| Method::Steps(Rule::Secant, n_steps);
        assert_eq!(method(Some("7"), Some("secant")), secants(7));
        assert_eq!(
            method(None, Some("secant")),
            secants(Rule::Secant.usual_steps())
        );
    }

    #[test]
    fn the_rule_matters_only_without_auto() {
        let (mut a, b) = (Settings::default(), Settings::default());
        set(&mut a, "auto", "");
        assert_eq!(first_difference(&a, &b), Some(Begin::Sum));
        set(&mut a, "steps", "7");
        set(&mut a, "auto", "on");
        assert_eq!(first_difference(&a, &b), None);
    }

    #[test]
    fn a_class_in_the_address_of_a_photo_of_ones_own_is_not_taken_for_another_photo() {
        // What happened: the link named an output, and the next photo that was dropped was explained for it.
        let link = |name: &str| match name {
            "output" => Some("281".into()),
            "against" => Some("2".into()),
            _ => None,
        };
        let read = Settings::read(link, |_| None);
        assert_eq!((read.output, read.against), (None, None));
        let mut own = Settings::default();
        own.set_picture(Some(PictureId::Photo(1)));
        own.output = Some(281);
        assert!(
            own.address()
                .iter()
                .all(|(name, text)| *name != "output" || text.is_none())
        );
    }

    #[test]
    fn another_photo_and_another_network_have_no_chosen_output() {
        let mut settings = Settings::default();
        let choose =
            |settings: &mut Settings| (settings.output, settings.against) = (Some(1), Some(2));
        choose(&mut settings);
        settings.set_picture(Some(PictureId::Photo(1)));
        assert_eq!((settings.output, settings.against), (None, None));
        choose(&mut settings);
        set(&mut settings, "model", "own:mine.pth");
        assert_eq!((settings.output, settings.against), (None, None));
        // The same once more is no change.
        choose(&mut settings);
        set(&mut settings, "model", "own:mine.pth");
        assert_eq!(settings.output, Some(1));
    }

    #[test]
    fn nonsense_changes_nothing() {
        for field in FIELDS.iter().filter(|field| !field.id.is_empty()) {
            if ["predictions", "against", "auto", "model"].contains(&field.id) {
                continue; // no choice, or anyone's name
            }
            let mut settings = Settings {
                auto: false,
                ..Settings::default()
            };
            let before = settings.clone();
            for text in ["", "plaid", "NaN", "inf", "../../etc"] {
                (field.set)(&mut settings, text);
                assert_eq!(settings, before, "{} {text}", field.id);
            }
        }
        let mut settings = Settings::default();
        set(&mut settings, "auto", "");
        for (typed, taken) in [("0", "1"), ("-3", "1"), ("1e9", "500"), ("7.6", "8")] {
            set(&mut settings, "steps", typed);
            assert_eq!(steps(&settings), taken);
        }
    }

    #[test]
    fn the_first_of_several_differences_counts() {
        let (mut a, b) = (Settings::default(), Settings::default());
        assert_eq!(first_difference(&a, &b), None);
        set(&mut a, "view", "mask");
        assert_eq!(first_difference(&a, &b), Some(Begin::Drawing));
        set(&mut a, "scale", "probability");
        assert_eq!(first_difference(&a, &b), Some(Begin::Sum));
        set(&mut a, "baseline", "white");
        assert_eq!(first_difference(&a, &b), Some(Begin::Baseline));
        set(&mut a, "model", "shapesnet");
        assert_eq!(first_difference(&a, &b), Some(Begin::Model));
    }

    #[test]
    fn the_seed_of_a_noise_that_is_not_chosen_does_not_matter() {
        let (mut a, b) = (Settings::default(), Settings::default());
        set(&mut a, "baseline-seed", "9");
        set(&mut a, "baseline-colour", "#123456");
        assert_eq!(first_difference(&a, &b), None);
    }
}
