//! What clients say: viewers of what they receive, publishers of what they send.

use super::{GOODBYE, PAYLOAD_FEEDBACK, RECEIVER_REPORT, SENDER_REPORT, TRANSPORT_FEEDBACK};

/// Packets in one datagram; more is no honest feedback.
const MOST_PACKETS: usize = 32;
/// Entries of all its requests together, which no client of ours reaches: libwebrtc has 253 in a
/// datagram. Those beyond are passed over, and who means them asks again.
const MOST_ENTRIES: usize = 256;

/// How a track arrives (RFC 3550, 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceptionReport {
    /// The track.
    pub ssrc: u32,
    /// Loss since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost in all, less the duplicates.
    pub lost: i32,
    /// The highest sequence number that came, with its cycles above it.
    pub highest: u32,
    /// Interarrival jitter in the track's clock.
    pub jitter: u32,
    /// The middle of the NTP timestamp of our last report; 0 if it came to none.
    pub last_report: u32,
    /// How long ago that report arrived, in 65536ths of a second.
    pub delay: u32,
}

/// One statement of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// How a track arrives.
    Report(ReceptionReport),
    /// Packets are missing (RFC 4585, 6.2.1): `first`, and of the 16 after it
    /// those whose bit is set.
    Nack {
        /// The track.
        ssrc: u32,
        /// The first missing sequence number.
        first: u16,
        /// The bitmask of those that follow.
        following: u16,
    },
    /// Decoding cannot go on without a key frame (PLI: RFC 4585, 6.3.1; FIR: RFC
    /// 5104, 4.3.1).
    KeyFrame {
        /// The track.
        ssrc: u32,
    },
    /// The receiver's estimate of its bandwidth (draft-alvestrand-rmcat-remb).
    Bandwidth {
        /// Bits per second.
        bits: u64,
    },
    /// What a moment of the sender's wall clock is in its track's clock (RFC 3550, 6.4.1).
    Sent {
        /// The track.
        ssrc: u32,
        /// The moment, as an NTP timestamp.
        ntp: u64,
        /// The same in the track's clock.
        rtp: u32,
    },
    /// The client leaves.
    Bye,
}

/// Reads a compound packet that was decrypted. What is cut short or unknown is
/// passed over: it says nothing.
pub fn parse(data: &[u8], mut say: impl FnMut(Feedback)) {
    let (mut rest, mut entries) = (data, MOST_ENTRIES);
    for _ in 0..MOST_PACKETS {
        let Some(head) = rest.first_chunk::<4>() else { return };
        let length = 4 * (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1);
        let (Some(packet), true) = (rest.get(4..length), head[0] >> 6 == 2) else { return };
        rest = &rest[length..];
        let count = head[0] & 0x1f;
        match head[1] {
            SENDER_REPORT => {
                sent(packet, &mut say);
                reports(packet.get(24..), count, &mut say);
            }
            RECEIVER_REPORT => reports(packet.get(4..), count, &mut say),
            GOODBYE => say(Feedback::Bye),
            TRANSPORT_FEEDBACK if count == 1 => nacks(packet, &mut entries, &mut say),
            PAYLOAD_FEEDBACK => payload_feedback(packet, count, &mut entries, &mut say),
            _ => {}
        }
    }
}

/// Says which senders leave (BYE: RFC 3550, 6.6) by a compound packet.
pub(crate) fn goodbyes(data: &[u8], mut say: impl FnMut(u32)) {
    let mut rest = data;
    for _ in 0..MOST_PACKETS {
        let Some(head) = rest.first_chunk::<4>() else { return };
        let length = 4 * (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1);
        let (Some(packet), true) = (rest.get(4..length), head[0] >> 6 == 2) else { return };
        rest = &rest[length..];
        if head[1] == GOODBYE {
            // A reason may stand behind them, so it is their count that counts.
            let count = usize::from(head[0] & 0x1f);
            (0..count).filter_map(|index| word(packet, 4 * index)).for_each(&mut say);
        }
    }
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at + 4)?.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
}

fn sent(packet: &[u8], say: &mut impl FnMut(Feedback)) {
    let at = |index: usize| word(packet, 4 * index);
    if let (Some(ssrc), Some(high), Some(low), Some(rtp)) = (at(0), at(1), at(2), at(3)) {
        say(Feedback::Sent { ssrc, ntp: u64::from(high) << 32 | u64::from(low), rtp });
    }
}

fn reports(blocks: Option<&[u8]>, count: u8, say: &mut impl FnMut(Feedback)) {
    for block in blocks.unwrap_or_default().chunks_exact(24).take(usize::from(count)) {
        let at = |index: usize| word(block, 4 * index).unwrap_or_default();
        say(Feedback::Report(ReceptionReport {
            ssrc: at(0),
            fraction_lost: block[4],
            // 24 bits with a sign.
            lost: ((at(1) << 8) as i32) >> 8,
            highest: at(2),
            jitter: at(3),
            last_report: at(4),
            delay: at(5),
        }));
    }
}

fn nacks(packet: &[u8], left: &mut usize, say: &mut impl FnMut(Feedback)) {
    let (Some(ssrc), Some(entries)) = (word(packet, 4), packet.get(8..)) else { return };
    for entry in entries.chunks_exact(4).take(*left) {
        *left -= 1;
        let half = |at: usize| u16::from_be_bytes([entry[at], entry[at + 1]]);
        say(Feedback::Nack { ssrc, first: half(0), following: half(2) });
    }
}

