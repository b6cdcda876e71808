//! QTAKE: its projects, and where their devices publish to.
//!
//! A registration connects a project of QTAKE with a folder. QTAKE publishes with the token of the
//! person who is signed in there, to `/start/live/whip/{its project}/{device}/{stream}`; each device
//! and stream is a source of its own, which goes with the registration.

mod token;

use std::fmt;

use serde_json::{Value, json};

pub use token::{BadKey, BadToken, QtakeKeys, Registration, read};

use super::{denied, is_name, stream_of};
use crate::{
    access::{self, Permission},
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, ProjectId, RegistrationId},
    rpc::Caller,
    store::{
        self, Db,
        live::{RegistrationRow, qtake::QtakeRow},
        text::SourceKind,
    },
};

/// What to do about a registration that nobody checked.
const UNVERIFIED: &str = "Nobody checked who made this QTAKE registration: the server had no key of \
    QTAKE's (--qtake-key-file, RUSHES_QTAKE_SECRET). With one, delete it and register again.";

/// How QTAKE calls one of its projects: a UUID, in whichever form, or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QtakeProject(String);

impl QtakeProject {
    /// The project that goes by this text; none if it can be no name in an address.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        // One UUID has several forms: dashed or not, in either casing.
        let uuid = text.parse::<AnyId>().ok().map(|id| id.to_string());
        is_name(text).then(|| Self(uuid.unwrap_or_else(|| text.to_owned())))
    }

    /// Its one form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ProjectId> for QtakeProject {
    fn from(id: ProjectId) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for QtakeProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a project that somebody publishes to leads.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: ProjectId,
    /// The registration that connects it with the folder.
    pub(super) registration: Option<RegistrationRow>,
}

/// The folder that the caller publishes into by naming `project`: a folder's own id, or a project of
/// QTAKE's that is registered where they may upload. A folder comes first, so that nobody takes
/// another's sources by registering its id.
pub(super) async fn place(db: &mut Db, caller: &Caller, project: &str) -> ApiResult<Place> {
    let unknown = || ApiError::new(Code::NOT_FOUND);
    let key = QtakeProject::new(project).ok_or_else(unknown)?;
    let registered = store::live::qtake::by_project(db, key.as_str()).await?;
    if let Ok(folder) = project.parse::<ProjectId>()
        && let Some(seen) = seen(db, caller, folder).await?
    {
        seen.rights().need(Permission::Upload)?;
        let registration = registered.into_iter().find(|row| row.project_id == folder);
        return Ok(Place { folder, registration });
    }
    let mut refused = unknown();
    let mut open = Vec::new();
    for row in registered {
        let Some(seen) = seen(db, caller, row.project_id).await? else { continue };
        match seen.rights().need(Permission::Upload) {
            Ok(()) => {
                let verified = row.qtake_verified.unwrap_or_default();
                open.push((row, verified));
            }
            Err(error) => refused = error,
        }
    }
    let many = open.len() > 1;
    match the_one(open, |row| row.owner_id == caller.user_id) {
        Some(row) => Ok(Place { folder: row.project_id, registration: Some(row) }),
        None if many => Err(denied(
            "this QTAKE project is registered in several folders that you may publish into: \
             publish to the id of a folder",
        )),
        None => Err(refused),
    }
}

async fn seen(
    db: &mut Db,
    caller: &Caller,
    folder: ProjectId,
) -> ApiResult<Option<store::projects::SeenProject>> {
    match access::project(db, caller, folder).await {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if error.code() == Code::NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

/// The registration that is meant: the only one, else the only one that the caller made, else the
/// only one of those that is verified. None where that tells nothing: pictures are not to go to
/// whoever registered first.
fn the_one(
    mut open: Vec<(RegistrationRow, bool)>,
    own: impl Fn(&RegistrationRow) -> bool,
) -> Option<RegistrationRow> {
    if open.iter().any(|(row, _)| own(row)) {
        open.retain(|(row, _)| own(row));
    }
    if open.len() > 1 {
        open.retain(|(_, verified)| *verified);
    }
    let (row, _) = open.pop()?;
    open.is_empty().then_some(row)
}

/// Whether a source needs not be put under a registration: it is, or has a token of its own and stays
/// what it is.
pub(super) fn is_under(source: &RegistrationRow, registration: RegistrationId) -> bool {
    !may_be_under(source) || source.qtake_id == Some(registration)
}

/// Whether a source came by a person's token alone.
fn may_be_under(source: &RegistrationRow) -> bool {
    source.kind == SourceKind::Whip && source.token_sha256.is_none()
}

/// Puts a source under the registration that it publishes by, within the one writing
/// transaction.
pub(super) async fn put_under(
    db: &mut Db,
    source: &RegistrationRow,
    registration: RegistrationId,
) -> ApiResult<()> {
    // It may have been deleted since it was looked up.
    if store::live::get(db, registration).await?.is_none() {
        return Err(ApiError::new(Code::NOT_FOUND));
    }
    if may_be_under(source) {
        store::live::qtake::put_under(db, source.id, registration).await?;
    }
    Ok(())
}

/// Where QTAKE publishes a registered project to: device and stream follow.
#[must_use]
pub(crate) fn url(app: &App, row: &QtakeRow) -> String {
    format!("{}/start/live/whip/{}", app.public_url(), crate::web::segment(&row.qtake_project))
}

/// What there is to say of a QTAKE registration, or of a source under one.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) row: QtakeRow,
    /// What its streams do, or the source itself.
    pub(crate) state: Option<Value>,
    /// The sources under it, where it is the registration.
    streams: Vec<Value>,
    own: bool,
}

impl Told {
    /// What is in the details, as `qtake`.
    pub(crate) fn details(&self) -> Value {
        let mut told = json!({
            "project": self.row.qtake_project,
            "verified": self.row.verified,
            "expires": self.row.expires,
        });
        if self.own {
            told["streams"] = json!(self.streams);
        } else {
            told["registration"] = json!(self.row.registration_id);
        }
        told
    }

    /// What is wrong, in words for those who set it up.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        (!self.row.verified).then_some(UNVERIFIED)
    }
}

