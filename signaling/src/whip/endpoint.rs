//! The endpoints: an offer comes in, an answer goes out.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushes_media::{Absent, Answer};

use super::access::{Access, Refusal, Target, WhipPath};
use super::http::{Sender, is_preflight, need_accept, need_type, other_method, prefers, read};
use super::limits::Offered;
use super::problem::Problem;
use super::table::{Reservation, View};
use super::{App, FRAGMENT, MAX_SDP, SDP, Shared, WAIT, link};

const METHODS: &str = "POST, OPTIONS, GET, HEAD";

pub(super) async fn whip<A: Access>(
    State(app): State<App<A>>,
    Path((project, device, stream)): Path<(String, String, String)>,
    request: Request<Body>,
) -> Response {
    let path = WhipPath { project, device, stream };
    match *request.method() {
        Method::POST => publish(&app, &path, request).await.unwrap_or_else(Problem::into_response),
        Method::OPTIONS => {
            let sender = Sender::of(&request);
            options(&app, Target::Publish(&path), &sender, request.headers()).await
        }
        _ => other_method(request.method(), METHODS),
    }
}

pub(super) async fn whep<A: Access>(
    State(app): State<App<A>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    match *request.method() {
        Method::POST => view(&app, &id, request).await.unwrap_or_else(Problem::into_response),
        Method::OPTIONS => {
            let sender = Sender::of(&request);
            options(&app, Target::View(&id), &sender, request.headers()).await
        }
        _ => other_method(request.method(), METHODS),
    }
}

/// RFC 9725, 4.2 and 4.6: what may be posted; and the STUN and TURN servers, for clients that need
/// them before their offer. A preflight of Fetch does not carry a token and gets none of them.
async fn options<A: Access>(
    app: &Shared<A>,
    target: Target<'_>,
    sender: &Sender,
    headers: &HeaderMap,
) -> Response {
    let post = (HeaderName::from_static("accept-post"), SDP);
    let mut response = (StatusCode::OK, [(header::ALLOW, METHODS), post]).into_response();
    if is_preflight(headers) || sender.bearer.is_none() {
        return response;
    }
    let offered = match target {
        Target::Publish(_) => Offered::Publish,
        Target::View(_) => Offered::View,
    };
    if let Err(problem) = app.limiter.offer(offered, sender, Instant::now()) {
        return problem.into_response();
    }
    if app.access.may(target, sender.bearer(), sender.peer).await.is_ok() {
        ice_servers(app, response.headers_mut());
    }
    response
}

async fn publish<A: Access>(
    app: &Shared<A>,
    path: &WhipPath,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sender = Sender::of(&request);
    app.limiter.offer(Offered::Publish, &sender, Instant::now())?;
    let stream = app.access.publish(path, sender.bearer(), sender.peer).await?;
    let offer = offer(request).await?;
    let reservation = app.reserve(&sender)?;
    let answer = app.media.publish(stream, offer).await?;
    if !app.access.accepted(stream).await {
        app.media.close(answer.session).await;
        return Err(Refusal::NotFound.into());
    }
    Ok(created(app, (Offered::Publish, None), answer, &sender, &reservation))
}

async fn view<A: Access>(
    app: &Shared<A>,
    id: &str,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sender = Sender::of(&request);
    app.limiter.offer(Offered::View, &sender, Instant::now())?;
    let stream = app.access.view(id, sender.bearer(), sender.peer).await?;
    let waits = prefers(request.headers(), WAIT);
    let offer = offer(request).await?;
    let reservation = app.reserve(&sender)?;
    let absent = if waits { Absent::Wait } else { Absent::Refuse };
    let answer = app.media.view(stream, offer, absent).await?;
    let view = sender.bearer().map(|bearer| View { id: id.to_owned(), bearer: bearer.to_owned() });
    let mut response = created(app, (Offered::View, view), answer, &sender, &reservation);
    if waits {
        let applied = HeaderName::from_static("preference-applied");
        response.headers_mut().insert(applied, HeaderValue::from_static(WAIT));
    }
    Ok(response)
}

impl<A> Shared<A> {
    fn reserve(&self, sender: &Sender) -> Result<Reservation, Problem> {
        self.sessions.reserve(&self.media, sender.peer, self.limits.sessions_per_address)
    }
}

fn created<A: Access>(
    app: &Shared<A>,
    (offered, view): (Offered, Option<View>),
    answer: Answer,
    sender: &Sender,
    reservation: &Reservation,
) -> Response {
    app.sessions.open(&app.media, reservation, (offered, view), &answer, sender.bearer());
    let Answer { session, sdp, etag } = answer;
    let mut response = (StatusCode::CREATED, sdp).into_response();
    let headers = response.headers_mut();
    let prefix = app.access.prefix();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    // What holds a TURN credential is nobody else's.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("accept-patch", HeaderValue::from_static(FRAGMENT));
    append(headers, header::LOCATION, &format!("{prefix}/live/session/{session}"));
    append(headers, header::ETAG, &etag);
    if offered == Offered::View {
        for extension in link::extensions(prefix, session) {
            append(headers, header::LINK, &extension);
        }
    }
    ice_servers(app, headers);
    response
}

fn ice_servers<A: Access>(app: &Shared<A>, headers: &mut HeaderMap) {
    for server in app.access.ice_servers() {
        append(headers, header::LINK, &link::ice_server(&server));
    }
}

/// Adds a header made of our own text or of the configuration, which are checked elsewhere.
fn append(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => {
            headers.append(name, value);
        }
        Err(_) => tracing::error!(%name, "a header could not be written"),
    }
}

/// The offer of a request that is one.
async fn offer(request: Request<Body>) -> Result<String, Problem> {
    need_type(request.headers(), SDP)?;
    need_accept(request.headers(), SDP)?;
    let text = read(request, MAX_SDP).await?;
    if text.trim().is_empty() {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "the offer is empty: send an SDP as the body",
        ));
    }
    Ok(text)
}
