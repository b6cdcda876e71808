//! Rooms (`review_session` in the API), their people, and what they show.

pub mod chat;
mod journal;
mod seats;
mod shown;
mod strokes;
mod teams;

use rushes_sessions::{Phase, State};
use sqlx::FromRow;

use super::{
    Db, Json, StoreError,
    text::{CommentScope, RoomStatus},
};
use crate::{
    ids::{CompanyId, GroupId, PlaylistId, ProjectId, RoomId, UserId},
    time::Millis,
};

pub use journal::{Kept, commit_states, last_line, load, log};
pub use seats::{
    Adopted, RoomUserRow, Seat, TakenSeat, add_seat, adopt_guest, audience, by_link,
    guest_with_email, hosts, is_attendee, join, new_link, participants, remove_seat, role, seat,
    seats, set_host, taken_seat, users,
};
pub use shown::{
    RoomAsset, add_playlist, assets, in_playlist, places_for, playlists, set_order, set_playlists,
    showing,
};
pub use teams::{ended_by_team, seat_by_team, set_teams, teams};

/// A room.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct RoomRow {
    /// Its id.
    pub id: RoomId,
    /// The production it belongs to.
    pub production_id: GroupId,
    /// The company that is shown with it.
    pub company_id: CompanyId,
    /// Who created it.
    pub owner_id: UserId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// How far it has come.
    pub status: RoomStatus,
    /// Where comments made in it are seen.
    pub comment_scope: CommentScope,
    /// Whether everyone is muted at first.
    pub mute_on_entry: bool,
    /// Whether people may unmute themselves.
    pub unmute_self: bool,
    /// Its watermark.
    pub watermark_id: Option<String>,
    /// Its own playlist.
    pub session_playlist_id: Option<PlaylistId>,
    /// Its own folder.
    pub session_project_id: Option<ProjectId>,
    /// When it started.
    pub start_time: Option<Millis>,
    /// When it was completed.
    pub end_time: Option<Millis>,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

/// A room as somebody sees it.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct SeenRoom {
    /// The room.
    #[sqlx(flatten)]
    pub row: RoomRow,
    /// The name of its company.
    pub company_name: String,
    /// The name of its production.
    pub group_name: String,
    /// First name of its owner.
    pub owner_first_name: String,
    /// Last name of its owner.
    pub owner_last_name: String,
    /// The state it is in, if somebody drove it.
    pub state: Option<Json<State>>,
    /// How many playlists it shows beside its own.
    pub playlist_count: i64,
    /// How many assets are in these and its own.
    pub asset_count: i64,
    /// Whether the one who sees it has a seat in it, or is in one of its teams.
    pub is_seated: bool,
    /// Whether they are a host.
    pub is_host: bool,
    /// Whether they may do everything in its production.
    pub is_admin: bool,
    /// When anybody last joined.
    pub last_joined: Option<Millis>,
}

/// What a new room is created from.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// The production it belongs to.
    pub production_id: GroupId,
    /// The company that is shown with it.
    pub company_id: CompanyId,
    /// Who creates it.
    pub owner_id: UserId,
    /// Its name.
    pub name: String,
    /// Its own playlist.
    pub session_playlist_id: Option<PlaylistId>,
    /// Its own folder.
    pub session_project_id: Option<ProjectId>,
}

// A room is seen by its people, by the members of its teams, and by those who lead its production: the administrators of the
// company, the owner as long as they belong to it, and, while the production is not suspended and
// within its days, whoever is an administrator of all of it, by themselves or by a team.
macro_rules! leads {
    () => {
        "(COALESCE(m.is_admin, FALSE) OR (m.user_id IS NOT NULL AND n.owner_id = $1) \
         OR (n.id IN (SELECT production_id FROM led) AND n.suspended IS NULL \
         AND (n.start_date IS NULL OR n.start_date <= $2) AND (n.expiry_date IS NULL \
         OR n.expiry_date - n.expiry_date % 86400000 + 86400000 > $2)))"
    };
}

