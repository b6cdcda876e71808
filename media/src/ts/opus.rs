//! Opus in a transport stream: each packet behind a control header
//! (ETSI TS 103 491, 6; the same is in ffmpeg's muxer).

/// The packets of a unit; what is broken ends the list.
pub fn packets(mut unit: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((packet, rest)) = next(unit) {
        found.push(packet);
        unit = rest;
    }
    found
}

fn next(unit: &[u8]) -> Option<(&[u8], &[u8])> {
    let [first, flags, rest @ ..] = unit else { return None };
    // Eleven bits of prefix.
    if *first != 0x7f || flags & 0xe0 != 0xe0 {
        return None;
    }
    let (mut size, mut at) = (0usize, 0);
    loop {
        let byte = *rest.get(at)?;
        size += usize::from(byte);
        at += 1;
        if byte != 0xff {
            break;
        }
    }
    // What is to be cut from the beginning and the end: two bytes each.
    at += if flags & 0x10 != 0 { 2 } else { 0 };
    at += if flags & 0x08 != 0 { 2 } else { 0 };
    if flags & 0x04 != 0 {
        at += 1 + usize::from(*rest.get(at)?);
    }
    let packet = rest.get(at..at.checked_add(size)?)?;
    (!packet.is_empty()).then(|| (packet, &rest[at + size..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_are_told_apart() {
        let long = [9u8; 300];
        let mut unit = vec![0x7f, 0xe0, 3, 1, 2, 3];
        unit.extend([0x7f, 0xf8, 255, 45, 0, 1, 0, 2]);
        unit.extend(long);
        assert_eq!(packets(&unit), [&[1, 2, 3][..], &long[..]]);
        assert_eq!(packets(&unit[..unit.len() - 1]), [&[1, 2, 3][..]], "a cut one is none");
    }

    proptest! {
        #[test]
        fn nothing_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            packets(&bytes);
            packets(&[&[0x7f, 0xe0], &bytes[..]].concat());
        }
    }
}
