//! Mail by SMTP: what comes to the mail server, and what becomes of what does not.

mod server;

use std::time::Duration;

use rushes::{
    config::{Config, Limits},
    mail::{Encryption, Hidden, Retry, SmtpServer, Tally},
    rpc::Rate,
    store::outbox::{self, OutboxRow},
};
use serde_json::{Value, json};

use self::server::{Act, Event, PASSWORD, Smtp, USER};
use crate::{
    harness::{Folder, Rushes},
    process,
    world::{World, text},
};

const FROM: &str = "Rushes <review@rushes.test>";

/// A server that sends by this mail server, and tries again at once.
async fn world(smtp: &Smtp, change: impl FnOnce(&mut Config)) -> World {
    let rushes = Rushes::start_with(|config| {
        let rate = Rate { per_second: 1e9, burst: 1e9 };
        config.limits = Limits { user: rate, address: rate, ..config.limits };
        let login: (String, Hidden) = (USER.to_owned(), PASSWORD.parse().unwrap());
        config.mail.from = Some(FROM.parse().unwrap());
        config.mail.smtp = Some(SmtpServer {
            host: smtp.address.ip().to_string(),
            port: smtp.address.port(),
            encryption: Encryption::StartTls,
            login: Some(login),
            authorities: Some(smtp.authority.clone().into_bytes()),
        });
        config.mail.retry = Retry { first: Duration::ZERO, ..Retry::default() };
        change(config);
    })
    .await;
    World::of(rushes).await
}

impl World {
    async fn invites(&self, email: &str) -> Value {
        let body = json!({"email": email, "first_name": "New", "last_name": "Person",
            "security_group": 4, "project_id": self.project});
        self.ok(&self.admin, "/invite/user", body).await
    }

    /// Waits until this much has become of mails.
    async fn mails_come_to(&self, enough: impl FnMut(&Tally) -> bool) -> Tally {
        let mut tally = self.rushes.app().outbox.as_ref().unwrap().tally();
        *tally.wait_for(enough).await.unwrap()
    }

    async fn outbox(&self) -> Vec<OutboxRow> {
        let mut tx = self.rushes.app().store.read().await.unwrap();
        outbox::list(&mut tx, 100).await.unwrap()
    }
}

async fn signs_in(rushes: &Rushes, link: &str) -> bool {
    let token = link.split_once("token=").unwrap().1.split('&').next().unwrap();
    let body = json!({ "onetimetoken": token });
    rushes.post("/authenticate/user/onetimetoken", None, &body).await.0.is_success()
}

#[tokio::test]
async fn an_invitation_comes_encrypted_and_its_link_works() {
    let mut smtp = Smtp::start(&[]);
    let world = world(&smtp, |_| ()).await;
    world.invites("new@rushes.test").await;
    let letter = smtp.letter().await;
    assert!(letter.encrypted);
    assert_eq!(letter.login, Some((USER.to_owned(), PASSWORD.to_owned())));
    assert_eq!(
        (letter.from.as_str(), letter.to.as_str()),
        ("review@rushes.test", "new@rushes.test")
    );
    assert_eq!((letter.header("From"), letter.header("To")), (FROM, "new@rushes.test"));
    assert_eq!(letter.header("Subject"), "boss Test invites you to Dailies");
    assert!(letter.header("Date").ends_with(" +0000"));
    assert!(letter.header("Message-ID").ends_with("@rushes.test>"));
    assert!(signs_in(&world.rushes, &letter.link()).await);
    assert_eq!(world.mails_come_to(|tally| tally.sent == 1).await.deferred, 0);
    assert_eq!(world.outbox().await, []);
    assert!(!world.rushes.app().config.data.join("mail").exists(), "no file is left");
}

#[tokio::test]
async fn a_guest_of_a_room_gets_their_link() {
    let mut smtp = Smtp::start(&[]);
    let world = world(&smtp, |_| ()).await;
    let room = json!({"name": "Größe", "group_id": world.group, "user_ids": [],
        "playlist_ids": []});
    let room = world.ok(&world.admin, "/create/review_session", room).await;
    let body = json!({"review_session_id": room["id"], "emails": ["guest@rushes.test"]});
    world.ok(&world.admin, "/create/review_session/users", body).await;
    let letter = smtp.letter().await;
    assert_eq!(letter.to, "guest@rushes.test");
    assert!(letter.text.is_ascii(), "{}", letter.text);
    assert!(letter.body().contains("the review room Größe.\r\n"), "{}", letter.text);
    let link = letter.link();
    let (_, link) = link.split_once("/#/guest?u=").unwrap();
    let body = json!({"review_session_user_id": link, "firstname": "G", "lastname": "Uest"});
    let (status, answer) =
        world.rushes.post("/authenticate/user/review_session", None, &body).await;
    assert!(status.is_success(), "{answer}");
}

