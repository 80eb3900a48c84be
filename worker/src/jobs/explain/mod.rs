//! `explain <sub>`: where is this user's profile? Looks in every place one user can be, and says what happens next.
//! Names nobody unless asked to: the user is the pseudonym he has in the logs.

use domain::{Owner, UserSub};

use super::dead_letters::{Letter, Peek, Queues, Seen, both, now};
use super::quarantine::show::{Collection, Entry, View};
use super::rows::Rows;
use super::{Context, JobError};
use crate::aws::cognito::CognitoPool;
use crate::aws::row::{WholeRow, whole_row};
use crate::aws::scan::TableScan;
use crate::cli::JobWritten;
use crate::cli::jobs::Explain;
use crate::config::{Needs, Problem};
use crate::pipeline::Stop;
use crate::ports::{CallError, ErrorClass, User};
use crate::telemetry::Cause;
use again::Again;
use found::{Account, Dead, Elsewhere, Row, Whose, judge, whose};
use next::{Found, next};
use person::Person;
use report::{Depths, Explained, Personal};

use super::again;

mod found;
mod next;
mod person;
mod report;

/// Messages of one user that are shown.
const MOST_MESSAGES: usize = 20;

/// Does it.
///
/// # Errors
/// What the settings have against it, and places that could not be asked for another reason than permission.
pub async fn run(args: &Explain, written: &JobWritten, stop: Stop) -> Result<Explained, JobError> {
    let needs = Needs { queue: true, table: true, pool: false };
    let sub = UserSub::parse(&args.sub).map_err(|fault| {
        vec![Problem::new("sub", fault.fault, "copy it from the user pool, or from the token's claim sub")]
    });
    let (context, (sub, ())) = Context::with(written, &needs, both(sub, Ok(())), stop).await?;
    let (account, user) = account(&context, &sub).await?;
    let person = Person::of(&context.config, &sub, user.as_ref());
    let (row, item) = row(&context, &sub, &person).await?;
    let elsewhere = if args.scan { elsewhere(&context, &sub, &person).await? } else { Elsewhere::NotLooked };
    let letters = dead_letters(&context, &sub, args.show_personal_data).await?;
    let found = Found { account, row, elsewhere, dead: letters.dead, unmakeable: person.unmakeable };
    let key = person.key.and_then(Result::ok);
    let personal = args.show_personal_data.then(|| Personal::of(user.as_ref(), item));
    Ok(Explained {
        user: key.map(|key| context.config.pseudonyms.of(&key)),
        created: user.map(|user| user.created_at.to_string()),
        next: next(&found),
        found,
        queue: letters.queue,
        messages: letters.entries,
        seen: letters.seen,
        personal,
        interrupted: context.stop.soft.is_cancelled(),
    })
}

