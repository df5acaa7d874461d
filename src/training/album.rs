//! Scenes to learn from. Drawing one takes as long as learning from it, so each is looked at four times,
//! turned and mirrored at random: no shape becomes another by that.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use violet::shapes::{SIZE, Scene};

use crate::train::BATCH;

/// Scenes that are at hand.
const PAGES: usize = 2048;
/// New scenes in each batch.
const FRESH: u64 = BATCH / 4;

/// The newest scenes, of which batches are made.
pub(crate) struct Album<D> {
    draw: D,
    drawn: u64,
    pages: Vec<Scene>,
    random: Pcg64,
}

impl<D: Fn(u64) -> Scene> Album<D> {
    /// Numbered scenes by `draw`; the same seed makes the same batches.
    pub(crate) fn new(seed: u64, draw: D) -> Self {
        Self {
            draw,
            drawn: 0,
            pages: Vec::new(),
            random: Pcg64::seed_from_u64(seed),
        }
    }

    /// The next batch: a few new scenes take the oldest ones' places, and any of those at hand are shown.
    pub(crate) fn batch(&mut self) -> Vec<Scene> {
        for _ in 0..FRESH {
            let scene = (self.draw)(self.drawn);
            match self.pages.get_mut(self.drawn as usize % PAGES) {
                Some(oldest) => *oldest = scene,
                None => self.pages.push(scene),
            }
            self.drawn += 1;
        }
        let show = |_| {
            let page = self.random.random_range(0..self.pages.len());
            turned(&self.pages[page], self.random.random_range(0..8))
        };
        (0..BATCH).map(show).collect()
    }
}

/// A scene as one of the square's eight symmetries leaves it.
fn turned(scene: &Scene, symmetry: usize) -> Scene {
    let from = |k: usize| {
        let (mut x, mut y) = (k % SIZE, k / SIZE);
        if symmetry & 1 != 0 {
            x = SIZE - 1 - x;
        }
        if symmetry & 2 != 0 {
            y = SIZE - 1 - y;
        }
        if symmetry & 4 != 0 {
            (x, y) = (y, x);
        }
        y * SIZE + x
    };
    let (pixels, _) = scene.rgb.as_chunks::<3>();
    let mut turned = scene.clone();
    for k in 0..SIZE * SIZE {
        turned.rgb[3 * k..3 * k + 3].copy_from_slice(&pixels[from(k)]);
        turned.inside[k] = scene.inside[from(k)];
        turned.tagged[k] = scene.tagged[from(k)];
    }
    turned
}

#[cfg(test)]
mod tests {
    use violet::shapes::Tag;

    use super::*;

    #[test]
    fn eight_symmetries_are_eight_pictures_of_the_same_pixels() {
        let scene = Scene::draw(3, Tag::Telling);
        let views: Vec<Scene> = (0..8).map(|symmetry| turned(&scene, symmetry)).collect();
        assert_eq!(views[0], scene);
        for (k, view) in views.iter().enumerate() {
            assert!(views[..k].iter().all(|other| other.rgb != view.rgb), "{k}");
            let count = |flags: &[bool]| flags.iter().filter(|&&flag| flag).count();
            assert_eq!(count(&view.inside), count(&scene.inside));
            let sum = |scene: &Scene| scene.rgb.iter().map(|&v| u64::from(v)).sum::<u64>();
            assert_eq!(sum(view), sum(&scene));
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_batches_and_scenes_come_four_times() {
        let album = |seed| Album::new(seed, |k| Scene::draw(k, Tag::None));
        let (mut a, mut b, mut other) = (album(1), album(1), album(2));
        let first = a.batch();
        assert_eq!(first, b.batch());
        assert_ne!(first, other.batch());
        assert_eq!(first.len() as u64, BATCH);
        assert_eq!(a.drawn, FRESH);
    }
}
