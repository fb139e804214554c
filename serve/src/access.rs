//! Who may call.
//!
//! A server on the loopback address can still be reached by pages in the user's browser. Their scripts are kept from reading answers by CORS,
//! and from sending JSON at all unless their origin is allowed. A page whose name was made to point here would not count as foreign, so without
//! a key the header `Host` must name this machine.

use std::net::IpAddr;

use axum::extract::{Request, State as Given};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::refusal::Refusal;
use crate::state::State;
use crate::{Error, ErrorKind, Options};

/// Refuses options that would let anybody in by mistake, and those that nothing could match. [`Server::bind`](crate::Server::bind) does so, too.
///
/// # Errors
/// [`ErrorKind::Open`] for an address that others reach, without a key; [`ErrorKind::Key`]; [`ErrorKind::Origin`].
pub fn check(options: &Options) -> Result<(), Error> {
    let Options { address, keys, anonymous, origins, .. } = options;
    if !address.ip().is_loopback() && keys.is_empty() && !anonymous {
        return Err(ErrorKind::Open { address: *address }.into());
    }
    if keys.iter().any(|key| key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(ErrorKind::Key.into());
    }
    match origins.iter().find(|origin| !is_origin(origin)) {
        Some(origin) => Err(ErrorKind::Origin { origin: origin.clone() }.into()),
        None => Ok(()),
    }
}

/// Whether a browser could send it: a scheme and a host, and no path.
fn is_origin(origin: &str) -> bool {
    let host = origin.split_once("://").map(|(scheme, host)| (!scheme.is_empty()).then_some(host));
    let bare = |host: &str| !host.is_empty() && !host.contains(['/', '?', '#', '*', ' ']);
    (origin == "*" || origin == "null" || host.flatten().is_some_and(bare)) && HeaderValue::from_str(origin).is_ok()
}

/// Lets only those with a key pass, where there are keys.
pub(crate) async fn keyed(Given(state): Given<State>, request: Request, next: Next) -> Response {
    match state.keys.admit(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Lets only requests pass that mean this machine, where everybody on it is answered.
pub(crate) async fn local(Given(state): Given<State>, request: Request, next: Next) -> Response {
    let open = state.options.keys.is_empty() && state.options.address.ip().is_loopback();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match host.or(request.uri().host()).filter(|_| open) {
        Some(host) if !names_this_machine(host) => Refusal::host(host).into_response(),
        _ => next.run(request).await,
    }
}

/// Whether a host, with or without a port, is the loopback address or a name that always points there.
fn names_this_machine(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, port)| if port.parse::<u16>().is_ok() { name } else { host }),
    };
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Lets pages of the allowed origins call.
pub(crate) fn cors(options: &Options) -> CorsLayer {
    let origins = options.origins.iter();
    let allowed = if options.origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    // OpenAI's client sends a dozen headers of its own.
    let layer = CorsLayer::new().allow_methods([Method::GET, Method::POST]).allow_headers(AllowHeaders::mirror_request());
    layer.allow_origin(allowed).expose_headers(ExposeHeaders::list([header::RETRY_AFTER, header::HeaderName::from_static("x-request-id")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(address: &str, keys: &[&str], anonymous: bool, origins: &[&str]) -> Options {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let address = address.parse().expect("an address");
        Options { address, keys: texts(keys), anonymous, origins: texts(origins), body: 1 << 20, requests: 4, page: true }
    }

    #[test]
    fn a_public_address_needs_a_key_or_a_word() {
        let refused = |options: Options| check(&options).map_err(|error| error.to_string());
        assert!(refused(options("0.0.0.0:80", &[], false, &[])).unwrap_err().contains("--api-key"));
        assert!(refused(options("[::]:80", &[], false, &[])).is_err());
        assert!(refused(options("192.168.1.2:80", &[], false, &[])).is_err());
        for fine in [
            options("127.0.0.1:80", &[], false, &[]),
            options("[::1]:80", &[], false, &[]),
            options("0.0.0.0:80", &["k"], false, &[]),
            options("0.0.0.0:80", &[], true, &[]),
        ] {
            assert_eq!(refused(fine), Ok(()));
        }
        assert!(refused(options("127.0.0.1:80", &[""], false, &[])).is_err());
        assert!(refused(options("127.0.0.1:80", &["a b"], false, &[])).is_err());
    }

    #[test]
    fn origins_are_those_that_browsers_send() {
        for (origin, fine) in [
            ("https://example.org", true),
            ("http://localhost:3000", true),
            ("*", true),
            ("null", true),
            ("example.org", false),
            ("https://example.org/", false),
            ("https://*.example.org", false),
            ("", false),
        ] {
            assert_eq!(check(&options("127.0.0.1:80", &[], false, &[origin])).is_ok(), fine, "{origin}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for host in ["localhost", "localhost:8080", "LOCALHOST.", "a.localhost:1", "127.0.0.1:80", "127.9.9.9", "[::1]:80", "[::1]"] {
            assert!(names_this_machine(host), "{host}");
        }
        for host in ["example.org", "example.org:8080", "127.0.0.1.example.org", "localhost.example.org", "10.0.0.1", "[::2]:80", ""] {
            assert!(!names_this_machine(host), "{host}");
        }
    }
}