/// `None` where the role may not ask.
fn allowed<T>(answer: Result<T, JobError>) -> Result<Option<T>, JobError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(JobError::Call { error: CallError { class: ErrorClass::Denied, .. }, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn account(context: &Context, sub: &UserSub) -> Result<(Account, Option<User>), JobError> {
    let Some(pool) = &context.config.user_pool else { return Ok((Account::NotAsked, None)) };
    let pool = CognitoPool::new(context.clients.cognito.clone(), pool.clone());
    let mut again = Again::new("cognito-idp:ListUsers");
    let answer = loop {
        match pool.by_sub(sub).await {
            Ok(user) => break Ok(user),
            Err(error) => {
                if let Err(error) = again.after(error).await {
                    break Err(error);
                }
            }
        }
    };
    Ok(match allowed(answer)? {
        None => (Account::Denied, None),
        Some(None) => (Account::Absent, None),
        Some(Some(user)) => {
            (Account::Present { status: user.status.clone(), enabled: user.enabled }, Some(user))
        }
    })
}

async fn row(context: &Context, sub: &UserSub, person: &Person) -> Result<(Row, Option<WholeRow>), JobError> {
    let key = match &person.key {
        None => return Ok((Row::KeyUnknown, None)),
        Some(Err(rejection)) => return Ok((Row::NoKey(rejection.clone()), None)),
        Some(Ok(key)) => key,
    };
    let (client, config) = (&context.clients.dynamodb_calm, &context.config);
    let answer = whole_row(client, &config.table_name, key).await;
    let answer = allowed(answer.map_err(|error| JobError::call("dynamodb:GetItem", error)))?;
    Ok(match answer {
        None => (Row::Denied, None),
        Some(None) => (Row::Absent, None),
        Some(Some(row)) => (judge(&row, &config.model, sub, person.owner.as_ref()), Some(row)),
    })
}

/// How many rows under other keys name him as their owner.
async fn elsewhere(context: &Context, sub: &UserSub, person: &Person) -> Result<Elsewhere, JobError> {
    let config = &context.config;
    let Some(owner) = config.model.owner_attribute() else { return Ok(Elsewhere::NotLooked) };
    let table = TableScan::new(
        context.clients.dynamodb.clone(),
        config.table_name.clone(),
        config.model.key_attributes().map(str::to_owned).collect(),
        vec![owner.to_owned()],
    );
    let his: Option<Vec<String>> = person
        .key
        .as_ref()
        .and_then(|key| key.as_ref().ok().map(|key| key.iter().map(|(_, value)| value.to_owned()).collect()));
    let mut rows = Rows::of(table);
    let mut count = 0;
    loop {
        let page = tokio::select! {
            page = rows.next_page() => page?,
            () = context.stop.soft.cancelled() => return Ok(Elsewhere::NotLooked),
        };
        let Some(page) = page else { return Ok(Elsewhere::Rows(count)) };
        for row in page.iter().filter(|row| Some(&row.key) != his.as_ref()) {
            let owned = row.texts.first().and_then(Option::as_deref);
            count += u64::from(owned.is_some_and(|owned| is_his(owned, sub, person.owner.as_ref())));
        }
    }
}

fn is_his(stored: &str, sub: &UserSub, owner: Option<&Owner>) -> bool {
    whose(stored, sub, owner) == Whose::His
}

/// What the queues hold of him.
struct Letters {
    dead: Dead,
    entries: Vec<Entry>,
    seen: Option<Seen>,
    queue: Option<Depths>,
}

async fn dead_letters(context: &Context, sub: &UserSub, personal: bool) -> Result<Letters, JobError> {
    let none = |dead, queue| Letters { dead, entries: Vec::new(), seen: None, queue };
    let queues = match allowed(Queues::find(context).await) {
        Ok(Some(queues)) => queues,
        Ok(None) => return Ok(none(Dead::Denied, None)),
        // The settings themselves were read long ago: there is no dead-letter queue.
        Err(JobError::Configuration(_)) => return Ok(none(Dead::NoQueue, None)),
        Err(error) => return Err(error),
    };
    let queue = Some(Depths::of(&queues.queue));
    let Some(mut peek) = allowed(Peek::open(queues.dead_letters, context.stop.clone()).await)? else {
        return Ok(none(Dead::Denied, queue));
    };
    let ended = of_his(context, sub, personal, &mut peek).await;
    let seen = peek.seen();
    peek.close().await;
    Ok(match allowed(ended)? {
        None => none(Dead::Denied, queue),
        Some((dead, entries)) => Letters { dead, entries, seen: Some(seen), queue },
    })
}

/// The messages that name his sub anywhere: one that cannot be read may still be his.
async fn of_his(
    context: &Context,
    sub: &UserSub,
    personal: bool,
    peek: &mut Peek,
) -> Result<(Dead, Vec<Entry>), JobError> {
    let config = &context.config;
    let view = View { model: &config.model, pseudonyms: &config.pseudonyms, now: now()?, personal };
    let mut collection = Collection::default();
    let mut newest: Option<Letter> = None;
    while let Some(page) = peek.next().await? {
        for message in page.iter().filter(|message| message.body.contains(sub.as_str())) {
            let letter = Letter::of(message);
            collection.add(&view, message, &letter, MOST_MESSAGES);
            if newest.as_ref().is_none_or(|newest| newest.sent_at < letter.sent_at) {
                newest = Some(letter);
            }
        }
    }
    let cause: Option<Cause> = newest.map(|letter| letter.cause);
    Ok((cause.map_or(Dead::None, Dead::Message), collection.into_parts().0))
}
