//! From the lines of a file to messages. Whatever a line holds, its neighbours do not notice; only what concerns
//! all of them ends the run, and says what to do.

use std::fmt::Write;
use std::io::Cursor;
use std::time::Duration;

use domain::{Reason, UserPoolId};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::time::Instant;

use super::document::{self, Document};
use super::form::{self, Form};
use super::lines::{Line, Lines};
use super::record::{self, Record, Unusable};
use super::state::At;
use super::table::{Header, NoHeader};
use super::{Run, now};
use crate::jobs::JobError;
use crate::jobs::files::{Place, Source};

const FLAG: &str = "--from";

/// The state is kept after so many lines, or after this long. Until then nothing waits for the queue.
const LINES: u64 = 2_000;
const TIME: Duration = Duration::from_secs(5);

/// What is read from a file at a time.
const PIECE: usize = 256 * 1024;

type Reader = BufReader<Box<dyn AsyncRead + Send + Unpin>>;

/// A file that is open and looked at.
pub(super) struct Input {
    head: Vec<u8>,
    rest: Box<dyn AsyncRead + Send + Unpin>,
    form: Form,
    /// In bytes, where it is known.
    pub(super) length: Option<u64>,
}

impl Input {
    /// Opens a file and looks at its beginning.
    ///
    /// # Errors
    /// A file that cannot be read, or is none of the accepted forms.
    pub(super) async fn open(place: &Place, s3: &aws_sdk_s3::Client) -> Result<Self, JobError> {
        let Source { reader, length } = place.open(FLAG, s3).await?;
        let mut head = Vec::new();
        let mut beginning = reader.take(form::HEAD as u64);
        beginning.read_to_end(&mut head).await.map_err(|fault| {
            JobError::problem(FLAG, format!("cannot be read: {fault}"), "give the path of a file")
        })?;
        let form = form::of(&head).map_err(|(fault, mend)| JobError::problem(FLAG, fault, mend))?;
        Ok(Self { head, rest: beginning.into_inner(), form, length })
    }

    /// What tells this file from another of its name.
    pub(super) fn identity(&self) -> String {
        let mut digest = String::new();
        for byte in Sha256::digest(&self.head) {
            // Writing into a text does not fail.
            let _ = write!(digest, "{byte:02x}");
        }
        let length = self.length.map_or_else(|| "unknown".to_owned(), |length| length.to_string());
        format!("{length} bytes, sha256 of the first 64 KiB {digest}")
    }
}

/// The pool of records that name none.
fn pool_of(run: &Run) -> Result<&UserPoolId, JobError> {
    run.pool.as_ref().ok_or_else(|| {
        JobError::problem(
            "USER_POOL_ID",
            "is not set, and the file holds users without their pool",
            "set it to the pool they are of",
        )
    })
}

/// Goes through the file from `begin` on. Answers whether it came to its end.
pub(super) async fn walk(run: &mut Run, input: Input, begin: u64) -> Result<bool, JobError> {
    let Input { head, rest, form, .. } = input;
    let whole: Box<dyn AsyncRead + Send + Unpin> = Box::new(Cursor::new(head).chain(rest));
    if form == Form::Document {
        return walk_document(run, whole, begin).await;
    }
    let mut lines = Lines::new(BufReader::with_capacity(PIECE, whole));
    let header = if form == Form::Csv { Some(header(&mut lines).await?) } else { None };
    if header.as_ref().is_some_and(|header| !header.names_pool()) {
        pool_of(run)?;
    }
    while lines.offset() < begin {
        if lines.next().await.map_err(|fault| unreadable(&fault, 0))?.is_none() {
            break;
        }
    }
    walk_lines(run, lines, header.as_ref()).await
}

async fn walk_lines(
    run: &mut Run,
    mut lines: Lines<Reader>,
    header: Option<&Header>,
) -> Result<bool, JobError> {
    let stop = run.stop.soft.clone();
    let mut last = (lines.number(), Instant::now());
    loop {
        let number = lines.number();
        if number - last.0 >= LINES || last.1.elapsed() >= TIME {
            run.settle(At::Byte(lines.offset())).await?;
            run.progress.read(lines.offset(), run.intake.counts.read);
            last = (number, Instant::now());
        }
        let read = lines.offset();
        let line = tokio::select! {
            biased;
            () = stop.cancelled() => {
                run.settle(At::Byte(read)).await?;
                return Ok(false);
            }
            line = lines.next() => line.map_err(|fault| unreadable(&fault, number))?,
        };
        let Some(line) = line else { break };
        let bytes = without_mark(&line);
        if bytes.iter().all(u8::is_ascii_whitespace) && !line.too_long {
            continue;
        }
        run.intake.counts.read += 1;
        match of_line(run, bytes, &line, header)? {
            Ok(Some(body)) => run.send(body).await?,
            Ok(None) => {}
            Err(why) => run.reject(line.number, bytes, &why)?,
        }
    }
    run.settle(At::Byte(lines.offset())).await?;
    Ok(true)
}

fn without_mark<'a>(line: &Line<'a>) -> &'a [u8] {
    if line.number == 1 { form::without_mark(line.bytes) } else { line.bytes }
}

