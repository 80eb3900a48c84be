//! Where a job reads from and writes to: a path, `-`, or `s3://bucket/key`, so that a task without a disk of its
//! own can keep its state. Must never leave half a file behind under the name it was asked for.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::JobError;
use crate::aws::objects;
use crate::ports::{CallError, ErrorClass};

const READ: &str = "s3:GetObject";

/// S3 tells nobody what is not there who may not look for it (S3 API reference, GetObject, "Permissions").
const MAY_NOT_LOOK: &str =
    "an object that is not there is answered so too, unless the role may s3:ListBucket";

/// A file somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Standard input, or standard output.
    Standard,
    /// On this machine.
    Local(PathBuf),
    /// In an S3 bucket.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The object's key.
        key: String,
    },
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("s3://") {
            None if text.is_empty() => Err("names no file; write a path, - or s3://bucket/key"),
            None if text == "-" => Ok(Self::Standard),
            None => Ok(Self::Local(text.into())),
            Some(rest) => match rest.split_once('/') {
                Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                    Ok(Self::S3 { bucket: bucket.to_owned(), key: key.to_owned() })
                }
                _ => Err("names no object; write s3://bucket/key"),
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.write_str("-"),
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// What is read from, with its length where it is known.
pub struct Source {
    /// The bytes.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// How many there are.
    pub length: Option<u64>,
}

impl Place {
    /// This place with something added to its name: a reject file beside its input, say.
    #[must_use]
    pub fn beside(&self, suffix: &str) -> Self {
        match self {
            Self::Standard => Self::Local(PathBuf::from(format!("stdin{suffix}"))),
            Self::Local(path) => {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                Self::Local(name.into())
            }
            Self::S3 { bucket, key } => Self::S3 { bucket: bucket.clone(), key: format!("{key}{suffix}") },
        }
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// What is wrong with `flag`, which named it.
    pub async fn open(&self, flag: &str, s3: &aws_sdk_s3::Client) -> Result<Source, JobError> {
        let missing = || match self {
            Self::S3 { .. } => self.failed(READ, CallError::new(ErrorClass::Missing, "NoSuchKey")),
            _ => JobError::problem(flag, "names a file that is not there", "give the path of a file"),
        };
        self.look(flag, s3).await?.ok_or_else(missing)
    }

    /// Reads all of it; `None` if there is no such file.
    ///
    /// # Errors
    /// What is wrong with `flag`, which named it.
    pub async fn read(&self, flag: &str, s3: &aws_sdk_s3::Client) -> Result<Option<Vec<u8>>, JobError> {
        let Some(mut source) = self.look(flag, s3).await? else { return Ok(None) };
        let mut bytes = Vec::new();
        match source.reader.read_to_end(&mut bytes).await {
            Ok(_) => Ok(Some(bytes)),
            Err(_) if matches!(self, Self::S3 { .. }) => {
                Err(self.failed(READ, CallError::new(ErrorClass::Unavailable, "unreadable_answer")))
            }
            Err(fault) => Err(unreadable(flag, &fault)),
        }
    }

    /// Opens it, if it is there.
    async fn look(&self, flag: &str, s3: &aws_sdk_s3::Client) -> Result<Option<Source>, JobError> {
        match self {
            Self::Standard => Ok(Some(Source { reader: Box::new(tokio::io::stdin()), length: None })),
            Self::Local(path) => {
                let file = match tokio::fs::File::open(path).await {
                    Ok(file) => file,
                    Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
                    Err(fault) => return Err(unreadable(flag, &fault)),
                };
                let metadata = file.metadata().await.map_err(|fault| unreadable(flag, &fault))?;
                if metadata.is_dir() {
                    return Err(JobError::problem(flag, "names a directory", "give the path of a file"));
                }
                // A pipe has no length, and says 0.
                let length = metadata.is_file().then_some(metadata.len());
                Ok(Some(Source { reader: Box::new(file), length }))
            }
            Self::S3 { bucket, key } => {
                let found = objects::get(s3, bucket, key).await.map_err(|error| self.failed(READ, error))?;
                Ok(found.map(|found| Source { reader: found.reader, length: found.length }))
            }
        }
    }

    /// Deletes it, if it is there.
    ///
    /// # Errors
    /// What could not be deleted.
    pub async fn delete(&self, s3: &aws_sdk_s3::Client) -> Result<(), JobError> {
        match self {
            Self::Standard => Ok(()),
            Self::Local(path) => match tokio::fs::remove_file(path).await {
                Err(fault) if fault.kind() != ErrorKind::NotFound => Err(JobError::Machine {
                    what: format!("{self} cannot be deleted: {fault}"),
                    hint: String::new(),
                }),
                _ => Ok(()),
            },
            Self::S3 { bucket, key } => {
                objects::delete(s3, bucket, key).await.map_err(|error| self.failed("s3:DeleteObject", error))
            }
        }
    }

    /// Writes all of it, in the place of what was there; whoever reads meanwhile sees one or the other.
    ///
    /// # Errors
    /// What could not be written.
    pub async fn write(&self, bytes: &[u8], s3: &aws_sdk_s3::Client) -> Result<(), JobError> {
        let failed = |fault: &dyn fmt::Display| JobError::Machine {
            what: format!("{self} cannot be written: {fault}"),
            hint: String::new(),
        };
        match self {
            Self::Standard => Err(failed(&"it is no file")),
            Self::Local(path) => {
                let (path, bytes) = (path.clone(), bytes.to_vec());
                let written = tokio::task::spawn_blocking(move || replace(&path, &bytes)).await;
                written.map_err(|fault| failed(&fault))?.map_err(|fault| failed(&fault))
            }
            Self::S3 { bucket, key } => objects::put(s3, bucket, key, bytes.to_vec())
                .await
                .map_err(|error| self.failed("s3:PutObject", error)),
        }
    }

    /// A call about this object that failed.
    fn failed(&self, action: &'static str, error: CallError) -> JobError {
        let looked_for = action == READ && error.class == ErrorClass::Denied;
        let hint =
            if looked_for { format!("{self}: {MAY_NOT_LOOK}") } else { format!("it was about {self}") };
        JobError::call(action, error).with_hint(&hint)
    }
}

fn unreadable(flag: &str, fault: &std::io::Error) -> JobError {
    JobError::problem(flag, format!("cannot be read: {fault}"), "give the path of a file")
}

/// A name beside it, written whole and to the disk, takes its name. Nobody else may read it: it may hold people.
fn replace(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    let replaced = written(&draft, bytes).and_then(|()| std::fs::rename(&draft, path));
    if replaced.is_err() {
        // What is left of it is of no use; that it could not be written is what is told.
        let _ = std::fs::remove_file(&draft);
    }
    replaced
}

fn written(draft: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
