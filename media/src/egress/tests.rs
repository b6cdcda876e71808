use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::rtp::{Codec, Inspection};
use crate::srtp::{Keys, Opener, Profile};

fn keys(profile: Profile) -> Keys {
    let length = 2 * (profile.key_len() + profile.salt_len());
    let material: Vec<u8> = (0..length).map(|i| i as u8).collect();
    Keys::from_dtls(profile, &material).unwrap()
}

fn setup(key: MasterKey) -> EgressSetup {
    let track = |kind, ssrc| TrackSetup {
        kind,
        ssrc,
        rtx_ssrc: ssrc + 1,
        mid: Some((3, "v1".into())),
        send_time: None,
    };
    let (video, audio) = (track(Kind::Video, 100), track(Kind::Audio, 200));
    EgressSetup { key, cname: "name".into(), video: Some(video), audio: Some(audio) }
}

struct Fixture {
    egress: Egress,
    opener: Opener,
    counters: Arc<Counters>,
    packet: Packet,
    now: Instant,
}

impl Fixture {
    fn new(rtx: Option<u8>) -> Self {
        let (now, keys) = (Instant::now(), keys(Profile::AeadAes128Gcm));
        let counters = Arc::<Counters>::default();
        let mut egress = Egress::new(setup(keys.server.clone()), counters.clone()).unwrap();
        let opener = Opener::new(&keys.server).unwrap();
        let video = Format { codec: Codec::H264, pt: 96, rtx };
        let audio = Format { codec: Codec::Opus, pt: 111, rtx: None };
        egress.follow(Some(video), Some(audio));
        let packet = Packet {
            codec: Codec::H264,
            layer: 0,
            seq: 5,
            timestamp: 9,
            marker: true,
            payload: [0x65, 1, 2, 3].as_slice().into(),
            captured: now,
            inspection: Inspection::default(),
        };
        Self { egress, opener, counters, packet, now }
    }

    fn write(&mut self, seq: u64) -> Option<Vec<u8>> {
        let out = Outgoing {
            packet: &self.packet,
            seq,
            timestamp: 1_000,
            marker: true,
            captured: self.now,
            origin: Some(Origin::default()),
        };
        let mut buf = vec![0xee; 3];
        let written = self.egress.write(self.now, &out, &mut buf);
        assert_eq!(buf[..3], [0xee; 3], "what stood before stays");
        written.then(|| buf.split_off(3))
    }

    fn again(&mut self, seq: u16) -> Option<Vec<u8>> {
        let (mut buf, packet) = (Vec::new(), self.packet.clone());
        let sent = self.egress.write_again(self.now, seq, |_| Some(&packet), &mut buf);
        sent.then_some(buf)
    }

    /// The plain packet: header length, payload type, sequence number, SSRC, payload.
    fn open(&self, data: &[u8], index: u64) -> (u8, u16, u32, Vec<u8>) {
        let mut plain = Vec::new();
        let header = self.opener.open_rtp(data, index, &mut plain).unwrap();
        let seq = u16::from_be_bytes([plain[2], plain[3]]);
        let ssrc = u32::from_be_bytes([plain[8], plain[9], plain[10], plain[11]]);
        (plain[1] & 0x7f, seq, ssrc, plain[header..].to_vec())
    }
}

#[test]
fn a_packet_is_made_and_encrypted_in_place() {
    let mut fixture = Fixture::new(Some(97));
    let index = 1 << 16 | 7;
    let data = fixture.write(index).unwrap();
    assert_eq!(data[0], 0x90, "with header extensions");
    assert_eq!(data[12..20], [0xbe, 0xde, 0, 1, 0x31, b'v', b'1', 0]);
    assert_eq!(fixture.open(&data, index), (96, 7, 100, vec![0x65, 1, 2, 3]));
    assert_eq!(fixture.counters.packets.load(Ordering::Relaxed), 1);
    assert_eq!(fixture.counters.bytes.load(Ordering::Relaxed), data.len() as u64);
}

#[test]
fn no_number_is_used_twice() {
    let mut fixture = Fixture::new(Some(97));
    for seq in [7, 9, 8] {
        assert!(fixture.write(seq).is_some());
    }
    assert!(fixture.write(8).is_none());
    assert!(fixture.write(8 + 1_024).is_some());
    assert!(fixture.write(8).is_none(), "also when it is long forgotten");
}