/// What there is to say of a registration as one of QTAKE's; none if it is none. Those of `others`
/// that publish under it are told of with it.
pub(crate) async fn told(
    app: &App,
    row: &RegistrationRow,
    others: &[RegistrationRow],
) -> Option<Told> {
    let known = row.qtake()?;
    if row.kind != SourceKind::Qtake {
        return Some(Told { row: known, state: None, streams: Vec::new(), own: false });
    }
    let (mut streams, mut states) = (Vec::new(), Vec::new());
    let under = |other: &&RegistrationRow| other.qtake_id == Some(row.id) && other.id != row.id;
    for stream in others.iter().filter(under) {
        let status = app.media.status(stream_of(stream.id)).await;
        let state = serde_json::to_value(status.state).unwrap_or_default();
        streams.push(json!({
            "id": stream.id,
            "name": stream.name,
            "device": stream.device,
            "stream": stream.stream,
            "asset_id": stream.asset_id,
            "status": state,
        }));
        states.push(state);
    }
    let state = ["LIVE", "CONNECTING"].into_iter().find(|one| states.iter().any(|s| s == one));
    let state = Some(json!(state.unwrap_or("WAITING")));
    Some(Told { row: known, state, streams, own: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{RegistrationId, UserId},
        time::Millis,
    };

    #[test]
    fn a_uuid_has_one_form_and_what_cannot_stand_in_a_path_is_no_project() {
        let dashed = QtakeProject::new(" 0199f3a2-5b1c-7d2e-8f00-0123456789ab ").unwrap();
        assert_eq!(dashed.as_str(), "0199F3A25B1C7D2E8F000123456789AB");
        assert_eq!(QtakeProject::new("0199f3a25b1c7d2e8f000123456789AB"), Some(dashed));
        assert_eq!(QtakeProject::new("Show / Unit A").unwrap().as_str(), "Show / Unit A");
        for bad in ["", "  ", ".", "..", "a\u{0}", &"a".repeat(300)] {
            assert_eq!(QtakeProject::new(bad), None, "{bad:?}");
        }
    }

    fn row(owner: UserId) -> RegistrationRow {
        RegistrationRow {
            id: RegistrationId::new(),
            project_id: ProjectId::new(),
            owner_id: owner,
            kind: SourceKind::Qtake,
            room_id: None,
            name: String::new(),
            description: String::new(),
            device: String::new(),
            stream: String::new(),
            token_sha256: None,
            asset_id: None,
            last_connected: None,
            created: Millis(0),
            stopped: false,
            qtake_id: None,
            qtake_project: None,
            qtake_verified: None,
            qtake_expires: None,
            layout: None,
            slate: false,
        }
    }

    #[test]
    fn of_several_registrations_the_callers_own_is_meant_then_the_verified_one_and_else_none() {
        let (me, other) = (UserId::new(), UserId::new());
        let mine = |row: &RegistrationRow| row.owner_id == me;
        let (own, second, theirs) = (row(me), row(me), row(other));
        let chosen = |open: &[(&RegistrationRow, bool)]| {
            let open = open.iter().map(|(row, verified)| ((*row).clone(), *verified)).collect();
            the_one(open, mine).map(|row| row.id)
        };
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&[(&theirs, false)]), Some(theirs.id));
        assert_eq!(chosen(&[(&theirs, true), (&own, false)]), Some(own.id));
        assert_eq!(chosen(&[(&own, false), (&second, true)]), Some(second.id));
        assert_eq!(chosen(&[(&own, true), (&second, true)]), None);
        let another = row(other);
        assert_eq!(chosen(&[(&theirs, false), (&another, false)]), None);
        assert_eq!(chosen(&[(&theirs, true), (&another, false)]), Some(theirs.id));
    }
}
