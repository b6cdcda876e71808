//! Signing in.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::user::User;
use crate::{
    error::{ApiError, ApiResult, Code},
    events::{Audience, Event},
    ids::UserId,
    login_guard::Attempt,
    rpc::Ctx,
    secret::Secret,
    store::{
        self,
        credentials::NewToken,
        text::{AccountStatus, TokenKind},
    },
};

/// How long the token of a script is good for.
const SCRIPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the token of a person is good for.
pub(super) const PERSON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A pair of API id and key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ApiPair {
    pub(super) api_id: String,
    pub(super) api_key: Secret,
}

/// A token, good for `expires` seconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Authenticated {
    pub(super) authenticated: Option<bool>,
    pub(super) expires: Option<i64>,
    pub(super) token: Option<Secret>,
}

/// Signs a script in by its pair of API id and key.
pub(super) async fn api(ctx: &mut Ctx, req: ApiPair) -> ApiResult<Authenticated> {
    let now = ctx.now();
    let attempt = begin(ctx, Some(&req.api_id))?;
    let key = store::credentials::api_key(ctx.db(), &req.api_id).await?;
    let right = key.filter(|key| key.key_sha256.is(&req.api_key));
    let key = right.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
    ctx.app().logins.succeeded(&attempt);
    store::credentials::touch_api_key(ctx.db(), key.id, now).await?;
    let user = store::users::get(ctx.db(), key.user_id).await?;
    if user.is_some_and(|user| user.account_status == AccountStatus::Invited) {
        return Err(ApiError::new(Code::NOT_ACTIVATED));
    }
    need_account(ctx, key.user_id).await?;
    let token = sign_in(ctx, key.user_id, TokenKind::User, SCRIPT).await?;
    Ok(Authenticated {
        authenticated: Some(true),
        expires: Some(seconds(SCRIPT)),
        token: Some(token),
    })
}

/// A one-time token.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OneTime {
    pub(super) onetimetoken: Secret,
}

/// A person who has just signed in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SignedIn {
    #[serde(flatten)]
    pub(super) user: User,
    pub(super) authenticated: Option<bool>,
    pub(super) expires: Option<i64>,
    pub(super) sync_token: Option<String>,
    pub(super) token: Option<Secret>,
}

/// Signs a person in by a one-time token, which is then used up.
pub(super) async fn one_time(ctx: &mut Ctx, req: OneTime) -> ApiResult<SignedIn> {
    let (now, peer) = (ctx.now(), ctx.peer);
    let attempt = begin(ctx, None)?;
    let refused = || ApiError::new(Code::INVALID_TOKEN);
    let presented = req.onetimetoken.reveal();
    let user = store::credentials::redeem_one_time(ctx.db(), presented, now).await?;
    let user = user.ok_or_else(refused)?;
    ctx.app().logins.succeeded(&attempt);
    need_account(ctx, user).await?;
    let token = sign_in(ctx, user, TokenKind::User, PERSON).await?;
    let row = store::users::get(ctx.db(), user).await?.ok_or_else(refused)?;
    Ok(SignedIn {
        user: User::of(ctx.db(), &row, peer).await?,
        authenticated: Some(true),
        expires: Some(seconds(PERSON)),
        sync_token: None,
        token: Some(token),
    })
}

/// Counts a login, or refuses it because too many failed.
pub(super) fn begin(ctx: &Ctx, account: Option<&str>) -> ApiResult<Attempt> {
    ctx.app()
        .logins
        .begin(account, ctx.peer, Instant::now())
        .map_err(|wait| ApiError::new(Code::TOO_MANY_LOGINS).retry_after(wait))
}

/// Refuses those who have proved who they are and have nothing to do here.
///
/// # Errors
/// 702 when their company is suspended, 708 when they have a part in nothing.
pub(super) async fn need_account(ctx: &mut Ctx, user: UserId) -> ApiResult<()> {
    let now = ctx.now();
    if store::users::is_suspended(ctx.db(), user, now).await? {
        return Err(ApiError::new(Code::SUSPENDED));
    }
    if !store::users::belongs_somewhere(ctx.db(), user).await? {
        return Err(ApiError::new(Code::MEMBER_OF_NOTHING));
    }
    Ok(())
}

/// Makes a token for somebody who has proved who they are, and tells their other devices.
pub(super) async fn sign_in(
    ctx: &mut Ctx,
    user_id: UserId,
    kind: TokenKind,
    lifetime: Duration,
) -> ApiResult<Secret> {
    let now = ctx.now();
    store::users::touch(ctx.db(), user_id, now).await?;
    store::credentials::forget_expired(ctx.db(), now).await?;
    let token = NewToken { user_id, kind, room_id: None, lifetime };
    let secret = store::credentials::create_token(ctx.db(), token, now).await?;
    ctx.emit(Event {
        name: "LOGIN",
        data: json!({ "user_id": user_id }),
        to: Audience::Users(vec![user_id]),
    });
    Ok(secret)
}

/// A lifetime in whole seconds.
pub(super) fn seconds(lifetime: Duration) -> i64 {
    i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX)
}
