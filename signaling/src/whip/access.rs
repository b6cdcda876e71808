//! What the server decides: who may publish and who may view.

use std::future::Future;
use std::net::IpAddr;

use rushes_media::StreamId;

/// The path of a WHIP endpoint. The parts are free text, percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhipPath {
    /// The project, as the client calls it.
    pub project: String,
    /// The camera or workstation.
    pub device: String,
    /// One of its streams.
    pub stream: String,
}

/// What a client would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Publish at this path.
    Publish(&'a WhipPath),
    /// View what goes by this identifier.
    View(&'a str),
}

/// Why a request is refused. What the caller may not know of is
/// [`Refusal::NotFound`], like what is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No bearer was sent: 401.
    NoToken,
    /// The bearer is unknown or expired: 401.
    BadToken,
    /// The bearer is known, and may not: 403, with the reason.
    Forbidden(String),
    /// There is no such thing, as far as this caller may know: 404.
    NotFound,
    /// Too many attempts: 429, to be tried again after so many seconds.
    TooMany(u32),
    /// Not now: 503, to be tried again after so many seconds.
    Unavailable(u32),
}

/// A STUN or TURN server for clients, told in `Link` headers (RFC 9725, 4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host:port` or `turn:host:port?transport=…`.
    pub url: String,
    /// The user name and the credential of a TURN server.
    pub credential: Option<(String, String)>,
}

/// The server's side of WHIP and WHEP.
pub trait Access: Send + Sync + 'static {
    /// Whether the bearer may publish at this path, and which stream that is.
    fn publish(
        &self,
        path: &WhipPath,
        bearer: Option<&str>,
        peer: IpAddr,
    ) -> impl Future<Output = Result<StreamId, Refusal>> + Send;

    /// A publisher's offer was answered. Says whether its stream is still there: it may have been
    /// taken away since [`Access::publish`] looked, when nobody could end this session yet.
    fn accepted(&self, stream: StreamId) -> impl Future<Output = bool> + Send;

    /// Whether a viewer may go on: asked from time to time, and when rights have become fewer. Where
    /// it cannot be told they may.
    fn still_views(&self, id: &str, bearer: &str) -> impl Future<Output = bool> + Send;

    /// Whether the bearer may do what a POST would, without doing it.
    fn may(
        &self,
        target: Target<'_>,
        bearer: Option<&str>,
        peer: IpAddr,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Whether the bearer may view what goes by this identifier, and which
    /// stream that is.
    fn view(
        &self,
        id: &str,
        bearer: Option<&str>,
        peer: IpAddr,
    ) -> impl Future<Output = Result<StreamId, Refusal>> + Send;

    /// STUN and TURN servers to tell a client of that may publish or view.
    fn ice_servers(&self) -> Vec<IceServer> {
        Vec::new()
    }

    /// What stands before the paths of this server as clients see them: the path
    /// of its public URL, without a slash at its end.
    fn prefix(&self) -> &str {
        ""
    }
}
