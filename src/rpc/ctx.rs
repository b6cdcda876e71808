//! What a handler may reach.

use std::{future::Future, net::IpAddr, pin::Pin, sync::Arc};

use super::{Caller, CallerKind};
use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    events::Event,
    store::{Db, Tx},
    time::Millis,
};

pub(super) type AfterCommit = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The context of one request: its transaction, its caller, and the server.
pub struct Ctx {
    pub(super) app: Arc<App>,
    pub(super) tx: Tx,
    pub(super) caller: Option<Caller>,
    pub(super) now: Millis,
    pub(super) events: Vec<Event>,
    pub(super) after_commit: Vec<AfterCommit>,
    pub(super) commit_on_error: bool,
    /// The address the request came from.
    pub peer: IpAddr,
}

impl Ctx {
    /// Who is asking.
    ///
    /// # Errors
    /// 405 when nobody is: only for endpoints that need no token can that happen.
    pub fn caller(&self) -> ApiResult<&Caller> {
        self.caller.as_ref().ok_or(ApiError::new(Code::INVALID_TOKEN))
    }

    /// Who is asking, if they are a person and no guest.
    ///
    /// # Errors
    /// 405 when nobody is asking, 402 when a guest is.
    pub fn user(&self) -> ApiResult<&Caller> {
        let caller = self.caller()?;
        match caller.kind {
            CallerKind::User => Ok(caller),
            CallerKind::Guest { .. } => Err(ApiError::new(Code::WRONG_TOKEN_KIND)),
        }
    }

    /// The connection, inside the request's transaction. It commits when the handler returns `Ok`.
    pub fn db(&mut self) -> &mut Db {
        &mut self.tx
    }

    /// The time of the request; the same for all it does.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.now
    }

    /// The server.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Publishes `event` once the transaction has committed.
    pub fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Runs `then` once the transaction has committed, before the answer goes out. For effects
    /// outside the database: closing a stream, telling a room's owner.
    pub fn after_commit(&mut self, then: impl Future<Output = ()> + Send + 'static) {
        self.after_commit.push(Box::pin(then));
    }

    /// Commits what was written even if the handler fails from here on: a failed login is
    /// refused and has to be counted all the same. Events are still published only on success.
    pub fn commit_on_error(&mut self) {
        self.commit_on_error = true;
    }
}
