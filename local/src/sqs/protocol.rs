//! The wire: operation names, errors as AWS JSON 1.0 carries them, and the bytes of an answer.
//!
//! Exists because SDKs type an error by the `x-amzn-query-error` header and not by its body: an
//! endpoint without that header makes every error an unknown one. Must never invent a code that AWS
//! does not use, except `InternalError` for a bug of its own.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// The operations this server answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Operation { $($name),* }

        impl Operation {
            const ALL: &[Operation] = &[$(Operation::$name),*];

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Operation::$name => stringify!($name)),* }
            }
        }
    };
}

operations! {
    ReceiveMessage, SendMessage, SendMessageBatch, DeleteMessage, DeleteMessageBatch,
    ChangeMessageVisibility, ChangeMessageVisibilityBatch,
    CreateQueue, DeleteQueue, GetQueueUrl, ListQueues, GetQueueAttributes, SetQueueAttributes,
    PurgeQueue, StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask,
    ListDeadLetterSourceQueues, TagQueue, UntagQueue, ListQueueTags,
}

impl Operation {
    /// Reads `x-amz-target`, the only place where the JSON protocol names the operation.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = target.strip_prefix("AmazonSQS.").unwrap_or(target);
        let known = Self::ALL.iter().copied().find(|operation| operation.name() == name);
        known.ok_or_else(|| {
            Fault::InvalidAction
                .because(format!("The action '{name}' is not offered by this local SQS server."))
        })
    }
}

/// What went wrong, in AWS's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    Internal,
    InvalidAction,
    InvalidAddress,
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidBatchEntryId,
    InvalidMessageContents,
    InvalidParameterValue,
    MalformedInput,
    MessageNotInflight,
    MissingParameter,
    OverLimit,
    QueueDoesNotExist,
    QueueNameExists,
    ReceiptHandleIsInvalid,
    ResourceNotFound,
    TooManyEntriesInBatchRequest,
    UnsupportedOperation,
}

impl Fault {
    /// HTTP status, `__type` of the body and code of the header. The pairs come from the service's
    /// JSON model and its `awsQueryError` traits; the SDKs match on the third.
    const fn wire(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::BatchEntryIdsNotDistinct => (
                400,
                "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            ),
            Self::BatchRequestTooLong => {
                (400, "com.amazonaws.sqs#BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong")
            }
            Self::EmptyBatchRequest => {
                (400, "com.amazonaws.sqs#EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest")
            }
            Self::Internal => (500, "com.amazonaws.sqs#InternalError", "InternalError"),
            Self::InvalidAction => {
                (400, "com.amazon.coral.service#UnknownOperationException", "InvalidAction")
            }
            Self::InvalidAddress => (404, "com.amazonaws.sqs#InvalidAddress", "InvalidAddress"),
            Self::InvalidAttributeName => {
                (400, "com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName")
            }
            Self::InvalidAttributeValue => {
                (400, "com.amazonaws.sqs#InvalidAttributeValue", "InvalidAttributeValue")
            }
            Self::InvalidBatchEntryId => {
                (400, "com.amazonaws.sqs#InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId")
            }
            Self::InvalidMessageContents => {
                (400, "com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents")
            }
            Self::InvalidParameterValue => {
                (400, "com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue")
            }
            Self::MalformedInput => {
                (400, "com.amazon.coral.service#SerializationException", "MalformedInput")
            }
            Self::MessageNotInflight => {
                (400, "com.amazonaws.sqs#MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight")
            }
            Self::MissingParameter => {
                (400, "com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter")
            }
            Self::OverLimit => (403, "com.amazonaws.sqs#OverLimit", "OverLimit"),
            Self::QueueDoesNotExist => {
                (400, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
            }
            Self::QueueNameExists => (400, "com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists"),
            Self::ReceiptHandleIsInvalid => {
                (404, "com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid")
            }
            Self::ResourceNotFound => {
                (404, "com.amazonaws.sqs#ResourceNotFoundException", "ResourceNotFoundException")
            }
            Self::TooManyEntriesInBatchRequest => (
                400,
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            ),
            Self::UnsupportedOperation => {
                (400, "com.amazonaws.sqs#UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation")
            }
        }
    }

    pub(crate) fn because(self, message: impl Into<String>) -> ApiError {
        ApiError { fault: self, message: message.into() }
    }
}

/// A refused request, or a refused entry of a batch.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) fault: Fault,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn code(&self) -> &'static str {
        self.fault.wire().2
    }

    fn sender_fault(&self) -> bool {
        self.fault != Fault::Internal
    }

    fn into_response(self) -> Response<Body> {
        let (status, shape, code) = self.fault.wire();
        let origin = if self.sender_fault() { "Sender" } else { "Receiver" };
        let body = serde_json::json!({ "__type": shape, "message": self.message }).to_string();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = respond(status, body.into());
        if let Ok(value) = HeaderValue::from_str(&format!("{code};{origin}")) {
            response.headers_mut().insert("x-amzn-query-error", value);
        }
        response
    }
}

/// One line of the `Failed` list of a batch answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct FailedEntry {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

impl FailedEntry {
    pub(crate) fn new(id: String, error: ApiError) -> Self {
        Self { id, sender_fault: error.sender_fault(), code: error.code(), message: error.message }
    }
}

/// The JSON body of an answer, or the error to send in its place.
pub(crate) type Reply = Result<Vec<u8>, ApiError>;

pub(crate) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    // A request without parameters may have no body at all.
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Fault::MalformedInput.because(format!("Malformed request: {error}")))
}

pub(crate) fn answer<T: Serialize>(value: &T) -> Reply {
    serde_json::to_vec(value).map_err(|error| Fault::Internal.because(error.to_string()))
}

/// AWS answers operations without a result with an empty JSON object.
pub(crate) fn nothing() -> Vec<u8> {
    b"{}".to_vec()
}

pub(crate) fn required<T>(value: Option<T>, name: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| {
        Fault::MissingParameter.because(format!("The request must contain the parameter {name}."))
    })
}

pub(crate) fn to_response(reply: Reply) -> Response<Body> {
    match reply {
        Ok(body) => respond(StatusCode::OK, body.into()),
        Err(error) => error.into_response(),
    }
}

fn respond(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    if let Ok(id) = HeaderValue::from_str(&super::random_uuid().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// A client of the old Query protocol can only read XML, so it is told in XML.
pub(crate) fn refuse_query_protocol() -> Response<Body> {
    let body = "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">\
        <Error><Type>Sender</Type><Code>AWS.SimpleQueueService.UnsupportedOperation</Code>\
        <Message>This local SQS server speaks AWS JSON 1.0 only; the Query/XML protocol is not offered. \
        Use an SDK or AWS CLI of 2024 or later.</Message></Error></ErrorResponse>";
    let mut response = respond(StatusCode::BAD_REQUEST, Bytes::from_static(body.as_bytes()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}
