//! `rushes admin`: works on the data folder, of a running server too, and prints JSON.

use std::{fs, path::Path};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{CliError, coverage::coverage};
use crate::{
    access::{Permission, PermissionSet},
    config::Config,
    ids::{AnyId, CompanyId, ProjectId, RoomId, TeamId, UserId},
    provision,
    server::{RUNTIME, open_store},
    store::{
        Db, Json, Store, StoreError, companies, credentials,
        customizations::metadata::{self, CustomMetadataRow},
        outbox, projects, rooms, security, teams,
        text::MetadataStatus,
        users,
    },
    time::Millis,
};

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Create a company
    CreateCompany {
        /// Its name
        #[arg(long)]
        name: String,
    },
    /// Create a user of a company
    CreateUser(CreateUser),
    /// Make an API key for a user; the key is shown this once
    ApiKey {
        #[command(flatten)]
        who: Who,
    },
    /// Make a link that signs a user in once, within a day
    LoginLink {
        #[command(flatten)]
        who: Who,
        /// Where to go from there: a path of the web client, such as /rooms/ID
        #[arg(long)]
        next: Option<String>,
    },
    /// Make a link that lets a guest into a room; the link that they had before ends
    GuestLink {
        /// The room's id
        #[arg(long)]
        room: RoomId,
        /// The guest's e-mail address, which is no account
        #[arg(long)]
        email: String,
    },
    /// Lock a team against every change, or unlock it
    LockTeam {
        /// The team's id
        #[arg(long)]
        team: TeamId,
        /// Unlocks it
        #[arg(long)]
        unlock: bool,
    },
    /// Say that another system manages a user, or that a team or a folder takes only such users
    ManageExternally(External),
    /// Create a security group of a company: what its members may do
    CreateSecurityGroup {
        /// The company's id
        #[arg(long)]
        company: CompanyId,
        /// Its name
        #[arg(long)]
        name: String,
        /// What its members may do, such as can_view; as often as needed
        #[arg(long = "permission", required = true)]
        permissions: Vec<String>,
    },
    /// Create a field of metadata of a company
    CreateMetadata {
        /// The company's id
        #[arg(long)]
        company: CompanyId,
        /// Its name
        #[arg(long)]
        name: String,
        /// A value that it may have; any, if there is none
        #[arg(long = "option")]
        options: Vec<String>,
    },
    /// Tell which mail was not delivered yet, and why; what failed first
    Mail {
        /// Sends what failed again
        #[arg(long)]
        again: bool,
    },
    /// Tell how much of the API is built, by category
    Coverage,
}

/// Mails that are told of at most.
const MAILS: i64 = 1000;

#[derive(Debug, Args)]
pub(super) struct CreateUser {
    /// The company's id
    #[arg(long)]
    company: CompanyId,
    /// The e-mail address
    #[arg(long)]
    email: String,
    /// The first name
    #[arg(long, default_value = "")]
    first_name: String,
    /// The last name
    #[arg(long, default_value = "")]
    last_name: String,
    /// Makes the user an administrator of the company
    #[arg(long)]
    admin: bool,
    /// Makes the user one of those who run the server: licences, limits and domains of companies
    #[arg(long)]
    sysop: bool,
}

