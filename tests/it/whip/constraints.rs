//! RFC 9725, sections 4.4 and 4.8: what an offer may have, and simulcast.

use super::*;

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
async fn s4_4_1_rtp_and_rtcp_share_the_port() {
    let stage = Stage::new().await;
    let (status, detail) = problem(stage.offered(OBS.replace("a=rtcp-mux\r\n", "")).await).await;
    assert!(status == 422 && detail.contains("rtcp-mux"), "{detail}");
}

/// One picture and one sound are one stream here, whatever the client calls them: a page may have
/// taken them from two captures.
#[tokio::test]
async fn s4_4_2_a_track_of_each_kind_makes_the_one_stream() {
    let stage = Stage::new().await;
    let (head, video) = OBS.split_once("m=video").unwrap();
    let other = format!("{head}m=video{}", video.replace("msid:obD5MaapEbIZB1kB", "msid:other"));
    for offer in [OBS.to_owned(), other, head.replace("BUNDLE 0 1", "BUNDLE 0")] {
        let response = stage.offered(offer).await;
        assert_eq!(response.status(), StatusCode::CREATED);
    }
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
async fn s4_4_4_each_dtls_role_is_answered_with_the_other() {
    let stage = Stage::new().await;
    let offers: [(&str, &[&str]); 3] = [
        ("actpass", &["active", "passive"]),
        ("active", &["passive"]),
        // ffmpeg's, although it is the client that should be able to begin.
        ("passive", &["active"]),
    ];
    for (offered, answers) in offers {
        let offer = OBS.replace("a=setup:actpass", &format!("a=setup:{offered}"));
        let answer = stage.offered(offer).await.text().await.unwrap();
        let setups: Vec<&str> =
            answer.lines().filter_map(|line| line.strip_prefix("a=setup:")).collect();
        assert!(!setups.is_empty(), "{answer}");
        assert!(setups.iter().all(|setup| answers.contains(setup)), "{offered}: {setups:?}");
    }
    for unfit in ["holdconn", "x"] {
        let offer = OBS.replace("a=setup:actpass", &format!("a=setup:{unfit}"));
        let (status, detail) = problem(stage.offered(offer).await).await;
        assert!(matches!(status, 400 | 422) && detail.contains("setup"), "{status} {detail}");
    }
}

/// Whoever may publish reaches the addresses that the answer names, or the server says at its start that
/// they do not (`tests/it/process.rs`): so it may be lite.
#[tokio::test]
async fn s4_4_5_the_server_is_ice_lite_and_takes_trickles_and_restarts() {
    let stage = Stage::new().await;
    let response = stage.publish().await;
    let (session, tag) = (header_of(&response, "location"), header_of(&response, "etag"));
    assert_eq!(header_of(&response, "accept-patch"), FRAGMENT);
    let answer = response.text().await.unwrap();
    // Of the whole session (RFC 8839, 5.3), and so before its first section.
    let (head, sections) = answer.split_once("\r\nm=").unwrap();
    assert_eq!(head.lines().filter(|line| *line == "a=ice-lite").count(), 1, "{answer}");
    assert!(!sections.contains("a=ice-lite"), "{answer}");
    assert!(answer.lines().any(|line| line == "a=ice-options:trickle"), "{answer}");

    assert_eq!(stage.patched(&session, Some(&tag), TRICKLE).await.status(), StatusCode::NO_CONTENT);
    let restarted = stage.patched(&session, Some("*"), RESTART).await;
    assert_eq!(restarted.status(), StatusCode::OK);
    let newer = header_of(&restarted, "etag");
    let fragment = restarted.text().await.unwrap();
    assert!(fragment.lines().any(|line| line == "a=ice-lite"), "{fragment}");
    let trickled = stage.patched(&session, Some(&newer), TRICKLE).await;
    assert_eq!(trickled.status(), StatusCode::NO_CONTENT);

    // The other side has to be full: of two that are lite nobody would check.
    let lite = OBS.replacen("a=ice-ufrag", "a=ice-lite\r\na=ice-ufrag", 1);
    let (status, detail) = problem(stage.offered(lite).await).await;
    assert!(status == 422 && detail.contains("full ICE"), "{status} {detail}");
}

const RIDS: &str = "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
    a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
    a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n";

/// OBS's offer with these lines in the section of the picture.
fn with_layers(lines: &str) -> String {
    let (head, video) = OBS.split_once("m=video").unwrap();
    let plain = video.lines().filter(|l| !l.starts_with("a=ssrc")).map(|l| format!("{l}\r\n"));
    format!("{head}m=video{}{lines}", plain.collect::<String>())
}

#[tokio::test]
async fn s4_8_a_simulcast_offer_is_answered_by_rid() {
    let stage = Stage::new().await;
    let layers = "a=rid:h send\r\na=rid:m send\r\na=rid:l send\r\na=simulcast:send h;m;l\r\n";
    let response = stage.offered(with_layers(&format!("{RIDS}{layers}"))).await;
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

/// RFC 8853, 5.3.2: a stream that is not wanted is left out, and simulcast as a whole where it
/// cannot be received.
#[tokio::test]
async fn s4_8_what_of_a_simulcast_is_not_taken_is_left_out_of_the_answer() {
    let stage = Stage::new().await;
    let six: String = (0..6).map(|n| format!("a=rid:{n} send\r\n")).collect();
    let six = format!("{RIDS}{six}a=simulcast:send 0;1;2;3;4;5\r\n");
    let answer = stage.offered(with_layers(&six)).await.text().await.unwrap();
    let simulcast = answer.lines().find_map(|line| line.strip_prefix("a=simulcast:recv "));
    let rids: Vec<&str> = simulcast.unwrap().split(';').collect();
    assert_eq!(rids.len(), 4, "{rids:?}");
    assert!(rids.iter().all(|rid| answer.contains(&format!("a=rid:{rid} recv"))), "{answer}");

    let layers = "a=rid:h send\r\na=rid:l send\r\n";
    for lines in [
        // Packets of which nothing says what they belong to.
        format!("{layers}a=simulcast:send h;l\r\n"),
        format!("{RIDS}{layers}"),
        format!("{RIDS}{layers}a=simulcast:send h;x\r\n"),
        format!("{RIDS}a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n"),
    ] {
        let response = stage.offered(with_layers(&lines)).await;
        assert_eq!(response.status(), StatusCode::CREATED, "{lines}");
        let answer = response.text().await.unwrap();
        assert!(!answer.contains("a=simulcast") && !answer.contains("a=rid"), "{answer}");
    }
}
