//! `amplify_outputs.json` in place of three variables. A variable that is set wins: what a person
//! writes is meant, what a file says is only found.

use serde_json::Value;

use super::Problem;
use super::reader::given;
use crate::cli::Places;

/// The settings, with those that were not given taken from the file, where one is named.
pub(super) fn filled_from_outputs(written: &Places, problems: &mut Vec<Problem>) -> Places {
    let mut filled = written.clone();
    let Some(path) = given(written.amplify_outputs.as_deref()) else { return filled };
    let outputs: Value = match std::fs::read_to_string(path).map(|text| serde_json::from_str(&text)) {
        Ok(Ok(outputs)) => outputs,
        Ok(Err(fault)) => {
            problems.push(Problem::new(
                "AMPLIFY_OUTPUTS",
                format!("is not JSON at line {}", fault.line()),
                "run `npx ampx generate outputs` again",
            ));
            return filled;
        }
        Err(fault) => {
            problems.push(Problem::new(
                "AMPLIFY_OUTPUTS",
                format!("cannot be read: {fault}"),
                "give the path of amplify_outputs.json",
            ));
            return filled;
        }
    };
    let text = |path: &str| outputs.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let fill = |field: &mut Option<String>, path: &str| {
        if given(field.as_deref()).is_none() {
            *field = text(path);
        }
    };
    fill(&mut filled.queue_url, "/custom/profileWorker/queueUrl");
    fill(&mut filled.dead_letter_queue_url, "/custom/profileWorker/deadLetterQueueUrl");
    fill(&mut filled.table_name, "/custom/profileWorker/tableName");
    fill(&mut filled.user_pool_ids, "/auth/user_pool_id");
    filled
}
