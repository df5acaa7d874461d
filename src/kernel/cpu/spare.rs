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
