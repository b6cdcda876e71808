//! Teams: who is in them, and where they have been let in.
//!
//! The administration team of a company has the company's id, and its members are the company's
//! administrators: the view `team_people` shows both kinds of teams alike, and writers go through
//! [`set_member`] and [`remove_member`], which know the difference.

use sqlx::FromRow;

use super::{
    Db, Json, Object, StoreError,
    companies::{self, MembershipRow},
    types::id_list,
    users::{UserRow, select_user},
};
use crate::{
    ids::{CompanyId, GroupId, ProjectId, RoleId, TeamId, UserId},
    time::Millis,
};

/// A team.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct TeamRow {
    /// Its id.
    pub id: TeamId,
    /// Its company.
    pub company_id: CompanyId,
    /// The production it is for; all of the company, if none.
    pub production_id: Option<GroupId>,
    /// Its name.
    pub name: String,
    /// Whether it is the administration team of its company.
    pub is_admin: bool,
    /// Whether it may not be changed.
    pub locked: bool,
    /// Whether its people come from elsewhere.
    pub externally_managed: bool,
    /// What new members may do, if nothing else is said.
    pub default_security_group: i64,
    /// Settings, as clients keep them.
    pub settings: Json<Object>,
    /// When it was created.
    pub created: Millis,
    /// How many people are in it.
    pub user_count: i64,
    /// Whether the one who asks is in it.
    pub is_member: bool,
}

/// Somebody in a team.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct TeamUserRow {
    /// The person.
    #[sqlx(flatten)]
    pub user: UserRow,
    /// The team.
    pub team_id: TeamId,
    /// What they may do where the team is.
    pub security_group_id: i64,
    /// What they are called in it.
    pub role_id: Option<RoleId>,
    /// The same as a name.
    pub role_name: Option<String>,
}

/// Somebody's place in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamMember {
    /// What they may do where the team is.
    pub security_group_id: i64,
    /// What they are called in it.
    pub role_id: Option<RoleId>,
}

// $1 is the one who asks.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT t.*, (SELECT COUNT(*) FROM team_people x JOIN users u ON u.id = x.user_id ",
            "WHERE x.team_id = t.id AND u.account_status <> 'DELETED') AS user_count, ",
            "EXISTS (SELECT 1 FROM team_people x WHERE x.team_id = t.id AND x.user_id = $1) ",
            "AS is_member FROM teams t ",
            $tail
        )
    };
}

/// Creates a team.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_teams_name`) when its company or production has one of this name.
pub async fn create(
    db: &mut Db,
    company: CompanyId,
    group: Option<GroupId>,
    name: &str,
    now: Millis,
) -> Result<TeamId, StoreError> {
    let id = TeamId::new();
    let sql = "INSERT INTO teams (id, company_id, production_id, scope, name, name_key, created) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(sql)
        .bind(id)
        .bind(company)
        .bind(group)
        .bind(scope(group))
        .bind(name)
        .bind(name_key(name))
        .bind(now)
        .execute(db)
        .await?;
    Ok(id)
}

fn scope(group: Option<GroupId>) -> String {
    group.map(|id| id.to_string()).unwrap_or_default()
}

/// By which names are compared.
fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Creates the administration team of a new company.
///
/// # Errors
/// When the database fails.
pub async fn create_admin_team(
    db: &mut Db,
    company: CompanyId,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO teams (id, company_id, name, name_key, is_admin, \
               default_security_group, created) \
               VALUES ($1, $1, 'Administrators', 'administrators', TRUE, 1, $2)";
    sqlx::query(sql).bind(company).bind(now).execute(db).await?;
    Ok(())
}

/// A team.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, asking: UserId, id: TeamId) -> Result<Option<TeamRow>, StoreError> {
    let sql = select!("WHERE t.id = $2");
    Ok(sqlx::query_as(sql).bind(asking).bind(id).fetch_optional(db).await?)
}