#[tokio::test]
async fn what_fails_for_now_is_sent_again_and_comes_once() {
    let later = Act::Refuse("RCPT", "451 4.7.1 greylisted, try again later");
    let mut smtp = Smtp::start(&[later, Act::Drop, Act::Refuse("EHLO", "421 too busy")]);
    let world = world(&smtp, |_| ()).await;
    world.invites("new@rushes.test").await;
    assert!(matches!(smtp.event().await, Event::Ended(asked) if asked.contains(&"RCPT".into())));
    assert_eq!(smtp.event().await, Event::Dropped);
    assert!(matches!(smtp.event().await, Event::Ended(asked) if asked[0] == "EHLO"));
    let letter = smtp.letter().await;
    assert!(signs_in(&world.rushes, &letter.link()).await);
    let tally = world.mails_come_to(|tally| tally.sent == 1).await;
    assert_eq!(tally, Tally { sent: 1, deferred: 3, failed: 0 });
    // What comes next is the next mail, not the same one again.
    world.invites("another@rushes.test").await;
    assert_eq!(smtp.letter().await.to, "another@rushes.test");
}

#[tokio::test]
async fn a_mail_server_that_is_not_there_is_waited_for() {
    let mut smtp = Smtp::closed(&[], true);
    let world = world(&smtp, |_| ()).await;
    world.invites("new@rushes.test").await;
    world.mails_come_to(|tally| tally.deferred > 0).await;
    smtp.open();
    assert_eq!(smtp.letter().await.to, "new@rushes.test");
}

