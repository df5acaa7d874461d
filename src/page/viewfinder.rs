//! What is shown of the camera while it is explained: answers, the sum, how many pictures a second,
//! which buttons.

use super::live::{Live, Sketch, Wanted};
use super::part::{Panel, part};
use super::reading::decimals;
use super::whatif::track;
use crate::model::{ModelSpec, independent_predictions, top_predictions};
use crate::protocol::Glimpse;
use crate::words::{Phrase, decimal, name, percent, phrase};

/// How often the page says how many pictures a second there are.
const TOLD_MS: f64 = 500.0;
/// The camera's pictures are handed on a little larger than the network sees them.
const MARGIN: f64 = 1.25;
/// Width of the picture with its mask, in pixels.
const SHOWN: usize = 480;
/// Answers that are listed.
const ANSWERS: usize = 3;

/// See the [module](self).
#[derive(Debug)]
pub struct Viewfinder {
    spec: ModelSpec,
    live: Live,
    /// The answer that is explained, whatever is likelier.
    held: Option<usize>,
    /// The answer of the picture that is shown.
    output: Option<usize>,
    /// When it was said last how many pictures a second there are.
    told: f64,
}

impl Viewfinder {
    /// For a network.
    ///
    /// # Errors
    ///
    /// Why it cannot be asked about a camera's pictures.
    pub fn new(spec: ModelSpec) -> Result<Self, Phrase> {
        if spec.architecture.is_detector() {
            return Err(phrase!(
                "This is for networks that name classes: choose another one."
            ));
        }
        Ok(Self {
            spec,
            live: Live::default(),
            held: None,
            output: None,
            told: 0.0,
        })
    }

    /// The network.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// How large a picture of the camera is handed on: as large as it is, or as the network needs
    /// it.
    pub fn frame([width, height]: [f64; 2], spec: &ModelSpec) -> [f64; 2] {
        let [rows, columns] = spec.preprocessing.size();
        let needed = MARGIN * rows.max(columns) as f64;
        let scale = (needed / width.min(height)).min(1.0);
        [width, height].map(|length| (length * scale).round().max(1.0))
    }

    /// Width and height of the picture with its mask, in pixels.
    pub fn size(&self) -> [usize; 2] {
        let [rows, columns] = self.spec.preprocessing.size();
        [SHOWN, SHOWN * rows / columns]
    }

    /// What to ask about the camera's next picture, and which answer to explain, the likeliest
    /// where nothing is said; nothing, where it holds still and all that can be asked about it has
    /// been.
    pub fn ask(&mut self, picture: Sketch, now: f64) -> Option<(Wanted, Option<usize>)> {
        let wanted = self.live.ask(picture, now)?;
        // What is made finer stays what it was.
        let shown = self.output.filter(|_| wanted.secants > 1);
        Some((wanted, self.held.or(shown)))
    }

    /// An answer has come: what is shown of it, if it is news.
    pub fn show(&mut self, wanted: Wanted, glimpse: &Glimpse, now: f64) -> Option<Panel> {
        self.live.show(wanted, now).then(|| {
            self.output = Some(glimpse.output as usize);
            self.answers(glimpse)
        })
    }

    /// Holds the answer that is shown, or lets the one that is held go.
    pub fn hold(&mut self) {
        self.held = self.held.xor(self.output);
        self.live.renew();
    }

    /// Now and then, how many pictures a second there are.
    pub fn tell(&mut self, now: f64) -> Option<Panel> {
        if now - self.told < TOLD_MS {
            return None;
        }
        self.told = now;
        let sentence = match (self.live.secants(), self.live.rate(now)) {
            (secants @ 2.., _) => {
                phrase!("It holds still: {n} secants instead of one.", n = secants)
            }
            (_, Some(rate)) => phrase!("{rate} pictures a second", rate = decimal(rate, 1)),
            _ => Phrase::nothing(),
        };
        let mut panel = buttons(Some(self));
        panel.says("live-rate", sentence);
        if let Some(output) = self.output {
            let label = phrase!(
                "The camera's picture with the mask of “{class}”",
                class = name(self.label(output)),
            );
            panel.spoken("live-canvas", "aria-label", label);
        }
        Some(panel)
    }

    fn label(&self, output: usize) -> &str {
        self.spec.labels().get(output).copied().unwrap_or("?")
    }

