//! The states of rooms, as their journal writes and reads them.

use rushes_sessions::{State, hub::Stored};

use super::{
    super::{Db, Json, StoreError},
    hosts,
};
use crate::{ids::RoomId, store::text::RoomStatus, time::Millis};

/// A room as its state machine begins from it.
///
/// # Errors
/// When the database fails.
pub async fn load(db: &mut Db, id: RoomId) -> Result<Option<Stored>, StoreError> {
    let sql = "SELECT r.status, s.state FROM rooms r LEFT JOIN room_states s ON s.room_id = r.id \
               WHERE r.id = $1";
    let row: Option<(RoomStatus, Option<Json<State>>)> =
        sqlx::query_as(sql).bind(id).fetch_optional(&mut *db).await?;
    let Some((status, state)) = row else { return Ok(None) };
    let hosts = hosts(db, id).await?;
    Ok(Some(Stored {
        state: state.map(|state| state.0),
        phase: status.phase(),
        hosts: hosts.into_iter().map(Into::into).collect(),
    }))
}

/// Writes the states of several rooms. One that was deleted meanwhile has no row, and is left out.
///
/// # Errors
/// When the database fails.
pub async fn commit_states(
    db: &mut Db,
    batch: &[(RoomId, State)],
    now: Millis,
) -> Result<(), StoreError> {
    for (room, state) in batch {
        sqlx::query("UPDATE room_states SET state = $2, modified = $3 WHERE room_id = $1")
            .bind(*room)
            .bind(Json(state))
            .bind(now)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}