/// What is to be sent of one line. The outer error ends the run.
fn of_line(
    run: &mut Run,
    bytes: &[u8],
    line: &Line<'_>,
    header: Option<&Header>,
) -> Result<Result<Option<String>, Unusable>, JobError> {
    if line.too_long {
        let detail = format!("the line is longer than {} bytes", domain::body::MAX_BYTES);
        return Ok(Err(Unusable::because(Reason::TooLarge, detail)));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok(Err(Unusable::new("not_utf8", "the line is not UTF-8")));
    };
    let taken = match header {
        None => of_json(run, text)?,
        Some(header) => of_row(run, header, text)?,
    };
    Ok(taken.map_err(|mut why| {
        if line.unfinished {
            why.detail.push_str("; the file ends here and may have been cut short");
        }
        why
    }))
}

fn of_json(run: &mut Run, text: &str) -> Result<Result<Option<String>, Unusable>, JobError> {
    let now = now()?;
    let wanted = |name: &str| run.intake.terms.wanted.contains(name);
    Ok(match record::read(text, now, wanted) {
        Ok(Record::Confirmation(told)) => run.intake.told(*told),
        Ok(Record::User(user)) => {
            let pool = pool_of(run)?.clone();
            run.intake.user(*user, &pool, now)
        }
        Err(why) => Err(why),
    })
}

fn of_row(run: &mut Run, header: &Header, text: &str) -> Result<Result<Option<String>, Unusable>, JobError> {
    Ok(match header.read(text) {
        Ok((user, None)) => {
            let pool = pool_of(run)?.clone();
            run.intake.user(user, &pool, now()?)
        }
        Ok((user, Some(pool))) => match UserPoolId::parse(&pool) {
            Ok(pool) => run.intake.user(user, &pool, now()?),
            Err(fault) => Err(Unusable::because(Reason::InvalidPool, fault.to_string())),
        },
        Err(why) => Err(why),
    })
}

/// The header is the first line that is not blank.
async fn header(lines: &mut Lines<Reader>) -> Result<Header, JobError> {
    while let Some(line) = lines.next().await.map_err(|fault| unreadable(&fault, 0))? {
        let text = std::str::from_utf8(without_mark(&line)).unwrap_or_default();
        if text.trim().is_empty() && !line.bytes.trim_ascii().is_empty() {
            break;
        }
        if !text.trim().is_empty() {
            return Header::parse(text).map_err(|fault| no_header(&fault));
        }
    }
    Err(no_header(&NoHeader::Unknown))
}

fn no_header(fault: &NoHeader) -> JobError {
    let (fault, mend) = match fault {
        NoHeader::Unknown => (
            "begins neither with JSON nor with a CSV header that names users",
            "give JSON lines, what aws cognito-idp list-users prints, or a CSV with the columns \
             cognito:username and sub",
        ),
        NoHeader::NoSub => (
            "is a CSV without a column sub, as Cognito's import files are; the sub is the key of a profile, and \
             only the pool knows it",
            "use --from cognito, or what aws cognito-idp list-users prints, or add a column sub",
        ),
        NoHeader::NoUsername => (
            "is a CSV without a column cognito:username; the user name is half of a profile's owner",
            "add the column",
        ),
    };
    JobError::problem(FLAG, fault, mend)
}

async fn walk_document(
    run: &mut Run,
    whole: Box<dyn AsyncRead + Send + Unpin>,
    begin: u64,
) -> Result<bool, JobError> {
    const MEND: &str = "write one user a line: jq -c '.Users[]' FILE";
    let mut bytes = Vec::new();
    let mut bounded = whole.take(document::MOST_BYTES + 1);
    bounded.read_to_end(&mut bytes).await.map_err(|fault| unreadable(&fault, 0))?;
    if bytes.len() as u64 > document::MOST_BYTES {
        return Err(JobError::problem(FLAG, "is JSON of more than 64 MiB in one piece", MEND));
    }
    let marked = bytes.len() - form::without_mark(&bytes).len();
    let text = String::from_utf8(bytes.split_off(marked))
        .map_err(|_| JobError::problem(FLAG, "is JSON in one piece, and not UTF-8", MEND))?;
    let mut document = Document::parse(text).map_err(|fault| {
        let fault = format!("is JSON in one piece, and {fault}: it may have been cut short");
        JobError::problem(FLAG, fault, "write the file again, or one user a line: jq -c '.Users[]'")
    })?;
    let mut last = (0, Instant::now());
    let mut read = 0;
    loop {
        let offset = document.offset();
        if read - last.0 >= LINES || last.1.elapsed() >= TIME {
            run.settle(At::Byte(offset)).await?;
            run.progress.read(offset, run.intake.counts.read);
            last = (read, Instant::now());
        }
        if run.stop.soft.is_cancelled() {
            run.settle(At::Byte(offset)).await?;
            return Ok(false);
        }
        let Some((line, user)) = document.next() else { break };
        let user = user.to_owned();
        if document.offset() <= begin {
            continue;
        }
        read += 1;
        run.intake.counts.read += 1;
        let taken = if user.len() > domain::body::MAX_BYTES {
            Err(Unusable::because(Reason::TooLarge, "the user is longer than any can be"))
        } else {
            of_json(run, &user)?
        };
        match taken {
            Ok(Some(body)) => run.send(body).await?,
            Ok(None) => {}
            Err(why) => run.reject(line, user.as_bytes(), &why)?,
        }
    }
    run.settle(At::Byte(document.offset())).await?;
    Ok(true)
}

fn unreadable(fault: &std::io::Error, line: u64) -> JobError {
    JobError::Machine {
        what: format!("{FLAG}: reading failed after line {line}: {fault}"),
        hint: String::new(),
    }
}
