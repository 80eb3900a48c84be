//! What the worker relies on in SQS and DynamoDB, said once and asked of every engine there is: the same
//! checks, through the worker's own ports, on the endpoints that `WIRE_ENGINE` names.
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

use harness::engine;
use libtest_mimic::{Arguments, Trial};

use catalogue::{Check, checks};
use matrix::Matrix;
use wire::Wire;

/// Most of a check is waiting, also on two cores.
const THREADS: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let matrix = Arc::new(Matrix::default());
    let engine = engine::chosen();
    let mut trials: Vec<Trial> =
        checks::<Wire>().into_iter().map(|check| on_the_wire(engine, check, &matrix)).collect();
    trials.push(Trial::test("differences_are_about_checks_that_exist", || {
        differences::all_are_about(&checks::<Wire>()).map_err(Into::into)
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        matrix.print();
    }
    conclusion.exit_code()
}

/// A check on the engine that was asked for; one that it cannot do is listed as ignored.
fn on_the_wire(engine: &'static str, check: Check<Wire>, matrix: &Arc<Matrix>) -> Trial {
    let lacking = check.needs.iter().find(|need| !engine::supports(**need));
    if let Some(need) = lacking {
        matrix.skipped(&check.name, engine, &need.to_string());
    }
    let name = format!("{engine}::{}", check.name);
    let matrix = Arc::clone(matrix);
    let trial = move || {
        matrix.begun(&check.name, engine);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let finding = runtime.block_on(async {
            let wire = Wire::start(&check.name).await?;
            anyhow::Ok((check.run)(&wire).await)
        })?;
        matrix.judge(&check.name, engine, &finding).map_err(Into::into)
    };
    Trial::test(name, trial).with_ignored_flag(lacking.is_some())
}
