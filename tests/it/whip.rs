//! WHIP as RFC 9725 has it: a case for each sentence of sections 4.1 to 4.9 that binds a server,
//! named after its section. What happens on the media path (consent, DTLS) is shown in
//! `media/tests` and `tests/interop`.

use reqwest::{RequestBuilder, Response, StatusCode, header};

use crate::live_stage::{OBS, SDP, Stage, header_of, headers_of, problem};

mod constraints;
mod ice;
mod serving;

const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const TRICKLE: &str = "a=mid:0\r\n\
    a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag nS4M\r\n\
    a=end-of-candidates\r\n";

impl Stage {
    /// Offers with the registration's token.
    async fn offered(&self, offer: impl Into<String>) -> Response {
        self.offer(&self.path, Some(&self.token), SDP, offer.into()).await
    }

    fn patch(&self, session: &str, tag: Option<&str>, body: impl Into<String>) -> RequestBuilder {
        let request = self.request("PATCH", session).bearer_auth(&self.token);
        let request = request.header(header::CONTENT_TYPE, FRAGMENT).body(body.into());
        if let Some(tag) = tag { request.header(header::IF_MATCH, tag) } else { request }
    }

    async fn patched(&self, session: &str, tag: Option<&str>, body: &str) -> Response {
        self.patch(session, tag, body).send().await.unwrap()
    }
}

#[tokio::test]
async fn s4_1_get_and_head_succeed_and_are_empty() {
    let stage = Stage::new().await;
    let (session, _) = stage.session().await;
    for path in [&stage.path, &session] {
        for method in ["GET", "HEAD"] {
            let request = stage.request(method, path).bearer_auth(&stage.token);
            let response = request.send().await.unwrap();
            assert!(response.status().is_success(), "{method} {path}");
            assert_eq!(response.bytes().await.unwrap().len(), 0);
        }
    }
}

#[tokio::test]
async fn s4_1_errors_say_what_to_change() {
    let stage = Stage::new().await;
    let (status, detail) = problem(stage.offered("").await).await;
    assert!(status == 400 && detail.contains("SDP"), "{detail}");
    let monster = format!("{OBS}{}", "a=x\r\n".repeat(210_000));
    let (status, detail) = problem(stage.offered(monster).await).await;
    assert!(status == 413 && detail.contains("65536"), "{detail}");
    let html = stage.request("POST", &stage.path).bearer_auth(&stage.token);
    let html = html.header(header::CONTENT_TYPE, SDP).header(header::ACCEPT, "text/html");
    let (status, detail) = problem(html.body(OBS).send().await.unwrap()).await;
    assert!(status == 406 && detail.contains(SDP), "{detail}");
    assert_eq!(stage.details().await["status"], "WAITING");
}

#[tokio::test]
async fn s4_1_methods_without_a_meaning_are_told_which_have_one() {
    let stage = Stage::new().await;
    let (session, _) = stage.session().await;
    let methods = [
        (&stage.path, vec!["PUT", "PATCH", "DELETE"], "POST"),
        (&session, vec!["PUT", "POST"], "PATCH"),
    ];
    for (path, refused, allowed) in methods {
        for method in refused {
            let response = stage.request(method, path).bearer_auth(&stage.token).send().await;
            let response = response.unwrap();
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert!(header_of(&response, "allow").contains(allowed));
            problem(response).await;
        }
    }
}

