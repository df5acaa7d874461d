//! What a point of a path leaves for the next one.

use burn::backend::{DispatchTensor, TensorMetadata};

use super::array::{Array, Ends, Executor, dims, part, reshape};

/// Whatever an operation that is not linear has been given, at the last point that a network has
/// seen.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// By slot.
    before: Vec<Option<DispatchTensor>>,
    after: Vec<Option<DispatchTensor>>,
    /// What nobody asks for any more.
    gone: Vec<Option<DispatchTensor>>,
}

impl Left {
    /// Goes on to the next points: what the last ones left is what lies before them.
    pub(super) fn advance(&mut self) {
        self.gone = std::mem::replace(&mut self.before, std::mem::take(&mut self.after));
    }

    /// Gives back the memory of what nobody asks for any more.
    pub(super) fn let_go<B: Executor>(&mut self) {
        let gone = self.gone.drain(..).flatten();
        gone.for_each(|tensor| B::spent(B::take(tensor)));
    }

    /// Keeps a value \[N, …\] at the last of its points, and gives back what it was before the first,
    /// \[1, …\]. Before the very first there is none: it is that itself.
    pub(super) fn exchange<B: Executor>(&mut self, slot: usize, value: &Array<B>) -> Array<B> {
        let images = value.shape()[0];
        let last = B::give(image::<B>(value, images - 1));
        if self.after.len() <= slot {
            self.after.resize(slot + 1, None);
        }
        self.after[slot] = Some(last);
        match self.before.get(slot).cloned().flatten() {
            // Another operation may have kept it in another shape.
            Some(before) => {
                let mut shape = dims::<B>(value);
                shape[0] = 1;
                reshape::<B>(B::take(before), &shape)
            }
            None => image::<B>(value, 0),
        }
    }

    /// A value between each of its points and the one before.
    pub(super) fn ends<B: Executor>(&mut self, slot: usize, value: Array<B>) -> Ends<B> {
        let first = self.exchange::<B>(slot, &value);
        let images = value.shape()[0];
        let from = if images == 1 {
            first
        } else {
            let mut counts = dims::<B>(&value);
            counts[0] = images - 1;
            let others = part::<B>(value.clone(), &vec![0; counts.len()], &counts);
            B::float_cat(vec![first, others], 0)
        };
        Ends {
            from: Some(from),
            to: value,
        }
    }
}

/// One image of several.
fn image<B: Executor>(value: &Array<B>, index: usize) -> Array<B> {
    let mut counts = dims::<B>(value);
    let mut starts = vec![0; counts.len()];
    (starts[0], counts[0]) = (index, 1);
    part::<B>(value.clone(), &starts, &counts)
}
