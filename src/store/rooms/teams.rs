//! The teams of a room: their members attend it like its participants.

use super::{
    super::{Db, StoreError},
    Seat,
};
use crate::{
    ids::{RoomId, RoomUserId, TeamId, UserId},
    time::Millis,
};

/// The teams of a room.
///
/// # Errors
/// When the database fails.
pub async fn teams(db: &mut Db, room: RoomId) -> Result<Vec<TeamId>, StoreError> {
    let sql = "SELECT t.id FROM room_teams x JOIN teams t ON t.id = x.team_id \
               WHERE x.room_id = $1 ORDER BY t.id";
    Ok(sqlx::query_scalar(sql).bind(room).fetch_all(db).await?)
}

/// Makes these the teams of a room.
///
/// # Errors
/// When the database fails.
pub async fn set_teams(db: &mut Db, room: RoomId, teams: &[TeamId]) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM room_teams WHERE room_id = $1").bind(room).execute(&mut *db).await?;
    let sql = "INSERT INTO room_teams (room_id, team_id) VALUES ($1, $2) \
               ON CONFLICT (room_id, team_id) DO NOTHING";
    for team in teams {
        sqlx::query(sql).bind(room).bind(*team).execute(&mut *db).await?;
    }
    Ok(())
}

/// Gives a member of one of the room's teams a seat. One who has a seat keeps it, and one who is in
/// none of the teams gets none.
///
/// # Errors
/// When the database fails.
pub async fn seat_by_team(
    db: &mut Db,
    room: RoomId,
    user: UserId,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO room_users (id, room_id, user_id, via_team, created) \
               SELECT $1, $2, $3, TRUE, $4 WHERE EXISTS (SELECT 1 FROM room_teams x \
               JOIN team_people t ON t.team_id = x.team_id \
               WHERE x.room_id = $2 AND t.user_id = $3) \
               ON CONFLICT (room_id, user_id) DO NOTHING";
    sqlx::query(sql).bind(RoomUserId::new()).bind(room).bind(user).bind(now).execute(db).await?;
    Ok(())
}

/// The seats that are good no more, because their people left the team that they had them by, or
/// because the team was taken off the room or deleted.
///
/// # Errors
/// When the database fails.
pub async fn ended_by_team(db: &mut Db) -> Result<Vec<Seat>, StoreError> {
    let sql = "SELECT s.* FROM room_users s WHERE s.via_team \
               AND NOT EXISTS (SELECT 1 FROM room_seats g WHERE g.id = s.id)";
    Ok(sqlx::query_as(sql).fetch_all(db).await?)
}
