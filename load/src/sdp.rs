//! The offers of a viewer and of a publisher, and what is read from an answer.

use std::net::SocketAddr;

use crate::error::Error;

/// Payload types of the offers, as Chromium numbers them.
pub(crate) const H264: u8 = 102;
pub(crate) const OPUS: u8 = 111;
/// H.264 profiles offered, each with its payload type; RTX has the next number.
const PROFILES: [(u8, &str); 3] = [(H264, "42e01f"), (104, "42001f"), (106, "64001f")];
/// How many candidates of a server are tried.
const MAX_CANDIDATES: usize = 8;

/// One side's ICE credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
}

impl Credentials {
    /// Fresh ones.
    pub(crate) fn random() -> Self {
        Self {
            ufrag: hex::encode(rand::random::<[u8; 4]>()),
            pwd: hex::encode(rand::random::<[u8; 12]>()),
        }
    }
}

/// The profile, its constraints and the level of an H.264 stream, as its parameter
/// sets have them (RFC 6184, 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProfileLevel(pub(crate) [u8; 3]);

impl std::fmt::Display for ProfileLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Which end of a stream an offer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sends nothing but reports.
    Viewer,
    /// Sends under these SSRCs.
    Publisher {
        /// Of the picture.
        video: u32,
        /// Of the sound.
        audio: u32,
        /// What the picture is.
        profile: ProfileLevel,
    },
}

/// What an offer says of the side that makes it.
#[derive(Debug)]
pub(crate) struct Local<'a> {
    pub(crate) role: Role,
    pub(crate) credentials: &'a Credentials,
    /// SHA-256, as SDP writes it.
    pub(crate) fingerprint: &'a str,
    pub(crate) address: SocketAddr,
}

/// An offer with all candidates (there is one), audio first as Chromium has it.
pub(crate) fn offer(local: &Local<'_>) -> String {
    let family = if local.address.is_ipv4() { "IP4" } else { "IP6" };
    let mut text = format!(
        "v=0\r\no=- {} 2 IN {family} {}\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
         a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n",
        rand::random::<u32>(),
        local.address.ip(),
    );
    text += &format!("m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}\r\n");
    transport(&mut text, local, 0);
    text += &format!(
        "a=rtpmap:{OPUS} opus/48000/2\r\na=fmtp:{OPUS} minptime=10;stereo=1;useinbandfec=1\r\n"
    );
    let profiles = match local.role {
        Role::Viewer => PROFILES.map(|(pt, profile)| (pt, profile.to_owned())).to_vec(),
        Role::Publisher { profile, .. } => vec![(H264, profile.to_string())],
    };
    let types: String = profiles.iter().map(|(pt, _)| format!(" {pt} {}", pt + 1)).collect();
    text += &format!("m=video 9 UDP/TLS/RTP/SAVPF{types}\r\n");
    transport(&mut text, local, 1);
    for (pt, profile) in &profiles {
        text += &format!(
            "a=rtpmap:{pt} H264/90000\r\na=rtcp-fb:{pt} ccm fir\r\na=rtcp-fb:{pt} nack\r\n\
             a=rtcp-fb:{pt} nack pli\r\na=fmtp:{pt} level-asymmetry-allowed=1;\
             packetization-mode=1;profile-level-id={profile}\r\n\
             a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={pt}\r\n",
            rtx = pt + 1,
        );
    }
    if let Role::Publisher { video, .. } = local.role {
        text += &format!("a=ssrc:{video} cname:load\r\na=ssrc:{video} msid:load video\r\n");
    }
    text
}

/// What both media sections have alike.
fn transport(text: &mut String, local: &Local<'_>, mid: u8) {
    let (ip, port) = (local.address.ip(), local.address.port());
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    let Credentials { ufrag, pwd } = local.credentials;
    *text += &format!(
        "c=IN {family} {ip}\r\na=rtcp:9 IN {family} {ip}\r\n\
         a=candidate:1 1 udp 2130706431 {ip} {port} typ host\r\na=end-of-candidates\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=fingerprint:sha-256 {}\r\n\
         a=setup:actpass\r\na=mid:{mid}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
        local.fingerprint,
    );
    match local.role {
        Role::Viewer => *text += "a=recvonly\r\n",
        Role::Publisher { audio, .. } => {
            *text += "a=sendonly\r\n";
            let name = if mid == 0 { "audio" } else { "video" };
            *text += &format!("a=msid:load {name}\r\n");
            if mid == 0 {
                *text +=
                    &format!("a=ssrc:{audio} cname:load\r\na=ssrc:{audio} msid:load audio\r\n");
            }
        }
    }
}

