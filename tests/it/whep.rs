//! WHEP as draft-ietf-wish-whep has it: a case for each sentence that binds a server, named after
//! what it is about. The core extensions (layers, server-sent events) are in a document of their own.

use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde_json::json;

use crate::live_stage::{SDP, Stage, VIEWER, WAIT, header_of, headers_of, problem};

mod session;

const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// The events of a body as they come.
struct Events {
    response: Response,
    rest: String,
}

impl Events {
    fn new(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header_of(&response, "content-type"), "text/event-stream");
        Self { response, rest: String::new() }
    }

    /// The type and the data of the next event; none at the end.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((message, rest)) = self.rest.split_once("\n\n") {
                let message = message.to_owned();
                self.rest = rest.to_owned();
                if let Some((event, data)) = message.split_once('\n') {
                    let event = event.strip_prefix("event: ").unwrap().to_owned();
                    return Some((event, data.strip_prefix("data: ").unwrap().to_owned()));
                }
                continue;
            }
            let piece = self.response.chunk().await.unwrap()?;
            self.rest.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

impl Stage {
    fn as_viewer(&self, method: &str, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(&self.admin.token)
    }

    /// A viewer that waits for a publisher.
    async fn waiting(&self) -> Response {
        let response = self.awaited(VIEWER).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        response
    }

    /// The same for any offer, which may be refused.
    async fn awaited(&self, offer: impl Into<String>) -> Response {
        self.awaits(&self.viewing(), &self.admin.token, offer).await
    }

    /// The address of a new event stream of a session.
    async fn event_stream(&self, session: &str, body: &str) -> String {
        let request = self.as_viewer("POST", &format!("{session}/events"));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let response = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        header_of(&response, "location")
    }

    /// Offers to view with the administrator's token.
    async fn viewed(&self, offer: impl Into<String>) -> Response {
        self.offer(&self.viewing(), Some(&self.admin.token), SDP, offer.into()).await
    }
}

#[tokio::test]
async fn setup_post_wants_application_sdp() {
    let stage = Stage::new().await;
    stage.publish().await;
    let (path, bearer) = (stage.viewing(), Some(stage.admin.token.as_str()));
    let (status, reason) = stage.refused(&path, bearer, "text/plain", VIEWER.to_owned()).await;
    assert!(status == 415 && reason.contains(SDP), "{reason}");
    assert_eq!(problem(stage.awaited("hello").await).await.0, 400);
}

