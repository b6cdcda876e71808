//! One search for people and teams, as a field needs it that takes either.

use serde::{Deserialize, Serialize};

use super::company_people::{need_manager, page};
use crate::{
    access,
    error::ApiResult,
    ids::{AnyId, CompanyId, GroupId, TeamId},
    rpc::Ctx,
    store::{
        self,
        members::{self, PeopleFilter},
        teams::TeamRow,
        text::{AccountStatus, SortDirection, TeamSort},
        users::UserRow,
    },
};

/// How many are found at most, if nothing else is said.
const PAGE: i64 = 200;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SearchTeams {
    company_id: CompanyId,
    group_ids: Option<Vec<GroupId>>,
    limit: Option<i64>,
    search: Option<String>,
    sort_by: Option<TeamSort>,
    sort_direction: Option<SortDirection>,
}

/// A person or a team.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Found {
    account_status: Option<AccountStatus>,
    company_id: Option<CompanyId>,
    company_name: Option<String>,
    email: Option<String>,
    external_idp_id: Option<String>,
    externally_managed: Option<bool>,
    first_name: Option<String>,
    group_id: Option<GroupId>,
    id: Option<AnyId>,
    inbox_only: Option<bool>,
    is_admin_team: Option<bool>,
    is_team: Option<bool>,
    is_user: Option<bool>,
    last_name: Option<String>,
    security_group_id: Option<i64>,
    team_id: Option<TeamId>,
    team_name: Option<String>,
    team_security_group: Option<i64>,
    user_count: Option<i64>,
}

impl Found {
    fn user(row: &UserRow) -> Self {
        Self {
            account_status: Some(row.account_status),
            company_id: row.company_id,
            company_name: row.company_name.clone(),
            email: row.email.clone(),
            external_idp_id: row.external_idp_id.clone(),
            externally_managed: Some(row.is_external()),
            first_name: Some(row.first_name.clone()),
            id: Some(row.id.cast()),
            inbox_only: Some(row.inbox_only),
            is_admin_team: Some(false),
            is_team: Some(false),
            is_user: Some(true),
            last_name: Some(row.last_name.clone()),
            ..Self::default()
        }
    }

    fn team(row: TeamRow, company_name: &str) -> Self {
        Self {
            company_id: Some(row.company_id),
            company_name: Some(company_name.to_owned()),
            externally_managed: Some(row.externally_managed),
            group_id: row.production_id,
            id: Some(row.id.cast()),
            is_admin_team: Some(row.is_admin),
            is_team: Some(true),
            is_user: Some(false),
            team_id: Some(row.id),
            team_name: Some(row.name),
            team_security_group: Some(row.default_security_group),
            user_count: Some(row.user_count),
            ..Self::default()
        }
    }
}

/// The teams of a company, and of the productions that are named, and its people, whose name has a
/// text in it: teams first. For those who invite people.
pub(super) async fn search(ctx: &mut Ctx, req: SearchTeams) -> ApiResult<Vec<Found>> {
    let caller = ctx.user()?.clone();
    need_manager(ctx, &caller, req.company_id).await?;
    let limit = page(req.limit, PAGE)?;
    let groups = req.group_ids.unwrap_or_default();
    for id in &groups {
        access::group(ctx.db(), &caller, *id).await?;
    }
    let company = store::companies::get(ctx.db(), req.company_id).await?;
    let company_name = company.map(|row| row.name).unwrap_or_default();
    let wanted = req.search.as_deref().unwrap_or_default().trim().to_lowercase();
    let teams = store::teams::list(ctx.db(), caller.user_id, Some(req.company_id), None).await?;
    let teams = teams.into_iter().filter(|team| {
        team.name.to_lowercase().contains(&wanted)
            && team.production_id.is_none_or(|id| groups.contains(&id))
    });
    let filter = PeopleFilter { search: &wanted, limit: Some(limit), ..PeopleFilter::default() };
    let people = members::of_company(ctx.db(), req.company_id, &filter).await?;
    let mut found: Vec<Found> = teams.map(|team| Found::team(team, &company_name)).collect();
    found.extend(people.iter().map(Found::user));
    if req.sort_direction == Some(SortDirection::Desc) {
        found.reverse();
    }
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}
