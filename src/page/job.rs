//! Work that takes time. A newer job supersedes the one before, which from then on can write nothing.

use std::cell::Cell;
use std::rc::Rc;

use crate::protocol::Failure;
use crate::words::{Phrase, decimal, name, phrase};

/// Where jobs write how far they have come.
pub trait Board {
    /// A sentence.
    type Words: Clone;
    /// What is being done, for those who see it.
    fn say(&self, words: Self::Words);
    /// The same, said aloud by what reads the page to people: now and then, not at every step.
    fn announce(&self, words: Self::Words);
    /// Which share of it is done, 0..=1; nothing, where nobody knows.
    fn show(&self, share: Option<f64>);
    /// How long it will take still, in milliseconds, as far as can be told.
    fn left(&self, milliseconds: f64);
}

/// The jobs of one kind, of which one at a time is under way.
pub struct Jobs<B> {
    board: Rc<B>,
    newest: Rc<Cell<u64>>,
    /// The one that is under way.
    busy: Rc<Cell<Option<u64>>>,
}

impl<B: Board + Default> Default for Jobs<B> {
    fn default() -> Self {
        Self::new(Rc::default())
    }
}

impl<B: Board> Jobs<B> {
    /// None is under way.
    pub fn new(board: Rc<B>) -> Self {
        Self {
            board,
            newest: Rc::default(),
            busy: Rc::default(),
        }
    }

    /// Begins a job, at some time in milliseconds. One that is under way is superseded.
    pub fn begin(&self, now: f64) -> Job<B> {
        let number = self.newest.get() + 1;
        self.newest.set(number);
        self.busy.set(Some(number));
        Job {
            number,
            busy: Rc::clone(&self.busy),
            board: Rc::clone(&self.board),
            started: Rc::new(Cell::new(now)),
            announced: Rc::default(),
        }
    }

    /// Supersedes the job that is under way by none. Whether there was one.
    pub fn stop(&self) -> bool {
        self.busy.take().is_some()
    }

    /// Whether one is under way.
    pub fn is_busy(&self) -> bool {
        self.busy.get().is_some()
    }

    /// The newest job's number, to see whether another has begun since.
    pub fn newest(&self) -> u64 {
        self.newest.get()
    }
}

/// A job, and the only way in which it writes.
pub struct Job<B> {
    number: u64,
    busy: Rc<Cell<Option<u64>>>,
    board: Rc<B>,
    /// When the part that progress is told of began.
    started: Rc<Cell<f64>>,
    /// How many of a job's two announcements have been made: its beginning, and its half.
    announced: Rc<Cell<u8>>,
}

impl<B> Clone for Job<B> {
    fn clone(&self) -> Self {
        Self {
            number: self.number,
            busy: Rc::clone(&self.busy),
            board: Rc::clone(&self.board),
            started: Rc::clone(&self.started),
            announced: Rc::clone(&self.announced),
        }
    }
}

impl<B: Board> Job<B> {
    /// Whether it is still wanted.
    pub fn is_current(&self) -> bool {
        self.busy.get() == Some(self.number)
    }

    /// Ends it. Whether it was still wanted.
    pub fn end(&self) -> bool {
        let current = self.is_current();
        if current {
            self.busy.set(None);
        }
        current
    }

    /// Goes on, where it is still wanted.
    ///
    /// # Errors
    ///
    /// One that nobody is told of, where another job has begun or this one was stopped: what comes
    /// after it is left undone.
    pub fn wanted(&self) -> Result<(), Failure> {
        match self.is_current() {
            true => Ok(()),
            false => Err(Failure::internal("the job is not wanted any more")),
        }
    }

    /// Says what is being done, to those who see it; to those who listen, where it is time to.
    fn write(&self, words: B::Words, half: bool) {
        let due = 1 + u8::from(half);
        if due > self.announced.get() {
            self.announced.set(due);
            self.board.announce(words.clone());
        }
        self.board.say(words);
    }

    /// Says what is being done.
    pub fn say(&self, words: B::Words) {
        if self.is_current() {
            self.write(words, false);
        }
    }

    /// Says what is being done, where nobody knows how far it has come.
    pub fn wait(&self, words: B::Words) {
        if self.is_current() {
            self.write(words, false);
            self.board.show(None);
        }
    }

    /// From now on progress is told of something else.
    pub fn start_clock(&self, now: f64) {
        self.started.set(now);
    }

    /// Says how far it has come: so many of all.
    pub fn progress(&self, done: usize, all: usize, now: f64, words: B::Words) {
        if !self.is_current() {
            return;
        }
        self.write(words, 2 * done >= all);
        self.board.show(Some(done as f64 / all.max(1) as f64));
        if done > 0 {
            let spent = now - self.started.get();
            let rest = all.saturating_sub(done) as f64;
            self.board.left(spent / done as f64 * rest);
        }
    }

    /// Says which share has come of something that is counted in other things than gradients.
    pub fn share(&self, share: f64, words: B::Words) {
        if self.is_current() {
            self.write(words, false);
            self.board.show(Some(share));
        }
    }
}

