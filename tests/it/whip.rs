//! WHIP as RFC 9725 has it: a case for each sentence of sections 4.1 to 4.9 that binds a server,
//! named after its section. What happens on the media path (consent, DTLS) is shown in
//! `media/tests` and `tests/interop`.

use reqwest::{RequestBuilder, Response, StatusCode, header};
use rushes::rpc::Rate;

use crate::live_stage::{OBS, SDP, Stage, header_of, headers_of, problem};

const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
mod ice;

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

#[tokio::test]
async fn s4_4_1_all_media_is_in_one_bundle() {
    let stage = Stage::new().await;
    let answer = stage.publish().await.text().await.unwrap();
    assert!(answer.contains("a=group:BUNDLE 0 1\r\n"), "{answer}");
    assert_eq!(answer.matches("a=rtcp-mux\r\n").count(), 2, "{answer}");
    assert_eq!(answer.matches("a=rtcp-mux-only\r\n").count(), 2, "{answer}");
    let (status, _) =
        problem(stage.offered(OBS.replace("a=group:BUNDLE", "a=group:X")).await).await;
    assert_eq!(status, 422, "media on two ports is not served");
}

#[tokio::test]
async fn s4_4_2_two_tracks_of_a_kind_are_refused() {
    let stage = Stage::new().await;
    let at = OBS.find("m=video").unwrap();
    let second = OBS[at..].replace("a=mid:1", "a=mid:2").replace("1325206234", "1325206235");
    let offer = OBS.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + &second;
    let (status, detail) = problem(stage.offered(offer).await).await;
    assert!(matches!(status, 400 | 422) && detail.contains("video"), "{status} {detail}");
}

#[tokio::test]
async fn s4_4_3_an_offer_is_taken_whole_or_not_at_all() {
    let stage = Stage::new().await;
    let (status, detail) =
        problem(stage.offered(OBS.replace("opus/48000", "ilbc/8000")).await).await;
    assert!(matches!(status, 400 | 422) && detail.contains("Opus"), "{status} {detail}");
    let (status, detail) =
        problem(stage.offered(OBS.replace("H264/90000", "H266/90000")).await).await;
    assert!(matches!(status, 400 | 422) && detail.contains("VP8"), "{status} {detail}");
    let answer = stage.publish().await.text().await.unwrap();
    assert!(!answer.contains("m=audio 0 ") && !answer.contains("m=video 0 "), "{answer}");
    assert_eq!(stage.details().await["status"], "CONNECTING");
}

#[tokio::test]
async fn s4_4_4_a_client_may_take_the_active_role_alone() {
    let stage = Stage::new().await;
    let offers = [("actpass", ["active", "passive"]), ("active", ["passive", "passive"])];
    for (offered, answers) in offers {
        let offer = OBS.replace("a=setup:actpass", &format!("a=setup:{offered}"));
        let answer = stage.offered(offer).await.text().await.unwrap();
        let setup = answer.lines().find_map(|line| line.strip_prefix("a=setup:")).unwrap();
        assert!(answers.contains(&setup), "{offered}: {setup}");
    }
}

#[tokio::test]
async fn s4_5_a_full_server_says_when_to_try_again() {
    let stage = Stage::with(|config| config.limits.sessions = 1).await;
    let (session, _) = stage.session().await;
    let (status, detail) = problem(stage.offered(OBS).await).await;
    assert!(status == 503 && detail.contains("try again"), "{detail}");
    let delete = stage.request("DELETE", &session).bearer_auth(&stage.token).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::OK);
    assert_eq!(stage.offered(OBS).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn s4_5_a_server_that_ends_says_when_to_try_again() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    stage.rushes.app().draining.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(problem(stage.offered(OBS).await).await.0, 503);
    assert_eq!(stage.patched(&session, Some(&tag), TRICKLE).await.status(), 204, "who is in stays");
}

fn with_turn(config: &mut rushes::config::Config) {
    let urls = ["stun:stun.example.com", "turn:turn.example.com:3478?transport=udp"];
    config.ice_servers = urls.map(|url| url.parse().unwrap()).to_vec();
    config.turn_secret = "north".parse().ok();
}

/// The password of the TURN server in some `Link` headers, after a look at their form.
fn turn(links: &[String]) -> Option<String> {
    let link = links.iter().find(|link| link.starts_with("<turn:"))?;
    assert!(link.starts_with("<turn:turn.example.com:3478?transport=udp>; rel=\"ice-server\"; "));
    assert!(link.ends_with("; credential-type=\"password\""), "{link}");
    assert!(!link.contains("north"));
    let user = link.split("username=\"").nth(1).unwrap().split('"').next().unwrap();
    let expiry: i64 = user.split(':').next().unwrap().parse().unwrap();
    assert!(expiry > rushes::time::Millis::now().0 / 1000, "{user}");
    link.split("credential=\"").nth(1).unwrap().split('"').next().map(str::to_owned)
}

#[tokio::test]
async fn s4_6_ice_servers_are_told_with_the_answer() {
    let stage = Stage::with(with_turn).await;
    let links = headers_of(&stage.publish().await, "link");
    assert_eq!(links[0], "<stun:stun.example.com>; rel=\"ice-server\"");
    assert_eq!(turn(&links).unwrap().len(), 28, "base64 of twenty bytes");
}

#[tokio::test]
async fn s4_6_options_tell_ice_servers_to_those_who_may_publish_and_to_no_preflight() {
    let stage = Stage::with(with_turn).await;
    let options = || stage.request("OPTIONS", &stage.path);
    let preflight = options()
        .bearer_auth(&stage.token)
        .header("origin", "https://studio.example.com")
        .header("access-control-request-method", "POST");
    let right = options().bearer_auth(&stage.token);
    for (request, told) in [
        (right, true),
        (options(), false),
        (options().bearer_auth("F".repeat(64)), false),
        (preflight, false),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(turn(&headers_of(&response, "link")).is_some(), told);
    }
    assert_eq!(stage.details().await["status"], "WAITING", "nothing was opened");
}

