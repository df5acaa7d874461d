//! What is wanted, what is being made, what is shown, and what to do about the difference.

use std::rc::Rc;

use super::explanation::{Explanation, Seen};
use super::settings::{Begin, Settings, Start, differing, first_difference};

/// What a change asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing is different.
    Nothing,
    /// To draw what is there anew.
    Draw,
    /// To begin again from there.
    Begin(Begin),
    /// To mark what is shown as made with other settings, one click away from being made anew.
    Mark,
}

/// The page's state, as far as explanations go. The *latest* settings are what the controls show; the *shown*
/// explanation carries those that it was made with; and what the engine *holds* is somewhere on the way. All three
/// are compared here and nowhere else.
#[derive(Debug, Default)]
pub struct Work {
    latest: Settings,
    /// What is being made.
    doing: Option<Settings>,
    held: Option<Held>,
    shown: Option<Rc<Explanation>>,
    /// The finished one that an unfinished one has taken the place of.
    before: Option<Rc<Explanation>>,
}

/// The network that is loaded, and the path that is kept.
#[derive(Debug)]
struct Held {
    /// What both belong to; without a picture, there is no path.
    settings: Settings,
    /// What the network says of the path's ends. What is shown may be of other settings.
    seen: Option<Seen>,
}

impl Work {
    /// Nothing is shown yet.
    pub fn new(latest: Settings) -> Self {
        Self {
            latest,
            ..Self::default()
        }
    }

    /// What is set.
    pub fn latest(&self) -> &Settings {
        &self.latest
    }

    /// Changes what is set, and says what is to be done about it.
    pub fn change(&mut self, change: impl FnOnce(&mut Settings)) -> Next {
        let before = self.latest.clone();
        change(&mut self.latest);
        let Some(begin) = first_difference(&self.latest, &before) else {
            return Next::Nothing;
        };
        if begin == Begin::Drawing {
            return Next::Draw;
        }
        let waits = |field: &super::Field| {
            field.start == Start::Asked || field.invalidates == Begin::Drawing
        };
        if differing(&self.latest, &before).all(waits) {
            Next::Mark
        } else {
            Next::Begin(begin)
        }
    }

    /// Work begins on what is set: these settings. Whatever was being made is superseded.
    pub fn begin(&mut self) -> Settings {
        self.doing = Some(self.latest.clone());
        self.latest.clone()
    }

    /// From where work on some settings has to begin, given what the engine holds; nothing, if network and path
    /// are those already, and only the sum is left.
    pub fn missing(&self, settings: &Settings) -> Option<Begin> {
        let Some(held) = &self.held else {
            return Some(Begin::Model);
        };
        // Which device computes has been seen to when the engine was started.
        let differences = differing(settings, &held.settings).map(|field| field.invalidates);
        let begin = differences.filter(|&begin| begin != Begin::Engine).min();
        begin.filter(|&begin| begin < Begin::Sum)
    }

    /// What the engine holds is being changed, or lent, or lost.
    pub fn hold_nothing(&mut self) {
        self.held = None;
    }

    /// The engine holds a network, and no path.
    pub fn hold_network(&mut self, settings: &Settings) {
        let mut settings = settings.clone();
        settings.picture = None;
        self.held = Some(Held {
            settings,
            seen: None,
        });
    }

    /// The engine holds a network and the path between what it sees.
    pub fn hold_path(&mut self, settings: &Settings, seen: Seen) {
        self.held = Some(Held {
            settings: settings.clone(),
            seen: Some(seen),
        });
    }

    /// What the network that is held says of the ends of its path, if there is one.
    pub fn held_seen(&self) -> Option<&Seen> {
        self.held.as_ref()?.seen.as_ref()
    }

    /// The engine is lent another path than that of any picture; its network stays.
    pub fn lend_path(&mut self) {
        if let Some(held) = self.held.take() {
            self.hold_network(&held.settings);
        }
    }

    /// Work is over, and came to nothing that could be shown.
    pub fn stop(&mut self) {
        self.doing = None;
    }

