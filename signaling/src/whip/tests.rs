use std::net::IpAddr;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use rushes_media::{MediaConfig, SessionId, StreamId, StreamState, TcpLimits, TranscodeLimits};
use tower::ServiceExt;

use super::*;

const OFFER: &str = include_str!("../../../media/tests/sdp/obs-whip-offer.sdp");
const VIEW_OFFER: &str = include_str!("../../../media/tests/sdp/gst-whep-whep-offer.sdp");
const WHIP: &str = "/start/live/whip/Show/Camera%20A/main";
/// Found when it is looked for, and deleted before its publisher is answered.
const GONE: StreamId = StreamId(2);

struct Rules;

impl Access for Rules {
    async fn publish(
        &self,
        path: &WhipPath,
        bearer: Option<&str>,
        _: IpAddr,
    ) -> Result<StreamId, Refusal> {
        assert_eq!(path.device, "Camera A");
        match bearer {
            None => Err(Refusal::NoToken),
            Some("right") => Ok(StreamId(1)),
            Some("late") => Ok(GONE),
            Some("other") => Err(Refusal::Forbidden("not your camera".into())),
            Some("fast") => Err(Refusal::TooMany(3)),
            Some(_) => Err(Refusal::BadToken),
        }
    }

    async fn accepted(&self, stream: StreamId) -> bool {
        stream == StreamId(1)
    }

    async fn view(&self, id: &str, bearer: Option<&str>, _: IpAddr) -> Result<StreamId, Refusal> {
        match (id, bearer) {
            ("one", Some("right" | "leaving")) => Ok(StreamId(1)),
            ("one", None) => Err(Refusal::NoToken),
            _ => Err(Refusal::NotFound),
        }
    }

    async fn still_views(&self, id: &str, bearer: &str) -> bool {
        assert_eq!(id, "one");
        bearer == "right"
    }

    async fn may(
        &self,
        target: Target<'_>,
        bearer: Option<&str>,
        _: IpAddr,
    ) -> Result<(), Refusal> {
        match (target, bearer) {
            (Target::Publish(_) | Target::View("one"), Some("right")) => Ok(()),
            _ => Err(Refusal::BadToken),
        }
    }

    fn ice_servers(&self) -> Vec<IceServer> {
        let credential = Some(("me".to_owned(), "a\"b".to_owned()));
        vec![IceServer { url: "turn:turn.test:3478".into(), credential }]
    }

    fn prefix(&self) -> &str {
        "/rushes"
    }
}

fn routes() -> Router {
    limited(Limits::default())
}

fn limited(limits: Limits) -> Router {
    plane(limits).1
}

fn plane(limits: Limits) -> (Media, Router, Viewers<Rules>) {
    let listen = "127.0.0.1:0".parse().unwrap();
    let tcp = TcpLimits::default();
    let config = MediaConfig {
        listen,
        hosts: vec![],
        max_sessions: 4,
        tcp,
        fanout_threads: None,
        transcodes: TranscodeLimits::NONE,
        ffmpeg: None,
    };
    let (media, _events) = Media::start(config).unwrap();
    let (routes, viewers) = router(media.clone(), Arc::new(Rules), limits);
    (media, routes, viewers)
}

fn request(method: &str, path: &str, bearer: &str) -> axum::http::request::Builder {
    let builder = Request::builder().method(method).uri(path);
    if bearer.is_empty() {
        builder
    } else {
        builder.header(header::AUTHORIZATION, format!("Bearer {bearer}"))
    }
}

fn post(path: &str, bearer: &str, body: impl Into<Body>) -> Request<Body> {
    request("POST", path, bearer).header(header::CONTENT_TYPE, SDP).body(body.into()).unwrap()
}

async fn send(routes: &Router, request: Request<Body>) -> Response<Body> {
    routes.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}