/// The team of a company, or of one of its productions, with a name.
///
/// # Errors
/// When the database fails.
pub async fn by_name(
    db: &mut Db,
    company: CompanyId,
    group: Option<GroupId>,
    name: &str,
) -> Result<Option<TeamId>, StoreError> {
    let sql = "SELECT id FROM teams WHERE company_id = $1 AND scope = $2 AND name_key = $3";
    let query = sqlx::query_scalar(sql).bind(company).bind(scope(group)).bind(name_key(name));
    Ok(query.fetch_optional(db).await?)
}

/// The teams of the companies that somebody has a part in, by name; those of one company or of one
/// production if one is named.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut Db,
    asking: UserId,
    company: Option<CompanyId>,
    group: Option<GroupId>,
) -> Result<Vec<TeamRow>, StoreError> {
    let sql = select!(
        "WHERE t.company_id IN (SELECT company_id FROM company_people WHERE user_id = $1) \
         AND (CAST($2 AS TEXT) IS NULL OR t.company_id = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR t.production_id = $3) \
         AND (t.production_id IS NULL OR EXISTS (SELECT 1 FROM productions n \
         WHERE n.id = t.production_id AND n.status <> 'DELETED' AND n.template_of IS NULL)) \
         ORDER BY t.name_key, t.id"
    );
    Ok(sqlx::query_as(sql).bind(asking).bind(company).bind(group).fetch_all(db).await?)
}

/// The teams that were let into a production, and into its folders too if asked for.
///
/// # Errors
/// When the database fails.
pub async fn of_group(
    db: &mut Db,
    asking: UserId,
    group: GroupId,
    with_folders: bool,
) -> Result<Vec<TeamRow>, StoreError> {
    let sql = select!(
        "WHERE t.id IN (SELECT team_id FROM production_teams WHERE production_id = $2) \
         OR ($3 AND t.id IN (SELECT x.team_id FROM project_teams x JOIN projects p \
         ON p.id = x.project_id WHERE p.production_id = $2 AND p.status <> 'DELETED')) \
         ORDER BY t.name_key, t.id"
    );
    Ok(sqlx::query_as(sql).bind(asking).bind(group).bind(with_folders).fetch_all(db).await?)
}

/// The teams that reach a folder: let in there, above it, or into its production.
///
/// # Errors
/// When the database fails.
pub async fn of_project(
    db: &mut Db,
    asking: UserId,
    project: ProjectId,
) -> Result<Vec<TeamRow>, StoreError> {
    let sql = select!(
        "WHERE t.id IN (WITH RECURSIVE above(id, parent) AS ( \
           SELECT id, parent_project_id FROM projects WHERE id = $2 \
           UNION SELECT p.id, p.parent_project_id FROM projects p JOIN above a ON p.id = a.parent) \
         SELECT x.team_id FROM project_teams x JOIN above a ON a.id = x.project_id \
         UNION SELECT x.team_id FROM production_teams x JOIN projects p \
           ON p.production_id = x.production_id WHERE p.id = $2) ORDER BY t.name_key, t.id"
    );
    Ok(sqlx::query_as(sql).bind(asking).bind(project).fetch_all(db).await?)
}

/// Writes a changed team back.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_teams_name`) when another one has the name.
pub async fn update(db: &mut Db, row: &TeamRow) -> Result<(), StoreError> {
    let sql = "UPDATE teams SET production_id = $2, scope = $3, name = $4, name_key = $5, \
               default_security_group = $6, settings = $7 WHERE id = $1";
    sqlx::query(sql)
        .bind(row.id)
        .bind(row.production_id)
        .bind(scope(row.production_id))
        .bind(&row.name)
        .bind(name_key(&row.name))
        .bind(row.default_security_group)
        .bind(&row.settings)
        .execute(db)
        .await?;
    Ok(())
}

/// Locks a team against every change, or unlocks it.
///
/// # Errors
/// When the database fails.
pub async fn lock(db: &mut Db, id: TeamId, locked: bool) -> Result<bool, StoreError> {
    let sql = "UPDATE teams SET locked = $2 WHERE id = $1";
    Ok(sqlx::query(sql).bind(id).bind(locked).execute(db).await?.rows_affected() > 0)
}

