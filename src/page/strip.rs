//! Several photos at once: which are kept, which is shown, what was cleared last.

use super::part::{Panel, button, part};
use crate::words::{Phrase, phrase};

/// Photos kept at once.
pub const MOST_PHOTOS: usize = 24;

/// A photo on the shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelved<T> {
    /// The number that it keeps.
    pub number: u64,
    /// The photo itself.
    pub photo: T,
}

/// The photos of the strip, the oldest first.
#[derive(Debug)]
pub struct Shelf<T> {
    photos: Vec<Shelved<T>>,
    numbered: u64,
    shown: Option<u64>,
    cleared: Vec<Shelved<T>>,
}

/// What became of photos that came in together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The numbers of those that are on the shelf now, the first of which is shown next.
    pub taken: Vec<u64>,
    /// How many there was no room for.
    pub left_out: usize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            photos: Vec::new(),
            numbered: 0,
            shown: None,
            cleared: Vec::new(),
        }
    }
}

impl<T> Shelf<T> {
    /// A number that no photo has had.
    pub fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered - 1
    }

    /// Takes photos in. Of many at once the first are taken; those that are on the shelf already make room, the
    /// oldest first.
    pub fn take(&mut self, photos: impl IntoIterator<Item = T>) -> Taken {
        let mut photos = photos.into_iter();
        let come: Vec<T> = photos.by_ref().take(MOST_PHOTOS).collect();
        let left_out = photos.count();
        let surplus = (self.photos.len() + come.len()).saturating_sub(MOST_PHOTOS);
        self.photos.drain(..surplus);
        let mut taken = Vec::new();
        for photo in come {
            let number = self.number();
            taken.push(number);
            self.photos.push(Shelved { number, photo });
        }
        Taken { taken, left_out }
    }

    /// The photos, the oldest first.
    pub fn photos(&self) -> &[Shelved<T>] {
        &self.photos
    }

    /// The photo of that number, while it is there.
    pub fn get(&self, number: u64) -> Option<&T> {
        let mut photos = self.photos.iter();
        photos.find(|p| p.number == number).map(|p| &p.photo)
    }

    /// The same, to write on.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let mut photos = self.photos.iter_mut();
        photos.find(|p| p.number == number).map(|p| &mut p.photo)
    }

    /// All of them, to write on.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.photos.iter_mut().map(|p| &mut p.photo)
    }

    /// The number of the one that is shown.
    pub fn shown(&self) -> Option<u64> {
        self.shown
    }

    /// That one is shown, or what is none of these.
    pub fn show(&mut self, number: Option<u64>) {
        self.shown = number.filter(|&number| self.get(number).is_some());
    }

    /// Takes one away: it turned out to be no photo.
    pub fn drop(&mut self, number: u64) {
        self.photos.retain(|photo| photo.number != number);
        self.shown = self.shown.filter(|&shown| shown != number);
    }

    /// Takes all away, until [`undo`](Self::undo).
    pub fn clear(&mut self) {
        self.shown = None;
        self.cleared = std::mem::take(&mut self.photos);
    }

    /// Brings back what was cleared last.
    pub fn undo(&mut self) {
        let mut cleared = std::mem::take(&mut self.cleared);
        cleared.append(&mut self.photos);
        let surplus = cleared.len().saturating_sub(MOST_PHOTOS);
        cleared.drain(..surplus);
        self.photos = cleared;
    }

    /// Whether there is something to bring back.
    pub fn can_undo(&self) -> bool {
        !self.cleared.is_empty()
    }
}

/// A photo as the strip shows it.
#[derive(Debug, Clone, Copy)]
pub struct Thumbnail<'a> {
    /// Its number on the shelf.
    pub number: u64,
    /// The name of its file.
    pub file: &'a str,
    /// The address of its pixels.
    pub url: &'a str,
    /// What the network said of it.
    pub answer: Option<&'a Phrase>,
}

