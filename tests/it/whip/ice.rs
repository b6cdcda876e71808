//! RFC 9725, section 4.3: the ICE session, its trickles and its restarts.

use super::*;

#[tokio::test]
async fn s4_3_1_a_patch_is_a_fragment_that_can_be_read() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    let other = stage.request("PATCH", &session).bearer_auth(&stage.token);
    let other = other.header(header::CONTENT_TYPE, SDP).header(header::IF_MATCH, &tag);
    let (status, detail) = problem(other.body(TRICKLE).send().await.unwrap()).await;
    assert!(status == 415 && detail.contains(FRAGMENT), "{detail}");
    for (body, status) in
        [("hello", 400), ("", 422), ("a=x\r\n", 422), ("a=candidate:1 1 udp\r\n", 422)]
    {
        let told = problem(stage.patched(&session, Some(&tag), body).await).await;
        assert_eq!(told.0, status, "{body}: {}", told.1);
    }
    let monster = "a=x\r\n".repeat(20_000);
    assert_eq!(problem(stage.patched(&session, Some(&tag), &monster).await).await.0, 413);
    assert_eq!(stage.patched(&session, Some(&tag), TRICKLE).await.status(), 204, "it goes on");
}

#[tokio::test]
async fn s4_3_1_each_ice_session_has_a_strong_entity_tag() {
    let stage = Stage::new().await;
    let (_, one) = stage.session().await;
    let (_, two) = stage.session().await;
    assert_ne!(one, two);
    for tag in [one, two] {
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
    }
    let response = stage.publish().await;
    assert_eq!(header_of(&response, "accept-patch"), FRAGMENT);
}

#[tokio::test]
async fn s4_3_1_a_missing_tag_is_428_and_another_412() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    let (status, detail) = problem(stage.patched(&session, None, TRICKLE).await).await;
    assert!(status == 428 && detail.contains("If-Match"), "{detail}");
    let weak = format!("W/{tag}");
    for stale in ["\"stale\"", "\"a\", \"b\"", weak.as_str()] {
        let (status, _) = problem(stage.patched(&session, Some(stale), TRICKLE).await).await;
        assert_eq!(status, 412, "{stale}");
    }
}

#[tokio::test]
async fn s4_3_1_delete_ignores_entity_tags() {
    let stage = Stage::new().await;
    let (session, _) = stage.session().await;
    let delete = stage.request("DELETE", &session).bearer_auth(&stage.token);
    let response = delete.header(header::IF_MATCH, "\"stale\"").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn s4_3_2_an_offer_needs_no_candidates_and_the_answer_has_all() {
    let stage = Stage::new().await;
    assert!(!OBS.contains("a=candidate"));
    let answer = stage.publish().await.text().await.unwrap();
    let port = stage.rushes.app().media.local_addr().port();
    let candidate = format!(" 127.0.0.1 {port} typ host");
    let candidates: Vec<&str> = answer.lines().filter(|l| l.starts_with("a=candidate")).collect();
    assert!(candidates.iter().any(|line| line.contains(&candidate)), "{answer}");
    assert!(answer.contains("a=end-of-candidates\r\n"), "none will follow: {answer}");
    assert!(answer.contains("a=ice-lite\r\n"), "{answer}");
    let with =
        OBS.replacen("a=mid:0\r\n", "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", 1);
    assert_eq!(stage.offered(with).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn s4_3_2_a_trickle_is_204_without_body_or_tag() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    let list = format!("\"other\", {tag}");
    for tag in [tag.as_str(), &list] {
        let response = stage.patched(&session, Some(tag), TRICKLE).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert!(!response.headers().contains_key(header::ETAG));
        assert_eq!(response.bytes().await.unwrap().len(), 0);
    }
}

#[tokio::test]
async fn s4_3_2_the_pseudo_section_of_a_fragment_is_taken() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    let value = |name: &str| OBS.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let (ufrag, pwd) = (value("a=ice-ufrag:"), value("a=ice-pwd:"));
    // simple-whip-client's, and that of RFC 8840, 4.4: with the credentials of the offer, in the
    // section or before it. That they are the offer's says that this is no restart.
    for body in [
        format!(
            "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
             a=candidate:1 1 UDP 2015363327 192.0.2.1 59007 typ host\r\na=end-of-candidates\r\n"
        ),
        format!(
            "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
             a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n\
             a=candidate:1 1 udp 2122260223 2001:db8::1 61764 typ host generation 0\r\n"
        ),
    ] {
        for tag in [tag.as_str(), "*"] {
            let response = stage.patched(&session, Some(tag), &body).await;
            assert_eq!(response.status(), StatusCode::NO_CONTENT, "{body}");
            assert!(!response.headers().contains_key(header::ETAG));
        }
    }
}

#[tokio::test]
async fn s4_3_2_a_candidate_that_cannot_be_used_is_passed_over() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    for candidate in [
        "1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
        "1 1 sctp 1 192.0.2.1 9 typ host",
        "1 1 udp 1 f3b2c1d0-0000-4000-8000-000000000000.local 9 typ host",
        "1 1 udp 1 no-such-host.invalid 9 typ host",
    ] {
        let body = format!("a=candidate:{candidate}\r\n{TRICKLE}");
        let response = stage.patched(&session, Some(&tag), &body).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{candidate}");
    }
}

