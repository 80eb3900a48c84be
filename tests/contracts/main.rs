//! What the worker relies on in SQS and DynamoDB, said once and asked of every engine there is: the same
//! checks, through the worker's own ports, on the endpoints that `WIRE_ENGINE` names and on the simulator's model.
//!
//! A check answers with what it observed and with what AWS documents. Where an engine does something else, the
//! difference stands in `differences.rs`; an unlisted one fails, and so does a listed one that is gone. At the end
//! the matrix says what every engine did. Must never be content with an engine because the suite grew around it:
//! the documented behaviour is the measure, and where the documentation is silent the check says what the worker
//! can live with.
//!
//! `cargo test --test contracts visibility` runs the checks with that in their name.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on is to stop loudly, at the line where it stopped"
)]

mod batch_inserting;
mod batches;
mod catalogue;
mod dead_letters;
mod deleting;
mod depth;
mod differences;
mod finding;
mod inserting;
mod matrix;
mod model;
mod owners;
mod profiles;
mod receiving;
mod retention;
mod subject;
mod tables;
mod visibility;
mod waiting;
mod wire;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use catalogue::{Check, checks};
use matrix::Matrix;
use model::Model;
use subject::Subject;
use wire::Wire;

/// Most of a check is waiting, also on two cores.
const THREADS: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let matrix = Arc::new(Matrix::default());
    let mut trials = trials_on::<Wire>(&matrix);
    trials.extend(trials_on::<Model>(&matrix));
    trials.push(Trial::test("differences_are_about_checks_that_exist", || {
        differences::all_are_about(&checks::<Wire>()).map_err(Into::into)
    }));
    trials.push(Trial::test("differences_are_held_to", || differences::are_held_to().map_err(Into::into)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        matrix.print();
    }
    conclusion.exit_code()
}

/// Every check on one subject; what it cannot do is listed as ignored.
fn trials_on<S: Subject>(matrix: &Arc<Matrix>) -> Vec<Trial> {
    checks::<S>().into_iter().map(|check| trial(check, matrix)).collect()
}

fn trial<S: Subject>(check: Check<S>, matrix: &Arc<Matrix>) -> Trial {
    let engine = S::engine();
    let lacking = check.needs.iter().find(|need| !S::supports(**need));
    if let Some(need) = lacking {
        matrix.skipped(&check.name, engine, &need.to_string());
    }
    let name = format!("{engine}::{}", check.name);
    let matrix = Arc::clone(matrix);
    let find_out = move || {
        matrix.begun(&check.name, engine);
        let finding = S::runtime()?.block_on(async {
            let subject = S::start(&check.name).await?;
            anyhow::Ok((check.run)(&subject).await)
        })?;
        matrix.judge(&check.name, engine, &finding).map_err(Into::into)
    };
    Trial::test(name, find_out).with_ignored_flag(lacking.is_some())
}
