//! Which picture an input takes, in files that count an image's axes as \[N, H, W, C\].

use crate::arranged::{Arranged, Arranger};
use crate::error::{Error, Result};
use crate::imported::{InputKind, Layout, Note, Options};

/// Least side of a picture that comes without an axis of channels: anything less is a list of
/// points or of words.
const MIN_SIDE: usize = 8;
/// Largest side that may be asked for.
const MAX_SIDE: usize = 1 << 14;

/// An input that takes a picture.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) kind: InputKind,
    pub(crate) notes: Vec<Note>,
    /// What the file calls it, for one picture.
    shape: Vec<i64>,
    /// Whether the file counts its axes as \[N, C, H, W\] after all.
    channels_first: bool,
}

impl Picture {
    /// Of an input's name and the lengths of its axes, those that are open left out, the batch
    /// first. `channels_first` says how the network's layers count axes.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPicture`], in a sentence that says what goes in instead.
    pub(crate) fn of(
        name: &str,
        lengths: &[Option<usize>],
        channels_first: bool,
        options: &Options,
    ) -> Result<Self> {
        let mut notes = Vec::new();
        if let Some(Some(file @ 2..)) = lengths.first().copied() {
            notes.push(Note::BatchOfOne { file });
        }
        let refused = || Error::NotAPicture {
            input: name.into(),
            found: described(lengths),
            advice: "Open the part of the program that goes from the picture to scores.",
        };
        let colours = |length: Option<usize>| length.filter(|length| matches!(length, 1 | 3));
        let (channels, rows, columns, channels_first) = match *lengths {
            [_, first, middle, last] => match (colours(first), colours(last)) {
                (Some(channels), _) if channels_first => (channels, middle, last, true),
                (_, Some(channels)) => (channels, first, middle, false),
                (Some(channels), None) => (channels, middle, last, true),
                (None, None) => return Err(refused()),
            },
            [_, rows, columns] => (1, rows, columns, false),
            [_, Some(length)] => {
                let (channels, side) = [1, 3]
                    .into_iter()
                    .find_map(|channels| Some((channels, side(length, channels)?)))
                    .ok_or_else(refused)?;
                notes.push(Note::FlatPicture { length });
                (channels, Some(side), Some(side), false)
            }
            _ => return Err(refused()),
        };
        let fixed_size = rows.is_some() && columns.is_some();
        let asked = options.size.unwrap_or(Options::DEFAULT_SIZE);
        let [height, width] = [rows.unwrap_or(asked[0]), columns.unwrap_or(asked[1])];
        if !fixed_size && options.size.is_none() {
            notes.push(Note::AssumedSize([height, width]));
        }
        let least = if lengths.len() == 3 { MIN_SIDE } else { 1 };
        if [height, width]
            .iter()
            .any(|side| !(least..=MAX_SIDE).contains(side))
        {
            return Err(refused());
        }
        // Flat and grey pictures are the same numbers with fewer axes.
        let (h, w, c) = (height as i64, width as i64, channels as i64);
        let shape = match (lengths.len(), channels_first) {
            (4, true) => vec![1, c, h, w],
            (4, false) => vec![1, h, w, c],
            (3, _) => vec![1, h, w],
            _ => vec![1, h * w * c],
        };
        let mut kind = InputKind::new(name, Layout::Planes, [channels, height, width]);
        kind.fixed_size = fixed_size;
        Ok(Self {
            kind,
            notes,
            shape,
            channels_first,
        })
    }

    /// Begins the graph, and gives its input as the file calls it.
    pub(crate) fn begin(&self) -> Result<(Arranger, Arranged)> {
        let kind = &self.kind;
        let (mut arranger, x) = Arranger::new([kind.channels, kind.height, kind.width])?;
        let x = match self.channels_first {
            true => arranger.transpose(&x, &[0, 3, 1, 2])?,
            false => arranger.reshape(&x, &self.shape)?,
        };
        Ok((arranger, x))
    }
}

/// The side of a square picture of so many numbers.
fn side(length: usize, channels: usize) -> Option<usize> {
    let pixels = length
        .is_multiple_of(channels)
        .then_some(length / channels)?;
    let side = pixels.isqrt();
    (side * side == pixels && side >= MIN_SIDE).then_some(side)
}

fn described(lengths: &[Option<usize>]) -> String {
    let lengths: Vec<String> = lengths
        .iter()
        .skip(1)
        .map(|length| length.map_or("?".into(), |length| length.to_string()))
        .collect();
    match lengths.len() {
        0 => "one number".into(),
        1 => format!("a list of {} numbers", lengths[0]),
        _ => format!("an array of {}", lengths.join(" × ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(lengths: &[usize]) -> Result<[usize; 3]> {
        let lengths: Vec<_> = lengths.iter().map(|&n| (n > 0).then_some(n)).collect();
        let picture = Picture::of("x", &lengths, false, &Options::default())?;
        let (arranger, x) = picture.begin()?;
        let shape: Vec<usize> = picture.shape.iter().map(|&n| n as usize).collect();
        assert_eq!(arranger.shape(&x), shape);
        Ok([
            picture.kind.channels,
            picture.kind.height,
            picture.kind.width,
        ])
    }

    #[test]
    fn pictures_in_every_shape() {
        assert_eq!(picture(&[0, 32, 48, 3]), Ok([3, 32, 48]));
        assert_eq!(picture(&[1, 3, 32, 48]), Ok([3, 32, 48]));
        assert_eq!(picture(&[0, 28, 28]), Ok([1, 28, 28]));
        assert_eq!(picture(&[0, 784]), Ok([1, 28, 28]));
        assert_eq!(picture(&[0, 3072]), Ok([3, 32, 32]));
        assert_eq!(picture(&[0, 0, 0, 1]), Ok([1, 224, 224]));
    }

    #[test]
    fn what_is_no_picture() {
        for lengths in [
            &[0, 14_739][..],
            &[0, 21, 2],
            &[0, 43, 232, 7],
            &[0],
            &[],
            &[0, 1 << 20, 9, 3],
        ] {
            assert!(
                matches!(picture(lengths), Err(Error::NotAPicture { .. })),
                "{lengths:?}"
            );
        }
    }
}
