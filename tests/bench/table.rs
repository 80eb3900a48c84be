//! A table in memory behind DynamoDB's protocol: the calls the worker makes, on one table with the key
//! `id`.
//!
//! Exists because dynoxide, fast enough as it is, takes as much of the two cores as the worker and adds
//! to the latencies of a fast run (figures in `docs/performance.md`). The two are compared before this one
//! is used (`agreement.rs`). Must refuse loudly what it does not know: a guess would be a wrong figure.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::serve::ListenerExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::audit::Rows;
use crate::counting::Counting;
use crate::faults::Dice;
use crate::records::{RECORDS, Records};
use crate::units::units;

pub(crate) type Item = Map<String, Value>;
pub(crate) type Answer = Result<Value, Refusal>;

/// The most statements of one batch, and the most keys of one read (DynamoDB API reference).
const STATEMENTS: usize = 25;
const KEYS: usize = 100;

const TOO_MUCH: &str = "The level of configured provisioned throughput for the table was exceeded";

/// The table.
#[derive(Clone)]
pub(crate) struct Table {
    name: Arc<str>,
    /// As text: a tenth of the memory, with which a million are no trouble.
    items: Arc<Mutex<HashMap<String, Box<str>>>>,
    records: Arc<Records>,
    pub(crate) counting: Counting,
    throttling: Dice,
    units: Arc<AtomicU64>,
}

