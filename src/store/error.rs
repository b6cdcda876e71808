//! What can go wrong in the store, told apart by the names of its constraints.
//!
//! PostgreSQL reports a violated constraint by its name. SQLite names the columns of a unique
//! constraint, the name of a check, and nothing at all of a foreign key. [`StoreError`] carries
//! one thing for both: the constraint's name where it can be known.

use sqlx::error::{DatabaseError, ErrorKind};

/// How the database answered a request it could not serve.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A value that has to be unique exists already; the constraint's name (`uq_…`, `pk_…`).
    #[error("unique constraint {0} is violated")]
    Unique(&'static str),
    /// A row refers to one that does not exist, or is still referred to.
    #[error("a foreign key is violated ({})", .0.as_deref().unwrap_or("unnamed"))]
    ForeignKey(Option<String>),
    /// A row breaks a `CHECK`.
    #[error("check {0} is violated")]
    Check(String),
    /// The database or its driver failed.
    #[error(transparent)]
    Sql(sqlx::Error),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// The unique constraints: name, and table and columns in the words of SQLite's message.
pub(super) const UNIQUE: &[(&str, &str)] = &[
    ("pk_company_members", "company_members.company_id, company_members.user_id"),
    (
        "pk_destination_message_assets",
        "destination_message_assets.message_id, destination_message_assets.place",
    ),
    (
        "uq_destination_messages_seq",
        "destination_messages.destination_id, destination_messages.seq",
    ),
    (
        "uq_destination_subscriptions_device",
        "destination_subscriptions.destination_id, destination_subscriptions.created_by, \
         destination_subscriptions.device_name",
    ),
    (
        "uq_destinations_person",
        "destinations.project_id, destinations.kind, destinations.user_email",
    ),
    ("pk_device_logins", "device_logins.device_sha256"),
    ("pk_live_composites", "live_composites.registration_id"),
    ("pk_live_desktops", "live_desktops.registration_id"),
    ("pk_live_qtake", "live_qtake.registration_id"),
    ("pk_live_qtake_streams", "live_qtake_streams.registration_id"),
    ("pk_live_raw_sources", "live_raw_sources.registration_id"),
    ("pk_live_recorded", "live_recorded.registration_id"),
    ("pk_live_rtp_declared", "live_rtp_declared.registration_id"),
    ("pk_live_slates", "live_slates.registration_id"),
    ("pk_production_members", "production_members.production_id, production_members.user_id"),
    ("pk_production_pins", "production_pins.production_id, production_pins.user_id"),
    ("pk_production_usecases", "production_usecases.production_id, production_usecases.usecase_id"),
    ("uq_usecases_name", "usecases.display_name"),
    ("pk_production_teams", "production_teams.production_id, production_teams.team_id"),
    ("pk_project_teams", "project_teams.project_id, project_teams.team_id"),
    ("pk_team_members", "team_members.team_id, team_members.user_id"),
    ("uq_device_logins_user_code", "device_logins.user_code"),
    ("uq_domains_domain", "domains.domain"),
    ("uq_roles_name", "roles.company_id, roles.name_key"),
    ("uq_teams_name", "teams.company_id, teams.scope, teams.name_key"),
    ("pk_project_members", "project_members.project_id, project_members.user_id"),
    ("pk_security_groups", "security_groups.id"),
    ("pk_server_secrets", "server_secrets.name"),
    ("pk_tokens", "tokens.sha256"),
    ("uq_api_keys_api_id", "api_keys.api_id"),
    ("uq_asset_files_location", "asset_files.location"),
    ("uq_assets_uuid", "assets.project_id, assets.uuid"),
    (
        "uq_live_registrations_source",
        "live_registrations.project_id, live_registrations.device, live_registrations.stream",
    ),
    ("uq_live_registrations_token", "live_registrations.token_sha256"),
    ("pk_room_asset_order", "room_asset_order.room_id, room_asset_order.playlist_asset_id"),
    ("pk_room_log", "room_log.room_id, room_log.seq"),
    ("pk_room_strokes", "room_strokes.room_id, room_strokes.stroke_id"),
    ("uq_comments_uuid", "comments.room_id, comments.user_id, comments.uuid"),
    ("pk_room_chat", "room_chat.room_id, room_chat.seq"),
    ("pk_room_playlists", "room_playlists.room_id, room_playlists.playlist_id"),
    ("pk_room_states", "room_states.room_id"),
    ("pk_room_teams", "room_teams.room_id, room_teams.team_id"),
    ("uq_room_users_guest", "room_users.room_id, room_users.guest_email"),
    ("uq_room_users_user", "room_users.room_id, room_users.user_id"),
    ("uq_playlist_assets_asset", "playlist_assets.playlist_id, playlist_assets.asset_id"),
    ("uq_users_email", "users.email"),
];

/// Stands for a unique constraint that [`UNIQUE`] does not list: the keys that the server draws
/// itself, whose collision no client can cause.
const UNLISTED: &str = "unlisted";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else { return Self::Sql(error) };
        match database.kind() {
            ErrorKind::UniqueViolation => Self::Unique(unique_name(database)),
            ErrorKind::ForeignKeyViolation => {
                Self::ForeignKey(database.constraint().map(str::to_owned))
            }
            ErrorKind::CheckViolation => Self::Check(after_colon(database).to_owned()),
            _ => Self::Sql(error),
        }
    }
}

fn unique_name(error: &dyn DatabaseError) -> &'static str {
    let found = error.constraint().unwrap_or_else(|| after_colon(error));
    UNIQUE
        .iter()
        .find(|(name, columns)| *name == found || *columns == found)
        .map_or(UNLISTED, |(name, _)| name)
}

/// `UNIQUE constraint failed: users.email` says it after the colon.
fn after_colon(error: &dyn DatabaseError) -> &str {
    error.message().rsplit_once(": ").map_or("", |(_, found)| found)
}