    /// What the network says of a picture, and that its attributions add up.
    fn answers(&self, glimpse: &Glimpse) -> Panel {
        let predictions = match self.spec.independent {
            true => independent_predictions(&glimpse.logits),
            false => top_predictions(&glimpse.logits, ANSWERS),
        };
        let entries = predictions.into_iter().take(ANSWERS).map(|prediction| {
            let share = f64::from(prediction.probability);
            let title = Phrase::of(name(self.label(prediction.target)));
            let words = phrase!("{share}%", share = percent(share, 0));
            part("li").with([
                part("span").says(title),
                track("is", share),
                part("span").class("share").says(words),
            ])
        });
        let change = f64::from(glimpse.ends[1]) - f64::from(glimpse.ends[0]);
        let sum = phrase!(
            "“{class}”: all pixels together come to {sum}, and F(x) − F(x′) is {change}.",
            class = name(self.label(glimpse.output as usize)),
            sum = decimal(glimpse.sum, decimals(change)),
            change = decimal(change, decimals(change)),
        );
        let took = format!("{:.1}", glimpse.milliseconds);
        let mut panel = Panel::new();
        panel
            .holds("live-answers", entries)
            .says("live-sum", sum)
            .set("live-sum", "data-milliseconds", took);
        panel
    }
}

/// Which buttons there are, beside a camera that runs, or none.
pub fn buttons(camera: Option<&Viewfinder>) -> Panel {
    let sees = camera.is_some_and(|camera| camera.output.is_some());
    let holds = camera.is_some_and(|camera| camera.held.is_some());
    let mut panel = Panel::new();
    panel
        .enable("live-hold", sees)
        .enable("live-take", sees)
        .enable("live-stop", camera.is_some())
        .press("live-hold", holds);
    panel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::CATALOG;

    fn viewfinder() -> Viewfinder {
        let spec = CATALOG.iter().find(|spec| &*spec.name == "shapesnet");
        Viewfinder::new(spec.unwrap().clone()).unwrap()
    }

    fn picture(grey: u8) -> Sketch {
        Sketch::of(&vec![grey; 4 * 80 * 60], 80)
    }

    fn glimpse(output: u32) -> Glimpse {
        let mut logits = vec![0.0; 8];
        logits[output as usize] = 5.0;
        Glimpse {
            output,
            logits,
            ends: [1.0, 3.5],
            sum: 2.5,
            milliseconds: 41.25,
            map: Vec::new(),
            crop: Default::default(),
        }
    }

    #[test]
    fn a_picture_that_holds_still_keeps_its_answer_and_a_held_one_stays_whatever_comes() {
        let mut camera = viewfinder();
        let none = buttons(Some(&camera));
        assert_eq!(
            (none.enables("live-hold"), none.enables("live-stop")),
            (Some(false), Some(true))
        );
        let (first, output) = camera.ask(picture(50), 0.0).unwrap();
        assert_eq!((first.secants, output), (1, None));
        let panel = camera.show(first, &glimpse(2), 10.0).unwrap();
        let sum = panel.said("live-sum").unwrap();
        assert!(
            sum.contains("come to 2.50") && sum.contains("is 2.50"),
            "{sum}"
        );
        assert_eq!(panel.held("live-answers").unwrap().len(), ANSWERS);
        assert_eq!(
            panel.attribute("live-sum", "data-milliseconds").as_deref(),
            Some("41.2")
        );
        // It holds still: finer, and of the same answer.
        let (finer, output) = camera.ask(picture(50), 900.0).unwrap();
        assert_eq!((finer.secants, output), (4, Some(2)));
        camera.hold();
        assert!(
            camera.show(finer, &glimpse(2), 950.0).is_none(),
            "something else is asked now"
        );
        let (_, output) = camera.ask(picture(90), 1000.0).unwrap();
        assert_eq!(output, Some(2), "whatever is likelier");
        assert_eq!(
            buttons(Some(&camera))
                .attribute("live-hold", "aria-pressed")
                .as_deref(),
            Some("true")
        );
        camera.hold();
        assert_eq!(camera.held, None);
        assert_eq!(buttons(None).enables("live-stop"), Some(false));
    }

    #[test]
    fn how_fast_it_is_is_told_now_and_then() {
        let mut camera = viewfinder();
        for k in 0..20u32 {
            let now = 600.0 + f64::from(k) * 50.0;
            let (wanted, _) = camera.ask(picture(10 * k as u8), now).unwrap();
            assert!(camera.show(wanted, &glimpse(0), now).is_some());
        }
        let told = camera.tell(1600.0).unwrap();
        assert_eq!(
            told.said("live-rate").as_deref(),
            Some("20.0 pictures a second")
        );
        assert!(camera.tell(1700.0).is_none());
    }

    #[test]
    fn a_detector_is_refused_and_pictures_are_no_larger_than_they_need_to_be() {
        let detector = CATALOG.iter().find(|spec| spec.architecture.is_detector());
        assert!(Viewfinder::new(detector.unwrap().clone()).is_err());
        let spec = viewfinder().spec;
        let side = spec.preprocessing.width as f64 * MARGIN;
        assert_eq!(
            Viewfinder::frame([1600.0, 1200.0], &spec),
            [(side * 4.0 / 3.0).round(), side]
        );
        assert_eq!(Viewfinder::frame([40.0, 30.0], &spec), [40.0, 30.0]);
    }
}