    /// Work is over, and this came of it: all of it, or what there was when it was cancelled.
    pub fn show(&mut self, explanation: Rc<Explanation>) {
        self.doing = None;
        let replaced = self.shown.take();
        self.before = if explanation.is_finished() {
            None
        } else {
            let finished = [replaced, self.before.take()];
            let mut finished = finished.into_iter().flatten();
            // A mask of another picture is no way back.
            finished.find(|before| {
                before.is_finished() && before.settings.picture == explanation.settings.picture
            })
        };
        self.shown = Some(explanation);
    }

    /// Another picture: nothing is said of it yet, and no network has looked at it.
    pub fn forget(&mut self) {
        (self.shown, self.before) = (None, None);
        self.lend_path();
    }

    /// What is shown.
    pub fn shown(&self) -> Option<&Rc<Explanation>> {
        self.shown.as_ref()
    }

    /// The finished explanation in whose place an unfinished one is shown.
    pub fn before(&self) -> Option<&Rc<Explanation>> {
        self.before.as_ref()
    }

    /// Shows the finished explanation again.
    pub fn go_back(&mut self) -> Option<Rc<Explanation>> {
        let before = self.before.take()?;
        self.shown = Some(Rc::clone(&before));
        Some(before)
    }

    /// From where what is shown, or being made, would have to be made anew to be what is set; nothing, if it
    /// is that, or if there is nothing.
    pub fn stale(&self) -> Option<Begin> {
        let shown = self.shown.as_ref().map(|shown| &shown.settings);
        let made = self.doing.as_ref().or(shown)?;
        let settled = |begin: &Begin| !matches!(begin, Begin::Drawing | Begin::Engine);
        let differences = differing(&self.latest, made).map(|field| field.invalidates);
        differences.filter(settled).min()
    }

    /// Whether what is shown was made with other settings than what is being made.
    pub fn is_superseded(&self) -> bool {
        let (Some(doing), Some(shown)) = (&self.doing, &self.shown) else {
            return false;
        };
        let mut differences = differing(doing, &shown.settings);
        differences.any(|field| !matches!(field.invalidates, Begin::Drawing | Begin::Engine))
    }