#[tokio::test]
async fn s4_3_3_a_restart_is_200_with_new_credentials_and_a_new_tag() {
    let stage = Stage::new().await;
    let response = stage.publish().await;
    let (session, tag) = (header_of(&response, "location"), header_of(&response, "etag"));
    let answer = response.text().await.unwrap();
    let response = stage.patched(&session, Some("*"), RESTART).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header_of(&response, "content-type"), "application/trickle-ice-sdpfrag");
    let newer = header_of(&response, "etag");
    assert_ne!(newer, tag);
    let fragment = response.text().await.unwrap();
    for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
        let value = |text: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
            line.unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        assert_ne!(value(&fragment), value(&answer), "{name}");
    }
    assert!(fragment.contains("a=candidate:"), "{fragment}");
    // What the answer said of ICE besides the credentials still holds.
    for name in ["a=ice-lite", "a=ice-options:", "a=ice-pacing:"] {
        let of = |text: &str| text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        assert_eq!(of(&fragment), of(&answer), "{name}");
    }
    // What is said of the ICE session that is over counts no more.
    let stale = stage.patched(&session, Some(&tag), TRICKLE).await;
    assert_eq!(problem(stale).await.0, 412);
    let response = stage.patched(&session, Some(&newer), TRICKLE).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn s4_3_3_a_restart_that_cannot_be_done_leaves_the_session_as_it_is() {
    let stage = Stage::new().await;
    let (session, tag) = stage.session().await;
    let stale = stage.patched(&session, Some("\"stale\""), RESTART).await;
    assert_eq!(problem(stale).await.0, 412);
    let half = "a=ice-ufrag:another\r\n";
    assert_eq!(problem(stage.patched(&session, Some("*"), half).await).await.0, 422);
    assert_eq!(stage.patched(&session, Some(&tag), TRICKLE).await.status(), 204);
}

#[tokio::test]
async fn s4_3_3_of_restarts_that_overlap_one_is_the_last() {
    let stage = Stage::new().await;
    let (session, _) = stage.session().await;
    let restart = |n: u32| {
        let body = format!("a=ice-ufrag:nr{n:04}\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n");
        stage.patch(&session, Some("*"), body).send()
    };
    let answers = futures_util::future::join_all((0..8).map(restart)).await;
    let mut tags = std::collections::HashSet::new();
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(tags.insert(header_of(&answer, "etag")), "each has its own");
    }
    let mut current = 0;
    for tag in &tags {
        let status = stage.patched(&session, Some(tag), TRICKLE).await.status().as_u16();
        assert!(matches!(status, 204 | 412), "{status}");
        current += usize::from(status == 204);
    }
    assert_eq!(current, 1, "and one of them holds");
}
