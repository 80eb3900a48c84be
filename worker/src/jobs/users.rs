//! Walks a user pool, page after page, at a rate that leaves the live application its share of the quota. A page
//! may be short or empty; only an absent token is the end. Must never end a walk early without an error.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::JobError;
use super::pace::Pace;
use crate::decide::backoff::Policy;
use crate::ports::{CallError, ErrorClass, UserDirectory, UserPage};
use crate::telemetry::events;

/// The IAM action of a walk.
pub const ACTION: &str = "cognito-idp:ListUsers";

const RETRY: Policy = Policy {
    initial_interval: Duration::from_millis(500),
    multiplier: 2.0,
    max_interval: Duration::from_secs(20),
    max_elapsed_time: None,
};

/// One page is asked for so often: some three minutes.
const ATTEMPTS: u32 = 12;

/// A walk that has to begin again more often than this would never come to its end.
const MOST_RESTARTS: u32 = 3;

/// Where a walk stands.
enum Next {
    First,
    At(String),
    Ended,
}

/// A walk through a user pool.
pub struct Users<D> {
    directory: D,
    pace: Pace,
    next: Next,
    /// Hashes of the tokens of this walk: a pool of ten million users has 170,000.
    tokens: HashSet<u64>,
    restarts: u32,
}

impl<D: UserDirectory> Users<D> {
    /// A walk from the page that `token` leads to, or from the first, with at most `rate` calls a second.
    pub fn new(directory: D, rate: Option<f64>, token: Option<String>) -> Self {
        Self {
            directory,
            pace: Pace::new(rate),
            next: token.map_or(Next::First, Next::At),
            tokens: HashSet::new(),
            restarts: 0,
        }
    }

    /// The next page; `None` after the last. Dropped before it is ready, it has not happened: the next call asks
    /// for the same page.
    ///
    /// # Errors
    /// A call that failed for good, and a pool that leads in a circle. The walk stands where it stood.
    pub async fn next_page(&mut self) -> Result<Option<UserPage>, JobError> {
        let mut failures = 0;
        loop {
            let token = match &self.next {
                Next::First => None,
                Next::At(token) => Some(token.as_str()),
                Next::Ended => return Ok(None),
            };
            self.pace.wait(1).await;
            let error = match self.directory.page(token).await {
                Ok(page) => return self.turn(page).map(Some),
                Err(error) => error,
            };
            failures += 1;
            match after(&error, token.is_some(), failures) {
                After::Again => {
                    let delay = RETRY.delay(failures, fastrand::f64());
                    events::job_retries(ACTION, &error, delay);
                    self.pace.pause(delay);
                }
                After::StartOver if self.restarts < MOST_RESTARTS => {
                    events::walk_starts_over();
                    self.restarts += 1;
                    self.next = Next::First;
                    self.tokens.clear();
                    failures = 0;
                }
                After::StartOver | After::GiveUp => return Err(JobError::call(ACTION, error)),
            }
        }
    }

    /// Leads to the page that comes next; `None` at the beginning and at the end.
    pub fn token(&self) -> Option<&str> {
        match &self.next {
            Next::At(token) => Some(token),
            Next::First | Next::Ended => None,
        }
    }

    /// Whether the last page has been given out.
    pub fn ended(&self) -> bool {
        matches!(self.next, Next::Ended)
    }

    /// How often the walk had to begin again, because the pool no longer knew its token. Whoever counts users
    /// begins again as well, when this has grown.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    fn turn(&mut self, page: UserPage) -> Result<UserPage, JobError> {
        self.next = match &page.next {
            None => Next::Ended,
            Some(token) => {
                let mut hasher = DefaultHasher::new();
                token.hash(&mut hasher);
                let standing = matches!(&self.next, Next::At(last) if last == token);
                if !self.tokens.insert(hasher.finish()) || standing {
                    return Err(JobError::Machine {
                        what: format!(
                            "{ACTION} leads in a circle: a page names a token that has led to a page before; \
                             start over, and tell AWS if it happens again"
                        ),
                        hint: String::new(),
                    });
                }
                Next::At(token.clone())
            }
        };
        Ok(page)
    }
}

enum After {
    Again,
    StartOver,
    GiveUp,
}