    /// Whether work is being done on what is shown or to be shown.
    pub fn is_busy(&self) -> bool {
        self.doing.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::{FIELDS, Field, PictureId};
    use super::*;

    /// Other texts for each control than it has by default, all of which are taken.
    const TEXTS: [(&str, &[&str]); 19] = [
        ("device", &["cpu", "gpu"]),
        (
            "model",
            &["efficientnet-lite0", "shapesnet", "own:mine.pth"],
        ),
        ("tag", &["none", "telling", "misleading"]),
        (
            "baseline",
            &["black", "white", "blurred", "colour", "noise"],
        ),
        ("baseline-colour", &["#00ff00", "#0000ff"]),
        ("baseline-seed", &["42", "7"]),
        ("predictions", &["3", "0", ""]),
        ("against", &["2", ""]),
        ("scale", &["probability", "logit"]),
        ("auto", &["", "on"]),
        ("rule", &["gauss-legendre", "secant"]),
        ("steps", &["7", "500", "24"]),
        ("reduction", &["signed", "absolute"]),
        ("view", &["mask", "overlay"]),
        ("palette", &["yellow", "violet"]),
        ("opacity", &["90", "0"]),
        ("clip", &["90", "98"]),
        ("split", &["40", "0"]),
        ("threshold", &["90", "50"]),
    ];

    /// The page without its browser: it does what it is told, and nothing else.
    #[derive(Default)]
    struct Page {
        work: Work,
        /// What the controls that only redraw have brought onto the canvas.
        drawn: Settings,
        device: String,
    }

    impl Page {
        fn new() -> Self {
            let mut settings = Settings::default();
            settings.set_model("efficientnet-lite0");
            let mut page = Self {
                work: Work::new(settings),
                device: "auto".into(),
                ..Self::default()
            };
            page.draw();
            page
        }

        fn draw(&mut self) {
            self.drawn = self.work.latest().clone();
        }

        fn touch(&mut self, id: &str, text: &str) -> Next {
            let field = Field::of_control(id).expect("a control");
            let next = self.work.change(|settings| (field.set)(settings, text));
            match next {
                Next::Begin(begin) => self.begin(begin),
                Next::Draw => self.draw(),
                Next::Mark | Next::Nothing => {}
            }
            next
        }

        fn begin(&mut self, begin: Begin) {
            if begin == Begin::Engine {
                self.device = self.work.latest().device.clone();
                self.work.hold_nothing();
            }
            self.work.begin();
            if begin == Begin::Photo {
                self.work.forget();
            }
            self.draw();
        }

        /// The job that is under way goes as far as it can.
        fn settle(&mut self, gradients: usize) {
            let Some(doing) = self.work.doing.clone() else {
                return;
            };
            if doing.picture.is_some() {
                if self.work.missing(&doing).is_some() {
                    let looked = Explanation::for_tests(doing.clone(), 0);
                    self.work.hold_path(&doing, looked.seen());
                }
                let mut explanation = Explanation::for_tests(doing, gradients);
                if let Some(seen) = self.work.held_seen() {
                    explanation.prepared = Rc::clone(&seen.prepared);
                }
                self.work.show(Rc::new(explanation));
            } else {
                if self.work.missing(&doing).is_some() {
                    self.work.hold_network(&doing);
                }
                self.work.stop();
            }
        }

        /// What people could take for what is set, and is not.
        fn deceives(&self) -> Option<String> {
            let latest = self.work.latest();
            let made = self.work.doing.as_ref();
            let made = made.or(self.work.shown().map(|shown| &shown.settings));
            let made = made.filter(|made| made.picture.is_some())?;
            let differs = |field: &&Field| match field.invalidates {
                Begin::Engine => self.device != latest.device,
                Begin::Drawing => (field.text)(&self.drawn) != (field.text)(latest),
                _ => false,
            };
            let hidden = FIELDS.iter().find(differs).map(|field| field.id.to_owned());
            let unsaid = differing(latest, made)
                .filter(|field| !matches!(field.invalidates, Begin::Engine | Begin::Drawing))
                .map(|field| field.id.to_owned())
                .next()
                .filter(|_| self.work.stale().is_none());
            hidden.or(unsaid)
        }
    }

    /// Pages in every state that there is.
    fn states() -> Vec<(&'static str, Page)> {
        let scene = || PictureId::Scene {
            seed: 5,
            tag: Default::default(),
        };
        let with = |picture: PictureId| {
            let mut page = Page::new();
            let next = page.work.change(|s| s.set_picture(Some(picture)));
            assert_eq!(next, Next::Begin(Begin::Photo));
            page.begin(Begin::Photo);
            page
        };
        let mut finished = with(scene());
        finished.settle(51);
        let mut noisy = with(PictureId::Photo(1));
        noisy.touch("baseline", "noise");
        noisy.touch("auto", "");
        noisy.settle(51);
        let mut marked = with(PictureId::Sample("cat".into()));
        marked.touch("auto", "");
        marked.settle(51);
        assert_eq!(marked.touch("steps", "8"), Next::Mark);
        let mut again = with(scene());
        again.settle(51);
        again.begin(Begin::Sum);
        let mut cancelled = with(scene());
        cancelled.settle(51);
        cancelled.touch("scale", "probability");
        cancelled.settle(7);
        let mut stopped = with(scene());
        stopped.work.stop();
        vec![
            ("nothing yet", Page::new()),
            ("at work", with(scene())),
            ("finished", finished),
            ("finished, from noise, by hand", noisy),
            ("marked", marked),
            ("at work again", again),
            ("cancelled on the way", cancelled),
            ("cancelled before anything came", stopped),
        ]
    }

    #[test]
    fn whatever_is_changed_takes_effect_or_is_marked_and_one_click_mends_it() {
        let controls = FIELDS.iter().filter(|field| !field.id.is_empty());
        assert_eq!(controls.count(), TEXTS.len(), "every control is tried");
        let mut marked = 0;
        for number in 0..states().len() {
            let touches = TEXTS
                .iter()
                .flat_map(|(id, texts)| texts.iter().map(move |text| (*id, *text)));
            for (id, text) in touches {
                let (state, mut page) = states().swap_remove(number);
                let what = format!("{state}: {id} = {text}");
                page.touch(id, text);
                assert_eq!(page.deceives(), None, "{what}");
                page.settle(51);
                assert_eq!(page.deceives(), None, "{what}, once settled");
                if page.work.stale().is_some() {
                    marked += 1;
                    // One click.
                    page.begin(Begin::Sum);
                    page.settle(51);
                }
                assert_eq!(page.work.stale(), None, "{what}, made anew");
                assert_eq!(page.deceives(), None, "{what}, made anew");
            }
        }
        assert!(marked > 10, "numbers that are typed are marked: {marked}");
    }

    #[test]
    fn what_is_made_anew_after_going_back_is_of_what_the_engine_holds() {
        let mut page = states().swap_remove(2).1;
        page.touch("baseline", "white");
        page.settle(7);
        let held = |page: &Page| page.work.held_seen().map(|seen| Rc::as_ptr(&seen.prepared));
        let white = held(&page).expect("a path");
        let back = page.work.go_back().expect("the finished one");
        assert_ne!(Rc::as_ptr(&back.prepared), white);
        assert_eq!(page.work.missing(page.work.latest()), None);
        page.begin(Begin::Sum);
        page.settle(51);
        let made = page.work.shown().expect("it is made");
        assert_eq!(Rc::as_ptr(&made.prepared), white);
        // A network without a path sees nothing.
        page.work.lend_path();
        assert_eq!(held(&page), None);
        assert_eq!(page.work.missing(page.work.latest()), Some(Begin::Photo));
    }

    #[test]
    fn work_begins_where_the_engine_lacks_something() {
        let mut page = states().swap_remove(2).1;
        let missing = |page: &Page| page.work.missing(page.work.latest());
        assert_eq!(missing(&page), None);
        page.touch("scale", "probability");
        assert_eq!(missing(&page), None);
        page.touch("baseline", "white");
        assert_eq!(missing(&page), Some(Begin::Baseline));
        // Overtaken by another class before the path was kept: the baseline is not forgotten.
        page.touch("predictions", "4");
        assert_eq!(missing(&page), Some(Begin::Baseline));
        page.settle(51);
        assert_eq!(missing(&page), None);
        // A test of trust has borrowed the engine.
        page.work.hold_nothing();
        assert_eq!(missing(&page), Some(Begin::Model));
    }

    #[test]
    fn cancelling_keeps_the_finished_explanation_beside_what_came() {
        let mut page = states().swap_remove(2).1;
        let finished = Rc::clone(page.work.shown().expect("finished"));
        page.touch("scale", "probability");
        page.settle(7);
        assert!(!page.work.shown().expect("what came").is_finished());
        // A second one that is cancelled does not throw it away either.
        page.touch("baseline", "white");
        page.settle(3);
        let back = page.work.go_back().expect("a way back");
        assert!(Rc::ptr_eq(&back, &finished));
        assert!(
            page.work.stale().is_some(),
            "it was made with other settings, which is said"
        );
        assert!(page.work.go_back().is_none());
    }

    #[test]
    fn nothing_came_and_nothing_is_lost() {
        let mut page = states().swap_remove(2).1;
        page.touch("scale", "probability");
        page.work.stop();
        assert!(page.work.shown().is_some_and(|shown| shown.is_finished()));
        assert_eq!(page.work.stale(), Some(Begin::Sum));
    }

    #[test]
    fn back_to_what_it_was_is_no_longer_stale() {
        let mut page = states().swap_remove(4).1;
        assert_eq!(page.work.stale(), Some(Begin::Sum));
        page.touch("steps", "50");
        assert_eq!(page.work.stale(), None);
    }
}
