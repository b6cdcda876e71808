//! Signing in on a device without a keyboard, as RFC 8628 has it.
//!
//! The device asks for two codes, shows the short one, and asks again and again with the long one;
//! somebody who is signed in types the short one in elsewhere. The contract has no errors for the
//! states between, so a device that has to go on waiting is answered `authenticated: false`, with
//! the error code of RFC 8628 section 3.5 in `additional_details`.

use std::time::Duration;

use rand::{TryRng as _, rngs::SysRng};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{auth, user::User};
use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, ProjectId},
    rpc::{Ctx, Empty},
    secret::Secret,
    store::{
        self, Json, Object, StoreError,
        devices::{self, DeviceRow},
        text::{DeviceScope, TokenKind},
    },
    time::Millis,
};

/// How long the codes are good for.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// How long the token of a device is good for.
const DEVICE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Seconds between two questions of a device, and how many more each hasty one costs it
/// (RFC 8628 section 3.5).
const INTERVAL: i64 = 5;

/// Devices that may wait at once. More than a studio has; fewer than fill a disk.
const WAITING: i64 = 10_000;

/// The letters of a user code: consonants, so that no words come out (RFC 8628 section 6.1).
/// Eight of them are 20^8 codes, of which one may try ten in a quarter of an hour.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BeginDevice {
    authentication_scope: Option<DeviceScope>,
}

/// What a device shows, and what it asks with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct DeviceCodes {
    device_code: Option<Secret>,
    expires_in: Option<i64>,
    interval: Option<i64>,
    user_code: Option<String>,
    verification_uri: Option<String>,
}

/// Begins the login of a device.
pub(super) async fn begin(ctx: &mut Ctx, req: BeginDevice) -> ApiResult<DeviceCodes> {
    let now = ctx.now();
    if devices::waiting(ctx.db()).await? >= WAITING {
        return Err(ApiError::new(Code::TOO_FAST).message("Too many devices wait, try again later"));
    }
    let secret = Secret::random();
    let mut row = DeviceRow {
        device_sha256: secret.digest(),
        user_code: user_code(),
        scope: req.authentication_scope.unwrap_or(DeviceScope::Default),
        user_id: None,
        details: Json(Object::new()),
        poll_interval: INTERVAL,
        last_poll: None,
        expires: now.plus(LIFETIME),
    };
    loop {
        match devices::create(ctx.db(), &row, now).await {
            Err(StoreError::Unique("uq_device_logins_user_code")) => row.user_code = user_code(),
            result => break result?,
        }
    }
    Ok(DeviceCodes {
        device_code: Some(secret),
        expires_in: Some(auth::seconds(LIFETIME)),
        interval: Some(INTERVAL),
        verification_uri: Some(format!("{}/#/device", ctx.app().public_url())),
        user_code: Some(row.user_code),
    })
}

/// Draws a code such as `BDWP-HQPK`.
fn user_code() -> String {
    loop {
        let mut bytes = [0_u8; 32];
        SysRng.try_fill_bytes(&mut bytes).expect("the system's random generator works");
        // Values that would make some letters likelier than others are passed over.
        let even = bytes.iter().filter(|byte| **byte < 240);
        let letters: Vec<char> =
            even.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
        if let Some(letters) = letters.get(..8) {
            let (left, right) = letters.split_at(4);
            return format!("{}-{}", String::from_iter(left), String::from_iter(right));
        }
    }
}