/// Says whether a team has only people whom another system manages. Answers whether there is such
/// a team.
///
/// # Errors
/// When the database fails.
pub async fn set_externally_managed(
    db: &mut Db,
    id: TeamId,
    only: bool,
) -> Result<bool, StoreError> {
    let sql = "UPDATE teams SET externally_managed = $2 WHERE id = $1";
    Ok(sqlx::query(sql).bind(id).bind(only).execute(db).await?.rows_affected() > 0)
}

/// Deletes a team, wherever it was let in.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Db, id: TeamId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM teams WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// The people of teams, by name; each once for each team they are in.
///
/// # Errors
/// When the database fails.
pub async fn users(db: &mut Db, teams: &[TeamId]) -> Result<Vec<TeamUserRow>, StoreError> {
    let sql = select_user!(
        ", t.team_id, t.security_group_id, t.role_id, r.name AS role_name",
        "JOIN team_people t ON t.user_id = u.id LEFT JOIN roles r ON r.id = t.role_id \
         WHERE u.account_status <> 'DELETED' \
         AND $1 LIKE '%' || t.team_id || '%' \
         ORDER BY LOWER(u.last_name), LOWER(u.first_name), u.id, t.team_id"
    );
    Ok(sqlx::query_as(sql).bind(id_list(teams)).fetch_all(db).await?)
}

/// Somebody's place in a team.
///
/// # Errors
/// When the database fails.
pub async fn member(
    db: &mut Db,
    team: TeamId,
    user: UserId,
) -> Result<Option<TeamMember>, StoreError> {
    let sql = "SELECT security_group_id, role_id FROM team_people \
               WHERE team_id = $1 AND user_id = $2";
    let found: Option<(i64, Option<RoleId>)> =
        sqlx::query_as(sql).bind(team).bind(user).fetch_optional(db).await?;
    Ok(found.map(|(security_group_id, role_id)| TeamMember { security_group_id, role_id }))
}

/// Which security groups the people of a team have.
///
/// # Errors
/// When the database fails.
pub async fn security_groups(db: &mut Db, team: TeamId) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT DISTINCT security_group_id FROM team_people WHERE team_id = $1";
    Ok(sqlx::query_scalar(sql).bind(team).fetch_all(db).await?)
}

