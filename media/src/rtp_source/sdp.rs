//! What of an SDP (RFC 8866) describes the packets of its media.

use super::declared::{DeclarationError, MOST};

/// Media of a description: more is not read.
const MEDIA: usize = 16;
/// Formats and attributes of one.
const FORMATS: usize = 32;

/// A section for one medium.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Media {
    /// "video", "audio" or anything else.
    pub(super) kind: String,
    /// As "RTP/AVP".
    pub(super) proto: String,
    /// The payload type that it is sent with.
    pub(super) pt: u8,
    maps: Vec<(u8, String)>,
    formats: Vec<(u8, String)>,
}

/// What a format is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) name: String,
    pub(super) clock: u32,
    pub(super) channels: Option<u32>,
}

fn malformed(why: impl Into<String>) -> DeclarationError {
    DeclarationError::Malformed(why.into())
}

/// The media of a description.
///
/// # Errors
/// If it is none.
pub(super) fn parse(text: &str) -> Result<Vec<Media>, DeclarationError> {
    if text.len() > MOST {
        return Err(DeclarationError::TooLong);
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\r' | '\n' | '\t')) {
        return Err(malformed("it has control characters"));
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    // ffmpeg writes a title.
    let mut lines = lines.skip_while(|line| *line == "SDP:");
    if lines.next() != Some("v=0") {
        return Err(malformed("it does not begin with v=0"));
    }
    let mut all: Vec<Media> = Vec::new();
    for line in lines {
        let Some((kind, value)) = line.split_once('=').filter(|(kind, _)| kind.len() == 1) else {
            return Err(malformed(format!("\"{}\" is no line of it", excerpt(line))));
        };
        match kind {
            "m" if all.len() >= MEDIA => {
                return Err(malformed(format!("it has more than {MEDIA} m-lines")));
            }
            "m" => all.push(Media::parse(value)?),
            "a" => {
                if let Some(media) = all.last_mut() {
                    media.attribute(value);
                }
            }
            _ => {}
        }
    }
    Ok(all)
}

impl Media {
    /// `video 5004 RTP/AVP 96 97`
    fn parse(value: &str) -> Result<Self, DeclarationError> {
        let bad = || malformed(format!("\"m={}\" is no m-line", excerpt(value)));
        let mut parts = value.split_ascii_whitespace();
        let (kind, port, proto) = (parts.next(), parts.next(), parts.next());
        let (Some(kind), Some(port), Some(proto)) = (kind, port, proto) else { return Err(bad()) };
        // A number of ports may stand behind it.
        let port = port.split('/').next().unwrap_or_default();
        let format = parts.next().ok_or_else(bad)?;
        port.parse::<u16>().map_err(|_| bad())?;
        let pt = match format.parse() {
            Ok(pt @ 0..=127) => pt,
            // What is no RTP has other formats, and is not looked at.
            _ if !matches!(kind, "video" | "audio") => 0,
            _ => return Err(bad()),
        };
        let (kind, proto) = (kind.to_owned(), proto.to_owned());
        Ok(Self { kind, proto, pt, ..Self::default() })
    }

    fn attribute(&mut self, value: &str) {
        let Some((name, value)) = value.split_once(':') else { return };
        let list = match name {
            "rtpmap" => &mut self.maps,
            "fmtp" => &mut self.formats,
            _ => return,
        };
        if let Some((pt, rest)) = value.trim().split_once([' ', '\t'])
            && let Ok(pt) = pt.parse()
            && list.len() < FORMATS
        {
            list.push((pt, rest.trim().to_owned()));
        }
    }

    /// What it is sent as: by its `rtpmap`, or by its number (RFC 3551, 6). None if neither says.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        let map = self.maps.iter().find(|(pt, _)| *pt == self.pt).map(|(_, map)| map.as_str());
        let map = map.or(match self.pt {
            0 => Some("PCMU/8000/1"),
            8 => Some("PCMA/8000/1"),
            10 => Some("L16/44100/2"),
            11 => Some("L16/44100/1"),
            33 => Some("MP2T/90000"),
            _ => None,
        })?;
        let mut parts = map.split('/').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
        let clock = parts.next()?.parse().ok().filter(|clock| *clock > 0)?;
        let channels = match parts.next() {
            Some(channels) => Some(channels.parse().ok()?),
            None => None,
        };
        Some(Encoding { name, clock, channels })
    }

    /// The value of a parameter of its format, whose name may be written large or small.
    pub(super) fn parameter(&self, wanted: &str) -> Option<&str> {
        let of = self.formats.iter().filter(|(pt, _)| *pt == self.pt);
        of.flat_map(|(_, format)| format.split(';')).find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let found = name.trim().eq_ignore_ascii_case(wanted);
            found.then(|| value.trim().trim_matches('"'))
        })
    }

    /// The number that a parameter says; its value where that is none.
    pub(super) fn number(&self, wanted: &str) -> Result<Option<u32>, String> {
        let number = |value: &str| {
            value.parse().map_err(|_| format!("{wanted}={} is no number", excerpt(value)))
        };
        self.parameter(wanted).map(number).transpose()
    }
}

/// The beginning of what somebody wrote, fit for an error message.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_whatever_stands_around_it() {
        let text = "SDP:\nv=0\no=- 0 0 IN IP4 127.0.0.1\ns=No Name\nt=0 0\n\
            m=video 45004 RTP/AVP 96 98\nc=IN IP4 127.0.0.1\na=rtpmap:98 VP8/90000\n\
            a=rtpmap:96 H264/90000\na=fmtp:98 x=1\n\
            a=fmtp:96 Packetization-Mode=1; sprop-parameter-sets=AA==,BB==; q=\"7\"\na=sendonly\n\
            m=audio 0/2 RTP/AVP 10\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let [video, audio, _] = &parse(&text).unwrap()[..] else { panic!("three of them") };
            assert_eq!(
                (video.kind.as_str(), video.proto.as_str(), video.pt),
                ("video", "RTP/AVP", 96)
            );
            let found = video.encoding().unwrap();
            assert_eq!((found.name.as_str(), found.clock, found.channels), ("H264", 90_000, None));
            assert_eq!(video.number("packetization-mode"), Ok(Some(1)));
            assert_eq!(video.parameter("sprop-parameter-sets"), Some("AA==,BB=="));
            assert_eq!((video.parameter("q"), video.parameter("x")), (Some("7"), None));
            let found = audio.encoding().unwrap();
            assert_eq!(
                (found.name.as_str(), found.clock, found.channels),
                ("L16", 44_100, Some(2))
            );
        }
    }

    #[test]
    fn what_is_no_description_is_said() {
        let long = format!("v=0\n{}", "a=x\n".repeat(MOST / 4));
        assert_eq!(parse(&long), Err(DeclarationError::TooLong));
        for (text, why) in [
            ("", "v=0"),
            ("m=video 5004 RTP/AVP 96", "v=0"),
            ("v=0\n\0", "control"),
            ("v=0\nrubbish", "rubbish"),
            ("v=0\nm=video", "m-line"),
            ("v=0\nm=video 5004 RTP/AVP", "m-line"),
            ("v=0\nm=video 70000 RTP/AVP 96", "m-line"),
            ("v=0\nm=audio 5004 RTP/AVP 128", "m-line"),
            (&format!("v=0\n{}", "m=audio 1 RTP/AVP 0\n".repeat(17)), "16"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
