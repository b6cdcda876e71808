//! The outbox: mail that was promised and is not delivered yet.
//!
//! A mail is a row that is written by the transaction of what it tells. One task looks for what is
//! due, has a few on their way at a time, and notes what became of each. A mail is delivered once
//! or, when the server ends between the mail server's word and the note of it, twice, with one
//! Message-ID.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    task::{Id as TaskId, JoinError, JoinSet},
    time::{sleep, timeout},
};

use super::{
    Mail, MailKey,
    letter::{Form, letter},
    smtp::{Failure, Transport},
};
use crate::{
    app::App,
    config::Config,
    error::{ApiError, ApiResult, Code},
    ids::MailId,
    server::RunError,
    store::{
        Db, Store, StoreError,
        outbox::{self, OutboxRow},
    },
    time::Millis,
};

/// Mails on their way at a time: more connections from one sender are what mail servers refuse.
const AT_ONCE: usize = 4;

/// Mails that may wait. Beyond that, what would send another is refused.
const FULL: i64 = 10_000;

/// How often it looks by itself: `rushes admin mail --again` is another process.
const LOOK: Duration = Duration::from_secs(30);

/// How long mails under way have when the server ends.
const LAST: Duration = Duration::from_secs(5);

/// The pause when the database fails.
const PAUSE: Duration = Duration::from_secs(1);

/// How long mails that failed are kept: as long as the longest-lived link in one works.
const KEPT: Duration = crate::provision::GUEST_LINK_LIFETIME;

/// What became of mails since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Mails that were taken.
    pub sent: u64,
    /// Tries that are to be made again.
    pub deferred: u64,
    /// Mails that were given up or refused.
    pub failed: u64,
}

/// The outbox of a server that sends by SMTP.
pub struct Outbox {
    key: MailKey,
    transport: Transport,
    wake: Notify,
    tally: watch::Sender<Tally>,
}

impl Outbox {
    /// The outbox of a server that is configured to send; none for one that leaves its mail in
    /// files.
    ///
    /// # Errors
    /// When the key cannot be read or written, or TLS does not work with the certificates.
    pub(crate) fn open(config: &Config) -> Result<Option<Self>, RunError> {
        let Some(smtp) = &config.mail.smtp else { return Ok(None) };
        let key = MailKey::open(&config.data)?;
        let transport = Transport::new(smtp, &hello(config))
            .map_err(|error| RunError::Mail(error.to_string()))?;
        let (wake, tally) = (Notify::new(), watch::Sender::default());
        Ok(Some(Self { key, transport, wake, tally }))
    }

    /// What became of mails since the start, and news of it.
    #[must_use]
    pub fn tally(&self) -> watch::Receiver<Tally> {
        self.tally.subscribe()
    }

    /// Puts a mail in, by the transaction of what it tells.
    pub(super) async fn put(&self, db: &mut Db, mail: &Mail, now: Millis) -> ApiResult<()> {
        if outbox::waiting(db, FULL).await? >= FULL {
            return Err(ApiError::new(Code::TOO_FAST)
                .message("Too much mail waits to be sent, try again later"));
        }
        let id = MailId::new();
        let text = serde_json::to_string(&(&mail.subject, &mail.text))
            .map_err(|error| ApiError::internal(&error))?;
        let sealed = self.key.seal(id, &text);
        Ok(outbox::add(db, id, &mail.to, &sealed, now).await?)
    }

    /// Says that there is something new.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    async fn deliver(&self, config: &Config, row: &OutboxRow) -> Result<(), Failure> {
        let permanent = |error: &dyn std::fmt::Display| Failure::Permanent(error.to_string());
        let text = self.key.open_sealed(row.id, &row.sealed).map_err(|e| permanent(&e))?;
        let (subject, text) = serde_json::from_str(&text).map_err(|e| permanent(&e))?;
        let mail = Mail { to: row.recipient.clone(), subject, text };
        let from = super::sender(config);
        let letter = letter(&mail, row.id, &from, row.queued, Form::Ascii);
        self.transport.send(letter.map_err(|e| permanent(&e))?).await
    }
}

/// What the server calls itself to others: the name that people reach it by, else the domain that
/// it sends from.
fn hello(config: &Config) -> String {
    let url = config.public_url.as_deref().and_then(|url| url.split_once("://"));
    let host = url.and_then(|(_, rest)| rest.split(['/', ':', '[']).next());
    let name = host.filter(|host| host.contains('.') && host.parse::<std::net::IpAddr>().is_err());
    name.map_or_else(|| super::sender(config).email.domain().to_owned(), str::to_owned)
}

/// Readies what a server before has left: all that waits is due at once, because whoever put the
/// configuration right starts the server again.
///
/// # Errors
/// When the database fails.
pub(crate) async fn resume(store: &Store, sends: bool) -> Result<(), StoreError> {
    let now = Millis::now();
    let mut tx = store.write().await?;
    outbox::hurry(&mut tx, now).await?;
    outbox::forget(&mut tx, before(now)).await?;
    let count = outbox::count(&mut tx).await?;
    tx.commit().await?;
    if count.failed > 0 {
        tracing::warn!(mails = count.failed, "not delivered: see rushes admin mail");
    }
    if count.waiting > 0 && !sends {
        tracing::warn!(mails = count.waiting, "mail waits for a server to send it by: set --smtp");
    }
    Ok(())
}

