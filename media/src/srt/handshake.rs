//! The handshake's content: what a caller asks for and what it is answered
//! (draft-sharabayko-srt-01, 3.2.1 and 4.3).

/// Bytes of a handshake before its extensions.
const BODY: usize = 48;
/// Version 5 of the handshake, the one that SRT since 1.3 (2018) speaks.
const VERSION: u32 = 5;
/// What the listener's first answer has in place of extensions.
const MAGIC: u16 = 0x4a17;
/// The version of SRT that is answered, as libsrt writes it: 1.5.0.
const SRT_VERSION: u32 = 0x01_05_00;
/// A stream id is at most this long, in bytes.
const MAX_STREAM_ID: usize = 512;

const HS_REQUEST: u16 = 1;
const HS_RESPONSE: u16 = 2;
const KM_REQUEST: u16 = 3;
const KM_RESPONSE: u16 = 4;
const STREAM_ID: u16 = 5;
const CONGESTION: u16 = 6;
const GROUP: u16 = 8;

/// What the two ends are able to (3.2.1.1.1).
pub(crate) mod flag {
    pub(crate) const TSBPD_SENDER: u32 = 1 << 0;
    pub(crate) const TSBPD_RECEIVER: u32 = 1 << 1;
    pub(crate) const CRYPT: u32 = 1 << 2;
    pub(crate) const TOO_LATE_DROP: u32 = 1 << 3;
    pub(crate) const PERIODIC_NAK: u32 = 1 << 4;
    pub(crate) const RETRANSMITTED: u32 = 1 << 5;
    pub(crate) const STREAM: u32 = 1 << 6;
}

/// What the listener does, and tells.
const ANSWERED: u32 = flag::TSBPD_SENDER
    | flag::TSBPD_RECEIVER
    | flag::CRYPT
    | flag::TOO_LATE_DROP
    | flag::PERIODIC_NAK
    | flag::RETRANSMITTED;

/// Why a caller is refused: what libsrt's `srt_getrejectreason` says then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Rejection {
    /// There is no room for more.
    Resource = 3,
    /// The handshake makes no sense.
    Rogue = 4,
    /// It takes too long to say who may come.
    Backlog = 5,
    /// A version that is not spoken.
    Version = 8,
    /// The passphrase is wrong.
    BadSecret = 10,
    /// A passphrase is needed.
    Unsecure = 11,
    /// Another mode than that of live streams.
    MessageApi = 12,
    /// Another congestion control than that of live streams.
    Congestion = 13,
    /// Bonded connections are not taken.
    Group = 15,
    /// The stream id cannot be read.
    BadRequest = 1400,
    /// The caller may not do this at the moment.
    Overload = 1402,
    /// The caller may not do this.
    Forbidden = 1403,
    /// There is no such stream.
    NotFound = 1404,
    /// The caller wants something else than to publish.
    BadMode = 1405,
    /// Somebody publishes this already.
    Conflict = 1409,
    /// Something failed here.
    Internal = 1500,
    /// The server is about to end.
    Down = 1503,
}

impl Rejection {
    /// The number that libsrt gives to its user.
    pub fn code(self) -> u32 {
        self as u32
    }
}

/// A caller's handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub(crate) version: u32,
    pub(crate) kind: u32,
    /// The sequence number of its first packet.
    pub(crate) first: u32,
    pub(crate) mtu: u32,
    pub(crate) window: u32,
    pub(crate) id: u32,
    pub(crate) cookie: u32,
    pub(crate) ip: [u8; 16],
}