macro_rules! select_seen {
    ($tail:literal) => {
        concat!(
            "WITH led(production_id) AS ( ",
            "SELECT m.production_id FROM production_members m ",
            "JOIN security_groups g ON g.id = m.security_group_id ",
            "WHERE m.user_id = $1 AND g.is_admin ",
            "UNION SELECT x.production_id FROM team_people t ",
            "JOIN production_teams x ON x.team_id = t.team_id ",
            "JOIN security_groups g ON g.id = t.security_group_id ",
            "WHERE t.user_id = $1 AND g.is_admin), ",
            "by_team(room_id) AS (SELECT x.room_id FROM room_teams x ",
            "JOIN team_people t ON t.team_id = x.team_id WHERE t.user_id = $1) ",
            "SELECT r.*, c.name AS company_name, n.name AS group_name, ",
            "o.first_name AS owner_first_name, o.last_name AS owner_last_name, st.state, ",
            "(SELECT COUNT(*) FROM room_playlists x WHERE x.room_id = r.id) AS playlist_count, ",
            "(SELECT COUNT(*) FROM playlist_assets e JOIN assets a ON a.id = e.asset_id ",
            "WHERE a.status <> 'DELETED' AND (e.playlist_id = r.session_playlist_id ",
            "OR e.playlist_id IN (SELECT x.playlist_id FROM room_playlists x ",
            "WHERE x.room_id = r.id))) + (SELECT COUNT(*) FROM room_playlists x ",
            "JOIN playlists p ON p.id = x.playlist_id AND p.playlist_source = 'FOLDER' ",
            "JOIN assets a ON a.project_id = p.source_project_id ",
            "WHERE x.room_id = r.id AND a.status <> 'DELETED' AND a.room_id IS NULL) AS asset_count, ",
            "(s.id IS NOT NULL OR r.id IN (SELECT room_id FROM by_team)) AS is_seated, ",
            "COALESCE(s.is_host, FALSE) AS is_host, ",
            leads!(),
            " AS is_admin, (SELECT MAX(x.last_joined) FROM room_users x WHERE x.room_id = r.id) ",
            "AS last_joined ",
            "FROM rooms r JOIN productions n ON n.id = r.production_id ",
            "JOIN companies c ON c.id = r.company_id JOIN users o ON o.id = r.owner_id ",
            "LEFT JOIN room_states st ON st.room_id = r.id ",
            "LEFT JOIN room_seats s ON s.room_id = r.id AND s.user_id = $1 ",
            "LEFT JOIN company_members m ON m.company_id = n.company_id AND m.user_id = $1 ",
            "WHERE n.status <> 'DELETED' AND (s.id IS NOT NULL ",
            "OR r.id IN (SELECT room_id FROM by_team) OR ",
            leads!(),
            ") ",
            $tail
        )
    };
}

/// Creates a room without people, in which nobody drove yet.
///
/// # Errors
/// [`StoreError::ForeignKey`] when something it refers to is absent.
pub async fn create(db: &mut Db, room: &NewRoom, now: Millis) -> Result<RoomRow, StoreError> {
    let sql = "INSERT INTO rooms (id, production_id, company_id, owner_id, name, \
               session_playlist_id, session_project_id, created, modified) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING *";
    let row: RoomRow = sqlx::query_as(sql)
        .bind(RoomId::new())
        .bind(room.production_id)
        .bind(room.company_id)
        .bind(room.owner_id)
        .bind(&room.name)
        .bind(room.session_playlist_id)
        .bind(room.session_project_id)
        .bind(now)
        .fetch_one(&mut *db)
        .await?;
    sqlx::query("INSERT INTO room_states (room_id, modified) VALUES ($1, $2)")
        .bind(row.id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(row)
}

/// A room, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: RoomId) -> Result<Option<RoomRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM rooms WHERE id = $1").bind(id).fetch_optional(db).await?)
}

/// A room as somebody sees it: its people, the members of its teams, and the administrators of its production.
///
/// # Errors
/// When the database fails.
pub async fn seen(db: &mut Db, user: UserId, id: RoomId) -> Result<Option<SeenRoom>, StoreError> {
    let query = sqlx::query_as(select_seen!("AND r.id = $3")).bind(user).bind(Millis::now());
    Ok(query.bind(id).fetch_optional(db).await?)
}

