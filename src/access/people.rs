//! Who may say what others may do: teams, and what may be handed on.

use super::{Permission, PermissionSet, Rights, denied, group, project, unknown};
use crate::{
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, ProjectId, TeamId},
    rpc::Caller,
    store::{self, Db, security::SecurityGroupRow, teams::TeamRow},
};

/// What whoever manages people may let others do though they may not do it themselves: a
/// coordinator lets people in to pictures that they do not see.
const LOOKING: [Permission; 3] = [Permission::View, Permission::Comment, Permission::AssetSearch];

/// Refuses to hand on what goes beyond one's own rights; looking excepted, for others.
///
/// # Errors
/// 800.
pub fn may_grant(own: Rights, asked: Rights) -> ApiResult<()> {
    let looking: PermissionSet = LOOKING.into_iter().collect();
    if own.union(Rights::new(false, looking)).includes(asked) { Ok(()) } else { Err(denied()) }
}

/// Refuses to let oneself see what one does not: that takes somebody else.
///
/// # Errors
/// `code`: 424, or 496 when it is by way of a team.
pub fn grant_oneself(own: Rights, asked: Rights, code: Code) -> ApiResult<()> {
    let gains = asked.may(Permission::View) && !own.may(Permission::View);
    if gains { Err(ApiError::new(code)) } else { Ok(()) }
}

/// Refuses a folder that lets in only people whom another system manages to anybody else.
///
/// # Errors
/// 419.
pub async fn let_into_project(db: &mut Db, project: ProjectId, is_external: bool) -> ApiResult<()> {
    if !is_external && store::projects::is_externally_managed(db, project).await? {
        return Err(ApiError::new(Code::EXTERNAL_IN_FOLDER));
    }
    Ok(())
}

/// Refuses a team of people whom another system manages to anybody else.
///
/// # Errors
/// 495.
pub fn let_into_team(team: &TeamRow, is_external: bool) -> ApiResult<()> {
    match team.externally_managed && !is_external {
        true => Err(ApiError::new(Code::EXTERNAL_IN_TEAM)),
        false => Ok(()),
    }
}

/// A security group that is usable in a company.
///
/// # Errors
/// 404, at the parameter `name`.
pub async fn security_group(
    db: &mut Db,
    company: CompanyId,
    id: i64,
    name: &str,
) -> ApiResult<(SecurityGroupRow, Rights)> {
    let row = store::security::get(db, id, company).await?.ok_or_else(|| {
        ApiError::new(Code::NOT_FOUND).field(
            name,
            Code::NOT_FOUND,
            "is not a security group of this company",
        )
    })?;
    let rights = Rights::new(row.is_admin, row.permissions.0);
    Ok((row, rights))
}

/// A team, and what the caller may do with it.
#[derive(Debug, Clone)]
pub struct TeamAccess {
    /// The team.
    pub row: TeamRow,
    /// Whether they may change its name and settings, and delete it.
    pub may_edit: bool,
    /// Whether they may say who is in it.
    pub may_update_people: bool,
    /// What they may do in its production, or in all of its company.
    pub rights: Rights,
}

impl TeamAccess {
    /// Refuses those who may not change the team, and everybody when it is locked.
    ///
    /// # Errors
    /// 800, 497.
    pub fn need_edit(&self) -> ApiResult<()> {
        if !self.may_edit {
            return Err(denied());
        }
        self.need_unlocked()
    }

    /// Refuses those who may not say who is in the team, and everybody when it is locked.
    ///
    /// # Errors
    /// 800, 497.
    pub fn need_people(&self) -> ApiResult<()> {
        if !self.may_update_people {
            return Err(denied());
        }
        self.need_unlocked()
    }

    fn need_unlocked(&self) -> ApiResult<()> {
        if self.row.locked { Err(ApiError::new(Code::TEAM_LOCKED)) } else { Ok(()) }
    }
}

/// A team that the caller may know of: its members do, the administrators of its company and of
/// its production, and those who see the people of a place that it was let into.
///
/// # Errors
/// 404.
pub async fn team(db: &mut Db, caller: &Caller, id: TeamId) -> ApiResult<TeamAccess> {
    let row = store::teams::get(db, caller.user_id, id).await?.ok_or_else(unknown)?;
    let membership = store::companies::membership(db, row.company_id, caller.user_id).await?;
    if membership.is_some_and(|membership| membership.is_admin) {
        let rights = Rights::new(true, PermissionSet::default());
        return Ok(TeamAccess { row, may_edit: true, may_update_people: true, rights });
    }
    let rights = match row.production_id {
        Some(production) => match group(db, caller, production).await {
            Ok(seen) => seen.rights(),
            Err(error) if error.code() == Code::NOT_FOUND => Rights::default(),
            Err(error) => return Err(error),
        },
        None => Rights::default(),
    };
    let may_update_people = rights.may(Permission::UpdateParticipants);
    if row.is_member || may_update_people || is_met(db, caller, &row).await? {
        return Ok(TeamAccess { row, may_edit: rights.is_admin, may_update_people, rights });
    }
    Err(unknown())
}

/// Whether somebody sees the people of a place that a team was let into, or may let a team of the
/// whole company into a production.
async fn is_met(db: &mut Db, caller: &Caller, team: &TeamRow) -> ApiResult<bool> {
    if team.production_id.is_none() {
        let all = store::groups::list_seen(db, caller.user_id, Some(team.company_id)).await?;
        if all.iter().any(|group| group.rights().may(Permission::UpdateParticipants)) {
            return Ok(true);
        }
    }
    let (groups, projects) = store::teams::places(db, team.id).await?;
    for id in groups {
        match group(db, caller, id).await {
            Ok(seen) if seen.rights().may(Permission::ViewParticipants) => return Ok(true),
            Err(error) if error.code() != Code::NOT_FOUND => return Err(error),
            _ => {}
        }
    }
    for id in projects {
        match project(db, caller, id).await {
            Ok(seen) if seen.rights().may(Permission::ViewParticipants) => return Ok(true),
            Err(error) if error.code() != Code::NOT_FOUND => return Err(error),
            _ => {}
        }
    }
    Ok(false)
}
