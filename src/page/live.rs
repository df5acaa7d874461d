//! The camera, explained as it runs: how finely its next picture is explained, whether an answer is
//! still news, and how many a second that makes.

use std::collections::VecDeque;

/// Pictures are compared by the mean grey of so many blocks along each side: what a camera's noise
/// changes is little.
const BLOCKS: usize = 16;
/// A picture in which blocks differ by more than this on average, on the scale 0..=255, has moved.
const MOVED: f32 = 1.5;
/// A picture that has not moved for so long holds still.
const STILL_MS: f64 = 500.0;
/// Secants for a picture that holds still, one number after the other.
const FINER: [usize; 3] = [4, 12, 24];
/// Pictures a second are counted over so long.
const COUNTED_MS: f64 = 2000.0;

/// A picture, coarsely: the mean grey of its blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch(Vec<f32>);

impl Sketch {
    /// Of pixels, RGBA, row by row.
    pub fn of(rgba: &[u8], width: usize) -> Self {
        let height = rgba.len() / 4 / width.max(1);
        let mut sums = vec![(0u32, 0u32); BLOCKS * BLOCKS];
        for (y, row) in rgba.chunks_exact(4 * width.max(1)).enumerate() {
            let line = y * BLOCKS / height * BLOCKS;
            for (x, pixel) in row.chunks_exact(4).enumerate() {
                let (sum, count) = &mut sums[line + x * BLOCKS / width];
                *sum += pixel[..3].iter().map(|&v| u32::from(v)).sum::<u32>();
                *count += 3;
            }
        }
        let mean = |(sum, count): (u32, u32)| sum as f32 / count.max(1) as f32;
        Self(sums.into_iter().map(mean).collect())
    }

    fn differs(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let difference: f32 = pairs.map(|(a, b)| (a - b).abs()).sum();
        difference > MOVED * self.0.len() as f32
    }
}

/// What is wanted of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its number, larger than those of all before.
    pub number: u64,
    /// Secants on the way.
    pub secants: usize,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Live {
    asked: u64,
    /// What has been shown, or has moved since: answers to questions up to this one are not news.
    past: u64,
    /// The picture that the next ones are compared with, and since when they are like it.
    held: Option<(Sketch, f64)>,
    /// How many of the finer explanations have been asked for.
    finer: usize,
    /// Secants of what is shown.
    secants: usize,
    /// When something was shown.
    times: VecDeque<f64>,
}

impl Live {
    /// What to ask about the camera's next picture, at some time in milliseconds; nothing, where it
    /// holds still and all that can be asked about it has been.
    pub fn ask(&mut self, picture: Sketch, now: f64) -> Option<Wanted> {
        let since = match &self.held {
            Some((held, since)) if !held.differs(&picture) => *since,
            _ => {
                if self.finer > 0 {
                    // Whatever is still to come is of what was there before.
                    self.past = self.asked;
                }
                self.finer = 0;
                self.held = Some((picture, now));
                now
            }
        };
        let secants = if now - since < STILL_MS {
            1
        } else {
            let secants = FINER.get(self.finer).copied()?;
            self.finer += 1;
            secants
        };
        self.asked += 1;
        Some(Wanted {
            number: self.asked,
            secants,
        })
    }

    /// An answer has come: whether it is news, and to be shown.
    pub fn show(&mut self, wanted: Wanted, now: f64) -> bool {
        let news = wanted.number > self.past;
        if news {
            self.past = wanted.number;
            self.secants = wanted.secants;
            self.times.push_back(now);
        }
        news
    }

    /// Something else is asked from now on: a picture that holds still is explained anew.
    pub fn renew(&mut self) {
        self.past = self.asked;
        self.held = None;
        self.finer = 0;
    }

    /// How many were shown a second lately; nothing before there are two.
    pub fn rate(&mut self, now: f64) -> Option<f64> {
        while self
            .times
            .front()
            .is_some_and(|&time| now - time > COUNTED_MS)
        {
            self.times.pop_front();
        }
        let (first, last) = (*self.times.front()?, *self.times.back()?);
        let between = self.times.len() - 1;
        (last > first).then(|| between as f64 * 1000.0 / (last - first))
    }