/// The rooms that somebody sees, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_seen(db: &mut Db, user: UserId) -> Result<Vec<SeenRoom>, StoreError> {
    let sql = select_seen!("ORDER BY r.created DESC, r.id DESC");
    Ok(sqlx::query_as(sql).bind(user).bind(Millis::now()).fetch_all(db).await?)
}

/// The rooms that somebody sees and that show a playlist, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn seen_with_playlist(
    db: &mut Db,
    user: UserId,
    playlist: PlaylistId,
) -> Result<Vec<SeenRoom>, StoreError> {
    let sql = select_seen!(
        "AND (r.session_playlist_id = $3 OR EXISTS (SELECT 1 FROM room_playlists x \
         WHERE x.room_id = r.id AND x.playlist_id = $3)) ORDER BY r.created DESC, r.id DESC"
    );
    let query = sqlx::query_as(sql).bind(user).bind(Millis::now());
    Ok(query.bind(playlist).fetch_all(db).await?)
}

/// Writes a changed room back.
///
/// # Errors
/// [`StoreError::ForeignKey`] when its production or company is absent.
pub async fn update(db: &mut Db, row: &RoomRow) -> Result<(), StoreError> {
    let sql = "UPDATE rooms SET production_id = $2, company_id = $3, name = $4, \
               description = $5, status = $6, comment_scope = $7, mute_on_entry = $8, \
               unmute_self = $9, watermark_id = $10, start_time = $11, end_time = $12, \
               modified = $13 WHERE id = $1";
    sqlx::query(sql)
        .bind(row.id)
        .bind(row.production_id)
        .bind(row.company_id)
        .bind(&row.name)
        .bind(&row.description)
        .bind(row.status)
        .bind(row.comment_scope)
        .bind(row.mute_on_entry)
        .bind(row.unmute_self)
        .bind(&row.watermark_id)
        .bind(row.start_time)
        .bind(row.end_time)
        .bind(row.modified)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes a room with its seats, its state, its own playlist and the screens that were shared in
/// it, and ends its guests' tokens.
/// The playlists that it showed stay.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Db, row: &RoomRow) -> Result<(), StoreError> {
    super::credentials::end_room_tokens(db, row.id).await?;
    super::live::shares::forget(db, row.id).await?;
    // Guests are people of this room alone; what they made may still refer to them.
    let sql = "UPDATE users SET account_status = 'DELETED' WHERE is_guest AND id IN \
               (SELECT user_id FROM room_users WHERE room_id = $1 AND guest_email IS NOT NULL)";
    sqlx::query(sql).bind(row.id).execute(&mut *db).await?;
    sqlx::query("DELETE FROM rooms WHERE id = $1").bind(row.id).execute(&mut *db).await?;
    if let Some(playlist) = row.session_playlist_id {
        super::playlists::delete(db, playlist).await?;
    }
    Ok(())
}

/// The room whose own playlist this is.
///
/// # Errors
/// When the database fails.
pub async fn with_own_playlist(
    db: &mut Db,
    playlist: PlaylistId,
) -> Result<Option<RoomId>, StoreError> {
    let sql = "SELECT id FROM rooms WHERE session_playlist_id = $1";
    Ok(sqlx::query_scalar(sql).bind(playlist).fetch_optional(db).await?)
}

/// How many rooms of a production are not complete.
///
/// # Errors
/// When the database fails.
pub async fn open_in_group(db: &mut Db, group: GroupId) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM rooms WHERE production_id = $1 AND status <> 'COMPLETE'";
    Ok(sqlx::query_scalar(sql).bind(group).fetch_one(db).await?)
}

impl RoomStatus {
    /// What it means to the room's state machine.
    #[must_use]
    pub fn phase(self) -> Phase {
        match self {
            Self::Draft | Self::Scheduled => Phase::Waiting,
            Self::Started => Phase::Started,
            Self::Complete => Phase::Complete,
        }
    }
}
