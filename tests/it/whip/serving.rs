//! RFC 9725, sections 4.5 to 4.7, 4.9 and 5: load, STUN and TURN, who may, extensions, limits.

use rushes::rpc::Rate;

use super::*;

#[tokio::test]
async fn s4_5_a_full_server_says_when_to_try_again() {
    let stage = Stage::with(|config| config.limits.sessions = 1).await;
    let (session, _) = stage.session().await;
    let (status, detail) = problem(stage.offered(OBS).await).await;
    assert!(status == 503 && detail.contains("try again"), "{detail}");
    assert_eq!(problem(stage.offered("hello").await).await.0, 503, "before anything is read");
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

#[tokio::test]
async fn s4_5_no_path_is_answered_with_a_redirect() {
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
async fn s4_7_who_may_not_publish_is_told_so_or_finds_nothing() {
    let stage = Stage::new().await;
    let other = serde_json::json!({ "project_id": stage.project, "name": "B", "description": "" });
    let other = stage.ask("/create/live/registration/whip", other).await;
    let bearer = other["token"].as_str();
    let refused = stage.offer(&stage.path, bearer, SDP, OBS.to_owned()).await;
    let (status, detail) = problem(refused).await;
    assert!(status == 403 && detail.contains("another registration"), "{detail}");
    let stranger = stage.rushes.person("stranger").await;
    let refused = stage.offer(&stage.path, Some(&stranger.token), SDP, OBS.to_owned()).await;
    assert_eq!(problem(refused).await.0, 404);
    // The scheme has no case (RFC 9110, 11.1).
    let request = stage.request("POST", &stage.path).header(header::CONTENT_TYPE, SDP);
    let request = request.header(header::AUTHORIZATION, format!("bEARER {}", stage.token));
    assert_eq!(request.body(OBS).send().await.unwrap().status(), StatusCode::CREATED);
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
async fn s4_9_only_extensions_that_there_are_are_announced() {
    let stage = Stage::with(with_turn).await;
    for link in headers_of(&stage.publish().await, "link") {
        assert!(link.contains("rel=\"ice-server\""), "WHIP has no other here: {link}");
    }
}

#[tokio::test]
async fn s4_9_what_a_client_asks_for_beyond_the_protocol_is_passed_over() {
    let stage = Stage::new().await;
    let request = stage.request("POST", &stage.path).bearer_auth(&stage.token);
    let request = request
        .header(header::CONTENT_TYPE, SDP)
        .header(header::LINK, "<https://example.com/x>; rel=\"urn:ietf:params:whip:ext:x\"")
        .header("prefer", "respond-async, wait-for-publisher");
    let response = request.body(OBS).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert!(!response.headers().contains_key("preference-applied"), "that is a viewer's");
    let session = header_of(&response, "location");
    for extension in ["layer", "events"] {
        let path = format!("{session}/{extension}");
        let request = stage.request("POST", &path).bearer_auth(&stage.token);
        let answer = request.json(&serde_json::json!({})).send().await.unwrap();
        assert_eq!(problem(answer).await.0, 404, "a publisher has no {extension}");
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
