//! The people of folders, productions and companies, whatever made them that.

use std::collections::HashMap;

use sqlx::FromRow;

use super::{
    Db, Json, StoreError,
    types::id_list,
    users::{UserRow, normal_email, select_user},
};
use crate::{
    access::{PermissionSet, Rights},
    ids::{CompanyId, GroupId, ProjectId, TeamId, UserId},
    time::Millis,
};

/// What lets somebody into a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The team; none for a membership of their own.
    pub team: Option<(TeamId, String)>,
    /// Their security group.
    pub security_group_id: i64,
    /// Folders between the one asked about and the one that this is in: 0 is the folder itself.
    /// None for the whole production.
    pub above: Option<i64>,
}

/// Somebody who is in a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Participant {
    /// The person.
    pub user: UserRow,
    /// What they may do by all that lets them in. What they are to the company does not count.
    pub rights: Rights,
    /// The security group of their own membership, if they have one.
    pub security_group_id: Option<i64>,
    /// What they are called there.
    pub project_role: Option<String>,
    /// All that lets them in.
    pub grants: Vec<Grant>,
}

#[derive(FromRow)]
struct Found {
    #[sqlx(flatten)]
    user: UserRow,
    security_group_id: i64,
    project_role: Option<String>,
    depth: i64,
    team_id: Option<TeamId>,
    team_name: Option<String>,
    is_admin: bool,
    permissions: Json<PermissionSet>,
}

/// Stands for the whole production where folders count upwards.
const PRODUCTION: i64 = 1000;

// Who may enter the folder $1 by what, by name; `$who` narrows each way of entering. `depth` counts
// upwards: of each person's own memberships the nearest counts.
macro_rules! select_people {
    ($who:literal) => {
        select_user!(
            ", f.security_group_id, f.project_role, f.depth, f.team_id, t.name AS team_name, \
             sg.is_admin, sg.permissions",
            concat!(
                "JOIN (WITH RECURSIVE above(id, parent, depth) AS ( ",
                "SELECT id, parent_project_id, 0 FROM projects WHERE id = $1 ",
                "UNION SELECT p.id, p.parent_project_id, a.depth + 1 ",
                "FROM projects p JOIN above a ON p.id = a.parent WHERE a.depth < 100), ",
                "own(user_id, security_group_id, project_role, depth) AS ( ",
                "SELECT m.user_id, m.security_group_id, m.project_role, a.depth ",
                "FROM project_members m JOIN above a ON a.id = m.project_id ",
                $who,
                " UNION ALL SELECT m.user_id, m.security_group_id, m.project_role, 1000 ",
                "FROM production_members m JOIN projects p ON p.production_id = m.production_id ",
                "AND p.id = $1 ",
                $who,
                ") SELECT o.user_id, o.security_group_id, o.project_role, o.depth, ",
                "NULL AS team_id FROM own o WHERE NOT EXISTS ",
                "(SELECT 1 FROM own n WHERE n.user_id = o.user_id AND n.depth < o.depth) ",
                "UNION ALL SELECT m.user_id, m.security_group_id, NULL, a.depth, m.team_id ",
                "FROM above a JOIN project_teams x ON x.project_id = a.id ",
                "JOIN team_people m ON m.team_id = x.team_id ",
                $who,
                " UNION ALL SELECT m.user_id, m.security_group_id, NULL, 1000, m.team_id ",
                "FROM projects p JOIN production_teams x ON x.production_id = p.production_id ",
                "AND p.id = $1 JOIN team_people m ON m.team_id = x.team_id ",
                $who,
                ") f ON f.user_id = u.id JOIN security_groups sg ON sg.id = f.security_group_id ",
                "LEFT JOIN teams t ON t.id = f.team_id WHERE u.account_status <> 'DELETED' ",
                "ORDER BY LOWER(u.last_name), LOWER(u.first_name), u.id, f.depth, ",
                "CASE WHEN f.team_id IS NULL THEN 0 ELSE 1 END, f.team_id"
            )
        )
    };
}

/// Everybody who may enter a folder by what they are in it, above it or in its production, by
/// name. The administrators of the company are not among them unless they are there as well.
///
/// # Errors
/// When the database fails.
pub async fn of_project(db: &mut Db, project: ProjectId) -> Result<Vec<Participant>, StoreError> {
    let rows: Vec<Found> = sqlx::query_as(select_people!("")).bind(project).fetch_all(db).await?;
    Ok(gather(rows))
}

/// One of those whom [`of_project`] lists, without asking about all the others.
///
/// # Errors
/// When the database fails.
pub async fn one_of_project(
    db: &mut Db,
    project: ProjectId,
    user: UserId,
) -> Result<Option<Participant>, StoreError> {
    let query = sqlx::query_as(select_people!("AND m.user_id = $2")).bind(project).bind(user);
    let rows: Vec<Found> = query.fetch_all(db).await?;
    Ok(gather(rows).pop())
}