#[tokio::test]
async fn s4_7_a_bearer_token_is_wanted() {
    let stage = Stage::new().await;
    let offer =
        |bearer: Option<&'static str>| stage.offer(&stage.path, bearer, SDP, OBS.to_owned());
    for bearer in [None, Some("x"), Some("not-a-token")] {
        let response = offer(bearer).await;
        assert!(header_of(&response, "www-authenticate").starts_with("Bearer"));
        assert_eq!(problem(response).await.0, 401);
    }
    let basic = stage.request("POST", &stage.path).header(header::CONTENT_TYPE, SDP);
    let basic = basic.header(header::AUTHORIZATION, "Basic eDp5").body(OBS);
    assert_eq!(problem(basic.send().await.unwrap()).await.0, 401);
}

#[tokio::test]
async fn s4_7_a_session_wants_the_token_that_opened_it() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    assert!(session.starts_with("/live/session/") && session.len() >= 14 + 32, "{session}");
    for method in ["PATCH", "DELETE", "GET"] {
        let request = || {
            let request = stage.request(method, &session).header(header::CONTENT_TYPE, FRAGMENT);
            request.header(header::IF_MATCH, &tag).body(TRICKLE)
        };
        assert_eq!(request().send().await.unwrap().status(), 401, "{method}");
        let other = request().bearer_auth(&stage.admin.token).send().await.unwrap();
        assert_eq!(other.status(), 403, "{method}");
    }
    assert_eq!(stage.patched(&session, Some(&tag), TRICKLE).await.status(), 204);
}

#[tokio::test]
async fn s4_8_a_simulcast_offer_is_answered_by_rid() {
    let stage = Stage::new().await;
    let (head, video) = OBS.split_once("m=video").unwrap();
    let plain = video.lines().filter(|l| !l.starts_with("a=ssrc")).map(|l| format!("{l}\r\n"));
    let video: String = plain.collect();
    let offer = format!(
        "{head}m=video{video}a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
         a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
         a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
         a=rid:h send\r\na=rid:m send\r\na=rid:l send\r\na=simulcast:send h;m;l\r\n"
    );
    let response = stage.offered(offer).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let answer = response.text().await.unwrap();
    for rid in ["h", "m", "l"] {
        assert!(answer.contains(&format!("a=rid:{rid} recv")), "{answer}");
    }
    let simulcast = answer.lines().find_map(|line| line.strip_prefix("a=simulcast:recv "));
    let mut rids: Vec<&str> = simulcast.unwrap().split(';').collect();
    rids.sort_unstable();
    assert_eq!(rids, ["h", "l", "m"]);
}

#[tokio::test]
async fn s4_9_only_extensions_that_there_are_are_announced() {
    let stage = Stage::with(with_turn).await;
    for link in headers_of(&stage.publish().await, "link") {
        assert!(link.contains("rel=\"ice-server\""), "WHIP has no other here: {link}");
    }
}

#[tokio::test]
async fn s5_offers_are_limited_by_token() {
    let two = Rate { per_second: 0.01, burst: 2.0 };
    let stage = Stage::with(|config| config.limits.publish = two).await;
    for _ in 0..2 {
        assert_eq!(stage.offered(OBS).await.status(), StatusCode::CREATED);
    }
    let response = stage.offered(OBS).await;
    let after: u32 = header_of(&response, "retry-after").parse().unwrap();
    assert!((90..=100).contains(&after), "{after}");
    let (status, detail) = problem(response).await;
    assert!(status == 429 && detail.contains("with this token"), "{detail}");
    let admin = stage.offer(&stage.path, Some(&stage.admin.token), SDP, OBS.to_owned()).await;
    assert_eq!(admin.status(), StatusCode::CREATED, "others are not affected");
}

#[tokio::test]
async fn s5_requests_to_a_session_are_limited() {
    let two = Rate { per_second: 0.01, burst: 2.0 };
    let stage = Stage::with(|config| config.limits.session = two).await;
    let (session, tag) = stage.session().await;
    for _ in 0..2 {
        assert_eq!(stage.patched(&session, Some(&tag), TRICKLE).await.status(), 204);
    }
    let (status, detail) = problem(stage.patched(&session, Some(&tag), TRICKLE).await).await;
    assert!(status == 429 && detail.contains("to this session"), "{detail}");
    let delete = stage.request("DELETE", &session).bearer_auth(&stage.token).send().await.unwrap();
    assert_eq!(problem(delete).await.0, 429);
    let (other, tag) = stage.session().await;
    assert_eq!(stage.patched(&other, Some(&tag), TRICKLE).await.status(), 204);
}

#[tokio::test]
async fn s5_session_urls_cannot_be_guessed() {
    let stage = Stage::new().await;
    let mut names = std::collections::HashSet::new();
    for _ in 0..8 {
        let (session, _) = stage.session().await;
        let name = session.rsplit('/').next().unwrap().to_owned();
        assert_eq!(name.len(), 32, "128 bits: {name}");
        assert!(names.insert(name));
    }
    // No two share more than chance would have them share.
    let names: Vec<String> = names.into_iter().collect();
    for (one, other) in names.iter().zip(&names[1..]) {
        let same = one.chars().zip(other.chars()).filter(|(a, b)| a == b).count();
        assert!(same < 16, "{one} {other}");
    }
}
