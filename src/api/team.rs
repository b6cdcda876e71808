//! Teams, and who is in them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{group::Deleted, participant::Updated, user::PublicUser};
use crate::{
    access::{self, Permission, TeamAccess},
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, CompanyId, GroupId, ProjectId, RoleId, TeamId, UserId},
    rpc::{Caller, Ctx},
    store::{
        self, Json, Object,
        companies::MembershipRow,
        teams::{TeamMember, TeamRow, TeamUserRow},
        text::AccountStatus,
    },
};

/// A team.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Team {
    can_edit_team_details: Option<bool>,
    can_update_participants: Option<bool>,
    company_id: Option<CompanyId>,
    default_security_group: Option<i64>,
    group_id: Option<GroupId>,
    id: Option<TeamId>,
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
    id: TeamId,
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

async fn seen_teams(
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

/// Somebody in a team.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct TeamUser {
    #[serde(flatten)]
    user: PublicUser,
    account_status: Option<AccountStatus>,
    external_idp_id: Option<String>,
    externally_managed: Option<bool>,
    inbox_only: Option<bool>,
    project_role_id: Option<RoleId>,
    project_role_name: Option<String>,
    security_group_id: Option<i64>,
}

impl From<&TeamUserRow> for TeamUser {
    fn from(row: &TeamUserRow) -> Self {
        Self {
            user: PublicUser::from(&row.user),
            account_status: Some(row.user.account_status),
            external_idp_id: None,
            externally_managed: Some(false),
            inbox_only: Some(row.user.inbox_only),
            project_role_id: row.role_id,
            project_role_name: row.role_name.clone(),
            security_group_id: Some(row.security_group_id),
        }
    }
}

/// The people of a team, to whoever may know of it.
pub(super) async fn users(ctx: &mut Ctx, req: TeamOnly) -> ApiResult<Vec<TeamUser>> {
    let caller = ctx.user()?.clone();
    access::team(ctx.db(), &caller, req.id).await?;
    let rows = store::teams::users(ctx.db(), &[req.id]).await?;
    Ok(rows.iter().map(TeamUser::from).collect())
}

/// Somebody in one of several teams.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UserOfTeam {
    #[serde(flatten)]
    user: TeamUser,
    team_id: Option<TeamId>,
}

/// Most teams of one request.
const TEAMS: usize = 500;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListTeamsUsers {
    team_ids: Vec<TeamId>,
}

/// The people of several teams, each once for each of them.
pub(super) async fn users_of_all(ctx: &mut Ctx, req: ListTeamsUsers) -> ApiResult<Vec<UserOfTeam>> {
    let caller = ctx.user()?.clone();
    if req.team_ids.len() > TEAMS {
        return Err(ApiError::new(Code::INVALID_DATA).field(
            "team_ids",
            Code::INVALID_DATA,
            format!("has more than {TEAMS} teams"),
        ));
    }
    let mut known: Vec<TeamId> = Vec::new();
    let all = seen_teams(ctx, &caller, None, None).await?;
    known.extend(all.iter().filter_map(|team| team.id));
    for id in &req.team_ids {
        // Those that are known by a folder they were let into only are asked one by one.
        if !known.contains(id) {
            access::team(ctx.db(), &caller, *id).await?;
        }
    }
    let rows = store::teams::users(ctx.db(), &req.team_ids).await?;
    let of = |row: &TeamUserRow| UserOfTeam { user: row.into(), team_id: Some(row.team_id) };
    Ok(rows.iter().map(of).collect())
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
    }
    Ok(DeletedTeam {
        deleted: Some(deleted),
        productions: Some(productions),
        projects: Some(projects),
        validated: Some(validated),
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AddTeamUser {
    id: TeamId,
    role_id: Option<RoleId>,
    role_id_list: Option<Vec<AnyId>>,
    security_group_id: Option<i64>,
    user_id: Option<UserId>,
    user_id_list: Option<Vec<UserId>>,
}

/// Says whether something was added.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Added {
    pub(super) added: Option<bool>,
}

/// Puts people into a team; all or none.
pub(super) async fn add_user(ctx: &mut Ctx, req: AddTeamUser) -> ApiResult<Added> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let team = access::team(ctx.db(), &caller, req.id).await?;
    team.need_people()?;
    let group = req.security_group_id.unwrap_or(team.row.default_security_group);
    let people = people_to_add(&req)?;
    for (user, role_id) in people {
        let member = TeamMember { security_group_id: group, role_id };
        may_place(ctx, &caller, &team, user, member).await?;
        known_person(ctx, &caller, user).await?;
        super::license::need_seat(ctx, team.row.company_id, user).await?;
        store::teams::set_member(ctx.db(), &team.row, user, member, now).await?;
    }
    Ok(Added { added: Some(true) })
}

