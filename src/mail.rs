//! Mail that the server sends: for now into files below the data folder, for its owner to send on.

use std::path::{Path, PathBuf};

use tokio::{fs, io::AsyncWriteExt as _};

use crate::{app::App, ids::AnyId, time::Millis};

/// Where in the data folder mail is left.
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

/// Sends a message. A failure is logged: what it tells of has happened all the same.
pub async fn send(app: &App, mail: Mail) {
    match leave(&app.config.data, &mail).await {
        Ok(file) => tracing::info!(file = %file.display(), "mail was left in a file"),
        Err(error) => tracing::error!(%error, "mail was not sent"),
    }
}

/// Leaves a message in a file that only its owner may read: it may hold a link that lets somebody
/// in. The file is there whole or not at all.
async fn leave(data: &Path, mail: &Mail) -> std::io::Result<PathBuf> {
    let folder = data.join(FOLDER);
    fs::create_dir_all(&folder).await?;
    let name = AnyId::new();
    let (file, part) = (folder.join(format!("{name}.eml")), folder.join(format!("{name}.part")));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut out = options.open(&part).await?;
    out.write_all(written(mail, Millis::now()).as_bytes()).await?;
    out.sync_all().await?;
    fs::rename(&part, &file).await?;
    Ok(file)
}

/// The message as RFC 5322 has it. Whatever came from a client is on one line, so that nobody
/// writes headers of their own.
fn written(mail: &Mail, now: Millis) -> String {
    let line = |text: &str| text.replace(|c: char| c.is_control(), " ");
    let body = mail.text.replace("\r\n", "\n").replace('\n', "\r\n");
    format!(
        "To: {}\r\nSubject: {}\r\nX-Rushes-Date: {now}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}",
        line(&mail.to),
        line(&mail.subject),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_writes_headers_of_their_own() {
        let mail = Mail {
            to: "guest@rushes.test".into(),
            subject: "Room\r\nBcc: other@rushes.test".into(),
            text: "One\nTwo\n".into(),
        };
        let text = written(&mail, Millis(0));
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert_eq!(body, "One\r\nTwo\r\n");
    }
}
