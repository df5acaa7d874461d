//! Memory of values that nobody needs any more, for those that are made next.
//!
//! What is allocated anew is filled with zeros first, which took a tenth of a pass of EfficientNet-Lite0; and one pass
//! makes values of the same lengths as the one before.

use std::cell::RefCell;
use std::thread::LocalKey;

/// Values that are held at most: natively 64 MiB, in a browser, where memory that was once taken is never given back, 16.
const MOST_VALUES: usize = if cfg!(target_family = "wasm") {
    4 << 20
} else {
    16 << 20
};

thread_local! {
    /// The oldest first.
    static SPARE: RefCell<Vec<Vec<f32>>> = RefCell::default();
    static FLAGS: RefCell<Vec<Vec<bool>>> = RefCell::default();
}

/// So many values, to be overwritten: they are whatever they were.
pub(crate) fn values(length: usize) -> Vec<f32> {
    taken(&SPARE, length).unwrap_or_else(|| vec![0.0; length])
}

/// The same of flags.
pub(crate) fn flags(length: usize) -> Vec<bool> {
    taken(&FLAGS, length).unwrap_or_else(|| vec![false; length])
}

fn taken<T>(spare: &'static LocalKey<RefCell<Vec<Vec<T>>>>, length: usize) -> Option<Vec<T>> {
    spare.with_borrow_mut(|all| {
        let place = all.iter().rposition(|spare| spare.len() == length);
        place.map(|place| all.remove(place))
    })
}

/// Room for so many values.
pub(crate) fn room(length: usize) -> Vec<f32> {
    let Some(mut room) = taken(&SPARE, length) else {
        return Vec::with_capacity(length);
    };
    room.clear();
    room
}

/// The same values once more.
pub fn copy(values: &[f32]) -> Vec<f32> {
    let mut copy = room(values.len());
    copy.extend_from_slice(values);
    copy
}

/// Takes values that nobody needs any more; the oldest are let go where there are too many.
pub fn give_back(values: Vec<f32>) {
    give(&SPARE, values);
}

/// The same of flags.
pub(crate) fn give_flags_back(flags: Vec<bool>) {
    give(&FLAGS, flags);
}

fn give<T>(spare: &'static LocalKey<RefCell<Vec<Vec<T>>>>, values: Vec<T>) {
    if values.is_empty() || values.len() > MOST_VALUES {
        return;
    }
    // A thread that ends has nobody who would use them again.
    let _ = spare.try_with(|all| {
        let mut all = all.borrow_mut();
        all.push(values);
        let mut held: usize = all.iter().map(Vec::len).sum();
        while held > MOST_VALUES {
            held -= all.remove(0).len();
        }
    });
}
