//! What is declared, and what cannot be told without that.

use std::sync::Arc;

use super::*;
use crate::ts::Profile;

const PORTS: (u16, u16) = (5000, 5002);
const PICTURE: &str = "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1; \
    sprop-parameter-sets=Z0LAH9kAUAW7AWoCAgKAAAADAIAAAB5HjA==,aM48gA==\n";

/// An SDP with these sections.
fn sdp(sections: &str) -> String {
    format!("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=No Name\nt=0 0\n{sections}")
}

/// Sound of a payload type, with a map and with parameters.
fn audio(map: &str, format: &str) -> String {
    sdp(&format!("m=audio 5004 RTP/AVP 97\na=rtpmap:97 {map}\na=fmtp:97 {format}\n"))
}

fn aac(map: &str, config: &str) -> String {
    let format = "mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=";
    audio(map, &format!("{format}{config}"))
}

fn parsed(text: &str) -> Declaration {
    Declaration::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn declare(world: &mut World, text: &str) {
    let declared = parsed(text);
    declared.goes_with(PORTS).unwrap();
    world.source.declare(PORTS, Some(Arc::new(declared)));
}

/// What a world's sound is: profile, rate, channels and ticks from one frame to the next.
fn heard(world: &World) -> (Profile, u32, u8, i64) {
    let SoundData::Aac(frame) = &world.sounds.last().unwrap().data else { panic!("no AAC") };
    let steps: Vec<i64> = world.sounds.windows(2).map(|two| two[1].ticks - two[0].ticks).collect();
    assert!(steps.iter().all(|step| (step - steps[0]).abs() <= 1), "{steps:?}");
    (frame.profile, frame.rate, frame.channels, steps[0])
}

#[test]
fn what_encoders_print_is_understood() {
    for (map, config, codec, rate, channels) in [
        ("MPEG4-GENERIC/48000/6", "11B056E500", "AAC", 48_000, 6),
        ("mpeg4-generic/48000/2", "1190", "AAC", 48_000, 2),
        // HE-AAC: said of the core alone, with an extension behind it, and with one before it.
        ("MPEG4-GENERIC/44100/2", "1390", "AAC", 22_050, 2),
        ("MPEG4-GENERIC/48000/2", "131056E598", "HE-AAC", 24_000, 2),
        ("MPEG4-GENERIC/48000/2", "EB098800", "HE-AAC", 24_000, 1),
    ] {
        let track = parsed(&aac(map, config)).audio.unwrap();
        assert_eq!((track.codec, track.encoding_name), (codec, "mpeg4-generic"), "{config}");
        assert_eq!((track.sample_rate, track.channels), (Some(rate), Some(channels)), "{config}");
    }
    let latm = parsed(&audio("MP4A-LATM/48000/2", "cpresent=0;config=400023203fc0"));
    assert_eq!(latm.audio.unwrap().sample_rate, Some(48_000));
    for (text, codec, clock) in [
        (audio("L16/44100/2", ""), "L16 (PCM)", 44_100),
        (audio("L24/48000/6", "channel-order=SMPTE2110.(51)"), "L24 (PCM)", 48_000),
        (audio("opus/48000/2", "sprop-stereo=1"), "Opus", 48_000),
        (sdp("m=audio 5004 RTP/AVP 0\n"), "PCMU (G.711)", 8_000),
        (sdp("m=audio 5004 RTP/AVP 10\nb=AS:1411\n"), "L16 (PCM)", 44_100),
    ] {
        let track = parsed(&text).audio.unwrap();
        assert_eq!((track.codec, track.clock_rate), (codec, clock), "{text}");
    }
    let picture = parsed(&sdp(PICTURE)).video.unwrap();
    assert_eq!((picture.codec, picture.parameter_sets), ("H.264", Some(true)));
    let mp2t = parsed(&sdp("m=video 5004 RTP/AVP 33\n")).video.unwrap();
    assert_eq!((mp2t.codec, mp2t.parameter_sets), ("MPEG-TS", None));
}

#[test]
fn what_is_not_taken_is_refused_in_words() {
    let video = |map: &str, format: &str| {
        sdp(&format!("m=video 5004 RTP/AVP 96\na=rtpmap:96 {map}\na=fmtp:96 {format}\n"))
    };
    for (text, why) in [
        (sdp(""), "no m=video and no m=audio"),
        (sdp("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"), "no m=video"),
        (sdp(&PICTURE.repeat(2)), "more than one m=video"),
        (sdp("m=video 5004 RTP/SAVP 96\na=rtpmap:96 H264/90000\n"), "RTP/SAVP"),
        (sdp("m=video 5004 RTP/AVP 96\n"), "rtpmap:96"),
        (video("VP8/90000", ""), "VP8"),
        (video("H264/8000", ""), "90000"),
        (video("H264/90000", "packetization-mode=2"), "packetization-mode"),
        (video("H264/90000", "packetization-mode=x"), "no number"),
        (video("H264/90000", "sprop-parameter-sets=Z0LAH9kAUAW7!"), "base64"),
        (
            video("H264/90000", "sprop-parameter-sets=Z0LAH9kAUAW7AWoCAgKAAAADAIAAAB5HjA=="),
            "not all",
        ),
        (video("H265/90000", "sprop-max-don-diff=2"), "sprop-max-don-diff"),
        (video("H265/90000", "sprop-sps=QgEBBAgAAAMAnggAAAMAADyQ"), "not all"),
        (audio("AC3/48000/6", ""), "AC3"),
        (audio("opus/48000/6", ""), "opus/48000/2"),
        (audio("L16/48000/8", ""), "channels"),
        (audio("L16/48000/4", ""), "channels"),
        (audio("L16/12345/2", ""), "12345"),
        (audio("L24/48000/6", "channel-order=SMPTE2110.(71)"), "channel-order"),
        (audio("mpeg4-generic/48000/2", "mode=AAC-hbr;sizelength=13"), "config"),
        (audio("mpeg4-generic/48000/2", "mode=CELP-cbr;config=1190"), "CELP-cbr"),
        (audio("mpeg4-generic/48000/2", "mode=AAC-hbr;sizelength=40;config=1190"), "sizeLength"),
        (audio("mpeg4-generic/48000/2", "mode=generic;constantSize=9;config=1190"), "constantSize"),
        (aac("mpeg4-generic/48000/2", "xyz"), "hexadecimal"),
        (aac("mpeg4-generic/48000/2", "11"), "AudioSpecificConfig"),
        // Main profile, the layout in the data, and eight channels.
        (aac("mpeg4-generic/48000/2", "0990"), "profile"),
        (aac("mpeg4-generic/48000/2", "1180"), "layout"),
        (aac("mpeg4-generic/48000/8", "11B8"), "more channels"),
        (audio("MP4A-LATM/48000/2", "cpresent=0"), "StreamMuxConfig"),
        (audio("MP4A-LATM/48000/2", "cpresent=0;config=40"), "StreamMuxConfig"),
    ] {
        let error = Declaration::parse(&text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let both = parsed(&sdp(&format!("{PICTURE}m=audio 1 RTP/AVP 96\na=rtpmap:96 L16/48000/2\n")));
    for (ports, fits) in
        [((5000, 5002), true), ((5000, 5000), false), ((5000, 0), false), ((0, 5002), false)]
    {
        assert_eq!(both.goes_with(ports).is_ok(), fits, "{ports:?}");
    }
}

#[test]
fn a_picture_without_parameter_sets_has_those_that_are_declared() {
    let (mut world, mut sender) = (World::new(), Sender::new(5000, 96));
    declare(&mut world, &sdp(PICTURE));
    for number in 0..120 {
        world.frame(&mut sender, number, false, &[]);
    }
    world.tick(4_900);
    assert_eq!((world.pictures.len(), world.source.problems()), (120, vec![]));
    let first = &world.pictures[0][0].inspection;
    assert!(first.parameters);
    assert_eq!(first.size.map(|size| (size.width, size.height)), Some((1280, 720)));
    let [track] = &world.source.status().tracks[..] else { panic!("one track") };
    assert_eq!((track.codec, track.declared), (Some("H.264"), true));
}

#[test]
fn sound_is_of_the_channels_and_the_rate_that_are_declared() {
    let frame = |first: u8| [0, 32, 0, 4 << 3, 0, 3 << 3, first, 1, 2, 3, first, 1, 2];
    let (sce, cpe) = (frame(0x01), frame(0x21));
    for (text, payload, step, clock, wanted) in [
        (aac("mpeg4-generic/48000/6", "11B0"), sce, 1024, 48_000, (Profile::Lc, 48_000, 6)),
        // HE-AAC that is told by the rate of its core, and by its timestamps alone.
        (aac("mpeg4-generic/44100/2", "1390"), cpe, 2048, 44_100, (Profile::Lc, 22_050, 2)),
        (aac("mpeg4-generic/44100/2", "1210"), cpe, 2048, 44_100, (Profile::He, 22_050, 2)),
        // Of two channels that a core of one becomes.
        (aac("mpeg4-generic/48000/2", "1310"), sce, 2048, 48_000, (Profile::Lc, 24_000, 1)),
        // A clock that is not the sampling rate.
        (aac("mpeg4-generic/90000/2", "1190"), cpe, 1920, 90_000, (Profile::Lc, 48_000, 2)),
    ] {
        let (mut world, mut sender) = (World::new(), Sender::new(5002, 97));
        declare(&mut world, &text);
        sound(&mut world, &mut sender, 50, 2 * step, clock, &payload);
        world.tick(9_000);
        let (profile, rate, channels, ticks) = heard(&world);
        assert_eq!((profile, rate, channels), wanted, "{text}");
        assert!((ticks - 1024 * 90_000 / i64::from(rate)).abs() <= 1, "{text}: {ticks}");
        assert!(world.sounds.len() >= 98, "{text}: {}", world.sounds.len());
    }
}

/// ffmpeg says of HE-AAC in LATM the rate that is played; its elements come in several packets.
#[test]
fn latm_is_put_together_and_its_rate_is_right() {
    for (step, wanted) in [(1024, (Profile::Lc, 44_100)), (2048, (Profile::He, 22_050))] {
        let (mut world, mut sender) = (World::new(), Sender::new(5002, 97));
        declare(&mut world, &audio("MP4A-LATM/44100/2", "cpresent=0;config=400024203fc0"));
        for number in 0..40_u32 {
            let ms = u64::from(number * step) * 1000 / 44_100;
            for (payload, marker) in [([6, 0x21, 1, 2], false), ([3, 4, 5, 6], true)] {
                let packet = sender.packet(number * step, marker, &payload[..]);
                world.datagram(ms, 5002, &packet);
            }
        }
        world.tick(9_000);
        let (profile, rate, channels, _) = heard(&world);
        assert_eq!(((profile, rate), channels), (wanted, 2));
        let SoundData::Aac(frame) = &world.sounds[0].data else { panic!("no AAC") };
        assert_eq!(frame.payload, [0x21, 1, 2, 3, 4, 5]);
    }
}

/// Nothing but HE-AAC has frames of 2048 ticks: that is told without a declaration.
#[test]
fn he_aac_is_told_by_its_timestamps() {
    let (mut world, mut sender) = (World::new(), Sender::new(5002, 97));
    sound(&mut world, &mut sender, 200, 2048, 44_100, &[0, 16, 0, 4 << 3, 0x21, 1, 2, 3]);
    assert_eq!(world.told(), [(5002, Some("HE-AAC"))]);
    let (profile, rate, channels, ticks) = heard(&world);
    assert_eq!((profile, rate, channels), (Profile::He, 22_050, 2));
    assert!((ticks - 4179).abs() <= 1, "{ticks}");
    assert!(world.source.has_guessed_sound());
}

#[test]
fn samples_are_taken_as_they_are_declared() {
    let (mut world, mut sender) = (World::new(), Sender::new(5002, 97));
    declare(&mut world, &audio("L24/48000/6", ""));
    sound(&mut world, &mut sender, 100, 48, 48_000, &[0x40, 0, 0].repeat(6 * 48));
    world.tick(9_000);
    assert_eq!(world.sounds.len(), 10);
    assert!(world.sounds.windows(2).all(|two| two[1].ticks - two[0].ticks == 900));
    let SoundData::Pcm(samples) = &world.sounds[3].data else { panic!("no samples") };
    assert_eq!((samples.rate, samples.channels), (48_000, 6));
    assert_eq!(samples.pcm, vec![0.5; 6 * 480]);
    assert_eq!(world.source.problems(), ["There is no picture in the stream."]);
}

#[test]
fn what_contradicts_is_left_out_and_said_until_it_is_over() {
    let (mut world, mut sender) = (World::new(), Sender::new(5002, 98));
    declare(&mut world, &audio("opus/48000/2", ""));
    let opus = [31 << 3 | 4, 1, 2, 3];
    sound(&mut world, &mut sender, 100, 960, 48_000, &opus);
    let status = world.source.status();
    assert_eq!((status.contradicting, status.tracks.len(), world.sounds.len()), (100, 0, 0));
    let says =
        |world: &World| world.source.problems().iter().any(|p| p.contains("payload type 98"));
    assert!(says(&world));
    // What is not declared is told as ever.
    let mut picture = Sender::new(5000, 96);
    world.frame(&mut picture, 50, true, &[]);
    world.tick(2_500);
    assert_eq!(world.told(), [(5000, Some("H.264"))]);
    world.tick(20_000);
    assert!(!says(&world));
    // Nor is anything that is declared no more: it is told anew.
    world.source.declare(PORTS, None);
    sound(&mut world, &mut sender, 100, 960, 48_000, &opus);
    assert_eq!(world.told(), [(5002, Some("Opus"))]);
}

/// Both come from one port: they are told apart by their payload types.
#[test]
fn one_port_has_what_is_declared_of_both() {
    let mut world = World::new();
    let text = sdp(&format!("{PICTURE}m=audio 1 RTP/AVP 97\na=rtpmap:97 L16/48000/2\n"));
    world.source.declare((5000, 5000), Some(Arc::new(parsed(&text))));
    let (mut picture, mut sound) = (Sender::new(5000, 96), Sender::new(5000, 97));
    sound.ssrc = 9;
    let mut other = Sender { ssrc: 10, ..Sender::new(5000, 99) };
    for number in 0..30 {
        world.frame(&mut picture, number, false, &[]);
        let at = u64::from(number) * 40;
        let packet = sound.packet(number * 1920, false, &[0x40, 0].repeat(2 * 1920));
        world.datagram(at, 5000, &packet);
        world.datagram(at, 5000, &other.packet(0, false, &[1]));
    }
    world.tick(9_000);
    assert_eq!((world.pictures.len(), world.sounds.len()), (30, 30));
    assert_eq!(world.source.status().contradicting, 30);
}

proptest! {
    #[test]
    fn no_sdp_is_too_strange(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("m=audio 1 RTP/AVP 97".to_owned()), Just("m=video 1 RTP/AVP 96".to_owned()),
                "a=rtpmap:9[67] [A-Za-z0-9-]{1,6}/[0-9]{1,6}(/[0-9]{1,3})?",
                "a=rtpmap:9[67] (H264/90000|H265/90000|MPEG4-GENERIC/48000/2|L16/48000/6)",
                "a=fmtp:9[67] (config|mode|sprop-parameter-sets|sizelength)=[A-Za-z0-9+/=,-]{0,20}",
                "\\PC{0,40}",
            ], 0..12),
    ) {
        let _ = Declaration::parse(&format!("v=0\n{}", lines.join("\n")));
    }
}
