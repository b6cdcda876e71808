//! Who is in a team.

use serde::{Deserialize, Serialize};

use super::{
    group::Deleted,
    participant::Updated,
    team::{TeamOnly, seen_teams},
    user::PublicUser,
};
use crate::{
    access::{self, TeamAccess},
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, CompanyId, RoleId, TeamId, UserId},
    rpc::{Caller, Ctx},
    store::{
        self,
        companies::MembershipRow,
        teams::{TeamMember, TeamUserRow},
        text::AccountStatus,
        users::UserRow,
    },
};

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
            external_idp_id: row.user.external_idp_id.clone(),
            externally_managed: Some(row.user.is_external()),
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
        let person = known_person(ctx, &caller, user).await?;
        access::let_into_team(&team.row, person.is_external())?;
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
async fn known_person(ctx: &mut Ctx, caller: &Caller, user: UserId) -> ApiResult<UserRow> {
    let found = store::users::get(ctx.db(), user).await?;
    let found = found.filter(|row| !row.is_guest && row.account_status != AccountStatus::Deleted);
    let known = user == caller.user_id
        || store::users::share_anything(ctx.db(), caller.user_id, user).await?;
    found.filter(|_| known).ok_or_else(|| {
        let message = format!("there is no user {user}");
        ApiError::new(Code::USER_NOT_FOUND).field("user_id", Code::USER_NOT_FOUND, message)
    })
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
    super::review_session::team_people_left(ctx).await?;
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
