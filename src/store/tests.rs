//! What holds of the store whatever the API makes of it.

use std::time::Duration;

use tempfile::TempDir;

use super::{
    Store, StoreError, assets,
    assets::NewAsset,
    companies,
    companies::MembershipRow,
    credentials,
    credentials::NewToken,
    groups, members,
    members::MemberRow,
    playlists, projects,
    security::default,
    text::{PlaylistType, TokenKind},
    users,
    users::NewUser,
};
use crate::{
    access::Permission,
    ids::{AssetId, CompanyId, GroupId, ProjectId, UserId},
    time::Millis,
};

const NOW: Millis = Millis(1_700_000_000_000);

/// A store in a folder of its own, which goes with it.
struct Fixture {
    store: Store,
    // Goes after the store has closed its files.
    _folder: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("rushes.db")).await.unwrap();
        Self { store, _folder: folder }
    }

    async fn person(&self, name: &str) -> UserId {
        let mut tx = self.store.write().await.unwrap();
        let user = NewUser {
            email: Some(format!("{name}@rushes.test")),
            first_name: name.to_owned(),
            ..NewUser::default()
        };
        let id = users::create(&mut tx, &user, NOW).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A company with an administrator, a production, and a folder in a folder.
    async fn tree(&self) -> Tree {
        let admin = self.person("admin").await;
        let mut tx = self.store.write().await.unwrap();
        let company = companies::create(&mut tx, "Company", NOW).await.unwrap();
        let membership = MembershipRow { company_id: company, is_admin: true, is_owner: true };
        companies::set_member(&mut tx, admin, membership, NOW).await.unwrap();
        let group = groups::create(&mut tx, company, admin, "Production", NOW).await.unwrap().id;
        let outer = projects::create(&mut tx, group, None, admin, "Outer", NOW).await.unwrap().id;
        let inner =
            projects::create(&mut tx, group, Some(outer), admin, "Inner", NOW).await.unwrap().id;
        tx.commit().await.unwrap();
        Tree { admin, company, group, outer, inner }
    }

    async fn join(&self, project: ProjectId, user: UserId, security_group_id: i64) {
        let mut tx = self.store.write().await.unwrap();
        let member = MemberRow { security_group_id, project_role: None };
        members::set_project_member(&mut tx, project, user, &member, NOW).await.unwrap();
        tx.commit().await.unwrap();
    }
}

struct Tree {
    admin: UserId,
    company: CompanyId,
    group: GroupId,
    outer: ProjectId,
    inner: ProjectId,
}

#[tokio::test]
async fn every_unique_constraint_that_a_client_can_violate_has_a_name() {
    let fixture = Fixture::new().await;
    let mut tx = fixture.store.read().await.unwrap();
    // All columns of all unique indexes, in the words of SQLite's message.
    let found: Vec<(String, String)> = sqlx::query_as(
        "SELECT m.name, (SELECT group_concat(m.name || '.' || c.name, ', ') \
         FROM pragma_index_info(i.name) c) FROM sqlite_master m, pragma_index_list(m.name) i \
         WHERE m.type = 'table' AND i.\"unique\" = 1 AND m.name NOT LIKE '\\_%' ESCAPE '\\' \
         ORDER BY 1, 2",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert!(found.len() > 10, "{found:?}");
    for (table, columns) in found {
        let drawn_by_the_server = columns == format!("{table}.id");
        let named = super::error::UNIQUE.iter().any(|(_, listed)| *listed == columns);
        assert!(named || drawn_by_the_server, "{columns} of {table} is not in the list");
    }
}

#[tokio::test]
async fn a_violation_is_told_by_its_constraint() {
    let fixture = Fixture::new().await;
    let tree = fixture.tree().await;
    let mut tx = fixture.store.write().await.unwrap();
    let twin = NewUser { email: Some("ADMIN@rushes.test".to_owned()), ..NewUser::default() };
    let error = users::create(&mut tx, &twin, NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Unique("uq_users_email")), "{error:?}");

    let mut asset = NewAsset::video(tree.outer, tree.admin, "a");
    asset.uuid = Some("camera-1".to_owned());
    let first = assets::create(&mut tx, &asset, NOW).await.unwrap();
    let error = assets::create(&mut tx, &asset, NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Unique("uq_assets_uuid")), "{error:?}");
    assets::delete(&mut tx, first.id, NOW).await.unwrap();
    assets::create(&mut tx, &asset, NOW).await.expect("a deleted asset gives its uuid free");

    let nowhere = NewAsset::video(ProjectId::new(), tree.admin, "b");
    let error = assets::create(&mut tx, &nowhere, NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::ForeignKey(_)), "{error:?}");

    let error = sqlx::query("UPDATE users SET account_status = 'ASLEEP'")
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)
        .unwrap_err();
    assert!(matches!(&error, StoreError::Check(name) if name == "ck_users_status"), "{error:?}");
}

#[tokio::test]
async fn readers_cannot_write() {
    let fixture = Fixture::new().await;
    let mut tx = fixture.store.read().await.unwrap();
    assert!(companies::create(&mut tx, "Company", NOW).await.is_err());
}

#[tokio::test]
async fn what_is_not_committed_is_not_there() {
    let fixture = Fixture::new().await;
    let mut tx = fixture.store.write().await.unwrap();
    let id = companies::create(&mut tx, "Company", NOW).await.unwrap();
    drop(tx);
    let mut tx = fixture.store.read().await.unwrap();
    assert_eq!(companies::get(&mut tx, id).await.unwrap(), None);
}