/// Asks for a cookie.
pub(crate) const INDUCTION: u32 = 1;
/// Brings the cookie back, with all that is to be agreed on.
pub(crate) const CONCLUSION: u32 = 0xffff_ffff;

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let bytes = bytes.get(index * 4..index * 4 + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

impl Handshake {
    pub(crate) fn parse(content: &[u8]) -> Option<Self> {
        Some(Self {
            version: word(content, 0)?,
            first: word(content, 2)?,
            mtu: word(content, 3)?,
            window: word(content, 4)?,
            kind: word(content, 5)?,
            id: word(content, 6)?,
            cookie: word(content, 7)?,
            ip: content.get(32..BODY)?.try_into().ok()?,
        })
    }

    fn write(&self, version: u32, kind: u32, id: u32, cookie: u32, extensions: u16) -> Vec<u8> {
        let mut out = Vec::with_capacity(BODY);
        let fields = [version, u32::from(extensions), self.first, self.mtu, self.window];
        for word in fields.into_iter().chain([kind, id, cookie]) {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(&self.ip);
        out
    }

    /// The answer to an induction: the cookie.
    pub(crate) fn induced(&self, cookie: u32) -> Vec<u8> {
        self.write(VERSION, INDUCTION, self.id, cookie, MAGIC)
    }

    /// The answer to a conclusion that is refused.
    pub(crate) fn rejected(&self, why: Rejection) -> Vec<u8> {
        self.write(VERSION, 1000 + why.code(), self.id, self.cookie, 0)
    }

    /// The answer to a conclusion that is taken.
    pub(crate) fn accepted(&self, id: u32, agreed: &Agreed, keys: Option<&[u8]>) -> Vec<u8> {
        let extensions = if keys.is_some() { 3 } else { 1 };
        let answer = Self { mtu: agreed.mtu, window: agreed.window, ..self.clone() };
        let mut out = answer.write(VERSION, CONCLUSION, id, 0, extensions);
        let latency = u32::from(agreed.latency_ms) << 16 | u32::from(agreed.send_latency_ms);
        let answered: Vec<u8> =
            [SRT_VERSION, ANSWERED, latency].into_iter().flat_map(u32::to_be_bytes).collect();
        write_extension(&mut out, HS_RESPONSE, &answered);
        if let Some(keys) = keys {
            write_extension(&mut out, KM_RESPONSE, keys);
        }
        out
    }
}

/// What both ends keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) mtu: u32,
    pub(crate) window: u32,
    /// From the sending of a packet until it is handed on here.
    pub(crate) latency_ms: u16,
    /// The same for the way back, on which nothing is sent.
    pub(crate) send_latency_ms: u16,
}

fn write_extension(out: &mut Vec<u8>, kind: u16, content: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&((content.len() / 4) as u16).to_be_bytes());
    out.extend_from_slice(content);
}

/// What a caller's conclusion adds to the handshake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// Its version of SRT, its flags, and its latencies: of what it receives, of what it sends.
    pub(crate) request: Option<(u32, u32, u16, u16)>,
    /// Its key material, as it came.
    pub(crate) keys: Option<Vec<u8>>,
    pub(crate) stream_id: String,
}

impl Extensions {
    /// Reads them all. What is not known is passed over, as is right (3.2.1).
    pub(crate) fn parse(content: &[u8]) -> Result<Self, Rejection> {
        let mut found = Self::default();
        let mut rest = content.get(BODY..).unwrap_or_default();
        while let [a, b, c, d, tail @ ..] = rest {
            let kind = u16::from_be_bytes([*a, *b]);
            let length = usize::from(u16::from_be_bytes([*c, *d])) * 4;
            let body = tail.get(..length).ok_or(Rejection::Rogue)?;
            rest = &tail[length..];
            found.take(kind, body)?;
        }
        Ok(found)
    }

    fn take(&mut self, kind: u16, body: &[u8]) -> Result<(), Rejection> {
        match kind {
            HS_REQUEST => {
                let latencies = word(body, 2).ok_or(Rejection::Rogue)?;
                let (version, flags) = (word(body, 0).unwrap_or(0), word(body, 1).unwrap_or(0));
                self.request = Some((version, flags, (latencies >> 16) as u16, latencies as u16));
            }
            KM_REQUEST => self.keys = Some(body.to_vec()),
            STREAM_ID if body.len() > MAX_STREAM_ID => return Err(Rejection::BadRequest),
            STREAM_ID => self.stream_id = text(body).ok_or(Rejection::BadRequest)?,
            CONGESTION if text(body).as_deref() != Some("live") => {
                return Err(Rejection::Congestion);
            }
            GROUP => return Err(Rejection::Group),
            _ => {}
        }
        Ok(())
    }
}

