//! Who is in a room.

use sqlx::FromRow;

use super::super::{Db, StoreError};
use crate::{
    ids::{RoomId, RoomUserId, UserId},
    secret::{Secret, SecretDigest},
    store::text::{RoomStatus, TokenKind},
    time::Millis,
};

/// Somebody's place in a room.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Seat {
    /// Its id, by which a guest's link finds it.
    pub id: RoomUserId,
    /// The room.
    pub room_id: RoomId,
    /// Whose it is.
    pub user_id: UserId,
    /// Whether they may drive.
    pub is_host: bool,
    /// What they are called there.
    pub role: Option<String>,
    /// The address that a guest was invited by.
    pub guest_email: Option<String>,
    /// When they last joined.
    pub last_joined: Option<Millis>,
    /// Whether they have it as a member of one of the room's teams, and for as long as they are.
    pub via_team: bool,
}

/// A person in a room, as the list of its people shows them.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RoomUserRow {
    /// Who they are.
    pub user_id: UserId,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Their address: that of the account, or that a guest was invited by.
    pub email: Option<String>,
    /// The name of their company.
    pub company_name: Option<String>,
    /// Whether they may drive.
    pub is_host: bool,
    /// What they are called there.
    pub role: Option<String>,
    /// Whether they are a guest.
    pub is_guest: bool,
}

/// Gives somebody a seat of their own, if they have none, and says which they have.
///
/// # Errors
/// [`StoreError::ForeignKey`] when they are absent.
pub async fn add_seat(
    db: &mut Db,
    room: RoomId,
    user: UserId,
    guest_email: Option<&str>,
    now: Millis,
) -> Result<Seat, StoreError> {
    // Without an update no seat is returned that existed.
    let sql = "INSERT INTO room_users (id, room_id, user_id, guest_email, created) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (room_id, user_id) \
               DO UPDATE SET via_team = FALSE RETURNING *";
    let seat = sqlx::query_as(sql)
        .bind(RoomUserId::new())
        .bind(room)
        .bind(user)
        .bind(guest_email)
        .bind(now)
        .fetch_one(db)
        .await?;
    Ok(seat)
}

/// Takes somebody's seat. A guest's tokens for the room end with it, and the guest too.
///
/// # Errors
/// When the database fails.
pub async fn remove_seat(db: &mut Db, room: RoomId, user: UserId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM tokens WHERE room_id = $1 AND user_id = $2",
        "UPDATE users SET account_status = 'DELETED' WHERE is_guest AND id = $2 AND EXISTS \
         (SELECT 1 FROM room_users WHERE room_id = $1 AND user_id = $2)",
        "DELETE FROM room_users WHERE room_id = $1 AND user_id = $2",
    ] {
        sqlx::query(sql).bind(room).bind(user).execute(&mut *db).await?;
    }
    Ok(())
}

/// Somebody's seat.
///
/// # Errors
/// When the database fails.
pub async fn seat(db: &mut Db, room: RoomId, user: UserId) -> Result<Option<Seat>, StoreError> {
    let sql = "SELECT * FROM room_seats WHERE room_id = $1 AND user_id = $2";
    Ok(sqlx::query_as(sql).bind(room).bind(user).fetch_optional(db).await?)
}

/// Somebody with a seat, and their room.
#[derive(Debug, FromRow)]
pub struct TakenSeat {
    /// How far the room has come.
    pub status: RoomStatus,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

/// Somebody's seat in a room that there is.
///
/// # Errors
/// When the database fails.
pub async fn taken_seat(
    db: &mut Db,
    room: RoomId,
    user: UserId,
) -> Result<Option<TakenSeat>, StoreError> {
    let sql = "SELECT r.status, u.first_name, u.last_name FROM room_seats s \
               JOIN rooms r ON r.id = s.room_id JOIN productions n ON n.id = r.production_id \
               JOIN users u ON u.id = s.user_id \
               WHERE s.room_id = $1 AND s.user_id = $2 AND n.status <> 'DELETED'";
    Ok(sqlx::query_as(sql).bind(room).bind(user).fetch_optional(db).await?)
}

/// All seats of a room.
///
/// # Errors
/// When the database fails.
pub async fn seats(db: &mut Db, room: RoomId) -> Result<Vec<Seat>, StoreError> {
    let sql = "SELECT * FROM room_seats WHERE room_id = $1 ORDER BY created, id";
    Ok(sqlx::query_as(sql).bind(room).fetch_all(db).await?)
}

/// How many seats a room has.
///
/// # Errors
/// When the database fails.
pub async fn participants(db: &mut Db, room: RoomId) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM room_seats WHERE room_id = $1";
    Ok(sqlx::query_scalar(sql).bind(room).fetch_one(db).await?)
}

