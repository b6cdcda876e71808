//! Packets of transport streams by which it is told what came, and in which order.

/// Bytes of a packet.
const PACKET: usize = 188;

/// A packet of a transport stream that looks like one to any player: a null packet with a number.
pub(super) fn numbered(number: u32) -> [u8; PACKET] {
    let mut packet = [0xff; PACKET];
    packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    packet[4..8].copy_from_slice(&number.to_be_bytes());
    packet
}

/// The number of such a packet; none where it is none, or not whole.
fn number(packet: &[u8]) -> Option<u32> {
    let number = u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?);
    (packet == numbered(number)).then_some(number)
}

/// The number of the last whole packet.
pub(super) fn latest(bytes: &[u8]) -> Option<u32> {
    let end = bytes.len().checked_sub(PACKET)?;
    (end.saturating_sub(PACKET - 1)..=end).rev().find_map(|at| number(&bytes[at..at + PACKET]))
}

/// The numbers of all whole packets, and how many bytes between them belong to none. Senders cut
/// where they want: the first packet and the last one may be parts.
pub(super) fn numbers(bytes: &[u8]) -> (Vec<u32>, usize) {
    let (mut numbers, mut strange, mut at) = (Vec::new(), 0, 0);
    while let Some(packet) = bytes.get(at..at + PACKET) {
        match number(packet) {
            Some(number) => {
                numbers.push(number);
                at += PACKET;
            }
            None => {
                strange += usize::from(!numbers.is_empty() || at >= PACKET);
                at += 1;
            }
        }
    }
    (numbers, strange)
}

/// How many packets of a stream are missing before the last one that came; none where something
/// came that was not sent, or not in that order.
pub(super) fn missing(came: &[u8], sent: &[u8]) -> Option<usize> {
    let mut sent = sent.chunks_exact(PACKET);
    let mut missing = 0;
    for packet in came.chunks(PACKET) {
        missing += sent.position(|sent| sent == packet)?;
    }
    Some(missing)
}

#[test]
fn packets_that_are_missing_are_counted_and_others_found_out() {
    let of = |numbers: &[u32]| numbers.iter().copied().flat_map(numbered).collect::<Vec<u8>>();
    let sent = of(&[1, 2, 3, 4, 5]);
    assert_eq!(missing(&of(&[1, 2, 3]), &sent), Some(0), "the end is not there yet");
    assert_eq!(missing(&of(&[1, 4, 5]), &sent), Some(2));
    for other in [of(&[1, 3, 2]), of(&[1, 6]), of(&[1, 1]), sent[..300].to_vec()] {
        assert_eq!(missing(&other, &sent), None);
    }
}