/// Puts somebody into a team, or changes their place in it.
///
/// # Errors
/// [`StoreError::ForeignKey`] when one of them is absent.
pub async fn set_member(
    db: &mut Db,
    team: &TeamRow,
    user: UserId,
    member: TeamMember,
    now: Millis,
) -> Result<(), StoreError> {
    if team.is_admin {
        let before = companies::membership(db, team.company_id, user).await?;
        let membership = MembershipRow {
            company_id: team.company_id,
            is_admin: true,
            is_owner: before.is_some_and(|before| before.is_owner),
        };
        return companies::set_member(db, user, membership, now).await;
    }
    let sql = "INSERT INTO team_members (team_id, user_id, security_group_id, role_id, created) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (team_id, user_id) DO UPDATE SET \
               security_group_id = excluded.security_group_id, role_id = excluded.role_id";
    sqlx::query(sql)
        .bind(team.id)
        .bind(user)
        .bind(member.security_group_id)
        .bind(member.role_id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes somebody out of a team. Out of the administration team, they stay in the company.
///
/// # Errors
/// When the database fails.
pub async fn remove_member(db: &mut Db, team: &TeamRow, user: UserId) -> Result<(), StoreError> {
    let sql = if team.is_admin {
        "UPDATE company_members SET is_admin = FALSE WHERE company_id = $1 AND user_id = $2"
    } else {
        "DELETE FROM team_members WHERE team_id = $1 AND user_id = $2"
    };
    sqlx::query(sql).bind(team.id).bind(user).execute(db).await?;
    Ok(())
}

/// Where a team has been let in: whole productions, and folders. What is deleted does not count.
///
/// # Errors
/// When the database fails.
pub async fn places(
    db: &mut Db,
    team: TeamId,
) -> Result<(Vec<GroupId>, Vec<ProjectId>), StoreError> {
    let sql = "SELECT n.id FROM production_teams x JOIN productions n ON n.id = x.production_id \
               WHERE x.team_id = $1 AND n.status <> 'DELETED' ORDER BY n.id";
    let groups = sqlx::query_scalar(sql).bind(team).fetch_all(&mut *db).await?;
    let sql = "SELECT p.id FROM project_teams x JOIN projects p ON p.id = x.project_id \
               WHERE x.team_id = $1 AND p.status <> 'DELETED' ORDER BY p.id";
    Ok((groups, sqlx::query_scalar(sql).bind(team).fetch_all(db).await?))
}

/// Lets a team into a whole production. Says whether it was not there before.
///
/// # Errors
/// [`StoreError::ForeignKey`] when one of them is absent.
pub async fn let_into_group(
    db: &mut Db,
    group: GroupId,
    team: TeamId,
    now: Millis,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO production_teams (production_id, team_id, created) VALUES ($1, $2, $3) \
               ON CONFLICT (production_id, team_id) DO NOTHING";
    let done = sqlx::query(sql).bind(group).bind(team).bind(now).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

/// Lets a team into a folder and all below it. Says whether it was not there before.
///
/// # Errors
/// [`StoreError::ForeignKey`] when one of them is absent.
pub async fn let_into_project(
    db: &mut Db,
    project: ProjectId,
    team: TeamId,
    now: Millis,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO project_teams (project_id, team_id, created) VALUES ($1, $2, $3) \
               ON CONFLICT (project_id, team_id) DO NOTHING";
    let done = sqlx::query(sql).bind(project).bind(team).bind(now).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

/// Takes a team off a whole production. Says whether it was there.
///
/// # Errors
/// When the database fails.
pub async fn take_off_group(db: &mut Db, group: GroupId, team: TeamId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM production_teams WHERE production_id = $1 AND team_id = $2";
    Ok(sqlx::query(sql).bind(group).bind(team).execute(db).await?.rows_affected() > 0)
}

/// Takes a team off a folder. Says whether it was let in just there.
///
/// # Errors
/// When the database fails.
pub async fn take_off_project(
    db: &mut Db,
    project: ProjectId,
    team: TeamId,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM project_teams WHERE project_id = $1 AND team_id = $2";
    Ok(sqlx::query(sql).bind(project).bind(team).execute(db).await?.rows_affected() > 0)
}

/// Whether a team has been let into all of a folder's production.
///
/// # Errors
/// When the database fails.
pub async fn in_production_of(
    db: &mut Db,
    project: ProjectId,
    team: TeamId,
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM production_teams x JOIN projects p \
               ON p.production_id = x.production_id WHERE p.id = $1 AND x.team_id = $2)";
    Ok(sqlx::query_scalar(sql).bind(project).bind(team).fetch_one(db).await?)
}

/// The role of a company with a name, made if absent.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the company is absent.
pub async fn role(db: &mut Db, company: CompanyId, name: &str) -> Result<RoleId, StoreError> {
    let sql = "INSERT INTO roles (id, company_id, name, name_key) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (company_id, name_key) DO NOTHING";
    sqlx::query(sql)
        .bind(RoleId::new())
        .bind(company)
        .bind(name.trim())
        .bind(name_key(name))
        .execute(&mut *db)
        .await?;
    let sql = "SELECT id FROM roles WHERE company_id = $1 AND name_key = $2";
    Ok(sqlx::query_scalar(sql).bind(company).bind(name_key(name)).fetch_one(db).await?)
}

/// Whether a company has a role.
///
/// # Errors
/// When the database fails.
pub async fn has_role(db: &mut Db, company: CompanyId, id: RoleId) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM roles WHERE company_id = $1 AND id = $2)";
    Ok(sqlx::query_scalar(sql).bind(company).bind(id).fetch_one(db).await?)
}
