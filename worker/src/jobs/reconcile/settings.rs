//! What `reconcile` was told, read: every problem at once, no value repeated.

use std::time::Duration;

use super::super::files::Place;
use super::super::pace;
use super::super::policy::Policy;
use crate::cli::jobs::Reconcile;
use crate::config::{self, Problem};

/// Nobody waits longer than this for a message: SQS keeps none longer (developer guide, "Quotas").
const LONGEST_GRACE: Duration = Duration::from_secs(14 * 24 * 3600);

/// Above any quota of ListUsers, and a rate of its own.
const MOST_CALLS: f64 = 1000.0;

/// The flags of the job.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Settings {
    /// Whether every row is looked at, not only those under the users' keys.
    pub full: bool,
    /// Users changed within this time are left out.
    pub grace: Duration,
    /// Whether what is missing is enqueued.
    pub fix: bool,
    /// Whether users with a row under another key are looked for, and left alone.
    pub legacy_rows: bool,
    /// ListUsers calls a second.
    pub rate: f64,
    /// Who is to have a profile.
    pub policy: Policy,
    /// Whether the counts are said to CloudWatch as well.
    pub metrics: bool,
    /// Where the findings go, one by one.
    pub list: Option<Place>,
}

impl Settings {
    /// Reads the flags.
    ///
    /// # Errors
    /// Every problem with them.
    pub fn read(written: &Reconcile) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut fault = |flag: &str, fault: &str, mend: &str| problems.push(Problem::new(flag, fault, mend));
        let grace = match humantime::parse_duration(written.grace.trim()) {
            Ok(grace) if grace <= LONGEST_GRACE => grace,
            Ok(_) => {
                fault("--grace", "is out of range", "write a duration up to 14days");
                Duration::ZERO
            }
            Err(_) => {
                fault("--grace", "is no duration", "write one such as 15m, 1h30m or 0s");
                Duration::ZERO
            }
        };
        if written.fix.as_deref().is_some_and(|class| class != "missing") {
            fault("--fix", "names what this job does not mend", "write missing; the rest is for people");
        }
        let list = written.list.as_deref().map(str::parse).transpose().unwrap_or_else(|said| {
            fault("--list", said, "write a path or s3://bucket/key");
            None
        });
        if list == Some(Place::Standard) {
            fault("--list", "is stdout, where the result goes", "write a path or s3://bucket/key");
        }
        let metrics = config::metrics_emf(&written.emf).unwrap_or_else(|said| {
            problems.extend(said);
            false
        });
        let rate = pace::per_second("--rate", &written.rate, MOST_CALLS);
        let policy = Policy::parse(&written.include_status);
        match (rate, policy) {
            (Ok(rate), Ok(policy)) if problems.is_empty() => Ok(Self {
                full: written.full,
                grace,
                fix: written.fix.is_some(),
                legacy_rows: !written.no_legacy_rows,
                rate,
                policy,
                metrics,
                list,
            }),
            (rate, policy) => Err(problems.into_iter().chain(rate.err()).chain(policy.err()).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Emf;

    fn written() -> Reconcile {
        Reconcile {
            full: false,
            grace: "15m".to_owned(),
            fix: None,
            no_legacy_rows: false,
            rate: "5".to_owned(),
            include_status: "CONFIRMED".to_owned(),
            emf: Emf::default(),
            list: None,
        }
    }

    #[test]
    fn what_was_written_is_what_is_done() {
        let settings = Settings::read(&written()).unwrap();
        assert_eq!((settings.full, settings.fix, settings.legacy_rows), (false, false, true));
        assert_eq!((settings.grace, settings.metrics), (Duration::from_secs(900), false));
        let other = Reconcile {
            full: true,
            fix: Some("missing".to_owned()),
            no_legacy_rows: true,
            grace: "0s".to_owned(),
            emf: Emf { metrics_emf: Some("on".to_owned()) },
            list: Some("s3://bucket/key".to_owned()),
            ..written()
        };
        let settings = Settings::read(&other).unwrap();
        assert_eq!((settings.full, settings.fix, settings.legacy_rows), (true, true, false));
        assert_eq!((settings.grace, settings.metrics), (Duration::ZERO, true));
        assert!(settings.list.is_some());
    }

    #[test]
    fn every_problem_is_told_at_once_and_no_value_is_repeated() {
        let bad = || "ana@example.com".to_owned();
        let all = Reconcile {
            grace: bad(),
            fix: Some(bad()),
            rate: bad(),
            include_status: bad(),
            emf: Emf { metrics_emf: Some(bad()) },
            list: Some("-".to_owned()),
            ..written()
        };
        let problems = Settings::read(&all).unwrap_err();
        let told: Vec<_> = problems.iter().map(|problem| problem.variable.as_str()).collect();
        assert_eq!(told, ["--grace", "--fix", "--list", "METRICS_EMF", "--rate", "--include-status"]);
        assert!(problems.iter().all(|problem| !problem.to_string().contains("ana@")), "{problems:?}");
        for (grace, list) in [("15days", "list"), ("1m", "s3://"), ("1m", "")] {
            let written = Reconcile { grace: grace.to_owned(), list: Some(list.to_owned()), ..written() };
            assert_eq!(Settings::read(&written).unwrap_err().len(), 1, "{grace} {list}");
        }
    }
}
