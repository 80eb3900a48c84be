//! Why a confirmation could not be announced, as one of a closed list.
//!
//! An SDK error is classified once, here. Its message must never go further: services quote requests
//! in their answers, and a request holds a person.

use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

/// The class of a failure: what metrics, log lines and the choice to try again go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// No answer in time.
    Timeout,
    /// The service or its KMS key asked for fewer requests.
    Throttled,
    /// The role may not send, or its credentials are no longer good.
    AccessDenied,
    /// No queue at `QUEUE_URL` in this region.
    NoSuchQueue,
    /// No bus called `EVENT_BUS_NAME` in this region.
    NoSuchBus,
    /// No connection to the endpoint.
    Connection,
    /// There are no credentials to sign with.
    Credentials,
    /// The service will never accept this request.
    Refused,
    /// The service failed, or answered what is no answer.
    Service,
    /// The configuration is unusable; nothing was tried.
    Configuration,
    /// A defect of this program.
    Internal,
}

impl FailureClass {
    /// Every class.
    pub const ALL: [Self; 11] = [
        Self::Timeout,
        Self::Throttled,
        Self::AccessDenied,
        Self::NoSuchQueue,
        Self::NoSuchBus,
        Self::Connection,
        Self::Credentials,
        Self::Refused,
        Self::Service,
        Self::Configuration,
        Self::Internal,
    ];

    /// The class as it stands in log lines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::AccessDenied => "access_denied",
            Self::NoSuchQueue => "no_such_queue",
            Self::NoSuchBus => "no_such_bus",
            Self::Connection => "connection",
            Self::Credentials => "credentials",
            Self::Refused => "refused",
            Self::Service => "service",
            Self::Configuration => "configuration",
            Self::Internal => "internal",
        }
    }

    /// Where to look first.
    pub const fn mend(self) -> &'static str {
        match self {
            Self::Timeout | Self::Connection => {
                "in a VPC the function needs a route to the service: a NAT gateway or an interface endpoint"
            }
            Self::Throttled => "raise the quota of the service, or of the queue's KMS key",
            Self::AccessDenied => {
                "the function's role needs sqs:SendMessage on the queue (and kms:GenerateDataKey and kms:Decrypt \
                 on its own key), or events:PutEvents on the bus"
            }
            Self::NoSuchQueue => "check QUEUE_URL and AWS_REGION: they must name the same region",
            Self::NoSuchBus => "check EVENT_BUS_NAME and AWS_REGION: they must name the same region",
            Self::Credentials => {
                "Lambda sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; elsewhere set them"
            }
            Self::Refused => {
                "the request itself is refused; if the endpoint knows no fair queues, FAIR_GROUPS=off"
            }
            Self::Service => "the service fails; nothing to do but wait, then reconcile",
            Self::Configuration => "see the ERROR lines of the function's start",
            Self::Internal => "a defect: please report it",
        }
    }

    /// Whether a second attempt may end better than the first.
    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::Timeout | Self::Throttled | Self::Connection | Self::Service)
    }

    /// The class of an SDK error.
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Self {
        match error {
            SdkError::TimeoutError(_) => Self::Timeout,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::Timeout,
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().map(|error| error as &dyn std::error::Error);
                if has_credentials_error(cause) { Self::Credentials } else { Self::Connection }
            }
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                answer.err().code().and_then(Self::of_code).unwrap_or(match status {
                    429 => Self::Throttled,
                    401 | 403 => Self::AccessDenied,
                    400..=499 => Self::Refused,
                    _ => Self::Service,
                })
            }
            SdkError::ResponseError(_) => Self::Service,
            _ => Self::Internal,
        }
    }

    /// The class of an AWS error code, in JSON spelling or in that of the older query protocol.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        // Last part of `com.amazonaws.sqs#QueueDoesNotExist` and `AWS.SimpleQueueService.NonExistentQueue`.
        let name = code.rsplit(['#', '.']).next().unwrap_or(code);
        Some(match name {
            "QueueDoesNotExist" | "NonExistentQueue" => Self::NoSuchQueue,
            "ResourceNotFoundException" => Self::NoSuchBus,
            "RequestThrottled"
            | "KmsThrottled"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown" => Self::Throttled,
            "AccessDenied"
            | "AccessDeniedException"
            | "NotAuthorized"
            | "KmsAccessDenied"
            | "KmsDisabled"
            | "KmsInvalidState"
            | "KmsNotFound"
            | "KmsOptInRequired"
            | "KmsInvalidKeyUsage"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException" => Self::AccessDenied,
            "InternalFailure" | "InternalException" | "InternalError" | "ServiceUnavailable" => Self::Service,
            _ => return None,
        })
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The SDK reports absent credentials as a failed dispatch; only the chain of causes tells.
fn has_credentials_error(mut cause: Option<&(dyn std::error::Error + 'static)>) -> bool {
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_protocols_are_known() {
        for (code, class) in [
            ("com.amazonaws.sqs#QueueDoesNotExist", FailureClass::NoSuchQueue),
            ("AWS.SimpleQueueService.NonExistentQueue", FailureClass::NoSuchQueue),
            ("KMS.ThrottlingException", FailureClass::Throttled),
            ("KmsAccessDenied", FailureClass::AccessDenied),
            ("ThrottlingException", FailureClass::Throttled),
        ] {
            assert_eq!(FailureClass::of_code(code), Some(class), "{code}");
        }
        assert_eq!(FailureClass::of_code("InvalidParameterValue"), None);
    }

    #[test]
    fn codes_are_distinct_and_only_passing_failures_are_tried_again() {
        let codes: std::collections::BTreeSet<_> = FailureClass::ALL.iter().map(|c| c.code()).collect();
        assert_eq!(codes.len(), FailureClass::ALL.len());
        assert!(FailureClass::Throttled.may_pass());
        assert!(!FailureClass::AccessDenied.may_pass());
    }
}