/// The strip, if there is more to choose from than one photo, or something to take back.
pub fn strip_of<'a>(
    photos: impl Iterator<Item = Thumbnail<'a>>,
    shown: Option<u64>,
    can_undo: bool,
) -> Panel {
    let photo = |photo: Thumbnail<'_>| {
        let image = part("img")
            .set("src", photo.url)
            .spoken("alt", phrase!("Photo {file}", file = photo.file));
        let done = |answer: &Phrase| part("span").class("done").says(answer.clone());
        let choice = button()
            .set("data-photo", photo.number)
            .pressed(shown == Some(photo.number));
        part("li").with([choice.with([image]).with(photo.answer.map(done))])
    };
    let photos: Vec<_> = photos.map(photo).collect();
    let mut panel = Panel::new();
    panel
        .show("strip", photos.len() > 1 || can_undo)
        .show("strip-undo", can_undo)
        .show("strip-all", !photos.is_empty())
        .show("strip-clear", !photos.is_empty())
        .holds("strip-list", photos);
    panel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<T: Copy>(shelf: &Shelf<T>) -> Vec<T> {
        shelf.photos().iter().map(|photo| photo.photo).collect()
    }

    #[test]
    fn thirty_photos_at_once_are_as_many_as_there_is_room_for() {
        // What happened: the first was pushed out by the last, could not be shown, and nothing was said.
        let mut shelf = Shelf::default();
        let Taken { taken, left_out } = shelf.take(0..30);
        assert_eq!(left_out, 30 - MOST_PHOTOS);
        assert_eq!(shelf.get(taken[0]), Some(&0));
        assert_eq!(names(&shelf), (0..MOST_PHOTOS).collect::<Vec<_>>());
    }

    #[test]
    fn older_photos_make_room() {
        let mut shelf = Shelf::default();
        shelf.take(0..20);
        let Taken { taken, left_out } = shelf.take(20..30);
        assert_eq!((left_out, shelf.photos().len()), (0, MOST_PHOTOS));
        assert_eq!(shelf.get(taken[0]), Some(&20));
        assert_eq!(names(&shelf)[0], 6);
    }

    #[test]
    fn what_was_cleared_comes_back_and_what_is_gone_is_not_shown() {
        let mut shelf = Shelf::default();
        let first = shelf.take(["cat", "dog"]).taken.first().copied();
        shelf.show(first);
        assert_eq!(shelf.shown(), first);
        shelf.clear();
        assert!(shelf.photos().is_empty() && shelf.shown().is_none() && shelf.can_undo());
        shelf.take(["bird"]);
        shelf.undo();
        assert_eq!(names(&shelf), ["cat", "dog", "bird"]);
        shelf.drop(first.unwrap_or_default());
        shelf.show(first);
        assert_eq!((names(&shelf), shelf.shown()), (vec!["dog", "bird"], None));
    }

    #[test]
    fn numbers_are_never_given_twice() {
        let mut shelf = Shelf::default();
        let first = shelf.take(["a"]).taken[0];
        shelf.clear();
        let other = shelf.number();
        let second = shelf.take(["b"]).taken[0];
        assert!(first < other && other < second);
    }

    #[test]
    fn a_strip_shows_which_photo_is_looked_at_and_what_was_said() {
        let cat = Phrase::of("cat");
        let photo = |number, answer| Thumbnail {
            number,
            file: "a.jpg",
            url: "blob:1",
            answer,
        };
        let photos = [photo(4, Some(&cat)), photo(5, None)];
        let panel = strip_of(photos.into_iter(), Some(5), false);
        assert_eq!(panel.shows("strip"), Some(true));
        let held = panel.held("strip-list").unwrap();
        let pressed = held
            .iter()
            .map(|li| li.parts[0].attribute("aria-pressed").unwrap());
        assert_eq!(pressed.collect::<Vec<_>>(), ["false", "true"]);
        assert_eq!(
            (held[0].text(), held[1].text()),
            ("cat".into(), String::new())
        );
        let one = strip_of(photos[..1].iter().copied(), Some(4), false);
        assert_eq!(
            one.shows("strip"),
            Some(false),
            "there is nothing to choose"
        );
        let none = strip_of([].into_iter(), None, true);
        let there = ["strip", "strip-undo", "strip-all"].map(|id| none.shows(id).unwrap());
        assert_eq!(there, [true, true, false], "it can be taken back");
    }
}
