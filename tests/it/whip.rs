//! WHIP as RFC 9725 has it: a case for each sentence of sections 4.1 to 4.9 that binds a server,
//! named after its section. What happens on the media path is shown in `media/tests/loopback`,
//! `media/src/webrtc/tests` and `tests/interop`; of those the table names the file.
//!
//! | section | what it asks of a server | tests |
//! |---|---|---|
//! | 4.1 | GET succeeds and is empty; there is no representation | `s4_1_get_and_head_…`, `s4_1_methods_…` |
//! | 4.1 | problem details say what is wrong | `s4_1_errors_…`, and every [`problem`] |
//! | 4.2 | POST of `application/sdp`: 201, an answer, `Location`; else a 4XX | `s4_2_post_…`, `s4_2_an_offer_…`, `s4_2_a_malformed_…` |
//! | 4.2 | `sendonly` or `sendrecv` is answered with `recvonly` | `s4_2_the_offer_sends_…` |
//! | 4.2 | consent (RFC 7675) finds out who left without a word | loopback/expiry.rs `sessions_without_ice_end_…` |
//! | 4.2 | DTLS is torn down by either side | webrtc/tests/publishing.rs `a_publisher_is_told_goodbye_…`, interop/drain.rs |
//! | 4.2 | DELETE removes the session, and revokes consent at once | `s4_2_delete_…`, `s4_2_a_session_that_ended_…`, loopback/expiry.rs `a_session_that_was_deleted_answers_no_check` |
//! | 4.2 | OPTIONS serve CORS, with `Accept-Post` | `s4_2_options_…` |
//! | 4.2 | (no sentence: a second publisher, answered 201) | `s4_2_a_second_publisher_…`, `s4_2_a_session_that_was_never_connected_…`, interop/takeover.rs |
//! | 4.3.1 | PATCH: the fragment's type, strong tags, 428 and 412; DELETE ignores tags | `s4_3_1_…` |
//! | 4.3.2 | all candidates in the answer; a trickle is 204 without a tag; unusable candidates are passed over | `s4_3_2_…` |
//! | 4.3.3 | a restart is 200 with new credentials and a new tag; one that cannot be done ends nothing | `s4_3_3_a_restart_is_200_…`, `s4_3_3_a_restart_that_cannot_be_done_…`, loopback/publishing.rs |
//! | 4.3.3 | restarts out of order: the last one holds | `s4_3_3_of_restarts_that_overlap_…` |
//! | 4.3.3 | consent that expires after a failed restart ends the session | loopback/expiry.rs `s4_3_3_a_restart_that_is_never_completed_…` |
//! | 4.4.1 | one bundle, `rtcp-mux-only` | `s4_4_1_…` |
//! | 4.4.2 | what cannot be served of tracks and MediaStreams is 400 or 422 | `s4_4_2_…` |
//! | 4.4.3 | all of an offer or nothing | `s4_4_3_…` |
//! | 4.4.4 | `actpass` is answered with a role | `s4_4_4_…` |
//! | 4.4.5 | lite is allowed where every client reaches the address; trickles and restarts are optional | `s4_4_5_…` |
//! | 4.5 | no 301 or 302; 503 with `Retry-After` under load | `s4_5_…` |
//! | 4.6 | `Link` with STUN and TURN, on 201 and on OPTIONS that are no preflight | `s4_6_…` |
//! | 4.7 | bearers | `s4_7_…` |
//! | 4.8 | simulcast by RID | `s4_8_…`, webrtc/tests/publishing.rs |
//! | 4.9 | extensions are announced by `Link`; unknown ones are passed over | `s4_9_…` |
//! | 5 | limits, and addresses that cannot be guessed | `s5_…` |
//!
//! Of 4.4.2, `a=msid`: that all have one id is asked of clients. A server is to refuse as many
//! MediaStreams as it does not support, and this one supports two: a picture and a sound are one stream
//! here whatever their ids say (OBS names one, a page with two captures two, others none). Two tracks of
//! one kind it does not support, and refuses.

use reqwest::{RequestBuilder, Response, StatusCode, header};

use crate::live_stage::{OBS, SDP, Stage, header_of, headers_of, problem};

mod constraints;
mod ice;
mod serving;

const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const TRICKLE: &str = "a=mid:0\r\n\
    a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag nS4M\r\n\
    a=end-of-candidates\r\n";
const RESTART: &str = "a=ice-ufrag:another\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";

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

/// There is no 409: whoever may publish takes over, because who comes again after a crash must not wait
/// for a session that nobody ends. That viewers stay is shown in `tests/interop/takeover.rs`, with a
/// first publisher that is connected and sends.
#[tokio::test]
async fn s4_2_a_second_publisher_takes_over_and_is_not_in_conflict() {
    let stage = Stage::new().await;
    let mut sessions = Vec::new();
    // The registration's token, somebody's own, and the first one's again.
    for token in [&stage.token, &stage.admin.token, &stage.token] {
        let response = stage.offer(&stage.path, Some(token), SDP, OBS.to_owned()).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        sessions.push((header_of(&response, "location"), token));
        assert_eq!(stage.details().await["status"], "CONNECTING");
    }
    // Whoever was taken over from ends only what is its own.
    let [first, second, third] = &sessions[..] else { panic!("three of them") };
    for (session, token) in [first, second] {
        let delete = stage.request("DELETE", session).bearer_auth(token).send().await.unwrap();
        assert_eq!(delete.status(), StatusCode::OK);
        assert_eq!(stage.details().await["status"], "CONNECTING");
    }
    let delete = stage.request("DELETE", &third.0).bearer_auth(third.1).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::OK);
    assert_eq!(stage.details().await["status"], "WAITING");
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
    assert_eq!(problem(stage.patched(&session, Some("*"), RESTART).await).await.0, 404);
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
