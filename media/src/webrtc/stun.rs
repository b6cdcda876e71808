//! The little of STUN (RFC 8489) that has to be known before a session sees it: whose
//! request it is, and what some clients leave out.

use str0m::config::CryptoProvider;

const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0, 1];
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;
const INTEGRITY_LEN: usize = 24;
/// The priority of a peer-reflexive candidate (RFC 8445, 5.1.2.1).
const REFLEXIVE_PRIORITY: u32 = (110 << 24) | (0xffff << 8) | 255;

/// Whether a datagram claims to be STUN.
pub(crate) fn is_stun(data: &[u8]) -> bool {
    data.len() >= HEADER && data[0] < 4 && data[4..8] == MAGIC
}

/// The attributes with the offset of each, as far as they are whole.
fn attributes(data: &[u8]) -> impl Iterator<Item = (usize, u16, &[u8])> {
    let mut at = HEADER;
    std::iter::from_fn(move || {
        let head = data.get(at..at + 4)?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = data.get(at + 4..at + 4 + length)?;
        let found = (at, kind, value);
        at += 4 + length.next_multiple_of(4);
        Some(found)
    })
}

/// The receiver's user fragment in a binding request: ours, when it is meant for us.
pub(crate) fn local_ufrag(data: &[u8]) -> Option<&str> {
    if !is_stun(data) || data[..2] != BINDING_REQUEST {
        return None;
    }
    let (_, _, name) = attributes(data).find(|(_, kind, _)| *kind == USERNAME)?;
    std::str::from_utf8(name).ok()?.split_once(':').map(|(local, _)| local)
}

/// A binding request with the PRIORITY that some clients leave out (ffmpeg 8.0)
/// though RFC 8445, 7.1.1 wants it. `None` if nothing is missing, or if the
/// request does not prove that its sender knows `password`.
pub(crate) fn with_priority(
    data: &[u8],
    password: &str,
    crypto: &CryptoProvider,
) -> Option<Vec<u8>> {
    local_ufrag(data)?;
    if attributes(data).any(|(_, kind, _)| kind == PRIORITY) {
        return None;
    }
    let (at, _, tag) = attributes(data).find(|(_, kind, _)| *kind == MESSAGE_INTEGRITY)?;
    let hmac = |body: &[u8]| {
        let length = (body.len() - HEADER + INTEGRITY_LEN) as u16;
        crypto
            .sha1_hmac_provider
            .sha1_hmac(password.as_bytes(), &[&body[..2], &length.to_be_bytes(), &body[4..]])
    };
    if hmac(&data[..at]) != tag {
        return None;
    }
    let mut request = data[..at].to_vec();
    request.extend_from_slice(&PRIORITY.to_be_bytes());
    request.extend_from_slice(&4u16.to_be_bytes());
    request.extend_from_slice(&REFLEXIVE_PRIORITY.to_be_bytes());
    let tag = hmac(&request);
    request.extend_from_slice(&MESSAGE_INTEGRITY.to_be_bytes());
    request.extend_from_slice(&20u16.to_be_bytes());
    request.extend_from_slice(&tag);
    let length = (request.len() - HEADER) as u16;
    request[2..4].copy_from_slice(&length.to_be_bytes());
    Some(request)
}

#[cfg(test)]
mod tests {
    use str0m::ice::StunMessage;

    use super::*;

    const PASSWORD: &str = "abcdefghijklmnopqrstuv";

    /// A request as ffmpeg 8.0 makes it: USERNAME, USE-CANDIDATE, MESSAGE-INTEGRITY.
    fn request(password: &str) -> Vec<u8> {
        let crypto = str0m::crypto::from_feature_flags();
        let mut data = vec![0, 1, 0, 0];
        data.extend_from_slice(&MAGIC);
        data.extend_from_slice(&[7; 12]);
        data.extend_from_slice(&[0, 6, 0, 9]);
        data.extend_from_slice(b"mine:your\0\0\0");
        data.extend_from_slice(&[0, 0x25, 0, 0]);
        let length = ((data.len() - HEADER + INTEGRITY_LEN) as u16).to_be_bytes();
        data[2..4].copy_from_slice(&length);
        let tag = crypto.sha1_hmac_provider.sha1_hmac(password.as_bytes(), &[&data]);
        data.extend_from_slice(&[0, 8, 0, 20]);
        data.extend_from_slice(&tag);
        data
    }

    #[test]
    fn the_receiver_is_found() {
        assert_eq!(local_ufrag(&request(PASSWORD)), Some("mine"));
        assert_eq!(local_ufrag(&[0; 20]), None);
        assert_eq!(local_ufrag(&request(PASSWORD)[..24]), None);
    }

    #[test]
    fn a_request_without_priority_is_completed() {
        let crypto = str0m::crypto::from_feature_flags();
        let data = request(PASSWORD);
        assert!(StunMessage::parse(&data).is_err(), "str0m refuses it");
        let whole = with_priority(&data, PASSWORD, &crypto).unwrap();
        let message = StunMessage::parse(&whole).unwrap();
        assert_eq!(message.prio(), Some(REFLEXIVE_PRIORITY));
        let hmac = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
        assert!(message.verify(PASSWORD.as_bytes(), hmac));
        assert_eq!(with_priority(&whole, PASSWORD, &crypto), None, "nothing is missing now");
    }

    #[test]
    fn a_forged_request_is_not() {
        let crypto = str0m::crypto::from_feature_flags();
        assert_eq!(with_priority(&request("another"), PASSWORD, &crypto), None);
    }
}