/// The hosts of a room.
///
/// # Errors
/// When the database fails.
pub async fn hosts(db: &mut Db, room: RoomId) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT user_id FROM room_seats WHERE room_id = $1 AND is_host ORDER BY created, id";
    Ok(sqlx::query_scalar(sql).bind(room).fetch_all(db).await?)
}

/// Says whether somebody with a seat may drive.
///
/// # Errors
/// When the database fails.
pub async fn set_host(
    db: &mut Db,
    room: RoomId,
    user: UserId,
    is_host: bool,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE room_users SET is_host = $3 WHERE room_id = $1 AND user_id = $2")
        .bind(room)
        .bind(user)
        .bind(is_host)
        .execute(db)
        .await?;
    Ok(())
}

/// Says what somebody is called in a room.
///
/// # Errors
/// When the database fails.
pub async fn role(
    db: &mut Db,
    room: RoomId,
    user: UserId,
    role: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE room_users SET role = $3 WHERE room_id = $1 AND user_id = $2")
        .bind(room)
        .bind(user)
        .bind(role)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that somebody joined, and what proves them to the room's voice and camera.
///
/// # Errors
/// When the database fails.
pub async fn join(
    db: &mut Db,
    seat: RoomUserId,
    attendee: &str,
    proof: &SecretDigest,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "UPDATE room_users SET attendee_id = $2, join_sha256 = $3, last_joined = $4 \
               WHERE id = $1";
    sqlx::query(sql).bind(seat).bind(attendee).bind(proof).bind(now).execute(db).await?;
    Ok(())
}

/// Whether this is what proves somebody to the room's voice and camera.
///
/// # Errors
/// When the database fails.
pub async fn is_attendee(
    db: &mut Db,
    room: RoomId,
    user: UserId,
    proof: &SecretDigest,
) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM room_seats \
               WHERE room_id = $1 AND user_id = $2 AND join_sha256 = $3";
    let count: i64 =
        sqlx::query_scalar(sql).bind(room).bind(user).bind(proof).fetch_one(db).await?;
    Ok(count > 0)
}

/// The people of a room, in the order in which they were added.
///
/// # Errors
/// When the database fails.
pub async fn users(db: &mut Db, room: RoomId) -> Result<Vec<RoomUserRow>, StoreError> {
    let sql = "SELECT s.user_id, u.first_name, u.last_name, \
               COALESCE(u.email, s.guest_email) AS email, c.name AS company_name, s.is_host, \
               s.role, u.is_guest \
               FROM room_seats s JOIN users u ON u.id = s.user_id \
               LEFT JOIN companies c ON c.id = u.company_id \
               WHERE s.room_id = $1 AND u.account_status <> 'DELETED' ORDER BY s.created, s.id";
    Ok(sqlx::query_as(sql).bind(room).fetch_all(db).await?)
}

/// Everybody who may know of a room: its people, the members of its teams, and the administrators
/// of its production. They are told what happens to it.
///
/// # Errors
/// When the database fails.
pub async fn audience(db: &mut Db, room: RoomId) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT s.user_id FROM room_seats s WHERE s.room_id = $1 \
               UNION SELECT t.user_id FROM room_teams x JOIN team_people t \
               ON t.team_id = x.team_id WHERE x.room_id = $1 \
               UNION SELECT m.user_id FROM rooms r JOIN productions n ON n.id = r.production_id \
               JOIN company_members m ON m.company_id = n.company_id \
               WHERE r.id = $1 AND (m.is_admin OR m.user_id = n.owner_id) \
               UNION SELECT x.user_id FROM rooms r JOIN productions n ON n.id = r.production_id \
               JOIN ( SELECT production_id, user_id, security_group_id FROM production_members \
                 UNION SELECT p.production_id, t.user_id, t.security_group_id \
                 FROM production_teams p JOIN team_people t ON t.team_id = p.team_id) x \
               ON x.production_id = n.id JOIN security_groups g ON g.id = x.security_group_id \
               WHERE r.id = $1 AND g.is_admin AND n.suspended IS NULL \
               AND (n.start_date IS NULL OR n.start_date <= $2) AND (n.expiry_date IS NULL \
               OR n.expiry_date - n.expiry_date % 86400000 + 86400000 > $2)";
    Ok(sqlx::query_scalar(sql).bind(room).bind(Millis::now()).fetch_all(db).await?)
}

