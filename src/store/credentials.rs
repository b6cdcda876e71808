//! What people and scripts prove themselves with: API keys and tokens, kept as digests.

use std::time::Duration;

use sqlx::FromRow;

use super::{Db, StoreError, text::TokenKind};
use crate::{
    ids::{ApiKeyId, RoomId, UserId},
    secret::{Secret, SecretDigest},
    time::Millis,
};

/// A key pair in the clear, shown once.
#[derive(Debug, Clone)]
pub struct ApiKeyPair {
    /// Names the pair; not secret.
    pub api_id: String,
    /// Proves it.
    pub api_key: Secret,
}

/// An API key as it is kept.
#[derive(Debug, Clone, FromRow)]
pub struct ApiKeyRow {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub user_id: UserId,
    /// The digest of the secret half.
    pub key_sha256: SecretDigest,
    /// The first digits of the secret half, for its owner to tell keys apart.
    pub prefix: String,
    /// When it was made.
    pub created: Millis,
    /// When it was last used.
    pub last_used: Option<Millis>,
}

/// A token as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct TokenRow {
    /// Who it speaks for.
    pub user_id: UserId,
    /// What it is good for.
    pub kind: TokenKind,
    /// The room that a guest is confined to.
    pub room_id: Option<RoomId>,
    /// When it ends.
    pub expires: Millis,
    /// Who of those who run the server acts with it, if one does.
    pub impersonator_id: Option<UserId>,
    /// Whether its owner's company is out of use.
    pub suspended: bool,
}

/// How much of a key is kept in the clear.
const PREFIX: usize = 6;

/// Makes an API key for a person. The secret half can never be had again.
///
/// # Errors
/// When the database fails.
pub async fn create_api_key(
    db: &mut Db,
    user: UserId,
    now: Millis,
) -> Result<ApiKeyPair, StoreError> {
    let pair =
        ApiKeyPair { api_id: Secret::random().reveal().to_owned(), api_key: Secret::random() };
    let sql = "INSERT INTO api_keys (id, user_id, api_id, key_sha256, prefix, created) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(ApiKeyId::new())
        .bind(user)
        .bind(&pair.api_id)
        .bind(pair.api_key.digest())
        .bind(&pair.api_key.reveal()[..PREFIX])
        .bind(now)
        .execute(db)
        .await?;
    Ok(pair)
}

/// The key that goes by `api_id`, unless it is revoked or its owner may not sign in.
///
/// # Errors
/// When the database fails.
pub async fn api_key(db: &mut Db, api_id: &str) -> Result<Option<ApiKeyRow>, StoreError> {
    let sql = "SELECT k.id, k.user_id, k.key_sha256, k.prefix, k.created, k.last_used \
               FROM api_keys k JOIN users u ON u.id = k.user_id \
               WHERE k.api_id = $1 AND k.revoked IS NULL AND u.account_status <> 'DELETED'";
    Ok(sqlx::query_as(sql).bind(api_id.to_ascii_uppercase()).fetch_optional(db).await?)
}

/// The newest key of a person that is not revoked.
///
/// # Errors
/// When the database fails.
pub async fn newest_api_key(db: &mut Db, user: UserId) -> Result<Option<ApiKeyRow>, StoreError> {
    let sql = "SELECT id, user_id, key_sha256, prefix, created, last_used FROM api_keys \
               WHERE user_id = $1 AND revoked IS NULL ORDER BY created DESC, id DESC LIMIT 1";
    Ok(sqlx::query_as(sql).bind(user).fetch_optional(db).await?)
}

