//! Teams.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::review_session;
use crate::{
    access::{self, Permission, TeamAccess},
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, GroupId, ProjectId, TeamId},
    rpc::{Caller, Ctx},
    store::{self, Json, Object, teams::TeamRow},
};

/// A team.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Team {
    can_edit_team_details: Option<bool>,
    can_update_participants: Option<bool>,
    company_id: Option<CompanyId>,
    default_security_group: Option<i64>,
    group_id: Option<GroupId>,
    pub(super) id: Option<TeamId>,
    is_admin_team: Option<bool>,
    is_collaborating: Option<bool>,
    is_externally_managed: Option<bool>,
    name: Option<String>,
    settings: Option<Object>,
    user_count: Option<i64>,
}

impl Team {
    pub(super) fn of(row: TeamRow, may_edit: bool, may_update_people: bool) -> Self {
        Self {
            can_edit_team_details: Some(may_edit && !row.locked),
            can_update_participants: Some(may_update_people && !row.locked),
            company_id: Some(row.company_id),
            default_security_group: Some(row.default_security_group),
            group_id: row.production_id,
            id: Some(row.id),
            is_admin_team: Some(row.is_admin),
            is_collaborating: Some(false),
            is_externally_managed: Some(row.externally_managed),
            name: Some(row.name),
            settings: Some(row.settings.0),
            user_count: Some(row.user_count),
        }
    }