impl<B: Board<Words = Phrase>> Job<B> {
    /// Says which share has come of a network's weights, which are so many megabytes.
    pub fn weights_come(&self, network: &str, share: f64, megabytes: f64) {
        let sentence = phrase!(
            "Fetching {network}: {done} of {all} MB",
            network = name(network),
            done = decimal(share * megabytes, 1),
            all = decimal(megabytes, 1),
        );
        self.share(share, sentence);
    }

    /// Says how many megabytes of the engine have come, and of how many; 0, where the server does
    /// not say.
    pub fn engine_comes(&self, megabytes: f64, all: f64) {
        let done = decimal(megabytes, 1);
        if all > 0.0 {
            let sentence = phrase!(
                "Loading the engine: {done} of {all} MB",
                done = done,
                all = decimal(all, 1),
            );
            self.share(megabytes / all, sentence);
        } else {
            self.wait(phrase!("Loading the engine: {done} MB so far", done = done));
        }
    }
}

/// Time left, in words short enough to sit beside a button.
pub fn duration(milliseconds: f64) -> Phrase {
    let seconds = (milliseconds / 1000.0).ceil();
    if seconds < 90.0 {
        phrase!("{seconds} s left", seconds = decimal(seconds, 0))
    } else {
        let minutes = (seconds / 60.0).ceil();
        phrase!("{minutes} min left", minutes = decimal(minutes, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;
    use std::cell::RefCell;

    #[derive(Default)]
    struct Slate(RefCell<Vec<String>>, RefCell<Vec<&'static str>>);

    impl Board for Slate {
        type Words = &'static str;
        fn say(&self, words: &'static str) {
            self.0.borrow_mut().push(words.into());
        }
        fn announce(&self, words: &'static str) {
            self.1.borrow_mut().push(words);
        }
        fn show(&self, share: Option<f64>) {
            self.0.borrow_mut().push(format!("{share:?}"));
        }
        fn left(&self, milliseconds: f64) {
            self.0.borrow_mut().push(format!("{milliseconds} ms"));
        }
    }

    #[test]
    fn a_superseded_job_writes_nothing() {
        let slate = Rc::new(Slate::default());
        let jobs = Jobs::new(Rc::clone(&slate));
        let download = jobs.begin(0.0);
        download.share(0.5, "half of the weights");
        let newer = jobs.begin(1.0);
        let before = slate.0.borrow().len();
        // As a download that goes on did, over the newer job's progress.
        download.share(0.6, "more of the weights");
        download.say("more");
        download.wait("and more");
        download.progress(1, 2, 2.0, "one of two");
        assert_eq!(slate.0.borrow().len(), before);
        assert!(!download.is_current() && !download.end());
        assert!(newer.is_current() && jobs.is_busy());
        newer.progress(1, 4, 11.0, "one of four");
        assert_eq!(
            slate.0.borrow()[before..],
            ["one of four", "Some(0.25)", "30 ms"]
        );
        assert!(newer.end() && !jobs.is_busy() && !newer.end());
    }

    #[test]
    fn five_hundred_steps_are_announced_twice() {
        let slate = Rc::new(Slate::default());
        let job = Jobs::new(Rc::clone(&slate)).begin(0.0);
        for done in 0..=500 {
            let words = ["explaining", "half of it"][usize::from(done >= 251)];
            job.progress(done, 501, 0.0, words);
        }
        job.progress(0, 501, 0.0, "and something else");
        assert_eq!(*slate.1.borrow(), ["explaining", "half of it"]);
    }

    #[test]
    fn whatever_a_job_begins_with_is_announced_as_its_beginning() {
        let begin: [fn(&Job<Slate>); 4] = [
            |job| job.say("it begins"),
            |job| job.wait("it begins"),
            |job| job.share(0.7, "it begins"),
            |job| job.progress(0, 9, 0.0, "it begins"),
        ];
        for begin in begin {
            let slate = Rc::new(Slate::default());
            let job = Jobs::new(Rc::clone(&slate)).begin(0.0);
            begin(&job);
            job.wait("something that nobody can count");
            job.share(0.9, "nearly fetched");
            job.progress(1, 9, 0.0, "it goes on");
            job.progress(5, 9, 0.0, "half");
            job.progress(6, 9, 0.0, "more than half");
            assert_eq!(*slate.1.borrow(), ["it begins", "half"]);
        }
    }

    #[test]
    fn what_is_left_is_told_in_seconds_and_then_in_minutes() {
        let said = |ms| duration(ms).said(Language::English, &|value, _| value.to_string());
        assert_eq!(said(1.0), "1 s left");
        assert_eq!(said(89_001.0), "2 min left");
        assert_eq!(said(121_000.0), "3 min left");
    }

    #[test]
    fn a_job_that_was_stopped_writes_nothing() {
        let slate = Rc::new(Slate::default());
        let jobs = Jobs::new(Rc::clone(&slate));
        let job = jobs.begin(0.0);
        assert!(jobs.stop() && !jobs.stop());
        job.say("still here");
        assert!(slate.0.borrow().is_empty() && !job.is_current());
        assert!(job.wanted().is_err() && jobs.begin(0.0).wanted().is_ok());
    }
}
