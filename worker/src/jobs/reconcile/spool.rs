//! Lines that are needed again at the end, however many: in memory while they are few, else in a file without a
//! name that only this process can read and that is gone when it ends.

use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use super::super::JobError;

/// More bytes than this go to the disk.
const IN_MEMORY: usize = 4 << 20;

/// Lines in the order they were written.
pub struct Spool {
    file: SpooledTempFile,
    length: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: tempfile::spooled_tempfile(IN_MEMORY), length: 0 }
    }
}

fn failed(fault: &std::io::Error) -> JobError {
    JobError::Machine {
        what: format!("a temporary file cannot be used ({fault}); TMPDIR names where it is"),
        hint: String::new(),
    }
}

impl Spool {
    /// One line more; without a line break.
    ///
    /// # Errors
    /// A disk that is full, or no place for temporary files.
    pub fn push(&mut self, line: &str) -> Result<(), JobError> {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|fault| failed(&fault))?;
        self.length += u64::try_from(line.len() + 1).unwrap_or_default();
        Ok(())
    }

    /// Where the next line begins.
    pub fn here(&self) -> u64 {
        self.length
    }

    /// Forgets what was written since [`Self::here`] was there.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn back_to(&mut self, here: u64) -> Result<(), JobError> {
        self.length = here;
        self.file
            .set_len(here)
            .and_then(|()| self.file.seek(SeekFrom::Start(here)).map(drop))
            .map_err(|fault| failed(&fault))
    }

    /// Reads the lines from the first on; nothing is written any more.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(mut self) -> Result<Lines, JobError> {
        self.file.rewind().map_err(|fault| failed(&fault))?;
        Ok(Lines { reader: BufReader::with_capacity(1 << 16, self.file) })
    }
}

/// The lines of a spool.
pub struct Lines {
    reader: BufReader<SpooledTempFile>,
}

impl Lines {
    /// The next line; `None` after the last.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn next_line(&mut self) -> Result<Option<String>, JobError> {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line).map_err(|fault| failed(&fault))?;
        if line.ends_with('\n') {
            line.pop();
        }
        Ok((read > 0).then_some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(spool: Spool) -> Vec<String> {
        let mut lines = spool.read().unwrap();
        std::iter::from_fn(|| lines.next_line().unwrap()).collect()
    }

    #[test]
    fn what_was_taken_back_is_gone_and_the_rest_is_there_in_order() {
        for filler in [String::new(), "x".repeat(IN_MEMORY)] {
            let mut spool = Spool::default();
            spool.push(&format!("first{filler}")).unwrap();
            let here = spool.here();
            spool.push("a longer line than the one that takes its place").unwrap();
            spool.back_to(here).unwrap();
            spool.push("second").unwrap();
            assert_eq!(lines(spool), [format!("first{filler}"), "second".to_owned()]);
        }
        assert!(lines(Spool::default()).is_empty());
    }
}