/// What a payload type carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    H264,
    Opus,
    /// Retransmissions.
    Rtx,
    /// Something else, with its clock rate in Hz.
    Other(u32),
}

impl Codec {
    /// The RTP clock rate in Hz.
    pub(crate) fn clock(self) -> u32 {
        match self {
            Self::H264 | Self::Rtx => 90_000,
            Self::Opus => 48_000,
            Self::Other(clock) => clock,
        }
    }
}

/// An answer, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) credentials: Credentials,
    /// SHA-256 of the server's certificate.
    pub(crate) fingerprint: [u8; 32],
    /// Whether this side opens the DTLS handshake.
    pub(crate) active: bool,
    /// Where the server may be reached by UDP.
    pub(crate) candidates: Vec<SocketAddr>,
    /// Payload types and what they carry.
    pub(crate) codecs: Vec<(u8, Codec)>,
}

impl Answer {
    /// Reads an answer. All media share one transport; the first one's counts.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let attribute = |name: &str| {
            text.lines().find_map(|line| line.trim().strip_prefix("a=")?.strip_prefix(name))
        };
        let value = |name: &str, missing| attribute(name).map(str::trim).ok_or(Error::Sdp(missing));
        let fingerprint = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("a=fingerprint:"))
            .find_map(fingerprint)
            .ok_or(Error::Sdp("no SHA-256 fingerprint"))?;
        let mut candidates: Vec<SocketAddr> = Vec::new();
        for address in text.lines().filter_map(candidate) {
            if !candidates.contains(&address) && candidates.len() < MAX_CANDIDATES {
                candidates.push(address);
            }
        }
        if candidates.is_empty() {
            return Err(Error::Sdp("no UDP candidate; trickled ones are not waited for"));
        }
        Ok(Self {
            credentials: Credentials {
                ufrag: value("ice-ufrag:", "no ice-ufrag")?.to_owned(),
                pwd: value("ice-pwd:", "no ice-pwd")?.to_owned(),
            },
            fingerprint,
            active: match value("setup:", "no setup")? {
                "passive" => true,
                "active" => false,
                _ => return Err(Error::Sdp("setup is neither active nor passive")),
            },
            candidates,
            codecs: text.lines().filter_map(codec).collect(),
        })
    }

    /// What `payload_type` carries.
    pub(crate) fn codec(&self, payload_type: u8) -> Option<Codec> {
        self.codecs.iter().find(|(pt, _)| *pt == payload_type).map(|(_, codec)| *codec)
    }
}

fn fingerprint(value: &str) -> Option<[u8; 32]> {
    let (hash, digits) = value.trim().split_once(' ')?;
    if !hash.eq_ignore_ascii_case("sha-256") {
        return None;
    }
    hex::decode(digits.trim().replace(':', "")).ok()?.try_into().ok()
}