    /// Secants of what is shown: more than one, where it holds still.
    pub fn secants(&self) -> usize {
        self.secants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey picture, darker on its left, with as much noise as a camera has.
    fn picture(grey: u8, noise: u64) -> Sketch {
        let (width, height) = (80, 60);
        let mut state = noise;
        let pixels = (0..width * height).flat_map(|k| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(99);
            let jitter = (state >> 61) as u8;
            let left = if k % width < 20 { 40 } else { 0 };
            [grey - left + jitter, grey - left, grey - left, 255]
        });
        let pixels: Vec<u8> = pixels.collect();
        Sketch::of(&pixels, width)
    }

    #[test]
    fn a_sketch_tells_where_a_picture_is_dark_and_passes_over_noise() {
        let sketch = picture(100, 1);
        assert!(sketch.0[0] < 63.0 && sketch.0[15] > 99.0, "{sketch:?}");
        assert!(!sketch.differs(&picture(100, 2)));
        assert!(sketch.differs(&picture(104, 2)));
    }

    #[test]
    fn what_moves_gets_one_secant_each_and_what_holds_still_more_until_there_is_nothing_to_ask() {
        let mut live = Live::default();
        let secants = |live: &mut Live, grey, now| {
            let wanted = live.ask(picture(grey, now as u64), now);
            wanted.map(|wanted| wanted.secants)
        };
        for k in 0..20 {
            let grey = 100 + 5 * k;
            assert_eq!(secants(&mut live, grey, f64::from(k) * 100.0), Some(1));
        }
        // It holds still from 1900 ms on.
        assert_eq!(secants(&mut live, 195, 2300.0), Some(1));
        let then: Vec<_> = (0..4)
            .map(|k| secants(&mut live, 195, 2400.0 + f64::from(k)))
            .collect();
        assert_eq!(then, [Some(4), Some(12), Some(24), None]);
        assert_eq!(secants(&mut live, 195, 9000.0), None);
        // It moves again.
        assert_eq!(secants(&mut live, 150, 9100.0), Some(1));
        live.renew();
        assert_eq!(secants(&mut live, 150, 9101.0), Some(1));
    }

    #[test]
    fn a_slow_drift_is_movement() {
        let mut live = Live::default();
        let questions = (0..100).map(|k| {
            let now = f64::from(k) * 100.0;
            live.ask(picture(60 + k as u8, 1), now)
        });
        assert!(questions.flatten().all(|wanted| wanted.secants == 1));
    }

    #[test]
    fn answers_that_come_late_are_not_shown() {
        let mut live = Live::default();
        let ask = |live: &mut Live, grey, now| live.ask(picture(grey, 1), now).expect("asked");
        let (first, second) = (ask(&mut live, 100, 0.0), ask(&mut live, 120, 10.0));
        assert!(live.show(second, 20.0));
        assert!(!live.show(first, 30.0), "another worker was faster");
        // A finer one is under way when the picture moves.
        let finer = ask(&mut live, 120, 1000.0);
        assert_eq!(finer.secants, 4);
        let moved = ask(&mut live, 90, 1100.0);
        assert!(!live.show(finer, 1200.0), "it is of what was there before");
        assert!(live.show(moved, 1300.0));
        assert_eq!(live.secants(), 1);
    }

    #[test]
    fn a_rate_is_that_of_the_last_two_seconds() {
        let mut live = Live::default();
        assert_eq!(live.rate(0.0), None);
        for k in 0..100u64 {
            let now = if k < 50 {
                k * 100
            } else {
                5000 + (k - 50) * 50
            };
            let wanted = Wanted {
                number: k + 1,
                secants: 1,
            };
            assert!(live.show(wanted, now as f64));
        }
        let rate = live.rate(7450.0).expect("many were shown");
        assert!((rate - 20.0).abs() < 0.5, "{rate}");
        assert_eq!(live.rate(20_000.0), None);
    }
}
