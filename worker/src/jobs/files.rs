//! Where a job reads from and writes to: a path, `-`, or `s3://bucket/key`, so that a task without a disk of its
//! own can keep its state. Must never leave half a file behind under the name it was asked for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::JobError;

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
        let _ = s3;
        match self {
            Self::Standard => Ok(Source { reader: Box::new(tokio::io::stdin()), length: None }),
            Self::Local(path) => {
                let file = tokio::fs::File::open(path).await.map_err(|fault| {
                    JobError::problem(flag, format!("cannot be read: {fault}"), "give the path of a file")
                })?;
                let length = file.metadata().await.ok().map(|metadata| metadata.len());
                Ok(Source { reader: Box::new(file), length })
            }
            Self::S3 { .. } => Err(JobError::problem(flag, "is in S3", "not yet")),
        }
    }

    /// Reads all of it; `None` if there is no such file.
    ///
    /// # Errors
    /// What is wrong with `flag`, which named it.
    pub async fn read(&self, flag: &str, s3: &aws_sdk_s3::Client) -> Result<Option<Vec<u8>>, JobError> {
        if let Self::Local(path) = self
            && !path.exists()
        {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut source = self.open(flag, s3).await?;
        source.reader.read_to_end(&mut bytes).await.map_err(|fault| {
            JobError::problem(flag, format!("cannot be read: {fault}"), "give the path of a file")
        })?;
        Ok(Some(bytes))
    }

    /// Deletes it, if it is there.
    ///
    /// # Errors
    /// What could not be deleted.
    pub async fn delete(&self, s3: &aws_sdk_s3::Client) -> Result<(), JobError> {
        let _ = s3;
        match self {
            Self::Local(path) => match tokio::fs::remove_file(path).await {
                Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(JobError::Machine {
                    what: format!("{self} cannot be deleted: {fault}"),
                    hint: String::new(),
                }),
                _ => Ok(()),
            },
            Self::Standard | Self::S3 { .. } => Ok(()),
        }
    }

    /// Writes all of it, in the place of what was there; whoever reads meanwhile sees one or the other.
    ///
    /// # Errors
    /// What could not be written.
    pub async fn write(&self, bytes: &[u8], s3: &aws_sdk_s3::Client) -> Result<(), JobError> {
        let _ = s3;
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
            Self::S3 { .. } => Err(failed(&"not yet")),
        }
    }
}

/// A name beside it, written whole and to the disk, takes its name. Nobody but its owner can read it: these files
/// hold people.
fn replace(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut draft = path.as_os_str().to_owned();
    draft.push(".part");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    // The mode is for a file that is made; one may have been left there.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}
