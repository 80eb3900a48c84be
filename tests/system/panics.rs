//! A panic says where it happened, never what it choked on: the text of a panic may be a person.

use std::process::{Command, Output};

use harness::Person;
use worker::cli::Logs;
use worker::{config, telemetry};

const CHILD: &str = "panics::a_program_that_panics_over_somebody";

/// In a process of its own: what a panic writes is the whole process's affair.
#[tokio::test]
#[ignore = "panics on purpose; the test beside it runs it"]
async fn a_program_that_panics_over_somebody() {
    #[allow(clippy::disallowed_methods, reason = "the way from the one test to the other")]
    let format = std::env::var("PANIC_LOG_FORMAT").unwrap_or_else(|_| "json".to_owned());
    let written = Logs { log_format: Some(format), log_filter: Some("trace".to_owned()), ..Logs::default() };
    let logging = config::logging(&written).unwrap();
    telemetry::init(logging.format, logging.filter);

    let person = Person::new("persona.nongrata");
    let body = person.body();
    let said = tokio::spawn(async move { panic!("cannot handle {body}") }).await;
    telemetry::events::if_failed(&said);
    let body = person.body();
    let unwrapped = tokio::spawn(async move {
        body.parse::<u8>().map_err(|_| body).unwrap();
    });
    telemetry::events::stage_ended_early(&unwrapped.await);
    let email = person.email.clone();
    let beyond = email.len() + 1;
    let cut = std::thread::spawn(move || email[..beyond].len());
    assert!(cut.join().is_err());
}

fn child(format: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args([CHILD, "--exact", "--ignored", "--nocapture"])
        .env("PANIC_LOG_FORMAT", format)
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap()
}

#[test]
fn a_panic_names_the_place_and_nobody() {
    for format in ["json", "text"] {
        let output = child(format);
        let (stdout, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{stdout}{stderr}");
        assert!(stdout.contains("1 passed"), "{stdout}");
        assert_eq!(stderr.matches("panics.rs").count(), 3, "{stderr}");
        for event in ["panic", "task_panicked", "stage_failed"] {
            assert!(stderr.contains(event), "{event} is not in {stderr}");
        }
        for written in [stdout, stderr] {
            for word in ["persona", "nongrata", "example.com", "cannot handle"] {
                assert!(!written.contains(word), "{word} is in {written}");
            }
        }
    }
}
