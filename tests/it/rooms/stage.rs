//! A production with people and clips, and clients of a room.

use std::time::Duration;

use reqwest::StatusCode;
use rushes::{
    ids::{AssetId, CompanyId, GroupId, PlaylistId, ProjectId, TeamId, UserId},
    provision,
    store::{
        Db, Store,
        assets::{self, NewAsset},
        companies,
        credentials::{self, NewToken},
        groups,
        playlists::{self, NewPlaylist},
        projects, security,
        teams::{self, TeamMember},
        text::{PlaylistType, TokenKind},
        users,
    },
    time::Millis,
};
use serde_json::{Value, json};

use crate::harness::{Person, Rushes, Socket};

/// A production with two clips in a playlist of the host's, one clip that is in none, and people:
/// the host owns the production, the crew belongs to its company, and the stranger to another.
pub(super) struct Stage {
    pub(super) company: CompanyId,
    pub(super) group: GroupId,
    pub(super) project: ProjectId,
    pub(super) playlist: PlaylistId,
    pub(super) clips: [AssetId; 2],
    pub(super) hidden: AssetId,
    pub(super) host: Person,
    pub(super) crew: Person,
    pub(super) stranger: Person,
    client: reqwest::Client,
    pub(super) address: String,
}

async fn person(db: &mut Db, company: CompanyId, name: &str) -> Person {
    with_rights(db, company, name, false).await
}

async fn with_rights(db: &mut Db, company: CompanyId, name: &str, admin: bool) -> Person {
    let now = Millis::now();
    let email = format!("{name}@rushes.test");
    let id = provision::create_user(db, company, &email, (name, "Test"), admin, now).await.unwrap();
    let lifetime = Duration::from_secs(3600);
    let token = NewToken { user_id: id, kind: TokenKind::User, room_id: None, lifetime };
    let token = credentials::create_token(db, token, now).await.unwrap();
    Person { id, token: token.reveal().to_owned() }
}

impl Stage {
    pub(super) async fn new(rushes: &Rushes) -> Self {
        Self::at(&rushes.app().store, rushes.server.address().to_string()).await
    }

    /// A stage in a store, whose server is (or will be) at an address.
    pub(super) async fn at(store: &Store, address: String) -> Self {
        let mut tx = store.write().await.unwrap();
        let db: &mut Db = &mut tx;
        let now = Millis::now();
        let company = companies::create(db, "Company", now).await.unwrap();
        let other = companies::create(db, "Other", now).await.unwrap();
        let host = person(db, company, "host").await;
        let crew = person(db, company, "crew").await;
        let stranger = person(db, other, "stranger").await;
        let group = groups::create(db, company, host.id, "Production", now).await.unwrap().id;
        let project = projects::create(db, group, None, host.id, "Dailies", now).await.unwrap().id;
        let mut clips = Vec::new();
        for name in ["one", "two", "hidden"] {
            let clip = NewAsset {
                frames: Some(250),
                fps: Some((25, 1)),
                duration_ms: Some(10_000),
                ..NewAsset::video(project, host.id, name)
            };
            clips.push(assets::create(db, &clip, now).await.unwrap().id);
        }
        let playlist = NewPlaylist {
            company_id: Some(company),
            production_id: Some(group),
            owner_id: host.id,
            name: "Selects".to_owned(),
            description: String::new(),
            playlist_type: PlaylistType::User,
            source: None,
        };
        let playlist = playlists::create(db, &playlist, now).await.unwrap().id;
        playlists::set_assets(db, playlist, &clips[..2], now).await.unwrap();
        tx.commit().await.unwrap();
        let [one, two, hidden] = clips.try_into().unwrap();
        Self {
            company,
            group,
            project,
            playlist,
            clips: [one, two],
            hidden,
            host,
            crew,
            stranger,
            client: reqwest::Client::new(),
            address,
        }
    }

    /// Another person of the company: its administrator, or a member of the folder.
    pub(super) async fn person(
        &self,
        store: &Store,
        name: &str,
        admin: bool,
        group: Option<i64>,
    ) -> Person {
        let mut tx = store.write().await.unwrap();
        let person = with_rights(&mut tx, self.company, name, admin).await;
        if let Some(group) = group {
            let (project, now) = (self.project, Millis::now());
            provision::add_project_member(&mut tx, project, person.id, group, now).await.unwrap();
        }
        tx.commit().await.unwrap();
        person
    }

    /// Whoever has the account of an address, signed in.
    pub(super) async fn account(&self, store: &Store, email: &str) -> Person {
        let mut tx = store.write().await.unwrap();
        let id = users::account(&mut tx, email).await.unwrap().unwrap().id;
        let lifetime = Duration::from_secs(3600);
        let token = NewToken { user_id: id, kind: TokenKind::User, room_id: None, lifetime };
        let token = credentials::create_token(&mut tx, token, Millis::now()).await.unwrap();
        tx.commit().await.unwrap();
        Person { id, token: token.reveal().to_owned() }
    }

    /// A team of the company with these people.
    pub(super) async fn team(&self, store: &Store, name: &str, people: &[&Person]) -> TeamId {
        let mut tx = store.write().await.unwrap();
        let now = Millis::now();
        let id = teams::create(&mut tx, self.company, None, name, now).await.unwrap();
        tx.commit().await.unwrap();
        for person in people {
            self.joins_team(store, id, person).await;
        }
        id
    }