#[tokio::test]
async fn s4_1_no_path_is_answered_with_a_redirect() {
    let stage = Stage::new().await;
    let (session, _) = stage.session().await;
    for path in [format!("{}/", stage.path), format!("{session}/"), "/live/session/".to_owned()] {
        for method in ["POST", "PATCH", "DELETE", "GET"] {
            let request = stage.request(method, &path).bearer_auth(&stage.token);
            let response = request.body(OBS).send().await.unwrap();
            assert_eq!(response.url().path(), path, "{method}: nobody was sent elsewhere");
            assert_ne!(response.status(), StatusCode::CREATED, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn s4_2_post_wants_application_sdp() {
    let stage = Stage::new().await;
    let bearer = Some(stage.token.as_str());
    for kind in ["text/plain", "application/json", "application/sdpx"] {
        let (status, reason) = stage.refused(&stage.path, bearer, kind, OBS.to_owned()).await;
        assert!(status == 415 && reason.contains(SDP), "{reason}");
    }
    let kind = "Application/SDP; charset=utf-8";
    let response = stage.offer(&stage.path, bearer, kind, OBS.to_owned()).await;
    assert_eq!(response.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn s4_2_an_offer_is_answered_with_201_an_sdp_and_a_location() {
    let stage = Stage::new().await;
    let response = stage.publish().await;
    assert_eq!(header_of(&response, "content-type"), SDP);
    let location = header_of(&response, "location");
    let answer = response.text().await.unwrap();
    assert!(answer.starts_with("v=0\r\n"), "{answer}");
    let session = stage.request("GET", &location).bearer_auth(&stage.token).send().await.unwrap();
    assert!(session.status().is_success(), "the location is the session's");
}

#[tokio::test]
async fn s4_2_a_malformed_offer_is_a_client_error() {
    let stage = Stage::new().await;
    let (head, _) = OBS.split_once("m=audio").unwrap();
    let offers = [
        ("hello".to_owned(), 400),
        ("v=0".to_owned(), 422),
        (head.to_owned(), 422),
        (OBS.replace("a=fingerprint", "a=x-fingerprint"), 400),
        (OBS.replace("a=ice-ufrag", "a=x-ice-ufrag"), 400),
    ];
    for (offer, expected) in offers {
        assert_eq!(problem(stage.offered(offer).await).await.0, expected);
    }
}

#[tokio::test]
async fn s4_2_the_offer_sends_and_the_answer_receives() {
    let stage = Stage::new().await;
    for direction in ["a=sendonly", "a=sendrecv"] {
        let response = stage.offered(OBS.replace("a=sendonly", direction)).await;
        assert_eq!(response.status(), StatusCode::CREATED, "{direction}");
        let answer = response.text().await.unwrap();
        assert_eq!(answer.matches("a=recvonly\r\n").count(), 2, "{answer}");
        assert!(!answer.contains("a=sendrecv") && !answer.contains("a=sendonly"));
    }
    for direction in ["a=recvonly", "a=inactive"] {
        let (status, _) = problem(stage.offered(OBS.replace("a=sendonly", direction)).await).await;
        assert_eq!(status, 422, "{direction}");
    }
}

#[tokio::test]
async fn s4_2_a_session_that_was_never_connected_is_replaced_and_not_joined() {
    let stage = Stage::new().await;
    let (first, _) = stage.session().await;
    let (second, tag) = stage.session().await;
    assert_ne!(first, second);
    for session in [&second, &first] {
        assert_eq!(stage.patched(session, Some("*"), TRICKLE).await.status(), 204);
    }
    let delete = stage.request("DELETE", &first).bearer_auth(&stage.token).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::OK);
    assert_eq!(stage.patched(&second, Some(&tag), TRICKLE).await.status(), 204, "it is its own");
}

#[tokio::test]
async fn s4_2_a_session_that_ended_takes_nothing_more() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    let delete = stage.request("DELETE", &session).bearer_auth(&stage.token).send().await.unwrap();
    assert_eq!((delete.status(), delete.bytes().await.unwrap().len()), (StatusCode::OK, 0));
    assert_eq!(problem(stage.patched(&session, Some(&tag), TRICKLE).await).await.0, 404);
    let restart = "a=ice-ufrag:another\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";
    assert_eq!(problem(stage.patched(&session, Some("*"), restart).await).await.0, 404);
}

#[tokio::test]
async fn s4_2_delete_ends_the_session() {
    let stage = Stage::new().await;
    let (session, _) = stage.session().await;
    assert_eq!(stage.details().await["status"], "CONNECTING");
    for _ in 0..2 {
        let delete = stage.request("DELETE", &session).bearer_auth(&stage.token).send().await;
        assert_eq!(delete.unwrap().status(), StatusCode::OK, "again: clients repeat it");
    }
    assert_eq!(stage.details().await["status"], "WAITING");
    let absent = format!("/live/session/{:032X}", 5);
    for path in [absent.as_str(), "/live/session/x"] {
        let delete = stage.request("DELETE", path).bearer_auth(&stage.token).send().await;
        assert_eq!(problem(delete.unwrap()).await.0, 404);
    }
}

#[tokio::test]
async fn s4_2_options_serve_cors_and_say_what_may_be_posted() {
    let stage = Stage::new().await;
    let (session, _) = stage.session().await;
    for (path, accepts, kind) in
        [(&stage.path, "accept-post", SDP), (&session, "accept-patch", FRAGMENT)]
    {
        let preflight = stage
            .request("OPTIONS", path)
            .header("origin", "https://studio.example.com")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        let response = preflight.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "no token: a preflight has none");
        assert_eq!(header_of(&response, accepts), kind);
        assert_eq!(header_of(&response, "access-control-allow-origin"), "*");
        for method in ["POST", "PATCH", "DELETE"] {
            assert!(header_of(&response, "access-control-allow-methods").contains(method));
        }
        for name in ["authorization", "content-type", "if-match"] {
            assert!(header_of(&response, "access-control-allow-headers").contains(name));
        }
    }
    let response = stage.publish().await;
    for name in ["location", "link", "etag"] {
        assert!(header_of(&response, "access-control-expose-headers").contains(name));
    }
    let refused = stage.request("POST", &stage.path).send().await.unwrap();
    assert_eq!(header_of(&refused, "access-control-allow-origin"), "*", "errors can be read, too");
}