/// The people of a request, each with a role if there is one.
fn people_to_add(req: &AddTeamUser) -> ApiResult<Vec<(UserId, Option<RoleId>)>> {
    let wrong =
        |name: &str, code, message: &str| Err(ApiError::new(code).field(name, code, message));
    let listed = req.user_id_list.as_deref().unwrap_or_default();
    let roles = req.role_id_list.as_deref();
    if roles.is_some_and(|roles| roles.len() != listed.len()) {
        let message = "must have as many elements as user_id_list";
        return wrong("role_id_list", Code::INVALID_DATA, message);
    }
    let mut people: Vec<(UserId, Option<RoleId>)> =
        req.user_id.map(|user| (user, req.role_id)).into_iter().collect();
    for (index, user) in listed.iter().enumerate() {
        let role = roles.map(|roles| roles[index].cast()).or(req.role_id);
        people.push((*user, role));
    }
    if people.is_empty() {
        return wrong("user_id", Code::REQUIRED, "this or user_id_list is required");
    }
    if people.len() > TEAMS {
        return wrong("user_id_list", Code::INVALID_DATA, "has too many elements");
    }
    Ok(people)
}

/// Makes sure that the caller may give somebody this place in a team.
async fn may_place(
    ctx: &mut Ctx,
    caller: &Caller,
    team: &TeamAccess,
    user: UserId,
    member: TeamMember,
) -> ApiResult<()> {
    let company = team.row.company_id;
    let (_, rights) =
        access::security_group(ctx.db(), company, member.security_group_id, "security_group_id")
            .await?;
    if team.row.is_admin && !rights.is_admin {
        return Err(ApiError::new(Code::ADMIN_TEAM_PERMISSION));
    }
    if let Some(role) = member.role_id
        && !store::teams::has_role(ctx.db(), company, role).await?
    {
        let message = "is not a role of this company";
        return Err(ApiError::new(Code::NOT_FOUND).field("role_id", Code::NOT_FOUND, message));
    }
    if user == caller.user_id {
        access::grant_oneself(team.rights, rights, Code::NO_VIEWING_BY_TEAM)?;
    }
    access::may_grant(team.rights, rights)
}

/// Makes sure that somebody exists whom the caller may know of.
async fn known_person(ctx: &mut Ctx, caller: &Caller, user: UserId) -> ApiResult<()> {
    let found = store::users::get(ctx.db(), user).await?;
    let found = found.filter(|row| !row.is_guest && row.account_status != AccountStatus::Deleted);
    let known = user == caller.user_id
        || store::users::share_anything(ctx.db(), caller.user_id, user).await?;
    if found.is_some() && known {
        return Ok(());
    }
    Err(ApiError::new(Code::USER_NOT_FOUND).field(
        "user_id",
        Code::USER_NOT_FOUND,
        format!("there is no user {user}"),
    ))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateTeamUser {
    id: TeamId,
    role_id: Option<RoleId>,
    security_group_id: Option<i64>,
    user_id: UserId,
}

/// Changes what somebody may do by a team and is called in it. Nobody changes one who may do more
/// than they.
pub(super) async fn update_user(ctx: &mut Ctx, req: UpdateTeamUser) -> ApiResult<Updated> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let team = access::team(ctx.db(), &caller, req.id).await?;
    team.need_people()?;
    let before = member(ctx, &team, req.user_id).await?;
    let after = TeamMember {
        security_group_id: req.security_group_id.unwrap_or(before.security_group_id),
        role_id: req.role_id.or(before.role_id),
    };
    may_place(ctx, &caller, &team, req.user_id, after).await?;
    store::teams::set_member(ctx.db(), &team.row, req.user_id, after, now).await?;
    Ok(Updated { updated: Some(true) })
}

/// Somebody's place in a team, if it is one that the caller may change.
async fn member(ctx: &mut Ctx, team: &TeamAccess, user: UserId) -> ApiResult<TeamMember> {
    let found = store::teams::member(ctx.db(), team.row.id, user).await?;
    let found = found.ok_or(ApiError::new(Code::USER_NOT_FOUND))?;
    let (_, rights) = access::security_group(
        ctx.db(),
        team.row.company_id,
        found.security_group_id,
        "security_group_id",
    )
    .await?;
    access::may_grant(team.rights, rights)?;
    Ok(found)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteTeamUser {
    id: TeamId,
    user_id: UserId,
}

/// Takes somebody out of a team; anybody may take themselves out. A company keeps an administrator.
pub(super) async fn delete_user(ctx: &mut Ctx, req: DeleteTeamUser) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    let team = access::team(ctx.db(), &caller, req.id).await?;
    if req.user_id == caller.user_id && team.row.is_member && !team.row.locked {
        // Whoever is in it may leave it.
    } else {
        team.need_people()?;
        member(ctx, &team, req.user_id).await?;
    }
    if team.row.is_admin {
        keep_an_admin(ctx, team.row.company_id, req.user_id).await?;
    }
    store::teams::remove_member(ctx.db(), &team.row, req.user_id).await?;
    Ok(Deleted { deleted: Some(true) })
}

/// Refuses to take the last administrator from a company.
pub(super) async fn keep_an_admin(
    ctx: &mut Ctx,
    company: CompanyId,
    user: UserId,
) -> ApiResult<()> {
    let membership = store::companies::membership(ctx.db(), company, user).await?;
    let is_admin = matches!(membership, Some(MembershipRow { is_admin: true, .. }));
    if is_admin && store::companies::admins(ctx.db(), company).await? <= 1 {
        return Err(ApiError::new(Code::USER_STAYS_IN_COMPANY)
            .message("The last administrator of a company stays"));
    }
    Ok(())
}
