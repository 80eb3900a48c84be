//! The findings one by one, for whoever asked for them by `--list`: they name users. Must never be written unasked,
//! nor to where others can read it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use domain::{ProfileModel, UserSub};
use serde_json::{Map, Value, json};

use super::super::JobError;
use super::super::files::Place;
use super::spool::Spool;
use crate::ports::Row;

/// Findings, as long as they are wanted.
#[derive(Default)]
pub struct Findings {
    lines: Option<Spool>,
    /// Where those about rows end, which were found before the walk through the pool.
    rows: u64,
}

impl Findings {
    /// Keeps findings if they are `wanted`.
    pub fn new(wanted: bool) -> Self {
        Self { lines: wanted.then(Spool::default), rows: 0 }
    }

    /// Whether anybody asked.
    pub fn wanted(&self) -> bool {
        self.lines.is_some()
    }

    /// A user.
    ///
    /// # Errors
    /// A disk that is full.
    pub fn user(&mut self, class: &str, sub: &str) -> Result<(), JobError> {
        self.push(|| json!({"class": class, "sub": sub}))
    }

    /// A row, by its key; with the sub that it names as its owner, or stands under.
    ///
    /// # Errors
    /// A disk that is full.
    pub fn row(
        &mut self,
        class: &str,
        row: &Row,
        owner: Option<&str>,
        model: &ProfileModel,
    ) -> Result<(), JobError> {
        self.push(|| {
            let key = model.key_attributes().zip(&row.key);
            let key: Map<_, _> =
                key.map(|(name, value)| (name.to_owned(), Value::from(value.as_str()))).collect();
            match sub_of(row, owner) {
                Some(sub) => json!({"class": class, "sub": sub, "key": key}),
                None => json!({"class": class, "key": key}),
            }
        })
    }

    fn push(&mut self, line: impl FnOnce() -> Value) -> Result<(), JobError> {
        self.lines.as_mut().map_or(Ok(()), |lines| lines.push(&line().to_string()))
    }

    /// What comes now is about users.
    pub fn rows_are_complete(&mut self) {
        self.rows = self.lines.as_ref().map_or(0, Spool::here);
    }

    /// The walk through the pool begins again.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn forget_users(&mut self) -> Result<(), JobError> {
        let rows = self.rows;
        self.lines.as_mut().map_or(Ok(()), |lines| lines.back_to(rows))
    }

    /// Puts them where they were asked for.
    ///
    /// # Errors
    /// What could not be written.
    pub async fn write(self, place: &Place, s3: &aws_sdk_s3::Client) -> Result<(), JobError> {
        let Some(lines) = self.lines else { return Ok(()) };
        match place {
            Place::Local(path) => write_for_me_alone(lines, path),
            _ => {
                let mut lines = lines.read()?;
                let mut text = String::new();
                while let Some(line) = lines.next_line()? {
                    text.push_str(&line);
                    text.push('\n');
                }
                place.write(text.as_bytes(), s3).await
            }
        }
    }
}

/// The sub in the owner, or the first in the key.
fn sub_of(row: &Row, owner: Option<&str>) -> Option<String> {
    let in_owner = owner.map(|owner| owner.split_once("::").map_or(owner, |(sub, _)| sub));
    let texts = in_owner.into_iter().chain(row.key.iter().map(String::as_str));
    texts.filter_map(|text| UserSub::parse(text).ok()).map(|sub| sub.as_str().to_owned()).next()
}

/// Looks before the work begins whether the list can be written when it is done.
///
/// # Errors
/// A place that cannot be written to.
pub fn can_be_written(place: &Place) -> Result<(), JobError> {
    let Place::Local(path) = place else { return Ok(()) };
    let tried = draft(path).and_then(|(name, _)| std::fs::remove_file(name));
    tried.map_err(|fault| {
        let mend = "name a file in a directory that can be written";
        JobError::problem("--list", format!("cannot be written: {fault}"), mend)
    })
}

/// A name of its own, until it is whole. One that is there already may have another mode.
fn draft(path: &Path) -> std::io::Result<(OsString, File)> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    match std::fs::remove_file(&name) {
        Err(fault) if fault.kind() != ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name)?;
    Ok((name, file))
}

fn write_for_me_alone(lines: Spool, path: &Path) -> Result<(), JobError> {
    let failed = |fault: std::io::Error| JobError::Machine {
        what: format!("--list: {} cannot be written: {fault}", path.display()),
        hint: String::new(),
    };
    let (name, file) = draft(path).map_err(failed)?;
    let mut file = BufWriter::new(file);
    let mut lines = lines.read()?;
    while let Some(line) = lines.next_line()? {
        writeln!(file, "{line}").map_err(failed)?;
    }
    let file = file.into_inner().map_err(|fault| failed(fault.into_error()))?;
    file.sync_all().and_then(|()| std::fs::rename(&name, path)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: &str = "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11";

    #[test]
    fn a_row_is_told_with_the_sub_it_names() {
        let row = |key: &str| Row { key: vec![key.to_owned()], texts: Vec::new() };
        let owned = format!("{ANA}::ana.user");
        for (key, owner, sub) in [
            ("random", Some(owned.as_str()), Some(ANA)),
            ("random", Some(ANA), Some(ANA)),
            (ANA, None, Some(ANA)),
            ("random", Some("ana.user"), None),
            ("random", None, None),
        ] {
            assert_eq!(sub_of(&row(key), owner).as_deref(), sub, "{key} {owner:?}");
        }
    }

    #[tokio::test]
    async fn what_is_found_after_the_walk_began_again_takes_the_place_of_what_was_found_before() {
        let mut findings = Findings::new(true);
        let model = ProfileModel::default();
        let row = Row { key: vec!["random".to_owned()], texts: Vec::new() };
        findings.row("malformed", &row, None, &model).unwrap();
        findings.rows_are_complete();
        findings.user("missing", "first walk").unwrap();
        findings.forget_users().unwrap();
        findings.user("legacy", "second walk").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.jsonl");
        write_for_me_alone(findings.lines.unwrap(), &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines,
            [
                json!({"class": "malformed", "key": {"id": "random"}}),
                json!({"class": "legacy", "sub": "second walk"}),
            ]
        );
    }
}