#[tokio::test]
async fn setup_an_offer_is_answered_with_201_an_sdp_and_a_location() {
    let stage = Stage::new().await;
    stage.publish().await;
    let response = stage.awaited(VIEWER).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(header_of(&response, "content-type"), SDP);
    assert!(header_of(&response, "etag").starts_with('"'));
    let location = header_of(&response, "location");
    let answer = response.text().await.unwrap();
    assert!(answer.starts_with("v=0\r\n"), "{answer}");
    let session = stage.request("GET", &location).bearer_auth(&stage.admin.token);
    assert!(session.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn setup_the_offer_receives_and_the_answer_sends() {
    let stage = Stage::new().await;
    stage.publish().await;
    for direction in ["a=recvonly", "a=sendrecv"] {
        let response = stage.awaited(VIEWER.replace("a=recvonly", direction)).await;
        assert_eq!(response.status(), StatusCode::CREATED, "{direction}");
        let answer = response.text().await.unwrap();
        assert!(answer.contains("a=sendonly") && !answer.contains("a=sendrecv"), "{answer}");
    }
    for direction in ["a=sendonly", "a=inactive"] {
        let refused = stage.awaited(VIEWER.replace("a=recvonly", direction)).await;
        assert_eq!(problem(refused).await.0, 422, "{direction}");
    }
}

#[tokio::test]
async fn setup_no_error_looks_like_a_counter_offer() {
    let stage = Stage::new().await;
    stage.publish().await;
    let refused = stage.awaited(VIEWER.replace("H264/90000", "H266/90000")).await;
    let (status, _) = problem(refused).await;
    assert!(status != 406, "a player would answer it");
}

#[tokio::test]
async fn setup_without_a_publisher_it_is_409_with_a_time_to_try_again() {
    let stage = Stage::new().await;
    let (status, detail) = problem(stage.viewed(VIEWER).await).await;
    assert!(status == 409 && detail.contains("try again"), "{detail}");
}

#[tokio::test]
async fn setup_a_publisher_that_is_not_connected_is_none() {
    let stage = Stage::new().await;
    stage.publish().await;
    assert_eq!(stage.details().await["status"], "CONNECTING");
    let refused = stage.viewed(VIEWER).await;
    assert_eq!(header_of(&refused, "retry-after"), "2");
    let (status, detail) = problem(refused).await;
    assert!(status == 409 && detail.contains("try again"), "{detail}");
    let waits = stage.waiting().await;
    assert_eq!(header_of(&waits, "preference-applied"), WAIT);
}

#[tokio::test]
async fn termination_delete_ends_the_session() {
    let stage = Stage::new().await;
    stage.publish().await;
    let session = header_of(&stage.awaited(VIEWER).await, "location");
    let delete = stage.request("DELETE", &session).bearer_auth(&stage.admin.token);
    assert_eq!(delete.send().await.unwrap().status(), StatusCode::OK);
    let strange = stage.request("DELETE", &session).bearer_auth(&stage.token);
    assert_eq!(strange.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn termination_options_serve_cors_and_say_what_may_be_posted() {
    let stage = Stage::new().await;
    let preflight = stage
        .request("OPTIONS", &stage.viewing())
        .header("origin", "https://player.example.com")
        .header("access-control-request-method", "POST");
    let response = preflight.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header_of(&response, "accept-post"), SDP);
    assert_eq!(header_of(&response, "access-control-allow-origin"), "*");
}

#[tokio::test]
async fn authentication_a_bearer_token_is_wanted() {
    let stage = Stage::new().await;
    stage.publish().await;
    let response = stage.offer(&stage.viewing(), None, SDP, VIEWER.to_owned()).await;
    assert!(header_of(&response, "www-authenticate").starts_with("Bearer"));
    assert_eq!(problem(response).await.0, 401);
    let html = stage.request("POST", &stage.viewing()).bearer_auth(&stage.admin.token);
    let html = html.header(header::CONTENT_TYPE, SDP).header(header::ACCEPT, "text/html");
    assert_eq!(problem(html.body(VIEWER).send().await.unwrap()).await.0, 406);
}

#[tokio::test]
async fn setup_a_session_may_wait_for_its_publisher() {
    let stage = Stage::new().await;
    let response = stage.waiting().await;
    assert_eq!(header_of(&response, "preference-applied"), WAIT);
    let other = stage.as_viewer("POST", &stage.viewing()).header(header::CONTENT_TYPE, SDP);
    let other = other.header("prefer", "wait=10").body(VIEWER).send().await.unwrap();
    assert_eq!(problem(other).await.0, 409, "that is another preference");
}

#[tokio::test]
async fn extensions_are_announced_with_the_answer() {
    let stage = Stage::new().await;
    let response = stage.waiting().await;
    let session = header_of(&response, "location");
    let layer = format!("<{session}/layer>; rel=\"urn:ietf:params:whep:ext:core:layer\"");
    let events = format!(
        "<{session}/events>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; \
         events=\"active,inactive,layers,viewercount,reconnect\""
    );
    assert_eq!(headers_of(&response, "link"), [layer, events]);
}

#[tokio::test]
async fn events_a_stream_tells_what_was_asked_for_and_ends_with_its_deletion() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    let path = stage.event_stream(&session, r#"["viewercount", "active", "inactive"]"#).await;
    // As an EventSource does: without a token, by the name alone.
    let mut events = Events::new(stage.request("GET", &path).send().await.unwrap());
    let (event, data) = events.next().await.unwrap();
    assert_eq!((event.as_str(), data.as_str()), ("viewercount", r#"{"viewercount":0}"#));
    let deleted = stage.request("DELETE", &path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::OK);
    assert_eq!(events.next().await, None, "no inactive, where nobody was active");
    let again = stage.request("GET", &path).send().await.unwrap();
    assert_eq!(problem(again).await.0, 404);
}

#[tokio::test]
async fn events_end_with_their_session() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    let path = stage.event_stream(&session, "").await;
    let mut events = Events::new(stage.request("GET", &path).send().await.unwrap());
    assert_eq!(events.next().await.unwrap().0, "viewercount");
    let ended = stage.as_viewer("DELETE", &session).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::OK);
    assert_eq!(events.next().await, None);
    assert_eq!(problem(stage.request("GET", &path).send().await.unwrap()).await.0, 404);
    let late = stage.as_viewer("POST", &format!("{session}/layer")).json(&json!({}));
    assert_eq!(problem(late.send().await.unwrap()).await.0, 404);
}

#[tokio::test]
async fn events_are_for_the_sessions_owner_and_few() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    let path = format!("{session}/events");
    let nobody = stage.request("POST", &path).send().await.unwrap();
    assert_eq!(problem(nobody).await.0, 401);
    let other = stage.request("POST", &path).bearer_auth(&stage.token).send().await.unwrap();
    assert_eq!(problem(other).await.0, 403);
    let unknown = stage.as_viewer("POST", &path).json(&json!(["scte35"])).send().await.unwrap();
    let (status, detail) = problem(unknown).await;
    assert!(status == 422 && detail.contains("viewercount"), "{detail}");
    for _ in 0..4 {
        stage.event_stream(&session, "").await;
    }
    let fifth = stage.as_viewer("POST", &path).send().await.unwrap();
    assert_eq!(problem(fifth).await.0, 429);
    let publisher = stage.session().await.0;
    let none = stage.request("POST", &format!("{publisher}/events")).bearer_auth(&stage.token);
    assert_eq!(problem(none.send().await.unwrap()).await.0, 404, "a publisher has none");
}

#[tokio::test]
async fn events_a_server_that_ends_says_reconnect() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    let path = stage.event_stream(&session, r#"["reconnect"]"#).await;
    let mut events = Events::new(stage.request("GET", &path).send().await.unwrap());
    let delete = stage.as_viewer("DELETE", &session);
    let offer = stage.as_viewer("POST", &stage.viewing()).header(header::CONTENT_TYPE, SDP);
    let (ended, ()) = tokio::join!(stage.rushes.server.shutdown(), async {
        assert_eq!(events.next().await, Some(("reconnect".to_owned(), "{}".to_owned())));
        assert_eq!(events.next().await, None);
        // Who comes now is told when to come again.
        let refused = offer.body(VIEWER).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
        // It leaves while HTTP still answers, and the server need not wait for it.
        assert_eq!(delete.send().await.unwrap().status(), StatusCode::OK);
    });
    ended.unwrap();
}

#[tokio::test]
async fn layers_are_chosen_by_the_sessions_owner() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    let path = format!("{session}/layer");
    let choose = |body: serde_json::Value| stage.as_viewer("POST", &path).json(&body).send();
    for automatic in [json!({}), json!({ "maxHeight": 360 })] {
        assert_eq!(choose(automatic).await.unwrap().status(), StatusCode::OK);
    }
    let (status, detail) = problem(choose(json!({ "rid": "h" })).await.unwrap()).await;
    assert!(status == 422 && detail.contains("layers"), "{detail}");
    let scalable = choose(json!({ "spatialLayerId": 1 })).await.unwrap();
    assert_eq!(problem(scalable).await.0, 422);
    assert_eq!(problem(choose(json!([])).await.unwrap()).await.0, 400);
    let text = stage.as_viewer("POST", &path).body("{}").send().await.unwrap();
    assert_eq!(problem(text).await.0, 415);
    let other = stage.request("POST", &path).bearer_auth(&stage.token).json(&json!({}));
    assert_eq!(problem(other.send().await.unwrap()).await.0, 403);
}