/// Notes that a key was used.
///
/// # Errors
/// When the database fails.
pub async fn touch_api_key(db: &mut Db, id: ApiKeyId, now: Millis) -> Result<(), StoreError> {
    sqlx::query("UPDATE api_keys SET last_used = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// What a new token is for.
#[derive(Debug, Clone, Copy)]
pub struct NewToken {
    /// Who it speaks for.
    pub user_id: UserId,
    /// What it is good for.
    pub kind: TokenKind,
    /// The room that a guest is confined to.
    pub room_id: Option<RoomId>,
    /// How long it is good for.
    pub lifetime: Duration,
}

/// Makes a token.
///
/// # Errors
/// When the database fails.
pub async fn create_token(db: &mut Db, token: NewToken, now: Millis) -> Result<Secret, StoreError> {
    let secret = Secret::random();
    let sql = "INSERT INTO tokens (sha256, user_id, kind, room_id, created, expires) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(secret.digest())
        .bind(token.user_id)
        .bind(token.kind)
        .bind(token.room_id)
        .bind(now)
        .bind(now.plus(token.lifetime))
        .execute(db)
        .await?;
    Ok(secret)
}

/// The token that somebody presents, if it is one, has not expired, and its owner may sign in.
/// The caller decides what its kind is good for.
///
/// # Errors
/// When the database fails.
pub async fn token(
    db: &mut Db,
    presented: &str,
    now: Millis,
) -> Result<Option<TokenRow>, StoreError> {
    let sql = "SELECT t.user_id, t.kind, t.room_id, t.expires, t.impersonator_id, COALESCE(u.sysop = FALSE \
               AND (c.active = FALSE OR c.start_date > $2 \
               OR c.expiry_date - c.expiry_date % 86400000 + 86400000 <= $2), FALSE) AS suspended \
               FROM tokens t JOIN users u ON u.id = t.user_id \
               LEFT JOIN companies c ON c.id = u.company_id \
               WHERE t.sha256 = $1 AND t.expires > $2 AND u.account_status <> 'DELETED'";
    let digest = SecretDigest::of(presented);
    Ok(sqlx::query_as(sql).bind(digest).bind(now).fetch_optional(db).await?)
}

/// Takes a one-time token out of the database and says whose it was. A second call with the
/// same token finds nothing.
///
/// # Errors
/// When the database fails.
pub async fn redeem_one_time(
    db: &mut Db,
    presented: &str,
    now: Millis,
) -> Result<Option<UserId>, StoreError> {
    let sql = "DELETE FROM tokens WHERE sha256 = $1 AND kind = 'ONE_TIME' AND expires > $2 \
               RETURNING user_id";
    let digest = SecretDigest::of(presented);
    Ok(sqlx::query_scalar(sql).bind(digest).bind(now).fetch_optional(db).await?)
}

/// Notes who acts with somebody else's token.
///
/// # Errors
/// When the database fails.
pub async fn set_impersonator(db: &mut Db, presented: &str, by: UserId) -> Result<(), StoreError> {
    let sql = "UPDATE tokens SET impersonator_id = $2 WHERE sha256 = $1";
    sqlx::query(sql).bind(SecretDigest::of(presented)).bind(by).execute(db).await?;
    Ok(())
}

/// Ends the tokens that confine guests to a room.
///
/// # Errors
/// When the database fails.
pub async fn end_room_tokens(db: &mut Db, room: RoomId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM tokens WHERE room_id = $1").bind(room).execute(db).await?;
    Ok(())
}

/// Deletes the tokens that have expired; says how many.
///
/// # Errors
/// When the database fails.
pub async fn forget_expired(db: &mut Db, now: Millis) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM tokens WHERE expires <= $1").bind(now).execute(db).await?;
    Ok(done.rows_affected())
}

/// The server's own secret of this name, drawn when it is first asked for.
///
/// # Errors
/// When the database fails.
pub async fn server_secret(db: &mut Db, name: &str, now: Millis) -> Result<Secret, StoreError> {
    let sql = "INSERT INTO server_secrets (name, value, created) VALUES ($1, $2, $3) \
               ON CONFLICT (name) DO NOTHING";
    sqlx::query(sql).bind(name).bind(Secret::random().reveal()).bind(now).execute(&mut *db).await?;
    let sql = "SELECT value FROM server_secrets WHERE name = $1";
    let value: String = sqlx::query_scalar(sql).bind(name).fetch_one(db).await?;
    Ok(Secret::from_stored(value))
}
