//! H.264 parameter sets that an offer carries (RFC 6184, 8.1), for publishers who
//! do not send them with their pictures.

use crate::stream::Payload;

use crate::nal::h264::{PPS, SPS, STAP_A};

/// The longest packet that is made of them, in bytes.
const MAX_PACKET: usize = 1_100;

/// The parameter sets of an `a=fmtp` value as the payload of one packet.
pub(super) fn packet(format: &str) -> Option<Payload> {
    let sets = format.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("sprop-parameter-sets").then_some(value)
    })?;
    let mut payload = vec![STAP_A];
    let mut kinds = [false; 2];
    for set in sets.split(',') {
        let unit = base64(set.trim())?;
        let header = *unit.first()?;
        match header & 0x1f {
            SPS => kinds[0] = true,
            PPS => kinds[1] = true,
            _ => return None,
        }
        // The packet is as important as the most important unit in it.
        payload[0] |= header & 0x60;
        payload.extend_from_slice(&u16::try_from(unit.len()).ok()?.to_be_bytes());
        payload.extend_from_slice(&unit);
        if payload.len() > MAX_PACKET {
            return None;
        }
    }
    (kinds == [true; 2]).then(|| payload.into())
}

/// RFC 4648, 4; the padding may be missing.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{Codec, inspect};

    #[test]
    fn both_sets_make_a_packet() {
        let format = "packetization-mode=1; sprop-parameter-sets=Z0LAH9kAUAW7AWoCAgKAAAADAIAAAB5HjA==,aM48gA==";
        let packet = packet(format).unwrap();
        let found = inspect(Codec::H264, &packet);
        assert!(found.parameters && !found.key);
        assert_eq!(found.size.map(|s| (s.width, s.height)), Some((1280, 720)));
        assert_eq!(packet[0], 0x78);
        assert!(packet.ends_with(&[0, 4, 0x68, 0xce, 0x3c, 0x80]));
    }

    #[test]
    fn what_is_not_both_sets_is_none() {
        let long = format!("sprop-parameter-sets={},aM48gA==", "Z0LA".repeat(400));
        for format in [
            "",
            "packetization-mode=1",
            "sprop-parameter-sets=",
            "sprop-parameter-sets=Z0LAH9kAUAW7AWoCAgKAAAADAIAAAB5HjA==",
            "sprop-parameter-sets=Z0LAH9k!,aM48gA==",
            "sprop-parameter-sets=aM48gA==,QUJD",
            &long,
        ] {
            assert!(packet(format).is_none(), "{format}");
        }
    }
}
