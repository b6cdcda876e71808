//! What a session is made of, how it is found, restarted and refused.

use super::*;

impl Stage {
    fn as_viewer_patches(&self, session: &str, tag: Option<&str>, body: &str) -> RequestBuilder {
        let request = self.as_viewer("PATCH", session).header(header::CONTENT_TYPE, FRAGMENT);
        let request = request.body(body.to_owned());
        if let Some(tag) = tag { request.header(header::IF_MATCH, tag) } else { request }
    }

    async fn patched_by_viewer(&self, session: &str, tag: Option<&str>, body: &str) -> Response {
        self.as_viewer_patches(session, tag, body).send().await.unwrap()
    }
}

const TRICKLE: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:video0\r\n\
    a=candidate:1 1 UDP 2015363327 192.0.2.1 59615 typ host\r\n\
    a=candidate:2 1 TCP 1015021823 192.0.2.1 9 typ host tcptype active\r\n\
    a=candidate:3 1 udp 1 no-such-host.invalid 9 typ host\r\n\
    a=end-of-candidates\r\n";

#[tokio::test]
async fn http_get_and_head_succeed_and_are_empty() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    let (layer, events) = (format!("{session}/layer"), format!("{session}/events"));
    for path in [&stage.viewing(), &session, &layer, &events] {
        for method in ["GET", "HEAD"] {
            let response = stage.as_viewer(method, path).send().await.unwrap();
            assert!(response.status().is_success(), "{method} {path}: {}", response.status());
            assert_eq!(response.bytes().await.unwrap().len(), 0);
        }
        let put = stage.as_viewer("PUT", path).send().await.unwrap();
        assert!(header_of(&put, "allow").contains("OPTIONS"));
        assert_eq!(problem(put).await.0, 405);
    }
}

#[tokio::test]
async fn http_every_resource_answers_a_preflight() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    let stream = stage.event_stream(&session, "").await;
    for (path, accepts) in [
        (stage.viewing(), Some(("accept-post", SDP))),
        (session.clone(), Some(("accept-patch", FRAGMENT))),
        (format!("{session}/layer"), Some(("accept-post", "application/json"))),
        (format!("{session}/events"), Some(("accept-post", "application/json"))),
        (stream, None),
    ] {
        let preflight = stage
            .request("OPTIONS", &path)
            .header("origin", "https://player.example.com")
            .header("access-control-request-method", "POST");
        let response = preflight.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header_of(&response, "access-control-allow-origin"), "*");
        for name in ["authorization", "content-type", "if-match", "prefer", "last-event-id"] {
            let allowed = header_of(&response, "access-control-allow-headers");
            assert!(allowed.contains(name), "{allowed}");
        }
        if let Some((name, kind)) = accepts {
            assert_eq!(header_of(&response, name), kind, "{path}");
        }
    }
}

#[tokio::test]
async fn constraints_all_media_is_one_bundle_and_one_media_stream() {
    let stage = Stage::new().await;
    let answer = stage.waiting().await.text().await.unwrap();
    assert!(answer.contains("a=group:BUNDLE video0 audio1\r\n"), "{answer}");
    for line in ["a=rtcp-mux\r\n", "a=rtcp-mux-only\r\n", "a=end-of-candidates\r\n"] {
        assert_eq!(answer.matches(line).count(), 2, "{line}: {answer}");
    }
    let msids: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("a=msid:")).collect();
    assert_eq!(msids.len(), 2, "{answer}");
    assert!(msids.iter().all(|msid| msid.split(' ').next() == Some("rushes")), "{msids:?}");
    let refused = stage.viewed(VIEWER.replace("a=group:BUNDLE", "a=group:X")).await;
    // Nobody publishes: what is wrong with the offer is said all the same when somebody does.
    assert_eq!(problem(refused).await.0, 409);
    stage.publish().await;
    let refused = stage.awaited(VIEWER.replace("a=group:BUNDLE", "a=group:X")).await;
    assert_eq!(problem(refused).await.0, 422);
}

