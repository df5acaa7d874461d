//! What is said of a photo that has come in.

use crate::words::{Phrase, phrase};

/// A picture that was decoded, or drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct Incoming {
    /// Width and height of the upright picture in pixels.
    pub size: [u32; 2],
    /// Whether it has more frames than the one that is used, the first.
    pub animated: bool,
    /// Whether its file is cut off or damaged.
    pub incomplete: bool,
    /// Whether it was painted or drawn here, and so is as small as it shall be.
    pub made_here: bool,
    /// Whether it took a pinned mask away.
    pub unpinned: bool,
}

impl Incoming {
    /// What happened, and what can be done, where there is something to be said; `smallest` is the
    /// shorter side of what the network sees, in pixels.
    pub fn note(&self, smallest: u32) -> Option<(Phrase, Phrase)> {
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
        if width.min(height) < smallest && !self.made_here {
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
        self.unpinned.then(|| {
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
        let large = Incoming {
            size: [300, 400],
            ..Incoming::default()
        };
        let said = |incoming: Incoming| incoming.note(224).map(|(what, _)| english(&what));
        assert_eq!(said(large), None);
        let unpinned = Incoming {
            unpinned: true,
            ..large
        };
        assert!(said(unpinned).is_some_and(|said| said.contains("pinned")));
        let small = Incoming {
            size: [300, 100],
            ..unpinned
        };
        assert!(said(small).is_some_and(|said| said.contains("(300 × 100)")));
        let scene = Incoming {
            made_here: true,
            ..small
        };
        assert!(said(scene).is_some_and(|said| said.contains("pinned")));
        let moving = Incoming {
            animated: true,
            ..small
        };
        assert!(said(moving).is_some_and(|said| said.contains("moves")));
        let damaged = Incoming {
            incomplete: true,
            ..moving
        };
        assert!(said(damaged).is_some_and(|said| said.contains("ends early")));
    }
}
