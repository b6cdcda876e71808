//! The people of a company.

use serde::{Deserialize, Serialize};

use super::{
    team_people::keep_an_admin,
    user::{CompanyUser, Person},
};
use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, GroupId, ProjectId, RoomId, TeamId, UserId},
    rpc::{Caller, Ctx},
    store::{
        self,
        members::{self, Parts, PeopleFilter},
        projects::ProjectFilter,
        text::{SortDirection, UserSort},
    },
};

/// How many people a search finds at most, if nothing else is said; and how many it may.
const PAGE: i64 = 20;
pub(super) const MOST: i64 = 1000;

/// The limit of a list.
pub(super) fn page(limit: Option<i64>, usual: i64) -> ApiResult<i64> {
    match limit.unwrap_or(usual) {
        limit @ 1..=MOST => Ok(limit),
        _ => Err(ApiError::new(Code::INVALID_DATA).field(
            "limit",
            Code::INVALID_DATA,
            format!("must be 1 to {MOST}"),
        )),
    }
}

/// Refuses those who manage nobody in a company: neither in it, nor in a production, nor in a
/// folder. Whoever manages a folder without belonging to the company invites people by their
/// address, and is not shown everybody.
///
/// # Errors
/// 404 when they have no part in it, 800.
pub(super) async fn need_manager(
    ctx: &mut Ctx,
    caller: &Caller,
    company: CompanyId,
) -> ApiResult<()> {
    access::company_part(ctx.db(), caller, company).await?;
    let membership = store::companies::membership(ctx.db(), company, caller.user_id).await?;
    let membership = membership.ok_or(ApiError::new(Code::PERMISSION_DENIED))?;
    if membership.is_admin {
        return Ok(());
    }
    let groups = store::groups::list_seen(ctx.db(), caller.user_id, Some(company)).await?;
    if groups.iter().any(|group| group.rights().may(Permission::InviteUsers)) {
        return Ok(());
    }
    let filter = ProjectFilter { company: Some(company), ..ProjectFilter::default() };
    let folders = store::projects::list_seen(ctx.db(), caller.user_id, filter).await?;
    if folders.iter().any(|folder| folder.rights().may(Permission::InviteUsers)) {
        return Ok(());
    }
    Err(ApiError::new(Code::PERMISSION_DENIED))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SearchUsers {
    id: CompanyId,
    limit: Option<i64>,
    search: Option<String>,
    sort_by: Option<UserSort>,
    sort_direction: Option<SortDirection>,
}

/// The people of a company whose name or address has a text in it; to those who invite people.
pub(super) async fn search(ctx: &mut Ctx, req: SearchUsers) -> ApiResult<Vec<CompanyUser>> {
    let caller = ctx.user()?.clone();
    need_manager(ctx, &caller, req.id).await?;
    let filter = PeopleFilter {
        search: req.search.as_deref().unwrap_or_default(),
        group: None,
        by_date: req.sort_by == Some(UserSort::Date),
        descending: req.sort_direction == Some(SortDirection::Desc),
        limit: Some(page(req.limit, PAGE)?),
    };
    let rows = members::of_company(ctx.db(), req.id, &filter).await?;
    Ok(rows.iter().map(CompanyUser::from).collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListCompanyUsers {
    group_id: Option<GroupId>,
    id: CompanyId,
    include_review_only_users: Option<bool>,
    review_session_id: Option<RoomId>,
}

/// The people of a company, or of one of its productions; to those who invite people. With a room,
/// those who are not in it yet.
pub(super) async fn list(ctx: &mut Ctx, req: ListCompanyUsers) -> ApiResult<Vec<CompanyUser>> {
    let caller = ctx.user()?.clone();
    need_manager(ctx, &caller, req.id).await?;
    if let Some(id) = req.group_id {
        let group = access::group(ctx.db(), &caller, id).await?;
        if group.row.company_id != req.id {
            return Err(ApiError::new(Code::NOT_FOUND));
        }
        group.rights().need(Permission::ViewParticipants)?;
    }
    let filter = PeopleFilter { group: req.group_id, ..PeopleFilter::default() };
    let mut rows = members::of_company(ctx.db(), req.id, &filter).await?;
    if req.include_review_only_users == Some(true) {
        rows.extend(members::guests(ctx.db(), req.id, req.group_id).await?);
    }
    if let Some(id) = req.review_session_id {
        access::room(ctx.db(), &caller, id).await?;
        let seated = store::rooms::users(ctx.db(), id).await?;
        rows.retain(|row| seated.iter().all(|seat| seat.user_id != row.id));
    }
    Ok(rows.iter().map(CompanyUser::from).collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateCompanyUser {
    id: CompanyId,
    inbox_only: Option<bool>,
    reset_mfa: Option<bool>,
    user_id: UserId,
}

/// What `/update/company/user` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UpdatedCompanyUser {
    #[serde(flatten)]
    person: Person,
    updated: Option<bool>,
}

/// Changes what a company says of one of its own people; for its administrators. Nobody has a
/// second factor here that could be reset: that is the login provider's.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateCompanyUser) -> ApiResult<UpdatedCompanyUser> {
    let caller = ctx.user()?.clone();
    access::company(ctx.db(), &caller, req.id).await?.admin()?;
    // Somebody from outside is not the company's to change.
    let membership = store::companies::membership(ctx.db(), req.id, req.user_id).await?;
    membership.ok_or(ApiError::new(Code::NOT_A_USER_OF_COMPANY))?;
    if let Some(inbox_only) = req.inbox_only {
        store::users::set_inbox_only(ctx.db(), req.user_id, inbox_only).await?;
    }
    let row = store::users::get(ctx.db(), req.user_id).await?;
    let row = row.ok_or(ApiError::new(Code::NOT_A_USER_OF_COMPANY))?;
    Ok(UpdatedCompanyUser { person: Person::of(&row), updated: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteCompanyUser {
    group_id: Option<GroupId>,
    id: CompanyId,
    projects: Option<Vec<ProjectId>>,
    teams: Option<Vec<TeamId>>,
    user_id: UserId,
    validate: Option<bool>,
}

/// What `/delete/company/user` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct DeletedCompanyUser {
    deleted: Option<bool>,
    projects: Option<Vec<ProjectId>>,
    teams: Option<Vec<TeamId>>,
    validated: Option<bool>,
}

/// Takes somebody out of a company, or out of one of its productions: out of the folders and teams
/// that the answer names. One who lists folders or teams has to list them all, or nothing happens.
/// For administrators of the company; with `validate` nothing happens at all.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteCompanyUser) -> ApiResult<DeletedCompanyUser> {
    let caller = ctx.user()?.clone();
    access::company(ctx.db(), &caller, req.id).await?.admin()?;
    if let Some(id) = req.group_id {
        let group = access::group(ctx.db(), &caller, id).await?;
        if group.row.company_id != req.id {
            return Err(ApiError::new(Code::NOT_FOUND));
        }
    }
    if !store::companies::has_part(ctx.db(), req.id, req.user_id).await? {
        return Err(ApiError::new(Code::NOT_A_USER_OF_COMPANY));
    }
    if req.group_id.is_none() {
        keep_an_admin(ctx, req.id, req.user_id).await?;
    }
    let parts = members::parts(ctx.db(), req.id, req.group_id, req.user_id).await?;
    need_unlocked(ctx, &caller, &parts).await?;
    let validated = covers(req.projects.as_deref(), req.teams.as_deref(), &parts);
    let deleted = validated && req.validate != Some(true);
    if deleted {
        members::end_parts(ctx.db(), req.user_id, &parts).await?;
        if req.group_id.is_none() {
            store::companies::remove_member(ctx.db(), req.id, req.user_id).await?;
        }
        super::review_session::team_people_left(ctx).await?;
    }
    Ok(DeletedCompanyUser {
        deleted: Some(deleted),
        projects: Some(parts.projects),
        teams: Some(parts.teams),
        validated: Some(validated),
    })
}

/// Whether a client that lists what somebody is taken out of has listed all of it.
fn covers(projects: Option<&[ProjectId]>, teams: Option<&[TeamId]>, parts: &Parts) -> bool {
    if projects.is_none() && teams.is_none() {
        return true;
    }
    let (projects, teams) = (projects.unwrap_or_default(), teams.unwrap_or_default());
    parts.projects.iter().all(|id| projects.contains(id))
        && parts.teams.iter().all(|id| teams.contains(id))
}

async fn need_unlocked(ctx: &mut Ctx, caller: &Caller, parts: &Parts) -> ApiResult<()> {
    for id in &parts.teams {
        access::team(ctx.db(), caller, *id).await?.need_people()?;
    }
    Ok(())
}
