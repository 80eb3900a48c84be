//! A panic says where it happened, never what it choked on: the text of a panic may be a person.

use std::process::Command;

use crate::function::{Function, QUEUE_URL, event};

const CHILD: &str = "panic::a_program_that_panics_over_somebody";

/// In a process of its own: what a panic writes is the whole process's affair.
#[tokio::test]
#[ignore = "panics on purpose; the test beside it runs it"]
async fn a_program_that_panics_over_somebody() {
    producer_lambda::log_panics();
    let said = tokio::spawn(async { panic!("cannot handle {}", event("self-sign-up")) }).await;
    assert!(said.is_err());
    let unwrapped = tokio::spawn(async {
        event("self-sign-up").parse::<u8>().map_err(|_| event("self-sign-up")).unwrap();
    });
    assert!(unwrapped.await.is_err());
}

#[test]
fn a_panic_names_the_place_and_nobody() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([CHILD, "--exact", "--ignored", "--nocapture"])
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    assert_eq!(stdout.matches("panicked at").count(), 2, "{stdout}");
    assert_eq!(stdout.matches("panic.rs").count(), 2, "{stdout}");
    assert_eq!(stderr, "");
    for word in ["cannot handle", "ana@", "9c1e6c2a", "userAttributes"] {
        assert!(!stdout.contains(word), "{word} is in {stdout}");
    }
}

#[tokio::test]
async fn the_function_itself_panics_no_other_way() {
    // Lambda's library takes its own variables for granted and panics where one is no number.
    let no_number = [("QUEUE_URL", QUEUE_URL), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "ana@example.com")];
    let function = Function::start(&no_number).await;
    let output = function.ended().await;
    assert_ne!(output.status, Some(0));
    assert_eq!(output.stderr, "", "a panic went past the hook");
    let lines = output.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0]["message"].as_str().unwrap().starts_with("panicked at "), "{lines:?}");
    assert!(!output.stdout.contains("ana@"), "{}", output.stdout);
}
