//! The one place that says what a caller may do.
//!
//! An administrator of a company may do everything in it; so may the owner of a production in that
//! production, for as long as they belong to the company. Everybody else may do in a folder what
//! these allow together:
//!
//! - their own membership that is nearest: in the folder, else in the folders above, else in the
//!   whole production;
//! - every team they are in that was let into the folder, into one above, or into the production,
//!   each with the security group that they have in the team.
//!
//! A production that is suspended, or outside its days, is closed to all but the administrators of
//! the company and the owner. A guest belongs nowhere, and gets at a room's assets through the room
//! alone. [`crate::store::projects`] has this in SQL, once for one folder and once for many.
//!
//! What a caller may not know of answers 404, exactly like what does not exist; what they may know
//! of and not do answers 800.

mod people;
mod permission;
mod room;

pub use people::{
    TeamAccess, grant_oneself, let_into_project, let_into_team, may_grant, security_group, team,
};
pub use permission::{Permission, PermissionSet};
pub use room::{in_room, room, shown_in_room};

use crate::{
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, BatchId, CompanyId, GroupId, PlaylistId, ProjectId},
    rpc::Caller,
    store::{
        self, Db,
        assets::FoundAsset,
        batches::BatchRow,
        companies::{CompanyRow, MembershipRow},
        groups::SeenGroup,
        playlists::PlaylistRow,
        projects::{ProjectFilter, SeenProject},
    },
};

/// The answer to whatever the caller may not know of.
fn unknown() -> ApiError {
    ApiError::new(Code::NOT_FOUND)
}

/// The answer to whatever the caller may know of and not do.
fn denied() -> ApiError {
    ApiError::new(Code::PERMISSION_DENIED)
}

/// A company and what the caller is to it.
#[derive(Debug, Clone)]
pub struct CompanyAccess {
    /// The company.
    pub row: CompanyRow,
    /// The caller's place in it.
    pub membership: MembershipRow,
}

impl CompanyAccess {
    /// Refuses everybody but the company's administrators.
    ///
    /// # Errors
    /// 800.
    pub fn admin(self) -> ApiResult<Self> {
        if self.membership.is_admin { Ok(self) } else { Err(denied()) }
    }
}

/// A company that the caller belongs to.
///
/// # Errors
/// 404.
pub async fn company(db: &mut Db, caller: &Caller, id: CompanyId) -> ApiResult<CompanyAccess> {
    let membership = store::companies::membership(db, id, caller.user_id).await?;
    let membership = membership.ok_or_else(unknown)?;
    let row = store::companies::get(db, id).await?.ok_or_else(unknown)?;
    Ok(CompanyAccess { row, membership })
}

/// Whether the caller runs the server.
///
/// # Errors
/// When the database fails.
pub async fn is_sysop(db: &mut Db, caller: &Caller) -> ApiResult<bool> {
    Ok(store::users::get(db, caller.user_id).await?.is_some_and(|user| user.sysop))
}

/// Refuses those who do not run the server.
///
/// # Errors
/// 800.
pub async fn sysop(db: &mut Db, caller: &Caller) -> ApiResult<()> {
    if is_sysop(db, caller).await? { Ok(()) } else { Err(denied()) }
}

/// A company, for those who run the server.
///
/// # Errors
/// 404 when there is none that they may know of, 800 when they belong to it and no more.
pub async fn company_run(db: &mut Db, caller: &Caller, id: CompanyId) -> ApiResult<CompanyRow> {
    if is_sysop(db, caller).await? {
        return store::companies::get(db, id).await?.ok_or_else(unknown);
    }
    company_part(db, caller, id).await?;
    Err(denied())
}

/// A company, for its administrators and those who run the server.
///
/// # Errors
/// 404 when there is none that they may know of, 800 when they belong to it and no more.
pub async fn company_overseen(
    db: &mut Db,
    caller: &Caller,
    id: CompanyId,
) -> ApiResult<CompanyRow> {
    match company(db, caller, id).await {
        Ok(access) if access.membership.is_admin => Ok(access.row),
        Err(error) if error.code() != Code::NOT_FOUND => Err(error),
        _ => company_run(db, caller, id).await,
    }
}

