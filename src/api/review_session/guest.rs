//! How a guest enters: by the link of their room.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    super::{
        auth::{SignedIn, begin, seconds},
        user::User,
    },
    tell_adopted,
};
use crate::{
    error::{ApiError, ApiResult, Code},
    rpc::Ctx,
    store::{
        self,
        credentials::NewToken,
        text::{RoomStatus, TokenKind},
    },
    time::Millis,
};

/// How long a guest stays signed in. The link signs them in again.
const GUEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest first or last name of a guest, in characters.
const NAME: usize = 100;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GuestLink {
    firstname: String,
    lastname: String,
    review_session_user_id: String,
}

/// What a guest who has just signed in is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GuestSignedIn {
    #[serde(flatten)]
    signed_in: SignedIn,
    force_mfa_every_login: Option<bool>,
    md_challenge: Option<String>,
    mfa_required: Option<bool>,
    mfa_setup_required: Option<bool>,
    server_time: Option<Millis>,
}

/// Signs a guest in by the link of their room, under the name that they give.
pub(crate) async fn sign_in(ctx: &mut Ctx, req: GuestLink) -> ApiResult<GuestSignedIn> {
    let (now, peer) = (ctx.now(), ctx.peer);
    let attempt = begin(ctx, None)?;
    let unknown = || ApiError::new(Code::INVALID_TOKEN);
    let seat = store::rooms::by_link(ctx.db(), &req.review_session_user_id, now).await?;
    let seat = seat.ok_or_else(unknown)?;
    ctx.app().logins.succeeded(&attempt);
    let room = store::rooms::get(ctx.db(), seat.room_id).await?.ok_or_else(unknown)?;
    if room.status == RoomStatus::Complete {
        return Err(ApiError::new(Code::ROOM_COMPLETE));
    }
    if let Some(email) = &seat.guest_email
        && let Some(account) = store::users::account(ctx.db(), email).await?
    {
        // What the guest was in rooms their account is from now on.
        let adopted = store::rooms::adopt_guest(ctx.db(), email, account.id).await?;
        tell_adopted(ctx, adopted);
        ctx.commit_on_error();
        return Err(ApiError::new(Code::GUEST_UPGRADED));
    }
    let (first, last) = (name("firstname", &req.firstname)?, name("lastname", &req.lastname)?);
    store::users::rename(ctx.db(), seat.user_id, first, last).await?;
    store::users::touch(ctx.db(), seat.user_id, now).await?;
    store::credentials::forget_expired(ctx.db(), now).await?;
    let token = NewToken {
        user_id: seat.user_id,
        kind: TokenKind::Guest,
        room_id: Some(seat.room_id),
        lifetime: GUEST,
    };
    let token = store::credentials::create_token(ctx.db(), token, now).await?;
    let row = store::users::get(ctx.db(), seat.user_id).await?.ok_or_else(unknown)?;
    Ok(GuestSignedIn {
        signed_in: SignedIn {
            user: User::of(ctx.db(), &row, peer).await?,
            authenticated: Some(true),
            expires: Some(seconds(GUEST)),
            sync_token: None,
            token: Some(token),
        },
        force_mfa_every_login: Some(false),
        md_challenge: None,
        mfa_required: Some(false),
        mfa_setup_required: Some(false),
        server_time: Some(now),
    })
}

/// A name as it is shown to the others: short, and of what can be seen.
fn name<'a>(field: &str, given: &'a str) -> ApiResult<&'a str> {
    let given = given.trim();
    if given.chars().count() > NAME || given.chars().any(char::is_control) {
        let error = ApiError::new(Code::INVALID_DATA);
        return Err(error.field(field, Code::INVALID_DATA, "is not a name"));
    }
    Ok(given)
}
