//! Packets on the wire (draft-sharabayko-srt-01, 3).

use super::seq::Seq;

/// Bytes before what a packet carries.
pub(crate) const HEADER: usize = 16;
/// The most a datagram has: an Ethernet frame less the headers of IPv4 and UDP.
pub(crate) const MAX_DATAGRAM: usize = 1472;
/// Ranges in one report of losses.
pub(crate) const MAX_RANGES: usize = 160;

const CONTROL: u32 = 1 << 31;

/// A datagram taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    /// Microseconds since the sender's start, wrapping.
    pub(crate) timestamp: u32,
    /// Whom it is for; 0 asks for a connection.
    pub(crate) to: u32,
    pub(crate) body: Body<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    Data(Data<'a>),
    Control(Control<'a>),
}

/// Which of the two keys a packet is encrypted with (3.1: KK).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeySlot {
    Even,
    Odd,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Data<'a> {
    pub(crate) seq: Seq,
    pub(crate) key: Option<KeySlot>,
    pub(crate) retransmitted: bool,
    pub(crate) payload: &'a [u8],
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Control<'a> {
    Handshake(&'a [u8]),
    KeepAlive,
    Ack(u32, &'a [u8]),
    Nak(&'a [u8]),
    Shutdown,
    AckAck(u32),
    /// The sender gives up these packets.
    Drop {
        first: Seq,
        last: Seq,
    },
    /// New key material (subtype 3).
    KeyRequest(&'a [u8]),
    /// What has no meaning for a receiver, or none at all.
    Other,
}

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let at = index.checked_mul(4)?;
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

impl<'a> Packet<'a> {
    /// None for what is no SRT packet, or a broken one.
    pub(crate) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let head = |index| word(datagram, index);
        let (first, second, timestamp, to) = (head(0)?, head(1)?, head(2)?, head(3)?);
        let rest = datagram.get(HEADER..)?;
        let body = if first & CONTROL == 0 {
            Body::Data(data(first, second, rest)?)
        } else {
            Body::Control(control(first, second, rest)?)
        };
        Some(Self { timestamp, to, body })
    }
}

fn data(first: u32, second: u32, payload: &[u8]) -> Option<Data<'_>> {
    let key = match (second >> 27) & 3 {
        0 => None,
        1 => Some(KeySlot::Even),
        2 => Some(KeySlot::Odd),
        // Both at once is for control packets alone.
        _ => return None,
    };
    Some(Data { seq: Seq::new(first), key, retransmitted: second & (1 << 26) != 0, payload })
}

fn control(first: u32, second: u32, rest: &[u8]) -> Option<Control<'_>> {
    let kind = (first >> 16) & 0x7fff;
    Some(match kind {
        0 => Control::Handshake(rest),
        1 => Control::KeepAlive,
        2 => Control::Ack(second, rest),
        3 => Control::Nak(rest),
        5 => Control::Shutdown,
        6 => Control::AckAck(second),
        7 => Control::Drop { first: Seq::new(word(rest, 0)?), last: Seq::new(word(rest, 1)?) },
        0x7fff if first & 0xffff == 3 => Control::KeyRequest(rest),
        _ => Control::Other,
    })
}

/// The kinds of control packets that are made here, each with its subtype in the low half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Handshake = 0,
    KeepAlive = 1 << 16,
    Ack = 2 << 16,
    Nak = 3 << 16,
    Shutdown = 5 << 16,
    KeyResponse = 0x7fff << 16 | 4,
}

/// A control packet.
pub(crate) fn write_control(
    kind: Kind,
    info: u32,
    timestamp: u32,
    to: u32,
    body: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + body.len().max(4));
    for word in [CONTROL | kind as u32, info, timestamp, to] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(body);
    // libsrt pads packets without content: some of its versions read a word in any case.
    if body.is_empty() {
        out.extend_from_slice(&[0; 4]);
    }
    out
}

/// A list of losses (appendix A): a number alone, or first with the high bit set and last.
pub(crate) fn write_ranges(ranges: &[(Seq, Seq)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(ranges.len() * 8);
    for (first, last) in ranges {
        if first == last {
            out.extend_from_slice(&first.value().to_be_bytes());
        } else {
            out.extend_from_slice(&(first.value() | 1 << 31).to_be_bytes());
            out.extend_from_slice(&last.value().to_be_bytes());
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A data packet, as a sender makes it.
    pub(crate) fn write_data(
        seq: Seq,
        key: Option<KeySlot>,
        again: bool,
        timestamp: u32,
        to: u32,
        payload: &[u8],
    ) -> Vec<u8> {
        let key = match key {
            None => 0,
            Some(KeySlot::Even) => 1,
            Some(KeySlot::Odd) => 2,
        };
        // A packet is a message of its own.
        let second = 3 << 30 | key << 27 | u32::from(again) << 26 | 1;
        let mut out = Vec::new();
        for word in [seq.value(), second, timestamp, to] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(payload);
        out
    }

    /// What [`write_ranges`] wrote.
    pub(crate) fn read_ranges(bytes: &[u8]) -> Vec<(Seq, Seq)> {
        let mut words = bytes.chunks_exact(4).map(|w| u32::from_be_bytes(w.try_into().unwrap()));
        let mut ranges = Vec::new();
        while let Some(first) = words.next() {
            let last = if first >> 31 == 1 { words.next().unwrap() } else { first };
            ranges.push((Seq::new(first), Seq::new(last)));
        }
        ranges
    }

    #[test]
    fn data_is_taken_apart() {
        let bytes = write_data(Seq::new(7), Some(KeySlot::Odd), true, 99, 5, b"abc");
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.timestamp, packet.to), (99, 5));
        let data = Data {
            seq: Seq::new(7),
            key: Some(KeySlot::Odd),
            retransmitted: true,
            payload: b"abc",
        };
        assert_eq!(packet.body, Body::Data(data));
    }

    #[test]
    fn control_is_taken_apart() {
        let read = |kind: u32, info, body: &[u8]| {
            let mut bytes = write_control(Kind::KeepAlive, info, 1, 2, body);
            bytes[..4].copy_from_slice(&(CONTROL | kind).to_be_bytes());
            format!("{:?}", Packet::parse(&bytes).map(|packet| packet.body))
        };
        assert_eq!(read(1 << 16, 0, &[]), "Some(Control(KeepAlive))");
        assert_eq!(read(6 << 16, 9, &[]), "Some(Control(AckAck(9)))");
        assert_eq!(read(5 << 16, 0, &[]), "Some(Control(Shutdown))");
        assert_eq!(read(0x7fff << 16 | 3, 0, &[1]), "Some(Control(KeyRequest([1])))");
        assert_eq!(read(0x7fff << 16 | 9, 0, &[1]), "Some(Control(Other))");
        let dropped = read(7 << 16, 0, &[0, 0, 0, 3, 0, 0, 0, 5]);
        assert_eq!(dropped, "Some(Control(Drop { first: 3, last: 5 }))");
        assert_eq!(read(7 << 16, 0, &[0, 0, 0, 3]), "None", "cut");
    }

    proptest! {
        #[test]
        fn nothing_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Packet::parse(&bytes);
        }

        #[test]
        fn ranges_come_back(ranges in proptest::collection::vec((any::<u32>(), 0..3u32), 0..40)) {
            let ranges: Vec<(Seq, Seq)> = ranges
                .into_iter()
                .map(|(first, more)| (Seq::new(first), Seq::new(first).add(more)))
                .collect();
            prop_assert_eq!(read_ranges(&write_ranges(&ranges)), ranges);
        }
    }
}
