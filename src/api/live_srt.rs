//! Live registrations that publish over SRT.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::live::{CreateRegistration, new_registration};
use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, RegistrationId, UserId},
    live,
    rpc::Ctx,
    secret::Secret,
    store::{
        self,
        live::{NewRegistration, RegistrationRow},
        text::SourceKind,
    },
};

/// What an SRT source goes by beside its id.
const STREAM: &str = "srt";

/// A new SRT registration. Its passphrase is shown here and never again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreatedSrt {
    id: Option<RegistrationId>,
    /// What the caller is to give as its stream id.
    stream_id: Option<String>,
    success: Option<bool>,
    /// The passphrase.
    token: Option<Secret>,
    /// All of it in one, as encoders take it.
    url: Option<String>,
}

/// Registers a source that publishes over SRT.
pub(super) async fn create(ctx: &mut Ctx, req: CreateRegistration) -> ApiResult<CreatedSrt> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let project = req.project_id;
    access::project_for(ctx.db(), &caller, project, Permission::CreateLiveStream).await?;
    // Its passphrase is no bearer token, and nobody is to be found by it.
    let new = NewRegistration {
        stream: STREAM.to_owned(),
        ..new_registration(req, caller.user_id, SourceKind::Srt)
    };
    let id = new.id;
    let token = ctx.app().srt_key.passphrase(id);
    store::live::create(ctx.db(), &new, now).await?;
    Ok(CreatedSrt {
        id: Some(id),
        stream_id: Some(id.to_string()),
        success: Some(true),
        url: Some(live::srt::whole_url(ctx.app(), id)),
        token: Some(token),
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StartStream {
    /// The passphrase, which is all the proof there is: an encoder has no token.
    password: Option<String>,
    stream_uri: Option<String>,
    user_id: Option<UserId>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Started {
    connect_uri: Option<String>,
    success: Option<bool>,
}

/// Lets a source be published that was stopped, and says where to. Whoever has its passphrase may; the
/// channel of an Elemental Link is also started by those who may create it, without.
pub(super) async fn start(ctx: &mut Ctx, req: StartStream) -> ApiResult<Started> {
    let unknown = || ApiError::new(Code::NOT_FOUND);
    let Some(uri) = &req.stream_uri else { return Err(proof_needed()) };
    let Some(password) = &req.password else {
        let row = elemental_of_caller(ctx, uri).await?;
        return let_in(ctx, &row).await;
    };
    // A wrong password and an unknown stream are answered alike: neither says what there is.
    let row = srt_source(ctx, uri).await?;
    let known = ctx.app().srt_key.passphrase(row.id);
    let right = bool::from(known.reveal().as_bytes().ct_eq(password.as_bytes()));
    if !right || req.user_id.is_some_and(|user| user != row.owner_id) {
        return Err(unknown());
    }
    let_in(ctx, &row).await
}

fn proof_needed() -> ApiError {
    ApiError::new(Code::REQUIRED)
        .message("stream_uri and password are needed to start an SRT stream")
}

/// The registration of an Elemental Link, if the caller may create such. What they may not know of, what
/// is absent and what needs a password are answered alike.
async fn elemental_of_caller(ctx: &mut Ctx, uri: &str) -> ApiResult<RegistrationRow> {
    let caller = ctx.user().map_err(|_| proof_needed())?.clone();
    let row = srt_source(ctx, uri).await.map_err(|error| hidden(error, proof_needed))?;
    if row.kind != SourceKind::Elementallink {
        return Err(proof_needed());
    }
    let may = Permission::CreateLiveStream;
    let seen = access::project_for(ctx.db(), &caller, row.project_id, may).await;
    seen.map(|_| row).map_err(|error| hidden(error, proof_needed))
}

/// Another answer in place of "not found".
fn hidden(error: ApiError, instead: fn() -> ApiError) -> ApiError {
    if error.code() == Code::NOT_FOUND { instead() } else { error }
}

async fn let_in(ctx: &mut Ctx, row: &RegistrationRow) -> ApiResult<Started> {
    store::live::set_stopped(ctx.db(), row.id, false).await?;
    Ok(Started { connect_uri: Some(live::srt::url(ctx.app(), row.id)), success: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StopStream {
    asset_id: Option<AssetId>,
    stream_uri: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stopped {
    success: Option<bool>,
}

/// Ends a source's publisher, and lets nobody publish it until it is started again.
pub(super) async fn stop(ctx: &mut Ctx, req: StopStream) -> ApiResult<Stopped> {
    let caller = ctx.user()?.clone();
    let named = req.stream_uri.or_else(|| req.asset_id.map(|id| id.to_string()));
    let Some(uri) = named else {
        return Err(ApiError::new(Code::REQUIRED)
            .message("asset_id or stream_uri is needed to stop a stream"));
    };
    let row = srt_source(ctx, &uri).await?;
    access::project_for(ctx.db(), &caller, row.project_id, Permission::CreateLiveStream).await?;
    store::live::set_stopped(ctx.db(), row.id, true).await?;
    let app = ctx.app().clone();
    ctx.after_commit(async move {
        app.media.close_publisher(live::stream_of(row.id)).await;
    });
    Ok(Stopped { success: Some(true) })
}

async fn srt_source(ctx: &mut Ctx, uri: &str) -> ApiResult<RegistrationRow> {
    let row = live::srt::by_uri(ctx.db(), uri).await?;
    if live::srt::is_srt(row.kind) { Ok(row) } else { Err(ApiError::new(Code::NOT_FOUND)) }
}
