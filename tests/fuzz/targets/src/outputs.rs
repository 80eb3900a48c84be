//! `amplify_outputs.json`, which other programs write and which names queue, table and pool.

use std::io::Write as _;

use serde_json::Value;
use worker::cli::Written;
use worker::config;

use crate::settings::assert_helpful;

/// The file fills what it names as text and nothing else; what is no JSON is told with its line. What was
/// given by hand wins.
pub fn judge(input: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(input).unwrap();
    let mut found = Written::default();
    found.places.amplify_outputs = file.path().to_str().map(str::to_owned);
    let read: Option<Value> = crate::text(input).and_then(|text| serde_json::from_str(text).ok());
    let named = |path: &str| {
        let text = read.as_ref().and_then(|outputs| outputs.pointer(path)).and_then(Value::as_str);
        text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    match config::parse(&found) {
        Ok(config) => {
            assert_eq!(Some(config.queue_url), named("/custom/profileWorker/queueUrl"));
            assert_eq!(config.dead_letter_queue_url, named("/custom/profileWorker/deadLetterQueueUrl"));
            assert_eq!(Some(config.table_name), named("/custom/profileWorker/tableName"));
            let pools: Vec<&str> = config.rules.user_pools.iter().map(domain::UserPoolId::as_str).collect();
            let named = named("/auth/user_pool_id").unwrap_or_default();
            assert!(named.split(',').map(str::trim).all(|pool| pool.is_empty() || pools.contains(&pool)));
        }
        Err(problems) => {
            assert_helpful(&problems, &found);
            let unreadable = problems.iter().any(|problem| problem.variable == "AMPLIFY_OUTPUTS");
            assert_eq!(unreadable, read.is_none(), "{problems:?}");
        }
    }

    let mut given = found;
    let places = &mut given.places;
    places.queue_url = Some("https://sqs.eu-central-1.amazonaws.com/111122223333/given".into());
    places.dead_letter_queue_url =
        Some("https://sqs.eu-central-1.amazonaws.com/111122223333/given-dlq".into());
    places.table_name = Some("Given".into());
    places.user_pool_ids = Some("eu-central-1_Given".into());
    match config::parse(&given) {
        Ok(config) => {
            assert!(read.is_some());
            assert!(config.queue_url.ends_with("/given"));
            assert_eq!(config.table_name, "Given");
            assert_eq!(config.rules.user_pools.len(), 1);
        }
        Err(problems) => assert!(read.is_none(), "what was given is refused: {problems:?}"),
    }
}
