//! What questions about people cost on a server of some size: 10,000 folders nested up to 12 deep,
//! 2,000 people, 200 teams. Each is a whole request through the pipeline, without a socket; how
//! long its answer is stands before it. `cargo bench --bench people`.

#![allow(clippy::print_stdout, reason = "it prints what it has measured")]

use std::{sync::Arc, time::Duration};

use criterion::{Bencher, Criterion};
use rushes::{
    Listeners, Server,
    app::App,
    config::{Config, Limits},
    ids::{ProjectId, UserId},
    provision,
    rpc::{Call, Rate, execute},
    store::{
        companies, credentials,
        credentials::NewToken,
        groups,
        members::{self, MemberRow},
        projects,
        teams::{self, TeamMember},
        text::TokenKind,
    },
    time::Millis,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const FOLDERS: usize = 10_000;
const DEPTH: usize = 12;
const PEOPLE: usize = 2_000;
const TEAMS: usize = 200;

struct World {
    member: UserId,
    token: String,
    admin: String,
    deep: ProjectId,
    /// The folder of the member's that the deep one is in.
    top: ProjectId,
    company: String,
    group: String,
}

/// A generator that makes the same world each time (Knuth's multiplier, MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

async fn token(app: &App, user_id: UserId) -> String {
    let mut tx = app.store.write().await.expect("a writer");
    let lifetime = Duration::from_secs(3600);
    let new = NewToken { user_id, kind: TokenKind::User, room_id: None, lifetime };
    let token = credentials::create_token(&mut tx, new, Millis::now()).await.expect("a token");
    tx.commit().await.expect("a commit");
    token.reveal().to_owned()
}

async fn build(app: &App) -> World {
    let now = Millis::now();
    let mut dice = Dice(7);
    let mut tx = app.store.write().await.expect("a writer");
    let company = companies::create(&mut tx, "Company", now).await.expect("a company");
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        let email = format!("person{n}@rushes.test");
        let user = provision::create_user(&mut tx, company, &email, ("Some", "Body"), n == 0, now);
        people.push(user.await.expect("a person"));
    }
    let group = groups::create(&mut tx, company, people[0], "Production", now).await;
    let group = group.expect("a production").id;
    let mut folders: Vec<(ProjectId, usize)> = Vec::new();
    for n in 0..FOLDERS {
        let parent = (n > 20).then(|| folders[dice.roll(n)]).filter(|(_, depth)| *depth < DEPTH);
        let (above, depth) = parent.map_or((None, 1), |(id, depth)| (Some(id), depth + 1));
        let name = format!("Folder {n}");
        let made = projects::create(&mut tx, group, above, people[0], &name, now).await;
        folders.push((made.expect("a folder").id, depth));
    }
    for n in 0..TEAMS {
        let team = teams::create(&mut tx, company, None, &format!("Team {n}"), now).await;
        let team = team.expect("a team");
        let row = teams::get(&mut tx, people[0], team).await.expect("a team").expect("a team");
        for _ in 0..PEOPLE / TEAMS * 2 {
            let member = TeamMember { security_group_id: 5, role_id: None };
            let user = people[1 + dice.roll(PEOPLE - 1)];
            teams::set_member(&mut tx, &row, user, member, now).await.expect("a member");
        }
        let folder = folders[dice.roll(FOLDERS)].0;
        teams::let_into_project(&mut tx, folder, team, now).await.expect("a place");
    }
    for user in &people[1..] {
        for _ in 0..3 {
            let member = MemberRow { security_group_id: 4, project_role: None };
            let folder = folders[dice.roll(FOLDERS)].0;
            members::set_project_member(&mut tx, folder, *user, &member, now)
                .await
                .expect("a member");
        }
    }
    let (deep, _) = *folders.iter().max_by_key(|(_, depth)| *depth).expect("folders");
    let member = people[1];
    let place = MemberRow { security_group_id: 4, project_role: None };
    let way = projects::ancestors(&mut tx, deep).await.expect("the way");
    members::set_project_member(&mut tx, way[0].0, member, &place, now).await.expect("a member");
    tx.commit().await.expect("a commit");
    World {
        member,
        token: token(app, member).await,
        admin: token(app, people[0]).await,
        deep,
        top: way[0].0,
        company: company.to_string(),
        group: group.to_string(),
    }
}

/// Runs one question again and again, as whoever has the token.
struct Question<'a> {
    app: &'a Arc<App>,
    path: &'a str,
    token: &'a str,
    parameters: Value,
}

impl Question<'_> {
    async fn ask(&self) -> String {
        let call = Call {
            path: self.path.to_owned(),
            parameters: self.parameters.clone(),
            token: Some(self.token.to_owned()),
            peer: [127, 0, 0, 1].into(),
        };
        execute(self.app, call).await.expect("an answer")
    }

    fn measure(self, criterion: &mut Criterion, runtime: &Runtime, name: &str) {
        let bytes = runtime.block_on(self.ask()).len();
        println!("{name}: {} answers {bytes} bytes", self.path);
        criterion.bench_function(name, |bencher: &mut Bencher<'_>| {
            bencher.to_async(runtime).iter(|| self.ask());
        });
    }
}

async fn start(folder: std::path::PathBuf) -> Server {
    let mut config = Config::local(folder);
    let rate = Rate { per_second: 1e9, burst: 1e9 };
    config.limits = Limits { user: rate, address: rate, ..config.limits };
    let listeners = Listeners::bind(&config).await.expect("a socket");
    Server::start(config, listeners).await.expect("a server")
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::TempDir::new().expect("a folder");
    let server = runtime.block_on(start(folder.path().to_owned()));
    let app = server.app();
    let world = runtime.block_on(build(app));
    let (member, admin) = (world.token.as_str(), world.admin.as_str());
    let all = json!({"group_id": world.group});
    let roots = json!({"group_id": world.group, "roots_only": true, "include_child_count": true});
    let below = json!({"parent_project_id": world.top, "include_child_count": true});
    let deep = json!({"id": world.deep, "include_breadcrumbs": true});
    let one = json!({"project_id": world.deep, "user_id": world.member});
    let search = json!({"id": world.company, "search": "person199"});
    let none = json!({});
    let questions = [
        ("a member's folders", "/get/projects", member, &all),
        ("a member's outermost folders", "/get/projects", member, &roots),
        ("the folders in one of a member's", "/get/projects", member, &below),
        ("the outermost folders, administrator", "/get/projects", admin, &roots),
        ("all 10,000 folders, administrator", "/get/projects", admin, &all),
        ("a folder with its breadcrumbs", "/get/project", member, &deep),
        ("a folder with its breadcrumbs, administrator", "/get/project", admin, &deep),
        ("what somebody may do in a folder", "/get/project/user", member, &one),
        ("a member's productions", "/get/groups", member, &none),
        ("a search among the people", "/get/company/search/users", admin, &search),
    ];
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    for (name, path, token, parameters) in questions {
        let question = Question { app, path, token, parameters: parameters.clone() };
        question.measure(&mut criterion, &runtime, name);
    }
    criterion.final_summary();
    runtime.block_on(server.shutdown()).expect("an end");
}