/// The guest of a room who was invited by an address.
///
/// # Errors
/// When the database fails.
pub async fn guest_with_email(
    db: &mut Db,
    room: RoomId,
    email: &str,
) -> Result<Option<Seat>, StoreError> {
    let sql = "SELECT * FROM room_users WHERE room_id = $1 AND guest_email = $2";
    Ok(sqlx::query_as(sql).bind(room).bind(email).fetch_optional(db).await?)
}

/// Draws the secret of a guest's link, and ends the one before with whoever came in by it: it may
/// be another than it was meant for. It is the `review_session_user_id` of the API: the seat's id,
/// and then the secret. It can never be had again.
///
/// # Errors
/// When the database fails.
pub async fn new_link(
    db: &mut Db,
    seat: RoomUserId,
    expires: Millis,
) -> Result<String, StoreError> {
    let secret = Secret::random();
    sqlx::query("UPDATE room_users SET link_sha256 = $2, link_expires = $3 WHERE id = $1")
        .bind(seat)
        .bind(secret.digest())
        .bind(expires)
        .execute(&mut *db)
        .await?;
    let sql = "DELETE FROM tokens WHERE kind = $2 AND EXISTS (SELECT 1 FROM room_users s \
               WHERE s.id = $1 AND s.user_id = tokens.user_id AND s.room_id = tokens.room_id)";
    sqlx::query(sql).bind(seat).bind(TokenKind::Guest).execute(db).await?;
    Ok(format!("{seat}{}", secret.reveal()))
}

/// A guest whose seat an account has taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// The room.
    pub room: RoomId,
    /// The guest, who is no more.
    pub guest: UserId,
    /// Whether the seat is a host's.
    pub is_host: bool,
}

/// Gives the seats of the guest with an address to the account that has it now, and ends the
/// guest. The links stay, to say that they are of no use any more. Says which seats: rooms in use
/// are told once that is stored.
///
/// # Errors
/// When the database fails.
pub async fn adopt_guest(
    db: &mut Db,
    email: &str,
    account: UserId,
) -> Result<Vec<Adopted>, StoreError> {
    let sql = "SELECT s.* FROM room_users s JOIN users u ON u.id = s.user_id \
               WHERE s.guest_email = $1 AND u.is_guest AND s.user_id <> $2";
    let guests: Vec<Seat> =
        sqlx::query_as(sql).bind(email).bind(account).fetch_all(&mut *db).await?;
    let mut adopted = Vec::new();
    for guest in guests {
        for sql in [
            // A guest is one of one room.
            "DELETE FROM tokens WHERE user_id = $1",
            "UPDATE users SET account_status = 'DELETED' WHERE id = $1",
        ] {
            sqlx::query(sql).bind(guest.user_id).execute(&mut *db).await?;
        }
        // A seat that the account has already goes: the guest's is known by the link.
        let own = seat(db, guest.room_id, account).await?;
        if let Some(own) = &own {
            sqlx::query("DELETE FROM room_users WHERE id = $1")
                .bind(own.id)
                .execute(&mut *db)
                .await?;
        }
        let is_host = guest.is_host || own.as_ref().is_some_and(|own| own.is_host);
        let role = own.and_then(|own| own.role).or(guest.role);
        sqlx::query("UPDATE room_users SET user_id = $2, is_host = $3, role = $4 WHERE id = $1")
            .bind(guest.id)
            .bind(account)
            .bind(is_host)
            .bind(role)
            .execute(&mut *db)
            .await?;
        adopted.push(Adopted { room: guest.room_id, guest: guest.user_id, is_host });
    }
    Ok(adopted)
}

/// The seat that a guest's link opens, unless the link has ended.
///
/// # Errors
/// When the database fails.
pub async fn by_link(db: &mut Db, link: &str, now: Millis) -> Result<Option<Seat>, StoreError> {
    // 32 digits of the id, and the secret.
    let Some((id, secret)) = link.split_at_checked(32) else { return Ok(None) };
    let Ok(id) = id.parse::<RoomUserId>() else { return Ok(None) };
    let sql = "SELECT * FROM room_users WHERE id = $1 AND link_sha256 = $2 AND link_expires > $3";
    let digest = SecretDigest::of(secret);
    Ok(sqlx::query_as(sql).bind(id).bind(digest).bind(now).fetch_optional(db).await?)
}