/// GStreamer's whepclientsrc: its second section has port 0 and is `bundle-only`, its Opus has no
/// channels, its H.264 no packetization-mode, and its own candidates are TCP and IPv6 as well.
#[tokio::test]
async fn setup_the_offer_of_gstreamers_player_is_taken_whole() {
    assert!(VIEWER.contains("m=audio 0 ") && VIEWER.contains("a=bundle-only"));
    assert!(VIEWER.contains("OPUS/48000\n") || VIEWER.contains("OPUS/48000\r\n"));
    assert!(VIEWER.contains("a=fmtp:96 profile-level-id=42e016"));
    let stage = Stage::new().await;
    stage.publish().await;
    let answer = stage.awaited(VIEWER).await.text().await.unwrap();
    assert!(answer.contains("m=video 9 UDP/TLS/RTP/SAVPF 96"), "{answer}");
    assert!(answer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 97"), "{answer}");
    assert!(answer.contains("a=fmtp:96 profile-level-id=42e016\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:97 opus/48000/2\r\n"), "{answer}");
}

#[tokio::test]
async fn ice_an_offer_without_candidates_is_answered_with_all_of_the_servers() {
    let stage = Stage::new().await;
    stage.publish().await;
    let bare = VIEWER
        .lines()
        .filter(|l| !l.starts_with("a=candidate") && !l.starts_with("a=end-of-candidates"));
    let bare: String = bare.flat_map(|line| [line, "\r\n"]).collect();
    let answer = stage.awaited(bare).await.text().await.unwrap();
    let port = stage.rushes.app().media.local_addr().port();
    assert!(answer.contains(&format!(" 127.0.0.1 {port} typ host")), "{answer}");
    assert!(answer.contains("a=end-of-candidates\r\n") && answer.contains("a=ice-lite\r\n"));
}

#[tokio::test]
async fn ice_a_trickle_is_204_and_what_is_wrong_with_one_is_said() {
    let stage = Stage::new().await;
    let response = stage.waiting().await;
    let (session, tag) = (header_of(&response, "location"), header_of(&response, "etag"));
    let taken = stage.patched_by_viewer(&session, Some(&tag), TRICKLE).await;
    assert_eq!(taken.status(), StatusCode::NO_CONTENT);
    assert!(!taken.headers().contains_key(header::ETAG));
    for (tag, body, status) in [
        (None, TRICKLE, 428),
        (Some("\"stale\""), TRICKLE, 412),
        (Some(tag.as_str()), "hello", 400),
        (Some(tag.as_str()), "a=ice-ufrag:another\r\n", 422),
    ] {
        let refused = stage.patched_by_viewer(&session, tag, body).await;
        assert_eq!(problem(refused).await.0, status, "{body}");
    }
    let sdp = stage.as_viewer("PATCH", &session).header(header::CONTENT_TYPE, SDP);
    let sdp = sdp.header(header::IF_MATCH, &tag).body(TRICKLE).send().await.unwrap();
    assert_eq!(problem(sdp).await.0, 415);
    let taken = stage.patched_by_viewer(&session, Some(&tag), TRICKLE).await;
    assert_eq!(taken.status(), StatusCode::NO_CONTENT, "the session goes on as it was");
}

#[tokio::test]
async fn ice_a_restart_is_answered_with_new_credentials_and_a_new_tag() {
    let stage = Stage::new().await;
    let response = stage.waiting().await;
    let (session, tag) = (header_of(&response, "location"), header_of(&response, "etag"));
    let patch = |tag: &str, body: &str| {
        let request = stage.as_viewer("PATCH", &session).header(header::CONTENT_TYPE, FRAGMENT);
        request.header(header::IF_MATCH, tag).body(body.to_owned()).send()
    };
    let restart = "a=ice-ufrag:another\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";
    let response = patch("\"*\"", restart).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header_of(&response, "content-type"), FRAGMENT);
    let new = header_of(&response, "etag");
    assert_ne!(new, tag);
    let fragment = response.text().await.unwrap();
    for part in ["a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=ice-lite"] {
        assert!(fragment.contains(part), "{fragment}");
    }
    let trickle = "a=end-of-candidates\r\n";
    assert_eq!(problem(patch(&tag, trickle).await.unwrap()).await.0, 412, "that one is over");
    assert_eq!(patch(&new, trickle).await.unwrap().status(), StatusCode::NO_CONTENT);
    let third = "a=ice-ufrag:third\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";
    let response = patch(&new, third).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "new credentials are a restart, asterisk or not");
}

#[tokio::test]
async fn termination_delete_is_200_whatever_tag_it_has_and_however_often() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    for _ in 0..2 {
        let delete = stage.as_viewer("DELETE", &session).header(header::IF_MATCH, "\"stale\"");
        assert_eq!(delete.send().await.unwrap().status(), StatusCode::OK);
    }
    let restart = "a=ice-ufrag:another\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";
    let late = stage.patched_by_viewer(&session, Some("*"), restart).await;
    assert_eq!(problem(late).await.0, 404);
}

#[tokio::test]
async fn authentication_a_session_wants_the_token_that_opened_it() {
    let stage = Stage::new().await;
    let session = header_of(&stage.waiting().await, "location");
    for method in ["PATCH", "DELETE", "GET"] {
        let request = || stage.request(method, &session).header(header::CONTENT_TYPE, FRAGMENT);
        let nobody = request().header(header::IF_MATCH, "*").body(TRICKLE).send().await.unwrap();
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{method}");
        let other = request().bearer_auth(&stage.token).header(header::IF_MATCH, "*");
        let other = other.body(TRICKLE).send().await.unwrap();
        assert_eq!(other.status(), StatusCode::FORBIDDEN, "{method}");
    }
}

#[tokio::test]
async fn load_a_full_server_says_when_to_try_again() {
    let stage = Stage::with(|config| config.limits.sessions = 1).await;
    let session = header_of(&stage.waiting().await, "location");
    let refused = stage.viewed(VIEWER).await;
    let (status, detail) = problem(refused).await;
    assert!(status == 503 && detail.contains("try again"), "{detail}");
    let ended = stage.as_viewer("DELETE", &session).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::OK);
    stage.waiting().await;
}

#[tokio::test]
async fn load_who_asks_too_often_is_told_when_to_come_again() {
    let two = rushes::rpc::Rate { per_second: 0.01, burst: 2.0 };
    let stage = Stage::with(|config| config.limits.view = two).await;
    for _ in 0..2 {
        assert_eq!(problem(stage.viewed(VIEWER).await).await.0, 409);
    }
    let (status, detail) = problem(stage.viewed(VIEWER).await).await;
    assert!(status == 429 && detail.contains("with this token"), "{detail}");
}

#[tokio::test]
async fn turn_servers_are_told_with_the_answer() {
    let stage = Stage::with(|config| {
        config.ice_servers = vec!["turn:turn.example.com:3478".parse().unwrap()];
        config.turn_secret = "north".parse().ok();
    })
    .await;
    let links = headers_of(&stage.waiting().await, "link");
    let turn = links.iter().find(|link| link.starts_with("<turn:turn.example.com:3478>")).unwrap();
    assert!(turn.contains("rel=\"ice-server\"") && turn.contains("credential=\""), "{turn}");
    let two = links.iter().filter(|link| link.contains("urn:ietf:params:whep:ext:core:")).count();
    assert_eq!(two, 2, "beside the extensions: {links:?}");
}
