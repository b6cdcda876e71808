//! An offer as the client wrote it, read before anything else sees it.
//!
//! Clients differ much in how they write their offers. This reads what matters,
//! and refuses what cannot work with a reason.

use str0m::format::FormatParams;

use crate::error::OfferError;
use crate::rtp::{Codec, Kind};
use crate::stream::Payload;

use super::direction::Direction;
use super::multiopus::ChannelOrder;
use super::simulcast::Gathered;
use super::sprop;

/// The longest SDP that is read, in bytes.
pub(crate) const MAX_SDP: usize = 64 * 1024;
const MAX_SECTIONS: usize = 32;
const MAX_CODECS: usize = 48;
const MAX_PAIRS: usize = 24;

/// A payload type with all that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct OfferedCodec {
    pub(crate) pt: u8,
    pub(crate) codec: Codec,
    pub(crate) format: FormatParams,
    pub(crate) rtx: Option<u8>,
    pub(crate) nack: bool,
    pub(crate) pli: bool,
    pub(crate) fir: bool,
    pub(crate) transport_cc: bool,
    /// The receiver tells its estimate of the bandwidth (goog-remb).
    pub(crate) remb: bool,
    /// A packet with the parameter sets that the offer carries.
    pub(crate) parameters: Option<Payload>,
    /// Of six channels of sound.
    pub(crate) order: Option<ChannelOrder>,
}

/// An m-section.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// The media name: "audio", "video", "application" or anything else.
    pub(crate) media: String,
    pub(crate) proto: String,
    pub(crate) formats: String,
    pub(crate) port: u16,
    pub(crate) mid: Option<String>,
    pub(crate) direction: Option<Direction>,
    pub(crate) rtcp_mux: bool,
    /// RTCP of reduced size is taken (RFC 5506, 5).
    pub(crate) rtcp_rsize: bool,
    pub(crate) bundle_only: bool,
    pub(crate) codecs: Vec<OfferedCodec>,
    /// The identifiers of simulcast layers, the lowest first.
    pub(crate) layers: Vec<String>,
    /// Header extensions with their identifiers.
    pub(crate) extensions: Vec<(u8, String)>,
    /// `a=ssrc-group:FID`: sources, each with the one of its retransmissions.
    pub(crate) pairs: Vec<(u32, u32)>,
    attributes: Transport,
}

impl Section {
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self.media.as_str() {
            "audio" => Some(Kind::Audio),
            "video" => Some(Kind::Video),
            _ => None,
        }
    }
}

/// ICE and DTLS attributes, at either level.
#[derive(Debug, Clone, Default)]
struct Transport {
    ufrag: Option<String>,
    pwd: Option<String>,
    fingerprints: Vec<String>,
    setup: Option<String>,
    ice_lite: bool,
}

impl Transport {
    fn note(&mut self, name: &str, value: &str) {
        match name {
            "ice-ufrag" => self.ufrag = Some(value.to_owned()),
            "ice-pwd" => self.pwd = Some(value.to_owned()),
            "fingerprint" => self.fingerprints.push(value.to_owned()),
            "setup" => self.setup = Some(value.to_owned()),
            "ice-lite" => self.ice_lite = true,
            _ => {}
        }
    }
}

/// A whole offer.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// Its password is for checks of ours, and a lite agent makes none.
    pub(crate) ufrag: String,
    pub(crate) fingerprint: String,
    pub(crate) setup: &'static str,
    pub(crate) bundle: Option<Vec<String>>,
    pub(crate) sections: Vec<Section>,
}

impl Offer {
    /// The SHA-256 of the certificate that the client will show.
    pub(crate) fn fingerprint_bytes(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        let hex = self.fingerprint.rsplit(' ').next().unwrap_or_default();
        for (byte, pair) in hash.iter_mut().zip(hex.split(':')) {
            // It was checked to be hexadecimal when it was read.
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        hash
    }
}

fn malformed(what: impl Into<String>) -> OfferError {
    OfferError::Malformed(what.into())
}

impl Offer {
    /// Reads an offer.
    pub(crate) fn parse(text: &str) -> Result<Self, OfferError> {
        if text.len() > MAX_SDP {
            return Err(OfferError::TooLarge { limit: MAX_SDP });
        }
        let mut lines = text.lines().map(|line| line.trim_end_matches('\r'));
        if lines.next().map(str::trim_end) != Some("v=0") {
            return Err(malformed("it does not begin with v=0"));
        }
        let mut raw = Raw::default();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            raw.line(line)?;
        }
        raw.finish()
    }
}

