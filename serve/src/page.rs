//! The page at `/`, to chat with the models of this server.
//!
//! `cargo xtask web` makes it in `serve/page/`, and its files become a part of the program. A build without it has a page that says so.

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use crate::state::State;

static PAGE: Dir = include_dir!("$CARGO_MANIFEST_DIR/page");
/// What a build without the page has in its place.
const ABSENT: &str = include_str!("absent.html");

/// Only the page's own scripts run, whatever an answer holds, and they reach this server only. KaTeX places its boxes with styles of elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self'; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether this build has the page.
#[must_use]
pub fn has_page() -> bool {
    PAGE.get_file("index.html").is_some()
}

/// A file of the page.
#[derive(Clone, Debug)]
struct File {
    /// Where it is served.
    address: String,
    kind: &'static str,
    content: &'static [u8],
    tag: String,
}

/// The addresses of the page's files.
pub(crate) fn routes() -> Router<State> {
    files(&PAGE).into_iter().fold(Router::new(), |router, file| {
        let address = file.address.clone();
        router.route(&address, get(async move |headers: HeaderMap| file.answer(&headers)))
    })
}

/// All files, the page itself at `/`.
fn files(page: &'static Dir) -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![page];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        let named = folder.files().filter_map(|file| Some((file.path().to_str()?.replace('\\', "/"), file.contents())));
        files.extend(named.filter_map(|(path, content)| File::new(&path, content)));
    }
    if page.get_file("index.html").is_none() {
        files.extend(File::new("index.html", ABSENT.as_bytes()));
    }
    files
}

impl File {
    /// A file of one of the kinds that the page is made of. Others, such as Git's, are no part of it.
    fn new(path: &str, content: &'static [u8]) -> Option<File> {
        let kind = match path.rsplit_once('.').map_or(path, |(_, extension)| extension) {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            "woff2" => "font/woff2",
            "txt" => "text/plain; charset=utf-8",
            path if path.ends_with("LICENSE") => "text/plain; charset=utf-8",
            _ => return None,
        };
        let address = if path == "index.html" { "/".into() } else { format!("/{path}") };
        let hash = Sha256::digest(content);
        let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Some(File { address, kind, content, tag: format!("\"{hex}\"") })
    }

    /// The file, or that the browser has it already. It always asks: another build of the program has another page.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let tag = HeaderValue::from_str(&self.tag).expect("a hash in quotes is a header");
        let always: [(HeaderName, HeaderValue); 4] = [
            (header::ETAG, tag),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
        let has = known.flat_map(|known| known.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.tag);
        if has {
            return (StatusCode::NOT_MODIFIED, always).into_response();
        }
        (always, [(header::CONTENT_TYPE, self.kind)], self.content).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static EMPTY: Dir = Dir::new("", &[]);

    #[test]
    fn a_build_without_the_page_says_so() {
        let files = files(&EMPTY);
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].address.as_str(), files[0].kind), ("/", "text/html; charset=utf-8"));
        assert!(std::str::from_utf8(files[0].content).unwrap().contains("/v1"));
    }

    #[test]
    fn files_have_addresses_and_kinds_and_those_of_git_are_none() {
        let of = |path| File::new(path, b"x").map(|file| (file.address, file.kind));
        assert_eq!(of("app/demo.css"), Some(("/app/demo.css".into(), "text/css; charset=utf-8")));
        assert_eq!(of("app/katex/LICENSE"), Some(("/app/katex/LICENSE".into(), "text/plain; charset=utf-8")));
        assert_eq!(of(".gitignore"), None);
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let file = File::new("a.js", b"x").unwrap();
        let ask = |tags: &str| file.answer(&HeaderMap::from_iter([(header::IF_NONE_MATCH, tags.parse().unwrap())])).status();
        for known in [file.tag.clone(), format!("W/{}", file.tag), format!("\"other\", {}", file.tag), "*".into()] {
            assert_eq!(ask(&known), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(ask("\"other\""), StatusCode::OK);
        assert_ne!(file.tag, File::new("a.js", b"y").unwrap().tag);
    }
}
