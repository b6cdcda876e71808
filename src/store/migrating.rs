//! Migrations that make a table anew keep what is in it, and in those that refer to it.

use std::{fs, path::Path};

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

/// The migrations from one number to another, in their order.
async fn migrate(db: &mut SqliteConnection, numbers: std::ops::RangeInclusive<u32>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        if !numbers.contains(&name[..4].parse().unwrap()) {
            continue;
        }
        let sql = fs::read_to_string(&file).unwrap();
        let mut tx = db.begin().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// A source of each kind that there was, and a row of each table that says more of it.
const BEFORE: &str = "
    INSERT INTO companies (id, name, created) VALUES ('c', 'C', 1);
    INSERT INTO users (id, email, first_name, last_name, created)
        VALUES ('u', 'u@rushes.test', 'U', 'U', 1);
    INSERT INTO productions (id, company_id, owner_id, name, created, modified)
        VALUES ('n', 'c', 'u', 'N', 1, 1);
    INSERT INTO projects (id, production_id, owner_id, name, created, modified)
        VALUES ('p', 'n', 'u', 'P', 1, 1);
    INSERT INTO rooms (id, production_id, company_id, owner_id, name, created, modified)
        VALUES ('r', 'n', 'c', 'u', 'R', 1, 1);
    INSERT INTO assets (id, project_id, owner_id, name, created, modified)
        VALUES ('a', 'p', 'u', 'A', 1, 1);
    INSERT INTO live_registrations (id, project_id, owner_id, kind, status, name, description,
        device, stream, token_sha256, asset_id, last_connected, created, stopped) VALUES
        ('w', 'p', 'u', 'WHIP', 'ACTIVE', 'W', 'w', 'd', '1', 'digest', 'a', 7, 1, FALSE),
        ('g', 'p', 'u', 'WHIP', 'DELETED', 'G', '', 'd', '1', NULL, NULL, NULL, 2, FALSE),
        ('d', 'p', 'u', 'DESKTOP', 'ACTIVE', 'D', '', 'd', '2', NULL, NULL, NULL, 3, FALSE),
        ('s', 'p', 'u', 'SRT', 'ACTIVE', 'S', '', 's', 'srt', NULL, NULL, NULL, 4, TRUE),
        ('x', 'p', 'u', 'RAW', 'ACTIVE', 'X', '', 'i', '6/8', NULL, NULL, NULL, 5, FALSE);
    INSERT INTO live_desktops (registration_id, room_id) VALUES ('d', 'r');
    INSERT INTO live_raw_sources (registration_id, source_ip, video_port, audio_port)
        VALUES ('x', '192.0.2.1', 6, 8);
    INSERT INTO live_recordings (id, registration_id, project_id, name, kept_for, owner_id,
        room_id, replay, began) VALUES ('z', 'w', 'p', 'Z', 'r', 'u', 'r', TRUE, 9);
    INSERT INTO live_recorded (registration_id, owner_id) VALUES ('w', 'u');";

const TABLES: [(&str, &str); 5] = [
    (
        "live_registrations",
        "id || kind || status || name || description || device || stream || \
         COALESCE(token_sha256, '-') || COALESCE(asset_id, '-') || \
         COALESCE(last_connected, '-') || created || stopped || project_id || owner_id",
    ),
    ("live_desktops", "registration_id || room_id"),
    ("live_raw_sources", "registration_id || source_ip || video_port || audio_port"),
    (
        "live_recordings",
        "id || registration_id || project_id || name || kept_for || owner_id || room_id || \
         replay || began",
    ),
    ("live_recorded", "registration_id || owner_id"),
];

async fn all(db: &mut SqliteConnection) -> Vec<String> {
    let mut rows = Vec::new();
    for (table, columns) in TABLES {
        let sql = format!("SELECT {columns} FROM {table} ORDER BY 1");
        let found: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *db).await.unwrap();
        rows.extend(found);
    }
    rows
}

#[tokio::test]
async fn sources_and_what_refers_to_them_outlive_the_kinds_of_qtake_and_elemental_link() {
    let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    migrate(&mut db, 0..=45).await;
    sqlx::raw_sql(BEFORE).execute(&mut db).await.unwrap();
    let before = all(&mut db).await;
    assert_eq!(before.len(), 9);
    migrate(&mut db, 46..=46).await;
    assert_eq!(all(&mut db).await, before);
    let broken: Vec<String> = sqlx::query_scalar("SELECT \"table\" FROM pragma_foreign_key_check")
        .fetch_all(&mut db)
        .await
        .unwrap();
    assert_eq!(broken, [] as [String; 0]);
    // What refers to the table still does, and its names are still unique.
    sqlx::raw_sql("DELETE FROM live_registrations WHERE id = 'x'").execute(&mut db).await.unwrap();
    let twin = "INSERT INTO live_registrations (id, project_id, owner_id, name, device, stream, \
                created) VALUES ('y', 'p', 'u', 'Y', 'd', '1', 1)";
    assert!(sqlx::raw_sql(twin).execute(&mut db).await.is_err());
    assert_eq!(all(&mut db).await.len(), before.len() - 2, "an address went with its source");
    let new = "UPDATE live_registrations SET kind = 'QTAKE' WHERE id = 'w'; \
               UPDATE live_registrations SET kind = 'ELEMENTALLINK' WHERE id = 's'";
    sqlx::raw_sql(new).execute(&mut db).await.unwrap();
}
