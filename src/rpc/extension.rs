//! WebSocket endpoints beyond the contract (`rushes/…`), plugged in by other parts of the server.

use std::{future::Future, net::IpAddr, pin::Pin, sync::Arc};

use serde_json::Value;

use super::{
    Caller,
    auth::{Proof, authenticate},
};
use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    events::{ConnectionId, Mailbox},
};

/// One authenticated WebSocket connection. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Which one, for as long as the server runs.
    pub id: ConnectionId,
    /// Whose it is, for all its life.
    pub caller: Caller,
    /// The address it comes from.
    pub peer: IpAddr,
    /// Where events for it go.
    pub mailbox: Mailbox,
    /// What it stands on.
    pub(super) proof: Proof,
}

impl Connection {
    /// Makes sure that the token which the connection stands on was not taken away since it was
    /// looked at. Costs nothing where none was.
    ///
    /// # Errors
    /// 405 when it was.
    pub(crate) async fn still_good(&self, app: &App) -> ApiResult<()> {
        if self.proof.holds(app) {
            return Ok(());
        }
        if Box::pin(authenticate(app, self.proof.token())).await? == self.caller {
            return Ok(());
        }
        Err(ApiError::new(Code::INVALID_TOKEN))
    }
}

/// A request to an extension.
pub struct ExtensionCall {
    /// The endpoint, as the client wrote it but for a leading slash.
    pub endpoint: String,
    /// Its data: an object, or null.
    pub data: Value,
    /// The connection it came over.
    pub connection: Connection,
    /// The server.
    pub app: Arc<App>,
}

/// The answer to a request, on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = ApiResult<Value>> + Send + 'a>>;

/// Answers all endpoints under a prefix.
///
/// Calls of one connection come one after the other, in the order in which they were sent; those
/// of different connections come at the same time. A guest may call: the extension checks that
/// they stay within their room.
pub trait Extension: Send + Sync + 'static {
    /// Answers a request.
    fn call(&self, call: ExtensionCall) -> Answering<'_>;

    /// Learns that a connection is gone. Comes once, after its last call.
    fn disconnected(&self, app: &Arc<App>, connection: ConnectionId);
}

/// The extensions of a server, by the prefix of their endpoints.
#[derive(Default)]
pub struct Extensions {
    by_prefix: Vec<(&'static str, Box<dyn Extension>)>,
}

impl Extensions {
    /// Adds an extension for the endpoints that begin with `prefix` (`rushes/room/`, say).
    pub fn add(&mut self, prefix: &'static str, extension: impl Extension) {
        self.by_prefix.push((prefix, Box::new(extension)));
    }

    /// The extension that answers `endpoint`.
    #[must_use]
    pub fn find(&self, endpoint: &str) -> Option<&dyn Extension> {
        self.by_prefix
            .iter()
            .find(|(prefix, _)| endpoint.starts_with(prefix))
            .map(|(_, extension)| extension.as_ref())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Extension> {
        self.by_prefix.iter().map(|(_, extension)| extension.as_ref())
    }
}
