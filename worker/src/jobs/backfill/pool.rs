//! From the pages of the user pool to messages. A page is finished before a stop is heard.

use domain::{Timestamp, UserPoolId};

use super::report::Counts;
use super::state::At;
use super::{Run, now};
use crate::jobs::JobError;
use crate::jobs::candidate::Candidate;
use crate::jobs::users::Users;
use crate::ports::{UserDirectory, UserPage};

/// Goes through the pool. Answers whether it came to its end.
pub(super) async fn walk<D: UserDirectory>(
    run: &mut Run,
    users: &mut Users<D>,
    pool: &UserPoolId,
) -> Result<bool, JobError> {
    let stop = run.stop.soft.clone();
    let mut restarts = 0;
    while !users.ended() {
        let page = tokio::select! {
            biased;
            () = stop.cancelled() => {
                run.settle(At::Page(users.token().map(str::to_owned))).await?;
                return Ok(false);
            }
            page = users.next_page() => page?,
        };
        let Some(page) = page else { break };
        if users.restarts() > restarts {
            restarts = users.restarts();
            // Everybody is read again; nobody is to be counted twice.
            run.intake.counts = Counts::default();
        }
        let read = u64::try_from(page.users.len()).unwrap_or(u64::MAX);
        take(run, page, pool, now()?).await?;
        run.settle(At::Page(users.token().map(str::to_owned))).await?;
        run.progress.add(read);
    }
    Ok(true)
}

async fn take(run: &mut Run, page: UserPage, pool: &UserPoolId, now: Timestamp) -> Result<(), JobError> {
    let counts = &mut run.intake.counts;
    counts.pages += 1;
    counts.unreadable += page.unreadable;
    counts.read += page.unreadable;
    for user in page.users {
        run.intake.counts.read += 1;
        match run.intake.user(Candidate::from(user), pool, now) {
            Ok(Some(body)) => run.send(body).await?,
            Ok(None) => {}
            // He cannot be put into a message.
            Err(_) => run.intake.counts.unreadable += 1,
        }
    }
    Ok(())
}
