//! Destinations: whom messages with assets are sent to, who subscribes to them, and the messages.

use sqlx::{FromRow, QueryBuilder, Sqlite};

use super::{
    Db, StoreError,
    entity::entity,
    text::{DestinationKind, MessageStatus},
};
use crate::{
    ids::{AssetId, DestinationId, MessageId, ProjectId, SubscriptionId, UserId},
    time::Millis,
};

/// Whom messages are sent to.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct DestinationRow {
    /// Its id.
    pub id: DestinationId,
    /// The folder it is in.
    pub project_id: ProjectId,
    /// What shows the messages.
    pub kind: DestinationKind,
    /// The person's address, in lower case.
    pub user_email: String,
    /// Their name.
    pub user_name: String,
    /// What they are there.
    pub user_role: Option<String>,
    /// When it was created.
    pub created: Millis,
}

entity!("destinations", DestinationRow, DestinationId, {
    project_id "project_id" "$2",
    kind "kind" "$3",
    user_email "user_email" "$4",
    user_name "user_name" "$5",
    user_role "user_role" "$6",
    created "created" "$7",
});

/// Somebody who is told of the messages of a destination.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct SubscriptionRow {
    /// Its id.
    pub id: SubscriptionId,
    /// The destination.
    pub destination_id: DestinationId,
    /// Who is told.
    pub created_by: UserId,
    /// Their device; empty where it has no name.
    pub device_name: String,
    /// When it was created.
    pub created: Millis,
}

/// Subscriptions: who is told of the messages of a destination.
pub mod subscriptions {
    use super::{
        Db, DestinationId, ProjectId, StoreError, SubscriptionId, SubscriptionRow, UserId, entity,
    };

    entity!("destination_subscriptions", SubscriptionRow, SubscriptionId, {
        destination_id "destination_id" "$2",
        created_by "created_by" "$3",
        device_name "device_name" "$4",
        created "created" "$5",
    });

    /// The subscriptions to a destination, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(db: &mut Db, id: DestinationId) -> Result<Vec<SubscriptionRow>, StoreError> {
        let sql = "SELECT * FROM destination_subscriptions WHERE destination_id = $1 \
                   ORDER BY created, id";
        Ok(sqlx::query_as(sql).bind(id).fetch_all(db).await?)
    }

    /// The subscriptions to all destinations of a folder, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_project(
        db: &mut Db,
        project: ProjectId,
    ) -> Result<Vec<SubscriptionRow>, StoreError> {
        let sql = "SELECT s.* FROM destination_subscriptions s \
                   JOIN destinations d ON d.id = s.destination_id WHERE d.project_id = $1 \
                   ORDER BY s.created, s.id";
        Ok(sqlx::query_as(sql).bind(project).fetch_all(db).await?)
    }

    /// Whether somebody subscribes to a destination.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has(db: &mut Db, id: DestinationId, user: UserId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM destination_subscriptions \
                   WHERE destination_id = $1 AND created_by = $2)";
        Ok(sqlx::query_scalar(sql).bind(id).bind(user).fetch_one(db).await?)
    }
}

/// The destinations of a folder, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_project(
    db: &mut Db,
    project: ProjectId,
    kind: DestinationKind,
) -> Result<Vec<DestinationRow>, StoreError> {
    let sql = "SELECT * FROM destinations WHERE project_id = $1 AND kind = $2 ORDER BY created, id";
    Ok(sqlx::query_as(sql).bind(project).bind(kind).fetch_all(db).await?)
}

/// The destination of a person in a folder. The address is in lower case.
///
/// # Errors
/// When the database fails.
pub async fn of_person(
    db: &mut Db,
    project: ProjectId,
    kind: DestinationKind,
    email: &str,
) -> Result<Option<DestinationRow>, StoreError> {
    let sql = "SELECT * FROM destinations WHERE project_id = $1 AND kind = $2 AND user_email = $3";
    let found = sqlx::query_as(sql).bind(project).bind(kind).bind(email).fetch_optional(db).await?;
    Ok(found)
}

/// How many destinations a folder has.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut Db, project: ProjectId) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM destinations WHERE project_id = $1";
    Ok(sqlx::query_scalar(sql).bind(project).fetch_one(db).await?)
}

/// What a new message is created from.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Whom it is sent to.
    pub destination_id: DestinationId,
    /// Who sends it.
    pub sender_id: UserId,
    /// What it says.
    pub text: Option<String>,
    /// Its assets, each once, in their order.
    pub assets: Vec<AssetId>,
}

/// A message with who sent it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct MessageRow {
    /// Its id.
    pub id: MessageId,
    /// Whom it was sent to.
    pub destination_id: DestinationId,
    /// Its number among those of the destination, from 1.
    pub seq: i64,
    /// Who sent it.
    pub sender_id: UserId,
    /// How far it has come.
    pub status: MessageStatus,
    /// What it says.
    pub text: Option<String>,
    /// What went wrong, where something did.
    pub error_message: Option<String>,
    /// When it was sent.
    pub created: Millis,
    /// The sender's address.
    pub email: Option<String>,
    /// Their first name.
    pub first_name: String,
    /// Their last name.
    pub last_name: String,
}

