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

/// GStreamer's offer with six channels in it, as some `a=fmtp` has them.
fn with_six(format: &str) -> String {
    let six = format!("a=rtpmap:120 multiopus/48000/6\r\na=fmtp:120 {format}\r\n");
    let offer = GST_WHEP.replacen("a=rtpmap:97 OPUS", &format!("{six}a=rtpmap:97 OPUS"), 1);
    assert_ne!(offer, GST_WHEP);
    offer.replacen("SAVPF 97", "SAVPF 120 97", 1)
}

const CHROMIUM: &str =
    "channel_mapping=0,4,1,2,3,5;coupled_streams=2;minptime=10;num_streams=4;useinbandfec=1";

fn audio_of(answer: &Read) -> &str {
    let is_audio = |section: &&String| section.starts_with("audio");
    answer.sections.iter().find(is_audio).unwrap()
}

#[test]
fn six_channels_come_first_where_the_source_has_them_and_else_last() {
    let stereo = source_of(OBS);
    let surround = Source { surround: true, ..stereo };
    for (format, answered) in [
        (CHROMIUM, "channel_mapping=0,4,1,2,3,5;coupled_streams=2;num_streams=4"),
        (
            "num_streams=4;channel_mapping=0,1,4,5,2,3;coupled_streams=2",
            "channel_mapping=0,1,4,5,2,3;coupled_streams=2;num_streams=4",
        ),
    ] {
        let offer = with_six(format);
        for (source, types) in
            [(surround, "120 97"), (stereo, "97 120"), (Source::default(), "97 120")]
        {
            let answer = viewed(&offer, &source);
            let audio = audio_of(&answer);
            let line = format!("audio 9 UDP/TLS/RTP/SAVPF {types}\r\n");
            assert!(audio.starts_with(&line), "{types}: {audio}");
            assert!(audio.contains("a=rtpmap:120 multiopus/48000/6\r\n"), "{audio}");
            assert!(audio.contains(&format!("a=fmtp:120 {answered}\r\n")), "{audio}");
        }
    }
}

#[test]
fn a_viewer_is_sent_six_channels_where_both_have_them() {
    let stereo = source_of(OBS);
    let surround = Source { surround: true, ..stereo };
    let sound = |offer: &str, source: &Source| {
        // It is answered before anything is published.
        let viewer = Viewer::answer(&setup(), Instant::now(), offer, &Source::default()).unwrap().0;
        let (_, audio) = viewer.formats(source).unwrap();
        audio.map(|audio| (audio.codec, audio.pt))
    };
    let six = with_six(CHROMIUM);
    assert_eq!(sound(&six, &surround), Some((Codec::MultiOpus, 120)));
    assert_eq!(sound(&six, &stereo), Some((Codec::Opus, 97)));
    assert_eq!(sound(GST_WHEP, &surround), Some((Codec::Opus, 97)));
    let other = with_six(&CHROMIUM.replace("0,4,1,2,3,5", "0,1,2,3,4,5"));
    assert_eq!(sound(&other, &surround), Some((Codec::Opus, 97)));
    let silent = Source { audio: None, ..stereo };
    assert_eq!(sound(&six, &silent), None);
}

#[test]
fn other_layouts_are_not_taken_and_two_channels_have_to_be() {
    let surround = Source { surround: true, ..source_of(OBS) };
    for format in [CHROMIUM.replace("0,4,1,2,3,5", "5,4,3,2,1,0"), String::from("minptime=10")] {
        let answer = viewed(&with_six(&format), &surround);
        assert!(audio_of(&answer).starts_with("audio 9 UDP/TLS/RTP/SAVPF 97\r\n"));
        assert!(!audio_of(&answer).contains("multiopus"));
    }
    // Without two channels there would be nothing to go on with when the source changes.
    let alone = with_six(CHROMIUM).replacen("SAVPF 120 97", "SAVPF 120", 1);
    for source in [surround, Source::default()] {
        let refused = Viewer::answer(&setup(), Instant::now(), &alone, &source).unwrap_err();
        assert!(matches!(refused, OfferError::NoCodec(_)), "{refused}");
    }
}

#[test]
fn nobody_publishes_six_channels() {
    let six = format!("a=rtpmap:120 multiopus/48000/6\r\na=fmtp:120 {CHROMIUM}\r\n");
    let offer = OBS.replacen("SAVPF 111", "SAVPF 120 111", 1);
    let offer = offer.replacen("a=rtpmap:111", &format!("{six}a=rtpmap:111"), 1);
    assert!(offer.contains("multiopus") && offer.contains("SAVPF 120 111"));
    let answer = published(&offer);
    assert!(audio_of(&answer).starts_with("audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
    assert_eq!(source_of(&offer).audio.unwrap().codec, Codec::Opus);
}
