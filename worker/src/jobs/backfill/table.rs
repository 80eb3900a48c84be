//! One row of a CSV file to one user. Understands the header of Cognito's import files and its escapes: values
//! stand without quotes, and a comma in a value has a backslash before it (Cognito developer guide, "Creating the
//! user import CSV file"). Must never guess a sub: a profile under a wrong key is somebody else's.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord};
use domain::{Reason, Timestamp};

use super::record::{Unusable, epoch_seconds, sub, username};
use crate::jobs::candidate::{Candidate, flag};
use crate::ports::UserStatus;

/// Takes the place of an escaped comma while a row is split; no attribute holds one.
const COMMA: char = '\u{0}';

/// Which column means what. Columns besides these are attributes by their own names.
pub(super) struct Header {
    names: Vec<String>,
    sub: usize,
    username: usize,
    status: Option<usize>,
    enabled: Option<usize>,
    created: Option<usize>,
    /// Of tables that were put together from several pools.
    pool: Option<usize>,
}

/// What is wrong with a header, for a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    /// It is no header of users.
    Unknown,
    /// It has no column for the sub.
    NoSub,
    /// It has no column for the user name.
    NoUsername,
}

impl Header {
    /// Understands the first line of a file.
    pub(super) fn parse(line: &str) -> Result<Self, NoHeader> {
        let names: Vec<String> =
            split(line).ok_or(NoHeader::Unknown)?.iter().map(|name| name.trim().to_owned()).collect();
        let find = |wanted: &[&str]| {
            names.iter().position(|name| wanted.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)))
        };
        let sub = find(&["sub"]);
        let username = find(&["cognito:username", "username"]);
        if sub.is_none() && username.is_none() && find(&["email", "phone_number"]).is_none() {
            return Err(NoHeader::Unknown);
        }
        Ok(Self {
            sub: sub.ok_or(NoHeader::NoSub)?,
            username: username.ok_or(NoHeader::NoUsername)?,
            status: find(&["cognito:user_status", "UserStatus", "user_status", "status"]),
            enabled: find(&["Enabled"]),
            created: find(&["UserCreateDate", "user_create_date"]),
            pool: find(&["userPoolId", "user_pool_id"]),
            names,
        })
    }

    /// Whether each row says of which pool it is.
    pub(super) fn names_pool(&self) -> bool {
        self.pool.is_some()
    }

    /// Reads one row: the user, and his pool where the row names it.
    pub(super) fn read(&self, line: &str) -> Result<(Candidate, Option<String>), Unusable> {
        let row = split(line).filter(|row| row.len() == self.names.len()).ok_or_else(|| {
            Unusable::because(
                Reason::NotAConfirmation,
                format!("the row does not have the {} fields of the header", self.names.len()),
            )
        })?;
        let cell = |column: usize| {
            let value = row.get(column).unwrap_or_default().replace(COMMA, ",");
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let told = |column: Option<usize>| column.and_then(cell);
        let special = [Some(self.username), self.status, self.enabled, self.created, self.pool];
        let attributes: BTreeMap<String, String> = self
            .names
            .iter()
            .enumerate()
            .filter(|(column, _)| !special.contains(&Some(*column)))
            .filter_map(|(column, name)| Some((name.clone(), cell(column)?)))
            .collect();
        let enabled = match told(self.enabled) {
            None => true,
            Some(text) => flag(&text).ok_or_else(|| {
                Unusable::because(Reason::NotAConfirmation, "Enabled is neither true nor false")
            })?,
        };
        let candidate = Candidate {
            sub: sub(cell(self.sub).as_deref(), "sub")?,
            username: username(cell(self.username).as_deref(), "the user name")?,
            status: told(self.status).map(|text| UserStatus::parse(&text)),
            enabled,
            created_at: told(self.created).map(|text| date(&text)).transpose()?,
            attributes,
        };
        Ok((candidate, told(self.pool)))
    }
}

fn date(text: &str) -> Result<Timestamp, Unusable> {
    let time = Timestamp::parse(text).ok().or_else(|| epoch_seconds(text.parse().ok()?));
    time.ok_or_else(|| {
        Unusable::because(Reason::InvalidTime, "the creation date is neither RFC 3339 nor epoch seconds")
    })
}