#[derive(Debug, Args)]
pub(super) struct External {
    #[command(flatten)]
    what: Managed,
    /// The id that the user has in the other system
    #[arg(long, conflicts_with_all = ["team", "folder", "off"])]
    idp_id: Option<String>,
    /// Ends it
    #[arg(long)]
    off: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Managed {
    /// A user's id
    #[arg(long)]
    user: Option<UserId>,
    /// A team's id
    #[arg(long)]
    team: Option<TeamId>,
    /// A folder's id; all folders in it follow
    #[arg(long)]
    folder: Option<ProjectId>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Who {
    /// The user's id
    #[arg(long)]
    user: Option<UserId>,
    /// The user's e-mail address
    #[arg(long)]
    email: Option<String>,
}

pub(super) async fn admin(config: &Config, command: Admin) -> Result<Value, CliError> {
    if matches!(command, Admin::Coverage) {
        return Ok(coverage());
    }
    let store = open_store(&config.data).await?;
    let done = write(&store, config, command).await;
    store.close().await;
    done
}

async fn mail(db: &mut Db, again: bool, now: Millis) -> Result<Value, CliError> {
    if again {
        return Ok(json!({ "again": outbox::again(db, now).await? }));
    }
    let told = outbox::list(db, MAILS).await?.into_iter().map(|row| {
        json!({
            "id": row.id,
            "to": row.recipient,
            "queued": row.queued,
            "tries": row.tries,
            "next_try": row.failed.is_none().then_some(row.next_try),
            "failed": row.failed,
            "error": row.error,
        })
    });
    Ok(told.collect())
}

async fn write(store: &Store, config: &Config, command: Admin) -> Result<Value, CliError> {
    let mut tx = store.write().await?;
    let now = Millis::now();
    let done = match command {
        Admin::CreateCompany { name } => {
            json!({ "company_id": companies::create(&mut tx, &name, now).await?, "name": name })
        }
        Admin::CreateUser(user) => create_user(&mut tx, user, now).await?,
        Admin::ApiKey { who } => {
            let user = who.find(&mut tx).await?;
            let key = credentials::create_api_key(&mut tx, user, now).await?;
            json!({ "user_id": user, "api_id": key.api_id, "api_key": key.api_key.reveal() })
        }
        Admin::LoginLink { who, next } => {
            let user = who.find(&mut tx).await?;
            let url = public_url(config);
            let link = provision::login_link(&mut tx, &url, user, next.as_deref(), now).await?;
            json!({ "user_id": user, "url": link })
        }
        Admin::GuestLink { room, email } => {
            guest_link(&mut tx, &public_url(config), room, &email, now).await?
        }
        Admin::LockTeam { team, unlock } => {
            if !teams::lock(&mut tx, team, !unlock).await? {
                return Err(CliError::Refused("there is no such team".to_owned()));
            }
            json!({ "team_id": team, "locked": !unlock })
        }
        Admin::ManageExternally(external) => manage_externally(&mut tx, &external).await?,
        Admin::CreateSecurityGroup { company, name, permissions } => {
            security_group(&mut tx, company, &name, &permissions).await?
        }
        Admin::CreateMetadata { company, name, options } => {
            need_company(&mut tx, company).await?;
            let row = CustomMetadataRow {
                id: AnyId::new(),
                company_id: company,
                name,
                description: None,
                options: Json(options.into_iter().map(Value::from).collect()),
                sortable: false,
                status: MetadataStatus::Active,
                created: now,
            };
            metadata::insert(&mut tx, &row).await?;
            json!({ "metadata_id": row.id, "name": row.name })
        }
        Admin::Mail { again } => mail(&mut tx, again, now).await?,
        Admin::Coverage => coverage(),
    };
    tx.commit().await.map_err(StoreError::from)?;
    Ok(done)
}

async fn manage_externally(db: &mut Db, external: &External) -> Result<Value, CliError> {
    let refused = |what: &str| Err(CliError::Refused(what.to_owned()));
    let on = !external.off;
    if let Some(id) = external.what.user {
        if users::get(db, id).await?.is_none() {
            return refused("there is no such user");
        }
        if on && external.idp_id.is_none() {
            return refused("--idp-id is missing: the id that the user has in the other system");
        }
        users::set_external(db, id, external.idp_id.as_deref()).await?;
        return Ok(json!({ "user_id": id, "external_idp_id": external.idp_id }));
    }
    if let Some(id) = external.what.team {
        return match teams::set_externally_managed(db, id, on).await? {
            true => Ok(json!({ "team_id": id, "externally_managed": on })),
            false => refused("there is no such team"),
        };
    }
    match external.what.folder {
        Some(id) if projects::set_externally_managed(db, id, on).await? => {
            Ok(json!({ "project_id": id, "externally_managed": on }))
        }
        _ => refused("there is no such folder"),
    }
}

async fn need_company(db: &mut Db, id: CompanyId) -> Result<(), CliError> {
    match companies::get(db, id).await? {
        Some(_) => Ok(()),
        None => Err(CliError::Refused("there is no such company".to_owned())),
    }
}

async fn security_group(
    db: &mut Db,
    company: CompanyId,
    name: &str,
    permissions: &[String],
) -> Result<Value, CliError> {
    need_company(db, company).await?;
    let permission = |name: &String| {
        let refused = || CliError::Refused(format!("no permission is called {name:?}"));
        Permission::from_name(name).ok_or_else(refused)
    };
    let set = permissions.iter().map(permission).collect::<Result<PermissionSet, _>>()?;
    let id = security::create(db, company, name, set).await?;
    Ok(json!({ "security_group_id": id, "name": name, "permissions": set }))
}

async fn create_user(db: &mut Db, user: CreateUser, now: Millis) -> Result<Value, CliError> {
    need_company(db, user.company).await?;
    if !crate::rpc::is_email(&user.email) {
        return Err(CliError::Refused(format!("{:?} is not an e-mail address", user.email)));
    }
    let names = (user.first_name.as_str(), user.last_name.as_str());
    let id = provision::create_user(db, user.company, &user.email, names, user.admin, now)
        .await
        .map_err(|error| match error {
            StoreError::Unique("uq_users_email") => {
                CliError::Refused(format!("{} is taken", user.email))
            }
            other => other.into(),
        })?;
    if user.sysop {
        users::set_sysop(db, id, true).await?;
    }
    Ok(json!({ "user_id": id, "company_id": user.company, "email": user.email }))
}

async fn guest_link(
    db: &mut Db,
    public_url: &str,
    room: RoomId,
    email: &str,
    now: Millis,
) -> Result<Value, CliError> {
    if rooms::get(db, room).await?.is_none() {
        return Err(CliError::Refused("there is no such room".to_owned()));
    }
    if !crate::rpc::is_email(email) {
        return Err(CliError::Refused(format!("{email:?} is not an e-mail address")));
    }
    if users::by_email(db, email).await?.is_some() {
        return Err(CliError::Refused(format!("{email} has an account and is no guest")));
    }
    let (user, url) = provision::guest_link(db, public_url, room, email, now).await?;
    Ok(json!({ "user_id": user, "url": url }))
}

impl Who {
    async fn find(&self, db: &mut Db) -> Result<UserId, CliError> {
        let found = match (self.user, &self.email) {
            (Some(id), _) => users::get(db, id).await?,
            (None, Some(email)) => users::by_email(db, email).await?,
            (None, None) => None,
        };
        found
            .map(|user| user.id)
            .ok_or_else(|| CliError::Refused("there is no such user".to_owned()))
    }
}

/// As configured, or else as the running server is bound, or else as one would be.
fn public_url(config: &Config) -> String {
    let bound = bound_address(&config.data).unwrap_or(config.listen);
    crate::app::public_url(config, bound)
}

fn bound_address(data: &Path) -> Option<std::net::SocketAddr> {
    let text = fs::read_to_string(data.join(RUNTIME)).ok()?;
    let runtime: Value = serde_json::from_str(&text).ok()?;
    runtime["http"].as_str()?.parse().ok()
}
