//! The endpoints: an offer comes in, an answer goes out.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushes_media::{Absent, Answer};

use super::access::{Access, IceServer, WhipPath};
use super::problem::Problem;
use super::{App, FRAGMENT, MAX_SDP, SDP, Shared};

const METHODS: &str = "POST, OPTIONS, GET, HEAD";

pub(super) async fn whip<A: Access>(
    State(app): State<App<A>>,
    Path((project, device, stream)): Path<(String, String, String)>,
    request: Request<Body>,
) -> Response {
    let path = WhipPath { project, device, stream };
    match *request.method() {
        Method::POST => publish(&app, &path, request).await.unwrap_or_else(Problem::into_response),
        _ => other_method(request.method()),
    }
}

pub(super) async fn whep<A: Access>(
    State(app): State<App<A>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    match *request.method() {
        Method::POST => view(&app, &id, request).await.unwrap_or_else(Problem::into_response),
        _ => other_method(request.method()),
    }
}

/// RFC 9725, 4.2: OPTIONS tells what may be posted; GET and HEAD succeed and are
/// empty; the rest is not for this resource.
fn other_method(method: &Method) -> Response {
    let allow = (header::ALLOW, METHODS);
    match *method {
        Method::OPTIONS => {
            let post = (header::HeaderName::from_static("accept-post"), SDP);
            (StatusCode::NO_CONTENT, [allow, post]).into_response()
        }
        Method::GET | Method::HEAD => StatusCode::NO_CONTENT.into_response(),
        _ => ([allow], Problem::new(StatusCode::METHOD_NOT_ALLOWED, "use POST")).into_response(),
    }
}

async fn publish<A: Access>(
    app: &Shared<A>,
    path: &WhipPath,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = bearer(request.headers());
    let stream = app.access.publish(path, bearer.as_deref(), peer(&request)).await?;
    let offer = offer(request).await?;
    let answer = app.media.publish(stream, offer).await?;
    app.access.accepted(stream).await;
    created(app, answer, bearer)
}

async fn view<A: Access>(
    app: &Shared<A>,
    id: &str,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = bearer(request.headers());
    let stream = app.access.view(id, bearer.as_deref(), peer(&request)).await?;
    let offer = offer(request).await?;
    let answer = app.media.view(stream, offer, Absent::Refuse).await?;
    created(app, answer, bearer)
}

fn created<A: Access>(
    app: &Shared<A>,
    answer: Answer,
    bearer: Option<String>,
) -> Result<Response, Problem> {
    let Answer { session, sdp, etag } = answer;
    app.sessions.open(&app.media, session, bearer.as_deref(), &etag);
    let location = format!("{}/live/session/{session}", app.access.prefix());
    let mut headers = HeaderMap::new();
    let mut set = |name, value: &str| {
        // What is set here is made of our own text or of the configuration.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(name, value);
        }
    };
    set(header::CONTENT_TYPE, SDP);
    set(header::LOCATION, &location);
    set(header::ETAG, &etag);
    set(header::HeaderName::from_static("accept-patch"), FRAGMENT);
    for server in app.access.ice_servers() {
        set(header::LINK, &link(&server));
    }
    Ok((StatusCode::CREATED, headers, sdp).into_response())
}

/// RFC 9725, 4.6.
fn link(server: &IceServer) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    match &server.credential {
        None => format!("<{}>; rel=\"ice-server\"", server.url),
        Some((user, secret)) => format!(
            "<{}>; rel=\"ice-server\"; username=\"{}\"; credential=\"{}\"; credential-type=\"password\"",
            server.url,
            quoted(user),
            quoted(secret)
        ),
    }
}

/// The offer of a request that is one.
async fn offer(request: Request<Body>) -> Result<String, Problem> {
    let headers = request.headers();
    if !is_type(headers, SDP) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("send the offer as Content-Type: {SDP}"),
        ));
    }
    if !accepts(headers, SDP) {
        return Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            format!("the answer is {SDP}: accept that, or send no Accept"),
        ));
    }
    let text = read(request).await?;
    if text.trim().is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "the offer is empty"));
    }
    Ok(text)
}

/// The body as text. A body that says it is too long is refused before any of it
/// is read; one that does not say is cut off.
pub(super) async fn read(request: Request<Body>) -> Result<String, Problem> {
    let too_long = || {
        let detail = format!("an SDP may have {MAX_SDP} bytes at most");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_SDP as u64) {
        return Err(too_long());
    }
    let bytes = to_bytes(request.into_body(), MAX_SDP).await.map_err(|_| too_long())?;
    String::from_utf8(bytes.into())
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body is not UTF-8"))
}

/// Whether the content is of this type, whatever its parameters.
pub(super) fn is_type(headers: &HeaderMap, wanted: &str) -> bool {
    let essence = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
}

fn accepts(headers: &HeaderMap, offered: &str) -> bool {
    let mut any = false;
    for value in headers.get_all(header::ACCEPT) {
        any = true;
        let Ok(value) = value.to_str() else { continue };
        let fits = value.split(',').filter_map(|range| range.split(';').next()).any(|range| {
            let range = range.trim();
            range == "*/*" || range == "application/*" || range.eq_ignore_ascii_case(offered)
        });
        if fits {
            return true;
        }
    }
    !any
}

/// The bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}

fn peer(request: &Request<Body>) -> IpAddr {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip().to_canonical())
}
