//! Live registrations that send plain RTP.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, BatchId, ProjectId, RegistrationId},
    live,
    rpc::{Caller, Ctx},
    store::{
        self,
        assets::{AssetRow, NewAsset},
        live::NewRegistration,
        text::{AssetSubtype, SourceKind},
    },
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateRaw {
    asset_id: Option<String>,
    asset_name: Option<String>,
    audio_port: i64,
    batch_hidden: Option<bool>,
    batch_id: Option<BatchId>,
    batch_name: Option<String>,
    project_id: ProjectId,
    source_ip: String,
    video_port: i64,
}

/// A new registration of a source that sends RTP.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreatedRaw {
    asset_id: Option<AssetId>,
    success: Option<bool>,
}

/// Registers a source by the address that it sends from, and the asset that shows it.
pub(super) async fn create(ctx: &mut Ctx, req: CreateRaw) -> ApiResult<CreatedRaw> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let project = req.project_id;
    access::project_for(ctx.db(), &caller, project, Permission::CreateLiveStream).await?;
    let ip = address(&req.source_ip)?;
    let ports = (port("video_port", req.video_port)?, port("audio_port", req.audio_port)?);
    if ports == (0, 0) {
        return Err(invalid("video_port or audio_port has to be a port"));
    }
    if store::live::raw::is_taken(ctx.db(), ip, ports).await? {
        return Err(ApiError::new(Code::ALREADY_REGISTERED));
    }
    let asset = asset(ctx, &caller, &req, ip).await?;
    let id = RegistrationId::new();
    let new = NewRegistration {
        id,
        project_id: project,
        owner_id: caller.user_id,
        kind: SourceKind::Raw,
        room_id: None,
        name: asset.name.clone(),
        description: String::new(),
        device: ip.to_string(),
        stream: format!("{}/{}", ports.0, ports.1),
        token_sha256: None,
    };
    store::live::create(ctx.db(), &new, now).await?;
    store::live::raw::set(ctx.db(), id, ip, ports, asset.id).await?;
    let app = ctx.app().clone();
    ctx.after_commit(async move { live::rtp::register(&app, id, ip, ports).await });
    Ok(CreatedRaw { asset_id: Some(asset.id), success: Some(true) })
}

fn invalid(why: &'static str) -> ApiError {
    ApiError::new(Code::INVALID_DATA).message(why)
}

/// An address that a single machine can have.
fn address(text: &str) -> ApiResult<IpAddr> {
    let ip: IpAddr = text.trim().parse().map_err(|_| invalid("source_ip is no IP address"))?;
    let ip = ip.to_canonical();
    let is_broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    if ip.is_unspecified() || ip.is_multicast() || is_broadcast {
        return Err(invalid("source_ip is no address of a single machine"));
    }
    Ok(ip)
}

fn port(name: &'static str, value: i64) -> ApiResult<u16> {
    u16::try_from(value).map_err(|_| {
        ApiError::new(Code::INVALID_DATA).message(format!("{name} is no port from 0 to 65535"))
    })
}

/// The asset that shows the source: one that is there, or a new one in a batch that is there, in a
/// new one, or in that of all live sources.
async fn asset(ctx: &mut Ctx, caller: &Caller, req: &CreateRaw, ip: IpAddr) -> ApiResult<AssetRow> {
    let now = ctx.now();
    if let Some(name) = &req.asset_id {
        let (found, _) = access::asset_by_name(ctx.db(), caller, name).await?;
        let row = found.row;
        if row.project_id != req.project_id || row.room_id.is_some() {
            return Err(ApiError::new(Code::NOT_FOUND));
        }
        if row.subtype != Some(AssetSubtype::Streaming) {
            return Err(invalid("asset_id is no live asset"));
        }
        if store::live::by_asset(ctx.db(), row.id).await?.is_some() {
            return Err(ApiError::new(Code::ALREADY_REGISTERED));
        }
        return Ok(row);
    }
    let project = req.project_id;
    let batch = match (req.batch_id, &req.batch_name) {
        (Some(id), _) => {
            let (batch, _) = access::batch(ctx.db(), caller, id).await?;
            if batch.project_id != project {
                return Err(ApiError::new(Code::NOT_FOUND));
            }
            id
        }
        (None, Some(name)) => {
            let batch =
                store::batches::create(ctx.db(), project, caller.user_id, name, now).await?;
            if req.batch_hidden == Some(true) {
                store::batches::update(ctx.db(), batch.id, name, true).await?;
            }
            batch.id
        }
        (None, None) => store::live::live_batch(ctx.db(), project, caller.user_id, now).await?,
    };
    let name = req.asset_name.clone().filter(|name| !name.trim().is_empty());
    let name = name.unwrap_or_else(|| format!("RTP {ip} {}", req.video_port.max(req.audio_port)));
    let mut new = NewAsset::video(project, caller.user_id, name);
    new.subtype = Some(AssetSubtype::Streaming);
    new.batch_id = Some(batch);
    Ok(store::assets::create(ctx.db(), &new, now).await?)
}
