//! Lines that are to be there whatever comes after: what a job is about to change or delete, or could not use.
//! They hold personal data, so nobody but the user who runs the job may read them. Must never be cut short by a
//! later run: what is there is added to.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use super::JobError;
use super::files::Place;

/// A file that grows by whole lines. In S3, where nothing grows, each [`Self::keep`] makes an object of its own,
/// named after the time of the run and numbered.
pub struct Lines {
    place: Place,
    s3: aws_sdk_s3::Client,
    file: Option<File>,
    pending: Vec<u8>,
    run: i64,
    parts: u32,
}

impl Lines {
    /// Lines at `place`, which `flag` named. Nothing is written yet, but a place that cannot be written is found.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(place: Place, flag: &str, s3: &aws_sdk_s3::Client) -> Result<Self, JobError> {
        let file = match &place {
            Place::Standard => {
                return Err(JobError::problem(flag, "is no file", "write a path or s3://bucket/key"));
            }
            Place::Local(path) => {
                let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
                // The mode is for a file that is made; one may be there.
                let private = opened.and_then(|file| {
                    file.set_permissions(Permissions::from_mode(0o600))?;
                    Ok(file)
                });
                Some(private.map_err(|fault| {
                    let fault = format!("{place} cannot be written: {fault}");
                    JobError::problem(flag, fault, "name a file in a directory that can be written")
                })?)
            }
            Place::S3 { .. } => None,
        };
        let run = jiff::Timestamp::now().as_millisecond();
        Ok(Self { place, s3: s3.clone(), file, pending: Vec::new(), run, parts: 0 })
    }

    /// One more line, kept by the next [`Self::keep`].
    pub fn push(&mut self, line: &str) {
        self.pending.extend_from_slice(line.as_bytes());
        self.pending.push(b'\n');
    }

    /// Returns when all lines are on the disk, or in the bucket.
    ///
    /// # Errors
    /// What could not be written. The lines are tried again by the next call.
    pub async fn keep(&mut self) -> Result<(), JobError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        match &mut self.file {
            Some(file) => {
                let written = file.write_all(&self.pending).and_then(|()| file.sync_data());
                written.map_err(|fault| JobError::Machine {
                    what: format!("{} cannot be written: {fault}", self.place),
                    hint: String::new(),
                })?;
            }
            None => {
                let part = self.place.beside(&format!(".{}.{:05}", self.run, self.parts + 1));
                part.write(&self.pending, &self.s3).await?;
                self.parts += 1;
            }
        }
        self.pending.clear();
        Ok(())
    }

    /// Where they are.
    pub fn place(&self) -> &Place {
        &self.place
    }
}
