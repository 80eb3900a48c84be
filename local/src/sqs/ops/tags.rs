//! Cost allocation tags. Exists because CDK and Terraform tag whatever they create. Must never affect
//! how a queue behaves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::account::{Account, lock};
use super::super::protocol::{Reply, answer, decode, nothing};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    queue_url: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

pub(super) fn add(account: &Account, body: &[u8]) -> Reply {
    let request: Request = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    lock(&cell.tags).extend(request.tags);
    Ok(nothing())
}

pub(super) fn remove(account: &Account, body: &[u8]) -> Reply {
    let request: Request = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    lock(&cell.tags).retain(|key, _| !request.tag_keys.contains(key));
    Ok(nothing())
}

pub(super) fn list(account: &Account, body: &[u8]) -> Reply {
    let request: Request = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    let tags = lock(&cell.tags).clone();
    answer(&Listed { tags })
}
