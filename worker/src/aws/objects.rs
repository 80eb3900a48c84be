//! Objects in S3, whole: read as a stream, put in one piece, deleted. Must not ask for an object's head first: a role
//! may read an object without being allowed to look for it.

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::io::AsyncRead;

use super::classify::classify;
use crate::ports::CallError;

/// An object that is being read.
pub struct Reading {
    /// Its bytes.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// How many there are.
    pub length: Option<u64>,
}

/// Begins to read an object; `None` if there is none under this key. A bucket that does not exist is an error.
pub async fn get(client: &aws_sdk_s3::Client, bucket: &str, key: &str) -> Result<Option<Reading>, CallError> {
    let answer = match client.get_object().bucket(bucket).key(key).send().await {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
        Err(error) => return Err(classify(&error)),
    };
    Ok(Some(Reading {
        length: answer.content_length.and_then(|length| u64::try_from(length).ok()),
        reader: Box::new(answer.body.into_async_read()),
    }))
}

/// Puts an object in the place of what was there.
pub async fn put(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
    bytes: Vec<u8>,
) -> Result<(), CallError> {
    let request = client.put_object().bucket(bucket).key(key).body(bytes.into());
    request.send().await.map(drop).map_err(|error| classify(&error))
}

/// Deletes an object, if it is there.
pub async fn delete(client: &aws_sdk_s3::Client, bucket: &str, key: &str) -> Result<(), CallError> {
    let request = client.delete_object().bucket(bucket).key(key);
    request.send().await.map(drop).map_err(|error| classify(&error))
}
