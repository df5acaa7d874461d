//! What is computed of constants takes little more memory than the result.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use violet_graph::*;

/// Bytes that are held, and the most that were.
static HELD: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: all is left to the system's.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD[0].fetch_add(layout.size(), Relaxed) + layout.size();
        HELD[1].fetch_max(held, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD[0].fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Bytes beyond those that are held now, for each of so many elements.
fn most_an_element(elements: usize, run: impl FnOnce()) -> f64 {
    let before = HELD[0].load(Relaxed);
    HELD[1].store(before, Relaxed);
    run();
    (HELD[1].load(Relaxed) - before) as f64 / elements as f64
}

/// Found by fuzzing: where each element comes from was written down for all of them, in two gigabytes at the limit.
#[test]
fn constants_that_grow_take_little_more_than_what_they_become() {
    const SIDE: usize = 1024;
    let mut b = Builder::new(&[1, 4]).unwrap();
    let small = Constant::f32(&[2, 2], [1.0; 4]).unwrap();
    let small = b.constant(small).unwrap();
    let pads = [SIDE as i64 / 2 - 1; 2];
    // In double precision, and what is kept: 8 + 4 bytes.
    let padded = most_an_element(SIDE * SIDE, || {
        let padded = b.pad(small, &pads, &pads, PadMode::Constant(0.5)).unwrap();
        assert_eq!(b.shape(padded), [SIDE, SIDE]);
    });
    assert!(padded < 14.0, "{padded} bytes an element");
    let line = Constant::f32(&[1, SIDE], vec![1.0; SIDE]).unwrap();
    let column = Constant::f32(&[SIDE, 1], vec![1.0; SIDE]).unwrap();
    let [line, column] = [line, column].map(|c| b.constant(c).unwrap());
    let summed = most_an_element(SIDE * SIDE, || {
        let sum = b.binary(Binary::Add, line, column).unwrap();
        assert_eq!(b.shape(sum), [SIDE, SIDE]);
    });
    assert!(summed < 14.0, "{summed} bytes an element");
    // Of nothing, however long its other axes are.
    let nothing = b.constant(Constant::f32(&[0, 1], []).unwrap()).unwrap();
    let long = most_an_element(SIDE * SIDE, || {
        let after = [0, (SIDE * SIDE) as i64];
        b.pad(nothing, &[0, 0], &after, PadMode::Constant(0.0))
            .unwrap();
    });
    assert!(long < 1.0, "{long} bytes an element");
}
