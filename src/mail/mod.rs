//! Mail that the server sends: by SMTP where that is configured, else into files below the data
//! folder, for its owner to send on.

mod config;
mod letter;
mod outbox;
mod retry;
mod seal;
mod smtp;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use lettre::{Address, message::Mailbox};
use tokio::{fs, io::AsyncWriteExt as _};

use self::letter::{Form, letter};
pub(crate) use self::{
    config::MailOptions,
    outbox::{resume, run},
};
pub use self::{
    config::{BadMail, Encryption, Hidden, MailConfig, SmtpServer, StartTls},
    outbox::{Outbox, Tally},
    retry::Retry,
    seal::{MailKey, Unreadable},
};
use crate::{
    app::App, config::Config, error::ApiResult, ids::MailId, rpc::Ctx, store::Db, time::Millis,
};

/// Where in the data folder mail is left that nobody sends.
const FOLDER: &str = "mail";

/// A message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// A mail that goes out when the transaction that it was posted in has committed.
#[must_use = "a mail is on its way when its transaction has committed"]
pub struct Posted {
    app: Arc<App>,
    /// What goes into a file; what goes out by SMTP is in the outbox already.
    file: Option<Mail>,
}

/// Posts a mail, by the transaction of what it tells: there is one with the other, or neither.
///
/// # Errors
/// 900 when too much mail waits; when the database fails.
pub async fn post(db: &mut Db, app: &Arc<App>, mail: Mail, now: Millis) -> ApiResult<Posted> {
    let app = Arc::clone(app);
    let Some(outbox) = &app.outbox else { return Ok(Posted { app, file: Some(mail) }) };
    outbox.put(db, &mail, now).await?;
    Ok(Posted { app, file: None })
}

/// Posts a mail of a request.
///
/// # Errors
/// Like [`post`].
pub async fn send(ctx: &mut Ctx, mail: Mail) -> ApiResult<()> {
    let (app, now) = (Arc::clone(ctx.app()), ctx.now());
    let posted = post(ctx.db(), &app, mail, now).await?;
    ctx.after_commit(posted.committed());
    Ok(())
}

impl Posted {
    /// Sends it. A failure is logged: what it tells of has happened all the same.
    pub async fn committed(self) {
        let Some(mail) = self.file else {
            if let Some(outbox) = &self.app.outbox {
                outbox.wake();
            }
            return;
        };
        match leave(&self.app.config, &mail).await {
            Ok(file) => tracing::info!(file = %file.display(), "mail was left in a file"),
            Err(error) => tracing::error!(%error, "mail was not sent"),
        }
    }
}

/// Whom mail is from. Files need no sender, and have one all the same.
fn sender(config: &Config) -> Mailbox {
    let nobody = || Mailbox::new(None, Address::new_dangerous("rushes", "localhost"));
    config.mail.from.clone().unwrap_or_else(nobody)
}

/// Leaves a message in a file that only its owner may read: it may hold a link that lets somebody
/// in. The file is there whole or not at all.
async fn leave(config: &Config, mail: &Mail) -> std::io::Result<PathBuf> {
    let id = MailId::new();
    let letter = letter(mail, id, &sender(config), Millis::now(), Form::Readable);
    let letter = letter.map_err(std::io::Error::other)?.formatted();
    let folder = config.data.join(FOLDER);
    fs::create_dir_all(&folder).await?;
    let file = folder.join(format!("{id}.eml"));
    write_whole(&file, &letter).await?;
    Ok(file)
}

async fn write_whole(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = file.with_extension("part");
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut out = options.open(&part).await?;
    out.write_all(bytes).await?;
    out.sync_all().await?;
    fs::rename(&part, file).await
}