/// What is gathered while reading.
#[derive(Default)]
struct Raw {
    transport: Transport,
    direction: Option<Direction>,
    bundle: Option<Vec<String>>,
    sections: Vec<RawSection>,
}

struct RawSection {
    section: Section,
    pts: Vec<u8>,
    maps: Vec<(u8, String)>,
    formats: Vec<(u8, String)>,
    feedback: Vec<(String, String)>,
    simulcast: Gathered,
}

impl Raw {
    fn line(&mut self, line: &str) -> Result<(), OfferError> {
        let Some((kind, value)) = line.split_once('=').filter(|(k, _)| k.len() == 1) else {
            return Err(malformed(format!("\"{}\" is no line of an SDP", excerpt(line))));
        };
        match kind {
            "m" => self.begin_section(value),
            "a" => {
                let (name, value) = value.split_once(':').unwrap_or((value, ""));
                self.attribute(name, value.trim())
            }
            _ => Ok(()),
        }
    }

    fn begin_section(&mut self, value: &str) -> Result<(), OfferError> {
        if self.sections.len() >= MAX_SECTIONS {
            return Err(malformed(format!("more than {MAX_SECTIONS} m-lines")));
        }
        let bad = || malformed(format!("\"m={}\" is no m-line", excerpt(value)));
        let mut parts = value.splitn(4, ' ');
        let media = parts.next().filter(|m| is_token(m)).ok_or_else(bad)?;
        let port = parts.next().and_then(|p| p.split('/').next()).ok_or_else(bad)?;
        let port = port.parse().map_err(|_| bad())?;
        let proto = parts.next().filter(|p| is_token(p)).ok_or_else(bad)?;
        let formats = parts.next().unwrap_or("").trim();
        if !formats.split_ascii_whitespace().all(is_token) {
            return Err(bad());
        }
        self.sections.push(RawSection {
            pts: formats.split_ascii_whitespace().filter_map(|f| f.parse().ok()).collect(),
            section: Section {
                media: media.to_owned(),
                proto: proto.to_owned(),
                formats: formats.to_owned(),
                port,
                mid: None,
                direction: None,
                rtcp_mux: false,
                rtcp_rsize: false,
                bundle_only: false,
                codecs: Vec::new(),
                layers: Vec::new(),
                extensions: Vec::new(),
                pairs: Vec::new(),
                attributes: Transport::default(),
            },
            maps: Vec::new(),
            formats: Vec::new(),
            feedback: Vec::new(),
            simulcast: Gathered::default(),
        });
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), OfferError> {
        let Some(raw) = self.sections.last_mut() else {
            self.transport.note(name, value);
            if let Some(direction) = Direction::from_name(name) {
                self.direction = Some(direction);
            }
            if name == "group"
                && let Some(mids) = value.strip_prefix("BUNDLE")
                && self.bundle.is_none()
            {
                self.bundle = Some(mids.split_ascii_whitespace().map(str::to_owned).collect());
            }
            return Ok(());
        };
        raw.section.attributes.note(name, value);
        if let Some(direction) = Direction::from_name(name) {
            raw.section.direction = Some(direction);
        }
        raw.attribute(name, value)
    }

    fn finish(self) -> Result<Offer, OfferError> {
        let direction = self.direction;
        let sections: Vec<Section> =
            self.sections.into_iter().map(|raw| raw.finish(direction)).collect::<Result<_, _>>()?;
        if sections.is_empty() {
            return Err(OfferError::NoMedia("the offer has no audio and no video section".into()));
        }
        let levels =
            || std::iter::once(&self.transport).chain(sections.iter().map(|s| &s.attributes));
        if levels().any(|t| t.ice_lite) {
            return Err(OfferError::Unsupported(
                "the offer says ice-lite; the server is lite itself and needs a full ICE client"
                    .into(),
            ));
        }
        let ufrag = levels().find_map(|t| t.ufrag.clone());
        let pwd = levels().find_map(|t| t.pwd.clone());
        let (Some(ufrag), Some(pwd)) = (ufrag, pwd) else {
            return Err(malformed("a=ice-ufrag or a=ice-pwd is missing"));
        };
        if !is_ice(&ufrag, 4) || !is_ice(&pwd, 22) {
            return Err(malformed("a=ice-ufrag or a=ice-pwd breaks RFC 8839, 5.4"));
        }
        let fingerprint = levels()
            .flat_map(|t| &t.fingerprints)
            .filter_map(|f| fingerprint(f))
            .next()
            .ok_or_else(|| {
                malformed("a=fingerprint (sha-256) is missing: media must be encrypted")
            })?;
        let setup = match levels().find_map(|t| t.setup.as_deref()) {
            Some("actpass") | None => "actpass",
            Some("active") => "active",
            Some("passive") => "passive",
            Some(other) => return Err(malformed(format!("a=setup:{} is unknown", excerpt(other)))),
        };
        Ok(Offer { ufrag, fingerprint, setup, bundle: self.bundle, sections })
    }
}

