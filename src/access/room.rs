//! What a caller may do with a room, and with what it shows.

use std::collections::HashMap;

use super::{Permission, Rights, unknown};
use crate::{
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, ProjectId, RoomId, UserId},
    rpc::{Caller, CallerKind},
    store::{
        self, Db,
        rooms::{RoomAsset, SeenRoom},
    },
};

impl SeenRoom {
    /// Whether the one who sees it created it.
    #[must_use]
    pub fn is_owner(&self, user: UserId) -> bool {
        self.row.owner_id == user
    }

    /// Whether they may change it: its owner, its hosts, and the administrators of its production.
    #[must_use]
    pub fn may_edit(&self) -> bool {
        self.is_host || self.is_admin
    }

    /// Refuses those who may not change the room.
    ///
    /// # Errors
    /// 403.
    pub fn need_edit(&self) -> ApiResult<()> {
        if self.may_edit() { Ok(()) } else { Err(ApiError::new(Code::ACCESS_DENIED)) }
    }

    /// Refuses those who may not delete the room: all but its owner and the administrators.
    ///
    /// # Errors
    /// 403.
    pub fn need_owner(&self, user: UserId) -> ApiResult<()> {
        let may = self.is_admin || self.is_owner(user);
        if may { Ok(()) } else { Err(ApiError::new(Code::ACCESS_DENIED)) }
    }

    /// Refuses those who have no seat, though they see the room.
    ///
    /// # Errors
    /// 673.
    pub fn need_seat(&self) -> ApiResult<()> {
        if self.is_seated { Ok(()) } else { Err(ApiError::new(Code::NOT_IN_ROOM)) }
    }
}

/// A room that the caller sees. To a guest there is none but their own.
///
/// # Errors
/// 672, whose HTTP status is 404.
pub async fn room(db: &mut Db, caller: &Caller, id: RoomId) -> ApiResult<SeenRoom> {
    if caller.is_guest_elsewhere(id) {
        return Err(ApiError::new(Code::ROOM_NOT_FOUND));
    }
    let found = store::rooms::seen(db, caller.user_id, id).await?;
    found.ok_or(ApiError::new(Code::ROOM_NOT_FOUND))
}

/// Who may show what in rooms: remembers the answers while one request asks them.
#[derive(Debug, Default)]
struct Showers(HashMap<(UserId, ProjectId), Rights>);

impl Showers {
    /// Whether the one who shows an asset in a room may do so.
    async fn may_show(&mut self, db: &mut Db, asset: &RoomAsset) -> ApiResult<bool> {
        if let Some(room) = asset.kept_for {
            // A shared screen is its room's, whatever anybody may do in the folder that keeps it.
            return Ok(room == asset.room_id);
        }
        let key = (asset.shown_by, asset.project_id);
        let rights = match self.0.get(&key) {
            Some(known) => *known,
            None => {
                let seen = store::projects::seen(db, asset.shown_by, asset.project_id).await?;
                let rights = seen.map(|seen| seen.rights()).unwrap_or_default();
                self.0.insert(key, rights);
                rights
            }
        };
        Ok(rights.sees(asset.hidden) && rights.may(Permission::ShareInReviewSession))
    }
}

/// What a room shows: the assets of its playlists that those may show whose playlists they are.
///
/// # Errors
/// When the database fails.
pub async fn shown_in_room(db: &mut Db, room: RoomId) -> ApiResult<Vec<RoomAsset>> {
    let mut showers = Showers::default();
    let mut shown = Vec::new();
    for asset in store::rooms::assets(db, room).await? {
        if showers.may_show(db, &asset).await? {
            shown.push(asset);
        }
    }
    Ok(shown)
}

/// What somebody may do with the assets of a room who is not in their folders: look, and talk.
#[must_use]
pub fn in_room() -> Rights {
    let permissions = [Permission::View, Permission::Comment].into_iter().collect();
    Rights { from_outside: true, ..Rights::new(false, permissions) }
}

/// Makes sure that the caller attends a room that shows an asset. This is how a guest gets at an
/// asset, and a user who is not in its folder. It goes for looking only.
///
/// # Errors
/// 404.
pub(super) async fn asset_through_room(
    db: &mut Db,
    caller: &Caller,
    asset: AssetId,
) -> ApiResult<()> {
    let room = match caller.kind {
        CallerKind::Guest { room } => Some(room),
        CallerKind::User => None,
    };
    let mut showers = Showers::default();
    for place in store::rooms::places_for(db, caller.user_id, room, asset).await? {
        if showers.may_show(db, &place).await? {
            return Ok(());
        }
    }
    Err(unknown())
}