/// An asset of a message, as far as it says who sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct MessageAsset {
    /// The message.
    pub message_id: MessageId,
    /// The asset, which is not deleted.
    pub asset_id: AssetId,
    /// Whether only those see it who may see hidden batches.
    pub hidden: bool,
    /// Whether it is a screen that is shared in a room.
    pub of_room: bool,
}

/// Which messages of a destination.
#[derive(Debug, Clone, Copy)]
pub struct MessageFilter {
    /// Whose.
    pub destination: DestinationId,
    /// Those of one sender.
    pub sender: Option<UserId>,
    /// Those that follow the one with this number, in the order that is asked for.
    pub after: Option<i64>,
    /// The newest first, else the oldest.
    pub newest_first: bool,
    /// So many at most.
    pub limit: i64,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT m.*, u.email, u.first_name, u.last_name FROM destination_messages m ",
            "JOIN users u ON u.id = m.sender_id ",
            $tail
        )
    };
}

/// Keeps a new message.
///
/// # Errors
/// [`StoreError::ForeignKey`] when something it refers to is absent.
pub async fn send(db: &mut Db, new: &NewMessage, now: Millis) -> Result<MessageId, StoreError> {
    let id = MessageId::new();
    // One connection writes, so that no other message takes the number meanwhile.
    let sql = "INSERT INTO destination_messages (id, destination_id, seq, sender_id, text, created) \
               VALUES ($1, $2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM destination_messages \
               WHERE destination_id = $2), $3, $4, $5)";
    sqlx::query(sql)
        .bind(id)
        .bind(new.destination_id)
        .bind(new.sender_id)
        .bind(&new.text)
        .bind(now)
        .execute(&mut *db)
        .await?;
    if new.assets.is_empty() {
        return Ok(id);
    }
    let mut insert = QueryBuilder::<Sqlite>::new(
        "INSERT INTO destination_message_assets (message_id, place, asset_id) ",
    );
    insert.push_values((0_i64..).zip(&new.assets), |mut row, (place, asset)| {
        row.push_bind(id).push_bind(place).push_bind(*asset);
    });
    insert.build().execute(db).await?;
    Ok(id)
}

/// A message, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn message(db: &mut Db, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
    Ok(sqlx::query_as(select!("WHERE m.id = $1")).bind(id).fetch_optional(db).await?)
}

/// Messages of a destination.
///
/// # Errors
/// When the database fails.
pub async fn messages(db: &mut Db, wanted: MessageFilter) -> Result<Vec<MessageRow>, StoreError> {
    let oldest_first = select!(
        "WHERE m.destination_id = $1 AND (CAST($2 AS TEXT) IS NULL OR m.sender_id = $2) \
         AND m.seq > COALESCE($3, 0) ORDER BY m.seq LIMIT $4"
    );
    let newest_first = select!(
        "WHERE m.destination_id = $1 AND (CAST($2 AS TEXT) IS NULL OR m.sender_id = $2) \
         AND (CAST($3 AS BIGINT) IS NULL OR m.seq < $3) ORDER BY m.seq DESC LIMIT $4"
    );
    let sql = if wanted.newest_first { newest_first } else { oldest_first };
    let rows = sqlx::query_as(sql)
        .bind(wanted.destination)
        .bind(wanted.sender)
        .bind(wanted.after)
        .bind(wanted.limit)
        .fetch_all(db)
        .await?;
    Ok(rows)
}

/// The assets of messages that are not deleted, in the order of each message.
///
/// # Errors
/// When the database fails.
pub async fn assets(db: &mut Db, of: &[MessageRow]) -> Result<Vec<MessageAsset>, StoreError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = QueryBuilder::<Sqlite>::new(
        "SELECT x.message_id, x.asset_id, (a.hidden OR COALESCE(b.hidden, FALSE)) AS hidden, \
         a.room_id IS NOT NULL AS of_room FROM destination_message_assets x \
         JOIN assets a ON a.id = x.asset_id AND a.status <> 'DELETED' \
         LEFT JOIN batches b ON b.id = a.batch_id WHERE x.message_id IN (",
    );
    let mut ids = select.separated(", ");
    for message in of {
        ids.push_bind(message.id);
    }
    select.push(") ORDER BY x.message_id, x.place");
    Ok(select.build_query_as().fetch_all(db).await?)
}

/// How many messages of a destination nobody has taken yet.
///
/// # Errors
/// When the database fails.
pub async fn pending(db: &mut Db, id: DestinationId) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM destination_messages \
               WHERE destination_id = $1 AND status = 'PENDING'";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_one(db).await?)
}

/// Says how far a message has come, and what went wrong.
///
/// # Errors
/// When the database fails.
pub async fn set_status(
    db: &mut Db,
    id: MessageId,
    status: MessageStatus,
    error: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE destination_messages SET status = $2, error_message = $3 WHERE id = $1")
        .bind(id)
        .bind(status)
        .bind(error)
        .execute(db)
        .await?;
    Ok(())
}