/// Makes sure that the caller has any part in a company.
///
/// # Errors
/// 404.
pub async fn company_part(db: &mut Db, caller: &Caller, id: CompanyId) -> ApiResult<()> {
    let found = store::companies::has_part(db, id, caller.user_id).await?;
    if found { Ok(()) } else { Err(unknown()) }
}

/// What a caller may do in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// Whether they may do everything.
    pub is_admin: bool,
    permissions: PermissionSet,
    from_outside: bool,
}

impl Rights {
    /// The rights of an administrator, or of the members of a security group.
    #[must_use]
    pub fn new(is_admin: bool, permissions: PermissionSet) -> Self {
        Self { is_admin, permissions, from_outside: false }
    }

    /// The rights of the members of a security group.
    #[must_use]
    pub fn of(group: &store::security::SecurityGroupRow) -> Self {
        Self::new(group.is_admin, group.permissions.0)
    }

    /// Whether they have no access to the folder itself.
    #[must_use]
    pub fn from_outside(self) -> bool {
        self.from_outside
    }

    /// Whether they may do this.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.is_admin || self.permissions.contains(permission)
    }

    /// What either of them allows.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            is_admin: self.is_admin || other.is_admin,
            permissions: self.permissions.union(other.permissions),
            from_outside: self.from_outside && other.from_outside,
        }
    }

    /// Whether these rights go at least as far as others.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self.is_admin || (!other.is_admin && other.permissions.iter().all(|p| self.may(p)))
    }

    /// Refuses those who may not do this.
    ///
    /// # Errors
    /// 800.
    pub fn need(self, permission: Permission) -> ApiResult<()> {
        if self.may(permission) { Ok(()) } else { Err(denied()) }
    }

    /// Whether what hides or shows itself with a batch is there for them.
    #[must_use]
    fn sees(self, hidden: bool) -> bool {
        self.may(Permission::View) && (!hidden || self.may(Permission::ViewHiddenBatches))
    }
}

impl SeenProject {
    /// What the one who sees the folder may do in it.
    #[must_use]
    pub fn rights(&self) -> Rights {
        let permissions = self.permissions.map(|permissions| permissions.0).unwrap_or_default();
        Rights::new(self.is_admin, permissions)
    }
}

impl SeenGroup {
    /// Whether the one who sees the production may do everything in it.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.is_company_admin || self.is_owner() || self.is_member_admin
    }

    /// What they may do in all of its folders.
    #[must_use]
    pub fn rights(&self) -> Rights {
        Rights::new(self.is_admin(), self.permissions)
    }

    /// Whether they created it, and still belong to its company.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.is_company_member && self.row.owner_id == self.seen_by
    }

    /// Refuses those who may not change the production.
    ///
    /// # Errors
    /// 471.
    pub fn need_admin(&self) -> ApiResult<()> {
        if self.is_admin() { Ok(()) } else { Err(ApiError::new(Code::CANNOT_UPDATE_GROUP)) }
    }
}

/// A production that the caller sees.
///
/// # Errors
/// 404.
pub async fn group(db: &mut Db, caller: &Caller, id: GroupId) -> ApiResult<SeenGroup> {
    store::groups::seen(db, caller.user_id, id).await?.ok_or_else(unknown)
}

/// A folder that the caller sees.
///
/// # Errors
/// 404.
pub async fn project(db: &mut Db, caller: &Caller, id: ProjectId) -> ApiResult<SeenProject> {
    store::projects::seen(db, caller.user_id, id).await?.ok_or_else(unknown)
}

/// A folder in which the caller may do this.
///
/// # Errors
/// 404 when they do not see it, 800 when they may not do it.
pub async fn project_for(
    db: &mut Db,
    caller: &Caller,
    id: ProjectId,
    permission: Permission,
) -> ApiResult<SeenProject> {
    let found = project(db, caller, id).await?;
    found.rights().need(permission)?;
    Ok(found)
}