/// An error as the protocol writes it, beside `__type` and `message`.
#[derive(Debug)]
pub(crate) struct Refusal(&'static str, String, Option<Item>);

pub(crate) fn failed_condition(there: Option<Item>) -> Refusal {
    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    Refusal(kind, "The conditional request failed".to_owned(), there)
}

pub(crate) fn invalid(why: impl Into<String>) -> Refusal {
    Refusal("com.amazon.coral.validate#ValidationException", why.into(), None)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct PutItem {
    pub(crate) table_name: String,
    pub(crate) item: Item,
    pub(crate) condition_expression: Option<String>,
    pub(crate) expression_attribute_names: Option<HashMap<String, String>>,
    pub(crate) expression_attribute_values: Option<HashMap<String, Value>>,
    pub(crate) return_values_on_condition_check_failure: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Batch {
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Statement")]
    text: String,
    parameters: Vec<Value>,
    #[serde(rename = "ReturnValuesOnConditionCheckFailure")]
    _ignored_by_inserts: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BatchGet {
    request_items: HashMap<String, Question>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Question {
    keys: Vec<Item>,
    projection_expression: String,
    expression_attribute_names: HashMap<String, String>,
    #[serde(rename = "ConsistentRead")]
    _always: Option<bool>,
}

impl Table {
    /// Serves an empty table on a free port, which throttles as many of its inserts as the dice say.
    pub(crate) async fn start(name: &str, throttling: Dice) -> std::io::Result<(Self, SocketAddr)> {
        let table = Self {
            name: name.into(),
            items: Arc::default(),
            records: Arc::default(),
            counting: Counting::default(),
            throttling,
            units: Arc::default(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let routes = Router::new().fallback(handle).with_state(table.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok((table, address))
    }

    /// Every item, by id.
    pub(crate) fn rows(&self) -> Rows {
        let items = self.items.lock().unwrap();
        items.iter().map(|(id, item)| (id.clone(), stored(item).into())).collect()
    }

    /// Write units so far, as they are billed.
    pub(crate) fn units(&self) -> u64 {
        self.units.load(Ordering::Relaxed)
    }

    fn run(&self, target: &str, body: &[u8]) -> Answer {
        let operation = target.strip_prefix("DynamoDB_20120810.");
        self.counting.count(operation.unwrap_or(target));
        match operation {
            Some("UpdateItem") => self.records.update(&read(body)?),
            Some("PutItem") => self.put(read(body)?),
            Some("BatchExecuteStatement") => self.insert_each(read(body)?),
            Some("BatchGetItem") => self.get_each(read(body)?),
            Some("DescribeTable") => self.describe(&read(body)?),
            _ => Err(Refusal("UnknownOperationException", format!("not offered: {target}"), None)),
        }
    }

    fn named(&self, name: &str) -> Result<(), Refusal> {
        let missing = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";
        if name == &*self.name { Ok(()) } else { Err(Refusal(missing, name.to_owned(), None)) }
    }

    fn put(&self, request: PutItem) -> Answer {
        if request.table_name == RECORDS {
            return self.records.put(request);
        }
        self.named(&request.table_name)?;
        if request.expression_attribute_values.is_some() {
            return Err(invalid("not offered: values in a condition"));
        }
        let condition = request.condition_expression.as_deref().unwrap_or_default();
        let path = condition.strip_prefix("attribute_not_exists(").and_then(|rest| rest.strip_suffix(')'));
        let names = request.expression_attribute_names.unwrap_or_default();
        if path.map(|path| names.get(path).map_or(path, String::as_str)) != Some("id") {
            return Err(invalid(format!("not offered: condition {condition}")));
        }
        if self.throttling.fails() {
            let throttled = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
            return Err(Refusal(throttled, TOO_MUCH.to_owned(), None));
        }
        match self.insert(request.item)? {
            Ok(()) => Ok(json!({})),
            Err(there) => {
                let shown = request.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
                Err(failed_condition(shown.then_some(there)))
            }
        }
    }

    /// Inserts if absent; the inner error is the item that is there.
    fn insert(&self, item: Item) -> Result<Result<(), Item>, Refusal> {
        let id = id_of(&item)?;
        let mut items = self.items.lock().unwrap();
        let there = items.get(&id).map(|there| stored(there));
        let billed = there.as_ref().map_or(0, units).max(units(&item));
        self.units.fetch_add(billed, Ordering::Relaxed);
        if let Some(there) = there {
            return Ok(Err(there));
        }
        items.insert(id, Value::Object(item).to_string().into());
        Ok(Ok(()))
    }

    fn insert_each(&self, request: Batch) -> Answer {
        if !(1..=STATEMENTS).contains(&request.statements.len()) {
            return Err(invalid("Member must have length between 1 and 25"));
        }
        let inserts: Result<Vec<_>, _> = request.statements.into_iter().map(|one| self.item(one)).collect();
        let inserts = inserts?;
        let ids: HashSet<_> = inserts.iter().map(id_of).collect::<Result<_, _>>()?;
        if ids.len() < inserts.len() {
            return Err(invalid("Provided list of item keys contains duplicates"));
        }
        let results = inserts.into_iter().map(|item| {
            if self.throttling.fails() {
                let error = json!({ "Code": "ProvisionedThroughputExceeded", "Message": TOO_MUCH });
                return Ok(json!({ "Error": error, "TableName": &*self.name }));
            }
            Ok(match self.insert(item)? {
                Ok(()) => json!({ "TableName": &*self.name }),
                Err(_) => {
                    let why = "Duplicate primary key exists in table";
                    json!({ "Error": { "Code": "DuplicateItem", "Message": why }, "TableName": &*self.name })
                }
            })
        });
        Ok(json!({ "Responses": results.collect::<Result<Vec<_>, Refusal>>()? }))
    }

    /// The item of `INSERT INTO "table" VALUE {'name': ?, …}`.
    fn item(&self, insert: Statement) -> Result<Item, Refusal> {
        let unknown = || invalid(format!("not offered: {}", insert.text));
        let rest = insert.text.strip_prefix("INSERT INTO \"").ok_or_else(unknown)?;
        let (table, values) = rest.split_once("\" VALUE {").ok_or_else(unknown)?;
        self.named(table)?;
        let values = values.strip_suffix('}').ok_or_else(unknown)?;
        let name = |pair: &str| Some(pair.strip_prefix('\'')?.strip_suffix("': ?")?.to_owned());
        let names: Option<Vec<_>> = values.split(", ").map(name).collect();
        let names = names.filter(|names| names.len() == insert.parameters.len()).ok_or_else(unknown)?;
        Ok(names.into_iter().zip(insert.parameters).collect())
    }

    fn get_each(&self, request: BatchGet) -> Answer {
        let mut answers = Map::new();
        for (table, question) in request.request_items {
            self.named(&table)?;
            if question.keys.len() > KEYS {
                return Err(invalid("Too many items requested for the BatchGetItem call"));
            }
            let paths = question.projection_expression.split(", ");
            let names: Option<Vec<_>> =
                paths.map(|path| question.expression_attribute_names.get(path)).collect();
            let names = names.ok_or_else(|| invalid("not offered: a projection without names"))?;
            let items = self.items.lock().unwrap();
            let mut found = Vec::new();
            for key in &question.keys {
                let Some(item) = items.get(&id_of(key)?) else { continue };
                let item = stored(item);
                let shown = names.iter().filter_map(|&name| Some((name.clone(), item.get(name)?.clone())));
                found.push(Value::Object(shown.collect()));
            }
            answers.insert(table, found.into());
        }
        Ok(json!({ "Responses": answers, "UnprocessedKeys": {} }))
    }

    fn describe(&self, request: &Item) -> Answer {
        self.named(request.get("TableName").and_then(Value::as_str).unwrap_or_default())?;
        Ok(json!({ "Table": {
            "TableName": &*self.name, "TableStatus": "ACTIVE",
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        } }))
    }
}

fn stored(item: &str) -> Item {
    serde_json::from_str(item).unwrap()
}

pub(crate) fn id_of(item: &Item) -> Result<String, Refusal> {
    let id = item.get("id").and_then(|id| id.get("S")?.as_str());
    id.map(str::to_owned).ok_or_else(|| invalid("Missing the key id in the item"))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|fault| invalid(format!("not offered: {fault}")))
}

/// Every answer of DynamoDB has an id, and the worker believes none without one. Here it is always the same.
const ID: [(&str, &str); 1] = [("x-amzn-requestid", "VN8PQTJ1BENCHBENCHBENCHBENCHBENCHBENCHBENCHBENCH0000")];

type Written = (StatusCode, [(&'static str, &'static str); 1], String);

async fn handle(State(table): State<Table>, head: HeaderMap, body: Bytes) -> Written {
    let target = head.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match table.run(target, &body) {
        Ok(answer) => (StatusCode::OK, ID, answer.to_string()),
        Err(Refusal(kind, message, item)) => {
            if item.is_none() && message.starts_with("not offered") {
                eprintln!("bench: the plain table refuses {target}: {message}");
            }
            let mut error = json!({ "__type": kind, "message": message });
            if let Some(item) = item {
                error["Item"] = item.into();
            }
            (StatusCode::BAD_REQUEST, ID, error.to_string())
        }
    }
}