/// What to do about a page that did not come. A pool refuses nothing else of a call than its token: how long one
/// lives is not documented.
fn after(error: &CallError, with_token: bool, failures: u32) -> After {
    match error.class {
        ErrorClass::Throttled | ErrorClass::Unavailable if failures < ATTEMPTS => After::Again,
        ErrorClass::Refused if with_token => After::StartOver,
        _ => After::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use domain::Username;
    use tokio::time::Instant;

    use super::*;
    use crate::ports::User;

    /// Pages and failures in order, and the tokens they were asked with.
    #[derive(Default)]
    struct Script {
        answers: Mutex<VecDeque<Result<Option<&'static str>, ErrorClass>>>,
        asked: Mutex<Vec<Option<String>>>,
    }

    impl Script {
        fn of(answers: impl IntoIterator<Item = Result<Option<&'static str>, ErrorClass>>) -> &'static Self {
            let answers = Mutex::new(answers.into_iter().collect());
            Box::leak(Box::new(Self { answers, asked: Mutex::default() }))
        }

        fn asked(&self) -> Vec<String> {
            let asked = self.asked.lock().unwrap();
            asked.iter().map(|token| token.clone().unwrap_or_else(|| "first".to_owned())).collect()
        }
    }

    impl UserDirectory for &'static Script {
        async fn page(&self, token: Option<&str>) -> Result<UserPage, CallError> {
            self.asked.lock().unwrap().push(token.map(str::to_owned));
            let answer = self.answers.lock().unwrap().pop_front().expect("a page too many is asked for");
            answer
                .map(|next| UserPage { users: Vec::new(), unreadable: 0, next: next.map(str::to_owned) })
                .map_err(|class| CallError::new(class, "Code"))
        }

        async fn user(&self, _: &Username) -> Result<Option<User>, CallError> {
            Ok(None)
        }

        async fn estimated_users(&self) -> Result<u64, CallError> {
            Ok(0)
        }
    }

    async fn walked(users: &mut Users<&'static Script>) -> Result<usize, JobError> {
        let mut pages = 0;
        while users.next_page().await?.is_some() {
            pages += 1;
        }
        Ok(pages)
    }

    #[tokio::test]
    async fn only_an_absent_token_is_the_end() {
        let script = Script::of([Ok(Some("a")), Ok(Some("b")), Ok(None)]);
        let mut users = Users::new(script, None, None);
        assert_eq!(walked(&mut users).await.unwrap(), 3);
        assert!(users.ended() && users.token().is_none());
        assert_eq!(script.asked(), ["first", "a", "b"]);
        assert!(users.next_page().await.unwrap().is_none(), "the end is the end");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_mend_itself_is_asked_again_and_later() {
        let failures = [Err(ErrorClass::Throttled), Err(ErrorClass::Unavailable)];
        let script = Script::of([Ok(Some("a"))].into_iter().chain(failures).chain([Ok(None)]));
        let mut users = Users::new(script, None, None);
        let begun = Instant::now();
        assert_eq!(walked(&mut users).await.unwrap(), 2);
        assert_eq!(script.asked(), ["first", "a", "a", "a"]);
        // Half of 0.5 s and half of 1 s at least.
        assert!(begun.elapsed() >= Duration::from_millis(750), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn in_the_end_it_gives_up_where_it_stood() {
        let throttled = std::iter::repeat_n(Err(ErrorClass::Throttled), ATTEMPTS as usize);
        let script = Script::of([Ok(Some("a"))].into_iter().chain(throttled).chain([Ok(None)]));
        let mut users = Users::new(script, None, None);
        assert_eq!(walked(&mut users).await.unwrap_err().exit_code(), 69);
        assert_eq!(users.token(), Some("a"));
        assert_eq!(walked(&mut users).await.unwrap(), 1, "and can be gone on with");
    }

    #[tokio::test]
    async fn what_has_no_chance_is_not_asked_again() {
        for (class, code) in [(ErrorClass::Denied, 69), (ErrorClass::Missing, 78), (ErrorClass::Refused, 78)]
        {
            let script = Script::of([Err(class)]);
            let error = Users::new(script, None, None).next_page().await.err().unwrap();
            assert_eq!(error.exit_code(), code);
            assert_eq!(script.asked(), ["first"]);
        }
    }

    #[tokio::test]
    async fn a_token_that_is_no_longer_known_starts_the_walk_over() {
        let script = Script::of([Err(ErrorClass::Refused), Ok(Some("a")), Ok(None)]);
        let mut users = Users::new(script, None, Some("old".to_owned()));
        assert_eq!(walked(&mut users).await.unwrap(), 2);
        assert_eq!(script.asked(), ["old", "first", "a"]);
        assert_eq!(users.restarts(), 1);
    }

    #[tokio::test]
    async fn it_does_not_start_over_for_ever() {
        let round = [Ok(Some("a")), Err(ErrorClass::Refused)];
        let script = Script::of(std::iter::repeat_n(round, 4).flatten());
        assert_eq!(walked(&mut Users::new(script, None, None)).await.unwrap_err().exit_code(), 78);
        assert_eq!(script.asked().iter().filter(|token| *token == "first").count(), 4);
    }

    #[tokio::test]
    async fn a_circle_is_an_error_however_long_it_is() {
        for circle in [vec!["a", "a"], vec!["a", "b", "c", "a"]] {
            let script = Script::of(circle.into_iter().map(|token| Ok(Some(token))));
            let error = walked(&mut Users::new(script, None, None)).await.unwrap_err();
            assert!(error.to_string().contains("circle"), "{error}");
        }
        // Gone on with at a page that leads to itself.
        let script = Script::of([Ok(Some("a"))]);
        assert!(walked(&mut Users::new(script, None, Some("a".to_owned()))).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn it_keeps_to_its_rate() {
        let script = Script::of([Ok(Some("a")), Ok(Some("b")), Ok(Some("c")), Ok(None)]);
        let begun = Instant::now();
        walked(&mut Users::new(script, Some(2.0), None)).await.unwrap();
        assert_eq!(begun.elapsed().as_millis(), 1500);
    }
}