/// The address of a UDP candidate for RTP (RFC 8839, 5.1).
fn candidate(line: &str) -> Option<SocketAddr> {
    let rest = line.trim().strip_prefix("a=candidate:")?;
    let mut fields = rest.split_ascii_whitespace();
    let (_foundation, component, protocol) = (fields.next()?, fields.next()?, fields.next()?);
    if component != "1" || !protocol.eq_ignore_ascii_case("udp") {
        return None;
    }
    let (_priority, ip, port) = (fields.next()?, fields.next()?, fields.next()?);
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

fn codec(line: &str) -> Option<(u8, Codec)> {
    let (pt, encoding) = line.trim().strip_prefix("a=rtpmap:")?.split_once(' ')?;
    let mut parts = encoding.trim().split('/');
    let (name, clock) = (parts.next()?.to_ascii_lowercase(), parts.next()?.parse().ok()?);
    let codec = match name.as_str() {
        "h264" => Codec::H264,
        "opus" => Codec::Opus,
        "rtx" => Codec::Rtx,
        _ => Codec::Other(clock),
    };
    Some((pt.parse().ok()?, codec))
}

/// A SHA-256 as SDP writes it.
pub(crate) fn fingerprint_text(hash: &[u8]) -> String {
    let pairs: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n\
        a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:\
        16:17:18:19:1A:1B:1C:1D:1E:1F\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=setup:passive\r\na=ice-ufrag:abcd\r\n\
        a=ice-pwd:0123456789012345678901\r\na=rtpmap:111 opus/48000/2\r\n\
        a=candidate:1 1 UDP 2130706431 127.0.0.1 8189 typ host\r\n\
        a=candidate:1 2 UDP 2130706430 127.0.0.1 8190 typ host\r\n\
        a=candidate:2 1 tcp 1671430143 127.0.0.1 8189 typ host tcptype passive\r\n\
        a=candidate:3 1 udp 2130706431 ::1 8189 typ host\r\n\
        a=candidate:4 1 udp 2130706431 name.local 8189 typ host\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 102 103 98\r\na=rtpmap:102 H264/90000\r\n\
        a=rtpmap:103 rtx/90000\r\na=rtpmap:98 VP8/90000\r\na=ice-ufrag:other\r\n";

    #[test]
    fn an_answer_is_read() {
        let answer = Answer::parse(ANSWER).unwrap();
        assert_eq!(answer.credentials.ufrag, "abcd");
        assert_eq!(answer.credentials.pwd, "0123456789012345678901");
        assert_eq!(answer.fingerprint.to_vec(), (0..32).collect::<Vec<u8>>());
        assert!(answer.active);
        let addresses: Vec<String> = answer.candidates.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["127.0.0.1:8189", "[::1]:8189"]);
        assert_eq!(answer.codec(102), Some(Codec::H264));
        assert_eq!(answer.codec(103), Some(Codec::Rtx));
        assert_eq!(answer.codec(98), Some(Codec::Other(90_000)));
        assert_eq!(answer.codec(111).map(Codec::clock), Some(48_000));
        assert_eq!(answer.codec(1), None);
    }

    #[test]
    fn the_server_may_open_the_handshake() {
        let answer = Answer::parse(&ANSWER.replace("setup:passive", "setup:active")).unwrap();
        assert!(!answer.active);
    }

    #[test]
    fn an_answer_without_the_needed_is_refused() {
        for (needed, instead) in [
            ("a=ice-pwd:", "a=x:"),
            ("a=setup:passive", "a=setup:actpass"),
            ("sha-256", "sha-1"),
            ("a=candidate:", "a=x:"),
        ] {
            let text = ANSWER.replace(needed, instead);
            assert!(matches!(Answer::parse(&text), Err(Error::Sdp(_))), "{needed}");
        }
    }

    #[test]
    fn the_offers_say_their_direction_and_sources() {
        let credentials = Credentials::random();
        let local = |role| Local {
            role,
            credentials: &credentials,
            fingerprint: "AA:BB",
            address: "127.0.0.1:4000".parse().unwrap(),
        };
        let viewer = offer(&local(Role::Viewer));
        assert_eq!(viewer.matches("a=recvonly").count(), 2);
        assert_eq!(viewer.matches("H264/90000").count(), 3);
        assert!(!viewer.contains("a=ssrc:"));
        assert!(viewer.contains(" 127.0.0.1 4000 typ host"));
        let profile = ProfileLevel([0x64, 0, 0x28]);
        let publisher = offer(&local(Role::Publisher { video: 7, audio: 8, profile }));
        assert_eq!(publisher.matches("a=sendonly").count(), 2);
        assert!(publisher.contains("profile-level-id=640028"));
        assert_eq!(publisher.matches("H264/90000").count(), 1);
        assert!(publisher.contains("a=ssrc:7 cname") && publisher.contains("a=ssrc:8 cname"));
    }
}
