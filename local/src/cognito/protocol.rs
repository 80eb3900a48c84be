//! The wire: operation names, errors as AWS JSON 1.1 carries them, and the bytes of an answer. Must never
//! invent a code that Cognito does not use.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// The operations this server answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    CreateUserPool, DescribeUserPool, DeleteUserPool, CreateUserPoolClient,
    ListUsers, AdminGetUser, SignUp, AdminCreateUser, AdminConfirmSignUp, AdminSetUserPassword,
    AdminResetUserPassword, AdminUpdateUserAttributes, AdminDisableUser, AdminEnableUser, AdminDeleteUser,
}

impl Operation {
    /// Reads `x-amz-target`, the only place where the JSON protocol names the operation.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = target.strip_prefix("AWSCognitoIdentityProviderService.").unwrap_or(target);
        let known = Self::ALL.iter().copied().find(|operation| operation.name() == name);
        known.ok_or_else(|| {
            Fault::UnknownOperation
                .because(format!("The operation '{name}' is not offered by this local Cognito server."))
        })
    }
}

/// What went wrong, in Cognito's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    AccessDenied,
    InvalidParameter,
    NotAuthorized,
    ResourceNotFound,
    Serialization,
    TooManyRequests,
    UnknownOperation,
    UserNotFound,
    UsernameExists,
}

impl Fault {
    /// The code, which the SDKs match on. All are HTTP 400, throttling too.
    const fn code(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::NotAuthorized => "NotAuthorizedException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Serialization => "SerializationException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::UserNotFound => "UserNotFoundException",
            Self::UsernameExists => "UsernameExistsException",
        }
    }

    pub(crate) fn because(self, message: impl Into<String>) -> ApiError {
        ApiError { fault: self, message: message.into() }
    }
}

/// A refused request.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) fault: Fault,
    pub(crate) message: String,
}

/// The JSON of an answer, or the error to send in its place.
pub(crate) type Reply = Result<Value, ApiError>;

pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        // A field that is missing, or of another type, is the caller's; so is text that is no JSON.
        let fault = if error.is_data() { Fault::InvalidParameter } else { Fault::Serialization };
        fault.because(format!("Malformed request: {error}"))
    })
}

pub(crate) fn to_response(reply: Reply) -> Response<Body> {
    let (status, code, body) = match reply {
        Ok(body) => (StatusCode::OK, None, body),
        Err(ApiError { fault, message }) => {
            let code = fault.code();
            (StatusCode::BAD_REQUEST, Some(code), json!({ "__type": code, "message": message }))
        }
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    if let Some(code) = code {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
    }
    if let Ok(id) = HeaderValue::from_str(&crate::sqs::random_uuid().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