/// The fields of one line, which is one row whatever quotes it holds.
fn split(line: &str) -> Option<StringRecord> {
    let escaped;
    let line = if line.contains("\\,") {
        escaped = line.replace("\\,", "\0");
        &escaped
    } else {
        line
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(line.len().max(1))
        .from_reader(line.as_bytes());
    let mut row = StringRecord::new();
    let found = reader.read_record(&mut row).ok()?;
    found.then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11";

    /// As Cognito gives it, with a custom attribute and the sub that its exports lack.
    const HEADER: &str = "cognito:username,name,given_name,family_name,middle_name,nickname,\
        preferred_username,profile,picture,website,email,email_verified,gender,birthdate,zoneinfo,locale,\
        phone_number,phone_number_verified,address,updated_at,cognito:mfa_enabled,custom:tenant";

    fn header(line: &str) -> Header {
        Header::parse(line).unwrap_or_else(|fault| panic!("{fault:?}: {line}"))
    }

    #[test]
    fn a_row_of_the_import_file_with_a_sub_is_a_user() {
        let header = header(&format!("{HEADER},sub"));
        let row = format!(
            "ana,,Ana,,,,,,,,ana@example.com,TRUE,,02/01/1985,,,,,\"5 \"\"Long\"\" Street\\, Berlin\",,FALSE,blue,{SUB}"
        );
        let (user, pool) = header.read(&row).unwrap();
        assert_eq!((user.sub.as_str(), user.username.as_str(), pool), (SUB, "ana", None));
        assert!(user.status.is_none() && user.enabled && user.created_at.is_none());
        assert_eq!(user.attributes["address"], "5 \"Long\" Street, Berlin");
        assert_eq!(user.attributes["email_verified"], "TRUE");
        assert!(!user.attributes.contains_key("name"), "an empty cell is no attribute");
    }

    #[test]
    fn exports_tell_status_dates_and_pool_in_columns_of_any_order() {
        let header = header("Enabled,UserCreateDate,sub,UserStatus,Username,userPoolId");
        let row = format!(" true ,1732300000.5,{SUB},CONFIRMED, o'brien ,eu_A1");
        let (user, pool) = header.read(&row).unwrap();
        assert_eq!((user.username.as_str(), pool.as_deref()), ("o'brien", Some("eu_A1")));
        assert_eq!(user.status, Some(UserStatus::Confirmed));
        assert_eq!(user.created_at.unwrap().epoch_ms(), 1_732_300_000_500);
    }

    #[test]
    fn a_header_without_a_key_is_refused() {
        for (line, fault) in [
            (HEADER, NoHeader::NoSub),
            ("sub,email", NoHeader::NoUsername),
            ("hello", NoHeader::Unknown),
            ("a,b,c", NoHeader::Unknown),
        ] {
            assert_eq!(Header::parse(line).err(), Some(fault), "{line}");
        }
    }

    #[test]
    fn a_bad_row_says_what_is_wrong_and_repeats_nothing() {
        let header = header("username,sub,Enabled,UserCreateDate,email");
        for (row, reason) in [
            (format!("ana,{SUB}"), "not_a_confirmation"),
            (format!("ana,{SUB},true,,ana@example.com,more"), "not_a_confirmation"),
            (format!("ana,{SUB},perhaps,,"), "not_a_confirmation"),
            (format!("ana,{SUB},true,yesterday,"), "invalid_time"),
            (format!(",{SUB},true,,"), "missing_field"),
            ("ana,,true,,".to_owned(), "missing_field"),
            ("ana,ana@example.com,true,,".to_owned(), "invalid_sub"),
            (format!("ana,\"{SUB},true,,"), "not_a_confirmation"),
        ] {
            let unusable = header.read(&row).err().unwrap_or_else(|| panic!("{row}"));
            assert_eq!(unusable.reason, reason, "{row}");
            assert!(!unusable.detail.contains("ana"), "{unusable:?}");
        }
    }
}
