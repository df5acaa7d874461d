//! Memory of values that nobody needs any more, for those that are made next.
//!
//! What is allocated anew is filled with zeros first, which took a tenth of a pass of EfficientNet-Lite0; and one pass
//! makes values of the same lengths as the one before.

use std::cell::RefCell;

/// Values that are held at most: natively 64 MiB, in a browser, where memory that was once taken is never given back, 16.
const MOST_VALUES: usize = if cfg!(target_family = "wasm") {
    4 << 20
} else {
    16 << 20
};

thread_local! {
    /// The oldest first.
    static SPARE: RefCell<Vec<Vec<f32>>> = RefCell::default();
}

/// So many values, to be overwritten: they are whatever they were.
pub(crate) fn values(length: usize) -> Vec<f32> {
    let found = SPARE.with_borrow_mut(|all| {
        let place = all.iter().rposition(|spare| spare.len() == length);
        place.map(|place| all.remove(place))
    });
    found.unwrap_or_else(|| vec![0.0; length])
}

/// Room for so many values.
pub(crate) fn room(length: usize) -> Vec<f32> {
    let mut room = values(length);
    room.clear();
    room
}

/// The same values once more.
pub(crate) fn copy(values: &[f32]) -> Vec<f32> {
    let mut copy = room(values.len());
    copy.extend_from_slice(values);
    copy
}

/// Takes values that nobody needs any more; the oldest are let go where there are too many.
pub fn give_back(values: Vec<f32>) {
    if values.len() > MOST_VALUES {
        return;
    }
    SPARE.with_borrow_mut(|all| {
        all.push(values);
        let mut held: usize = all.iter().map(Vec::len).sum();
        while held > MOST_VALUES {
            held -= all.remove(0).len();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> Vec<usize> {
        SPARE.with_borrow(|all| all.iter().map(Vec::len).collect())
    }

    #[test]
    fn values_of_the_same_length_are_used_again() {
        for length in [100, 60, 400] {
            give_back(vec![7.0; length]);
        }
        assert_eq!(values(60), [7.0; 60]);
        assert_eq!(lengths(), [100, 400]);
        assert_eq!(values(60), [0.0; 60]);
        assert_eq!((room(400).len(), lengths()), (0, vec![100]));
        assert_eq!(copy(&[1.0; 100]), [1.0; 100]);
        assert_eq!(lengths(), [0; 0]);
    }

    #[test]
    fn no_more_is_held_than_a_pass_needs() {
        give_back(vec![0.0; 10]);
        give_back(vec![0.0; MOST_VALUES - 5]);
        assert_eq!(lengths(), [MOST_VALUES - 5]);
        give_back(vec![0.0; MOST_VALUES + 1]);
        assert_eq!(lengths(), [MOST_VALUES - 5]);
    }
}
