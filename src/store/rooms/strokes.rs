//! What is drawn in rooms.

use rushes_sessions::{DrawingChange, Stroke};

use super::super::{Db, Json, StoreError};
use crate::ids::RoomId;

/// All that is drawn in a room, in order.
///
/// # Errors
/// When the database fails.
pub(super) async fn list(db: &mut Db, room: RoomId) -> Result<Vec<Stroke>, StoreError> {
    let sql = "SELECT stroke, kept FROM room_strokes WHERE room_id = $1 ORDER BY seq, stroke_id";
    let rows: Vec<(Json<Stroke>, bool)> = sqlx::query_as(sql).bind(room).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(stroke, kept)| Stroke { kept, ..stroke.0 }).collect())
}

/// Writes what became of a room's drawing. A room that was deleted meanwhile is left out.
///
/// # Errors
/// When the database fails.
pub(super) async fn change(
    db: &mut Db,
    room: RoomId,
    change: &DrawingChange,
) -> Result<(), StoreError> {
    match change {
        DrawingChange::Put(stroke) => {
            let sql = "INSERT INTO room_strokes (room_id, stroke_id, seq, stroke) SELECT r.id, $2, \
                       (SELECT COALESCE(MAX(s.seq), 0) + 1 FROM room_strokes s \
                       WHERE s.room_id = r.id), $3 FROM rooms r WHERE r.id = $1";
            let bound = sqlx::query(sql).bind(room).bind(&stroke.id).bind(Json(stroke));
            bound.execute(db).await?;
        }
        DrawingChange::Erased(ids) => {
            for id in ids {
                let sql = "DELETE FROM room_strokes WHERE room_id = $1 AND stroke_id = $2";
                sqlx::query(sql).bind(room).bind(id).execute(&mut *db).await?;
            }
        }
        DrawingChange::Kept(ids) => {
            for id in ids {
                let sql =
                    "UPDATE room_strokes SET kept = TRUE WHERE room_id = $1 AND stroke_id = $2";
                sqlx::query(sql).bind(room).bind(id).execute(&mut *db).await?;
            }
        }
    }
    Ok(())
}
