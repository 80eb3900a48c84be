//! What an SDK error means, decided once. Nobody else matches on error codes.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::{DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::ports::{CallError, ErrorClass};

/// The class and code of a failed call. The message is left behind: services quote input in it.
pub fn classify<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> CallError {
    match error {
        SdkError::ServiceError(context) => by_code(context.err().code()),
        SdkError::TimeoutError(_) => CallError::new(ErrorClass::Unavailable, "timeout"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            CallError::new(ErrorClass::Unavailable, "connect_timeout")
        }
        SdkError::DispatchFailure(failure) if lacks_credentials(failure) => {
            CallError::new(ErrorClass::Denied, "no_credentials")
        }
        SdkError::DispatchFailure(_) => CallError::new(ErrorClass::Unavailable, "connection"),
        SdkError::ResponseError(_) => CallError::new(ErrorClass::Unavailable, "unreadable_answer"),
        SdkError::ConstructionFailure(_) => CallError::new(ErrorClass::Refused, "unsendable_request"),
        _ => CallError::new(ErrorClass::Unavailable, "unknown"),
    }
}

/// Credentials that cannot be loaded fail before anything is sent, and have no variant of their own.
fn lacks_credentials(failure: &DispatchFailure) -> bool {
    let mut cause = failure.as_connector_error().and_then(Error::source);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The class of a service's error code, in a whole-call error or in one entry of a batch.
pub fn by_code(code: Option<&str>) -> CallError {
    let code = code.unwrap_or("no_code");
    let class = match code {
        "ThrottlingException"
        | "ThrottlingError"
        | "Throttling"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "ProvisionedThroughputExceededException"
        | "ProvisionedThroughputExceeded"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "SlowDown"
        | "OverLimit"
        | "AWS.SimpleQueueService.OverLimit"
        | "KmsThrottled"
        | "KMS.ThrottlingException" => ErrorClass::Throttled,

        "ResourceNotFoundException"
        | "ResourceNotFound"
        | "QueueDoesNotExist"
        | "AWS.SimpleQueueService.NonExistentQueue"
        | "ResourceInUseException"
        | "TableNotFoundException"
        | "NoSuchBucket"
        | "NoSuchKey" => ErrorClass::Missing,

        "AccessDenied"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "NotAuthorizedException"
        | "OptInRequired"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidSecurity"
        | "KmsAccessDenied"
        | "KmsDisabled"
        | "KmsInvalidKeyUsage"
        | "KmsInvalidState"
        | "KmsNotFound"
        | "KmsOptInRequired" => ErrorClass::Denied,

        "ValidationException"
        | "ValidationError"
        | "ItemCollectionSizeLimitExceededException"
        | "ItemCollectionSizeLimitExceeded"
        | "ReceiptHandleIsInvalid"
        | "InvalidParameterException"
        | "InvalidParameterValue"
        | "InvalidParameterValueException"
        | "MissingParameter"
        | "MessageNotInflight"
        | "AWS.SimpleQueueService.MessageNotInflight"
        | "InvalidMessageContents"
        | "InvalidAttributeValue"
        | "EmptyBatchRequest"
        | "AWS.SimpleQueueService.EmptyBatchRequest"
        | "TooManyEntriesInBatchRequest"
        | "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
        | "BatchEntryIdsNotDistinct"
        | "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
        | "InvalidBatchEntryId"
        | "AWS.SimpleQueueService.InvalidBatchEntryId"
        | "BatchRequestTooLong"
        | "AWS.SimpleQueueService.BatchRequestTooLong"
        | "InvalidAction"
        | "NotImplemented"
        | "UnknownOperation"
        | "UnknownOperationException"
        | "UnsupportedOperation"
        | "AWS.SimpleQueueService.UnsupportedOperation"
        | "AuthorizationHeaderMalformed"
        | "InvalidBucketName"
        | "InvalidObjectState"
        | "KeyTooLongError"
        | "PermanentRedirect" => ErrorClass::Refused,

        // 5xx, TransactionConflictException and whatever AWS adds: asking again is always safe here.
        _ => ErrorClass::Unavailable,
    };
    CallError::new(class, bounded(code))
}

/// Whether the service does not know such a call at all.
pub fn is_unsupported(error: &CallError) -> bool {
    matches!(
        error.code.rsplit('.').next().unwrap_or_default(),
        "InvalidAction"
            | "NotImplemented"
            | "UnknownOperation"
            | "UnknownOperationException"
            | "UnsupportedOperation"
    )
}

/// A code is AWS's vocabulary, but it comes over the network.
fn bounded(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_class_their_remedy_needs() {
        for (code, class) in [
            ("ProvisionedThroughputExceededException", ErrorClass::Throttled),
            ("AWS.SimpleQueueService.NonExistentQueue", ErrorClass::Missing),
            ("ResourceNotFoundException", ErrorClass::Missing),
            ("NoSuchBucket", ErrorClass::Missing),
            ("ExpiredTokenException", ErrorClass::Denied),
            ("KmsDisabled", ErrorClass::Denied),
            ("ValidationException", ErrorClass::Refused),
            ("ReceiptHandleIsInvalid", ErrorClass::Refused),
            // A pagination token of Cognito that expired: asking again with it would never end.
            ("InvalidParameterException", ErrorClass::Refused),
            ("PermanentRedirect", ErrorClass::Refused),
            ("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", ErrorClass::Refused),
            ("AWS.SimpleQueueService.EmptyBatchRequest", ErrorClass::Refused),
            ("InternalServerError", ErrorClass::Unavailable),
            ("InvalidAction", ErrorClass::Refused),
            ("SomethingNewIn2031", ErrorClass::Unavailable),
        ] {
            assert_eq!(by_code(Some(code)).class, class, "{code}");
        }
        assert_eq!(by_code(None).class, ErrorClass::Unavailable);
        let unsupported = |code| is_unsupported(&by_code(Some(code)));
        assert!(unsupported("InvalidAction") && unsupported("AWS.SimpleQueueService.UnsupportedOperation"));
        assert!(!unsupported("AccessDenied") && !unsupported("InvalidParameterValue"));
        assert_eq!(by_code(Some("a b\nana@example.com")).code, "abanaexample.com");
    }
}
