//! What `backfill` was told, read and related before anything is done: every fault is reported, not only the
//! first. Must never repeat a value.

use crate::cli::jobs::Backfill;
use crate::config::{Needs, Problem};
use crate::jobs::files::Place;
use crate::jobs::pace::per_second;
use crate::jobs::policy::Policy;

/// Cognito's quota for ListUsers is 30 a second (developer guide, "Quotas"); an endpoint of one's own has none.
const MOST_CALLS: f64 = 1000.0;

const MOST_MESSAGES: f64 = 1_000_000.0;

/// Where the users come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// The user pool itself.
    Cognito,
    /// A file of users or of their confirmations.
    File(Place),
}

/// What `createdAt` and `updatedAt` of new items say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CreatedAt {
    /// When the job saw the user.
    Now,
    /// When Cognito made the user, where that is known.
    UserCreateDate,
}

impl CreatedAt {
    const NOW: &'static str = "now";
    const USER_CREATE_DATE: &'static str = "user-create-date";

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Now => Self::NOW,
            Self::UserCreateDate => Self::USER_CREATE_DATE,
        }
    }
}

/// The flags, understood.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) from: From,
    pub(super) rate: f64,
    pub(super) max_per_second: Option<f64>,
    pub(super) policy: Policy,
    pub(super) created_at: CreatedAt,
    pub(super) dry_run: bool,
    pub(super) resume: bool,
    /// None where a run cannot be gone on with: of stdin, and of a dry run, which leaves nothing undone.
    pub(super) checkpoint: Option<Place>,
    pub(super) rejects: Place,
    pub(super) legacy_rows: bool,
}

/// What has to be set for a run with these flags.
pub(super) fn needs(args: &Backfill) -> Needs {
    let legacy_rows = !args.dry_run && !args.no_legacy_rows;
    Needs {
        queue: !args.dry_run,
        table: legacy_rows,
        // A file may name the pool in every line; whose row it is depends on the pool.
        pool: legacy_rows || args.from.trim() == "cognito",
    }
}

/// Reads the flags.
///
/// # Errors
/// Every problem there is.
pub(super) fn parse(args: &Backfill) -> Result<Options, Vec<Problem>> {
    let mut problems = Vec::new();
    let from = match args.from.trim() {
        "cognito" => From::Cognito,
        text => From::File(place("--from", text, &mut problems)),
    };
    let stdin = from == From::File(Place::Standard);
    let rate = per_second("--rate", &args.rate, MOST_CALLS);
    let rate = rate.map_err(|problem| problems.push(problem)).unwrap_or(1.0);
    let max_per_second = args.max_per_second.as_deref().and_then(|text| {
        let rate = per_second("--max-per-second", text, MOST_MESSAGES);
        rate.map_err(|problem| problems.push(problem)).ok()
    });
    let policy = Policy::parse(&args.include_status);
    let created_at = match args.created_at.trim() {
        CreatedAt::NOW => CreatedAt::Now,
        CreatedAt::USER_CREATE_DATE => CreatedAt::UserCreateDate,
        _ => {
            problems.push(Problem::new(
                "--created-at",
                "is neither now nor user-create-date",
                "write one of them",
            ));
            CreatedAt::Now
        }
    };
    let checkpoint = place("--checkpoint", &args.checkpoint, &mut problems);
    if checkpoint == Place::Standard {
        problems.push(Problem::new(
            "--checkpoint",
            "names no file",
            "write a path or s3://bucket/key; stdout carries the result",
        ));
    }
    let rejects = match (&args.rejects, &from) {
        (Some(text), _) => place("--rejects", text, &mut problems),
        (None, From::File(input)) => input.beside(".rejected.jsonl"),
        (None, From::Cognito) => Place::Local("cognito.rejected.jsonl".into()),
    };
    if rejects == Place::Standard {
        problems.push(Problem::new(
            "--rejects",
            "names no file",
            "write a path or s3://bucket/key; stdout carries the result",
        ));
    }
    if args.resume && stdin {
        problems.push(Problem::new(
            "--resume, --from",
            "what came through stdin before cannot be found again",
            "give the input again without --resume (nothing is written twice), or name the file",
        ));
    }
    if args.resume && args.dry_run {
        problems.push(Problem::new(
            "--resume, --dry-run",
            "a dry run does nothing that could be gone on with",
            "leave out one of the two",
        ));
    }
    match policy {
        Ok(policy) if problems.is_empty() => Ok(Options {
            from,
            rate,
            max_per_second,
            policy,
            created_at,
            dry_run: args.dry_run,
            resume: args.resume,
            checkpoint: (!stdin && !args.dry_run).then_some(checkpoint),
            rejects,
            legacy_rows: !args.no_legacy_rows && !args.dry_run,
        }),
        policy => {
            problems.extend(policy.err());
            Err(problems)
        }
    }
}

