//! A photo that has come in, and what is said of it.

use crate::protocol::{Response, Truth};
use crate::words::{Phrase, phrase};

/// A photo that was decoded, or a scene that was drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opened {
    /// Width and height of the upright picture in pixels.
    pub size: [u32; 2],
    /// Whether it has more frames than the one that is used, the first.
    pub animated: bool,
    /// Whether its file is cut off or damaged.
    pub incomplete: bool,
    /// A smaller one to look at, RGBA, 4 bytes a pixel.
    pub preview: Vec<u8>,
    /// Pixels a row of it.
    pub preview_width: u32,
    /// What is known of a drawn scene.
    pub truth: Option<Truth>,
}

impl Opened {
    /// As a worker says it; its answer back, if it is another one.
    pub(super) fn of(response: Response) -> Result<Self, Box<Response>> {
        match response {
            Response::Opened {
                width,
                height,
                animated,
                incomplete,
                preview_width,
                preview,
                truth,
                ..
            } => Ok(Self {
                size: [width, height],
                animated,
                incomplete,
                preview,
                preview_width,
                truth,
            }),
            other => Err(Box::new(other)),
        }
    }

    /// What happened, and what can be done, where there is something to be said. `smallest` is the
    /// shorter side of what the network sees, in pixels; what was `made_here` is as small as it shall
    /// be; and a pinned mask may have been let go.
    pub fn note(&self, smallest: u32, made_here: bool, unpinned: bool) -> Option<(Phrase, Phrase)> {
        let [width, height] = self.size;
        if self.incomplete {
            return Some((
                phrase!(
                    "This photo ends early or is damaged: what is there is explained, the rest is grey."
                ),
                phrase!("Copy it again from where it came, if you need all of it."),
            ));
        }
        if self.animated {
            let moves = phrase!("This picture moves; its first frame is explained.");
            return Some((moves, Phrase::nothing()));
        }
        if width.min(height) < smallest && !made_here {
            return Some((
                phrase!(
                    "This photo is small ({width} × {height}); it was enlarged to the {side} pixels that the network sees.",
                    width = width,
                    height = height,
                    side = smallest,
                ),
                phrase!("A larger one gives a finer mask."),
            ));
        }
        unpinned.then(|| {
            (
                phrase!("The pinned mask was let go: it is of another photo."),
                phrase!("Pin one of this photo to compare."),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::english;
    use super::*;

    #[test]
    fn what_matters_most_is_said() {
        let said = |opened: &Opened, made_here, unpinned| {
            let note = opened.note(224, made_here, unpinned);
            note.map_or_else(String::new, |(what, _)| english(&what))
        };
        let large = Opened {
            size: [300, 400],
            ..Opened::default()
        };
        assert_eq!(said(&large, false, false), "");
        assert!(said(&large, false, true).contains("pinned"));
        let small = Opened {
            size: [300, 100],
            ..Opened::default()
        };
        assert!(said(&small, false, true).contains("(300 × 100)"));
        assert!(said(&small, true, true).contains("pinned"));
        let moving = Opened {
            animated: true,
            ..small
        };
        assert!(said(&moving, false, true).contains("moves"));
        let damaged = Opened {
            incomplete: true,
            ..moving
        };
        assert!(said(&damaged, false, true).contains("ends early"));
    }
}