/// Text is sent as words whose bytes are the wrong way round, and filled up with zeros.
fn text(body: &[u8]) -> Option<String> {
    let mut bytes: Vec<u8> = body.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(end);
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A caller's handshake, as libsrt makes it.
    pub(crate) fn call(kind: u32, cookie: u32, id: u32, first: u32) -> Handshake {
        let version = if kind == INDUCTION { 4 } else { VERSION };
        Handshake { version, kind, first, mtu: 1500, window: 8192, id, cookie, ip: [0; 16] }
    }

    pub(crate) fn write_call(handshake: &Handshake, extensions: &Extensions) -> Vec<u8> {
        let (version, kind) = (handshake.version, handshake.kind);
        let field = if kind == INDUCTION { 2 } else { 5 };
        let mut out = handshake.write(version, kind, handshake.id, handshake.cookie, field);
        if let Some((version, flags, receives, sends)) = extensions.request {
            let latency = u32::from(receives) << 16 | u32::from(sends);
            let body: Vec<u8> =
                [version, flags, latency].into_iter().flat_map(u32::to_be_bytes).collect();
            write_extension(&mut out, HS_REQUEST, &body);
        }
        if let Some(keys) = &extensions.keys {
            write_extension(&mut out, KM_REQUEST, keys);
        }
        if !extensions.stream_id.is_empty() {
            write_extension(&mut out, STREAM_ID, &write_text(&extensions.stream_id));
        }
        out
    }

    pub(crate) fn write_text(text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.chunks(4).flat_map(|word| word.iter().rev().copied()).collect()
    }

    #[test]
    fn a_call_is_read() {
        let extensions = Extensions {
            request: Some((0x01_05_01, 0xbf, 120, 250)),
            keys: Some(vec![1, 2, 3, 4]),
            stream_id: "#!::r=cam/1,m=publish".to_owned(),
        };
        let handshake = call(CONCLUSION, 77, 5, 1000);
        let bytes = write_call(&handshake, &extensions);
        assert_eq!(Handshake::parse(&bytes), Some(handshake));
        assert_eq!(Extensions::parse(&bytes), Ok(extensions));
    }

    #[test]
    fn text_may_have_any_length() {
        for length in 0..12 {
            let name = "abcdefghijkl".get(..length).unwrap();
            assert_eq!(text(&write_text(name)).as_deref(), Some(name));
        }
        assert_eq!(text(&[0xff; 4]), None, "not UTF-8");
    }

    /// Kind 6 with "file", kind 8, an extension longer than the packet, a cut request.
    #[test]
    fn what_is_not_taken_is_refused_with_its_reason() {
        let base = write_call(&call(CONCLUSION, 0, 1, 0), &Extensions::default());
        let with = |kind: u16, words: u16, body: &[u8]| {
            let mut bytes = base.clone();
            bytes.extend_from_slice(&kind.to_be_bytes());
            bytes.extend_from_slice(&words.to_be_bytes());
            bytes.extend_from_slice(body);
            Extensions::parse(&bytes).err()
        };
        assert_eq!(with(CONGESTION, 1, &write_text("file")), Some(Rejection::Congestion));
        assert_eq!(with(CONGESTION, 1, &write_text("live")), None);
        assert_eq!(with(GROUP, 2, &[0; 8]), Some(Rejection::Group));
        assert_eq!(with(HS_REQUEST, 1, &[0; 4]), Some(Rejection::Rogue));
        assert_eq!(with(KM_REQUEST, 9, &[0; 8]), Some(Rejection::Rogue));
        assert_eq!(with(STREAM_ID, 129, &[b'a'; 516]), Some(Rejection::BadRequest));
        assert_eq!(with(99, 1, &[0; 4]), None, "what is not known is passed over");
    }
}
