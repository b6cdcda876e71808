//! Live registrations of Elemental Link devices.
//!
//! A Link sends to its own channel in AWS and to nothing else. That channel's SRT output, as a
//! caller, is what comes here: such a registration is an SRT source that knows its device.

use serde::{Deserialize, Serialize};

use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{ProjectId, RegistrationId},
    live,
    rpc::Ctx,
    store::{self, live::NewRegistration, text::SourceKind},
};

/// What such a source goes by beside its device.
const STREAM: &str = "elementallink";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateElemental {
    description: String,
    /// What AWS calls the device, as in `hd-0123456789abcdef`.
    device_id: Option<String>,
    name: String,
    project_id: ProjectId,
}

/// A new registration of a device. The address has the passphrase in it, which is shown here and
/// never again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreatedElemental {
    id: Option<RegistrationId>,
    stream_uri: Option<String>,
    success: Option<bool>,
}

/// Registers an Elemental Link device, once in a folder.
pub(super) async fn create(ctx: &mut Ctx, req: CreateElemental) -> ApiResult<CreatedElemental> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let project = req.project_id;
    access::project_for(ctx.db(), &caller, project, Permission::CreateLiveStream).await?;
    let id = RegistrationId::new();
    let device = match req.device_id.as_deref().map(str::trim) {
        None | Some("") => id.to_string(),
        Some(device) if live::is_name(device) => device.to_owned(),
        Some(_) => {
            let message = "is no name of a device";
            let error = ApiError::new(Code::INVALID_DATA);
            return Err(error.field("device_id", Code::INVALID_DATA, message));
        }
    };
    if store::live::by_source(ctx.db(), project, &device, STREAM).await?.is_some() {
        return Err(ApiError::new(Code::ALREADY_REGISTERED));
    }
    let new = NewRegistration {
        id,
        project_id: project,
        owner_id: caller.user_id,
        kind: SourceKind::Elementallink,
        room_id: None,
        name: req.name,
        description: req.description,
        device,
        stream: STREAM.to_owned(),
        // It is no bearer token, and nobody is to be found by it.
        token_sha256: None,
    };
    store::live::create(ctx.db(), &new, now).await?;
    Ok(CreatedElemental {
        id: Some(id),
        stream_uri: Some(live::srt::whole_url(ctx.app(), id)),
        success: Some(true),
    })
}
