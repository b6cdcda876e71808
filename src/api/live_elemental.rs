//! Live registrations of Elemental Link devices.
//!
//! A Link sends to its own channel in AWS and to nothing else. That channel's SRT output, as a
//! caller, is what comes here: such a registration is an SRT source that knows its device.

use serde::{Deserialize, Serialize};

use super::live::{CreateRegistration, new_registration};
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
    let asked =
        CreateRegistration { project_id: project, name: req.name, description: req.description };
    let new = new_registration(asked, caller.user_id, SourceKind::Elementallink);
    let id = new.id;
    let device = match req.device_id.as_deref().map(str::trim) {
        None | Some("") => new.device.clone(),
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
    // Its passphrase is no bearer token, and nobody is to be found by it.
    let new = NewRegistration { device, stream: STREAM.to_owned(), ..new };
    store::live::create(ctx.db(), &new, now).await?;
    Ok(CreatedElemental {
        id: Some(id),
        stream_uri: Some(live::srt::whole_url(ctx.app(), id)),
        success: Some(true),
    })
}
