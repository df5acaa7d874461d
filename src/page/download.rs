//! A download whose length is known, which goes on where it broke off.

/// HTTP's status of an answer to a range.
const PARTIAL_CONTENT: u16 = 206;
/// How often in a row it may bring nothing.
const TRIES: u32 = 3;

/// How much of a file has come.
#[derive(Debug)]
pub struct Download {
    length: u32,
    filled: u32,
    /// How much had come when it was last tried.
    before: u32,
    /// How often it has brought nothing since it brought something.
    tries: u32,
}

impl Download {
    /// None of so many bytes have come. A longer or shorter file is not the one that is meant.
    pub fn new(length: u32) -> Self {
        Self {
            length,
            filled: 0,
            before: 0,
            tries: 0,
        }
    }

    /// The `range` that is asked for; nothing, where all of it is.
    pub fn range(&mut self) -> Option<String> {
        self.before = self.filled;
        (self.filled > 0).then(|| format!("bytes={}-", self.filled))
    }

    /// The server answers with this status. One that knows no ranges sends all of it again.
    pub fn answered(&mut self, status: u16) {
        if status != PARTIAL_CONTENT {
            self.filled = 0;
        }
    }

    /// So many bytes have come: where they belong.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn take(&mut self, bytes: u32) -> Result<u32, &'static str> {
        let at = self.filled;
        if bytes > self.length - at {
            self.filled = 0;
            return Err("the file is longer than the manifest says");
        }
        self.filled += bytes;
        Ok(at)
    }

    /// The share that has come, 0..=1.
    pub fn share(&self) -> f64 {
        f64::from(self.filled) / f64::from(self.length.max(1))
    }

    /// No more comes.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn end(&self) -> Result<(), &'static str> {
        match self.filled == self.length {
            true => Ok(()),
            false => Err("the file is shorter than the manifest says"),
        }
    }

    /// It broke off. Whether it is worth another try: as long as there is something, and tries
    /// bring more.
    pub fn again(&mut self) -> bool {
        let brought = self.filled > self.before;
        self.tries = if brought { 0 } else { self.tries + 1 };
        self.filled > 0 && self.tries < TRIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_where_it_broke_off_as_long_as_something_comes() {
        let mut download = Download::new(100);
        assert_eq!(download.range(), None);
        download.answered(200);
        assert_eq!((download.take(30), download.take(20)), (Ok(0), Ok(30)));
        assert!(download.end().is_err() && download.again());
        assert_eq!(download.range().as_deref(), Some("bytes=50-"));
        download.answered(206);
        assert_eq!((download.take(50), download.share()), (Ok(50), 1.0));
        assert_eq!(download.end(), Ok(()));
    }

    #[test]
    fn a_server_without_ranges_sends_all_of_it_again() {
        let mut download = Download::new(100);
        download.take(50).expect("fits");
        assert!(download.range().is_some());
        download.answered(200);
        assert_eq!(download.take(100), Ok(0));
        assert_eq!(download.end(), Ok(()));
    }

    #[test]
    fn three_tries_that_bring_nothing_are_enough() {
        let mut download = Download::new(100);
        assert!(!download.again(), "nothing is there to go on from");
        let mut download = Download::new(100);
        download.take(10).expect("fits");
        assert!(download.again());
        download.range();
        assert!(download.again() && download.again() && !download.again());
        // A file that is too long is not the one that is meant, however often it comes.
        let mut long = Download::new(100);
        assert!(long.take(101).is_err() && !long.again());
    }
}