/// The status, and the reason that a problem body gives.
async fn problem(routes: &Router, request: Request<Body>) -> (u16, String) {
    let response = send(routes, request).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let status = response.status().as_u16();
    let body: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["status"], status);
    (status, body["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_offer_is_answered_with_201() {
    let routes = routes();
    let response = send(&routes, post(WHIP, "right", OFFER)).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let headers = response.headers();
    assert_eq!(headers[header::CONTENT_TYPE], SDP);
    let location = headers[header::LOCATION].to_str().unwrap();
    assert!(location.starts_with("/rushes/live/session/") && location.len() == 21 + 32);
    assert!(headers[header::ETAG].to_str().unwrap().starts_with('"'));
    assert_eq!(headers["accept-patch"], FRAGMENT);
    assert_eq!(
        headers[header::LINK],
        "<turn:turn.test:3478>; rel=\"ice-server\"; username=\"me\"; credential=\"a\\\"b\"; \
         credential-type=\"password\""
    );
    let answer = text(response).await;
    assert!(answer.starts_with("v=0\r\n") && answer.contains("a=recvonly"));
}

#[tokio::test]
async fn a_stream_that_went_while_its_publisher_came_has_none() {
    let (media, routes, _) = plane(Limits::default());
    assert_eq!(problem(&routes, post(WHIP, "late", OFFER)).await.0, 404);
    // The session that was begun for the answer does not stay.
    assert!(!media.close_publisher(GONE).await);
    assert_eq!(media.status(GONE).await.state, StreamState::Waiting);
    // One that is there has its publisher.
    assert_eq!(send(&routes, post(WHIP, "right", OFFER)).await.status(), StatusCode::CREATED);
    assert!(media.close_publisher(StreamId(1)).await);
}

#[tokio::test]
async fn those_whose_right_ends_are_sent_away() {
    let (media, routes, viewers) = plane(Limits::default());
    let mut sessions = Vec::new();
    for bearer in ["right", "leaving", "leaving"] {
        let offer = request("POST", "/live/whep/one", bearer)
            .header(header::CONTENT_TYPE, SDP)
            .header("prefer", WAIT)
            .body(Body::from(VIEW_OFFER))
            .unwrap();
        let response = send(&routes, offer).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let location = response.headers()[header::LOCATION].to_str().unwrap();
        let id: SessionId = location.rsplit('/').next().unwrap().parse().unwrap();
        sessions.push(id);
    }
    let rights = viewers.rights();
    assert_eq!(rights.len(), 2, "each is asked for once");
    for right in &rights {
        viewers.look(right).await;
    }
    assert!(media.feed(sessions[0]).await.is_some(), "who may goes on");
    assert!(media.feed(sessions[1]).await.is_none());
    assert!(media.feed(sessions[2]).await.is_none());
}

#[tokio::test]
async fn who_may_not_is_told_so() {
    let routes = routes();
    assert_eq!(problem(&routes, post(WHIP, "", OFFER)).await.0, 401);
    assert_eq!(problem(&routes, post(WHIP, "wrong", OFFER)).await.0, 401);
    assert_eq!(problem(&routes, post(WHIP, "other", OFFER)).await, (403, "not your camera".into()));
    assert_eq!(problem(&routes, post("/live/whep/two", "right", OFFER)).await.0, 404);
    let response = send(&routes, post(WHIP, "fast", OFFER)).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "3");
    let response = send(&routes, post(WHIP, "", OFFER)).await;
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
}

