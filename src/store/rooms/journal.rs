//! The states of rooms, as their journal writes and reads them.

use rushes_sessions::{DrawingChange, State, hub::Stored};
use rushes_signaling::{chat::ChatBody, log::LogLine};

use super::{
    super::{Db, Json, StoreError},
    chat, hosts, strokes,
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
    let said = chat::known(db, id).await?;
    let hosts = hosts(db, id).await?;
    Ok(Some(Stored {
        state: state.map(|state| state.0),
        phase: status.phase(),
        hosts: hosts.into_iter().map(Into::into).collect(),
        said,
        strokes: strokes::list(db, id).await?,
    }))
}

/// What is kept of a room.
#[derive(Debug)]
pub struct Kept {
    /// The room.
    pub room: RoomId,
    /// Its state.
    pub state: State,
    /// The lines that are added to its log.
    pub log: Vec<LogLine>,
    /// The messages that are added to its chat.
    pub chat: Vec<ChatBody>,
    /// What became of its drawing.
    pub drawing: Vec<DrawingChange>,
}

/// Writes the states of several rooms, and what happened in them. One that was deleted meanwhile
/// has no row, and is left out.
///
/// # Errors
/// When the database fails.
pub async fn commit_states(db: &mut Db, batch: &[Kept], now: Millis) -> Result<(), StoreError> {
    for Kept { room, state, log, chat: said, drawing } in batch {
        sqlx::query("UPDATE room_states SET state = $2, modified = $3 WHERE room_id = $1")
            .bind(*room)
            .bind(Json(state))
            .bind(now)
            .execute(&mut *db)
            .await?;
        for line in log {
            sqlx::query(
                "INSERT INTO room_log (room_id, seq, entry) SELECT r.id, \
                 (SELECT COALESCE(MAX(l.seq), 0) + 1 FROM room_log l WHERE l.room_id = r.id), $2 \
                 FROM rooms r WHERE r.id = $1",
            )
            .bind(*room)
            .bind(Json(line))
            .execute(&mut *db)
            .await?;
        }
        for message in said {
            chat::insert(db, *room, message).await?;
        }
        for change in drawing {
            strokes::change(db, *room, change).await?;
        }
    }
    Ok(())
}

/// The number of the last line of a room's log; 0 where there is none. Lines are numbered from 1,
/// without a gap.
///
/// # Errors
/// When the database fails.
pub async fn last_line(db: &mut Db, room: RoomId) -> Result<i64, StoreError> {
    let sql = "SELECT COALESCE(MAX(seq), 0) FROM room_log WHERE room_id = $1";
    Ok(sqlx::query_scalar(sql).bind(room).fetch_one(db).await?)
}

/// The lines of a room's log after a number, with their numbers, at most `most`.
///
/// # Errors
/// When the database fails.
pub async fn log(
    db: &mut Db,
    room: RoomId,
    after: i64,
    most: i64,
) -> Result<Vec<(i64, LogLine)>, StoreError> {
    let sql = "SELECT seq, entry FROM room_log WHERE room_id = $1 AND seq > $2 \
               ORDER BY seq LIMIT $3";
    let rows: Vec<(i64, Json<LogLine>)> =
        sqlx::query_as(sql).bind(room).bind(after).bind(most).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(seq, line)| (seq, line.0)).collect())
}
