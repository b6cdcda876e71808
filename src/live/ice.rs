//! The STUN and TURN servers that clients are told of.
//!
//! A TURN server gets no users of its own: it shares a secret with this server, which makes
//! credentials that end by themselves (`use-auth-secret` of coturn; draft-uberti-behave-turn-rest).

use std::{fmt, str::FromStr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rushes_signaling::whip::IceServer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::time::Millis;

/// How long a TURN credential is good for: longer than a day of shooting, because a client asks
/// once per session.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// What stands behind the expiry in a credential's user name.
const USER: &str = "rushes";

/// The URL of a STUN or TURN server (RFC 7064, RFC 7065).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IceUrl {
    text: String,
    turn: bool,
}

/// Not the URL of a STUN or TURN server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an ICE server is stun:HOST[:PORT], turn:HOST[:PORT][?transport=udp|tcp] or turns:…, \
     and {0:?} is not"
)]
pub struct BadIceUrl(String);

impl IceUrl {
    /// Whether it is a TURN server, which wants a credential.
    #[must_use]
    pub fn is_turn(&self) -> bool {
        self.turn
    }
}

impl FromStr for IceUrl {
    type Err = BadIceUrl;

    fn from_str(text: &str) -> Result<Self, BadIceUrl> {
        let bad = || BadIceUrl(text.to_owned());
        let text = text.trim();
        let (scheme, rest) = text.split_once(':').ok_or_else(bad)?;
        let turn = match scheme.to_ascii_lowercase().as_str() {
            "stun" | "stuns" => false,
            "turn" | "turns" => true,
            _ => return Err(bad()),
        };
        let (place, transport) = match rest.split_once('?') {
            None => (rest, true),
            Some((place, query)) => {
                (place, turn && matches!(query, "transport=udp" | "transport=tcp"))
            }
        };
        if !transport || !is_place(place) {
            return Err(bad());
        }
        Ok(Self { text: text.to_owned(), turn })
    }
}

/// Whether this is a host, or a host and a port.
fn is_place(place: &str) -> bool {
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    if let Some(rest) = place.strip_prefix('[') {
        let Some((host, port)) = rest.split_once(']') else { return false };
        return host.parse::<std::net::Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = place.split_once(':').map_or((place, None), |(h, p)| (h, Some(p)));
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    !host.is_empty() && host.chars().all(is_host) && port.is_none_or(is_port)
}

impl fmt::Display for IceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<IceUrl> for String {
    fn from(url: IceUrl) -> Self {
        url.text
    }
}

impl TryFrom<String> for IceUrl {
    type Error = BadIceUrl;

    fn try_from(text: String) -> Result<Self, BadIceUrl> {
        text.parse()
    }
}

/// What this server and the TURN servers share. Never logged.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct TurnSecret(String);

impl fmt::Debug for TurnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnSecret(…)")
    }
}

impl FromStr for TurnSecret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl TurnSecret {
    /// Whether it is no secret at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// A user name that ends at `expiry` (seconds since 1970), and the password of it.
    fn credential(&self, expiry: i64) -> (String, String) {
        let user = format!("{expiry}:{USER}");
        let mut mac = Hmac::<Sha1>::new_from_slice(self.0.as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(user.as_bytes());
        let password = STANDARD.encode(mac.finalize().into_bytes());
        (user, password)
    }
}

/// The servers with credentials that are good from `now` on.
#[must_use]
pub fn servers(urls: &[IceUrl], secret: Option<&TurnSecret>, now: Millis) -> Vec<IceServer> {
    let expiry = now.0 / 1000 + LIFETIME.as_secs() as i64;
    urls.iter()
        .map(|url| IceServer {
            url: url.to_string(),
            credential: secret.filter(|_| url.turn).map(|secret| secret.credential(expiry)),
        })
        .collect()
}

/// The servers as `RTCPeerConnection` takes them: an `RTCConfiguration`.
#[must_use]
pub fn configuration(servers: &[IceServer]) -> Value {
    let servers: Vec<Value> = servers
        .iter()
        .map(|server| match &server.credential {
            None => json!({ "urls": [server.url] }),
            Some((user, password)) => {
                json!({ "urls": [server.url], "username": user, "credential": password })
            }
        })
        .collect();
    json!({ "iceServers": servers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_servers() {
        for good in [
            "stun:stun.example.com",
            "turn:192.0.2.1:3478?transport=udp",
            "turns:turn.example.com:443?transport=tcp",
            "turn:[2001:db8::1]:3478",
            " stun:a ",
        ] {
            assert!(good.parse::<IceUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "stun.example.com",
            "http://example.com",
            "stun:",
            "stun:a?transport=udp",
            "turn:a?transport=sctp",
            "turn:a:0",
            "turn:a:port",
            "turn:a>; rel=\"x\"",
            "turn:a b",
            "turn:[::1",
            "turn:user@host",
        ] {
            assert!(bad.parse::<IceUrl>().is_err(), "{bad}");
        }
    }

    /// The password is what `openssl dgst -sha1 -hmac north -binary | base64` makes of the user.
    #[test]
    fn credentials_are_those_of_coturn() {
        let secret: TurnSecret = "north".parse().unwrap();
        let credential = secret.credential(1_433_895_918);
        let expected = ("1433895918:rushes".to_owned(), PASSWORD.to_owned());
        assert_eq!(credential, expected);
        assert!(!format!("{secret:?}").contains("north"));
    }

    const PASSWORD: &str = "m1BNYASQKCCBYstJjh68AAfh/Tc=";

    #[test]
    fn only_turn_servers_get_a_credential_and_it_ends() {
        let urls = ["stun:a", "turn:b"].map(|url| url.parse().unwrap());
        let secret = "north".parse().unwrap();
        let told = servers(&urls, Some(&secret), Millis(5_000));
        assert_eq!(told[0].credential, None);
        let (user, password) = told[1].credential.clone().unwrap();
        assert_eq!(user, "86405:rushes");
        let expected = json!({ "iceServers": [
            { "urls": ["stun:a"] },
            { "urls": ["turn:b"], "username": user, "credential": password },
        ] });
        assert_eq!(configuration(&told), expected);
    }
}
