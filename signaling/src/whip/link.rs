//! `Link` headers (RFC 8288): STUN and TURN servers, and what else a session has.

use rushes_media::SessionId;

use super::access::IceServer;

/// The relation of a WHEP session's choice of layers.
pub(super) const LAYER: &str = "urn:ietf:params:whep:ext:core:layer";
/// The relation of a WHEP session's events.
pub(super) const EVENTS: &str = "urn:ietf:params:whep:ext:core:server-sent-events";

/// A STUN or TURN server (RFC 9725, 4.6).
pub(super) fn ice_server(server: &IceServer) -> String {
    let url = &server.url;
    match &server.credential {
        None => format!("<{url}>; rel=\"ice-server\""),
        Some((user, secret)) => format!(
            "<{url}>; rel=\"ice-server\"; username={}; credential={}; credential-type=\"password\"",
            quoted(user),
            quoted(secret)
        ),
    }
}

/// The extensions of a WHEP session.
pub(super) fn extensions(prefix: &str, session: SessionId) -> [String; 2] {
    [
        format!("<{prefix}/live/session/{session}/layer>; rel=\"{LAYER}\""),
        format!(
            "<{prefix}/live/session/{session}/events>; rel=\"{EVENTS}\"; events=\"{}\"",
            super::teller::NAMES.join(",")
        ),
    ]
}

/// A quoted-string of RFC 9110, 5.6.4.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_quoted() {
        let url = "turn:turn.test:3478?transport=udp".to_owned();
        let server = IceServer { url, credential: Some(("me".into(), "a\"b\\".into())) };
        assert_eq!(
            ice_server(&server),
            "<turn:turn.test:3478?transport=udp>; rel=\"ice-server\"; username=\"me\"; \
             credential=\"a\\\"b\\\\\"; credential-type=\"password\""
        );
        let stun = IceServer { url: "stun:stun.test".into(), credential: None };
        assert_eq!(ice_server(&stun), "<stun:stun.test>; rel=\"ice-server\"");
    }
}
