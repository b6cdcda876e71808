//! The people of a folder, one by one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::user::{Participant, member_rights, permission_names};
use crate::{
    access::{self, Permission, Rights},
    error::{ApiError, ApiResult, Code},
    ids::{ProjectId, UserId},
    rpc::Ctx,
    store::{self, projects::MemberRow, users::ProjectUserRow},
};

/// A member of a folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ProjectUser {
    #[serde(flatten)]
    participant: Participant,
    can_delete_assets: Option<bool>,
    can_download: Option<bool>,
    can_invite_users: Option<bool>,
    can_offline: Option<bool>,
    can_send_to_qtake: Option<bool>,
    can_update_batch_visibility: Option<bool>,
    can_update_participants: Option<bool>,
    can_upload: Option<bool>,
    can_view: Option<bool>,
    can_view_hidden_batches: Option<bool>,
    can_view_participants: Option<bool>,
    project_permissions: Option<Vec<Value>>,
    project_role: Option<String>,
    security_group: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetProjectUser {
    pub(super) project_id: ProjectId,
    pub(super) user_id: UserId,
}

/// A member of a folder, to those who see its members and to the member.
pub(super) async fn get(ctx: &mut Ctx, req: GetProjectUser) -> ApiResult<ProjectUser> {
    let caller = ctx.user()?.clone();
    let project = access::project(ctx.db(), &caller, req.project_id).await?;
    if req.user_id != caller.user_id {
        project.rights().need(Permission::ViewParticipants)?;
    }
    let member = member(ctx, req.project_id, req.user_id).await?;
    let rights = member_rights(ctx.db(), project.company_id, &member).await?;
    let may = |permission| Some(rights.may(permission));
    Ok(ProjectUser {
        participant: Participant::from(&member.user),
        can_delete_assets: may(Permission::DeleteAssets),
        can_download: may(Permission::Download),
        can_invite_users: may(Permission::InviteUsers),
        can_offline: may(Permission::Offline),
        can_send_to_qtake: may(Permission::SendToQtake),
        can_update_batch_visibility: may(Permission::UpdateBatchVisibility),
        can_update_participants: may(Permission::UpdateParticipants),
        can_upload: may(Permission::Upload),
        can_view: may(Permission::View),
        can_view_hidden_batches: may(Permission::ViewHiddenBatches),
        can_view_participants: may(Permission::ViewParticipants),
        project_permissions: Some(permission_names(rights)),
        project_role: member.project_role,
        security_group: member.security_group_id,
    })
}

async fn member(ctx: &mut Ctx, project: ProjectId, user: UserId) -> ApiResult<ProjectUserRow> {
    let members = store::users::of_project(ctx.db(), project).await?;
    members.into_iter().find(|row| row.user.id == user).ok_or(ApiError::new(Code::USER_NOT_FOUND))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateProjectUser {
    pub(super) project_id: ProjectId,
    pub(super) project_role: Option<String>,
    pub(super) reset_mfa: Option<bool>,
    pub(super) security_group: Option<i64>,
    pub(super) user_id: UserId,
}

/// Says whether something was changed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Updated {
    pub(super) updated: Option<bool>,
}

/// Changes what a member may do in a folder and is called there. Nobody gives more than they
/// have, and nobody changes one who has more.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateProjectUser) -> ApiResult<Updated> {
    let caller = ctx.user()?.clone();
    let project =
        access::project_for(ctx.db(), &caller, req.project_id, Permission::UpdateParticipants)
            .await?;
    let own = project.rights();
    let before = member(ctx, req.project_id, req.user_id).await?;
    let rights = member_rights(ctx.db(), project.company_id, &before).await?;
    within(own, rights)?;
    let group = req.security_group.or(before.security_group_id);
    let group = group.ok_or(ApiError::new(Code::USER_NOT_FOUND))?;
    let found = store::security::get(ctx.db(), group, project.company_id).await?;
    let found = found.ok_or_else(|| {
        ApiError::new(Code::NOT_FOUND).field(
            "security_group",
            Code::NOT_FOUND,
            "is not a security group of this company",
        )
    })?;
    within(own, Rights::new(found.is_admin, found.permissions.0))?;
    let now = ctx.now();
    let member = MemberRow {
        security_group_id: group,
        project_role: req.project_role.or(before.project_role),
    };
    store::projects::set_member(ctx.db(), req.project_id, req.user_id, &member, now).await?;
    Ok(Updated { updated: Some(true) })
}

/// Refuses what goes beyond somebody's own rights.
fn within(own: Rights, asked: Rights) -> ApiResult<()> {
    if own.includes(asked) { Ok(()) } else { Err(ApiError::new(Code::PERMISSION_DENIED)) }
}
