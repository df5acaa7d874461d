//! Exported programs compute what PyTorch computes: files that `tests/golden/exported.py` wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/pytorch.rs"]
mod pytorch;
mod support;

use pytorch::Files;

const PROGRAMS: Files = Files {
    folder: "exported",
    others: "VIOLET_PROGRAMS",
};

#[test]
fn programs_compute_what_pytorch_computes() {
    PROGRAMS.check();
}

#[test]
fn several_pictures_that_cannot_be_told_apart_are_refused_with_what_to_do() {
    let said = PROGRAMS.read("words-four.pt2", None).unwrap_err();
    assert!(said.to_string().contains("several pictures"), "{said}");
}
