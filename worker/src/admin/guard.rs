//! What every request to the admin endpoint has to pass and every answer carries. Nothing can be changed here, so
//! there is one way to ask, GET (or HEAD); and no answer may become part of another site's page.
//!
//! **The name it is asked by.** There is no log-in, on loopback by default: whoever is on the machine may look. A web
//! page elsewhere may not, but it could have its own name resolve to 127.0.0.1 after it was loaded (DNS rebinding);
//! for the browser the numbers would then be its own. So an endpoint that listens on loopback answers only to
//! addresses and to `localhost`, which no foreign page can be named. This holds through `kubectl port-forward`, SSH and
//! SSM tunnels, which are opened as localhost. Where an operator listens on another address (`ADMIN_ADDR=0.0.0.0:9464`,
//! for a scraper), names are his affair: services are asked by names there, and his network says who may ask.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Everything from this address, nothing inline, nothing sent anywhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ANSWERED_WITH: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-cache"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Who is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    /// Only addresses and `localhost`.
    pub loopback_only: bool,
}

/// Around every route.
pub(super) async fn guard(State(names): State<Names>, request: Request, next: Next) -> Response {
    let mut response = match refusal(names, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    for (name, value) in ANSWERED_WITH {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refusal(names: Names, request: &Request) -> Option<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let why = "nothing can be changed here; ask with GET\n";
        return Some((StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")], why).into_response());
    }
    let host = request.headers().get(HOST)?;
    if names.loopback_only && !host.to_str().is_ok_and(is_of_this_machine) {
        let why = "ask for this machine as 127.0.0.1 or localhost; other names are not answered to, so that no web page can be led here by its name\n";
        return Some((StatusCode::MISDIRECTED_REQUEST, why).into_response());
    }
    None
}

/// Whether a Host header is an address, or `localhost`.
fn is_of_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_is_not_of_this_machine_whatever_it_looks_like() {
        for host in ["127.0.0.1:9464", "localhost:9464", "LocalHost", "[::1]:9464", "[::1]", "10.0.0.7:80"] {
            assert!(is_of_this_machine(host), "{host}");
        }
        for host in [
            "example.com",
            "127.0.0.1.example.com:9464",
            "localhost.example.com",
            "xlocalhost",
            "",
            "::1",
            "a b",
            "user@example.com",
        ] {
            assert!(!is_of_this_machine(host), "{host}");
        }
    }
}
