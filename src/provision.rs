//! Setting things up from outside the API: for the command line, the first start and the demo.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    ids::{AssetId, CompanyId, FileId, ProjectId, RoomId, UserId},
    mail::Mail,
    store::{
        Db, StoreError,
        asset_files::{self, AssetFileRow, NewAssetFile},
        assets::{self, AssetRow, NewAsset},
        companies::{self, MembershipRow},
        credentials::{self, NewToken},
        members::{self, MemberRow},
        rooms,
        text::{AccountStatus, TokenKind},
        users::{self, NewUser, UserRow},
    },
    time::Millis,
};

/// How long a login link works.
pub const LOGIN_LINK_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the link of a room's guest works.
pub const GUEST_LINK_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Creates a person who belongs to a company. What a guest with their address was in rooms they
/// are from now on.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_users_email`) when the address is taken; [`StoreError::ForeignKey`]
/// when the company is absent.
pub async fn create_user(
    db: &mut Db,
    company_id: CompanyId,
    email: &str,
    (first_name, last_name): (&str, &str),
    is_admin: bool,
    now: Millis,
) -> Result<UserId, StoreError> {
    let user = NewUser {
        email: Some(email.to_owned()),
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        company_id: Some(company_id),
        ..NewUser::default()
    };
    let id = users::create(db, &user, now).await?;
    let membership = MembershipRow { company_id, is_admin, is_owner: true };
    companies::set_member(db, id, membership, now).await?;
    // Not called by a server: rooms in use elsewhere learn it when they come into memory again.
    let _ = rooms::adopt_guest(db, &email.trim().to_lowercase(), id).await?;
    Ok(id)
}

/// Lets a person into a folder, with a security group (see [`crate::store::security::default`]).
///
/// # Errors
/// [`StoreError::ForeignKey`] when one of the three is absent.
pub async fn add_project_member(
    db: &mut Db,
    project: ProjectId,
    user: UserId,
    security_group_id: i64,
    now: Millis,
) -> Result<(), StoreError> {
    let member = MemberRow { security_group_id, project_role: None };
    members::set_project_member(db, project, user, &member, now).await
}

/// A link that signs a person in once, and then shows them `next` (a path of the web client, as
/// `/rooms/…`).
///
/// # Errors
/// When the database fails.
pub async fn login_link(
    db: &mut Db,
    public_url: &str,
    user_id: UserId,
    next: Option<&str>,
    now: Millis,
) -> Result<String, StoreError> {
    sign_in_link(db, public_url, user_id, next, LOGIN_LINK_LIFETIME, now).await
}

/// Like [`login_link`], for as long as it is said.
///
/// # Errors
/// When the database fails.
pub async fn sign_in_link(
    db: &mut Db,
    public_url: &str,
    user_id: UserId,
    next: Option<&str>,
    lifetime: Duration,
    now: Millis,
) -> Result<String, StoreError> {
    let token = NewToken { user_id, kind: TokenKind::OneTime, room_id: None, lifetime };
    let secret = credentials::create_token(db, token, now).await?;
    let next = next.map(|next| format!("&next={next}")).unwrap_or_default();
    Ok(format!("{public_url}/#/login?token={}{next}", secret.reveal()))
}

/// How long the link of an invitation works.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The mail that tells somebody that `from` has let them in to `name`, which is at `page` of the
/// web client. Whoever has not signed in yet gets a link that does. Guests have no address.
///
/// # Errors
/// When the database fails.
pub async fn invitation(
    db: &mut Db,
    public_url: &str,
    user: &UserRow,
    from: &str,
    name: &str,
    page: &str,
    now: Millis,
) -> Result<Option<Mail>, StoreError> {
    let Some(to) = user.email.clone() else { return Ok(None) };
    let waits = user.account_status == AccountStatus::Invited;
    let (url, closing) = if waits {
        let lifetime = INVITATION_LIFETIME;
        let url = sign_in_link(db, public_url, user.id, Some(page), lifetime, now).await?;
        (url, "The link signs you in, works once and for seven days, and is for you alone.\n")
    } else {
        (format!("{public_url}/#{page}"), "Sign in as you always do.\n")
    };
    Ok(Some(Mail {
        to,
        subject: format!("{from} invites you to {name}"),
        text: format!("{from} has let you in to {name}.\n\nOpen it here:\n{url}\n\n{closing}"),
    }))
}

/// The guest of a room who goes by an address, made if absent, and the link that lets them in.
/// It ends the link that they had before, and whoever came in by that.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the room is absent.
pub async fn guest_link(
    db: &mut Db,
    public_url: &str,
    room: RoomId,
    email: &str,
    now: Millis,
) -> Result<(UserId, String), StoreError> {
    let email = email.trim().to_lowercase();
    let seat = match rooms::guest_with_email(db, room, &email).await? {
        Some(seat) => seat,
        None => {
            let name = email.split('@').next().unwrap_or_default().to_owned();
            let guest = NewUser { first_name: name, ..NewUser::default() };
            let user = users::create(db, &guest, now).await?;
            rooms::add_seat(db, room, user, Some(&email), now).await?
        }
    };
    let link = rooms::new_link(db, seat.id, now.plus(GUEST_LINK_LIFETIME)).await?;
    Ok((seat.user_id, format!("{public_url}/#/guest?u={link}")))
}

/// Creates an asset with its one file, which a browser plays, and puts a copy of the file into the
/// data folder. `file.location` and `file.bytes` are found out; the rest says what the file is.
///
/// # Errors
/// When the file cannot be copied or the database fails. A copy that was made remains, without
/// anything that refers to it, when the transaction is not committed.
pub async fn create_asset_with_file(
    db: &mut Db,
    data: &Path,
    asset: &NewAsset,
    source: &Path,
    mut file: NewAssetFile,
    now: Millis,
) -> Result<(AssetRow, AssetFileRow), ProvisionError> {
    let mut asset = asset.clone();
    let ending = source.extension().and_then(|ending| ending.to_str()).unwrap_or("bin");
    ending.clone_into(&mut asset.ext);
    if file.file_name.is_empty() {
        file.file_name = format!("{}.{ending}", asset.name);
    }
    let row = assets::create(db, &asset, now).await?;
    file.location = new_location(row.id, ending);
    let target = data.join(&file.location);
    if let Some(folder) = target.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let bytes = tokio::fs::copy(source, &target).await?;
    file.bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    file.is_playable = true;
    file.is_primary = true;
    let file = asset_files::create(db, row.id, asset.owner_id, &file, now).await?;
    Ok((row, file))
}

/// A place below the data folder for a new file of an asset. Only ids and the ending are in it,
/// so that no name of a client ever becomes a path.
fn new_location(asset: AssetId, ending: &str) -> String {
    let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let path: PathBuf =
        ["files", &asset.to_string(), &format!("{}.{ending}", FileId::new())].iter().collect();
    path.to_string_lossy().replace('\\', "/")
}

/// Gives an asset a file of another one: the same bytes on the disk where the file system can have
/// them under two names, a copy where it cannot. Says where it is, below the data folder.
///
/// # Errors
/// When the file cannot be copied.
pub async fn copy_file(data: &Path, location: &str, asset: AssetId) -> io::Result<String> {
    let ending = location.rsplit_once('.').map_or("bin", |(_, ending)| ending);
    let new = new_location(asset, ending);
    let (from, to) = (data.join(location), data.join(&new));
    if let Some(folder) = to.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    if tokio::fs::hard_link(&from, &to).await.is_err() {
        tokio::fs::copy(&from, &to).await?;
    }
    Ok(new)
}

/// Why something could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
