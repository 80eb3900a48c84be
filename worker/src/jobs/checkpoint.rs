//! How far a job came, so that it can go on. What it had in hand when it was killed is done again: whatever a
//! job does must bear that. Must never be taken for the state of another job, pool or file.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::JobError;
use super::files::Place;

const FLAG: &str = "--checkpoint";

const LOCK: &str = ".lock";

#[derive(Serialize, Deserialize)]
struct Written<T> {
    version: u32,
    /// The job, its pool or file, and whatever else must not change between two runs.
    of: String,
    state: T,
}

const VERSION: u32 = 1;

/// Where the state of one job is kept.
pub struct Checkpoint {
    place: Place,
    of: String,
    s3: aws_sdk_s3::Client,
    /// Held for as long as the job runs; the system lets go of it when the process ends, however it ends.
    lock: Option<std::fs::File>,
}

impl Checkpoint {
    /// Takes `place` for the job described by `of`, and reads the state that is to be gone on from: with
    /// `resume` there has to be one, without there must be none.
    ///
    /// # Errors
    /// A state that is there and not asked for, or asked for and not there; one of another job, pool or file; one
    /// that cannot be read; another process at work with it.
    pub async fn open<T: DeserializeOwned>(
        place: Place,
        of: &str,
        resume: bool,
        s3: &aws_sdk_s3::Client,
    ) -> Result<(Self, Option<T>), JobError> {
        if place == Place::Standard {
            return Err(JobError::problem(
                FLAG,
                "is no file that could be read again",
                "write a path or s3://bucket/key",
            ));
        }
        let lock = lock(&place)?;
        let found = place.read(FLAG, s3).await?;
        let state = match (found, resume) {
            (None, false) => None,
            (None, true) => {
                return Err(JobError::problem(
                    "--resume",
                    format!("there is nothing to go on from: {place} is not there"),
                    "start without --resume, or name the checkpoint of the run to go on with",
                ));
            }
            (Some(_), false) => {
                return Err(JobError::problem(
                    FLAG,
                    format!("{place} is the state of a run that has not ended"),
                    "go on with --resume, or delete it to start over (nothing is written twice)",
                ));
            }
            (Some(bytes), true) => Some(understand(&bytes, of, &place)?),
        };
        Ok((Self { place, of: of.to_owned(), s3: s3.clone(), lock }, state))
    }

    /// Keeps this state in the place of the last one.
    ///
    /// # Errors
    /// What could not be written.
    pub async fn keep<T: Serialize>(&self, state: &T) -> Result<(), JobError> {
        let written = Written { version: VERSION, of: self.of.clone(), state };
        let bytes = serde_json::to_vec(&written).map_err(|fault| JobError::Machine {
            what: format!("the state cannot be written as JSON: {fault}"),
            hint: String::new(),
        })?;
        self.place.write(&bytes, &self.s3).await
    }

    /// The job is done; there is nothing to go on from.
    ///
    /// # Errors
    /// What could not be deleted.
    pub async fn done(self) -> Result<(), JobError> {
        self.place.delete(&self.s3).await?;
        if self.lock.is_some()
            && let Place::Local(path) = self.place.beside(LOCK)
        {
            // Whoever has it open in this moment locks a file that nobody else will: two runs harm nothing.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

fn understand<T: DeserializeOwned>(bytes: &[u8], of: &str, place: &Place) -> Result<T, JobError> {
    let unreadable = || {
        JobError::problem(
            FLAG,
            format!("{place} is not a checkpoint, or was cut short"),
            "delete it and start over (nothing is written twice)",
        )
    };
    let written: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    // Another version may have another form, and so may the state of another job.
    let version = written.get("version").and_then(serde_json::Value::as_u64).ok_or_else(unreadable)?;
    if version != u64::from(VERSION) {
        return Err(JobError::problem(
            FLAG,
            format!("{place} is of another version of this program"),
            "go on with the version that wrote it, or delete it and start over",
        ));
    }
    let header: Written<serde_json::Value> = serde_json::from_value(written).map_err(|_| unreadable())?;
    if header.of != of {
        return Err(JobError::problem(
            FLAG,
            format!("{place} is the state of {}, and this is {of}", header.of),
            "name the checkpoint of this run, or another file to start over",
        ));
    }
    serde_json::from_value(header.state).map_err(|_| unreadable())
}

/// One process at a time. In S3 nobody can be kept out; two runs would cost calls and harm nothing.
fn lock(place: &Place) -> Result<Option<std::fs::File>, JobError> {
    let Place::Local(_) = place else { return Ok(None) };
    let Place::Local(path) = place.beside(LOCK) else { return Ok(None) };
    let opened = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|fault| {
        let fault = format!("{} cannot be written: {fault}", path.display());
        JobError::problem(FLAG, fault, "name a file in a directory that can be written")
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(JobError::problem(
            FLAG,
            format!("another process is at work with {place}"),
            "wait for it, or name another file",
        )),
        // A file system without locks.
        Err(std::fs::TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
