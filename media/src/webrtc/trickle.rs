//! Trickle fragments (RFC 8840, RFC 9725 4.3.1).
//!
//! The server is ICE-lite: it never sends checks, and learns a client's
//! addresses from the checks it receives. Candidates in a fragment are therefore
//! checked for their form and otherwise not needed.

use crate::error::TrickleError;

use super::sdp::{MAX_SDP, is_ice};

/// What a fragment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The client's user fragment, if given: another than the offer's means an
    /// ICE restart.
    pub(crate) ufrag: Option<String>,
    /// The password that belongs to it.
    pub(crate) pwd: Option<String>,
}

impl Fragment {
    pub(crate) fn parse(text: &str) -> Result<Self, TrickleError> {
        if text.len() > MAX_SDP {
            return Err(TrickleError::TooLarge { limit: MAX_SDP });
        }
        let malformed = |what: &str| Err(TrickleError::Malformed(what.to_owned()));
        let strange = |what: &str| Err(TrickleError::NotUnderstood(what.to_owned()));
        let mut ufrag: Option<String> = None;
        let mut pwd: Option<String> = None;
        let mut understood = false;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once('=') {
                Some(("a", value)) => {
                    let (name, value) = value.split_once(':').unwrap_or((value, ""));
                    match name {
                        "ice-ufrag" => ufrag = Some(value.trim().to_owned()),
                        "ice-pwd" => pwd = Some(value.trim().to_owned()),
                        "candidate" if value.split_ascii_whitespace().count() < 8 => {
                            return strange("a=candidate has fewer than eight fields");
                        }
                        "candidate" | "end-of-candidates" => {}
                        _ => continue,
                    }
                    understood = true;
                }
                Some(("m" | "c" | "o" | "s" | "t" | "v" | "b", _)) => {}
                _ => return malformed("a line is neither an attribute nor an m-line"),
            }
        }
        if !understood {
            return strange("it has neither candidates nor credentials");
        }
        // RFC 8839, 5.4: both or none.
        let well = |text: &Option<String>, least| text.as_ref().is_none_or(|t| is_ice(t, least));
        if ufrag.is_some() != pwd.is_some() || !well(&ufrag, 4) || !well(&pwd, 22) {
            return strange(
                "a=ice-ufrag and a=ice-pwd come together, with 4 and 22 characters or more",
            );
        }
        Ok(Self { ufrag, pwd })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pseudo_section_of_a_simple_client() {
        let text = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n\
            m=audio 9 RTP/AVP 0\r\na=mid:video0\r\n\
            a=candidate:1 1 UDP 2015363327 10.77.0.2 59007 typ host\r\na=end-of-candidates\r\n";
        let pwd = Some("abcdefghijklmnopqrstuv".into());
        assert_eq!(Fragment::parse(text), Ok(Fragment { ufrag: Some("abcd".into()), pwd }));
        let none = Fragment { ufrag: None, pwd: None };
        assert_eq!(Fragment::parse("a=end-of-candidates\r\n"), Ok(none));
    }

    #[test]
    fn half_of_the_credentials_is_no_fragment() {
        for text in [
            "a=ice-ufrag:abcd\r\n",
            "a=ice-pwd:abcdefghijklmnopqrstuv\r\n",
            "a=ice-ufrag:abc\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n",
            "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstu\r\n",
        ] {
            assert!(matches!(Fragment::parse(text), Err(TrickleError::NotUnderstood(_))), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(Fragment::parse("hello"), Err(TrickleError::Malformed(_))));
        for text in ["", "m=audio 9 RTP/AVP 0", "a=candidate:1 1 UDP", "a=x", "a=mid:0\r\n"] {
            assert!(matches!(Fragment::parse(text), Err(TrickleError::NotUnderstood(_))), "{text}");
        }
        let long = "a=x\r\n".repeat(20_000);
        assert_eq!(Fragment::parse(&long), Err(TrickleError::TooLarge { limit: MAX_SDP }));
    }
}
