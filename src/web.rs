//! The web client, embedded in the binary.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Bundle;

/// Served where the binary was built without the bundle.
const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Rushes</title>\
<h1>Rushes is running</h1><p>This binary was built without its web client. Build it with \
<code>make web</code> (or <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>), then build the \
server again. The API works as it is.";

/// The answer to a GET of `path`, if the client has something there.
///
/// A path of no file is the client's own when a browser asks for a page; a script that misspells
/// an endpoint gets none.
#[must_use]
pub fn serve(path: &str, headers: &HeaderMap) -> Option<Response> {
    let name = path.trim_start_matches('/');
    if !name.is_empty()
        && let Some(file) = Bundle::get(name)
    {
        return Some(respond(name, &file, headers));
    }
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let last = name.rsplit('/').next().unwrap_or_default();
    if !name.is_empty() && (last.contains('.') || !accept.contains("text/html")) {
        return None;
    }
    Some(match Bundle::get("index.html") {
        Some(file) => respond("index.html", &file, headers),
        None => with_policy(
            headers,
            (
                [
                    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                    (header::CACHE_CONTROL, "no-store"),
                ],
                NOT_BUILT,
            ),
        ),
    })
}

fn respond(name: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    // The bundler puts a hash of the content into the names of what it puts under assets/.
    let cache = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let kind = match mime_guess::from_path(name).first_or_octet_stream() {
        mime if mime.type_() == mime_guess::mime::TEXT => format!("{mime}; charset=utf-8"),
        mime => mime.to_string(),
    };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    let described = [
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::CONTENT_TYPE, kind),
        (header::ETAG, etag.clone()),
    ];
    if known
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
    {
        return (StatusCode::NOT_MODIFIED, described).into_response();
    }
    let body = file.data.clone().into_owned();
    with_policy(headers, (described, body))
}

fn with_policy(request: &HeaderMap, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy(request));
    response
}

/// Lets the page run its own scripts, speak to its own server, and play what it receives.
///
/// The WebSocket's origin is spelt out because not every browser counts it as `'self'`.
fn policy(request: &HeaderMap) -> HeaderValue {
    let host = request
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b)));
    let socket = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let text = format!(
        "default-src 'self'; connect-src 'self'{socket}; script-src 'self'; style-src 'self'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; \
         worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

/// Percent-encodes a segment of a path (RFC 3986, section 3.3: unreserved only).
pub(crate) fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static(accept)),
            (header::HOST, HeaderValue::from_static("rushes.test:8080")),
        ])
    }

    #[test]
    fn pages_go_to_browsers_only() {
        assert!(serve("/", &headers("*/*")).is_some());
        assert!(serve("/rooms/1", &headers("text/html,*/*")).is_some());
        assert!(serve("/rooms/1", &headers("*/*")).is_none());
        assert!(serve("/missing.js", &headers("text/html")).is_none());
        assert!(serve("/../Cargo.toml", &headers("text/html")).is_none());
    }

    #[test]
    fn the_policy_names_the_socket_of_a_sane_host() {
        let text = |headers: &HeaderMap| policy(headers).to_str().unwrap().to_owned();
        assert!(text(&headers("*/*")).contains(" wss://rushes.test:8080;"));
        let odd =
            HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("x; script-src *"))]);
        assert!(text(&odd).contains("connect-src 'self';"));
    }
}
