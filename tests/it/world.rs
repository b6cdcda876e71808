//! A company with a production, and people who may do more and less in it.

use reqwest::StatusCode;
use rushes::{
    ids::{CompanyId, UserId},
    provision,
    store::{
        asset_files::NewAssetFile,
        assets::{self, NewAsset},
        credentials::{self, NewToken},
        security::default,
        text::TokenKind,
    },
    time::Millis,
};
use serde_json::{Value, json};

use crate::harness::{Person, Rushes, code};

/// People and things of one server, put there through the API as far as it goes.
pub(crate) struct World {
    pub(crate) rushes: Rushes,
    /// Administrator of the company.
    pub(crate) admin: Person,
    /// Contributor of the folder.
    pub(crate) contributor: Person,
    /// Viewer of the folder.
    pub(crate) viewer: Person,
    /// Administrator of another company.
    pub(crate) stranger: Person,
    pub(crate) company: String,
    pub(crate) group: String,
    pub(crate) project: String,
    /// In the folder, with a file.
    pub(crate) asset: String,
}

/// What the file of the asset has in it.
pub(crate) const CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(Rushes::start().await).await
    }

    /// A world on a server that was started.
    pub(crate) async fn of(rushes: Rushes) -> Self {
        let admin = rushes.person("boss").await;
        let stranger = rushes.person("stranger").await;
        let companies = ok(&rushes, &admin, "/get/companies", json!({})).await;
        let company = text(&companies[0]["id"]);
        let group = json!({"name": "Production", "company_id": company});
        let group = text(&ok(&rushes, &admin, "/create/group", group).await["id"]);
        let project = json!({"name": "Dailies", "group_id": group});
        let project = text(&ok(&rushes, &admin, "/create/project", project).await["id"]);
        let contributor =
            member(&rushes, "contributor", &company, &project, default::CONTRIBUTOR).await;
        let viewer = member(&rushes, "viewer", &company, &project, default::VIEWER).await;
        let asset = asset(&rushes, &project, admin.id, "A001_C001").await;
        Self { rushes, admin, contributor, viewer, stranger, company, group, project, asset }
    }

    /// Asks as somebody, and expects an answer.
    pub(crate) async fn ok(&self, who: &Person, path: &str, body: Value) -> Value {
        ok(&self.rushes, who, path, body).await
    }

    /// Asks as somebody, and expects this error code.
    pub(crate) async fn refused(&self, who: &Person, path: &str, body: Value, expected: u64) {
        let (status, answer) = self.rushes.post(path, Some(&who.token), &body).await;
        assert!(!status.is_success(), "{path}: {answer}");
        assert_eq!(code(&answer), expected, "{path}: {answer}");
    }

    /// Another asset in the folder.
    pub(crate) async fn another_asset(&self, name: &str) -> String {
        asset(&self.rushes, &self.project, self.admin.id, name).await
    }

    /// Moves an asset into a batch, as an upload would have put it there.
    pub(crate) async fn put_into_batch(&self, asset: &str, batch: &str) {
        let mut tx = self.rushes.app().store.write().await.unwrap();
        let batch = Some(batch.parse().unwrap());
        let now = Millis::now();
        assets::set_batch(&mut tx, asset.parse().unwrap(), batch, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Another folder, below one or in the production.
    pub(crate) async fn folder(&self, name: &str, parent: Option<&str>) -> String {
        let body = json!({"name": name, "group_id": self.group, "parent_project_id": parent});
        text(&self.ok(&self.admin, "/create/project", body).await["id"])
    }

    /// Nobody gets in, a stranger is told 404, and those who see the thing and may not do this
    /// are told `denied`.
    pub(crate) async fn walk(&self, path: &str, body: Value, without: &[&Person], denied: u64) {
        let (status, answer) = self.rushes.post(path, None, &body).await;
        assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405), "{path}");
        self.refused(&self.stranger, path, body.clone(), 404).await;
        for who in without {
            self.refused(who, path, body.clone(), denied).await;
        }
    }
}

pub(crate) async fn ok(rushes: &Rushes, who: &Person, path: &str, body: Value) -> Value {
    let (status, answer) = rushes.post(path, Some(&who.token), &body).await;
    assert_eq!(status, StatusCode::OK, "{path} {body}: {answer}");
    answer
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The values of a field of each element of a list.
pub(crate) fn each<'a>(list: &'a Value, field: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|element| &element[field]).collect()
}

/// A person of the company who is a member of the folder.
async fn member(
    rushes: &Rushes,
    name: &str,
    company: &str,
    project: &str,
    security_group: i64,
) -> Person {
    let mut tx = rushes.app().store.write().await.unwrap();
    let now = Millis::now();
    let company: CompanyId = company.parse().unwrap();
    let email = format!("{name}@rushes.test");
    let id =
        provision::create_user(&mut tx, company, &email, (name, "Test"), false, now).await.unwrap();
    let project = project.parse().unwrap();
    provision::add_project_member(&mut tx, project, id, security_group, now).await.unwrap();
    let token = token(&mut tx, id, TokenKind::User).await;
    tx.commit().await.unwrap();
    Person { id, token }
}

/// A token that is good for an hour.
pub(crate) async fn token(db: &mut rushes::store::Db, user_id: UserId, kind: TokenKind) -> String {
    let lifetime = std::time::Duration::from_secs(3600);
    let token = NewToken { user_id, kind, room_id: None, lifetime };
    credentials::create_token(db, token, Millis::now()).await.unwrap().reveal().to_owned()
}

async fn asset(rushes: &Rushes, project: &str, owner: UserId, name: &str) -> String {
    let source = rushes.folder.path().join(format!("{name}.mp4"));
    std::fs::write(&source, CONTENT).unwrap();
    let mut tx = rushes.app().store.write().await.unwrap();
    let mut asset = NewAsset::video(project.parse().unwrap(), owner, name);
    asset.frames = Some(250);
    asset.fps = Some((25, 1));
    asset.duration_ms = Some(10_000);
    let file = NewAssetFile {
        container: Some("mp4".to_owned()),
        video_codec: Some("h264".to_owned()),
        size: Some((1920, 1080)),
        fps: Some((25, 1)),
        ..NewAssetFile::default()
    };
    let data = &rushes.app().config.data;
    let (row, _) =
        provision::create_asset_with_file(&mut tx, data, &asset, &source, file, Millis::now())
            .await
            .unwrap();
    tx.commit().await.unwrap();
    row.id.to_string()
}