/// Puts together what lets each person in.
fn gather(rows: Vec<Found>) -> Vec<Participant> {
    let mut all: Vec<Participant> = Vec::new();
    let mut at: HashMap<UserId, usize> = HashMap::new();
    for row in rows {
        let rights = Rights::new(row.is_admin, row.permissions.0);
        let index = *at.entry(row.user.id).or_insert_with(|| {
            all.push(Participant {
                user: row.user,
                rights: Rights::default(),
                security_group_id: None,
                project_role: None,
                grants: Vec::new(),
            });
            all.len() - 1
        });
        let person = &mut all[index];
        person.rights = person.rights.union(rights);
        if row.team_id.is_none() {
            person.security_group_id = Some(row.security_group_id);
            person.project_role = row.project_role;
        }
        person.grants.push(Grant {
            team: row.team_id.zip(row.team_name),
            security_group_id: row.security_group_id,
            above: (row.depth < PRODUCTION).then_some(row.depth),
        });
    }
    all
}

/// Everybody who is in a production or one of its folders, and its owner, by name.
///
/// # Errors
/// When the database fails.
pub async fn of_group(db: &mut Db, group: GroupId) -> Result<Vec<UserRow>, StoreError> {
    let sql = select_user!(
        "",
        "WHERE u.account_status <> 'DELETED' AND (u.id IN ( \
           SELECT m.user_id FROM project_members m JOIN projects p ON p.id = m.project_id \
             WHERE p.production_id = $1 AND p.status <> 'DELETED' \
           UNION SELECT m.user_id FROM production_members m WHERE m.production_id = $1 \
           UNION SELECT m.user_id FROM production_teams x \
             JOIN team_people m ON m.team_id = x.team_id WHERE x.production_id = $1 \
           UNION SELECT m.user_id FROM project_teams x JOIN projects p ON p.id = x.project_id \
             JOIN team_people m ON m.team_id = x.team_id \
             WHERE p.production_id = $1 AND p.status <> 'DELETED') \
         OR u.id = (SELECT owner_id FROM productions WHERE id = $1)) \
         ORDER BY LOWER(u.last_name), LOWER(u.first_name), u.id"
    );
    Ok(sqlx::query_as(sql).bind(group).fetch_all(db).await?)
}

/// Which people of a company to list.
#[derive(Debug, Clone, Default)]
pub struct PeopleFilter<'a> {
    /// Those whose name or address has this in it.
    pub search: &'a str,
    /// Those of one production.
    pub group: Option<GroupId>,
    /// The newest first, and not by name.
    pub by_date: bool,
    /// The other way round.
    pub descending: bool,
    /// So many at most.
    pub limit: Option<i64>,
}

/// Everybody who has any part in a company.
///
/// # Errors
/// When the database fails.
pub async fn of_company(
    db: &mut Db,
    company: CompanyId,
    filter: &PeopleFilter<'_>,
) -> Result<Vec<UserRow>, StoreError> {
    macro_rules! sql {
        ($order:literal) => {
            select_user!(
                "",
                concat!(
                    "WHERE u.account_status <> 'DELETED' AND u.is_guest = FALSE AND u.id IN ( ",
                    "SELECT user_id FROM company_people WHERE company_id = $1) ",
                    "AND (LOWER(u.first_name || ' ' || u.last_name) LIKE $2 ESCAPE '\\' ",
                    "OR u.email LIKE $2 ESCAPE '\\') ",
                    "AND (CAST($3 AS TEXT) IS NULL OR u.id IN ( ",
                    "SELECT m.user_id FROM project_members m JOIN projects p ON p.id = m.project_id ",
                    "WHERE p.production_id = $3 AND p.status <> 'DELETED' ",
                    "UNION SELECT user_id FROM production_members WHERE production_id = $3 ",
                    "UNION SELECT m.user_id FROM production_teams x ",
                    "JOIN team_people m ON m.team_id = x.team_id WHERE x.production_id = $3 ",
                    "UNION SELECT m.user_id FROM project_teams x ",
                    "JOIN projects p ON p.id = x.project_id ",
                    "JOIN team_people m ON m.team_id = x.team_id ",
                    "WHERE p.production_id = $3 AND p.status <> 'DELETED')) ORDER BY ",
                    $order,
                    " LIMIT $4"
                )
            )
        };
    }
    let sql = match (filter.by_date, filter.descending) {
        (false, false) => sql!("LOWER(u.last_name), LOWER(u.first_name), u.id"),
        (false, true) => sql!("LOWER(u.last_name) DESC, LOWER(u.first_name) DESC, u.id DESC"),
        (true, false) => sql!("u.created, u.id"),
        (true, true) => sql!("u.created DESC, u.id DESC"),
    };
    let query = sqlx::query_as(sql).bind(company).bind(pattern(filter.search)).bind(filter.group);
    Ok(query.bind(filter.limit.unwrap_or(i64::MAX)).fetch_all(db).await?)
}

