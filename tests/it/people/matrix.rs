//! Every endpoint about people and productions, and who may use it: [`table`] says it, and this
//! walks through it.

mod table;

use rushes::{
    contract::{ENDPOINTS, Endpoint},
    store::{credentials, text::TokenKind},
    time::Millis,
};
use serde_json::{Map, Value, json};

use self::table::TABLE;
use crate::{
    harness::{Person, code},
    world::{World, text, token},
};

/// The categories that are walked through.
pub(super) const CATEGORIES: &[&str] = &[
    "ADMIN",
    "AUTH",
    "COMPANY",
    "CONSENTDOC",
    "CUSTOMIZATION",
    "CUSTOMMETADATA",
    "DOMAIN",
    "HOME",
    "HOMEUSERWIDGET",
    "LICENSE",
    "PARTICIPANT",
    "PRODUCTIONFOLDER",
    "PROJECT",
    "SERVERSTATUS",
    "TASK",
    "TEAM",
    "TEMPLATE",
    "USECASE",
    "USER",
];

/// What every row finds.
struct Known {
    world: World,
    operator: Person,
    ids: Map<String, Value>,
    made: u32,
}

impl Known {
    async fn new() -> Self {
        let world = World::new().await;
        let operator = world.operator().await;
        let raise = json!({"project_id": world.project, "user_id": world.contributor.id,
            "security_group": 1});
        world.ok(&world.admin, "/update/project/user", raise).await;
        let member = world.colleague("member").await;
        world.join_folder(&world.project, &member, 5).await;
        let team = world.team("Known", None).await;
        world.join_team(&team, &member, 5).await;
        let let_in = json!({"id": world.project, "team_id": team});
        world.ok(&world.admin, "/add/project/team", let_in).await;
        let license = json!({"company_id": world.company, "type": "TRIAL"});
        let license = world.ok(&operator, "/create/company/license", license).await;
        let domain = json!({"company": world.company, "domain": "known.example"});
        let domain = world.ok(&operator, "/admin/create/domain", domain).await;
        let widget = json!({"widget_name": "x", "widget_type": "PRODUCTIONS",
            "widget_definition": {}, "widget_settings": {}});
        let widget = world.ok(&world.admin, "/home/create/widget", widget).await;
        let theirs = world.ok(&world.stranger, "/get/companies", json!({})).await;
        let allow = json!({"id": world.company, "disallow_impersonation": false});
        world.ok(&world.admin, "/update/company", allow).await;
        let task = json!({"group_id": world.group, "name": "x", "include_projects": false,
            "include_teams": false, "include_users": false});
        let task = world.ok(&world.admin, "/create/template", task).await;
        let (api_id, api_key) = world.key_pair(&world.viewer).await;
        let ids = json!({
            "api_id": api_id, "api_key": api_key, "guest_link": world.guest_link().await,
            "company": world.company, "group": world.group, "project": world.project,
            "viewer": world.viewer.id, "member": member.id, "operator": operator.id,
            "team": team, "license": license["id"], "domain": domain["id"],
            "widget": widget["widget_id"], "token": world.viewer.token, "task": task["task_id"],
            "other_company": theirs[0]["id"], "unknown": "0".repeat(32),
        });
        let Value::Object(ids) = ids else { unreachable!() };
        Self { world, operator, ids, made: 0 }
    }

    fn who(&self) -> [Option<&Person>; 6] {
        let world = &self.world;
        [
            None,
            Some(&world.stranger),
            Some(&world.viewer),
            Some(&world.contributor),
            Some(&world.admin),
            Some(&self.operator),
        ]
    }