impl RawSection {
    fn attribute(&mut self, name: &str, value: &str) -> Result<(), OfferError> {
        match name {
            "mid" if is_token(value) && value.len() <= 64 => {
                self.section.mid = Some(value.to_owned());
            }
            "mid" => return Err(malformed("a=mid is no token")),
            "rtcp-mux" | "rtcp-mux-only" => self.section.rtcp_mux = true,
            "rtcp-rsize" => self.section.rtcp_rsize = true,
            "bundle-only" => self.section.bundle_only = true,
            "rtpmap" | "fmtp" => {
                let Some((pt, rest)) = payload_type(value) else { return Ok(()) };
                let list = if name == "fmtp" { &mut self.formats } else { &mut self.maps };
                if list.len() < 2 * MAX_CODECS {
                    list.push((pt, rest.to_owned()));
                }
            }
            "rtcp-fb" => {
                if let Some((pt, rest)) = value.split_once(' ')
                    && self.feedback.len() < 16 * MAX_CODECS
                {
                    self.feedback.push((pt.to_owned(), rest.trim().to_owned()));
                }
            }
            "extmap" => self.extension(value),
            "rid" => self.simulcast.rid(value),
            "simulcast" => self.simulcast.simulcast(value),
            "ssrc-group" => {
                let ids: Option<Vec<u32>> = value.strip_prefix("FID ").map(|ids| {
                    ids.split_ascii_whitespace().filter_map(|i| i.parse().ok()).collect()
                });
                if let Some([main, repair]) = ids.as_deref()
                    && self.section.pairs.len() < MAX_PAIRS
                {
                    self.section.pairs.push((*main, *repair));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn extension(&mut self, value: &str) {
        let Some((id, rest)) = value.split_once(' ') else { return };
        let id = id.split('/').next().and_then(|id| id.parse().ok());
        let uri = rest.split_ascii_whitespace().next();
        if let (Some(id @ 1..=14), Some(uri)) = (id, uri)
            && self.section.extensions.len() < 32
        {
            self.section.extensions.push((id, uri.to_owned()));
        }
    }

    fn finish(mut self, default: Option<Direction>) -> Result<Section, OfferError> {
        let missing_direction = self.section.direction.is_none();
        if missing_direction {
            self.section.direction = Some(default.unwrap_or(Direction::SendRecv));
        }
        // In the order of the m-line, which is the client's preference.
        for pt in self.pts.iter().copied() {
            if let Some(codec) = self.codec(pt)
                && self.section.codecs.len() < MAX_CODECS
            {
                self.section.codecs.push(codec);
            }
        }
        self.section.layers = std::mem::take(&mut self.simulcast).finish();
        Ok(self.section)
    }

    fn codec(&self, pt: u8) -> Option<OfferedCodec> {
        // 64 to 95 cannot be told from RTCP on the same port (RFC 5761, 4).
        if pt > 127 || (64..96).contains(&pt) {
            return None;
        }
        let map = &self.maps.iter().find(|(p, _)| *p == pt)?.1;
        let mut parts = map.split('/');
        let codec = Codec::from_name(parts.next()?.trim())?;
        let clock: u32 = parts.next()?.trim().parse().ok()?;
        let right_kind = self.section.kind() == Some(codec.kind());
        if clock != codec.kind().clock() || !right_kind {
            return None;
        }
        let format = self.formats.iter().find(|(p, _)| *p == pt).map_or("", |(_, f)| f.as_str());
        let six = codec == Codec::MultiOpus;
        let order = ChannelOrder::of(parts.next().map(str::trim), format).filter(|_| six);
        if six && order.is_none() {
            return None;
        }
        let has = |what: &str| {
            let number = pt.to_string();
            self.feedback.iter().any(|(p, value)| (*p == number || p == "*") && value == what)
        };
        // Sound is not sent again: by then it is too late to be heard, and Opus
        // conceals.
        let again = codec.kind() == Kind::Video;
        Some(OfferedCodec {
            pt,
            codec,
            format: FormatParams::parse_line(format),
            rtx: self.repair(pt).filter(|_| again),
            nack: again && has("nack"),
            pli: has("nack pli"),
            fir: has("ccm fir"),
            transport_cc: has("transport-cc"),
            remb: has("goog-remb"),
            parameters: (codec == Codec::H264).then(|| sprop::packet(format)).flatten(),
            order,
        })
    }

    /// The payload type of the retransmissions (RFC 4588).
    fn repair(&self, pt: u8) -> Option<u8> {
        self.maps.iter().find_map(|(rtx, map)| {
            let name = map.split('/').next()?;
            let format = &self.formats.iter().find(|(p, _)| p == rtx)?.1;
            let apt = format.split(';').find_map(|pair| pair.trim().strip_prefix("apt="))?;
            let fits = name.eq_ignore_ascii_case("rtx")
                && apt.parse() == Ok(pt)
                && *rtx < 128
                && !(64..96).contains(rtx)
                && self.pts.contains(rtx);
            fits.then_some(*rtx)
        })
    }
}

fn payload_type(value: &str) -> Option<(u8, &str)> {
    let (pt, rest) = value.split_once(' ')?;
    Some((pt.parse().ok()?, rest.trim()))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// RFC 8839, 5.4: ice-char is a letter, a digit, "+" or "/"; some clients use
/// other printable characters, which do no harm.
pub(super) fn is_ice(text: &str, least: usize) -> bool {
    (least..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b':')
}

/// `hash XX:XX…`, if the hash is one that is fit to be trusted.
fn fingerprint(value: &str) -> Option<String> {
    let (hash, bytes) = value.split_once(' ')?;
    let bytes = bytes.trim();
    let good = bytes.split(':').count() == 32
        && bytes.split(':').all(|b| b.len() == 2 && u8::from_str_radix(b, 16).is_ok());
    (hash.eq_ignore_ascii_case("sha-256") && good).then(|| format!("sha-256 {bytes}"))
}

/// The beginning of what a client sent, fit for an error message.
fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=sendrecv\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n\
        a=fingerprint:sha-256 7F:FF:D5:E3:95:AF:BF:FB:70:F0:F9:83:B0:04:06:32:1C:71:90:7B:7F:7D:81:54:BC:CB:F8:51:6B:86:91:EF\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:97 OPUS/48000\r\n";

    #[test]
    fn the_least_that_works() {
        let offer = Offer::parse(MINIMAL).unwrap();
        assert_eq!(offer.setup, "actpass");
        assert_eq!(offer.sections[0].codecs[0].codec, Codec::Opus);
        assert_eq!(offer.sections[0].direction, Some(Direction::SendRecv));
    }

    #[test]
    fn what_is_missing_is_said() {
        let cases = [
            ("v=0", "v=1", "v=0"),
            ("a=ice-ufrag:abcd\r\n", "", "ice-ufrag"),
            ("a=fingerprint:sha-256", "a=fingerprint:md5", "fingerprint"),
            ("a=mid:0\r\n", "a=mid:0\r\nnonsense\r\n", "nonsense"),
            ("m=audio 9", "m=audio x", "m-line"),
        ];
        for (from, to, reason) in cases {
            let error = Offer::parse(&MINIMAL.replacen(from, to, 1)).unwrap_err();
            assert!(matches!(error, OfferError::Malformed(_)), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn size_and_emptiness() {
        let long = format!("{MINIMAL}{}", "a=x\r\n".repeat(20_000));
        assert_eq!(Offer::parse(&long).unwrap_err(), OfferError::TooLarge { limit: MAX_SDP });
        let (head, _) = MINIMAL.split_once("m=").unwrap();
        assert!(matches!(Offer::parse(head), Err(OfferError::NoMedia(_))));
        assert!(matches!(Offer::parse(""), Err(OfferError::Malformed(_))));
    }
}