/// The guests of the rooms of a company, or of one of its productions, by name.
///
/// # Errors
/// When the database fails.
pub async fn guests(
    db: &mut Db,
    company: CompanyId,
    group: Option<GroupId>,
) -> Result<Vec<UserRow>, StoreError> {
    let sql = select_user!(
        "",
        "WHERE u.is_guest AND u.account_status <> 'DELETED' AND u.id IN ( \
         SELECT s.user_id FROM room_users s JOIN rooms r ON r.id = s.room_id \
         JOIN productions n ON n.id = r.production_id WHERE n.company_id = $1 \
         AND (CAST($2 AS TEXT) IS NULL OR n.id = $2)) \
         ORDER BY LOWER(u.last_name), LOWER(u.first_name), u.id"
    );
    Ok(sqlx::query_as(sql).bind(company).bind(group).fetch_all(db).await?)
}

/// What a text is looked for with: as it is, in any casing, anywhere.
pub(super) fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for letter in search.trim().to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// How many people have a part in a company, and whether one of them has this address.
///
/// # Errors
/// When the database fails.
pub async fn count(
    db: &mut Db,
    company: CompanyId,
    email: &str,
) -> Result<(i64, bool), StoreError> {
    let sql = "SELECT COUNT(*), COUNT(CASE WHEN u.email = $2 THEN 1 END) FROM company_people x \
               JOIN users u ON u.id = x.user_id \
               WHERE x.company_id = $1 AND u.account_status <> 'DELETED' AND u.is_guest = FALSE";
    let query = sqlx::query_as(sql).bind(company).bind(normal_email(email));
    let (people, found): (i64, i64) = query.fetch_one(db).await?;
    Ok((people, found > 0))
}

/// What somebody is in a company: the folders and productions that they are a member of
/// themselves, and the teams that they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Folders.
    pub projects: Vec<ProjectId>,
    /// Productions.
    pub groups: Vec<GroupId>,
    /// Teams, the administration team not among them.
    pub teams: Vec<TeamId>,
}

/// What somebody is in a company, or in one of its productions only.
///
/// # Errors
/// When the database fails.
pub async fn parts(
    db: &mut Db,
    company: CompanyId,
    group: Option<GroupId>,
    user: UserId,
) -> Result<Parts, StoreError> {
    let sql = "SELECT p.id FROM project_members m JOIN projects p ON p.id = m.project_id \
               JOIN productions n ON n.id = p.production_id WHERE m.user_id = $3 \
               AND n.company_id = $1 AND (CAST($2 AS TEXT) IS NULL OR n.id = $2) \
               AND p.status <> 'DELETED' AND n.status <> 'DELETED' ORDER BY p.id";
    let projects =
        sqlx::query_scalar(sql).bind(company).bind(group).bind(user).fetch_all(&mut *db).await?;
    let sql = "SELECT n.id FROM production_members m JOIN productions n ON n.id = m.production_id \
               WHERE m.user_id = $3 AND n.company_id = $1 \
               AND (CAST($2 AS TEXT) IS NULL OR n.id = $2) AND n.status <> 'DELETED' ORDER BY n.id";
    let groups =
        sqlx::query_scalar(sql).bind(company).bind(group).bind(user).fetch_all(&mut *db).await?;
    // Of the teams, those that belong to the production, or have been let into it or its folders.
    let sql = "SELECT t.id FROM team_members m JOIN teams t ON t.id = m.team_id \
               WHERE m.user_id = $3 AND t.company_id = $1 AND (CAST($2 AS TEXT) IS NULL \
               OR t.production_id = $2 \
               OR t.id IN (SELECT team_id FROM production_teams WHERE production_id = $2) \
               OR t.id IN (SELECT x.team_id FROM project_teams x JOIN projects p \
               ON p.id = x.project_id WHERE p.production_id = $2 AND p.status <> 'DELETED')) \
               ORDER BY t.id";
    let teams = sqlx::query_scalar(sql).bind(company).bind(group).bind(user).fetch_all(db).await?;
    Ok(Parts { projects, groups, teams })
}

/// Ends what somebody is in these.
///
/// # Errors
/// When the database fails.
pub async fn end_parts(db: &mut Db, user: UserId, parts: &Parts) -> Result<(), StoreError> {
    for (sql, ids) in [
        (
            "DELETE FROM project_members WHERE user_id = $1 AND $2 LIKE '%' || project_id || '%'",
            id_list(&parts.projects),
        ),
        (
            "DELETE FROM production_members WHERE user_id = $1 \
             AND $2 LIKE '%' || production_id || '%'",
            id_list(&parts.groups),
        ),
        (
            "DELETE FROM team_members WHERE user_id = $1 AND $2 LIKE '%' || team_id || '%'",
            id_list(&parts.teams),
        ),
    ] {
        sqlx::query(sql).bind(user).bind(ids).execute(&mut *db).await?;
    }
    Ok(())
}

