//! Scenes whose truth is known: one shape among eight on a cluttered ground, drawn from a seed.
//!
//! ShapesNet is trained on them, and because each scene knows which pixels its shape covers, masks
//! can be [scored](crate::attribution::Scores). A *tag* in a corner can betray the class by its
//! colour: the shortcut by which a network cheats.

#[cfg(feature = "engine")]
mod outline;
#[cfg(feature = "engine")]
mod scene;

use serde::{Deserialize, Serialize};

#[cfg(feature = "engine")]
pub use scene::Scene;

/// Width and height of a scene in pixels.
pub const SIZE: usize = 96;

/// The classes' names, one a line, in the order of the logits.
pub const LABELS: &str = "disc\nring\nsquare\ntriangle\nstar\ncross\ncrescent\nheart";

/// What a scene shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// A filled circle.
    Disc,
    /// A circle with a hole.
    Ring,
    /// Four equal sides.
    Square,
    /// Three equal sides.
    Triangle,
    /// Five points.
    Star,
    /// Four equal arms.
    Cross,
    /// A moon.
    Crescent,
    /// A heart.
    Heart,
}

impl Shape {
    /// Every shape, in the order of the logits.
    pub const ALL: [Shape; 8] = [
        Shape::Disc,
        Shape::Ring,
        Shape::Square,
        Shape::Triangle,
        Shape::Star,
        Shape::Cross,
        Shape::Crescent,
        Shape::Heart,
    ];

    /// Its class.
    pub fn target(self) -> usize {
        self as usize
    }

    /// Its name: a line of [`LABELS`].
    pub fn name(self) -> &'static str {
        LABELS.lines().nth(self.target()).unwrap_or_default()
    }
}

/// The coloured square in a corner of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    /// There is none.
    #[default]
    None,
    /// Its colour is that of the shape's class.
    Telling,
    /// Its colour is that of another class.
    Misleading,
}

impl Tag {
    /// Every kind of tag.
    pub const ALL: [Tag; 3] = [Tag::None, Tag::Telling, Tag::Misleading];

    /// Name on the command line and on the page.
    pub fn name(self) -> &'static str {
        match self {
            Tag::None => "none",
            Tag::Telling => "telling",
            Tag::Misleading => "misleading",
        }
    }

    /// The tag of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| tag.name() == name)
    }
}
