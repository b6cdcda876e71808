//! Opus (RFC 7587, RFC 6716): how many channels a packet has.

use super::Inspection;

/// The third lowest bit of the first byte says stereo (RFC 6716, 3.1).
const STEREO: u8 = 0x04;

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    let channels = payload.first().map(|toc| if toc & STEREO != 0 { 2 } else { 1 });
    Inspection { channels, ..Inspection::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_in_the_first_byte() {
        assert_eq!(inspect(&[0xfc, 1]).channels, Some(2));
        assert_eq!(inspect(&[0x78, 1]).channels, Some(1));
        assert_eq!(inspect(&[]).channels, None);
    }
}