#[tokio::test]
async fn what_is_no_offer_is_refused_with_a_reason() {
    let routes = routes();
    let json = request("POST", WHIP, "right").header(header::CONTENT_TYPE, "application/json");
    let (status, detail) = problem(&routes, json.body(OFFER.into()).unwrap()).await;
    assert!(status == 415 && detail.contains(SDP));
    let html = request("POST", WHIP, "right")
        .header(header::CONTENT_TYPE, SDP)
        .header(header::ACCEPT, "text/html");
    assert_eq!(problem(&routes, html.body(OFFER.into()).unwrap()).await.0, 406);
    assert_eq!(problem(&routes, post(WHIP, "right", "")).await.0, 400);
    assert_eq!(problem(&routes, post(WHIP, "right", "hello")).await.0, 400);

    let (head, _) = OFFER.split_once("m=audio").unwrap();
    let (status, detail) = problem(&routes, post(WHIP, "right", head.to_owned())).await;
    assert_eq!((status, detail.as_str()), (422, "the offer has no audio and no video section"));
    let receives = OFFER.replace("a=sendonly", "a=recvonly");
    let (status, detail) = problem(&routes, post(WHIP, "right", receives)).await;
    assert!(status == 422 && detail.contains("a=sendonly"), "{detail}");
    let unknown = OFFER.replace("H264/90000", "H266/90000");
    let (status, detail) = problem(&routes, post(WHIP, "right", unknown)).await;
    assert!(status == 422 && detail.contains("VP8"), "{detail}");
}

#[tokio::test]
async fn a_monster_of_an_offer_is_not_read() {
    let routes = routes();
    let (status, detail) = problem(&routes, post(WHIP, "right", "a".repeat(1 << 20))).await;
    assert!(status == 413 && detail.contains("65536"));
    // Without a length the body is cut off where it gets too long.
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'a'; 4096]));
    let request = post(WHIP, "right", Body::from_stream(endless));
    assert_eq!(problem(&routes, request).await.0, 413);
}

#[tokio::test]
async fn viewing_waits_for_a_publisher() {
    let routes = routes();
    let response = send(&routes, post("/live/whep/one", "right", VIEW_OFFER)).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    // One that was answered and is not connected is none yet.
    assert_eq!(send(&routes, post(WHIP, "right", OFFER)).await.status(), StatusCode::CREATED);
    let response = send(&routes, post("/live/whep/one", "right", VIEW_OFFER)).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let mut waits = post("/live/whep/one", "right", VIEW_OFFER);
    waits.headers_mut().insert("prefer", "wait-for-publisher".parse().unwrap());
    let response = send(&routes, waits).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()["preference-applied"], "wait-for-publisher");
}

