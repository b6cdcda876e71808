//! Live registrations of QTAKE's projects.

use serde::{Deserialize, Serialize};

use super::live::{CreateRegistration, new_registration};
use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::ProjectId,
    live::qtake::{self, BadToken, QtakeProject},
    rpc::Ctx,
    store::{
        self,
        live::{NewRegistration, qtake::QtakeRow},
        text::SourceKind,
        users::normal_email,
    },
};

/// What a registration goes by beside its id. Nothing publishes under that.
const STREAM: &str = "qtake";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateQtake {
    description: String,
    name: String,
    project_id: ProjectId,
    registration: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreatedQtake {
    success: Option<bool>,
}

/// Connects one of QTAKE's projects with a folder, by a token that QTAKE made for the caller.
pub(super) async fn create(ctx: &mut Ctx, req: CreateQtake) -> ApiResult<CreatedQtake> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let folder = req.project_id;
    access::project_for(ctx.db(), &caller, folder, Permission::CreateLiveStream).await?;
    let token = qtake::read(&req.registration, &ctx.app().config.qtake_keys, now);
    let token = token.map_err(refused)?;
    let user = store::users::get(ctx.db(), caller.user_id).await?;
    let email = user.and_then(|user| user.email).map(|email| normal_email(&email));
    if email != Some(normal_email(&token.user_email)) {
        return Err(ApiError::new(Code::ACCESS_DENIED)
            .message("This QTAKE registration was made for another e-mail address (userEmail)"));
    }
    // One that names no project is published to by the folder's own id.
    let project = token.project.unwrap_or_else(|| QtakeProject::from(folder));
    if store::live::qtake::is_taken(ctx.db(), folder, project.as_str()).await? {
        return Err(ApiError::new(Code::ALREADY_REGISTERED));
    }
    let asked =
        CreateRegistration { project_id: folder, name: req.name, description: req.description };
    let new = NewRegistration {
        stream: STREAM.to_owned(),
        ..new_registration(asked, caller.user_id, SourceKind::Qtake)
    };
    let id = new.id;
    store::live::create(ctx.db(), &new, now).await?;
    let row = QtakeRow {
        registration_id: id,
        qtake_project: project.as_str().to_owned(),
        verified: token.verified,
        expires: token.expires,
    };
    store::live::qtake::set(ctx.db(), &row).await?;
    Ok(CreatedQtake { success: Some(true) })
}

/// A bad token is bad data, and not a bad sign-in: the client is not to sign in again for it.
fn refused(why: BadToken) -> ApiError {
    ApiError::new(Code::INVALID_DATA).field("registration", Code::INVALID_DATA, why.to_string())
}
