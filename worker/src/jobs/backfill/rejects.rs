//! Where lines that cannot be used go, with number and reason, so that they can be mended and given again. They
//! are personal data on purpose: the file is for its owner's eyes, and nothing of it is ever logged.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use serde::Serialize;

use super::record::Unusable;
use crate::jobs::JobError;
use crate::jobs::files::Place;

const FLAG: &str = "--rejects";

/// Of a line that is too long so much is kept, that it may be recognised.
const MOST_TEXT: usize = 4096;

/// An object in S3 is written as a whole, so it has to fit into memory.
const MOST_IN_S3: usize = 64 * 1024 * 1024;

#[derive(Serialize)]
struct Rejected<'a> {
    line: u64,
    reason: &'static str,
    detail: &'a str,
    text: &'a str,
}

enum Sink {
    /// Nothing has been rejected.
    None,
    File(BufWriter<File>),
    Object(Vec<u8>),
}

/// The rejected lines of a run.
pub(super) struct Rejects {
    place: Place,
    s3: aws_sdk_s3::Client,
    sink: Sink,
    written: u64,
    saved: u64,
}

impl Rejects {
    /// A run that goes on has so many bytes of them already; what was written after its last state is written
    /// again. Another run begins anew, with the first line it rejects.
    ///
    /// # Errors
    /// The file of the run that is gone on with has gone.
    pub(super) async fn open(place: Place, bytes: u64, s3: &aws_sdk_s3::Client) -> Result<Self, JobError> {
        let mut rejects = Self { place, s3: s3.clone(), sink: Sink::None, written: bytes, saved: bytes };
        if bytes == 0 {
            return Ok(rejects);
        }
        let gone = || {
            JobError::problem(
                FLAG,
                "what was rejected before the interruption is not there any more",
                "put the file back, or delete the checkpoint and start over (nothing is written twice)",
            )
        };
        rejects.sink = match &rejects.place {
            Place::Local(path) => Sink::File(shortened(path, bytes).map_err(|_| gone())?),
            place => {
                let mut object = place.read(FLAG, s3).await?.ok_or_else(gone)?;
                let length = usize::try_from(bytes).ok().filter(|length| *length <= object.len());
                object.truncate(length.ok_or_else(gone)?);
                Sink::Object(object)
            }
        };
        Ok(rejects)
    }

    /// Adds one line.
    ///
    /// # Errors
    /// What could not be written.
    pub(super) fn add(&mut self, line: u64, text: &[u8], why: &Unusable) -> Result<(), JobError> {
        let text =
            String::from_utf8_lossy(text.get(..MOST_TEXT).filter(|_| why.is_too_large()).unwrap_or(text));
        let rejected = Rejected { line, reason: why.reason, detail: &why.detail, text: &text };
        let mut json = serde_json::to_vec(&rejected).map_err(|fault| self.failed(&fault))?;
        json.push(b'\n');
        if matches!(self.sink, Sink::None) {
            self.sink = match &self.place {
                Place::Local(path) => Sink::File(created(path).map_err(|fault| self.failed(&fault))?),
                _ => Sink::Object(Vec::new()),
            };
        }
        let done = match &mut self.sink {
            Sink::File(file) => file.write_all(&json),
            Sink::Object(object) if object.len() + json.len() <= MOST_IN_S3 => object.write_all(&json),
            Sink::Object(_) => Err(io::Error::other("more than 64 MiB were rejected; name a local file")),
            Sink::None => Ok(()),
        };
        done.map_err(|fault| self.failed(&fault))?;
        self.written += u64::try_from(json.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Makes sure of all that was added. Answers how many bytes there are.
    ///
    /// # Errors
    /// What could not be written.
    pub(super) async fn save(&mut self) -> Result<u64, JobError> {
        if self.written != self.saved {
            match &mut self.sink {
                Sink::None => {}
                Sink::File(file) => {
                    let done = file.flush().and_then(|()| file.get_ref().sync_data());
                    done.map_err(|fault| self.failed(&fault))?;
                }
                Sink::Object(object) => self.place.write(object, &self.s3).await?,
            }
            self.saved = self.written;
        }
        Ok(self.written)
    }

    /// Where they are, if there are any.
    pub(super) fn place(&self) -> Option<&Place> {
        (self.written > 0).then_some(&self.place)
    }

    fn failed(&self, fault: &dyn std::fmt::Display) -> JobError {
        JobError::Machine { what: format!("{} cannot be written: {fault}", self.place), hint: String::new() }
    }
}

/// Readable by its owner alone, also where it was there before.
fn created(path: &Path) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(BufWriter::new(file))
}

fn shortened(path: &Path, bytes: u64) -> io::Result<BufWriter<File>> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    if file.metadata()?.len() < bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    file.set_len(bytes)?;
    file.seek(SeekFrom::End(0))?;
    Ok(BufWriter::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::Config::builder().behavior_version(aws_config::BehaviorVersion::latest()).build(),
        )
    }

    fn why() -> Unusable {
        Unusable::new("not_json", "not JSON at line 1 column 2")
    }

    #[tokio::test]
    async fn a_rejected_line_is_kept_whole_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejects");
        // Of an earlier run, and open to everybody.
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let mut rejects = Rejects::open(Place::Local(path.clone()), 0, &client()).await.unwrap();
        assert!(rejects.place().is_none());
        rejects.add(7, b"{\"email\":\"ana\xff", &why()).unwrap();
        let bytes = rejects.save().await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["line"], 7);
        assert_eq!(line["reason"], "not_json");
        assert_eq!(line["detail"], "not JSON at line 1 column 2");
        assert_eq!(line["text"], "{\"email\":\"ana\u{fffd}");
        assert_eq!(bytes, text.len() as u64);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn what_came_after_the_last_state_is_written_again_and_not_twice() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Local(folder.path().join("rejects"));
        let mut rejects = Rejects::open(place.clone(), 0, &client()).await.unwrap();
        rejects.add(1, b"one", &why()).unwrap();
        let kept = rejects.save().await.unwrap();
        rejects.add(2, b"two", &why()).unwrap();
        rejects.save().await.unwrap();
        let mut rejects = Rejects::open(place.clone(), kept, &client()).await.unwrap();
        rejects.add(2, b"two", &why()).unwrap();
        rejects.save().await.unwrap();
        let text = std::fs::read_to_string(folder.path().join("rejects")).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        std::fs::remove_file(folder.path().join("rejects")).unwrap();
        assert_eq!(Rejects::open(place, kept, &client()).await.err().unwrap().exit_code(), 78);
    }

    #[tokio::test]
    async fn of_an_endless_line_the_beginning_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejects");
        let mut rejects = Rejects::open(Place::Local(path.clone()), 0, &client()).await.unwrap();
        rejects.add(1, &vec![b'a'; 200_000], &Unusable::because(domain::Reason::TooLarge, "")).unwrap();
        rejects.save().await.unwrap();
        assert!(std::fs::metadata(path).unwrap().len() < 5000);
    }
}
