//! The first start of a server on an empty data folder.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use serde_json::json;

use crate::{
    provision,
    secret::Secret,
    server::RunError,
    store::{Store, StoreError, companies, credentials, users},
    time::Millis,
};

/// The name of the file with the first administrator's key.
const ADMIN: &str = "admin.json";

/// The address the first administrator goes by until somebody changes it.
const EMAIL: &str = "admin@rushes.test";

/// Makes the first company with its administrator and their API key, where there is no company,
/// and leaves the key in `admin.json`, for the owner of the process alone to read.
///
/// The file is written before the commit: a crash between the two leaves a key that opens
/// nothing, and the next start writes another. The other way round the key would be lost.
pub(crate) async fn first_start(store: &Store, data: &Path) -> Result<(), RunError> {
    let failed = |error: StoreError| RunError::Store(error);
    let mut tx = store.write().await?;
    if companies::count(&mut tx).await? > 0 {
        return Ok(());
    }
    let now = Millis::now();
    let company = companies::create(&mut tx, "Rushes", now).await?;
    let user =
        provision::create_user(&mut tx, company, EMAIL, ("First", "Administrator"), true, now)
            .await?;
    users::set_sysop(&mut tx, user, true).await?;
    let key = credentials::create_api_key(&mut tx, user, now).await?;
    let admin = json!({
        "company_id": company,
        "user_id": user,
        "email": EMAIL,
        "api_id": key.api_id,
        "api_key": key.api_key.reveal(),
    });
    write_whole(&data.join(ADMIN), &format!("{admin:#}\n"))?;
    tx.commit().await.map_err(|error| failed(error.into()))
}

/// Bytes of a key that lies in a file of its own.
pub(crate) const KEY: usize = 32;

/// Reads a key of 256 bits from a file that only its owner may read (64 hex digits), and draws it
/// where there is none.
///
/// # Errors
/// When the file cannot be read or written, or holds something else: nothing replaces a key.
pub(crate) fn key_of(file: &Path) -> Result<[u8; KEY], RunError> {
    let failed = |cause| RunError::File { file: file.to_owned(), cause };
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!("{}\n", Secret::random().reveal());
            write_whole(file, &text)?;
            text
        }
        Err(cause) => return Err(failed(cause)),
    };
    let mut key = [0; KEY];
    hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
        failed(io::Error::new(io::ErrorKind::InvalidData, "64 hex digits are expected"))
    })?;
    let mode = fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!(file = %file.display(), "others may read this key: chmod 600");
    }
    Ok(key)
}

/// Writes a file that only its owner may read, in one step: nobody ever reads half of it.
pub(crate) fn write_whole(file: &Path, text: &str) -> Result<(), RunError> {
    let part = file.with_extension("part");
    let write = || -> io::Result<()> {
        // One that a crash left may have other permissions; `mode` is for new files only.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&part, file)
    };
    write().map_err(|cause| RunError::File { file: file.to_owned(), cause })
}