#[tokio::test]
async fn a_folder_is_seen_by_its_members_those_above_and_the_administrators() {
    let fixture = Fixture::new().await;
    let tree = fixture.tree().await;
    let (outer, inner, stranger) = (
        fixture.person("outer").await,
        fixture.person("inner").await,
        fixture.person("stranger").await,
    );
    fixture.join(tree.outer, outer, default::REVIEWER).await;
    fixture.join(tree.inner, inner, default::VIEWER).await;
    let mut db = fixture.store.read().await.unwrap();
    let sees =
        async |db: &mut super::Db, user, project| projects::seen(db, user, project).await.unwrap();
    let admin = sees(&mut db, tree.admin, tree.inner).await.unwrap();
    assert!(admin.is_admin && admin.company_id == tree.company && admin.permissions.is_none());
    let inherited = sees(&mut db, outer, tree.inner).await.unwrap();
    assert!(inherited.permissions.unwrap().0.contains(Permission::Download) && !inherited.is_admin);
    assert!(sees(&mut db, inner, tree.outer).await.is_none());
    assert!(sees(&mut db, inner, tree.inner).await.is_some());
    assert!(sees(&mut db, stranger, tree.outer).await.is_none());
    for (user, count) in [(tree.admin, 2), (outer, 2), (inner, 1), (stranger, 0)] {
        let seen = projects::list_seen(&mut db, user, projects::ProjectFilter::default());
        assert_eq!(seen.await.unwrap().len(), count);
        let groups = groups::list_seen(&mut db, user, None).await.unwrap();
        assert_eq!(groups.len(), count.min(1));
        assert_eq!(groups::seen(&mut db, user, tree.group).await.unwrap().is_some(), count > 0);
    }
}

#[tokio::test]
async fn a_membership_further_down_replaces_the_one_above() {
    let fixture = Fixture::new().await;
    let tree = fixture.tree().await;
    let member = fixture.person("member").await;
    fixture.join(tree.outer, member, default::MANAGER).await;
    fixture.join(tree.inner, member, default::VIEWER).await;
    let mut db = fixture.store.read().await.unwrap();
    let inner = projects::seen(&mut db, member, tree.inner).await.unwrap().unwrap();
    assert!(!inner.permissions.unwrap().0.contains(Permission::Upload));
    let listed = members::of_project(&mut db, tree.inner).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].security_group_id, Some(default::VIEWER));
}

#[tokio::test]
async fn deleting_a_folder_deletes_what_is_below() {
    let fixture = Fixture::new().await;
    let tree = fixture.tree().await;
    let mut db = fixture.store.write().await.unwrap();
    projects::delete(&mut db, tree.outer, NOW).await.unwrap();
    assert!(projects::seen(&mut db, tree.admin, tree.inner).await.unwrap().is_none());
}

#[tokio::test]
async fn a_one_time_token_works_once_and_no_token_after_its_end() {
    let fixture = Fixture::new().await;
    let user = fixture.person("user").await;
    let mut db = fixture.store.write().await.unwrap();
    let lifetime = Duration::from_secs(60);
    let new = |kind| NewToken { user_id: user, kind, room_id: None, lifetime };
    let once = credentials::create_token(&mut db, new(TokenKind::OneTime), NOW).await.unwrap();
    let redeem = async |db: &mut super::Db, token: &str| {
        credentials::redeem_one_time(db, token, NOW).await.unwrap()
    };
    assert_eq!(redeem(&mut db, once.reveal()).await, Some(user));
    assert_eq!(redeem(&mut db, once.reveal()).await, None);

    let token = credentials::create_token(&mut db, new(TokenKind::User), NOW).await.unwrap();
    assert_eq!(redeem(&mut db, token.reveal()).await, None, "a token of another kind");
    let end = NOW.plus(lifetime);
    let lower = token.reveal().to_lowercase();
    let found = credentials::token(&mut db, &lower, Millis(end.0 - 1)).await.unwrap();
    assert_eq!(found.map(|token| token.user_id), Some(user));
    assert!(credentials::token(&mut db, token.reveal(), end).await.unwrap().is_none());
    assert_eq!(credentials::forget_expired(&mut db, end).await.unwrap(), 1);
}

#[tokio::test]
async fn a_playlist_keeps_the_order_it_is_given() {
    let fixture = Fixture::new().await;
    let tree = fixture.tree().await;
    let mut db = fixture.store.write().await.unwrap();
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        let asset = NewAsset::video(tree.outer, tree.admin, name);
        made.push(assets::create(&mut db, &asset, NOW).await.unwrap().id);
    }
    let playlist = playlists::NewPlaylist {
        company_id: Some(tree.company),
        production_id: None,
        owner_id: tree.admin,
        name: "Playlist".to_owned(),
        description: String::new(),
        playlist_type: PlaylistType::User,
        source: None,
    };
    let id = playlists::create(&mut db, &playlist, NOW).await.unwrap().id;
    let order = async |db: &mut super::Db| -> Vec<AssetId> {
        let entries = playlists::entries(db, id).await.unwrap();
        entries.iter().map(|entry| entry.asset_id).collect()
    };
    playlists::set_assets(&mut db, id, &[made[2], made[0]], NOW).await.unwrap();
    assert_eq!(order(&mut db).await, [made[2], made[0]]);
    let kept = playlists::entries(&mut db, id).await.unwrap()[0].id;
    playlists::set_assets(&mut db, id, &[made[1], made[0], made[2]], NOW).await.unwrap();
    assert_eq!(order(&mut db).await, [made[1], made[0], made[2]]);
    assert_eq!(
        playlists::entries(&mut db, id).await.unwrap()[2].id,
        kept,
        "entries keep their ids"
    );
    let error = playlists::append(&mut db, id, made[0], NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Unique("uq_playlist_assets_asset")));
    assets::delete(&mut db, made[0], NOW).await.unwrap();
    assert_eq!(order(&mut db).await, [made[1], made[2]]);
}
