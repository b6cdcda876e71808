//! The people of a folder, one by one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::user::{Participant, grants};
use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{ProjectId, TeamId, UserId},
    rpc::{Caller, Ctx},
    store::{
        members::{self, MemberRow},
        projects::SeenProject,
        teams,
    },
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
    let rights = member.rights;
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
        project_permissions: Some(grants(&member)),
        project_role: member.project_role,
        security_group: member.security_group_id,
    })
}

async fn member(
    ctx: &mut Ctx,
    project: ProjectId,
    user: UserId,
) -> ApiResult<members::Participant> {
    let member = members::one_of_project(ctx.db(), project, user).await?;
    member.ok_or(ApiError::new(Code::USER_NOT_FOUND))
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

/// Changes what a member may do in a folder and is called there, by a membership of their own in
/// just this folder. Nobody gives more than they have, and nobody changes one who has more.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateProjectUser) -> ApiResult<Updated> {
    let caller = ctx.user()?.clone();
    let project =
        access::project_for(ctx.db(), &caller, req.project_id, Permission::UpdateParticipants)
            .await?;
    let own = project.rights();
    let before = member(ctx, req.project_id, req.user_id).await?;
    let group = req.security_group.or(before.security_group_id).or_else(|| {
        // Somebody who is there by a team alone is given a name, and what the team gives them.
        before.grants.first().map(|grant| grant.security_group_id)
    });
    let group = group.ok_or(ApiError::new(Code::USER_NOT_FOUND))?;
    let (_, asked) =
        access::security_group(ctx.db(), project.company_id, group, "security_group").await?;
    if req.user_id == caller.user_id {
        access::grant_oneself(own, asked, Code::NO_VIEWING_FOR_ONESELF)?;
    }
    access::may_grant(own, before.rights)?;
    access::may_grant(own, asked)?;
    let now = ctx.now();
    let member = MemberRow {
        security_group_id: group,
        project_role: req.project_role.or(before.project_role),
    };
    members::set_project_member(ctx.db(), req.project_id, req.user_id, &member, now).await?;
    Ok(Updated { updated: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LeaveProject {
    keep_playlink_associations: Option<bool>,
    project_id: ProjectId,
    teams: Option<Vec<TeamId>>,
    user_id: Option<UserId>,
    validate: Option<bool>,
}

/// What `/leave/project` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct LeftProject {
    removed: Option<bool>,
    teams: Option<Vec<TeamId>>,
    validated: Option<bool>,
}

/// Ends what somebody is in a folder and below it: their own membership, and their place in the
/// teams that are listed. It happens only when nothing then lets them in any more; the answer
/// names the teams that it takes. With `validate` nothing happens at all.
pub(super) async fn leave(ctx: &mut Ctx, req: LeaveProject) -> ApiResult<LeftProject> {
    let caller = ctx.user()?.clone();
    let project = access::project(ctx.db(), &caller, req.project_id).await?;
    let user = req.user_id.unwrap_or(caller.user_id);
    let person = may_leave(ctx, &caller, &project, user).await?;
    let mut needed: Vec<TeamId> =
        person.iter().flat_map(|p| &p.grants).filter_map(|g| Some(g.team.as_ref()?.0)).collect();
    needed.extend(members::teams_below(ctx.db(), req.project_id, user).await?);
    needed.sort_unstable();
    needed.dedup();
    let listed = req.teams.unwrap_or_default();
    let validated = needed.iter().all(|team| listed.contains(team));
    let mut teams = Vec::new();
    // Whoever is told which teams it takes need not be one who may take people out of them.
    for id in needed.iter().filter(|_| validated) {
        let team = access::team(ctx.db(), &caller, *id).await?;
        if user != caller.user_id || team.row.locked {
            team.need_people()?;
        }
        if team.row.is_admin {
            super::team_people::keep_an_admin(ctx, team.row.company_id, user).await?;
        }
        teams.push(team.row);
    }
    let removed = validated && req.validate != Some(true);
    if removed {
        members::leave_project(ctx.db(), req.project_id, user).await?;
        for team in &teams {
            teams::remove_member(ctx.db(), team, user).await?;
        }
        super::review_session::team_people_left(ctx).await?;
    }
    Ok(LeftProject { removed: Some(removed), teams: Some(needed), validated: Some(validated) })
}

/// Makes sure that somebody may be taken out of a folder by the caller, and can be taken out of
/// just this one.
async fn may_leave(
    ctx: &mut Ctx,
    caller: &Caller,
    project: &SeenProject,
    user: UserId,
) -> ApiResult<Option<members::Participant>> {
    let is_self = user == caller.user_id;
    if !is_self {
        let rights = project.rights();
        if !rights.may(Permission::DeleteUsers) {
            return Err(ApiError::new(Code::CANNOT_REMOVE_USER));
        }
    }
    let person = members::one_of_project(ctx.db(), project.row.id, user).await?;
    if !is_self {
        let person = person.as_ref().ok_or(ApiError::new(Code::USER_NOT_FOUND))?;
        if access::may_grant(project.rights(), person.rights).is_err() {
            return Err(ApiError::new(Code::CANNOT_REMOVE_USER));
        }
    }
    if project.row.owner_id == user {
        return Err(ApiError::new(match is_self {
            true => Code::OWNER_CANNOT_LEAVE,
            false => Code::OWNER_CANNOT_BE_REMOVED,
        }));
    }
    let from_above = |grant: &members::Grant| grant.team.is_none() && grant.above != Some(0);
    let above = members::memberships_above(ctx.db(), project.row.id, user).await?;
    if above || person.as_ref().is_some_and(|person| person.grants.iter().any(from_above)) {
        return Err(ApiError::new(Code::USER_NOT_REMOVED).message(
            "They are a member of a folder above this one, or of the whole production: \
             remove them there",
        ));
    }
    Ok(person)
}