/// A code as somebody types it: in any casing, with or without the dash.
pub(crate) fn normal_code(typed: &str) -> String {
    let letters: String =
        typed.chars().filter(char::is_ascii_alphabetic).take(9).collect::<String>();
    let letters = letters.to_ascii_uppercase();
    match letters.len() {
        8 => format!("{}-{}", &letters[..4], &letters[4..]),
        _ => letters,
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PollDevice {
    device_code: Secret,
}

/// A device's token, or that it has to go on waiting.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct DeviceToken {
    #[serde(flatten)]
    user: User,
    additional_details: Option<Object>,
    authenticated: Option<bool>,
    expires: Option<i64>,
    redirect: Option<String>,
    sync_token: Option<String>,
    token: Option<Secret>,
}

/// Gives a device its token, once somebody has let it in.
pub(super) async fn token(ctx: &mut Ctx, req: PollDevice) -> ApiResult<DeviceToken> {
    let (now, peer) = (ctx.now(), ctx.peer);
    let attempt = auth::begin(ctx, None)?;
    let row = devices::by_device_code(ctx.db(), req.device_code.reveal()).await?;
    let row = row.ok_or_else(|| ended("invalid_grant"))?;
    ctx.app().logins.succeeded(&attempt);
    if row.expires <= now {
        return Err(ended("expired_token"));
    }
    let Some(user_id) = row.user_id else { return wait(ctx, &row, now).await };
    devices::forget(ctx.db(), &row).await?;
    auth::need_account(ctx, user_id).await?;
    let token = auth::sign_in(ctx, user_id, TokenKind::Device, DEVICE).await?;
    let user = store::users::get(ctx.db(), user_id).await?.ok_or_else(|| ended("access_denied"))?;
    Ok(DeviceToken {
        user: User::of(ctx.db(), &user, peer).await?,
        additional_details: Some(row.details.0),
        authenticated: Some(true),
        expires: Some(auth::seconds(DEVICE)),
        redirect: None,
        sync_token: None,
        token: Some(token),
    })
}

/// The end of a device's login.
fn ended(error: &str) -> ApiError {
    ApiError::new(Code::INVALID_TOKEN).beside("error", json!(error))
}

/// Sends a device back to wait; longer, if it was hasty.
async fn wait(ctx: &mut Ctx, row: &DeviceRow, now: Millis) -> ApiResult<DeviceToken> {
    let pause = Duration::from_secs(u64::try_from(row.poll_interval).unwrap_or(0));
    let hasty = row.last_poll.is_some_and(|last| now.since(last) < pause);
    let interval = if hasty { row.poll_interval + INTERVAL } else { row.poll_interval };
    devices::polled(ctx.db(), row, interval, now).await?;
    let mut details = Object::new();
    let error = if hasty { "slow_down" } else { "authorization_pending" };
    details.insert("error".to_owned(), json!(error));
    details.insert("interval".to_owned(), json!(interval));
    Ok(DeviceToken {
        additional_details: Some(details),
        authenticated: Some(false),
        ..DeviceToken::default()
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VerifyCode {
    user_code: String,
}

/// That something was done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Success {
    pub(super) success: Option<bool>,
}

/// Lets the device in that shows a code, in the caller's name.
pub(super) async fn verify(ctx: &mut Ctx, req: VerifyCode) -> ApiResult<Success> {
    let caller = ctx.user()?.clone();
    let row = waiting_device(ctx, &req.user_code).await?;
    if row.scope == DeviceScope::Immediates {
        return Err(no_such_code()
            .message("This device delivers immediates: connect it to a folder instead"));
    }
    devices::approve(ctx.db(), &row, caller.user_id, &Json(Object::new())).await?;
    Ok(Success { success: Some(true) })
}

/// The device that waits with a code. Wrong codes count like failed logins.
async fn waiting_device(ctx: &mut Ctx, typed: &str) -> ApiResult<DeviceRow> {
    let now = ctx.now();
    let account = format!("device code of {}", ctx.user()?.user_id);
    let attempt = auth::begin(ctx, Some(&account))?;
    let row = devices::by_user_code(ctx.db(), &normal_code(typed), now).await?;
    let row = row.ok_or_else(no_such_code)?;
    ctx.app().logins.succeeded(&attempt);
    Ok(row)
}

fn no_such_code() -> ApiError {
    ApiError::new(Code::NOT_FOUND)
        .message("No device waits with this code: it may have ended")
        .field("user_code", Code::NOT_FOUND, "no device waits with this code")
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ConnectImmediates {
    name: String,
    project_id: ProjectId,
    user_code: String,
}

/// What `/create/connection/immediates` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Connected {
    id: Option<AnyId>,
    success: Option<bool>,
}

/// Lets the device in that shows a code, to deliver immediates into a folder; it is told the
/// folder and the name it has there.
pub(super) async fn connect(ctx: &mut Ctx, req: ConnectImmediates) -> ApiResult<Connected> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::project_for(ctx.db(), &caller, req.project_id, Permission::Upload).await?;
    let row = waiting_device(ctx, &req.user_code).await?;
    if row.scope != DeviceScope::Immediates {
        return Err(no_such_code().message("This device does not ask to deliver immediates"));
    }
    let (project, user) = (req.project_id, caller.user_id);
    let id = devices::connect_immediates(ctx.db(), project, user, &req.name, now).await?;
    let mut details = Object::new();
    details.insert("connection_id".to_owned(), json!(id));
    details.insert("project_id".to_owned(), json!(project));
    details.insert("name".to_owned(), json!(req.name));
    devices::approve(ctx.db(), &row, user, &Json(details)).await?;
    Ok(Connected { id: Some(id), success: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Impersonate {
    impersonating_user_id: crate::ids::UserId,
    token_to_impersonate: Secret,
}

/// Notes that one who runs the server acts with somebody's token, for the log and for whoever
/// looks at the token. Companies may forbid it, and do unless they say otherwise.
pub(super) async fn impersonate(ctx: &mut Ctx, req: Impersonate) -> ApiResult<Empty> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::sysop(ctx.db(), &caller).await?;
    let support = store::users::get(ctx.db(), req.impersonating_user_id).await?;
    if !support.is_some_and(|user| user.sysop) {
        return Err(ApiError::new(Code::USER_NOT_FOUND));
    }
    let presented = req.token_to_impersonate.reveal();
    let token = store::credentials::token(ctx.db(), presented, now).await?;
    let token = token.ok_or_else(|| {
        ApiError::new(Code::NOT_FOUND).field("token_to_impersonate", Code::NOT_FOUND, "is no token")
    })?;
    if store::companies::forbids_impersonation(ctx.db(), token.user_id).await? {
        return Err(ApiError::new(Code::PERMISSION_DENIED)
            .message("This person's company does not let others act in their name"));
    }
    let by = req.impersonating_user_id;
    store::credentials::set_impersonator(ctx.db(), presented, by).await?;
    tracing::warn!(user = %token.user_id, by = %by, "a token is used by support");
    Ok(Empty {})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_eight_consonants_and_read_however_they_are_typed() {
        for _ in 0..200 {
            let code = user_code();
            let (left, right) = code.split_once('-').unwrap();
            assert!(left.len() == 4 && right.len() == 4, "{code}");
            assert!(code.bytes().all(|b| b == b'-' || LETTERS.contains(&b)), "{code}");
            let typed = format!(" {} {}", left.to_lowercase(), right);
            assert_eq!(normal_code(&typed), code);
        }
        assert_eq!(normal_code("bdwphqpk"), "BDWP-HQPK");
        assert_eq!(normal_code("bdw"), "BDW");
    }
}
