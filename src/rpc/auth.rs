//! Who is asking.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{RoomId, UserId},
    store::{self, text::TokenKind},
    time::Millis,
};

/// What kind of caller a token proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerKind {
    /// A signed-in person, or a script with an API key.
    User,
    /// A guest of one room, who may do only what that room needs.
    Guest {
        /// The room.
        room: RoomId,
    },
}

/// Who is asking, as their token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user, who is a row of its own for a guest too.
    pub user_id: UserId,
    /// What their token is good for.
    pub kind: CallerKind,
}

impl Caller {
    /// Whether this is a guest, and of another room.
    pub(crate) fn is_guest_elsewhere(&self, room: RoomId) -> bool {
        matches!(self.kind, CallerKind::Guest { room: own } if own != room)
    }
}

/// Finds out whom `token` belongs to.
///
/// # Errors
/// 405 when it is wrong or expired, 702 when the company is suspended, 402 when it is good for signing in only.
pub(crate) async fn authenticate(app: &App, token: &str) -> ApiResult<Caller> {
    // Longer than any token: not worth hashing.
    if token.is_empty() || token.len() > 256 {
        return Err(ApiError::new(Code::INVALID_TOKEN));
    }
    let mut db = app.store.ask().await?;
    let found = store::credentials::token(&mut db, token, Millis::now()).await?;
    let found = found.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
    if found.suspended {
        return Err(ApiError::new(Code::SUSPENDED));
    }
    let kind = match (found.kind, found.room_id) {
        (TokenKind::User | TokenKind::Device, _) => CallerKind::User,
        (TokenKind::Guest, Some(room)) => CallerKind::Guest { room },
        (TokenKind::Guest, None) => return Err(ApiError::new(Code::INVALID_TOKEN)),
        (TokenKind::OneTime, _) => return Err(ApiError::new(Code::WRONG_TOKEN_KIND)),
    };
    Ok(Caller { user_id: found.user_id, kind })
}

/// How often tokens were taken from those who held them. Whoever believes a token without asking the
/// store asks again when there was another time.
#[derive(Debug, Default)]
pub struct Revocations(AtomicU64);

impl Revocations {
    /// Tokens were taken away, and that is stored. Comes before what their holders have is ended, so
    /// that whatever they begin with them afterwards is refused.
    pub fn happened(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// What proves who asks: a token that was good when the store was asked.
#[derive(Clone)]
pub(crate) struct Proof {
    token: Arc<str>,
    /// The revocations before the store was asked.
    revocations: u64,
}

impl Proof {
    /// As [`authenticate`], and what to look at before that is believed once more.
    pub(super) async fn of(app: &App, token: &str) -> ApiResult<(Self, Caller)> {
        let revocations = app.revocations.count();
        let caller = authenticate(app, token).await?;
        Ok((Self { token: token.into(), revocations }, caller))
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Whether no token was taken away since.
    pub(super) fn holds(&self, app: &App) -> bool {
        self.revocations == app.revocations.count()
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}