    fn seen(team: TeamAccess) -> Self {
        Self::of(team.row, team.may_edit, team.may_update_people)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TeamOnly {
    pub(super) id: TeamId,
}

/// A team.
pub(super) async fn get(ctx: &mut Ctx, req: TeamOnly) -> ApiResult<Team> {
    let caller = ctx.user()?.clone();
    Ok(Team::seen(access::team(ctx.db(), &caller, req.id).await?))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListTeams {
    company_id: Option<CompanyId>,
    group_id: Option<GroupId>,
}

/// The teams that the caller may know of: all for administrators of the company; for others those
/// that they are in, those of productions whose people they manage, and with any such production
/// those of the whole company.
pub(super) async fn list(ctx: &mut Ctx, req: ListTeams) -> ApiResult<Vec<Team>> {
    let caller = ctx.user()?.clone();
    if let Some(id) = req.company_id {
        access::company_part(ctx.db(), &caller, id).await?;
    }
    if let Some(id) = req.group_id {
        access::group(ctx.db(), &caller, id).await?;
    }
    seen_teams(ctx, &caller, req.company_id, req.group_id).await
}

pub(super) async fn seen_teams(
    ctx: &mut Ctx,
    caller: &Caller,
    company: Option<CompanyId>,
    group: Option<GroupId>,
) -> ApiResult<Vec<Team>> {
    let rows = store::teams::list(ctx.db(), caller.user_id, company, group).await?;
    let managed = Managed::of(ctx, caller).await?;
    let teams = rows.into_iter().filter_map(|row| {
        let (may_edit, may_update_people, knows) = managed.team(&row);
        knows.then(|| Team::of(row, may_edit, may_update_people))
    });
    Ok(teams.collect())
}

/// The companies and productions whose people somebody manages.
struct Managed {
    companies: Vec<CompanyId>,
    groups: HashMap<GroupId, (CompanyId, bool)>,
}

impl Managed {
    async fn of(ctx: &mut Ctx, caller: &Caller) -> ApiResult<Self> {
        let companies = store::companies::administered(ctx.db(), caller.user_id).await?;
        let seen = store::groups::list_seen(ctx.db(), caller.user_id, None).await?;
        let managed = seen.iter().filter(|g| g.rights().may(Permission::UpdateParticipants));
        let groups = managed.map(|g| (g.row.id, (g.row.company_id, g.is_admin()))).collect();
        Ok(Self { companies, groups })
    }

    /// Whether they may change a team, change who is in it, and know of it.
    fn team(&self, row: &TeamRow) -> (bool, bool, bool) {
        if self.companies.contains(&row.company_id) {
            return (true, true, true);
        }
        match row.production_id {
            Some(id) => match self.groups.get(&id) {
                Some((_, is_admin)) => (*is_admin, true, true),
                None => (false, false, row.is_member),
            },
            None => {
                let any = self.groups.values().any(|(company, _)| *company == row.company_id);
                (false, false, row.is_member || any)
            }
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateTeam {
    company_id: CompanyId,
    default_security_group: Option<i64>,
    group_id: Option<GroupId>,
    name: String,
    settings: Object,
}

/// Creates a team: of a company for its administrators, of a production for its.
pub(super) async fn create(ctx: &mut Ctx, req: CreateTeam) -> ApiResult<Team> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let company = req.company_id;
    match req.group_id {
        Some(id) => group_of(ctx, &caller, company, id).await?,
        None => {
            access::company(ctx.db(), &caller, company).await?.admin()?;
        }
    }
    let name = named(&req.name)?;
    let id = store::teams::create(ctx.db(), company, req.group_id, name, now).await?;
    let mut team = access::team(ctx.db(), &caller, id).await?;
    if let Some(group) = req.default_security_group {
        default_group(ctx, &team, group).await?;
        team.row.default_security_group = group;
    }
    team.row.settings = Json(req.settings);
    store::teams::update(ctx.db(), &team.row).await?;
    Ok(Team::seen(team))
}

/// Makes sure that a production is one of the company, and its people the caller's to manage.
async fn group_of(
    ctx: &mut Ctx,
    caller: &Caller,
    company: CompanyId,
    id: GroupId,
) -> ApiResult<()> {
    let group = access::group(ctx.db(), caller, id).await?;
    if group.row.company_id != company {
        return Err(ApiError::new(Code::NOT_FOUND).field(
            "group_id",
            Code::NOT_FOUND,
            "is not a production of this company",
        ));
    }
    group.need_admin()
}

/// A name that has something in it.
fn named(name: &str) -> ApiResult<&str> {
    let name = name.trim();
    if name.is_empty() {
        return Err(ApiError::new(Code::INVALID_DATA).field(
            "name",
            Code::INVALID_DATA,
            "must not be empty",
        ));
    }
    Ok(name)
}

/// Makes sure that a team may give its new members this security group.
async fn default_group(ctx: &mut Ctx, team: &TeamAccess, group: i64) -> ApiResult<()> {
    let company = team.row.company_id;
    let name = "default_security_group";
    let (_, rights) = access::security_group(ctx.db(), company, group, name).await?;
    if team.row.is_admin && !rights.is_admin {
        return Err(ApiError::new(Code::ADMIN_TEAM_PERMISSION));
    }
    access::may_grant(team.rights, rights)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateTeam {
    default_security_group: Option<i64>,
    group_id: Option<GroupId>,
    id: TeamId,
    name: Option<String>,
    settings: Option<Object>,
}

/// What `/update/team` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UpdatedTeam {
    #[serde(flatten)]
    team: Team,
    updated: Option<bool>,
}

/// Changes what is given of a team. One that is made a production's may not be let in anywhere
/// else.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateTeam) -> ApiResult<UpdatedTeam> {
    let caller = ctx.user()?.clone();
    let mut team = access::team(ctx.db(), &caller, req.id).await?;
    team.need_edit()?;
    if let Some(group) = req.default_security_group {
        default_group(ctx, &team, group).await?;
        team.row.default_security_group = group;
    }
    if let Some(id) = req.group_id.filter(|id| team.row.production_id != Some(*id)) {
        if team.row.is_admin {
            return Err(ApiError::new(Code::ADMIN_TEAM_PERMISSION)
                .message("The administrators' team belongs to the whole company"));
        }
        group_of(ctx, &caller, team.row.company_id, id).await?;
        stays_within(ctx, req.id, id).await?;
        team.row.production_id = Some(id);
    }
    if let Some(name) = &req.name {
        named(name)?.clone_into(&mut team.row.name);
    }
    if let Some(settings) = req.settings {
        team.row.settings = Json(settings);
    }
    store::teams::update(ctx.db(), &team.row).await?;
    Ok(UpdatedTeam { team: Team::seen(team), updated: Some(true) })
}

/// Refuses to make a team one production's that was let in elsewhere.
async fn stays_within(ctx: &mut Ctx, team: TeamId, group: GroupId) -> ApiResult<()> {
    let (groups, projects) = store::teams::places(ctx.db(), team).await?;
    let mut outside = groups.iter().any(|id| *id != group);
    for id in projects {
        let row = store::projects::get(ctx.db(), id).await?;
        outside |= row.is_some_and(|row| row.production_id != group);
    }
    if outside {
        return Err(ApiError::new(Code::IN_USE)
            .message("The team has been let into another production, take it off there first"));
    }
    Ok(())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteTeam {
    id: TeamId,
    productions: Option<Vec<GroupId>>,
    projects: Option<Vec<ProjectId>>,
    validate: Option<bool>,
}

/// What `/delete/team` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct DeletedTeam {
    deleted: Option<bool>,
    productions: Option<Vec<GroupId>>,
    projects: Option<Vec<ProjectId>>,
    validated: Option<bool>,
}

/// Deletes a team, or says with `validate` whether that would go. One who lists productions or
/// folders has to list all that the team was let into: the answer names them.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteTeam) -> ApiResult<DeletedTeam> {
    let caller = ctx.user()?.clone();
    let team = access::team(ctx.db(), &caller, req.id).await?;
    if team.row.is_admin {
        return Err(ApiError::new(Code::ADMIN_TEAM_STAYS));
    }
    team.need_edit()?;
    let (productions, projects) = store::teams::places(ctx.db(), req.id).await?;
    let lists = req.productions.is_some() || req.projects.is_some();
    let listed_productions = req.productions.unwrap_or_default();
    let listed_projects = req.projects.unwrap_or_default();
    let validated = !lists
        || (productions.iter().all(|id| listed_productions.contains(id))
            && projects.iter().all(|id| listed_projects.contains(id)));
    let deleted = validated && req.validate != Some(true);
    if deleted {
        store::teams::delete(ctx.db(), req.id).await?;
        review_session::team_people_left(ctx).await?;
    }
    Ok(DeletedTeam {
        deleted: Some(deleted),
        productions: Some(productions),
        projects: Some(projects),
        validated: Some(validated),
    })
}