#[test]
fn sound_that_comes_late_is_sent_once() {
    let mut fixture = Fixture::new(None);
    fixture.packet.codec = Codec::Opus;
    let sent: Vec<u64> = [100, 102, 101, 101, 102, 104, 103, 100, 168, 104, 105, 105]
        .into_iter()
        .filter(|seq| fixture.write(*seq).is_some())
        .collect();
    // 104 is too long ago to say whether it was sent.
    assert_eq!(sent, [100, 102, 101, 104, 103, 168, 105]);
}

proptest! {
    #[test]
    fn no_number_of_sound_is_used_twice(
        steps in proptest::collection::vec(prop_oneof![-70i64..70, -200i64..200], 1..300),
    ) {
        let mut fixture = Fixture::new(None);
        fixture.packet.codec = Codec::Opus;
        let (mut at, mut sent) = (1_000u64, std::collections::BTreeSet::new());
        for step in steps {
            at = at.saturating_add_signed(step);
            let old = sent.last().is_some_and(|top| at + 64 <= *top);
            let news = !old && !sent.contains(&at);
            prop_assert_eq!(fixture.write(at).is_some(), news);
            if news {
                sent.insert(at);
            }
        }
    }
}

#[test]
fn a_missing_packet_goes_out_as_rtx() {
    let mut fixture = Fixture::new(Some(97));
    fixture.write(7).unwrap();
    let data = fixture.again(7).unwrap();
    let seq = u64::from(u16::from_be_bytes([data[2], data[3]]));
    let (pt, _, ssrc, payload) = fixture.open(&data, seq);
    assert_eq!((pt, ssrc), (97, 101));
    assert_eq!(payload, [0, 7, 0x65, 1, 2, 3], "after its own number");
    assert!(fixture.again(8).is_none(), "never sent");
    assert_eq!(fixture.counters.again.load(Ordering::Relaxed), 1);
}

#[test]
fn without_rtx_it_goes_out_exactly_as_it_was() {
    let mut fixture = Fixture::new(None);
    let first = fixture.write(7).unwrap();
    assert_eq!(fixture.again(7).unwrap(), first, "or the key would be given away");
    // Under another payload type it would be another packet.
    fixture.egress.follow(Some(Format { codec: Codec::H264, pt: 98, rtx: None }), None);
    assert!(fixture.again(7).is_none());
}

#[test]
fn retransmissions_are_a_share_of_what_is_sent() {
    let mut fixture = Fixture::new(Some(97));
    fixture.packet.payload = vec![0x41; 1_000].into();
    let mut answered = |from: u16, to: u16| {
        for seq in from..to {
            fixture.write(seq.into()).unwrap();
        }
        (0..5).flat_map(|_| from..to).filter(|seq| fixture.again(*seq).is_some()).count()
    };
    let first = answered(7, 107);
    assert!((150..300).contains(&first), "{first}");
    let more = answered(107, 127);
    assert!((5..=25).contains(&more), "{more}");
}

#[test]
fn who_asks_for_one_packet_for_ever_still_gets_the_next() {
    let mut fixture = Fixture::new(Some(97));
    fixture.packet.payload = vec![0x41; 1_000].into();
    for seq in [7, 8] {
        fixture.write(seq).unwrap();
    }
    let answered = (0..1_000).filter(|_| fixture.again(7).is_some()).count();
    assert!((3..=10).contains(&answered), "{answered}");
    assert!(fixture.again(8).is_some());
}

#[test]
fn reports_say_when_the_last_timestamp_was() {
    let mut fixture = Fixture::new(Some(97));
    let wall = WallClock::new(fixture.now, std::time::SystemTime::now());
    let mut buf = Vec::new();
    assert!(!fixture.egress.write_report(fixture.now, &wall, &mut buf), "nothing to report");
    fixture.write(7).unwrap();
    let later = fixture.now + Duration::from_millis(500);
    assert!(fixture.egress.write_report(later, &wall, &mut buf));
    let mut plain = Vec::new();
    fixture.opener.open_rtcp(&buf, &mut plain).unwrap();
    assert_eq!(plain[1], 200);
    assert_eq!(plain[8..16], wall.ntp(later).to_be_bytes());
    assert_eq!(plain[16..20], (1_000u32 + 45_000).to_be_bytes());
    assert_eq!(plain[20..28], [0, 0, 0, 1, 0, 0, 0, 4]);
    buf.clear();
    assert!(fixture.egress.write_bye(&mut buf));
    fixture.opener.open_rtcp(&buf, &mut plain).unwrap();
    assert_eq!(plain[9], 203);
}
