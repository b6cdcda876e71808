//! Persistence: the one place where SQL exists.
//!
//! One connection writes and a pool of others reads, which is what SQLite does best: a writer
//! never waits for a lock held by another of our own connections, and WAL lets readers go on.

mod types;

use std::{path::Path, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// A connection, inside a transaction.
pub type Db = sqlx::SqliteConnection;

/// A transaction; rolls back when dropped without [`Transaction::commit`].
pub type Tx = Transaction<'static, Sqlite>;

/// How the database answered a request it could not serve.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database or its driver failed, or a constraint was violated.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// The database of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the database file, creating it if absent.
    ///
    /// # Errors
    /// When the file cannot be opened, or is not a database.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Acknowledged writes must survive a loss of power too.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let writer =
            SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        let readers = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that only reads, on a consistent snapshot.
    ///
    /// # Errors
    /// When no connection becomes free in time.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(self.readers.begin().await?)
    }

    /// Begins a transaction that may write; at most one at a time exists.
    ///
    /// # Errors
    /// When the writer does not become free in time.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Closes all connections, after the transactions still open.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