fn place(flag: &str, text: &str, problems: &mut Vec<Problem>) -> Place {
    text.trim().parse().unwrap_or_else(|fault: &str| {
        let (fault, mend) = fault.split_once("; ").unwrap_or((fault, "write a path or s3://bucket/key"));
        problems.push(Problem::new(flag, fault, mend));
        Place::Local(text.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(from: &str) -> Backfill {
        Backfill {
            from: from.to_owned(),
            rate: "5".to_owned(),
            max_per_second: None,
            include_status: "CONFIRMED".to_owned(),
            created_at: "now".to_owned(),
            dry_run: false,
            resume: false,
            checkpoint: "state.json".to_owned(),
            rejects: None,
            no_legacy_rows: false,
        }
    }

    #[test]
    fn every_bad_value_is_told_at_once_and_none_is_repeated() {
        let bad = Backfill {
            rate: "ana@example.com".to_owned(),
            max_per_second: Some("ana@example.com".to_owned()),
            include_status: "UNCONFIRMED".to_owned(),
            created_at: "ana@example.com".to_owned(),
            checkpoint: "-".to_owned(),
            rejects: Some("s3://ana@example.com".to_owned()),
            ..args("s3://ana@example.com")
        };
        let problems = parse(&bad).unwrap_err();
        let flags: Vec<_> = problems.iter().map(|problem| problem.variable.as_str()).collect();
        let all = [
            "--from",
            "--rate",
            "--max-per-second",
            "--created-at",
            "--checkpoint",
            "--rejects",
            "--include-status",
        ];
        assert_eq!(flags, all);
        assert!(problems.iter().all(|problem| !problem.to_string().contains("ana@")), "{problems:?}");
    }

    #[test]
    fn what_cannot_be_gone_on_with_keeps_no_state_and_refuses_to() {
        for (from, dry_run, keeps) in
            [("cognito", false, true), ("file", false, true), ("-", false, false), ("cognito", true, false)]
        {
            let options = parse(&Backfill { dry_run, ..args(from) }).unwrap();
            assert_eq!(options.checkpoint.is_some(), keeps, "{from} {dry_run}");
            let resumed = parse(&Backfill { dry_run, resume: true, ..args(from) });
            assert_eq!(resumed.is_ok(), keeps, "{from} {dry_run}");
        }
    }

    #[test]
    fn only_what_is_used_is_needed() {
        let of = |args: &Backfill| {
            let needs = needs(args);
            (needs.queue, needs.table, needs.pool)
        };
        assert_eq!(of(&args("cognito")), (true, true, true));
        assert_eq!(of(&args("users.jsonl")), (true, true, true));
        assert_eq!(of(&Backfill { no_legacy_rows: true, ..args("-") }), (true, false, false));
        assert_eq!(of(&Backfill { dry_run: true, ..args("cognito") }), (false, false, true));
    }

    #[test]
    fn lines_that_cannot_be_used_go_beside_their_file() {
        assert_eq!(parse(&args("a/b.csv")).unwrap().rejects.to_string(), "a/b.csv.rejected.jsonl");
        assert_eq!(parse(&args("-")).unwrap().rejects.to_string(), "stdin.rejected.jsonl");
    }
}