    /// Something of which there is one for each request.
    async fn fresh(&mut self, name: &str) -> Value {
        self.made += 1;
        let unique = format!("{name} {}", self.made);
        let world = &self.world;
        let (group, project) = (&world.group, &world.project);
        let ask = async |path: &str, body: Value| world.ok(&world.admin, path, body).await;
        match name {
            "name" => json!(unique),
            "email" => json!(format!("person{}@rushes.test", self.made)),
            "domain_name" => json!(format!("d{}.example", self.made)),
            "team" => json!(world.team(&unique, None).await),
            "let_in" => {
                let team = world.team(&unique, None).await;
                ask("/add/group/team", json!({"id": group, "team_id": team})).await;
                json!(team)
            }
            "let_in_folder" => {
                let team = world.team(&unique, None).await;
                ask("/add/project/team", json!({"id": project, "team_id": team})).await;
                json!(team)
            }
            "folder" => json!(world.folder("Fresh", Some(project)).await),
            "group" => {
                let body = json!({"name": "Fresh", "company_id": world.company});
                ask("/create/group", body).await["id"].clone()
            }
            "production_folder" => {
                let body = json!({"name": "Fresh", "company_id": world.company});
                ask("/create/production_folder", body).await["id"].clone()
            }
            "template" => {
                let body = json!({"group_id": group, "name": "x", "include_projects": false,
                    "include_teams": false, "include_users": false});
                ask("/create/template", body).await["template_id"].clone()
            }
            "widget" => {
                let body = json!({"widget_name": "x", "widget_type": "PRODUCTIONS",
                    "widget_definition": {}, "widget_settings": {}});
                ask("/home/create/widget", body).await["widget_id"].clone()
            }
            "domain_asset" => {
                let body = json!({"domain": self.ids["domain"], "type": "x", "content_type": "x",
                    "data": ""});
                ask("/create/domain/asset", body).await["id"].clone()
            }
            "customization" => {
                let body = json!({"company_id": world.company, "name": "x", "type": "x",
                    "data_base64": ""});
                ask("/create/customization", body).await["id"].clone()
            }
            "one_time" => {
                let mut tx = world.rushes.app().store.write().await.unwrap();
                let token = token(&mut tx, world.viewer.id, TokenKind::OneTime).await;
                tx.commit().await.unwrap();
                json!(token)
            }
            "device" | "device_code" | "immediates" => {
                let scope = if name == "immediates" { "IMMEDIATES" } else { "DEFAULT" };
                let body = json!({"authentication_scope": scope});
                let code = if name == "device_code" { "device_code" } else { "user_code" };
                world.rushes.post("/authenticate/device", None, &body).await.1[code].clone()
            }
            other => panic!("nothing is called +{other}"),
        }
    }

    /// A body with everything in it that it names.
    async fn body(&mut self, template: &str) -> Value {
        let mut body: Value = serde_json::from_str(template).unwrap();
        for value in body.as_object_mut().unwrap().values_mut() {
            let inner = match value {
                Value::Array(list) if list.len() == 1 => &mut list[0],
                other => other,
            };
            let Some(name) = inner.as_str().map(str::to_owned) else { continue };
            if let Some(name) = name.strip_prefix('$') {
                *inner = self.ids[name].clone();
            } else if let Some(name) = name.strip_prefix('+') {
                *inner = self.fresh(name).await;
            }
        }
        body
    }
}

impl World {
    /// The id and the key that a script of somebody's signs in with.
    async fn key_pair(&self, who: &Person) -> (String, String) {
        let mut tx = self.rushes.app().store.write().await.unwrap();
        let pair = credentials::create_api_key(&mut tx, who.id, Millis::now()).await.unwrap();
        tx.commit().await.unwrap();
        (pair.api_id, pair.api_key.reveal().to_owned())
    }

    /// What the link of a room's guest has in it.
    pub(crate) async fn guest_link(&self) -> String {
        let room = json!({"group_id": self.group, "name": "Room"});
        let room = self.ok(&self.admin, "/create/review_session", room).await;
        let guest = json!({"review_session_id": room["id"], "emails": ["guest@rushes.test"]});
        self.ok(&self.admin, "/create/review_session/users", guest).await;
        let mail = self.mails("guest@rushes.test").remove(0);
        let (_, link) = mail.split_once("/#/guest?u=").unwrap();
        link.lines().next().unwrap().to_owned()
    }

    /// What somebody is answered: 0 is success, anything else an error code.
    async fn verdict(&self, path: &str, who: Option<&Person>, body: &Value) -> u64 {
        let request = self.rushes.client.post(self.rushes.url(path)).json(body);
        let request = who.into_iter().fold(request, |all, who| all.header("X-Token", &who.token));
        let response = request.send().await.unwrap();
        // A success may be a picture.
        if response.status().is_success() { 0 } else { code(&response.json().await.unwrap()) }
    }
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let mut known = Known::new().await;
    let mut wrong = Vec::new();
    for (path, template, expected) in TABLE {
        for (column, expected) in expected.iter().enumerate() {
            let body = known.body(template).await;
            let found = known.world.verdict(path, known.who()[column], &body).await;
            if found != *expected {
                wrong.push(format!("{path} {template} column {column}: {found}, not {expected}"));
            }
        }
        // Impersonation and consent leave the others as they are; a member taken out comes back.
        let member = text(&known.ids["member"]);
        let back = json!({"id": known.ids["team"], "user_id": member});
        known.world.ok(&known.world.admin, "/add/team/user", back).await;
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is built of the categories that are walked through.
pub(super) fn built() -> impl Iterator<Item = &'static Endpoint> {
    let routes = rushes::api::routes();
    let ours = ENDPOINTS.iter().filter(|row| CATEGORIES.contains(&row.category));
    ours.filter(move |row| routes.get(row.path).is_some())
}

#[test]
fn the_table_has_every_endpoint_of_its_categories() {
    for row in built() {
        let rows: Vec<_> = TABLE.iter().filter(|(path, _, _)| *path == row.path).collect();
        assert!(!rows.is_empty(), "{} is not walked", row.path);
        for (path, body, verdicts) in rows {
            assert_eq!(verdicts[0] == 405, row.token, "{path} {body}: what nobody is told");
        }
    }
}