/// A batch that the caller sees, with what they may do in its folder.
///
/// # Errors
/// 404.
pub async fn batch(db: &mut Db, caller: &Caller, id: BatchId) -> ApiResult<(BatchRow, Rights)> {
    let row = store::batches::get(db, id).await?.ok_or_else(unknown)?;
    let rights = project(db, caller, row.project_id).await?.rights();
    if batch_shows(&row, rights) { Ok((row, rights)) } else { Err(unknown()) }
}

/// Whether a batch is there for one with these rights in its folder.
#[must_use]
pub fn batch_shows(batch: &BatchRow, rights: Rights) -> bool {
    rights.sees(batch.hidden)
}

/// An asset that the caller sees, with what they may do in its folder; looking only, if they see
/// it in a room and not in its folder.
///
/// # Errors
/// 404.
pub async fn asset(db: &mut Db, caller: &Caller, id: AssetId) -> ApiResult<(FoundAsset, Rights)> {
    let found = store::assets::get(db, id).await?.ok_or_else(unknown)?;
    asset_found(db, caller, found).await
}

/// The asset that the caller sees under an id, or under the uuid that a client chose.
///
/// # Errors
/// 404.
pub async fn asset_by_name(
    db: &mut Db,
    caller: &Caller,
    name: &str,
) -> ApiResult<(FoundAsset, Rights)> {
    if let Ok(id) = name.parse() {
        match asset(db, caller, id).await {
            Err(error) if error.code() == Code::NOT_FOUND => {}
            result => return result,
        }
    }
    // A uuid is unique in its folder only: of several, the first counts that the caller sees.
    for found in store::assets::by_uuid(db, name).await? {
        match asset_found(db, caller, found).await {
            Err(error) if error.code() == Code::NOT_FOUND => {}
            result => return result,
        }
    }
    Err(unknown())
}

async fn asset_found(
    db: &mut Db,
    caller: &Caller,
    found: FoundAsset,
) -> ApiResult<(FoundAsset, Rights)> {
    let folder = store::projects::seen(db, caller.user_id, found.row.project_id).await?;
    if let Some(rights) = folder.map(|folder| folder.rights()).filter(|r| asset_shows(&found, *r)) {
        return Ok((found, rights));
    }
    room::asset_through_room(db, caller, found.row.id).await?;
    Ok((found, in_room()))
}

/// Whether an asset is there for one with these rights in its folder. A screen that is shared in a
/// room is there for administrators alone.
#[must_use]
pub fn asset_shows(asset: &FoundAsset, rights: Rights) -> bool {
    shows(asset.row.hidden || asset.batch_hidden, asset.row.room_id.is_some(), rights)
}

/// The same of an asset that is hidden, or in a hidden batch, or a screen that is shared in a room.
#[must_use]
pub fn shows(hidden: bool, of_room: bool, rights: Rights) -> bool {
    (!of_room || rights.is_admin) && rights.sees(hidden)
}

/// A production in which the caller may create rooms: its administrators may, and those who may
/// show the assets of one of its folders.
///
/// # Errors
/// 404 when they do not see it, 800 when they may not.
pub async fn group_for_rooms(db: &mut Db, caller: &Caller, id: GroupId) -> ApiResult<SeenGroup> {
    let group = group(db, caller, id).await?;
    let filter = ProjectFilter { group: Some(id), ..ProjectFilter::default() };
    let folders = store::projects::list_seen(db, caller.user_id, filter).await?;
    let shows = |folder: &SeenProject| folder.rights().may(Permission::ShareInReviewSession);
    let may = group.rights().may(Permission::ShareInReviewSession);
    if may || folders.iter().any(shows) { Ok(group) } else { Err(denied()) }
}

/// A playlist of the caller's own, or that of a room that they may change.
///
/// # Errors
/// 404.
pub async fn playlist(db: &mut Db, caller: &Caller, id: PlaylistId) -> ApiResult<PlaylistRow> {
    let row = store::playlists::get(db, id).await?.ok_or_else(unknown)?;
    if row.owner_id == caller.user_id {
        return Ok(row);
    }
    let room = store::rooms::with_own_playlist(db, id).await?.ok_or_else(unknown)?;
    let seen = store::rooms::seen(db, caller.user_id, room).await?;
    seen.filter(|room| room.may_edit()).map(|_| row).ok_or_else(unknown)
}
