//! Viewers' answers, by what is published.

use super::*;

/// GStreamer's offer with what a browser brings to estimate its bandwidth with.
fn estimating() -> String {
    GST_WHEP
        .replacen(
            "a=mid:video0",
            "a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\na=mid:video0",
            1,
        )
        .replacen("a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 nack pli", 1)
}

#[test]
fn who_can_be_sent_one_layer_alone_costs_no_estimator() {
    let single = source_of(OBS);
    assert!(single.single);
    let answer = viewed(&estimating(), &single);
    answer.lacks(0, "goog-remb");
    answer.lacks(0, "abs-send-time");
    // Of several layers, or of a publisher who is still to come, nothing is known.
    for source in [Source { single: false, ..single }, Source::default()] {
        let answer = viewed(&estimating(), &source);
        answer.section(0, &["a=rtcp-fb:96 goog-remb"]);
        assert!(answer.sections[0].contains("a=extmap:3 http"), "{}", answer.sections[0]);
    }
    let layers = "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
        a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
        a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n";
    assert!(!source_of(&format!("{OBS}{layers}")).single);
}
