//! Requests over HTTP: parameters in a JSON body or in the query, the answer bare or in an
//! envelope.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, FromRequestParts, State},
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};
use rushes_signaling::envelope;
use serde_json::Value;
use tower_http::compression::CompressionLayer;

use super::{Call, Caller, auth::authenticate, execute, rules, ws};
use crate::{
    app::App,
    contract::{self, Endpoint},
    error::{ApiError, ApiResult, Code},
    web,
};

/// The longest JSON body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// How long a client may take to send it.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The API over HTTP and WebSocket, and the web client on all other paths.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", any(root))
        .route("/ws", any(ws::upgrade))
        .fallback(other)
        .layer(CompressionLayer::new())
        .with_state(app)
}

/// `/` is the WebSocket for one who upgrades and the web client for one who does not.
async fn root(
    state: State<Arc<App>>,
    peer: ConnectInfo<SocketAddr>,
    socket: Result<
        axum::extract::WebSocketUpgrade,
        axum::extract::ws::rejection::WebSocketUpgradeRejection,
    >,
    request: Request<Body>,
) -> Response {
    match socket {
        Ok(socket) => ws::upgrade(state, peer, request.headers().clone(), Ok(socket)).await,
        Err(_) => other(state, peer, request).await,
    }
}

async fn other(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let path = request.uri().path();
    if let Some(row) = contract::find(path) {
        return api(&app, row, peer.ip().to_canonical(), request).await;
    }
    if matches!(*request.method(), Method::GET | Method::HEAD)
        && let Some(page) = web::serve(path, request.headers())
    {
        return page;
    }
    ApiError::new(Code::UNKNOWN_ENDPOINT).into_response()
}

async fn api(
    app: &Arc<App>,
    row: &'static Endpoint,
    peer: IpAddr,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let parsed = match head.method {
        Method::GET => Ok((query(row, &head.uri), None)),
        Method::POST => read_body(&head.headers, body).await,
        _ => Err(ApiError::new(Code::UNKNOWN_ENDPOINT)
            .message("Use POST or GET")
            .with_status(StatusCode::METHOD_NOT_ALLOWED)),
    };
    let (parameters, wrapped) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return error.into_response(),
    };
    let token = match header_token(&head.headers) {
        Ok(token) => token.or_else(|| wrapped.as_ref().and_then(|wrapped| wrapped.token.clone())),
        Err(error) => return error.into_response(),
    };
    let call = Call { path: row.path.to_owned(), parameters, token, peer };
    answer(execute(app, call).await, wrapped.as_ref())
}

/// The parameters of a request to an endpoint that the pipeline does not answer, checked by the
/// rules of its row.
///
/// # Errors
/// Whatever the contract has for what is wrong with them.
pub(crate) async fn parameters(path: &str, request: Request<Body>) -> ApiResult<Value> {
    let row = contract::find(path).ok_or(ApiError::new(Code::UNKNOWN_ENDPOINT))?;
    let (head, body) = request.into_parts();
    let parameters = match head.method {
        Method::GET => query(row, &head.uri),
        Method::POST => read_body(&head.headers, body).await?.0,
        _ => {
            return Err(ApiError::new(Code::UNKNOWN_ENDPOINT)
                .message("Use POST or GET")
                .with_status(StatusCode::METHOD_NOT_ALLOWED));
        }
    };
    rules::check(row, parameters)
}

