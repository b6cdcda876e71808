//! People, teams and productions: who may do what, where.

mod companies;
mod devices;
mod externals;
mod folders;
mod import;
mod invitations;
mod leaving;
mod matrix;
mod model;
mod moves;
mod purpose;
mod statements;
mod teams;
mod things;

use rushes::{
    provision,
    store::{text::TokenKind, users},
    time::Millis,
};
use serde_json::{Value, json};

use crate::{
    harness::{Person, Socket},
    world::{World, text, token},
};

impl World {
    /// Somebody who belongs to the company, and is in no folder.
    pub(crate) async fn colleague(&self, name: &str) -> Person {
        let mut tx = self.rushes.app().store.write().await.unwrap();
        let (company, email) = (self.company.parse().unwrap(), format!("{name}@rushes.test"));
        let names = (name, "Test");
        let now = Millis::now();
        let id = provision::create_user(&mut tx, company, &email, names, false, now).await.unwrap();
        let token = token(&mut tx, id, TokenKind::User).await;
        tx.commit().await.unwrap();
        Person { id, token }
    }

    /// Whoever runs the server, beside the administrator of its first start.
    pub(crate) async fn operator(&self) -> Person {
        let person = self.rushes.person("operator").await;
        let mut tx = self.rushes.app().store.write().await.unwrap();
        users::set_sysop(&mut tx, person.id, true).await.unwrap();
        tx.commit().await.unwrap();
        person
    }

    /// A team of the company, or of the production.
    pub(crate) async fn team(&self, name: &str, group: Option<&str>) -> String {
        let body = json!({"company_id": self.company, "group_id": group, "name": name,
            "settings": {}});
        text(&self.ok(&self.admin, "/create/team", body).await["id"])
    }

    /// Puts somebody into a team.
    pub(crate) async fn join_team(&self, team: &str, who: &Person, security_group: i64) {
        let body = json!({"id": team, "user_id": who.id, "security_group_id": security_group});
        self.ok(&self.admin, "/add/team/user", body).await;
    }

    /// Makes somebody a member of the whole production.
    pub(crate) async fn join_group(&self, who: &Person, security_group: i64) {
        let body = json!({"group_id": self.group, "email": self.email(who).await,
            "first_name": "x", "last_name": "x", "security_group": security_group});
        self.ok(&self.admin, "/invite/user", body).await;
    }

    /// Makes somebody a member of a folder.
    pub(crate) async fn join_folder(&self, folder: &str, who: &Person, security_group: i64) {
        let body = json!({"project_id": folder, "email": self.email(who).await,
            "first_name": "x", "last_name": "x", "security_group": security_group});
        self.ok(&self.admin, "/invite/user", body).await;
    }

    pub(crate) async fn email(&self, who: &Person) -> String {
        text(&self.ok(who, "/get/user", json!({})).await["email"])
    }

    /// Whether somebody sees a folder, and what of these they may do in it.
    pub(crate) async fn may(&self, who: &Person, folder: &str, permission: &str) -> Option<bool> {
        let body = json!({"id": folder});
        let (status, answer) = self.rushes.post("/get/project", Some(&who.token), &body).await;
        status.is_success().then(|| answer[permission].as_bool().unwrap())
    }

    /// Waits for the end of a task, and gives the last thing it said.
    pub(crate) async fn task_ends(&self, socket: &mut Socket, task: &Value) -> Value {
        loop {
            let event = socket.event("TASK_PROGRESS").await;
            if event["task_id"] == *task && event["status"] != "RUNNING" {
                return event;
            }
        }
    }

    /// A connection of the administrator's that hears of tasks.
    pub(crate) async fn listen(&self) -> Socket {
        let mut socket = self.rushes.socket(Some(&self.admin.token)).await;
        // Answered once the connection is known.
        socket.ask("/ping", &json!({}), None).await;
        socket
    }

    /// The mails that were sent to an address, oldest first.
    pub(crate) fn mails(&self, to: &str) -> Vec<String> {
        let folder = self.rushes.app().config.data.join("mail");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let read = paths.iter().map(|path| std::fs::read_to_string(path).unwrap());
        read.filter(|mail| mail.contains(&format!("To: {to}\r\n"))).collect()
    }
}