fn payload_feedback(packet: &[u8], format: u8, left: &mut usize, say: &mut impl FnMut(Feedback)) {
    const PLI: u8 = 1;
    const FIR: u8 = 4;
    const APPLICATION: u8 = 15;
    match format {
        PLI => {
            if let Some(ssrc) = word(packet, 4) {
                say(Feedback::KeyFrame { ssrc });
            }
        }
        FIR => {
            for entry in packet.get(8..).unwrap_or_default().chunks_exact(8).take(*left) {
                *left -= 1;
                if let Some(ssrc) = word(entry, 0) {
                    say(Feedback::KeyFrame { ssrc });
                }
            }
        }
        APPLICATION if packet.get(8..12) == Some(b"REMB") => {
            let Some(value) = word(packet, 12) else { return };
            let exponent = (value >> 18) & 0x3f;
            let bits = u128::from(value & 0x3_ffff) << exponent;
            let bits = u64::try_from(bits).unwrap_or(u64::MAX);
            say(Feedback::Bandwidth { bits });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(data: &[u8]) -> Vec<Feedback> {
        let mut said = Vec::new();
        parse(data, |feedback| said.push(feedback));
        said
    }

    #[test]
    fn a_compound_packet_is_taken_apart() {
        let mut data = vec![0x81, 201, 0, 7, 0, 0, 0, 1]; // RR
        data.extend_from_slice(&[0, 0, 0, 9, 64, 0xff, 0xff, 0xfe, 0, 0, 0, 5]);
        data.extend_from_slice(&[0, 0, 0, 90, 0, 1, 2, 3, 0, 0, 0x80, 0]);
        data.extend_from_slice(&[0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 9, 0, 7, 0x80, 1]);
        data.extend_from_slice(&[0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9]);
        data.extend_from_slice(&[0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0]);
        data.extend_from_slice(b"REMB\x01\x07\x00\x01\x00\x00\x00\x09");
        data.extend_from_slice(&[0x81, 203, 0, 1, 0, 0, 0, 1]);
        assert_eq!(
            read(&data),
            [
                Feedback::Report(ReceptionReport {
                    ssrc: 9,
                    fraction_lost: 64,
                    lost: -2,
                    highest: 5,
                    jitter: 90,
                    last_report: 0x0001_0203,
                    delay: 0x8000,
                }),
                Feedback::Nack { ssrc: 9, first: 7, following: 0x8001 },
                Feedback::KeyFrame { ssrc: 9 },
                Feedback::Bandwidth { bits: 0x3_0001 << 1 },
                Feedback::Bye,
            ]
        );
    }

    #[test]
    fn a_sender_report_tells_the_time_and_what_its_sender_receives() {
        let mut data = vec![0x81, 200, 0, 12, 0, 0, 0, 7, 0, 0, 0, 3, 0x80, 0, 0, 0, 0, 0, 0, 90];
        data.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9]);
        data.extend_from_slice(&[0; 20]);
        let said = read(&data);
        assert_eq!(said[0], Feedback::Sent { ssrc: 7, ntp: 3 << 32 | 1 << 31, rtp: 90 });
        assert!(matches!(said[1], Feedback::Report(report) if report.ssrc == 9));
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn a_goodbye_names_who_leaves_and_no_part_of_its_reason() {
        let of = |data: &[u8]| {
            let mut left = Vec::new();
            goodbyes(data, |ssrc| left.push(ssrc));
            left
        };
        let mut data = vec![0x80, 201, 0, 1, 0, 0, 0, 7];
        data.extend_from_slice(&[0x82, 203, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 7]);
        data.extend_from_slice(b"the end");
        data.extend_from_slice(&[0x81, 203, 0, 1, 0, 0, 0, 3]);
        assert_eq!(of(&data), [1, 2, 3]);
        assert_eq!(of(&data[..27]), [] as [u32; 0], "cut short");
        assert_eq!(of(&[0x9f, 203, 0, 1, 0, 0, 0, 1]), [1], "it says more than it names");
        assert_eq!(of(&[0x80, 203, 0, 0]), [] as [u32; 0]);
    }

    #[test]
    fn a_full_intra_request_names_its_track() {
        let data = [0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 3, 0, 0, 0];
        assert_eq!(read(&data), [Feedback::KeyFrame { ssrc: 9 }]);
    }

    #[test]
    fn of_a_flood_of_requests_the_first_are_heard() {
        let mut nacks = vec![0x81, 205, 0x3f, 0xff, 0, 0, 0, 1, 0, 0, 0, 9];
        nacks.resize(4 << 14, 0xff);
        assert_eq!(read(&nacks).len(), MOST_ENTRIES);
        let mut commands = vec![0x84, 206, 0, 202, 0, 0, 0, 1, 0, 0, 0, 0];
        commands.resize(12 + 100 * 8, 0);
        // So many packets, and what they say together counts.
        assert_eq!(read(&commands.repeat(MOST_PACKETS)).len(), MOST_ENTRIES);
    }

    proptest! {
        #[test]
        fn no_packet_is_too_strange(data in proptest::collection::vec(any::<u8>(), 0..200), kind in 200u8..208) {
            let mut data = data;
            if data.len() > 4 {
                data[0] |= 0x80;
                data[0] &= 0xbf;
                data[1] = kind;
                data[2] = 0;
            }
            prop_assert!(read(&data).len() <= 400);
            goodbyes(&data, |_| {});
        }
    }
}