fn query(row: &Endpoint, uri: &Uri) -> Value {
    let pairs: Vec<(String, String)> =
        uri.query().map(|query| form_urlencoded(query).collect()).unwrap_or_default();
    rules::from_query(row, pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// The pairs of a query, decoded as browsers encode them. What is not UTF-8 is replaced.
fn form_urlencoded(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode(key), percent_decode(value))
    })
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(escaped) => {
                out.push(escaped);
                at += 3;
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

async fn read_body(
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<(Value, Option<envelope::Envelope>)> {
    let too_large = || {
        ApiError::new(Code::INVALID_DATA)
            .message("The body is larger than 1 MiB")
            .with_status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|value| value.parse::<u64>().ok()).is_some_and(|n| n > MAX_BODY as u64) {
        return Err(too_large());
    }
    let bytes = tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_BODY))
        .await
        .map_err(|_| {
            ApiError::new(Code::INVALID_DATA)
                .message("The body took too long")
                .with_status(StatusCode::REQUEST_TIMEOUT)
        })?
        .map_err(|_| too_large())?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok((Value::Null, None));
    }
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|_| ApiError::new(Code::INVALID_JSON))?;
    Ok(match envelope::unwrap_body(&value) {
        Some(mut wrapped) => (wrapped.data.take(), Some(wrapped)),
        None => (value, None),
    })
}

/// Who asks, and from where, for routes that are no part of the contract: the first thing that such a route takes.
pub(crate) struct Asking {
    pub(crate) caller: Caller,
    pub(crate) peer: IpAddr,
}

impl FromRequestParts<Arc<App>> for Asking {
    type Rejection = ApiError;

    /// As [`caller`] says.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let peer = ConnectInfo::<SocketAddr>::from_request_parts(parts, app).await;
        let peer = peer.map_err(|error| ApiError::internal(&error))?.ip().to_canonical();
        Ok(Self { caller: caller(app, &parts.headers, peer).await?, peer })
    }
}

/// Who asks, by the token in their headers, and not too fast.
///
/// # Errors
/// 405 without a good token, 900 when they, or those without one at their address, ask too fast.
async fn caller(app: &App, headers: &HeaderMap, peer: IpAddr) -> ApiResult<Caller> {
    let token = header_token(headers)?.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
    match authenticate(app, &token).await {
        Ok(caller) => app.limits.user(caller.user_id).map(|()| caller),
        Err(error) => {
            app.limits.address(peer)?;
            Err(error)
        }
    }
}

/// The token of `X-Token`, or of `Authorization: Bearer`.
pub(crate) fn header_token(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let text = |value: &HeaderValue| {
        value.to_str().map(str::to_owned).map_err(|_| ApiError::new(Code::INVALID_TOKEN))
    };
    if let Some(value) = headers.get("x-token") {
        return text(value).map(|token| Some(token.trim().to_owned()));
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = text(value)?;
    let bearer = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    // Another scheme is somebody else's (a proxy's Basic, say) and no token at all.
    Ok(bearer.map(|(_, token)| token.trim().to_owned()))
}

fn answer(result: ApiResult<String>, wrapped: Option<&envelope::Envelope>) -> Response {
    let Some(wrapped) = wrapped else {
        return result.map_or_else(IntoResponse::into_response, json);
    };
    let request_id = wrapped.request_id.as_ref();
    match result {
        Ok(data) => json(envelope::answer(request_id, &data)),
        Err(error) => {
            let body = envelope::refusal(request_id, &error.body());
            // The bare answer has the right status and headers; only its body is another.
            let (mut head, _) = error.into_response().into_parts();
            head.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(head, Body::from(body))
        }
    }
}

fn json(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_decode_as_browsers_encode_them() {
        let pairs: Vec<_> = form_urlencoded("a=1&b=x+y%20z&c&=d&e=%C3%A9%2&f=%zz&&g=%+1").collect();
        let expected = [
            ("a", "1"),
            ("b", "x y z"),
            ("c", ""),
            ("", "d"),
            ("e", "é%2"),
            ("f", "%zz"),
            ("g", "% 1"),
        ];
        assert_eq!(pairs, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_token_comes_in_either_header() {
        let with = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            header_token(&headers).unwrap()
        };
        assert_eq!(with("x-token", " AB "), Some("AB".to_owned()));
        assert_eq!(with("authorization", "bearer AB"), Some("AB".to_owned()));
        assert_eq!(with("authorization", "Basic AB"), None);
        assert_eq!(header_token(&HeaderMap::new()).unwrap(), None);
    }
}
