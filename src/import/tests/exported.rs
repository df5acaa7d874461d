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