#[tokio::test]
async fn what_is_refused_for_good_is_kept_and_not_sent_until_somebody_says_so() {
    let no = Act::Refuse("RCPT", "550 5.1.1 no such mailbox");
    let mut smtp = Smtp::start(&[no]);
    let world = world(&smtp, |_| ()).await;
    world.invites("gone@rushes.test").await;
    world.mails_come_to(|tally| tally.failed == 1).await;
    assert!(matches!(smtp.event().await, Event::Ended(_)));
    let kept = world.outbox().await;
    assert_eq!((kept.len(), kept[0].recipient.as_str()), (1, "gone@rushes.test"));
    assert!(kept[0].failed.is_some());
    let error = kept[0].error.as_deref().unwrap();
    assert!(error.contains("550") && error.contains("no such mailbox"), "{error}");
    let metrics = world.rushes.client.get(world.rushes.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in ["rushes_mail_failed 1", "rushes_mail_waiting 0", "rushes_mail_failed_total 1"] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
    world.invites("new@rushes.test").await;
    assert_eq!(smtp.letter().await.to, "new@rushes.test", "the other is not tried again");

    let told = process::admin(&world.rushes.app().config.data, &["mail"]).await.unwrap();
    assert_eq!((&told[0]["to"], &told[0]["tries"]), (&json!("gone@rushes.test"), &json!(1)));
    let data = &world.rushes.app().config.data;
    let again = process::admin(data, &["mail", "--again"]).await.unwrap();
    assert_eq!(again, json!({"again": 1}));
    world.invites("third@rushes.test").await;
    let mut two = [smtp.letter().await.to, smtp.letter().await.to];
    two.sort();
    assert_eq!(two, ["gone@rushes.test", "third@rushes.test"]);
}

#[tokio::test]
async fn a_password_that_is_refused_loses_no_mail() {
    let mut smtp = Smtp::start(&[]);
    let wrong = |config: &mut Config| {
        let smtp = config.mail.smtp.as_mut().unwrap();
        smtp.login = Some((USER.to_owned(), "south".parse().unwrap()));
        // Nobody waits for the second try.
        config.mail.retry = Retry::default();
    };
    let world = world(&smtp, wrong).await;
    world.invites("new@rushes.test").await;
    let tally = world.mails_come_to(|tally| tally.deferred == 1).await;
    assert_eq!(tally.failed, 0);
    let Event::Ended(asked) = smtp.event().await else { panic!() };
    assert!(asked.contains(&"AUTH".to_owned()) && !asked.contains(&"MAIL".to_owned()), "{asked:?}");
    let waiting = world.outbox().await;
    assert!(waiting[0].failed.is_none() && waiting[0].next_try > waiting[0].queued);
    assert!(waiting[0].error.as_deref().unwrap().contains("535"));
}

/// Whoever is on the way could leave the offer of STARTTLS out, or put their own certificate in.
#[tokio::test]
async fn nothing_is_told_to_a_server_that_does_not_encrypt_or_is_another() {
    let once = |config: &mut Config| config.mail.retry = Retry::default();
    let mut smtp = Smtp::start_without_tls(&[]);
    let plain = world(&smtp, once).await;
    plain.invites("new@rushes.test").await;
    plain.mails_come_to(|tally| tally.deferred == 1).await;
    let Event::Ended(asked) = smtp.event().await else { panic!() };
    assert!(asked.iter().all(|asked| ["EHLO", "QUIT"].contains(&asked.as_str())), "{asked:?}");

    let mut smtp = Smtp::start(&[]);
    let other = Smtp::closed(&[], true).authority;
    let world = world(&smtp, |config| {
        once(config);
        config.mail.smtp.as_mut().unwrap().authorities = Some(other.into_bytes());
    })
    .await;
    world.invites("new@rushes.test").await;
    world.mails_come_to(|tally| tally.deferred == 1).await;
    let Event::Ended(asked) = smtp.event().await else { panic!() };
    assert_eq!(asked, ["EHLO", "STARTTLS"]);
}

#[tokio::test]
async fn a_mail_that_is_too_old_is_given_up() {
    let mut smtp = Smtp::start(&[Act::Refuse("MAIL", "451 later")]);
    let give_up = |config: &mut Config| config.mail.retry.give_up = Duration::ZERO;
    let world = world(&smtp, give_up).await;
    world.invites("new@rushes.test").await;
    let tally = world.mails_come_to(|tally| tally.failed == 1).await;
    assert_eq!(tally, Tally { sent: 0, deferred: 0, failed: 1 });
    assert!(matches!(smtp.event().await, Event::Ended(_)));
    assert!(world.outbox().await[0].error.as_deref().unwrap().contains("451"));
}

/// Those of the data folder, to look for a secret in.
fn all_bytes(folder: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(all_bytes(&path));
        } else {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn a_kill_after_the_answer_loses_no_mail_and_leaves_no_link_to_read() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let mut smtp = Smtp::start(&[Act::Hang]);
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, &smtp.authority).unwrap();
    let url = format!("smtp://{USER}@{}", smtp.address);
    let options = |command: &mut tokio::process::Command| {
        command.args(["--smtp", &url, "--mail-from", FROM, "--smtp-ca"]).arg(&authority);
        command.env("RUSHES_SMTP_PASSWORD", PASSWORD);
    };
    let (mut child, runtime) = process::serve_with(&data, options).await;
    let client = reqwest::Client::new();
    let post = async |runtime: &Value, path: &str, token: &str, body: &Value| -> Value {
        let url = format!("http://{}{path}", runtime["http"].as_str().unwrap());
        let answer = client.post(url).header("X-Token", token).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    };
    let admin = std::fs::read(data.join("admin.json")).unwrap();
    let admin: Value = serde_json::from_slice(&admin).unwrap();
    let pair = json!({"api_id": admin["api_id"], "api_key": admin["api_key"]});
    let token = text(&post(&runtime, "/authenticate/api", "", &pair).await["token"]);
    let body = json!({"email": "new@rushes.test", "first_name": "New", "last_name": "Person",
        "security_group": 4, "company_id": admin["company_id"]});
    post(&runtime, "/invite/user", &token, &body).await;
    smtp.connection().await;
    process::signal(&child, "-KILL");
    child.wait().await.unwrap();
    let left = all_bytes(&data);
    assert!(matches!(smtp.event().await, Event::Ended(_)));

    smtp.goes_on(&[]);
    let (_child, runtime) = process::serve_with(&data, options).await;
    let letter = smtp.letter().await;
    assert_eq!(letter.to, "new@rushes.test");
    let link = letter.link();
    let token = link.split_once("token=").unwrap().1.split('&').next().unwrap();
    assert_eq!(token.len(), 64);
    assert!(!left.windows(64).any(|part| part.eq_ignore_ascii_case(token.as_bytes())));
    let body = json!({ "onetimetoken": token });
    post(&runtime, "/authenticate/user/onetimetoken", "", &body).await;
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_named_at_the_start() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let file = folder.path().join("rushes.toml");
    for (text, expected) in [
        ("smtp = 'mail.rushes.test'", "--smtp"),
        ("smtp = 'smtp://mail.rushes.test'", "--mail-from"),
        ("smtp = 'smtp://me@mail.rushes.test'", "RUSHES_SMTP_PASSWORD"),
        ("smtp = 'smtp://me:hush@mail.rushes.test'", "must not hold the password"),
        ("smtp-starttls = 'perhaps'", "smtp-starttls"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = process::admin(&data, &["create-company", "--name", "x"]).await.unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

#[tokio::test]
async fn without_a_mail_server_it_lies_in_files() {
    let world = World::new().await;
    world.invites("new@rushes.test").await;
    let mails = world.mails("new@rushes.test");
    assert_eq!(mails.len(), 1);
    for header in ["To: new@rushes.test\r\n", "\r\nFrom: ", "\r\nDate: ", "\r\nMessage-ID: <"] {
        assert!(mails[0].contains(header), "{header:?} is not in {}", mails[0]);
    }
    assert_eq!(world.outbox().await, []);
    assert!(!world.rushes.app().config.data.join("mail.key").exists());
}