/// Sends what is in the outbox, until the server ends.
pub(crate) async fn run(app: Arc<App>) {
    let Some(outbox) = &app.outbox else { return };
    let mut under_way = UnderWay::default();
    loop {
        let wait = begin_due(&app, &mut under_way).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the outbox cannot be read");
            PAUSE
        });
        tokio::select! {
            () = app.stop.cancelled() => break,
            () = outbox.wake.notified() => {}
            Some(ended) = under_way.tasks.join_next_with_id() => under_way.ended(&app, ended).await,
            () = sleep(wait) => {}
        }
    }
    let finish = async {
        while let Some(ended) = under_way.tasks.join_next_with_id().await {
            under_way.ended(&app, ended).await;
        }
    };
    if timeout(LAST, finish).await.is_err() {
        tracing::info!("mail that was under way is sent after the next start");
    }
}

/// The mails that are being sent.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    rows: HashMap<TaskId, OutboxRow>,
}

impl UnderWay {
    fn has(&self, id: MailId) -> bool {
        self.rows.values().any(|row| row.id == id)
    }

    fn begin(&mut self, app: &Arc<App>, row: OutboxRow) {
        let (app, of_task) = (Arc::clone(app), row.clone());
        let task = self.tasks.spawn(async move { send(&app, of_task).await });
        self.rows.insert(task.id(), row);
    }

    /// Takes leave of one that has ended. A panic is a try that failed.
    async fn ended(&mut self, app: &Arc<App>, ended: Result<(TaskId, ()), JoinError>) {
        let (id, panic) = match ended {
            Ok((id, ())) => (id, None),
            Err(error) => (error.id(), Some(error.to_string())),
        };
        if let (Some(row), Some(error)) = (self.rows.remove(&id), panic) {
            note(app, &row, Err(Failure::Temporary(error))).await;
        }
    }
}

/// Begins to send what is due, as far as there is room, and says how long nothing else will be.
async fn begin_due(app: &Arc<App>, under_way: &mut UnderWay) -> Result<Duration, StoreError> {
    // Those under way are among the first, and nobody else changes the order.
    let most = i64::try_from(2 * AT_ONCE).unwrap_or(i64::MAX);
    let mut tx = app.store.read().await?;
    let rows = outbox::next(&mut tx, most).await?;
    drop(tx);
    let now = Millis::now();
    for row in rows {
        if under_way.has(row.id) {
            continue;
        }
        if row.next_try > now {
            return Ok(row.next_try.since(now).min(LOOK));
        }
        if under_way.rows.len() >= AT_ONCE {
            break;
        }
        under_way.begin(app, row);
    }
    Ok(LOOK)
}

async fn send(app: &Arc<App>, row: OutboxRow) {
    let Some(outbox) = &app.outbox else { return };
    let result = outbox.deliver(&app.config, &row).await;
    note(app, &row, result).await;
}

/// Notes what became of a try. While the database fails the mail keeps its place: what was taken
/// is not to be sent again.
async fn note(app: &App, row: &OutboxRow, result: Result<(), Failure>) {
    let now = Millis::now();
    let tries = u32::try_from(row.tries).unwrap_or(u32::MAX).saturating_add(1);
    let fate = match result {
        Ok(()) => Fate::Delivered,
        Err(Failure::Permanent(error)) => Fate::Failed { error, why: "the mail server refuses it" },
        Err(Failure::Temporary(error)) => {
            match app.config.mail.retry.next(tries, row.queued, now) {
                Some(next) => Fate::Deferred { error, next },
                None => Fate::Failed { error, why: "it was tried long enough" },
            }
        }
    };
    while let Err(error) = write(app, row.id, &fate, now).await {
        tracing::error!(mail = %row.id, %error, "what became of a mail cannot be noted");
        sleep(PAUSE).await;
    }
    tell(app, row, &fate, tries, now);
}

/// What becomes of a mail after a try.
enum Fate {
    Delivered,
    Deferred { error: String, next: Millis },
    Failed { error: String, why: &'static str },
}

async fn write(app: &App, id: MailId, fate: &Fate, now: Millis) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    match fate {
        Fate::Delivered => outbox::delivered(&mut tx, id).await?,
        Fate::Deferred { error, next } => outbox::deferred(&mut tx, id, *next, error).await?,
        Fate::Failed { error, .. } => {
            outbox::failed(&mut tx, id, error, now).await?;
            outbox::forget(&mut tx, before(now)).await?;
        }
    }
    tx.commit().await.map_err(StoreError::from)
}

/// Tells it: the log, the figures.
fn tell(app: &App, row: &OutboxRow, fate: &Fate, tries: u32, now: Millis) {
    let Some(outbox) = &app.outbox else { return };
    let (mail, to) = (row.id, &row.recipient);
    match fate {
        Fate::Delivered => tracing::info!(%mail, to, tries, "mail was sent"),
        Fate::Deferred { error, next } => {
            let seconds = next.since(now).as_secs();
            tracing::warn!(%mail, to, tries, %error, "mail was not taken, again in {seconds} s");
        }
        Fate::Failed { error, why } => tracing::error!(
            %mail, to, tries, %error,
            "mail is not delivered: {why}. See rushes admin mail; rushes admin mail --again sends it again"
        ),
    }
    outbox.tally.send_modify(|tally| match fate {
        Fate::Delivered => tally.sent += 1,
        Fate::Deferred { .. } => tally.deferred += 1,
        Fate::Failed { .. } => tally.failed += 1,
    });
}

/// What failed before this is forgotten.
fn before(now: Millis) -> Millis {
    Millis(now.0.saturating_sub(i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX)))
}
