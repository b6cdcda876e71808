//! The database file, its one writer and its readers.

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    migrate::Migrator,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{StoreError, credentials};
use crate::{secret::Secret, time::Millis};

/// A connection, inside a transaction.
pub type Db = sqlx::SqliteConnection;

/// A transaction; rolls back when dropped without [`Transaction::commit`].
pub type Tx = Transaction<'static, Sqlite>;

/// A connection for one statement at a time, outside of a transaction.
pub type Asking = PoolConnection<Sqlite>;

/// The schema, step by step.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The name of the key that the server signs links with.
const SIGNING_KEY: &str = "signing-key";

/// Readers beyond this wait: SQLite's readers do no more at once than there are cores, and each
/// keeps a page cache.
const READERS: u32 = 8;

/// Readers for those whom the holders of other readers wait for.
const ASIDE: u32 = 2;

/// How long a request waits for a connection before it fails.
const ACQUIRE: Duration = Duration::from_secs(10);

/// How long a statement waits for a lock. Only another process can hold one (`rushes admin` on a
/// running server): our own writer has no rival, and readers of a WAL never wait.
const BUSY: Duration = Duration::from_secs(10);

/// The database of a server. Cheap to clone.
///
/// One connection writes and a pool of others reads, which is what SQLite does best: writers
/// queue here, in order, where waiting costs nothing, and not inside SQLite, where it is polling;
/// and readers go on meanwhile, each on the state that was committed when it began.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
    aside: SqlitePool,
    signing_key: Arc<Secret>,
}

impl Store {
    /// Opens the database file, creating it if absent, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a database, or is of a later version of the server.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let writer = pool(1).connect_with(options(file)).await?;
        MIGRATIONS.run(&writer).await?;
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
        let signing_key = credentials::server_secret(&mut tx, SIGNING_KEY, Millis::now()).await?;
        tx.commit().await?;
        // A handler that is registered as reading and writes all the same fails at once, and not
        // when it meets the writer.
        let reading = options(file).pragma("query_only", "ON");
        let readers = pool(READERS).connect_with(reading.clone()).await?;
        let aside = pool(ASIDE).connect_lazy_with(reading);
        Ok(Self { writer, readers, aside, signing_key: Arc::new(signing_key) })
    }

    /// What the server signs its own links with. It is drawn once for a database and kept in it:
    /// links stay good over a restart, and those of another server never are.
    #[must_use]
    pub fn signing_key(&self) -> &Secret {
        &self.signing_key
    }

    /// Begins a transaction that only reads, on a consistent snapshot.
    ///
    /// # Errors
    /// When no connection becomes free in time.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(self.readers.begin().await?)
    }

    /// A connection that only reads, for one statement, which is a snapshot of its own. What a
    /// transaction takes besides (a word to SQLite's thread and back at either end) is more than
    /// such a statement takes, and thousands of clients come back at once.
    ///
    /// # Errors
    /// When no connection becomes free in time.
    pub async fn ask(&self) -> Result<Asking, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// Like [`Store::read`], on connections of its own: for a room that is read from the store
    /// while requests wait for it, each of which may hold one of the others.
    ///
    /// # Errors
    /// When no connection becomes free in time.
    pub async fn read_aside(&self) -> Result<Tx, StoreError> {
        Ok(self.aside.begin().await?)
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
        self.aside.close().await;
        self.writer.close().await;
    }
}

/// Options of a pool. No connection is tried out before it is used: they lead to a file, and do
/// not break while nobody looks.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
}

/// Rows that SQLite's thread may be ahead of whoever reads them. Reading a row takes longer than
/// finding the next, so that the thread waits when it is so far ahead; short of that both run on
/// without waking each other for every row, which costs more than the row. A list of so many
/// folders is some megabytes, and its reader keeps them all anyway.
const AHEAD: usize = 4096;

/// Options of every connection.
///
/// `synchronous = FULL`: in WAL mode it is the setting under which a commit is on the disk before
/// it returns. A killed process loses nothing under NORMAL either (the pages are the kernel's by
/// then), but a machine that loses power would lose what had been acknowledged. The price is one
/// fsync for each commit, which the room journal shares among its commands.
fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .row_buffer_size(AHEAD)
}