    pub(super) async fn joins_team(&self, store: &Store, id: TeamId, person: &Person) {
        let mut tx = store.write().await.unwrap();
        let now = Millis::now();
        let team = teams::get(&mut tx, self.host.id, id).await.unwrap().unwrap();
        let member = TeamMember { security_group_id: security::default::VIEWER, role_id: None };
        teams::set_member(&mut tx, &team, person.id, member, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Invites people by their addresses.
    pub(super) async fn invite(&self, room: &str, emails: &[&str]) -> Value {
        let body = json!({ "review_session_id": room, "emails": emails });
        self.ask(&self.host, "/create/review_session/users", body).await
    }

    /// Asks as somebody, and gives back the status and the answer.
    pub(super) async fn post(&self, token: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("http://{}{path}", self.address);
        let request = self.client.post(url).header("X-Token", token).json(&body);
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// Asks as somebody who may.
    pub(super) async fn ask(&self, who: &Person, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(&who.token, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// The status and the code that somebody gets who may not.
    pub(super) async fn refused(&self, who: &Person, path: &str, body: Value) -> (u16, u64) {
        let (status, answer) = self.post(&who.token, path, body).await;
        (status.as_u16(), answer["error"]["code"].as_u64().unwrap_or_default())
    }

    /// Takes one person out of a room: the status, and the code of what was refused.
    pub(super) async fn puts_out(&self, who: &Person, room: &str, user: UserId) -> (u16, u64) {
        let url = format!("http://{}/rooms/{room}/users/{user}", self.address);
        let request = self.client.delete(url).header("X-Token", &who.token);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        (status, answer["error"]["code"].as_u64().unwrap_or_default())
    }

    /// Says when a room is to begin, or takes that back: the status and the answer.
    pub(super) async fn schedules(&self, who: &Person, room: &str, when: Value) -> (u16, Value) {
        let url = format!("http://{}/rooms/{room}/schedule", self.address);
        let request = match when {
            Value::Null => self.client.delete(url),
            when => self.client.put(url).json(&when),
        };
        let response = request.header("X-Token", &who.token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A draft of the host's, with the crew and the playlist.
    pub(super) async fn draft(&self) -> Value {
        let body = json!({
            "group_id": self.group, "name": "Room", "user_ids": [self.crew.id],
            "playlist_ids": [self.playlist],
        });
        self.ask(&self.host, "/create/review_session", body).await
    }

    /// A room that runs.
    pub(super) async fn room(&self) -> String {
        let room = self.draft().await;
        let id = room["id"].as_str().unwrap().to_owned();
        self.ask(&self.host, "/start/review_session", json!({ "id": id })).await;
        id
    }

    /// Somebody in a room.
    pub(super) async fn enter(&self, who: &Person, room: &str) -> Attending {
        self.returns(who, room, None).await
    }

    /// Somebody in a room who was there before, and knows it up to a revision.
    pub(super) async fn returns(&self, who: &Person, room: &str, since: Option<u64>) -> Attending {
        let mut socket = Socket::connect(&self.address, Some(&who.token)).await;
        let data = json!({ "id": room, "since": since });
        let answer = socket.ask("rushes/room/subscribe", &data, None).await;
        assert!(answer["error"].is_null(), "{answer}");
        let data = answer["data"].clone();
        Attending { socket, room: room.to_owned(), state: data["state"].clone(), data, sent: 0 }
    }

    /// A WebSocket of somebody's.
    pub(super) async fn socket(&self, token: &str) -> Socket {
        Socket::connect(&self.address, Some(token)).await
    }

    /// Signs a guest in by their link.
    pub(super) async fn sign_in(&self, link: &str) -> (StatusCode, Value) {
        let body = json!({
            "review_session_user_id": link, "firstname": "Guest", "lastname": "Test",
        });
        let url = format!("http://{}/authenticate/user/review_session", self.address);
        let response = self.client.post(url).json(&body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// A guest who is signed in.
    pub(super) async fn guest(&self, link: &str) -> Person {
        let (status, answer) = self.sign_in(link).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let id: UserId = answer["id"].as_str().unwrap().parse().unwrap();
        Person { id, token: answer["token"].as_str().unwrap().to_owned() }
    }
}

/// A client in a room.
pub(super) struct Attending {
    pub(super) socket: Socket,
    room: String,
    /// The newest state it knows.
    pub(super) state: Value,
    /// What it was told when it came.
    pub(super) data: Value,
    sent: u64,
}

impl Attending {
    /// Sends a command on top of what the client saw, and gives back the whole answer.
    pub(super) async fn sends(&mut self, op: Value) -> Value {
        self.sent += 1;
        let cmd_id = self.sent.to_string();
        self.sends_as(&cmd_id, op).await
    }

    pub(super) async fn sends_as(&mut self, cmd_id: &str, op: Value) -> Value {
        let mut data = op;
        data["id"] = json!(self.room);
        data["cmd_id"] = json!(cmd_id);
        data["epoch"] = self.state["epoch"].clone();
        data["base_rev"] = self.state["rev"].clone();
        self.socket.ask("rushes/room/command", &data, None).await
    }

    /// Sends a command that is carried out, and waits for the state that comes of it.
    pub(super) async fn does(&mut self, op: Value) -> Value {
        let answer = self.sends(op).await;
        assert!(answer["error"].is_null(), "{answer}");
        let rev = answer["data"]["rev"].as_u64().unwrap();
        self.follows(rev).await;
        answer["data"].clone()
    }

    /// Waits until the client has heard of a revision.
    pub(super) async fn follows(&mut self, rev: u64) {
        while self.state["rev"].as_u64().unwrap() < rev {
            let event = self.socket.event("REVIEW_SESSION_STATE_CHANGED").await;
            assert_eq!(event["id"], self.room.as_str());
            self.state = event["state"].clone();
        }
    }
}