#[tokio::test]
async fn sessions_are_full_at_some_point() {
    let routes = routes();
    for _ in 0..4 {
        assert_eq!(send(&routes, post(WHIP, "right", OFFER)).await.status(), StatusCode::CREATED);
    }
    let response = send(&routes, post(WHIP, "right", OFFER)).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn an_address_has_so_many_sessions_and_no_more() {
    let routes = limited(Limits { sessions_per_address: 1, ..Limits::default() });
    let (path, _) = open(&routes).await;
    let response = send(&routes, post(WHIP, "right", OFFER)).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert!(text(response).await.contains("end one first"));
    let delete = request("DELETE", &path, "right").body(Body::empty()).unwrap();
    assert_eq!(send(&routes, delete).await.status(), StatusCode::OK);
    assert_eq!(send(&routes, post(WHIP, "right", OFFER)).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn an_address_asks_so_often_and_no_more_whatever_for() {
    let rate = crate::rate::Rate { per_second: 0.01, burst: 3.0 };
    let routes = limited(Limits { address: rate, ..Limits::default() });
    let (path, etag) = open(&routes).await;
    let patch = request("PATCH", &path, "right").header(header::CONTENT_TYPE, FRAGMENT);
    let patch = patch.header(header::IF_MATCH, etag).body("a=end-of-candidates\r\n".into());
    assert_eq!(send(&routes, patch.unwrap()).await.status(), StatusCode::NO_CONTENT);
    let guess = format!("/live/session/{:032X}", 5);
    let delete = |path: &str| request("DELETE", path, "right").body(Body::empty()).unwrap();
    assert_eq!(problem(&routes, delete(&guess)).await.0, 404);
    for request in [delete(&guess), delete(&path), post(WHIP, "right", OFFER)] {
        let (status, detail) = problem(&routes, request).await;
        assert!(status == 429 && detail.contains("from this address"), "{detail}");
    }
}

async fn open(routes: &Router) -> (String, String) {
    let response = send(routes, post(WHIP, "right", OFFER)).await;
    let value = |name| response.headers()[name].to_str().unwrap().to_owned();
    let path = value(header::LOCATION).strip_prefix("/rushes").unwrap().to_owned();
    (path, value(header::ETAG))
}

#[tokio::test]
async fn trickle_wants_owner_type_and_tag() {
    let routes = routes();
    let (path, etag) = open(&routes).await;
    let patch = |bearer: &str, kind: &str, tag: &str, body: &'static str| {
        let mut builder = request("PATCH", &path, bearer).header(header::CONTENT_TYPE, kind);
        if !tag.is_empty() {
            builder = builder.header(header::IF_MATCH, tag);
        }
        builder.body(Body::from(body)).unwrap()
    };
    let end = "a=end-of-candidates\r\n";
    assert_eq!(problem(&routes, patch("", FRAGMENT, &etag, end)).await.0, 401);
    assert_eq!(problem(&routes, patch("wrong", FRAGMENT, &etag, end)).await.0, 403);
    assert_eq!(problem(&routes, patch("right", SDP, &etag, end)).await.0, 415);
    assert_eq!(problem(&routes, patch("right", FRAGMENT, "", end)).await.0, 428);
    assert_eq!(problem(&routes, patch("right", FRAGMENT, "\"stale\"", end)).await.0, 412);
    assert_eq!(problem(&routes, patch("right", FRAGMENT, &etag, "nonsense")).await.0, 400);
    let restart = "a=ice-ufrag:other\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n";
    let restarted = send(&routes, patch("right", FRAGMENT, &etag, restart)).await;
    assert_eq!(restarted.status(), StatusCode::OK);
    let stale = patch("right", FRAGMENT, &etag, end);
    assert_eq!(problem(&routes, stale).await.0, 412, "that ICE session is over");
    let etag = restarted.headers()[header::ETAG].to_str().unwrap().to_owned();
    for tag in [etag.as_str(), "*", "\"x\", \"*\""] {
        let response = send(&routes, patch("right", FRAGMENT, tag, end)).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{tag}");
        assert!(!response.headers().contains_key(header::ETAG));
    }
}

#[tokio::test]
async fn delete_is_200_also_for_one_who_deletes_late() {
    let routes = routes();
    let (path, _) = open(&routes).await;
    let delete = |bearer: &str| request("DELETE", &path, bearer).body(Body::empty()).unwrap();
    assert_eq!(problem(&routes, delete("")).await.0, 401);
    assert_eq!(problem(&routes, delete("wrong")).await.0, 403);
    for _ in 0..2 {
        assert_eq!(send(&routes, delete("right")).await.status(), StatusCode::OK);
    }
    let absent = format!("/live/session/{:032X}", 5);
    for path in [absent.as_str(), "/live/session/x"] {
        let request = request("DELETE", path, "right").body(Body::empty()).unwrap();
        assert_eq!(problem(&routes, request).await.0, 404);
    }
}

#[tokio::test]
async fn other_methods_are_as_the_rfc_has_them() {
    let routes = routes();
    let (session, _) = open(&routes).await;
    for path in [WHIP, "/live/whep/one", &session] {
        for method in ["GET", "HEAD"] {
            let response =
                send(&routes, request(method, path, "right").body(Body::empty()).unwrap()).await;
            assert_eq!(response.status(), StatusCode::NO_CONTENT, "{method} {path}");
            assert_eq!(text(response).await, "");
        }
        let (status, _) =
            problem(&routes, request("PUT", path, "").body(Body::empty()).unwrap()).await;
        assert_eq!(status, 405);
        let response =
            send(&routes, request("OPTIONS", path, "").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key(header::LINK), "nobody's credential");
        let headers = response.headers();
        let accepts = if path == session { "accept-patch" } else { "accept-post" };
        assert!(headers.contains_key(accepts));
        let allowed = headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap();
        assert!(allowed.contains("PATCH") && allowed.contains("DELETE"));
    }
}
