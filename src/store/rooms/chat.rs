//! What was said in rooms.

use rushes_sessions::{MESSAGES_KNOWN, Said};
use rushes_signaling::chat::ChatBody;
use sqlx::FromRow;

use super::super::{Db, StoreError};
use crate::{
    ids::{RoomId, UserId},
    time::Millis,
};

#[derive(Debug, FromRow)]
struct Row {
    seq: i64,
    at: Millis,
    user_id: UserId,
    name: String,
    guest: bool,
    cmd_id: String,
    body: String,
}

impl From<Row> for ChatBody {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq.unsigned_abs(),
            // Whole milliseconds of this millennium are exact in a double.
            at_ms: row.at.0 as f64,
            user_id: row.user_id.into(),
            name: row.name,
            is_guest: row.guest,
            cmd_id: row.cmd_id,
            text: row.body,
        }
    }
}

/// Keeps a message of a room. One of a room that was deleted meanwhile is left out.
///
/// # Errors
/// When the database fails.
pub(super) async fn insert(
    db: &mut Db,
    room: RoomId,
    message: &ChatBody,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO room_chat (room_id, seq, at, user_id, name, guest, cmd_id, body) \
               SELECT r.id, $2, $3, $4, $5, $6, $7, $8 FROM rooms r WHERE r.id = $1";
    sqlx::query(sql)
        .bind(room)
        .bind(number(message.seq))
        .bind(Millis(message.at_ms as i64))
        .bind(UserId::from(message.user_id))
        .bind(&message.name)
        .bind(message.is_guest)
        .bind(&message.cmd_id)
        .bind(&message.text)
        .execute(db)
        .await?;
    Ok(())
}

/// The last messages of a room, as its state machine remembers them.
///
/// # Errors
/// When the database fails.
pub(super) async fn known(db: &mut Db, room: RoomId) -> Result<Vec<Said>, StoreError> {
    let (page, _) = before(db, room, None, MESSAGES_KNOWN as u32).await?;
    let said = |message: ChatBody| Said {
        cmd_id: message.cmd_id,
        seq: message.seq,
        at: rushes_sessions::Millis(message.at_ms),
        user: message.user_id,
    };
    Ok(page.into_iter().map(said).collect())
}

/// The last `most` messages of a room, or the last before one; and whether there are older ones.
///
/// # Errors
/// When the database fails.
pub async fn before(
    db: &mut Db,
    room: RoomId,
    seq: Option<u64>,
    most: u32,
) -> Result<(Vec<ChatBody>, bool), StoreError> {
    let sql = "SELECT * FROM room_chat WHERE room_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let below = seq.map_or(i64::MAX, number);
    let rows: Vec<Row> =
        sqlx::query_as(sql).bind(room).bind(below).bind(i64::from(most) + 1).fetch_all(db).await?;
    let (mut page, more) = page(rows, most);
    page.reverse();
    Ok((page, more))
}

/// The first `most` messages of a room after one; and whether there are newer ones.
///
/// # Errors
/// When the database fails.
pub async fn after(
    db: &mut Db,
    room: RoomId,
    seq: u64,
    most: u32,
) -> Result<(Vec<ChatBody>, bool), StoreError> {
    let sql = "SELECT * FROM room_chat WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(room)
        .bind(number(seq))
        .bind(i64::from(most) + 1)
        .fetch_all(db)
        .await?;
    Ok(page(rows, most))
}

/// One row more than wanted was asked for, to know whether there is one.
fn page(mut rows: Vec<Row>, most: u32) -> (Vec<ChatBody>, bool) {
    let more = rows.len() > most as usize;
    rows.truncate(most as usize);
    (rows.into_iter().map(ChatBody::from).collect(), more)
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
