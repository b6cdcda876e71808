//! Where teams are let in: productions and folders.

use serde::{Deserialize, Serialize};

use super::{group::Deleted, team::Team, team_people::Added};
use crate::{
    access::{self, Permission, Rights, TeamAccess},
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, GroupId, ProjectId, RoomId, TeamId},
    rpc::{Caller, Ctx},
    store,
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GroupTeam {
    id: GroupId,
    team_id: TeamId,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProjectTeam {
    id: ProjectId,
    team_id: TeamId,
}

/// A team that may be let into a place of a company: one of the whole company, or one of the
/// place's own production.
async fn team_for(
    ctx: &mut Ctx,
    caller: &Caller,
    id: TeamId,
    company: CompanyId,
    group: GroupId,
) -> ApiResult<TeamAccess> {
    let team = match access::team(ctx.db(), caller, id).await {
        Err(error) if error.code() == Code::NOT_FOUND => {
            return Err(error.field("team_id", Code::NOT_FOUND, "there is no such team"));
        }
        result => result?,
    };
    let fits = team.row.company_id == company
        && team.row.production_id.is_none_or(|production| production == group);
    if fits { Ok(team) } else { Err(ApiError::new(Code::NOT_A_TEAM_OF_COMPANY)) }
}

/// Refuses to let a team in whose people may there do more than the caller may hand on, or that
/// lets the caller see what they do not.
async fn may_let_in(
    ctx: &mut Ctx,
    own: Rights,
    team: &TeamAccess,
    caller: &Caller,
) -> ApiResult<()> {
    let company = team.row.company_id;
    for id in store::teams::security_groups(ctx.db(), team.row.id).await? {
        let (_, rights) = access::security_group(ctx.db(), company, id, "team_id").await?;
        access::may_grant(own, rights)?;
    }
    if let Some(member) = store::teams::member(ctx.db(), team.row.id, caller.user_id).await? {
        let id = member.security_group_id;
        let (_, rights) = access::security_group(ctx.db(), company, id, "team_id").await?;
        access::grant_oneself(own, rights, Code::NO_VIEWING_BY_TEAM)?;
    }
    Ok(())
}

/// Refuses those who do not manage the people of a production.
async fn managed_group(
    ctx: &mut Ctx,
    caller: &Caller,
    id: GroupId,
) -> ApiResult<(CompanyId, Rights)> {
    let group = access::group(ctx.db(), caller, id).await?;
    if !group.rights().may(Permission::UpdateParticipants) {
        return Err(ApiError::new(Code::CANNOT_UPDATE_GROUP));
    }
    Ok((group.row.company_id, group.rights()))
}

/// Lets a team into a production: into all of its folders.
pub(super) async fn add_to_group(ctx: &mut Ctx, req: GroupTeam) -> ApiResult<Added> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let (company, own) = managed_group(ctx, &caller, req.id).await?;
    let team = team_for(ctx, &caller, req.team_id, company, req.id).await?;
    may_let_in(ctx, own, &team, &caller).await?;
    store::teams::let_into_group(ctx.db(), req.id, req.team_id, now).await?;
    Ok(Added { added: Some(true) })
}

/// Takes a team off a production.
pub(super) async fn remove_from_group(ctx: &mut Ctx, req: GroupTeam) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    managed_group(ctx, &caller, req.id).await?;
    if store::teams::take_off_group(ctx.db(), req.id, req.team_id).await? {
        return Ok(Deleted { deleted: Some(true) });
    }
    Err(not_here("This team is not in the whole production"))
}

/// Lets a team into a folder and all below it.
pub(super) async fn add_to_project(ctx: &mut Ctx, req: ProjectTeam) -> ApiResult<Added> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let folder =
        access::project_for(ctx.db(), &caller, req.id, Permission::UpdateParticipants).await?;
    let group = folder.row.production_id;
    let team = team_for(ctx, &caller, req.team_id, folder.company_id, group).await?;
    may_let_in(ctx, folder.rights(), &team, &caller).await?;
    access::let_into_project(ctx.db(), req.id, team.row.externally_managed).await?;
    store::teams::let_into_project(ctx.db(), req.id, req.team_id, now).await?;
    Ok(Added { added: Some(true) })
}

/// Takes a team off a folder. One that is in the whole production, or in a folder above, goes
/// there.
pub(super) async fn remove_from_project(ctx: &mut Ctx, req: ProjectTeam) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    access::project_for(ctx.db(), &caller, req.id, Permission::UpdateParticipants).await?;
    let everywhere = store::teams::in_production_of(ctx.db(), req.id, req.team_id).await?;
    if everywhere {
        return Err(ApiError::new(Code::TEAM_OF_PRODUCTION));
    }
    if store::teams::take_off_project(ctx.db(), req.id, req.team_id).await? {
        return Ok(Deleted { deleted: Some(true) });
    }
    Err(not_here("This team is not in this very folder"))
}

fn not_here(message: &'static str) -> ApiError {
    ApiError::new(Code::NOT_FOUND).field("team_id", Code::NOT_FOUND, message)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListGroupTeams {
    id: GroupId,
    include_project_teams: Option<bool>,
    review_session_id: Option<RoomId>,
}

/// The teams of a production, to those who see its people.
pub(super) async fn of_group(ctx: &mut Ctx, req: ListGroupTeams) -> ApiResult<Vec<Team>> {
    let caller = ctx.user()?.clone();
    let group = access::group(ctx.db(), &caller, req.id).await?;
    let rights = group.rights();
    rights.need(Permission::ViewParticipants)?;
    let with_folders = req.include_project_teams == Some(true);
    let rows = store::teams::of_group(ctx.db(), caller.user_id, req.id, with_folders).await?;
    let teams = rows.into_iter().map(|row| {
        let own = row.production_id.is_some();
        let (edit, people) =
            (own && rights.is_admin, own && rights.may(Permission::UpdateParticipants));
        Team::of(row, group.is_company_admin || edit, group.is_company_admin || people)
    });
    Ok(teams.collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListProjectTeams {
    project_id: ProjectId,
}

/// The teams that reach a folder, to those who see its people.
pub(super) async fn of_project(ctx: &mut Ctx, req: ListProjectTeams) -> ApiResult<Vec<Team>> {
    let caller = ctx.user()?.clone();
    let folder =
        access::project_for(ctx.db(), &caller, req.project_id, Permission::ViewParticipants)
            .await?;
    let group = access::group(ctx.db(), &caller, folder.row.production_id).await?;
    let rights = group.rights();
    let rows = store::teams::of_project(ctx.db(), caller.user_id, req.project_id).await?;
    let teams = rows.into_iter().map(|row| {
        let own = row.production_id.is_some();
        let (edit, people) =
            (own && rights.is_admin, own && rights.may(Permission::UpdateParticipants));
        Team::of(row, group.is_company_admin || edit, group.is_company_admin || people)
    });
    Ok(teams.collect())
}