/// A person's own membership, of a folder or of a whole production.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRow {
    /// Their security group.
    pub security_group_id: i64,
    /// What they are called there.
    pub project_role: Option<String>,
}

/// Defines what is the same for the members of folders and of productions.
macro_rules! memberships {
    ($place:literal, $set:ident, $is:ident, $id:ty, $table:literal, $column:literal) => {
        #[doc = concat!("Makes a person a member of a ", $place, ", or changes their membership.")]
        ///
        /// # Errors
        /// [`StoreError::ForeignKey`] when the place, person or security group is absent.
        pub async fn $set(
            db: &mut Db,
            place: $id,
            user: UserId,
            member: &MemberRow,
            now: Millis,
        ) -> Result<(), StoreError> {
            let sql = concat!(
                "INSERT INTO ",
                $table,
                " (",
                $column,
                ", user_id, security_group_id, ",
                "project_role, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (",
                $column,
                ", user_id) DO UPDATE SET security_group_id = excluded.security_group_id, ",
                "project_role = excluded.project_role"
            );
            sqlx::query(sql)
                .bind(place)
                .bind(user)
                .bind(member.security_group_id)
                .bind(&member.project_role)
                .bind(now)
                .execute(db)
                .await?;
            Ok(())
        }

        #[doc = concat!("Whether a person is a member of just this ", $place, " themselves.")]
        ///
        /// # Errors
        /// When the database fails.
        pub async fn $is(db: &mut Db, place: $id, user: UserId) -> Result<bool, StoreError> {
            let sql = concat!(
                "SELECT EXISTS (SELECT 1 FROM ",
                $table,
                " WHERE ",
                $column,
                " = $1 AND user_id = $2)"
            );
            Ok(sqlx::query_scalar(sql).bind(place).bind(user).fetch_one(db).await?)
        }
    };
}

memberships!(
    "folder",
    set_project_member,
    is_project_member,
    ProjectId,
    "project_members",
    "project_id"
);
memberships!(
    "whole production",
    set_group_member,
    is_group_member,
    GroupId,
    "production_members",
    "production_id"
);

/// Ends a person's own memberships of a folder and of all below it.
///
/// # Errors
/// When the database fails.
pub async fn leave_project(
    db: &mut Db,
    project: ProjectId,
    user: UserId,
) -> Result<(), StoreError> {
    let sql = "WITH RECURSIVE below(id) AS (SELECT $1 UNION SELECT p.id FROM projects p \
               JOIN below b ON p.parent_project_id = b.id) \
               DELETE FROM project_members WHERE user_id = $2 \
               AND project_id IN (SELECT id FROM below)";
    sqlx::query(sql).bind(project).bind(user).execute(db).await?;
    Ok(())
}

/// Whether somebody is a member of a folder above this one, or of its production.
///
/// # Errors
/// When the database fails.
pub async fn memberships_above(
    db: &mut Db,
    project: ProjectId,
    user: UserId,
) -> Result<bool, StoreError> {
    let sql = "WITH RECURSIVE above(id, parent) AS ( \
               SELECT p.id, p.parent_project_id FROM projects p JOIN projects c \
               ON c.parent_project_id = p.id WHERE c.id = $1 \
               UNION SELECT p.id, p.parent_project_id FROM projects p JOIN above a ON p.id = a.parent) \
               SELECT EXISTS (SELECT 1 FROM project_members m JOIN above a ON a.id = m.project_id \
               WHERE m.user_id = $2) OR EXISTS (SELECT 1 FROM production_members m \
               JOIN projects p ON p.production_id = m.production_id \
               WHERE p.id = $1 AND m.user_id = $2)";
    Ok(sqlx::query_scalar(sql).bind(project).bind(user).fetch_one(db).await?)
}

/// The teams of somebody that were let into a folder or any below it.
///
/// # Errors
/// When the database fails.
pub async fn teams_below(
    db: &mut Db,
    project: ProjectId,
    user: UserId,
) -> Result<Vec<TeamId>, StoreError> {
    let sql = "WITH RECURSIVE below(id) AS (SELECT $1 UNION SELECT p.id FROM projects p \
               JOIN below b ON p.parent_project_id = b.id WHERE p.status <> 'DELETED') \
               SELECT DISTINCT m.team_id FROM below b JOIN project_teams x ON x.project_id = b.id \
               JOIN team_people m ON m.team_id = x.team_id AND m.user_id = $2";
    Ok(sqlx::query_scalar(sql).bind(project).bind(user).fetch_all(db).await?)
}
